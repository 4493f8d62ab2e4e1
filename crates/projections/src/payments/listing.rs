//! Payments in the order they were decided.

use std::sync::{Arc, RwLock};

use dashmap::DashMap;
use domain::{Lsn, MerchantId, PaymentState, Record, Timestamp};
use money::Currency;

use super::view::PaymentView;

/// How many payments a page may look at in search of such as fit its filter, unless the caller wants fewer.
pub const LIST_SCAN_MAX: usize = 4_096;

/// The most records copied out of a list at once: others wait for that long.
const CHUNK_RECORDS_MAX: usize = 512;

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
    /// After which position the next page begins; `None` when this one reaches the end. There may be a next page although
    /// this one is short, even empty: the page had looked at as many payments as it may.
    pub next: Option<Lsn>,
}

/// The records that decided payments: all, and by merchant.
#[derive(Debug, Default)]
pub(super) struct Listing {
    all: RwLock<Vec<Arc<Record>>>,
    of_merchant: DashMap<MerchantId, Vec<Arc<Record>>>,
}

impl PaymentFilter {
    /// Whether this payment fits; the moment of its decision is not looked at.
    fn fits(&self, payment: &PaymentView) -> bool {
        let currency = payment.authorize().presentment_amount.currency();
        let currency_fits = self.presentment_currency.is_none_or(|only| only == currency);
        currency_fits && (self.states.is_empty() || self.states.contains(&payment.state()))
    }

    /// The part of the list that is after this position and of the moments asked for: time rises with position.
    fn within<'a>(&self, list: &'a [Arc<Record>], after: Lsn) -> &'a [Arc<Record>] {
        let is_before =
            |record: &Arc<Record>| record.lsn <= after || self.decided_from.is_some_and(|from| record.at < from);
        let start = list.partition_point(is_before);
        let end = self.decided_to.map_or(list.len(), |to| list.partition_point(|record| record.at < to));
        list.get(start..end).unwrap_or_default()
    }
}

impl Listing {
    pub(super) fn push(&self, merchant: MerchantId, record: &Arc<Record>) {
        self.all.write().expect("no holder of the list's lock panics").push(Arc::clone(record));
        self.of_merchant.entry(merchant).or_default().push(Arc::clone(record));
    }

    pub(super) fn page(
        &self,
        merchant: Option<MerchantId>,
        filter: &PaymentFilter,
        after: Lsn,
        (limit, scan_max): (usize, usize),
        view: impl Fn(&Record) -> PaymentView,
    ) -> PaymentPage {
        let (mut page, mut cursor, mut left) = (PaymentPage::default(), after, scan_max);
        loop {
            let (chunk, reaches_end) = self.chunk(merchant, filter, cursor, left.min(limit).min(CHUNK_RECORDS_MAX));
            let count = chunk.len();
            for (index, record) in chunk.iter().enumerate() {
                cursor = record.lsn;
                let payment = view(record);
                if filter.fits(&payment) {
                    page.payments.push(payment);
                }
                let is_last = reaches_end && index.saturating_add(1) == count;
                if page.payments.len() >= limit && !is_last {
                    return PaymentPage { next: Some(cursor), ..page };
                }
            }
            left = left.saturating_sub(count);
            if reaches_end {
                return page;
            }
            if left == 0 || count == 0 {
                return PaymentPage { next: Some(cursor), ..page };
            }
        }
    }

    /// The next records after `cursor`, at most `limit`, and whether none follow them.
    fn chunk(
        &self,
        merchant: Option<MerchantId>,
        filter: &PaymentFilter,
        cursor: Lsn,
        limit: usize,
    ) -> (Vec<Arc<Record>>, bool) {
        let copy = |list: &[Arc<Record>]| {
            let rest = filter.within(list, cursor);
            let end = limit.min(rest.len());
            (rest.iter().take(end).map(Arc::clone).collect(), end == rest.len())
        };
        match merchant {
            Some(merchant) => self.of_merchant.get(&merchant).map_or_else(|| (Vec::new(), true), |list| copy(&list)),
            None => copy(&self.all.read().expect("no holder of the list's lock panics")),
        }
    }
}
