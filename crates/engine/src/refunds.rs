//! Giving back what was captured: at the payment's own rate, at the rate of now, or at one of a later day.

use domain::{
    AccountId, AccountKind, CardMessageKind, CardRefusal, CurrencyPair, DeclineReason, Event, PaymentId, PaymentMove,
    PaymentRefunded, Policy, Pricing, RefundFunding, RefundId, RefundPayment, RefundPending, RefundPriced, RefundRate,
    Refusal, Repriced, Timestamp, Unavailable,
};
use money::{Conversion, Money, Prices, Ratio};

use crate::{
    Engine,
    accounts::{AccountState, declined},
    cards::CARD_MESSAGES_MAX,
    lifecycle::{check_currency, check_remaining, hold_change},
    payments::{PENDING_REFUNDS_MAX, Payment, PendingRefund, is_one_amount},
    rails::{
        card::rail_of,
        wallet::{Levels, Postings, Sides, minus},
    },
};

impl Engine {
    pub(crate) fn refund(&self, policy: &Policy, at: Timestamp, refund: &RefundPayment) -> Result<Event, Refusal> {
        let before = &self.payments.of_merchant(refund.merchant, refund.payment_id)?;
        check_currency(before, refund.amount)?;
        before.allows(PaymentMove::Refund, at)?;
        let remaining = minus(before.captured(), before.refunded());
        check_remaining(PaymentMove::Refund, refund.amount, remaining)?;
        // A hold ends with one message, whatever ends it; refunds are as many as a merchant makes parts.
        if before.card.is_some() && self.cards.messages.len() >= CARD_MESSAGES_MAX {
            return Err(Refusal::Card(CardRefusal::LineFull));
        }
        let merchant = self.parties.merchant(refund.merchant).ok_or(Refusal::MerchantNotFound)?;
        let rules = policy.merchant(&merchant.name, rail_of(before.payer));
        let pair = before.pair();
        // Within one currency there is no rate to differ; and what a card was charged at is what it is given back at.
        let rate = if pair.presentment == pair.debit || before.card.is_some() {
            RefundRate::Original
        } else {
            rules.refund_rate
        };
        let current = match rate {
            RefundRate::Original | RefundRate::NextDay => None,
            RefundRate::Current => Some(self.tape.price(policy, pair, at).map_err(refusal)?.pricing),
        };
        if rate == RefundRate::NextDay && before.pending_refunds >= PENDING_REFUNDS_MAX {
            return Err(Refusal::TooManyPendingRefunds);
        }
        let is_wallet = before.card.is_none();
        if is_wallet && self.accounts.row(before.payer).state == AccountState::Closed {
            return Ok(declined(DeclineReason::AccountClosed));
        }
        let decided = match current {
            Some(pricing) => self.repriced_refund(before, refund, rules.refund_funding, &pricing),
            None if rate == RefundRate::NextDay => {
                self.pending_refund(before, refund, rules.refund_funding, policy.day(at).saturating_add(1))
            }
            None => self.original_refund(before, refund, rules.refund_funding),
        };
        Ok(decided.unwrap_or_else(declined))
    }

    fn original_refund(
        &self,
        before: &Payment,
        refund: &RefundPayment,
        funding: RefundFunding,
    ) -> Result<Event, DeclineReason> {
        let after = before.after_refund(refund.amount);
        let (change, postings) = self.taken_back(before, &after, funding)?;
        self.check_refund(before, &after, &postings)?;
        Ok(Event::PaymentRefunded(PaymentRefunded {
            debit_amount: negated(change.debit),
            settlement_amount: negated(change.settled()),
            repriced: None,
            postings: postings.0,
            after: after.totals(),
        }))
    }

    fn repriced_refund(
        &self,
        before: &Payment,
        refund: &RefundPayment,
        funding: RefundFunding,
        pricing: &Pricing,
    ) -> Result<Event, DeclineReason> {
        let (after, original_mid) = before.after_repriced_refund(refund.amount);
        let (change, mut postings) = self.taken_back(before, &after, funding)?;
        let (debit_amount, repriced, to_payer) =
            given(before, &PendingRefund { amount: refund.amount, original_mid }, pricing)?;
        postings.0.extend(to_payer.0);
        self.check_refund(before, &after, &postings)?;
        Ok(Event::PaymentRefunded(PaymentRefunded {
            debit_amount,
            settlement_amount: negated(change.settled()),
            repriced: Some(repriced),
            postings: postings.0,
            after: after.totals(),
        }))
    }

    fn pending_refund(
        &self,
        before: &Payment,
        refund: &RefundPayment,
        funding: RefundFunding,
        priced_from_day: i64,
    ) -> Result<Event, DeclineReason> {
        let (after, _) = before.after_repriced_refund(refund.amount);
        let (change, postings) = self.taken_back(before, &after, funding)?;
        self.check_refund(before, &after, &postings)?;
        Ok(Event::RefundPending(RefundPending {
            settlement_amount: negated(change.settled()),
            postings: postings.0,
            priced_from_day,
            after: after.totals(),
        }))
    }

    /// How the legs fall, and the postings of that: what the reserve adds, then the legs.
    fn taken_back(
        &self,
        before: &Payment,
        after: &Payment,
        funding: RefundFunding,
    ) -> Result<(Levels, Postings), DeclineReason> {
        let change = after.levels().less(before.levels());
        let mut postings = self.funded(&before.sides(), &change, funding)?;
        postings.0.extend(before.sides().refund_postings(&change).0);
        Ok((change, postings))
    }

    /// A refund may shift a hold by the rounding of its legs; it never reserves more than it gives back.
    fn check_refund(&self, before: &Payment, after: &Payment, postings: &Postings) -> Result<(), DeclineReason> {
        self.ledger.check_with_hold(&postings.0, Some(hold_change(before, after)))
    }

    /// What the merchant's reserve adds where the merchant is owed less than its share of the refund.
    fn funded(&self, sides: &Sides<'_>, change: &Levels, funding: RefundFunding) -> Result<Postings, DeclineReason> {
        let payable = sides.payable();
        let left = self.ledger.posted_balance(payable).checked_add(change.settled());
        let left = left.expect("one currency, and both are far below 2^127");
        let mut postings = Postings::new();
        if left.is_negative() {
            let lack = negated(left);
            let reserve = AccountId::merchant_reserve(sides.merchant, payable.currency);
            let enough = self.ledger.posted_balance(reserve).minor_units() >= lack.minor_units();
            if funding == RefundFunding::PayableOnly || !enough {
                return Err(DeclineReason::NotEnough);
            }
            postings.change(reserve, payable, lack);
        }
        Ok(postings)
    }

    pub(crate) fn refund_recorded(&mut self, at: Timestamp, refund: &RefundPayment, event: &PaymentRefunded) {
        let after = refunded(&self.payments.known(refund.payment_id), refund, event);
        assert!(after.totals() == event.after, "a refund leads to where its record says: {}", refund.refund_id);
        let kind =
            |approval_code, original| CardMessageKind::Refund { refund_id: refund.refund_id, approval_code, original };
        self.tell(at, (refund.payment_id, &after), kind, event.debit_amount);
        self.change(refund.payment_id, after, &event.postings);
    }

    pub(crate) fn pending_refund_recorded(&mut self, refund: &RefundPayment, event: &RefundPending) {
        let (after, original_mid) = refund_pending(&self.payments.known(refund.payment_id), refund);
        assert!(after.totals() == event.after, "a refund leads to where its record says: {}", refund.refund_id);
        let pair = after.pair();
        self.change(refund.payment_id, after, &event.postings);
        let place = (event.priced_from_day, refund.payment_id, refund.refund_id);
        let pending = PendingRefund { amount: refund.amount, original_mid };
        let earlier = self.payments.pending_refunds.entry(pair).or_default().insert(place, pending);
        assert!(earlier.is_none(), "a refund is asked for once: {}", refund.refund_id);
    }

    /// The first pending refund that there is a rate for. One a record, so that each is judged on the balances the one
    /// before it left.
    pub(crate) fn priced(&self, policy: &Policy) -> Option<RefundPriced> {
        self.payments.pending_refunds.iter().find_map(|(pair, waiting)| {
            let priced = waiting.iter().map_while(|((day, payment_id, refund_id), pending)| {
                // Those behind wait for as late a day or a later one.
                let pricing = self.tape.first_of_day(policy, *pair, *day)?;
                Some(self.priced_by(&pricing, *payment_id, *refund_id, pending))
            });
            priced.flatten().next()
        })
    }

    /// `None` where a balance is at its limit, or the amount is: that refund waits on rather than be lost, and holds up no
    /// other.
    fn priced_by(
        &self,
        pricing: &Pricing,
        payment_id: PaymentId,
        refund_id: RefundId,
        pending: &PendingRefund,
    ) -> Option<RefundPriced> {
        let (debit_amount, repriced, postings) = given(&self.payments.known(payment_id), pending, pricing).ok()?;
        self.ledger.check(&postings.0).ok()?;
        Some(RefundPriced { payment_id, refund_id, debit_amount, repriced, postings: postings.0 })
    }

    pub(crate) fn pricing_recorded(&mut self, refunds: &[RefundPriced]) {
        for refund in refunds {
            self.ledger.post(&refund.postings);
            self.payments.priced(self.applied.next(), refund.payment_id, refund.refund_id);
        }
    }

    /// Whether an account still waits for refunds: it cannot be closed before it has them.
    pub(crate) fn awaits_refund(&self, account: AccountId) -> bool {
        let waiting = self.payments.pending_refunds.values().flat_map(|of_pair| of_pair.keys());
        waiting.into_iter().any(|(_, payment_id, _)| self.payments.known(*payment_id).payer == account)
    }
}

pub(crate) fn refunded(before: &Payment, refund: &RefundPayment, event: &PaymentRefunded) -> Payment {
    match event.repriced {
        None => before.after_refund(refund.amount),
        Some(_) => before.after_repriced_refund(refund.amount).0,
    }
}

/// After a refund that waits for a rate, with what that part was worth at the payment's own mid rate.
pub(crate) fn refund_pending(before: &Payment, refund: &RefundPayment) -> (Payment, Money) {
    let (after, original_mid) = before.after_repriced_refund(refund.amount);
    (Payment { pending_refunds: before.pending_refunds.saturating_add(1), ..after }, original_mid)
}

/// What the payer gets at mid of another rate than the payment's own, rounded down; and the postings: the position gives
/// what the part was worth at the payment's own mid, the result takes the difference.
fn given(
    payment: &Payment,
    pending: &PendingRefund,
    pricing: &Pricing,
) -> Result<(Money, Repriced, Postings), DeclineReason> {
    let CurrencyPair { presentment, debit } = payment.pair();
    let mid = pricing.prices.mid();
    let conversion = Conversion::at(presentment, debit, Prices::mid_only(mid), Ratio::ZERO)
        .expect("within one currency a refund is not priced anew");
    let debit_amount = conversion.settlement(pending.amount).map_err(|_| DeclineReason::DebitAmountTooLarge)?;
    if !is_one_amount(debit_amount) {
        return Err(DeclineReason::DebitAmountTooLarge);
    }
    let difference = minus(debit_amount, pending.original_mid);
    let position = payment.sides().position(debit);
    let result = AccountId::house(AccountKind::FxResult, debit);
    let mut postings = Postings::new();
    postings.change(position, payment.payer, debit_amount.min(pending.original_mid).expect("one currency"));
    match difference.is_negative() {
        true => postings.change(position, result, negated(difference)),
        false => postings.change(result, payment.payer, difference),
    }
    Ok((debit_amount, Repriced { mid_rate: mid, rate_lsn: pricing.rate_lsn, difference }, postings))
}

fn negated(amount: Money) -> Money {
    amount.checked_neg().expect("far above −2^127")
}

pub(crate) fn refusal(unavailable: Unavailable) -> Refusal {
    match unavailable {
        Unavailable::RateStale(pair) => Refusal::RateStale(pair),
        Unavailable::RateMissing(pair) => Refusal::RateMissing(pair),
        Unavailable::AccountNotFound
        | Unavailable::CardNotFound
        | Unavailable::ConsentNotFound
        | Unavailable::PaymentNotFound
        | Unavailable::QuoteTokenInvalid => unreachable!("a tape knows rates only"),
    }
}
