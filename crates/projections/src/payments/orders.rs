//! Payments by the merchant's own number.

use std::sync::Arc;

use dashmap::DashMap;
use domain::{AuthorizePayment, Digest, MerchantId, PaymentId, Record};

use super::view::authorize_of;

/// Of several payments for one order the one that holds it, else the last.
#[derive(Debug, Default)]
pub(super) struct Orders {
    entries: DashMap<(MerchantId, Digest), Order>,
}

#[derive(Debug)]
struct Order {
    /// The payment that holds it, or, if none does, the last.
    shown: Arc<Record>,
    /// The last payment declined since, while `shown` holds it.
    declined_since: Option<Arc<Record>>,
}

impl Orders {
    /// Enters a payment that was decided.
    pub(super) fn decide(&self, command: &AuthorizePayment, record: &Arc<Record>, holds: impl Fn(PaymentId) -> bool) {
        let key = (command.merchant, command.merchant_order_digest);
        let shown = self.entries.get(&key).map(|order| Arc::clone(&order.shown));
        let kept = shown.filter(|shown| holds(authorize_of(shown).payment_id) && !holds(command.payment_id));
        let order = match kept {
            Some(shown) => Order { shown, declined_since: Some(Arc::clone(record)) },
            None => Order { shown: Arc::clone(record), declined_since: None },
        };
        self.entries.insert(key, order);
    }

    /// Its payment, decided by this record, holds the order no longer.
    pub(super) fn free(&self, decided: &Arc<Record>) {
        let command = authorize_of(decided);
        let entry = self.entries.get_mut(&(command.merchant, command.merchant_order_digest));
        let mut order = entry.expect("a payment is entered by its order");
        if Arc::ptr_eq(&order.shown, decided)
            && let Some(last) = order.declined_since.take()
        {
            order.shown = last;
        }
    }

    /// The record that decided the payment to show for this order.
    pub(super) fn shown(&self, merchant: MerchantId, order: Digest) -> Option<Arc<Record>> {
        self.entries.get(&(merchant, order)).map(|order| Arc::clone(&order.shown))
    }
}
