//! Payments in the order they were decided.

use std::{
    collections::{HashMap, VecDeque},
    sync::RwLock,
};

use domain::{AuthorizePayment, Lsn, MerchantId, PaymentId, PaymentState, Record, TOGETHER_PAYMENTS_MAX, Timestamp};
use foldhash::fast::RandomState;
use index::{DecidedPayment, Index};
use money::Currency;

use super::{decided_in, view::PaymentView};

use crate::IndexError;

/// How many payments a page may look at in search of such as fit its filter, unless the caller wants fewer.
pub const LIST_SCAN_MAX: usize = 4_096;

/// The most payments copied out of a list at once: others wait for that long.
const CHUNK_PAYMENTS_MAX: usize = 512;

/// Which payments to list. Everything that is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// In one of these states; none means any.
    pub states: Vec<PaymentState>,
    /// Decided at this moment or later.
    pub decided_from: Option<Timestamp>,
    /// Decided before this moment.
    pub decided_to: Option<Timestamp>,
    /// Presented in this currency.
    pub presentment_currency: Option<Currency>,
}

/// Payments in the order they were decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentPage {
    /// The payments that fit, as they stand.
    pub payments: Vec<PaymentView>,
    /// Behind which place the next page begins; `None` when this one reaches the end. There may be a next page although
    /// this one is short, even empty: the page had looked at as many payments as it may.
    pub next: Option<ListPlace>,
}

/// A place in the order of decision: behind one payment of a record, and all that were decided before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListPlace {
    lsn: Lsn,
    /// Which of those the record decided together, counted from 0.
    position: u16,
}

/// No journal reaches a position that needs more bits, and no record decides more payments than the others tell.
const PLACE_LSN_BITS: u32 = 48;
const _: () = assert!(TOGETHER_PAYMENTS_MAX <= 1 << (u64::BITS - PLACE_LSN_BITS));

impl ListPlace {
    /// As one number: the position of the record, and above that which of its payments.
    #[must_use]
    pub fn number(self) -> u64 {
        (u64::from(self.position) << PLACE_LSN_BITS) | self.lsn.get()
    }

    /// The place with this number.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        let position = u16::try_from(number >> PLACE_LSN_BITS).expect("16 bits are left");
        Self { lsn: Lsn::new(number & ((1 << PLACE_LSN_BITS) - 1)), position }
    }

    /// The place behind the next payment, which this record decided.
    pub(super) fn next(self, lsn: Lsn) -> Self {
        let position = if self.lsn == lsn { self.position.saturating_add(1) } else { 0 };
        Self { lsn, position }
    }

    /// The last position of which nothing is needed behind this place.
    fn before(self) -> Lsn {
        Lsn::new(self.lsn.get().saturating_sub(1))
    }

    /// How many of these payments, which all are behind [`before`](Self::before), are not behind this place.
    fn told(self, first: Option<&DecidedPayment>) -> usize {
        if first.is_some_and(|first| first.lsn == self.lsn) { usize::from(self.position).saturating_add(1) } else { 0 }
    }
}

/// Behind the payment that a record decided, or the first of those it decided together.
impl From<Lsn> for ListPlace {
    fn from(lsn: Lsn) -> Self {
        Self { lsn, position: 0 }
    }
}

/// Payments that were decided: all, and by merchant. Old ones are in the index only.
#[derive(Debug)]
pub(super) struct Listing {
    index: Option<Index>,
    lists: RwLock<Lists>,
}

#[derive(Debug)]
struct Lists {
    // Invariant: no list falls with lsn, and each is above `forgotten`.
    all: VecDeque<DecidedPayment>,
    of_merchant: HashMap<MerchantId, VecDeque<DecidedPayment>, RandomState>,
    /// What was decided up to here is in the index.
    forgotten: Lsn,
}

impl PaymentFilter {
    /// Whether this payment fits; the moment of its decision is not looked at.
    fn fits(&self, payment: &PaymentView) -> bool {
        let currency = payment.authorize().presentment_amount.currency();
        let currency_fits = self.presentment_currency.is_none_or(|only| only == currency);
        currency_fits && (self.states.is_empty() || self.states.contains(&payment.state()))
    }

    /// The first of a list behind this place and of the moments asked for, as far as they begin: time rises with
    /// position.
    fn first(&self, list: &VecDeque<DecidedPayment>, after: ListPlace, limit: usize) -> Vec<DecidedPayment> {
        let is_before = |payment: &DecidedPayment| {
            payment.lsn <= after.before() || self.decided_from.is_some_and(|from| payment.at < from)
        };
        let start = list.partition_point(is_before);
        list.range(start..).skip(after.told(list.get(start))).take(limit).copied().collect()
    }
}

impl Listing {
    /// Everything up to `start` is in the index.
    pub(super) fn new(index: Option<Index>, start: Lsn) -> Self {
        let lists = Lists { all: VecDeque::new(), of_merchant: HashMap::default(), forgotten: start };
        Self { index, lists: RwLock::new(lists) }
    }

    pub(super) fn push(&self, command: &AuthorizePayment, record: &Record) {
        let decided = DecidedPayment { lsn: record.lsn, at: record.at, payment_id: command.payment_id };
        let mut lists = self.lists.write().expect("no holder of the lists' lock panics");
        lists.all.push_back(decided);
        lists.of_merchant.entry(command.merchant).or_default().push_back(decided);
    }

    /// Drops the payments that this record decided, the oldest of their lists: at once, so that none is read twice.
    pub(super) fn forget(&self, record: &Record) {
        let mut lists = self.lists.write().expect("no holder of the lists' lock panics");
        for command in decided_in(record) {
            lists.forgotten = record.lsn;
            forget_oldest(&mut lists.all, record.lsn);
            if let Some(list) = lists.of_merchant.get_mut(&command.merchant) {
                forget_oldest(list, record.lsn);
            }
        }
    }

    pub(super) fn page(
        &self,
        merchant: Option<MerchantId>,
        filter: &PaymentFilter,
        after: ListPlace,
        (limit, scan_max): (usize, usize),
        view: impl Fn(PaymentId) -> Result<PaymentView, IndexError>,
    ) -> Result<PaymentPage, IndexError> {
        let (mut page, mut cursor, mut left) = (PaymentPage::default(), after, scan_max);
        loop {
            let chunk_max = left.min(limit).min(CHUNK_PAYMENTS_MAX);
            let (chunk, reaches_end) = self.chunk(merchant, filter, cursor, chunk_max)?;
            let count = chunk.len();
            for (index, decided) in chunk.iter().enumerate() {
                cursor = cursor.next(decided.lsn);
                let payment = view(decided.payment_id)?;
                if filter.fits(&payment) {
                    page.payments.push(payment);
                }
                let is_last = reaches_end && index.saturating_add(1) == count;
                if page.payments.len() >= limit && !is_last {
                    return Ok(PaymentPage { next: Some(cursor), ..page });
                }
            }
            left = left.saturating_sub(count);
            if reaches_end {
                return Ok(page);
            }
            if left == 0 || count == 0 {
                return Ok(PaymentPage { next: Some(cursor), ..page });
            }
        }
    }

    /// The next payments after `cursor`, at most `limit`, and whether none follow them.
    fn chunk(
        &self,
        merchant: Option<MerchantId>,
        filter: &PaymentFilter,
        cursor: ListPlace,
        limit: usize,
    ) -> Result<(Vec<DecidedPayment>, bool), IndexError> {
        // One more than wanted tells whether any follow.
        let (kept, forgotten) = self.kept(merchant, filter, cursor, limit.saturating_add(1));
        let mut chunk = match &self.index {
            Some(index) if cursor.lsn <= forgotten => {
                let after = first_moment(index, merchant, filter, (cursor.before(), forgotten))?;
                let told_max = usize::from(cursor.position).saturating_add(1);
                let mut found = index.decided(merchant, (after, forgotten), limit.saturating_add(1 + told_max))?;
                found.drain(..cursor.told(found.first()).min(found.len()));
                found
            }
            _ => Vec::new(),
        };
        chunk.extend(kept);
        if let Some(to) = filter.decided_to {
            chunk.truncate(chunk.partition_point(|decided| decided.at < to));
        }
        let reaches_end = chunk.len() <= limit;
        chunk.truncate(limit);
        Ok((chunk, reaches_end))
    }

    /// The first payments after `cursor` that are in memory, and the position up to which the index has what is not.
    fn kept(
        &self,
        merchant: Option<MerchantId>,
        filter: &PaymentFilter,
        cursor: ListPlace,
        limit: usize,
    ) -> (Vec<DecidedPayment>, Lsn) {
        let lists = self.lists.read().expect("no holder of the lists' lock panics");
        let list = match merchant {
            Some(merchant) => lists.of_merchant.get(&merchant),
            None => Some(&lists.all),
        };
        (list.map(|list| filter.first(list, cursor, limit)).unwrap_or_default(), lists.forgotten)
    }
}

fn forget_oldest(list: &mut VecDeque<DecidedPayment>, lsn: Lsn) {
    let oldest = list.pop_front().map(|oldest| oldest.lsn);
    assert_eq!(oldest, Some(lsn), "payments are forgotten in the order of their decision");
}

/// A position between these two behind which what the index lists begins to be of the moments asked for: time rises with
/// position.
fn first_moment(
    index: &Index,
    merchant: Option<MerchantId>,
    filter: &PaymentFilter,
    (mut before, mut end): (Lsn, Lsn),
) -> Result<Lsn, IndexError> {
    let Some(from) = filter.decided_from else { return Ok(before) };
    // Up to `before` all are too early, behind `end` none is.
    while before < end {
        let middle = Lsn::new(before.get().midpoint(end.get()));
        match index.decided(merchant, (middle, end), 1)?.first() {
            Some(decided) if decided.at < from => before = decided.lsn,
            _ => end = middle,
        }
    }
    Ok(before)
}
