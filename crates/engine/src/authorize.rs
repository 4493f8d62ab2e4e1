//! Deciding a payment: refusals first, then the checks in the order of [`DeclineReason`].

use alloc::{boxed::Box, sync::Arc};

use domain::{
    AccountId, AuthorizePayment, CaptureMode, Consent, Conversions, Decline, DeclineReason, Event, Evidence, Lsn, Mode,
    Offer, PaymentAmount, PaymentAuthorized, PaymentCaptured, PaymentState, PaymentTotals, Policy, Rail, Refusal,
    RegisterMerchant, Timestamp, Unavailable,
};
use money::Money;

use crate::{
    Engine,
    accounts::{AccountState, WalletAccount, declined},
    consents::Agreement,
    conversions::{Names, Subject, found, legs, recorded},
    ledger::HoldChange,
    payments::{Closed, MandateUse, Payment, Phase, Tranche, Tranches},
    rails::wallet::{Levels, Sides},
};

/// How a payment was approved.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Approval<'a> {
    /// Its funds are held.
    Held(&'a PaymentAuthorized),
    /// It was captured at once.
    Captured(&'a PaymentCaptured),
}

impl Engine {
    /// Refuses what cannot be decided, then declines by the first failing check, else captures or holds.
    pub(crate) fn authorize(
        &self,
        policy: &Policy,
        at: Timestamp,
        authorize: &AuthorizePayment,
    ) -> Result<Event, Refusal> {
        let merchant = self.parties.merchant(authorize.merchant).ok_or(Refusal::MerchantNotFound)?;
        let sandbox = self.is_sandbox();
        if matches!(authorize.consent, Consent::PayerNamed | Consent::Card(_)) && !sandbox {
            return Err(Refusal::ConsentMissing);
        }
        if let Some(token) = authorize.consent.card() {
            return self.authorize_card(policy, at, authorize, (merchant, token));
        }
        self.consents.check_guesses(at, authorize.merchant, &authorize.consent)?;
        let payer = match authorize.payer {
            // A consent that nobody gave tells no account, so there is nothing further to look at.
            Evidence::Unavailable(Unavailable::ConsentNotFound) => {
                return Ok(self.order_taken(authorize).unwrap_or(declined(DeclineReason::ConsentNotFound)));
            }
            Evidence::Present(_) | Evidence::Unavailable(_) => self.accounts.find(&authorize.payer)?,
        };
        let conversions = found(&authorize.converted)?;
        let subject = subject(merchant, payer.id, authorize.presentment_amount, authorize.offer.as_ref());
        let names = self.names(policy, at, &subject, conversions)?;
        if let Some(reason) = authorize.sandbox_decline.filter(|_| sandbox) {
            return Ok(declined(reason));
        }
        if let Some(taken) = self.order_taken(authorize) {
            return Ok(taken);
        }
        Ok(match self.approve(policy, at, authorize, &payer, &subject, (conversions, names)) {
            Ok(event) => event,
            Err(reason) => declined(reason),
        })
    }

    pub(crate) fn is_sandbox(&self) -> bool {
        self.initialized.is_some_and(|initialized| initialized.mode == Mode::Sandbox)
    }

    /// The decline of a merchant order id that a payment holds.
    pub(crate) fn order_taken(&self, authorize: &AuthorizePayment) -> Option<Event> {
        let paid_by = self.payments.table.holder(authorize.merchant, authorize.merchant_order_digest)?;
        Some(Event::Declined(Decline { reason: DeclineReason::OrderAlreadyPaid, paid_by: Some(paid_by) }))
    }

    fn approve(
        &self,
        policy: &Policy,
        at: Timestamp,
        authorize: &AuthorizePayment,
        payer: &WalletAccount,
        subject: &Subject<'_>,
        (conversions, names): (&Conversions, Names),
    ) -> Result<Event, DeclineReason> {
        let AuthorizePayment { merchant, merchant_order_digest: order, consent, .. } = authorize;
        let agreement = self.consents.agreement(at, *merchant, *order, payer.id, consent)?;
        if let Some(offer) = &authorize.offer {
            self.check_offer(at, authorize, payer.id, offer)?;
        }
        let (legs, weight) = legs(policy, subject, conversions, names)?;
        let whole = authorize.presentment_amount;
        let levels = legs.levels(whole, whole, whole);
        if authorize.debit_amount_max.is_some_and(|max| exceeds(levels.debit, max)) {
            return Err(DeclineReason::DebitAboveMax);
        }
        if !agreement.covers(levels.debit) {
            return Err(DeclineReason::ConsentExceeded);
        }
        check_may_debit(payer)?;
        let payment =
            || held(policy, at, authorize, subject, Tranche::new(Arc::clone(&legs), weight, whole), &agreement);
        let above_soft_limit = self.exposure.check(policy, &self.ledger, || payment().reserved_exposure())?;
        match authorize.capture_mode {
            CaptureMode::Manual => {
                let hold = HoldChange { account: payer.id, units: levels.debit.minor_units() };
                self.ledger.check_with_hold(&[], Some(hold))?;
                let payment = payment();
                let Phase::Open { expires_at } = payment.phase else { unreachable!("a payment begins with a hold") };
                let after = payment.totals();
                Ok(Event::PaymentAuthorized(PaymentAuthorized { expires_at, after, above_soft_limit }))
            }
            CaptureMode::Automatic => {
                let sides = Sides { payer: payer.id, merchant: *merchant, legs: &legs };
                let postings = sides.postings(&levels).0;
                self.ledger.check(&postings)?;
                let (settlement_amount, after) = (levels.settled(), captured_whole(whole, &levels));
                Ok(Event::PaymentCaptured(PaymentCaptured { settlement_amount, postings, after, above_soft_limit }))
            }
        }
    }

    pub(crate) fn check_offer(
        &self,
        at: Timestamp,
        authorize: &AuthorizePayment,
        payer: AccountId,
        offer: &Offer,
    ) -> Result<(), DeclineReason> {
        if at >= offer.expires_at {
            return Err(DeclineReason::QuoteExpired);
        }
        if self.offers.is_used(offer.quote_id) {
            return Err(DeclineReason::QuoteUsed);
        }
        let bound = offer.merchant == authorize.merchant
            && offer.payer == payer
            && offer.presentment_amount == authorize.presentment_amount
            && offer.card == authorize.consent.card();
        if bound { Ok(()) } else { Err(DeclineReason::QuoteMismatch) }
    }

    /// Makes an approval so.
    pub(crate) fn approved(&mut self, at: Timestamp, authorize: &AuthorizePayment, how: Approval<'_>) {
        let (Evidence::Present(payer), Evidence::Present(conversions)) = (&authorize.payer, &authorize.converted)
        else {
            unreachable!("only a payment whose payer and conversions were found is approved");
        };
        let merchant = self.parties.merchant(authorize.merchant).expect("a merchant is registered before it is paid");
        let subject = subject(merchant, *payer, authorize.presentment_amount, authorize.offer.as_ref());
        let (legs, weight) = recorded(&subject, conversions);
        let legs = self.payments.shared(legs);
        let tranche = Tranche::new(legs, weight, subject.presentment);
        let debit = tranche.legs.debit(subject.presentment);
        let order = authorize.merchant_order_digest;
        let agreement = self.consents.agreement(at, authorize.merchant, order, *payer, &authorize.consent);
        let agreement = agreement.expect("an approved payment was agreed to");
        let payment = Payment {
            merchant: authorize.merchant,
            payer: *payer,
            order,
            tranches: Tranches::new(tranche),
            phase: Phase::Closed(Closed::Captured),
            consented: agreement.debit_amount_max,
            mandate: agreement.period.map(|(id, period, _)| Box::new(MandateUse { id, period, counted: debit })),
            pending_refunds: 0,
            changed: self.applied.next(),
            card: None,
        };
        let payment = match how {
            Approval::Held(authorized) => {
                let held = Payment { phase: Phase::Open { expires_at: authorized.expires_at }, ..payment };
                self.ledger.post_with_hold(&[], HoldChange { account: *payer, units: debit.minor_units() });
                self.exposure.reserve(None, held.reserved_exposure());
                held
            }
            Approval::Captured(captured) => {
                self.ledger.post(&captured.postings);
                payment.after_capture(subject.presentment)
            }
        };
        self.consents.used(at, authorize.merchant, order, *payer, &authorize.consent, debit);
        if let Some(offer) = &authorize.offer {
            self.offers.used(offer);
        }
        self.payments.approved(authorize.payment_id, payment);
    }
}

pub(crate) fn subject<'a>(
    merchant: &'a RegisterMerchant,
    payer: AccountId,
    presentment: Money,
    offer: Option<&'a Offer>,
) -> Subject<'a> {
    Subject {
        merchant: &merchant.name,
        payer,
        presentment,
        settlement: merchant.settlement_currency,
        discount: merchant.discount,
        fee: None,
        offer,
    }
}

/// Where a payment stands that was captured at once.
fn captured_whole(presentment: Money, levels: &Levels) -> PaymentTotals {
    let all = PaymentAmount { presentment, debit: levels.debit, settlement: levels.settled() };
    let zero = |like: Money| Money::zero(like.currency());
    let none =
        PaymentAmount { presentment: zero(all.presentment), debit: zero(all.debit), settlement: zero(all.settlement) };
    PaymentTotals { state: PaymentState::Captured, authorized: all, captured: all, refunded: none, held: none.debit }
}

/// The payment as it begins: all of it held.
fn held(
    policy: &Policy,
    at: Timestamp,
    authorize: &AuthorizePayment,
    subject: &Subject<'_>,
    tranche: Tranche,
    agreement: &Agreement,
) -> Payment {
    let hold_ms = policy.merchant(subject.merchant, Rail::Wallet).hold_ms;
    Payment {
        merchant: authorize.merchant,
        payer: subject.payer,
        order: authorize.merchant_order_digest,
        tranches: Tranches::new(tranche),
        phase: Phase::Open { expires_at: at.plus_millis(hold_ms) },
        consented: agreement.debit_amount_max,
        mandate: None,
        pending_refunds: 0,
        changed: Lsn::ZERO,
        card: None,
    }
}

/// Whether the account takes new debits and holds.
pub(crate) fn check_may_debit(account: &WalletAccount) -> Result<(), DeclineReason> {
    match account.state {
        AccountState::Open => Ok(()),
        AccountState::Closed => Err(DeclineReason::AccountClosed),
        AccountState::Frozen => Err(DeclineReason::AccountFrozen),
    }
}

/// Whether an amount is above a bound; a bound in another currency is passed at once, since it cannot be kept.
pub(crate) fn exceeds(amount: Money, max: Money) -> bool {
    amount.currency() != max.currency() || amount.minor_units() > max.minor_units()
}
