//! The payments that were approved: their tranches, and what follows from how much of each was captured and refunded.

mod table;
mod tranches;

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use domain::{
    AccountId, ApprovalCode, CaptureMode, CardToken, CountedLimit, CurrencyPair, Digest, Lsn, MandateId, MerchantId,
    OriginalMessage, PaymentAmount, PaymentId, PaymentMove, PaymentState, PaymentTotals, RefundId, Refusal, Timestamp,
};
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, Money, Rounding, Weight};

pub(crate) use table::Table;
pub(crate) use tranches::{Tranche, Tranches};

use crate::rails::wallet::{Legs, Levels, Sides, minus, plus};

/// A payment is authorized at no more different quotes than this.
pub const TRANCHES_MAX: usize = 8;

/// Of one payment no more refunds than this wait for a rate.
pub const PENDING_REFUNDS_MAX: u32 = 50;

/// All approved payments.
#[derive(Debug, Default)]
pub(crate) struct Payments {
    /// The payments, and which of them holds each merchant order id.
    pub(crate) table: Table,
    /// Payments whose issuers are asked, by the moment that ends.
    pub(crate) awaited: BTreeSet<(Timestamp, PaymentId)>,
    /// Open holds by the moment they end.
    pub(crate) expiries: BTreeSet<(Timestamp, PaymentId)>,
    /// How many payments of each card wait for its issuer or are held.
    pub(crate) open_by_card: BTreeMap<CardToken, u32>,
    /// Refunds that wait for a rate: by pair, then by the day from which they are priced.
    pub(crate) pending_refunds: BTreeMap<CurrencyPair, BTreeMap<(i64, PaymentId, RefundId), PendingRefund>>,
    /// Payments of which nothing is held and nothing waits, in the order they came to that, with the record that brought
    /// them there.
    pub(crate) settled: VecDeque<(Lsn, PaymentId)>,
    /// Legs of late: between two ticks most payments of a pair and a discount have the same, and share them.
    pub(crate) legs_of_late: VecDeque<Arc<Legs>>,
}

/// So many legs of late are looked at before new ones are kept.
const LEGS_OF_LATE: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) merchant: MerchantId,
    pub(crate) payer: AccountId,
    pub(crate) order: Digest,
    pub(crate) tranches: Tranches,
    pub(crate) phase: Phase,
    /// The most that may be debited by the payer's consent; `None` where the payer was only named, or nothing is held any
    /// more.
    pub(crate) consented: Option<Money>,
    /// The mandate it is paid by, while anything is held.
    pub(crate) mandate: Option<Box<MandateUse>>,
    /// Refunds that wait for a rate.
    pub(crate) pending_refunds: u32,
    /// The last record that changed it.
    pub(crate) changed: Lsn,
    /// Of a payment by card: what is to be known of that.
    pub(crate) card: Option<Box<CardUse>>,
}

/// What is to be known of a payment's card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CardUse {
    pub(crate) token: CardToken,
    pub(crate) capture_mode: CaptureMode,
    /// What counts against the limits of its person, while that may still change.
    pub(crate) limit: Option<CountedLimit>,
    /// The message that asked for its approval, or told of one that was given in the issuer's stead.
    pub(crate) original: OriginalMessage,
    /// The mark of its approval; `None` before there is one.
    pub(crate) approval_code: Option<ApprovalCode>,
}

impl CardUse {
    /// As it is while its issuer is asked by the record at `lsn`.
    pub(crate) const fn asked(
        token: CardToken,
        capture_mode: CaptureMode,
        limit: CountedLimit,
        lsn: Lsn,
        at: Timestamp,
    ) -> Self {
        let original = OriginalMessage { lsn, at, stood_in: false };
        Self { token, capture_mode, limit: Some(limit), original, approval_code: None }
    }
}

/// What of a payment counts in the last period of its mandate in which it grew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MandateUse {
    pub(crate) id: MandateId,
    pub(crate) period: i64,
    pub(crate) counted: Money,
}

/// Whether anything may still be captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not yet: its card's issuer is asked, and waited for until this moment.
    Pending { answer_by: Timestamp },
    /// Yes, before this moment.
    Open { expires_at: Timestamp },
    /// No more.
    Closed(Closed),
}

/// How a hold ended, which matters where nothing was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// By captures, or by giving up the rest.
    Captured,
    /// By a void.
    Voided,
    /// By time.
    Expired,
}

/// A refund that was taken from the merchant and not yet given to the payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PendingRefund {
    pub(crate) amount: Money,
    /// What that part is worth at the payment's own mid rate.
    pub(crate) original_mid: Money,
}

impl Payment {
    pub(crate) fn sides(&self) -> Sides<'_> {
        Sides { payer: self.payer, merchant: self.merchant, legs: &self.tranches.first().legs }
    }

    pub(crate) fn pair(&self) -> CurrencyPair {
        self.tranches.first().legs.pair()
    }

    pub(crate) fn presentment_currency(&self) -> Currency {
        self.pair().presentment
    }

    pub(crate) fn levels(&self) -> Levels {
        self.sum(Levels::zero(&self.tranches.first().legs), Tranche::levels, Levels::plus)
    }

    /// What is reserved on the payer's account.
    pub(crate) fn held(&self) -> Money {
        self.unfilled().debit
    }

    /// What captures can still move, as levels; nothing once the hold has ended.
    fn unfilled(&self) -> Levels {
        let zero = Levels::zero(&self.tranches.first().legs);
        match self.phase {
            Phase::Closed(_) => zero,
            Phase::Open { .. } | Phase::Pending { .. } => {
                self.sum(zero, |tranche| tranche.levels_at_most().less(tranche.levels()), Levels::plus)
            }
        }
    }

    /// What the positions would gain and lose by what can still be captured, each part weighted. The first is of the
    /// debit currency, the second, never positive, of the settlement currency.
    pub(crate) fn reserved_exposure(&self) -> Option<(Money, Money)> {
        self.tranches.first().legs.exchanges().then(|| {
            let zero = Levels::zero(&self.tranches.first().legs);
            let zeros = (zero.mid, zero.gross);
            match self.phase {
                Phase::Closed(_) => zeros,
                Phase::Open { .. } | Phase::Pending { .. } => {
                    self.sum(zeros, weighted_unfilled, |left, right| (plus(left.0, right.0), plus(left.1, right.1)))
                }
            }
        })
    }

    pub(crate) fn authorized(&self) -> Money {
        self.presentment_sum(|tranche| tranche.authorized)
    }

    pub(crate) fn captured(&self) -> Money {
        self.presentment_sum(|tranche| tranche.captured)
    }

    pub(crate) fn refunded(&self) -> Money {
        self.presentment_sum(Tranche::refunded_in_all)
    }

    pub(crate) fn state(&self) -> PaymentState {
        let (captured, refunded) = (self.captured(), self.refunded());
        match self.phase {
            Phase::Pending { .. } => PaymentState::Pending,
            Phase::Open { .. } if captured.is_zero() => PaymentState::Authorized,
            Phase::Open { .. } => PaymentState::PartiallyCaptured,
            Phase::Closed(Closed::Expired) if captured.is_zero() => PaymentState::Expired,
            Phase::Closed(_) if captured.is_zero() => PaymentState::Voided,
            Phase::Closed(_) if refunded.is_zero() => PaymentState::Captured,
            Phase::Closed(_) if refunded == captured => PaymentState::Refunded,
            Phase::Closed(_) => PaymentState::PartiallyRefunded,
        }
    }

    pub(crate) fn totals(&self) -> PaymentTotals {
        let amount = |of: fn(&Tranche) -> PaymentAmount| self.amount_sum(of);
        PaymentTotals {
            state: self.state(),
            authorized: amount(|tranche| tranche.legs.amount(tranche.authorized, tranche.authorized)),
            captured: amount(|tranche| tranche.legs.amount(tranche.captured, tranche.captured)),
            refunded: amount(|tranche| {
                let captured = tranche.captured;
                let kept = tranche.legs.amount(minus(captured, tranche.refunded_in_all()), captured);
                amount_less(tranche.legs.amount(captured, captured), kept)
            }),
            held: self.held(),
        }
    }

    /// This payment as it stands at `at`: a hold that is due has ended, swept or not.
    pub(crate) fn allows(&self, asked: PaymentMove, at: Timestamp) -> Result<(), Refusal> {
        let state = match self.phase {
            Phase::Open { expires_at } if expires_at <= at => self.closed(Closed::Expired).state(),
            Phase::Open { .. } | Phase::Pending { .. } | Phase::Closed(_) => self.state(),
        };
        match state.allowed().contains(&asked) {
            true => Ok(()),
            false => Err(Refusal::MoveNotAllowed { state, asked }),
        }
    }

    /// Whether nothing is held and nothing waits: what it is now follows from its records alone.
    pub(crate) const fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Closed(_)) && self.pending_refunds == 0
    }

    /// What a payer agreed to ends with the hold.
    pub(crate) fn without_what_ended(self) -> Self {
        match self.phase {
            Phase::Open { .. } | Phase::Pending { .. } => self,
            Phase::Closed(_) => {
                let card = self.card.map(|card| Box::new(CardUse { limit: None, ..*card }));
                Self { consented: None, mandate: None, card, ..self }
            }
        }
    }

    /// What is known of its card.
    ///
    /// # Panics
    /// When it is not by card.
    pub(crate) fn card(&self) -> &CardUse {
        self.card.as_deref().expect("a payment that waited for an issuer is by card")
    }

    /// Where a payment stands that its issuer ended: as if nothing of it had been.
    pub(crate) fn undone(&self) -> PaymentTotals {
        let zero = Levels::zero(&self.tranches.first().legs);
        let presentment = Money::zero(self.presentment_currency());
        let none = PaymentAmount { presentment, debit: zero.debit, settlement: zero.gross };
        let state = PaymentState::Declined;
        PaymentTotals { state, authorized: none, captured: none, refunded: none, held: zero.debit }
    }

    /// After one of its pending refunds was given to the payer.
    pub(crate) fn after_pricing(&self, lsn: Lsn) -> Self {
        let pending_refunds = self.pending_refunds.checked_sub(1).expect("a refund waits before it is priced");
        Self { pending_refunds, changed: lsn, ..self.clone() }
    }

    pub(crate) fn closed(&self, how: Closed) -> Self {
        Self { phase: Phase::Closed(how), ..self.clone() }
    }

    /// After a capture of `amount`, which is at most what can still be captured: oldest tranche first. Capturing all of
    /// it ends the hold.
    pub(crate) fn after_capture(&self, amount: Money) -> Self {
        let mut after = self.clone();
        after.tranches.spread(amount, |tranche| (minus(tranche.authorized, tranche.captured), &mut tranche.captured));
        if after.captured() == after.authorized() {
            after.phase = Phase::Closed(Closed::Captured);
        }
        after
    }

    /// After a refund of `amount`, which is at most what was captured and not refunded, at the payment's own rates.
    pub(crate) fn after_refund(&self, amount: Money) -> Self {
        let mut after = self.clone();
        if planted::is(planted::Bug::RefundsForgotten) {
            return after;
        }
        after
            .tranches
            .spread(amount, |tranche| (minus(tranche.captured, tranche.refunded_in_all()), &mut tranche.refunded));
        after
    }

    /// After a refund at another rate, with what that part was worth at the payment's own mid rate.
    pub(crate) fn after_repriced_refund(&self, amount: Money) -> (Self, Money) {
        let mut after = self.clone();
        after.tranches.spread(amount, |tranche| {
            (minus(tranche.captured, tranche.refunded_in_all()), &mut tranche.refunded_repriced)
        });
        let repriced_mid = |payment: &Self| {
            let zero = Money::zero(self.payer.currency);
            payment.sum(zero, |tranche| tranche.legs.mid(tranche.refunded_repriced), plus)
        };
        let original_mid = minus(repriced_mid(&after), repriced_mid(self));
        (after, original_mid)
    }

    /// After an increase: at the quote of the last tranche that one grows, at another there is a new one.
    pub(crate) fn after_increase(&self, legs: Arc<Legs>, weight: Weight, amount: Money) -> Result<Self, Refusal> {
        let mut after = self.clone();
        let last = after.tranches.last_mut();
        if last.legs == legs && last.weight == weight {
            last.authorized = plus(last.authorized, amount);
            if !is_one_amount(last.authorized) {
                return Err(Refusal::PaymentTooLarge);
            }
        } else if !after.tranches.push(Tranche::new(legs, weight, amount)) {
            return Err(Refusal::TooManyTranches);
        }
        let PaymentAmount { presentment, debit, settlement } = after.totals().authorized;
        // What the merchant gets is posted before its discount is taken.
        let zero = Money::zero(settlement.currency());
        let gross = after.sum(zero, |tranche| tranche.legs.gross(tranche.authorized), plus);
        match [presentment, debit, gross].into_iter().all(is_one_amount) {
            true => Ok(after),
            false => Err(Refusal::PaymentTooLarge),
        }
    }

    fn presentment_sum(&self, of: impl Fn(&Tranche) -> Money) -> Money {
        self.sum(Money::zero(self.presentment_currency()), of, plus)
    }

    fn amount_sum(&self, of: impl Fn(&Tranche) -> PaymentAmount) -> PaymentAmount {
        let zero = Levels::zero(&self.tranches.first().legs);
        let zero = PaymentAmount {
            presentment: Money::zero(self.presentment_currency()),
            debit: zero.debit,
            settlement: zero.gross,
        };
        self.sum(zero, of, |left, right| PaymentAmount {
            presentment: plus(left.presentment, right.presentment),
            debit: plus(left.debit, right.debit),
            settlement: plus(left.settlement, right.settlement),
        })
    }

    fn sum<T>(&self, zero: T, of: impl Fn(&Tranche) -> T, add: impl Fn(T, T) -> T) -> T {
        self.tranches.iter().fold(zero, |sum, tranche| add(sum, of(tranche)))
    }
}

fn weighted_unfilled(tranche: &Tranche) -> (Money, Money) {
    let unfilled = tranche.levels_at_most().less(tranche.levels());
    let weighted = |amount| tranche.weight.of(amount, Rounding::HalfUp).expect("amounts and weights are bounded");
    let lost = weighted(unfilled.gross).checked_neg().expect("far above −2^127");
    (weighted(unfilled.mid), lost)
}

fn amount_less(left: PaymentAmount, right: PaymentAmount) -> PaymentAmount {
    PaymentAmount {
        presentment: minus(left.presentment, right.presentment),
        debit: minus(left.debit, right.debit),
        settlement: minus(left.settlement, right.settlement),
    }
}

pub(crate) fn is_one_amount(amount: Money) -> bool {
    amount.minor_units() <= i128::from(AMOUNT_MINOR_UNITS_MAX)
}

impl Payments {
    /// These legs, shared with a payment of late that has the same.
    pub(crate) fn shared(&mut self, legs: Arc<Legs>) -> Arc<Legs> {
        if let Some(same) = self.legs_of_late.iter().find(|of_late| **of_late == legs) {
            return Arc::clone(same);
        }
        if self.legs_of_late.len() == LEGS_OF_LATE {
            self.legs_of_late.pop_front();
        }
        self.legs_of_late.push_back(Arc::clone(&legs));
        legs
    }

    /// The merchant's payment of this id.
    pub(crate) fn of_merchant(&self, merchant: MerchantId, payment: PaymentId) -> Result<Payment, Refusal> {
        self.table.get(payment).filter(|found| found.merchant == merchant).ok_or(Refusal::PaymentNotFound)
    }

    /// A payment that records told of.
    pub(crate) fn known(&self, payment: PaymentId) -> Payment {
        self.table.get(payment).expect("a payment is approved before it changes")
    }

    /// The payments that hold these orders, and no others.
    pub(crate) fn excerpt(&self, orders: impl Iterator<Item = (MerchantId, Digest)>) -> Self {
        let mut excerpt = Self::default();
        for (merchant, order) in orders {
            if let Some(holder) = self.table.holder(merchant, order)
                && !excerpt.table.contains(holder)
            {
                excerpt.table.insert(holder, self.known(holder));
                excerpt.table.hold_order(holder);
            }
        }
        excerpt
    }

    pub(crate) fn approved(&mut self, payment_id: PaymentId, payment: Payment) {
        let payment = payment.without_what_ended();
        self.note_settled(payment_id, &payment);
        assert!(self.insert(payment_id, payment), "a merchant order id is held by one payment");
    }

    /// Puts a payment that is not here, and that holds its order; whether it does.
    pub(crate) fn insert(&mut self, payment_id: PaymentId, payment: Payment) -> bool {
        match payment.phase {
            Phase::Open { expires_at } => drop(self.expiries.insert((expires_at, payment_id))),
            Phase::Pending { answer_by } => drop(self.awaited.insert((answer_by, payment_id))),
            Phase::Closed(_) => {}
        }
        if let (Phase::Open { .. } | Phase::Pending { .. }, Some(card)) = (payment.phase, &payment.card) {
            *self.open_by_card.entry(card.token).or_default() += 1;
        }
        self.table.insert(payment_id, payment);
        self.table.hold_order(payment_id)
    }

    /// A payment that was open is not any more.
    fn note_closed(&mut self, before: &Payment) {
        let Some(card) = &before.card else { return };
        let open = self.open_by_card.get_mut(&card.token).expect("what was open was counted");
        *open -= 1;
        if *open == 0 {
            self.open_by_card.remove(&card.token);
        }
    }

    fn note_settled(&mut self, payment_id: PaymentId, payment: &Payment) {
        if payment.is_settled() {
            self.settled.push_back((payment.changed, payment_id));
        }
    }

    /// Takes back a payment that was forgotten, with its order id.
    pub(crate) fn recall(&mut self, payment_id: PaymentId, payment: Payment) {
        let holds_order = !payment.captured().is_zero();
        self.note_settled(payment_id, &payment);
        self.table.insert(payment_id, payment);
        if holds_order {
            self.table.hold_order(payment_id);
        }
    }

    /// Forgets the payment that settled first, with its order id, if it stands as it did at or before `up_to`.
    pub(crate) fn forget_oldest(&mut self, up_to: Lsn) -> bool {
        let Some((lsn, payment_id)) = self.settled.front().copied().filter(|(lsn, _)| *lsn <= up_to) else {
            return false;
        };
        self.settled.pop_front();
        // One that changed since stands further back in the line.
        if self.table.get(payment_id).is_some_and(|payment| payment.changed == lsn && payment.is_settled()) {
            self.table.remove(payment_id);
        }
        true
    }

    /// Notes that a pending refund of a payment was given to the payer.
    pub(crate) fn priced(&mut self, lsn: Lsn, payment_id: PaymentId, refund_id: RefundId) {
        let payment = self.known(payment_id).after_pricing(lsn);
        let pair = payment.pair();
        self.note_settled(payment_id, &payment);
        self.table.replace(payment_id, payment);
        let waiting = self.pending_refunds.get_mut(&pair).expect("a refund waits before it is priced");
        waiting.retain(|(_, payment, refund), _| (*payment, *refund) != (payment_id, refund_id));
        if waiting.is_empty() {
            self.pending_refunds.remove(&pair);
        }
    }

    /// Removes a payment that its issuer ended: it holds no order, and what it was its records tell.
    pub(crate) fn ended(&mut self, payment_id: PaymentId, before: &Payment) {
        if let Phase::Pending { answer_by } = before.phase {
            self.awaited.remove(&(answer_by, payment_id));
            self.note_closed(before);
        }
        self.table.remove(payment_id);
    }

    /// Puts a payment in the place of itself as it was, and frees what it no longer holds.
    pub(crate) fn changed(&mut self, payment_id: PaymentId, before: &Payment, after: Payment) {
        let after = after.without_what_ended();
        match (before.phase, after.phase) {
            (Phase::Open { expires_at }, Phase::Closed(_)) => {
                self.expiries.remove(&(expires_at, payment_id));
                self.note_closed(before);
                if after.captured().is_zero() {
                    self.table.free_order(payment_id);
                }
            }
            (Phase::Pending { answer_by }, _) => {
                self.awaited.remove(&(answer_by, payment_id));
                match after.phase {
                    Phase::Open { expires_at } => drop(self.expiries.insert((expires_at, payment_id))),
                    Phase::Pending { .. } | Phase::Closed(_) => self.note_closed(before),
                }
            }
            (Phase::Open { .. } | Phase::Closed(_), _) => {}
        }
        self.note_settled(payment_id, &after);
        self.table.replace(payment_id, after);
    }
}

#[cfg(test)]
mod tests;
