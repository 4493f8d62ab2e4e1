//! Payments by the merchant's own number.

use dashmap::DashMap;
use domain::{AuthorizePayment, Digest, Lsn, MerchantId, PaymentId, Record};
use foldhash::fast::RandomState;
use index::{Index, OrderRow};

use crate::IndexError;

/// Of several payments for one order the one that holds it, else the last.
#[derive(Debug, Default)]
pub(super) struct Orders {
    entries: DashMap<(MerchantId, Digest), Order, RandomState>,
}

#[derive(Debug)]
struct Order {
    row: OrderRow,
    /// The record that wrote it last.
    touched: Lsn,
}

impl Orders {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Brings an order back into memory; the record at hand touches it. Returns whether there is one.
    pub(super) fn recall(&self, index: &Index, command: &AuthorizePayment) -> Result<bool, IndexError> {
        let key = key_of(command);
        if self.entries.contains_key(&key) {
            return Ok(true);
        }
        let Some(row) = index.order(key.0, &key.1)? else { return Ok(false) };
        self.entries.insert(key, Order { row, touched: Lsn::ZERO });
        Ok(true)
    }

    /// Enters a payment that was decided, and that holds the order or does not.
    pub(super) fn decide(&self, command: &AuthorizePayment, record: &Record, holds: bool) -> OrderRow {
        let (key, decided) = (key_of(command), (record.lsn, command.payment_id));
        let before = self.entries.get(&key).map(|order| order.row);
        let row = match before {
            Some(before) if before.is_held && !holds => OrderRow { declined_since: Some(decided), ..before },
            _ => OrderRow { shown: decided, is_held: holds, declined_since: None },
        };
        self.entries.insert(key, Order { row, touched: record.lsn });
        row
    }

    /// The payment that was decided by this command holds the order no longer.
    pub(super) fn free(&self, command: &AuthorizePayment, record: &Record) -> OrderRow {
        let mut order = self.entries.get_mut(&key_of(command)).expect("a payment is entered by its order");
        order.touched = record.lsn;
        if order.row.shown.1 == command.payment_id {
            order.row.is_held = false;
            if let Some(last) = order.row.declined_since.take() {
                order.row.shown = last;
            }
        }
        order.row
    }

    /// Drops an order that this record wrote last.
    pub(super) fn forget(&self, command: &AuthorizePayment, record: &Record) {
        self.entries.remove_if(&key_of(command), |_, order| order.touched == record.lsn);
    }

    /// The payment to show for this order.
    pub(super) fn shown(
        &self,
        index: Option<&Index>,
        merchant: MerchantId,
        order: Digest,
    ) -> Result<Option<PaymentId>, IndexError> {
        let kept = self.entries.get(&(merchant, order)).map(|order| order.row);
        let row = match (kept, index) {
            (None, Some(index)) => index.order(merchant, &order)?,
            (kept, _) => kept,
        };
        Ok(row.map(|row| row.shown.1))
    }
}

fn key_of(command: &AuthorizePayment) -> (MerchantId, Digest) {
    (command.merchant, command.merchant_order_digest)
}
