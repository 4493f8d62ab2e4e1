//! Payments: what was decided, what became of it, and the ways to find it.

mod entry;
mod listing;
mod orders;
mod view;

use std::sync::Arc;

use dashmap::DashMap;
use domain::{AuthorizePayment, Digest, Event, Lsn, MerchantId, PaymentId, PaymentTotals, Record, RefundId, TenantId};

use money::Money;

use entry::Entry;
pub(crate) use entry::StepIndex;
use listing::Listing;
use orders::Orders;
pub(crate) use view::{authorize_of, totals_in};

pub use listing::{LIST_SCAN_MAX, PaymentFilter, PaymentPage};
pub use view::{PaymentView, RefundView};

/// Every payment. One thread writes, in lsn order; an entry is made before anything leads to it.
#[derive(Debug, Default)]
pub(crate) struct Payments {
    entries: DashMap<PaymentId, Entry>,
    orders: Orders,
    /// The record that decided the payment asked for under this key.
    keys: DashMap<(TenantId, Digest), Arc<Record>>,
    listing: Listing,
    /// The step that asked for it, of each refund that waits for a rate.
    pending_refunds: DashMap<RefundId, StepIndex>,
}

/// What a record did to a payment.
#[derive(Clone, Debug)]
pub(crate) struct Moved {
    /// Which of the payment's steps the record is.
    pub(crate) step: StepIndex,
    /// The payment right before.
    pub(crate) before: PaymentTotals,
    /// The record that decided the payment.
    pub(crate) decided: Arc<Record>,
}

impl Payments {
    /// Enters a payment that was decided.
    pub(crate) fn decide(&self, command: &AuthorizePayment, record: &Arc<Record>) {
        let before = self.entries.insert(command.payment_id, Entry::new(Arc::clone(record)));
        assert!(before.is_none(), "a payment is decided once: {}", command.payment_id);
        if let Some(key) = record.key {
            self.keys.insert((key.tenant, key.digest), Arc::clone(record));
        }
        let is_held_by = |payment| self.holds_its_order(payment);
        self.orders.decide(command, record, is_held_by);
        self.listing.push(command.merchant, record);
    }

    /// Enters a record that tells what a payment is right after it.
    pub(crate) fn go_on(&self, payment: PaymentId, record: &Arc<Record>) -> Moved {
        let moved = {
            let mut entry = self.entries.get_mut(&payment).expect("a payment is decided before it goes on");
            let before = entry.totals().expect("a declined payment does not go on");
            Moved { step: entry.push(Arc::clone(record)), before, decided: Arc::clone(entry.decided()) }
        };
        if let Event::RefundPending(_) = record.event {
            self.pending_refunds.insert(view::refund_of(record).expect("a refund is asked for by id"), moved.step);
        }
        if !self.holds_its_order(payment) {
            self.orders.free(&moved.decided);
        }
        moved
    }

    /// Enters a record that decided against a change of a payment.
    pub(crate) fn refuse_change(&self, payment: PaymentId, record: &Arc<Record>) -> StepIndex {
        let mut entry = self.entries.get_mut(&payment).expect("a payment is decided before a change is declined");
        entry.push_decline(Arc::clone(record))
    }

    /// Enters a record that priced a refund of a payment.
    pub(crate) fn price_refund(&self, payment: PaymentId, refund: RefundId, record: &Arc<Record>) -> StepIndex {
        let (_, asked) = self.pending_refunds.remove(&refund).expect("a refund waits before it is priced");
        let mut entry = self.entries.get_mut(&payment).expect("a payment is decided before its refund is priced");
        entry.push_priced(Arc::clone(record), asked)
    }

    pub(crate) fn decided(&self, payment: PaymentId) -> Option<Arc<Record>> {
        self.entries.get(&payment).map(|entry| Arc::clone(entry.decided()))
    }

    pub(crate) fn view(&self, payment: PaymentId) -> Option<PaymentView> {
        self.entries.get(&payment).map(|entry| entry.view())
    }

    pub(crate) fn view_at_step(&self, payment: PaymentId, step: StepIndex) -> Option<PaymentView> {
        self.entries.get(&payment).map(|entry| entry.view_at(step))
    }

    pub(crate) fn view_at(&self, payment: PaymentId, lsn: Lsn) -> Option<PaymentView> {
        self.entries.get(&payment).and_then(|entry| Some(entry.view_at(entry.step_of(lsn)?)))
    }

    pub(crate) fn by_order(&self, merchant: MerchantId, order: Digest) -> Option<PaymentView> {
        let decided = self.orders.shown(merchant, order)?;
        self.view(authorize_of(&decided).payment_id)
    }

    pub(crate) fn by_key(&self, tenant: TenantId, key: Digest) -> Option<PaymentView> {
        let decided = self.keys.get(&(tenant, key)).map(|record| Arc::clone(&record))?;
        self.view(authorize_of(&decided).payment_id)
    }

    pub(crate) fn refunds(&self, payment: PaymentId, limit: usize) -> Vec<RefundView> {
        self.entries.get(&payment).map(|entry| entry.refunds(limit)).unwrap_or_default()
    }

    pub(crate) fn net_debit(&self, payment: PaymentId, up_to: Lsn) -> Option<Money> {
        self.entries.get(&payment).and_then(|entry| entry.net_debit(up_to))
    }

    pub(crate) fn list(
        &self,
        merchant: Option<MerchantId>,
        filter: &PaymentFilter,
        after: Lsn,
        (limit, scan_max): (usize, usize),
    ) -> PaymentPage {
        let view = |decided: &Record| {
            self.view(authorize_of(decided).payment_id).expect("a payment is entered before it is listed")
        };
        self.listing.page(merchant, filter, after, (limit, scan_max), view)
    }

    /// Whether the payment keeps others from paying its order: it was approved, and did not end with nothing captured.
    fn holds_its_order(&self, payment: PaymentId) -> bool {
        let totals = self.entries.get(&payment).and_then(|entry| entry.totals());
        totals.is_some_and(|totals| totals.state.is_held() || totals.captured.presentment.is_positive())
    }
}

#[cfg(test)]
mod tests;
