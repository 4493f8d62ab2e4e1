//! What happens to payments, for those who follow along.

use std::{
    collections::VecDeque,
    slice,
    sync::{Arc, Mutex, MutexGuard},
};

use domain::{Lsn, MerchantId, PaymentId, Record};
use index::concerned;

use crate::{IndexError, PaymentView, payments::decided_in};

/// How many records about payments are kept for watchers, unless the process says otherwise.
pub const WATCH_RETAINED_RECORDS: usize = 65_536;

/// How many records one call looks at in search of such as concern its merchant.
const SCAN_RECORDS_MAX: usize = 4_096;

/// What happened to payments after some position, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchBatch {
    /// The records, each with every payment it concerns.
    pub records: Vec<WatchedRecord>,
    /// Everything up to this position was looked at: the next call goes on after it.
    pub up_to: Lsn,
}

/// A record about payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedRecord {
    /// The record.
    pub record: Arc<Record>,
    /// The payments it concerns, in order, each right after it. One stands here twice if two of its refunds were priced.
    pub payments: Vec<PaymentView>,
}

/// The watcher asked for records that are no longer kept: it was too slow, or away too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what happened to payments is kept from lsn {first} on only")]
pub struct BelowRetained {
    /// Every record about a payment from this position on is kept.
    pub first: Lsn,
}

/// Why a watch cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// It is too far behind.
    #[error(transparent)]
    BelowRetained(#[from] BelowRetained),
    /// What is told of a record cannot be read.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// The last records about payments. Readers pull; nothing is queued for any of them, so a slow one costs nothing and
/// holds nobody up.
#[derive(Debug)]
pub(crate) struct WatchRing {
    state: Mutex<State>,
    capacity_records: usize,
}

/// A payment right after one record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Concerned {
    pub(crate) payment_id: PaymentId,
    pub(crate) merchant: MerchantId,
    /// How often the record concerns the payment again after this.
    pub(crate) followers: u32,
}

/// A record with what is wanted of it.
pub(crate) type Found = (Arc<Record>, Vec<Concerned>);

#[derive(Debug)]
struct State {
    kept: VecDeque<Kept>,
    /// The last record that was dropped, or the position behind which the ring began.
    dropped: Lsn,
}

#[derive(Debug)]
struct Kept {
    record: Arc<Record>,
    concerned: OneOrMany,
}

/// Nearly every record concerns one payment.
#[derive(Debug)]
enum OneOrMany {
    One(Concerned),
    Many(Box<[Concerned]>),
}

impl WatchRing {
    /// A ring that begins behind this position.
    pub(crate) fn new(capacity_records: usize, start: Lsn) -> Self {
        let state = State { kept: VecDeque::new(), dropped: start };
        Self { state: Mutex::new(state), capacity_records }
    }

    /// Keeps a record; the payments it concerns were entered before. One that concerns none is not kept.
    pub(crate) fn push(&self, record: &Arc<Record>, concerned: Vec<Concerned>) {
        let concerned = match *concerned {
            [] => return,
            [one] => OneOrMany::One(one),
            _ => OneOrMany::Many(concerned.into()),
        };
        let mut state = self.lock();
        state.kept.push_back(Kept { record: Arc::clone(record), concerned });
        while state.kept.len() > self.capacity_records
            && let Some(oldest) = state.kept.pop_front()
        {
            state.dropped = oldest.record.lsn;
        }
    }

    /// At most `limit` records after this position that concern this merchant, and the position up to which all were
    /// looked at, given that all up to `applied` are here.
    pub(crate) fn after(
        &self,
        merchant: Option<MerchantId>,
        after: Lsn,
        limit: usize,
        applied: Lsn,
    ) -> Result<(Vec<Found>, Lsn), BelowRetained> {
        let state = self.lock();
        if after < state.dropped {
            return Err(BelowRetained { first: state.dropped.next() });
        }
        let start = state.kept.partition_point(|kept| kept.record.lsn <= after);
        let (mut found, mut looked_at) = (Vec::new(), after);
        for kept in state.kept.range(start..).take(SCAN_RECORDS_MAX) {
            if found.len() >= limit {
                break;
            }
            looked_at = kept.record.lsn;
            let wanted = kept.concerned.of(merchant);
            if !wanted.is_empty() {
                found.push((Arc::clone(&kept.record), wanted));
            }
        }
        let is_last = state.kept.back().is_none_or(|last| last.record.lsn <= looked_at);
        Ok((found, if is_last { looked_at.max(applied) } else { looked_at }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the ring's lock panics")
    }
}

impl OneOrMany {
    fn of(&self, merchant: Option<MerchantId>) -> Vec<Concerned> {
        let all = match self {
            Self::One(one) => slice::from_ref(one),
            Self::Many(many) => many,
        };
        all.iter().filter(|concerned| merchant.is_none_or(|only| only == concerned.merchant)).copied().collect()
    }
}

/// The payments a record concerns, in order.
pub(crate) fn concerned_by<E>(
    record: &Record,
    merchant: impl Fn(PaymentId) -> Result<MerchantId, E>,
) -> Result<Vec<Concerned>, E> {
    let payments: Vec<PaymentId> = concerned(record).collect();
    // A record that decides payments tells whose they are.
    let of_one = decided_in(record).next().map(|command| command.merchant);
    let concerned = payments.iter().enumerate().map(|(place, payment_id)| {
        let later = payments.iter().skip(place.saturating_add(1)).filter(|later| *later == payment_id).count();
        let merchant = match of_one {
            Some(of_one) => of_one,
            None => merchant(*payment_id)?,
        };
        let followers = u32::try_from(later).expect("a record prices fewer than 2^32 refunds");
        Ok(Concerned { payment_id: *payment_id, merchant, followers })
    });
    concerned.collect()
}

#[cfg(test)]
mod tests;
