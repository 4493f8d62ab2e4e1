//! A foreign card pays a merchant: its issuer is asked, what it answers is decided on, and every step is told to its network.
//!
//! The payment stands in the same table as those of wallets, debited to what the scheme owes. What is held there is no
//! money of ours: it is what the issuer promised.

use alloc::{boxed::Box, vec::Vec};

use domain::{
    AccountId, AnswerCard, ApprovalCode, AttemptDeclined, AuthorizePayment, CaptureMode, CardAnswer, CardMessage,
    CardMessageKind, CardRefusal, CardRules, CardToken, CountedLimit, DeclineReason, Event, Evidence, Lsn,
    OriginalMessage, PayerFee, PaymentAuthorized, PaymentCaptured, PaymentId, PaymentPending, Policy, Rail, Refusal,
    RegisterMerchant, SettleScheme, Timestamp, date_of_day,
};
use money::{Conversion, Currency, ExactRate, Money, Prices, Ratio};

use super::wallet::{Postings, minus, plus};
use crate::{
    Engine,
    accounts::declined,
    authorize::{Approval, exceeds, subject},
    cards::{CARD_MESSAGES_MAX, Card},
    consents::Agreement,
    conversions::{Subject, found, legs, recorded},
    ledger::HoldChange,
    lifecycle::hold_change,
    payments::{CardUse, Closed, Payment, Phase, Tranche, Tranches, is_one_amount},
    refunds::refusal,
};

impl Engine {
    /// Refuses what cannot be decided, declines by the first failing check, else asks the issuer.
    pub(crate) fn authorize_card(
        &self,
        policy: &Policy,
        at: Timestamp,
        authorize: &AuthorizePayment,
        (merchant, token): (&RegisterMerchant, CardToken),
    ) -> Result<Event, Refusal> {
        let rules = policy.cards.as_ref().ok_or(Refusal::Card(CardRefusal::NotTaken))?;
        let card = self.cards.bound(token).ok_or(Refusal::Card(CardRefusal::NotFound))?;
        let asked = authorize.presentment_amount.currency();
        if asked != rules.currency {
            return Err(Refusal::Card(CardRefusal::CurrencyMismatch { rail: rules.currency, amount: asked }));
        }
        let payer = charged(authorize, card).ok_or(Refusal::Card(CardRefusal::NotFound))?;
        if self.cards.messages.len() >= CARD_MESSAGES_MAX {
            return Err(Refusal::Card(CardRefusal::LineFull));
        }
        let conversions = found(&authorize.converted)?;
        let subject = Subject {
            fee: rules.fee_at(at),
            ..subject(merchant, payer, authorize.presentment_amount, authorize.offer.as_ref())
        };
        let names = self.names(policy, at, &subject, conversions)?;
        let limit = self.limit_use(policy, rules, at, authorize.presentment_amount)?;
        if let Some(reason) = authorize.sandbox_decline.filter(|_| self.is_sandbox()) {
            return Ok(declined(reason));
        }
        if let Some(taken) = self.order_taken(authorize) {
            return Ok(taken);
        }
        let pending = || {
            let order = authorize.merchant_order_digest;
            let agreement = self.consents.agreement(at, authorize.merchant, order, payer, &authorize.consent)?;
            if let Some(offer) = &authorize.offer {
                self.check_offer(at, authorize, payer, offer)?;
            }
            let (legs, weight) = legs(policy, &subject, conversions, names)?;
            let within_limits = self.check_limits(rules, card, limit);
            let card = CardUse::asked(token, authorize.capture_mode, limit, self.applied.next(), at);
            let answer_by = at.plus_millis(rules.answer_ms);
            let tranche = Tranche::new(legs, weight, authorize.presentment_amount);
            let payment = awaiting(authorize, payer, tranche, card, answer_by);
            self.ask(policy, authorize, payment, &agreement, (subject.fee, limit), within_limits)
        };
        Ok(pending().unwrap_or_else(declined))
    }

    /// The checks of a payment that is about to be asked for, once it is known what it would be.
    fn ask(
        &self,
        policy: &Policy,
        authorize: &AuthorizePayment,
        payment: Payment,
        agreement: &Agreement,
        (fee, counted): (Option<PayerFee>, CountedLimit),
        within_limits: Result<(), DeclineReason>,
    ) -> Result<Event, DeclineReason> {
        let after = payment.totals();
        if !is_one_amount(after.authorized.debit) {
            return Err(DeclineReason::DebitAmountTooLarge);
        }
        if authorize.debit_amount_max.is_some_and(|max| exceeds(after.authorized.debit, max)) {
            return Err(DeclineReason::DebitAboveMax);
        }
        if !agreement.covers(after.authorized.debit) {
            return Err(DeclineReason::ConsentExceeded);
        }
        within_limits?;
        let above_soft_limit = self.exposure.check(policy, &self.ledger, || payment.reserved_exposure())?;
        let hold = HoldChange { account: payment.payer, units: after.held.minor_units() };
        self.ledger.check_with_hold(&[], Some(hold))?;
        let Phase::Pending { answer_by } = payment.phase else { unreachable!("its issuer was not asked yet") };
        Ok(Event::PaymentPending(PaymentPending { answer_by, fee, counted, after, above_soft_limit }))
    }

    /// What the payment counts against the limits of its person: what is asked, at mid, rounded up. There must be a rate.
    fn limit_use(
        &self,
        policy: &Policy,
        rules: &CardRules,
        at: Timestamp,
        asked: Money,
    ) -> Result<CountedLimit, Refusal> {
        let limits = rules.verified.payment.currency();
        let pair = domain::CurrencyPair { presentment: asked.currency(), debit: limits };
        let mid_rate = match asked.currency() == limits {
            true => None,
            false => Some(self.tape.price(policy, pair, at).map_err(refusal)?.pricing.prices.mid()),
        };
        let amount = counted(asked, mid_rate, limits).ok_or(Refusal::PaymentTooLarge)?;
        Ok(CountedLimit { year: date_of_day(policy.day(at)).0, mid_rate, amount })
    }

    fn check_limits(&self, rules: &CardRules, card: &Card, limit: CountedLimit) -> Result<(), DeclineReason> {
        let person = self.cards.person(card.person);
        let limits = rules.limits(person.tier());
        if exceeds(limit.amount, limits.payment) {
            return Err(DeclineReason::CardPaymentLimit);
        }
        let in_year = plus(person.used_in(limit.year, limit.amount.currency()), limit.amount);
        if exceeds(in_year, limits.year) { Err(DeclineReason::CardYearLimit) } else { Ok(()) }
    }

    /// Makes a payment so whose issuer is asked.
    pub(crate) fn pending_recorded(&mut self, at: Timestamp, authorize: &AuthorizePayment, event: &PaymentPending) {
        let token = authorize.consent.card().expect("only cards wait for an issuer");
        let card = CardUse::asked(token, authorize.capture_mode, event.counted, self.applied.next(), at);
        let (payer, tranche) = self.recorded_tranche(authorize, event.fee);
        let payment = awaiting(authorize, payer, tranche, card, event.answer_by);
        assert!(payment.totals() == event.after, "a payment begins where its record says: {}", authorize.payment_id);

        let hold = HoldChange { account: payer, units: event.after.held.minor_units() };
        self.ledger.post_with_hold(&[], hold);
        self.exposure.reserve(None, payment.reserved_exposure());
        let person = self.cards.known(token).person;
        self.cards.count(person, event.counted.year, event.counted.amount);
        if let Some(offer) = &authorize.offer {
            self.offers.used(offer);
        }
        let kind = CardMessageKind::Authorization { answer_by: event.answer_by };
        self.say(at, (authorize.payment_id, &payment), kind, event.after.authorized.debit);
        let payment = Payment { changed: self.applied.next(), ..payment };
        self.payments.approved(authorize.payment_id, payment);
    }

    /// What a recorded payment by card debits, and by what legs.
    pub(crate) fn recorded_tranche(&self, authorize: &AuthorizePayment, fee: Option<PayerFee>) -> (AccountId, Tranche) {
        let (Evidence::Present(payer), Evidence::Present(conversions)) = (&authorize.payer, &authorize.converted)
        else {
            unreachable!("an issuer is asked only once payer and conversions were found");
        };
        let merchant = self.parties.merchant(authorize.merchant).expect("a merchant is registered before it is paid");
        let whole = authorize.presentment_amount;
        let subject = Subject { fee, ..subject(merchant, *payer, whole, authorize.offer.as_ref()) };
        let (legs, weight) = recorded(&subject, conversions);
        (*payer, Tranche::new(legs, weight, whole))
    }

    /// What an issuer's answer, or that it was never asked, does to the payment that waits for it.
    pub(crate) fn answer_card(&self, policy: &Policy, at: Timestamp, answer: &AnswerCard) -> Result<Event, Refusal> {
        let before = self.open_request(answer.payment_id).filter(|(_, card, answer_by)| {
            // One that is due is as good as reversed.
            card.original.lsn == answer.request && at < *answer_by
        });
        let (before, card, _) = before.ok_or(Refusal::Card(CardRefusal::NoOpenRequest))?;
        let ended = |reason, undo| Ok(Event::AttemptDeclined(AttemptDeclined { reason, undo, after: before.undone() }));
        match answer.answer {
            CardAnswer::Approved(_) => Ok(self.approve_asked(policy, at, answer, (&before, &card))),
            CardAnswer::Declined { reason, .. } => ended(reason, domain::Undo::Nothing),
            CardAnswer::Partial { .. } => ended(DeclineReason::PartiallyApproved, domain::Undo::Reversal),
            CardAnswer::NotSent if self.may_stand_in(policy, &before, card.token) => {
                Ok(self.approve_asked(policy, at, answer, (&before, &card)))
            }
            CardAnswer::NotSent => ended(DeclineReason::IssuerUnavailable, domain::Undo::Nothing),
        }
    }

    fn may_stand_in(&self, policy: &Policy, before: &Payment, token: CardToken) -> bool {
        let scheme = self.cards.known(token).face.scheme;
        let max = policy.cards.as_ref().and_then(|rules| rules.stand_in.get(&scheme));
        max.is_some_and(|max| !exceeds(before.held(), *max))
    }

    fn approve_asked(
        &self,
        policy: &Policy,
        at: Timestamp,
        answer: &AnswerCard,
        (before, card): (&Payment, &CardUse),
    ) -> Event {
        let merchant = self.parties.merchant(before.merchant).expect("a merchant is registered before it is paid");
        let expires_at = at.plus_millis(policy.merchant(&merchant.name, Rail::ForeignCard).hold_ms);
        let after = approved(before, self.applied.next(), at, &answer.answer, expires_at);
        let change = after.levels().less(before.levels());
        let postings = after.sides().postings(&change).0;
        if let Err(reason) = self.ledger.check_with_hold(&postings, Some(hold_change(before, &after))) {
            let undo = match answer.answer {
                CardAnswer::NotSent => domain::Undo::Nothing,
                CardAnswer::Approved(_) | CardAnswer::Declined { .. } | CardAnswer::Partial { .. } => {
                    domain::Undo::Reversal
                }
            };
            return Event::AttemptDeclined(AttemptDeclined { reason, undo, after: before.undone() });
        }
        let (totals, above_soft_limit) = (after.totals(), Vec::new());
        match card.capture_mode {
            CaptureMode::Manual => {
                Event::PaymentAuthorized(PaymentAuthorized { expires_at, after: totals, above_soft_limit })
            }
            CaptureMode::Automatic => {
                let settlement_amount = change.settled();
                Event::PaymentCaptured(PaymentCaptured { settlement_amount, postings, after: totals, above_soft_limit })
            }
        }
    }

    /// Makes an approval so, and tells the network what it has to know of it.
    pub(crate) fn answer_approved(&mut self, at: Timestamp, answer: &AnswerCard, how: Approval<'_>) {
        let before = self.payments.known(answer.payment_id);
        let (expires_at, postings, told): (_, &[domain::Posting], _) = match how {
            Approval::Held(authorized) => (authorized.expires_at, &[], authorized.after),
            Approval::Captured(captured) => (Timestamp::EPOCH, &captured.postings, captured.after),
        };
        let lsn = self.applied.next();
        let after = approved(&before, lsn, at, &answer.answer, expires_at);
        assert!(after.totals() == told, "an approval leads to where its record says: {}", answer.payment_id);
        let card = *after.card();
        self.consents.charged(before.merchant, before.order, card.token);
        let approval_code = card.approval_code.expect("it was just given");
        self.cards.messages.remove(&answer.request);
        let said = match card.capture_mode {
            CaptureMode::Automatic => {
                // Where the switch stood in there is no message to name: this one tells of the approval too.
                Some((CardMessageKind::Capture { approval_code, original: card.original }, told.captured.debit))
            }
            CaptureMode::Manual if card.original.stood_in => {
                Some((CardMessageKind::StandIn { approval_code }, told.authorized.debit))
            }
            CaptureMode::Manual => None,
        };
        if let Some((kind, amount)) = said {
            self.say(at, (answer.payment_id, &after), kind, amount);
        }
        self.change(answer.payment_id, after, postings);
    }

    /// Makes an end so that an issuer, or the lack of an answer, gave to a payment.
    pub(crate) fn attempt_declined(&mut self, at: Timestamp, payment_id: PaymentId, event: &AttemptDeclined) {
        let before = self.payments.known(payment_id);
        let card = *before.card();
        let held = before.held();
        self.cards.messages.remove(&card.original.lsn);
        if event.undo == domain::Undo::Reversal {
            self.say(at, (payment_id, &before), CardMessageKind::Reversal { original: card.original }, held);
        }
        self.ledger.post_with_hold(&[], HoldChange { account: before.payer, units: -held.minor_units() });
        self.exposure.reserve(before.reserved_exposure(), before.closed(Closed::Voided).reserved_exposure());
        let limit = card.limit.expect("what waits counts");
        let person = self.cards.known(card.token).person;
        self.count_less(person, limit.year, limit.amount, Money::zero(limit.amount.currency()));
        self.payments.ended(payment_id, &before);
    }

    /// The first payment whose issuer did not answer in time.
    pub(crate) fn timed_out(&self, at: Timestamp) -> Option<PaymentId> {
        self.payments.awaited.first().filter(|(answer_by, _)| *answer_by <= at).map(|(_, payment_id)| *payment_id)
    }

    pub(crate) fn time_out(&self, at: Timestamp, payment_id: PaymentId) -> Result<Event, Refusal> {
        let due = self.open_request(payment_id).filter(|(_, _, answer_by)| *answer_by <= at);
        let (before, _, _) = due.ok_or(Refusal::OutOfSequence)?;
        let (reason, undo) = (DeclineReason::IssuerUnavailable, domain::Undo::Reversal);
        Ok(Event::AttemptDeclined(AttemptDeclined { reason, undo, after: before.undone() }))
    }

    fn open_request(&self, payment_id: PaymentId) -> Option<(Payment, CardUse, Timestamp)> {
        let payment = self.payments.table.get(payment_id)?;
        let Phase::Pending { answer_by } = payment.phase else { return None };
        let card = *payment.card();
        Some((payment, card, answer_by))
    }

    /// Tells a card's network of what this record does to a payment; nothing of a payment from a wallet.
    pub(crate) fn tell(
        &mut self,
        at: Timestamp,
        (payment_id, payment): (PaymentId, &Payment),
        kind: impl FnOnce(ApprovalCode, OriginalMessage) -> CardMessageKind,
        amount: Money,
    ) {
        let Some(card) = payment.card.as_deref().copied() else { return };
        let approval_code = card.approval_code.expect("what goes on was approved");
        self.say(at, (payment_id, payment), kind(approval_code, card.original), amount);
    }

    fn say(
        &mut self,
        at: Timestamp,
        (payment_id, payment): (PaymentId, &Payment),
        kind: CardMessageKind,
        amount: Money,
    ) {
        let (lsn, token) = (self.applied.next(), payment.card().token);
        let merchant = self.parties.merchant(payment.merchant).expect("a merchant is registered before it is paid");
        let message = CardMessage {
            lsn,
            at,
            payment_id,
            token,
            scheme: self.cards.known(token).face.scheme,
            merchant: payment.merchant,
            merchant_name: merchant.name.clone(),
            kind,
            amount,
        };
        let earlier = self.cards.messages.insert(lsn, message);
        assert!(earlier.is_none(), "a record intends one message: {lsn:?}");
    }

    /// What a scheme paid closes what it owes; in another currency, through the positions, whose result shows once they are
    /// squared.
    pub(crate) fn settle_scheme(&self, settle: &SettleScheme) -> Result<Event, Refusal> {
        let SettleScheme { scheme, received, settled } = *settle;
        let receivable = AccountId::scheme_receivable(scheme, settled.currency());
        let owed = minus(Money::zero(settled.currency()), self.ledger.posted_balance(receivable));
        if exceeds(settled, owed) {
            return Err(Refusal::Card(CardRefusal::ReceivableTooSmall { owed }));
        }
        let postings = settlement(receivable, received, settled);
        Ok(match self.ledger.check(&postings) {
            Err(reason) => declined(reason),
            Ok(()) => Event::SchemeSettled(postings),
        })
    }
}

/// The account the payment is charged to: what the card's scheme owes in the currency that was asked, or by an offer in the
/// card's own.
fn charged(authorize: &AuthorizePayment, card: &Card) -> Option<AccountId> {
    let payer = *authorize.payer.present()?;
    let currency = match &authorize.offer {
        Some(offer) => Some(offer.payer.currency).filter(|charged| {
            *charged == authorize.presentment_amount.currency() || Some(*charged) == card.billing_currency
        }),
        None => Some(authorize.presentment_amount.currency()),
    };
    (payer.scheme() == Some(card.face.scheme) && Some(payer.currency) == currency).then_some(payer)
}

/// The payment as it begins: its issuer is asked.
pub(crate) fn awaiting(
    authorize: &AuthorizePayment,
    payer: AccountId,
    tranche: Tranche,
    card: CardUse,
    answer_by: Timestamp,
) -> Payment {
    Payment {
        merchant: authorize.merchant,
        payer,
        order: authorize.merchant_order_digest,
        tranches: Tranches::new(tranche),
        phase: Phase::Pending { answer_by },
        consented: None,
        mandate: None,
        pending_refunds: 0,
        changed: Lsn::ZERO,
        card: Some(Box::new(card)),
    }
}

/// The payment once it is approved, by its issuer or in its stead, by the record at `lsn`.
pub(crate) fn approved(
    before: &Payment,
    lsn: Lsn,
    at: Timestamp,
    answer: &CardAnswer,
    expires_at: Timestamp,
) -> Payment {
    let mut card = *before.card();
    match answer {
        CardAnswer::Approved(approval) => card.approval_code = Some(approval.approval_code),
        CardAnswer::NotSent => {
            card.approval_code = Some(ApprovalCode::stand_in(lsn));
            card.original = OriginalMessage { lsn, at, stood_in: true };
        }
        CardAnswer::Declined { .. } | CardAnswer::Partial { .. } => unreachable!("this is no approval"),
    }
    let open = Payment { phase: Phase::Open { expires_at }, card: Some(Box::new(card)), ..before.clone() };
    match card.capture_mode {
        CaptureMode::Manual => open,
        CaptureMode::Automatic => open.after_capture(open.authorized()),
    }
}

/// What an amount counts, if that can be one amount.
pub(crate) fn counted(asked: Money, mid_rate: Option<ExactRate>, limits: Currency) -> Option<Money> {
    let Some(mid) = mid_rate else { return Some(asked) };
    let conversion = Conversion::at(asked.currency(), limits, Prices::mid_only(mid), Ratio::ZERO).ok()?;
    conversion.debit(asked).ok().filter(|counted| is_one_amount(*counted))
}

fn settlement(receivable: AccountId, received: Money, settled: Money) -> Vec<domain::Posting> {
    use domain::AccountKind::{FxPosition, FxResult, Nostro};
    let house = AccountId::house;
    let mut postings = Postings::new();
    if received.currency() == settled.currency() {
        let currency = settled.currency();
        let both = received.min(settled).expect("one currency");
        postings.change(house(Nostro, currency), receivable, both);
        // More than was owed is won, less is lost.
        let won = minus(received, settled);
        match won.is_negative() {
            true => postings.change(house(FxResult, currency), receivable, minus(settled, received)),
            false => postings.change(house(Nostro, currency), house(FxResult, currency), won),
        }
    } else {
        postings.change(house(Nostro, received.currency()), house(FxPosition, received.currency()), received);
        postings.change(house(FxPosition, settled.currency()), receivable, settled);
    }
    postings.0
}

/// The rail of a payment that debits this account.
pub(crate) fn rail_of(payer: AccountId) -> Rail {
    if payer.scheme().is_some() { Rail::ForeignCard } else { Rail::Wallet }
}

#[cfg(test)]
mod tests {
    use domain::Scheme;

    use super::*;

    #[test]
    fn every_scheme_has_its_receivable() {
        for scheme in Scheme::ALL {
            let receivable = AccountId::scheme_receivable(scheme, Currency::CNY);
            assert_eq!((receivable.scheme(), rail_of(receivable)), (Some(scheme), Rail::ForeignCard));
        }
    }
}
