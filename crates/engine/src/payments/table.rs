//! Where payments are kept: packed, side by side, found by their id and by the merchant order they hold.

use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::{hash::BuildHasher, num::NonZeroU64};

use domain::{AccountId, AccountKind, Digest, Lsn, MerchantId, PaymentId, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use money::{Money, Weight};

use super::{Closed, Payment, Phase, Tranche, Tranches};
use crate::rails::wallet::Legs;

/// Rows that are side by side: growth makes room for so many more and moves none.
const CHUNK_ROWS: usize = 4_096;

/// Payments, each in a row of its own. The tables that lead to rows hold numbers of four bytes, so that looking for what is
/// not there, as every new payment does twice, touches little memory. Ids are made by the switch and order ids are keyed
/// digests: a fixed hasher cannot be aimed at.
#[derive(Debug, Default)]
pub(crate) struct Table {
    chunks: Vec<Vec<Option<Row>>>,
    /// Rows that are free again.
    free: Vec<u32>,
    by_id: HashTable<u32>,
    /// Only of payments that hold their order.
    by_order: HashTable<u32>,
}

#[derive(Debug)]
struct Row {
    id: PaymentId,
    kept: Kept,
}

/// A payment as it is kept.
#[derive(Debug)]
enum Kept {
    Plain(Plain),
    /// One that a plain row cannot tell.
    Other(Box<Payment>),
}

/// A payment at one quote, of which nothing was given back, by no mandate: nearly all that are held, and nearly all that
/// are done.
#[derive(Debug)]
struct Plain {
    legs: Arc<Legs>,
    /// In presentment currency, in minor units, as what was captured.
    authorized: u64,
    captured: u64,
    /// In debit currency, in minor units.
    consented: Option<NonZeroU64>,
    /// When an open one expires.
    expires_at: Timestamp,
    changed: Lsn,
    order: Digest,
    merchant: MerchantId,
    /// Of a wallet account in debit currency.
    payer: u32,
    weight: Weight,
    phase: PlainPhase,
}

#[derive(Clone, Copy, Debug)]
enum PlainPhase {
    Open,
    Captured,
    Voided,
    Expired,
}

const _: () = assert!(size_of::<Option<Row>>() <= 96, "a row is small");

impl Table {
    /// This payment as it stands.
    pub(crate) fn get(&self, id: PaymentId) -> Option<Payment> {
        self.slot(id).map(|slot| self.row(slot).kept.payment())
    }

    pub(crate) fn contains(&self, id: PaymentId) -> bool {
        self.slot(id).is_some()
    }

    /// The payment that holds this order.
    pub(crate) fn holder(&self, merchant: MerchantId, order: Digest) -> Option<PaymentId> {
        self.order_slot(merchant, order).map(|slot| self.row(slot).id)
    }

    /// All payments, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (PaymentId, Payment)> + '_ {
        self.chunks.iter().flatten().flatten().map(|row| (row.id, row.kept.payment()))
    }

    /// The orders that are held, with the payment that holds each, in no order.
    pub(crate) fn orders(&self) -> impl Iterator<Item = ((MerchantId, Digest), PaymentId)> + '_ {
        self.by_order.iter().map(|slot| {
            let row = self.row(*slot);
            (row.kept.order(), row.id)
        })
    }

    /// Puts a payment that is not here. It holds no order yet.
    pub(crate) fn insert(&mut self, id: PaymentId, payment: Payment) {
        assert!(!self.contains(id), "a payment is approved once: {id}");
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        *place(&mut self.chunks, slot) = Some(Row { id, kept: Kept::new(payment) });
        let Self { chunks, by_id, .. } = self;
        by_id.insert_unique(hash_of_id(id), slot, |slot| hash_of_id(row_in(chunks, *slot).id));
    }

    /// Puts a payment in the place of itself as it was.
    pub(crate) fn replace(&mut self, id: PaymentId, payment: Payment) {
        let slot = self.slot(id).expect("a payment is approved before it changes");
        let kept = Kept::new(payment);
        assert!(kept.order() == self.row(slot).kept.order(), "a payment is for one order");
        *place(&mut self.chunks, slot) = Some(Row { id, kept });
    }

    /// This payment, which is here, holds its order now; false when another does.
    pub(crate) fn hold_order(&mut self, id: PaymentId) -> bool {
        let slot = self.slot(id).expect("a payment is here before it holds its order");
        let (merchant, order) = self.row(slot).kept.order();
        if self.order_slot(merchant, order).is_some() {
            return false;
        }
        let Self { chunks, by_order, .. } = self;
        let hash = |slot: &u32| hash_of_order(row_in(chunks, *slot).kept.order());
        by_order.insert_unique(hash_of_order((merchant, order)), slot, hash);
        true
    }

    /// This payment, if it is here, holds its order no longer.
    pub(crate) fn free_order(&mut self, id: PaymentId) {
        let Some(slot) = self.slot(id) else { return };
        let hash = hash_of_order(self.row(slot).kept.order());
        if let Ok(found) = self.by_order.find_entry(hash, |held| *held == slot) {
            found.remove();
        }
    }

    /// Removes a payment, which then holds no order.
    pub(crate) fn remove(&mut self, id: PaymentId) {
        self.free_order(id);
        let Ok(found) = self.by_id.find_entry(hash_of_id(id), |slot| row_in(&self.chunks, *slot).id == id) else {
            return;
        };
        let (slot, _) = found.remove();
        *place(&mut self.chunks, slot) = None;
        self.free.push(slot);
    }

    fn slot(&self, id: PaymentId) -> Option<u32> {
        self.by_id.find(hash_of_id(id), |slot| self.row(*slot).id == id).copied()
    }

    fn order_slot(&self, merchant: MerchantId, order: Digest) -> Option<u32> {
        let order = (merchant, order);
        self.by_order.find(hash_of_order(order), |slot| self.row(*slot).kept.order() == order).copied()
    }

    fn row(&self, slot: u32) -> &Row {
        row_in(&self.chunks, slot)
    }

    /// A row behind all others.
    fn grow(&mut self) -> u32 {
        if self.chunks.last().is_none_or(|last| last.len() == CHUNK_ROWS) {
            self.chunks.push(Vec::with_capacity(CHUNK_ROWS));
        }
        let before = (self.chunks.len() - 1) * CHUNK_ROWS;
        let last = self.chunks.last_mut().expect("there is one now");
        let slot = u32::try_from(before + last.len()).expect("memory ends before 2^32 rows do");
        last.push(None);
        slot
    }
}

impl Kept {
    fn new(payment: Payment) -> Self {
        match Plain::of(&payment) {
            Some(plain) => Self::Plain(plain),
            None => Self::Other(Box::new(payment)),
        }
    }

    fn payment(&self) -> Payment {
        match self {
            Self::Plain(plain) => plain.payment(),
            Self::Other(payment) => (**payment).clone(),
        }
    }

    fn order(&self) -> (MerchantId, Digest) {
        match self {
            Self::Plain(plain) => (plain.merchant, plain.order),
            Self::Other(payment) => (payment.merchant, payment.order),
        }
    }
}

impl Plain {
    /// `None` when this cannot tell all of the payment.
    fn of(payment: &Payment) -> Option<Self> {
        let Payment { merchant, payer, order, tranches, phase, consented, mandate, pending_refunds, changed, card } =
            payment;
        let Tranche { legs, weight, authorized, captured, refunded, refunded_repriced } = tranches.only()?;
        let is_payer_plain = payer.kind == AccountKind::Wallet && payer.currency == legs.pair().debit;
        let is_given_back = !refunded.is_zero() || !refunded_repriced.is_zero() || *pending_refunds != 0;
        if !is_payer_plain || is_given_back || mandate.is_some() || card.is_some() {
            return None;
        }
        let consented = match consented {
            None => None,
            Some(max) if max.currency() == payer.currency => Some(NonZeroU64::new(units(*max)?)?),
            Some(_) => return None,
        };
        let (phase, expires_at) = match phase {
            Phase::Pending { .. } => return None,
            Phase::Open { expires_at } => (PlainPhase::Open, *expires_at),
            Phase::Closed(Closed::Captured) => (PlainPhase::Captured, Timestamp::EPOCH),
            Phase::Closed(Closed::Voided) => (PlainPhase::Voided, Timestamp::EPOCH),
            Phase::Closed(Closed::Expired) => (PlainPhase::Expired, Timestamp::EPOCH),
        };
        Some(Self {
            legs: Arc::clone(legs),
            authorized: units(*authorized)?,
            captured: units(*captured)?,
            consented,
            expires_at,
            changed: *changed,
            order: *order,
            merchant: *merchant,
            payer: payer.index,
            weight: *weight,
            phase,
        })
    }

    fn payment(&self) -> Payment {
        let pair = self.legs.pair();
        let presented = |units: u64| Money::new(pair.presentment, units.into());
        let tranche = Tranche::new(Arc::clone(&self.legs), self.weight, presented(self.authorized));
        Payment {
            merchant: self.merchant,
            payer: AccountId { kind: AccountKind::Wallet, currency: pair.debit, index: self.payer },
            order: self.order,
            tranches: Tranches::new(Tranche { captured: presented(self.captured), ..tranche }),
            phase: match self.phase {
                PlainPhase::Open => Phase::Open { expires_at: self.expires_at },
                PlainPhase::Captured => Phase::Closed(Closed::Captured),
                PlainPhase::Voided => Phase::Closed(Closed::Voided),
                PlainPhase::Expired => Phase::Closed(Closed::Expired),
            },
            consented: self.consented.map(|units| Money::new(pair.debit, units.get().into())),
            mandate: None,
            pending_refunds: 0,
            changed: self.changed,
            card: None,
        }
    }
}

fn units(amount: Money) -> Option<u64> {
    u64::try_from(amount.minor_units()).ok()
}

fn hash_of_id(id: PaymentId) -> u64 {
    FixedState::default().hash_one(u128::from_le_bytes(id.bytes()))
}

fn hash_of_order((merchant, order): (MerchantId, Digest)) -> u64 {
    FixedState::default().hash_one((merchant.0, u128::from_le_bytes(order.0)))
}

fn row_in(chunks: &[Vec<Option<Row>>], slot: u32) -> &Row {
    let (chunk, place) = split(slot);
    chunks[chunk][place].as_ref().expect("what leads to a row is removed with it")
}

fn place(chunks: &mut [Vec<Option<Row>>], slot: u32) -> &mut Option<Row> {
    let (chunk, place) = split(slot);
    &mut chunks[chunk][place]
}

fn split(slot: u32) -> (usize, usize) {
    let slot = usize::try_from(slot).expect("a row in memory fits usize");
    (slot / CHUNK_ROWS, slot % CHUNK_ROWS)
}

#[cfg(test)]
mod tests;
