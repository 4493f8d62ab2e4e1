//! Payments: what was decided, what became of it, and the ways to find it.

mod entry;
mod keys;
mod listing;
mod orders;
mod view;

use std::sync::Arc;

use dashmap::DashMap;
use domain::{
    AuthorizePayment, Command, Digest, Lsn, MerchantId, PaymentId, PaymentState, PaymentTotals, Record, TenantId,
};
use foldhash::fast::RandomState;
use index::{Batch, Index, Table, concerned};
use money::Money;

use entry::Entry;
use keys::Keys;
use listing::Listing;
use orders::Orders;

use crate::IndexError;
pub(crate) use view::{authorize_of, totals_in};

pub use listing::{LIST_SCAN_MAX, ListPlace, PaymentFilter, PaymentPage};
pub use view::{PaymentView, RefundView};

/// Every payment. One thread writes, in lsn order; an entry is made before anything leads to it.
///
/// What no record of the hot window has touched is in the index only. A reader looks here first: what is not here was
/// written before it was dropped.
#[derive(Debug)]
pub(crate) struct Payments {
    index: Option<Index>,
    entries: DashMap<PaymentId, Entry, RandomState>,
    orders: Orders,
    keys: Keys,
    listing: Listing,
}

/// What a record did to a payment.
#[derive(Clone, Debug)]
pub(crate) struct Moved {
    /// The payment right before.
    pub(crate) before: PaymentTotals,
    /// The record that decided the payment.
    pub(crate) decided: Arc<Record>,
}

impl Payments {
    /// Everything up to `start` is in the index.
    pub(crate) fn new(index: Option<Index>, start: Lsn) -> Self {
        Self {
            listing: Listing::new(index.clone(), start),
            index,
            entries: DashMap::default(),
            orders: Orders::default(),
            keys: Keys::default(),
        }
    }

    /// Brings back into memory what this record is about to touch. All of it is touched: only then it is dropped again.
    pub(crate) fn recall(&self, record: &Record) -> Result<(), IndexError> {
        let Some(index) = &self.index else { return Ok(()) };
        if decided_in(record).next().is_some() {
            // An order has no row before its first payment.
            return decided_in(record).try_for_each(|command| self.orders.recall(index, command).map(drop));
        }
        for payment in concerned(record) {
            let missing = |what| IndexError::damaged(Table::Payments, &payment.bytes(), what);
            if !self.entries.contains_key(&payment) {
                let entry =
                    read(index, payment)?.ok_or_else(|| missing("a record concerns it, and it is not there"))?;
                self.entries.insert(payment, entry);
            }
            if totals_in(record, payment).is_some_and(|after| !holds_its_order(&after))
                && let Some(decided) = self.decided(payment)
                && !self.orders.recall(index, authorize_of(&decided))?
            {
                return Err(missing("it is there, and its order is not"));
            }
        }
        Ok(())
    }

    /// Enters the key a record was made under.
    pub(crate) fn enter_key(&self, record: &Record) {
        self.keys.enter(record);
    }

    /// Enters a payment that was decided, by a record or by a part of that one.
    pub(crate) fn decide(
        &self,
        command: &AuthorizePayment,
        (record, whole): (&Arc<Record>, &Arc<Record>),
        batch: Option<&mut Batch>,
    ) {
        let before = self.entries.insert(command.payment_id, Entry::new(Arc::clone(record), Arc::clone(whole)));
        assert!(before.is_none(), "a payment is decided once: {}", command.payment_id);
        let holds = totals_in(record, command.payment_id).is_some_and(|totals| holds_its_order(&totals));
        let order = self.orders.decide(command, record, holds);
        if let Some(batch) = batch {
            batch.order(command.merchant, &command.merchant_order_digest, &order);
        }
        self.listing.push(command, record);
    }

    /// Enters a record that tells what a payment is right after it.
    pub(crate) fn go_on(&self, payment: PaymentId, record: &Arc<Record>, batch: Option<&mut Batch>) -> Moved {
        let moved = {
            let mut entry = self.entries.get_mut(&payment).expect("a payment is decided before it goes on");
            let before = entry.totals().expect("a declined payment does not go on");
            entry.push(payment, record).expect("a record that changes a payment tells its totals");
            Moved { before, decided: Arc::clone(entry.decided()) }
        };
        if !totals_in(record, payment).is_some_and(|after| holds_its_order(&after)) {
            let command = authorize_of(&moved.decided);
            let order = self.orders.free(command, record);
            if let Some(batch) = batch {
                batch.order(command.merchant, &command.merchant_order_digest, &order);
            }
        }
        moved
    }

    /// Enters a record that decided against a change of a payment.
    pub(crate) fn refuse_change(&self, payment: PaymentId, record: &Arc<Record>) {
        let mut entry = self.entries.get_mut(&payment).expect("a payment is decided before a change is declined");
        entry.push(payment, record).expect("a declined change speaks of its payment");
    }

    /// Enters a record that priced refunds of a payment.
    pub(crate) fn price_refunds(&self, payment: PaymentId, record: &Arc<Record>) {
        let mut entry = self.entries.get_mut(&payment).expect("a payment is decided before its refund is priced");
        // Two refunds of one payment in one record are entered together.
        if entry.newest_lsn() != record.lsn {
            entry.push(payment, record).expect("a refund waits before it is priced");
        }
    }

    /// Drops what this record, the oldest of the hot window, touched last; it is in the index.
    pub(crate) fn forget(&self, record: &Arc<Record>) {
        record.parts().for_each(|part| self.keys.forget(&part));
        for payment in concerned(record) {
            let Some(decided) = self.decided(payment) else { continue };
            self.orders.forget(authorize_of(&decided), record);
            self.entries.remove_if(&payment, |_, entry| entry.newest_lsn() == record.lsn);
        }
        self.listing.forget(record);
    }

    /// The payments in memory, and how many orders and keys.
    #[cfg(test)]
    pub(crate) fn in_memory(&self) -> (Vec<PaymentId>, usize) {
        let mut payments: Vec<_> = self.entries.iter().map(|entry| *entry.key()).collect();
        payments.sort();
        (payments, self.orders.len().saturating_add(self.keys.len()))
    }

    /// The record that decided a payment that is in memory.
    pub(crate) fn decided(&self, payment: PaymentId) -> Option<Arc<Record>> {
        self.entries.get(&payment).map(|entry| Arc::clone(entry.decided()))
    }

    /// The merchant of a payment.
    pub(crate) fn merchant(&self, payment: PaymentId) -> Result<MerchantId, IndexError> {
        self.known(payment, |entry| Some(authorize_of(entry.decided()).merchant))
    }

    pub(crate) fn view(&self, payment: PaymentId) -> Result<Option<PaymentView>, IndexError> {
        self.find(payment, Entry::view)
    }

    /// The payment right after this record; `followers` steps of it follow that are this record too.
    pub(crate) fn view_at_step(&self, payment: PaymentId, lsn: Lsn, followers: u32) -> Result<PaymentView, IndexError> {
        self.known(payment, |entry| Some(entry.view_at(entry.step_before(lsn, followers)?)))
    }

    pub(crate) fn view_at(&self, payment: PaymentId, lsn: Lsn) -> Result<Option<PaymentView>, IndexError> {
        Ok(self.find(payment, |entry| Some(entry.view_at(entry.step_of(lsn)?)))?.flatten())
    }

    pub(crate) fn by_order(&self, merchant: MerchantId, order: Digest) -> Result<Option<PaymentView>, IndexError> {
        let shown = self.orders.shown(self.index.as_ref(), merchant, order)?;
        shown.map(|payment| self.known(payment, |entry| Some(entry.view()))).transpose()
    }

    pub(crate) fn by_key(&self, tenant: TenantId, key: Digest) -> Result<Option<PaymentView>, IndexError> {
        let asked_for = self.keys.payment(self.index.as_ref(), tenant, key)?;
        asked_for.map(|payment| self.known(payment, |entry| Some(entry.view()))).transpose()
    }

    pub(crate) fn refunds(&self, payment: PaymentId, limit: usize) -> Result<Vec<RefundView>, IndexError> {
        Ok(self.find(payment, |entry| entry.refunds(limit))?.unwrap_or_default())
    }

    pub(crate) fn net_debit(&self, payment: PaymentId, up_to: Lsn) -> Result<Option<Money>, IndexError> {
        Ok(self.find(payment, |entry| entry.net_debit(up_to))?.flatten())
    }

    pub(crate) fn list(
        &self,
        merchant: Option<MerchantId>,
        filter: &PaymentFilter,
        after: ListPlace,
        (limit, scan_max): (usize, usize),
    ) -> Result<PaymentPage, IndexError> {
        let view = |payment| self.known(payment, |entry| Some(entry.view()));
        self.listing.page(merchant, filter, after, (limit, scan_max), view)
    }

    fn find<T>(&self, payment: PaymentId, look: impl Fn(&Entry) -> T) -> Result<Option<T>, IndexError> {
        let kept = self.entries.get(&payment).map(|entry| look(&entry));
        match (kept, &self.index) {
            (None, Some(index)) => Ok(read(index, payment)?.map(|entry| look(&entry))),
            (kept, _) => Ok(kept),
        }
    }

    /// Of a payment to which something leads: it was entered before.
    fn known<T>(&self, payment: PaymentId, look: impl Fn(&Entry) -> Option<T>) -> Result<T, IndexError> {
        let problem = "what leads to the payment is there, and the payment is not";
        let missing = || IndexError::damaged(Table::Payments, &payment.bytes(), problem);
        self.find(payment, look)?.flatten().ok_or_else(missing)
    }
}

/// A payment as the index has it.
fn read(index: &Index, payment: PaymentId) -> Result<Option<Entry>, IndexError> {
    let lsns = index.payment_records(payment)?;
    if lsns.is_empty() {
        return Ok(None);
    }
    let records = lsns.into_iter().map(|lsn| index.record_led_to(lsn)).collect::<Result<_, _>>()?;
    let problem = "its records are not of one payment";
    let entry = Entry::read(payment, records);
    entry.map(Some).ok_or_else(|| IndexError::damaged(Table::Payments, &payment.bytes(), problem))
}

/// What was asked for each payment that this record decided.
pub(crate) fn decided_in(record: &Record) -> impl Iterator<Item = &AuthorizePayment> {
    let alone = if let Command::AuthorizePayment(command) = &record.command { Some(command) } else { None };
    alone.into_iter().chain(record.payments_together().map(|payment| &payment.authorize))
}

/// Whether a payment that stands so keeps others from paying its order: it was approved, and did not end with nothing
/// captured.
fn holds_its_order(totals: &PaymentTotals) -> bool {
    totals.state.is_held() || totals.state == PaymentState::Pending || totals.captured.presentment.is_positive()
}

#[cfg(test)]
mod tests;
