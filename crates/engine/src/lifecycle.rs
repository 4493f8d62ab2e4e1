//! What becomes of a payment once it is approved: capture, void, increase, expiry.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use domain::{
    AuthorizationIncreased, CapturePayment, CaptureRest, CardMessageKind, CardRefusal, Consent, DeclineReason, Event,
    HoldExpired, IncreaseAuthorization, PaymentCaptured, PaymentId, PaymentMove, PaymentTotals, Policy, Refusal,
    Timestamp, VoidPayment,
};
use money::{Money, Weight};

use crate::{
    Engine,
    accounts::declined,
    authorize::{check_may_debit, subject},
    consents::Agreement,
    conversions::{found, legs, recorded},
    ledger::HoldChange,
    payments::{Closed, MandateUse, Payment, Phase},
    rails::{
        card::counted,
        wallet::{Legs, minus, plus},
    },
};

/// So many holds end with one record.
pub const HOLDS_EXPIRED_A_RECORD_MAX: usize = 64;

impl Engine {
    pub(crate) fn capture(&self, at: Timestamp, capture: &CapturePayment) -> Result<Event, Refusal> {
        let before = &self.payments.of_merchant(capture.merchant, capture.payment_id)?;
        check_currency(before, capture.amount)?;
        before.allows(PaymentMove::Capture, at)?;
        let remaining = minus(before.authorized(), before.captured());
        check_remaining(PaymentMove::Capture, capture.amount, remaining)?;

        let after = captured(before, capture);
        let change = after.levels().less(before.levels());
        let postings = after.sides().postings(&change).0;
        match self.ledger.check_with_hold(&postings, Some(hold_change(before, &after))) {
            Err(reason) => Ok(declined(reason)),
            Ok(()) => Ok(Event::PaymentCaptured(PaymentCaptured {
                settlement_amount: change.settled(),
                postings,
                after: after.totals(),
                above_soft_limit: Vec::new(),
            })),
        }
    }

    pub(crate) fn capture_recorded(&mut self, at: Timestamp, capture: &CapturePayment, event: &PaymentCaptured) {
        let before = &self.payments.known(capture.payment_id);
        let after = captured(before, capture);
        assert!(after.totals() == event.after, "a capture leads to where its record says: {}", capture.payment_id);
        let kind = |approval_code, original| CardMessageKind::Capture { approval_code, original };
        self.tell(at, (capture.payment_id, &after), kind, event.after.captured.debit);
        self.change(capture.payment_id, after, &event.postings);
    }

    pub(crate) fn void(&self, at: Timestamp, void: &VoidPayment) -> Result<Event, Refusal> {
        let before = &self.payments.of_merchant(void.merchant, void.payment_id)?;
        before.allows(PaymentMove::Void, at)?;
        Ok(Event::PaymentVoided(before.closed(Closed::Voided).totals()))
    }

    pub(crate) fn void_recorded(&mut self, at: Timestamp, void: &VoidPayment) {
        if planted::is(planted::Bug::VoidKeepsHold) {
            return;
        }
        self.give_up(at, void.payment_id, Closed::Voided);
    }

    pub(crate) fn increase(
        &self,
        policy: &Policy,
        at: Timestamp,
        increase: &IncreaseAuthorization,
    ) -> Result<Event, Refusal> {
        let before = &self.payments.of_merchant(increase.merchant, increase.payment_id)?;
        check_currency(before, increase.amount)?;
        before.allows(PaymentMove::Increase, at)?;
        if before.card.is_some() {
            return Err(Refusal::Card(CardRefusal::NotIncreased));
        }
        match &increase.consent {
            None => {}
            Some(code @ Consent::Code(_)) => self.consents.check_guesses(at, increase.merchant, code)?,
            // What was agreed to before is known already; only a code adds to it.
            Some(
                Consent::PayerNamed
                | Consent::OrderApproved
                | Consent::Mandate(_)
                | Consent::Card(_)
                | Consent::CardOrderApproved(_),
            ) => {
                return Err(Refusal::ConsentMissing);
            }
        }
        let conversions = found(&increase.converted)?;
        let merchant = self.parties.merchant(increase.merchant).ok_or(Refusal::MerchantNotFound)?;
        let subject = subject(merchant, before.payer, increase.amount, None);
        let names = self.names(policy, at, &subject, conversions)?;

        let agreement = match self.increase_agreement(at, increase, before) {
            Ok(agreement) => agreement,
            Err(reason) => return Ok(declined(reason)),
        };
        let (legs, weight) = match legs(policy, &subject, conversions, names) {
            Ok(legs) => legs,
            Err(reason) => return Ok(declined(reason)),
        };
        let after = before.after_increase(legs, weight, increase.amount)?;
        Ok(match self.check_increase(policy, before, &after, &agreement) {
            Err(reason) => declined(reason),
            Ok(above_soft_limit) => {
                Event::AuthorizationIncreased(AuthorizationIncreased { after: after.totals(), above_soft_limit })
            }
        })
    }

    /// What the payer agrees to in all, a further consent included.
    fn increase_agreement(
        &self,
        at: Timestamp,
        increase: &IncreaseAuthorization,
        before: &Payment,
    ) -> Result<Agreement, DeclineReason> {
        let further = match &increase.consent {
            None => None,
            Some(consent) => {
                let (merchant, order, payer) = (before.merchant, before.order, before.payer);
                self.consents.agreement(at, merchant, order, payer, consent)?.debit_amount_max
            }
        };
        // A mandate bounds its period too, also where a further code adds to what one payment may debit.
        let period = match &before.mandate {
            None => None,
            Some(used) => {
                let consent = Consent::Mandate(used.id);
                self.consents.agreement(at, before.merchant, before.order, before.payer, &consent)?.period
            }
        };
        let debit_amount_max = before.consented.map(|max| further.map_or(max, |more| plus(max, more)));
        Ok(Agreement { debit_amount_max, period })
    }

    fn check_increase(
        &self,
        policy: &Policy,
        before: &Payment,
        after: &Payment,
        agreement: &Agreement,
    ) -> Result<Vec<money::Currency>, DeclineReason> {
        let (was, now) = (before.totals().authorized.debit, after.totals().authorized.debit);
        let within_period =
            agreement.period.is_none_or(|(_, _, left)| minus(now, was).minor_units() <= left.minor_units());
        let within_payment = agreement.debit_amount_max.is_none_or(|max| now.minor_units() <= max.minor_units());
        if !within_payment || !within_period {
            return Err(DeclineReason::ConsentExceeded);
        }
        check_may_debit(&self.accounts.row(before.payer))?;
        let grown = || match (before.reserved_exposure(), after.reserved_exposure()) {
            (Some(was), Some(now)) => Some((minus(now.0, was.0), minus(now.1, was.1))),
            (_, now) => now,
        };
        let above_soft_limit = self.exposure.check(policy, &self.ledger, grown)?;
        self.ledger.check_with_hold(&[], Some(hold_change(before, after)))?;
        Ok(above_soft_limit)
    }

    pub(crate) fn increase_recorded(
        &mut self,
        at: Timestamp,
        increase: &IncreaseAuthorization,
        event: &AuthorizationIncreased,
    ) {
        let before = self.payments.known(increase.payment_id);
        let (legs, weight) = self.increase_legs(&before, increase);
        let legs = self.payments.shared(legs);
        let agreement = self.increase_agreement(at, increase, &before).expect("a recorded increase was agreed to");
        let grown = before.after_increase(legs, weight, increase.amount).expect("a recorded increase has room");
        let mut after = Payment { consented: agreement.debit_amount_max, ..grown };
        assert!(after.totals() == event.after, "an increase leads to where its record says: {}", increase.payment_id);
        let more = minus(after.totals().authorized.debit, before.totals().authorized.debit);
        if let (Some(used), Some((_, period, _))) = (&before.mandate, agreement.period) {
            let consent = Consent::Mandate(used.id);
            self.consents.used(at, before.merchant, before.order, before.payer, &consent, more);
            let counted = if used.period == period { plus(used.counted, more) } else { more };
            after.mandate = Some(Box::new(MandateUse { id: used.id, period, counted }));
        }
        if let Some(consent) = &increase.consent {
            self.consents.used(at, before.merchant, before.order, before.payer, consent, more);
        }
        self.change(increase.payment_id, after, &[]);
    }

    /// By what a recorded increase is reckoned.
    pub(crate) fn increase_legs(&self, before: &Payment, increase: &IncreaseAuthorization) -> (Arc<Legs>, Weight) {
        let conversions = found(&increase.converted).expect("an increase is recorded with its conversions");
        let merchant = self.parties.merchant(increase.merchant).expect("a merchant is registered before it is paid");
        recorded(&subject(merchant, before.payer, increase.amount, None), conversions)
    }

    /// Holds that are due at `at`, the earliest first.
    pub(crate) fn expired(&self, at: Timestamp) -> Vec<HoldExpired> {
        let due = self.payments.expiries.iter().take_while(|(expires_at, _)| *expires_at <= at);
        let mut holds = Vec::new();
        for (_, payment_id) in due.take(HOLDS_EXPIRED_A_RECORD_MAX) {
            let payment = self.payments.known(*payment_id);
            // The network is told of one by card, and a record intends one message.
            if payment.card.is_some() && !holds.is_empty() {
                break;
            }
            holds.push(HoldExpired { payment_id: *payment_id, after: payment.closed(Closed::Expired).totals() });
            if payment.card.is_some() {
                break;
            }
        }
        holds
    }

    /// Ends a hold without a capture of it; an issuer that promised the funds is told.
    fn give_up(&mut self, at: Timestamp, payment_id: PaymentId, how: Closed) -> PaymentTotals {
        let before = self.payments.known(payment_id);
        let after = before.closed(how);
        let totals = after.totals();
        self.tell(at, (payment_id, &before), |_, original| CardMessageKind::Reversal { original }, before.held());
        self.change(payment_id, after, &[]);
        totals
    }

    pub(crate) fn expiry_recorded(&mut self, at: Timestamp, holds: &[HoldExpired]) {
        for hold in holds {
            let after = self.give_up(at, hold.payment_id, Closed::Expired);
            assert!(after == hold.after, "an expiry leads to where its record says: {}", hold.payment_id);
        }
    }

    /// Of a payment by card that ended, what was not taken counts no more against the limits of its person.
    fn count_taken(&mut self, before: &Payment, after: &Payment) {
        let (Some(card), Phase::Closed(_)) = (before.card.as_deref(), after.phase) else { return };
        let Some(limit) = card.limit else { return };
        let counted = counted(after.captured(), limit.mid_rate, limit.amount.currency());
        let person = self.cards.known(card.token).person;
        self.count_less(person, limit.year, limit.amount, counted.expect("a part counts no more than the whole"));
    }

    /// Puts a payment in the place of itself as it was: postings, hold, exposure, mandate and indexes.
    pub(crate) fn change(&mut self, payment_id: PaymentId, after: Payment, postings: &[domain::Posting]) {
        let before = self.payments.known(payment_id);
        self.count_taken(&before, &after);
        self.ledger.post_with_hold(postings, hold_change(&before, &after));
        self.exposure.reserve(before.reserved_exposure(), after.reserved_exposure());
        if let (Phase::Open { .. }, Phase::Closed(_)) = (before.phase, after.phase) {
            // What a payment by mandate no longer holds and never took counts in its period no more.
            let taken = after.totals().captured.debit;
            self.consents.released(before.mandate.as_deref().copied(), minus(before.totals().authorized.debit, taken));
        }
        self.payments.changed(payment_id, &before, Payment { changed: self.applied.next(), ..after });
    }
}

pub(crate) fn captured(before: &Payment, capture: &CapturePayment) -> Payment {
    let after = before.after_capture(capture.amount);
    // What was authorized on a card is captured once.
    let rest = if before.card.is_some() { CaptureRest::Released } else { capture.rest };
    match (rest, after.phase) {
        (CaptureRest::Released, Phase::Open { .. }) => after.closed(Closed::Captured),
        (CaptureRest::Released | CaptureRest::Kept, _) => after,
    }
}

pub(crate) fn hold_change(before: &Payment, after: &Payment) -> HoldChange {
    HoldChange { account: before.payer, units: minus(after.held(), before.held()).minor_units() }
}

pub(crate) fn check_currency(payment: &Payment, amount: Money) -> Result<(), Refusal> {
    let currency = payment.presentment_currency();
    match amount.currency() == currency {
        true => Ok(()),
        false => Err(Refusal::PaymentCurrencyMismatch { payment: currency, amount: amount.currency() }),
    }
}

pub(crate) fn check_remaining(asked: PaymentMove, amount: Money, remaining: Money) -> Result<(), Refusal> {
    match amount.minor_units() <= remaining.minor_units() {
        true => Ok(()),
        false => Err(Refusal::AmountAboveRemaining { asked, remaining }),
    }
}
