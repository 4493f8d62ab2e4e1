//! Deciding a payment: the checks, in the order of [`DeclineReason`].

use domain::{
    AuthorizePayment, Converted, CurrencyPair, Decline, DeclineReason, Digest, Event, Evidence, MerchantId, PaymentId,
    Policy, Quote, QuotedAmounts, Refusal, Timestamp, Unavailable,
};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use money::{AMOUNT_MINOR_UNITS_MAX, Conversion, Money};

use crate::{
    Engine,
    accounts::{AccountState, declined},
    rails::wallet::{self, Debit},
};

/// Which payment holds each merchant order id. Order ids are keyed digests: a fixed hasher cannot be aimed at.
#[derive(Debug, Default)]
pub(crate) struct Payments {
    orders: HashMap<(MerchantId, Digest), PaymentId, FixedState>,
}

impl Payments {
    pub(crate) fn captured(&mut self, authorize: &AuthorizePayment) {
        let order = (authorize.merchant, authorize.merchant_order_digest);
        let earlier = self.orders.insert(order, authorize.payment_id);
        assert!(earlier.is_none(), "a merchant order id is paid once");
    }

    pub(crate) fn orders(&self) -> impl Iterator<Item = (&(MerchantId, Digest), &PaymentId)> {
        self.orders.iter()
    }
}

impl Engine {
    /// Refuses what cannot be decided, then declines by the first failing check, else captures.
    pub(crate) fn authorize(
        &self,
        policy: &Policy,
        at: Timestamp,
        authorize: &AuthorizePayment,
    ) -> Result<Event, Refusal> {
        let merchant = self.parties.merchant(authorize.merchant).ok_or(Refusal::MerchantNotFound)?;
        let payer = self.accounts.find(&authorize.payer)?;
        let presentment = authorize.presentment_amount;
        if presentment.currency() != merchant.settlement_currency {
            return Err(Refusal::PresentmentCurrencyNotAccepted {
                settlement: merchant.settlement_currency,
                presentment: presentment.currency(),
            });
        }
        let pair = CurrencyPair { presentment: presentment.currency(), debit: payer.id.currency };
        let converted = found(&authorize.converted)?;
        refuse_stale(policy, at, pair, converted)?;

        let order = (authorize.merchant, authorize.merchant_order_digest);
        if let Some(paid_by) = self.payments.orders.get(&order) {
            let decline = Decline { reason: DeclineReason::OrderAlreadyPaid, paid_by: Some(*paid_by) };
            return Ok(Event::Declined(decline));
        }
        let debit = match self.debit(policy, pair, presentment, converted) {
            Ok(debit) => debit,
            Err(reason) => return Ok(declined(reason)),
        };
        if payer.state == AccountState::Closed {
            return Ok(declined(DeclineReason::AccountClosed));
        }
        let captured = wallet::capture(payer.id, authorize.merchant, merchant.discount, presentment, debit);
        match self.ledger.check(&captured.postings) {
            Err(reason) => Ok(declined(reason)),
            Ok(()) => Ok(Event::PaymentCaptured(captured)),
        }
    }

    /// What the payer is debited, if the evidence holds.
    fn debit(
        &self,
        policy: &Policy,
        pair: CurrencyPair,
        presentment: Money,
        converted: &Converted,
    ) -> Result<Debit, DeclineReason> {
        match converted {
            Converted::SameCurrency if pair.presentment == pair.debit => Ok(Debit::SameCurrency),
            Converted::SameCurrency => Err(DeclineReason::QuoteNotReproduced),
            Converted::Quoted(quote) => {
                let tick = self.tape.tick_of(pair, quote).ok_or(DeclineReason::QuoteNotReproduced)?;
                let conversion = Conversion::new(pair.presentment, pair.debit, tick.mid_rate, policy.fx_markup)
                    .map_err(|_same_currency| DeclineReason::QuoteNotReproduced)?;
                let amounts = amounts(&conversion, presentment);
                if *quote != (Quote { markup: policy.fx_markup, amounts, ..quote.clone() }) {
                    return Err(DeclineReason::QuoteNotReproduced);
                }
                amounts.map(Debit::Converted).ok_or(DeclineReason::DebitAmountTooLarge)
            }
        }
    }
}

/// The quoted amounts, or `None` when the debit amount is above the largest one amount may be.
fn amounts(conversion: &Conversion, presentment: Money) -> Option<QuotedAmounts> {
    let debit = conversion.debit(presentment).ok()?;
    let mid = conversion.mid(presentment).ok()?;
    (debit.minor_units() <= i128::from(AMOUNT_MINOR_UNITS_MAX)).then_some(QuotedAmounts { debit, mid })
}

fn found<T>(evidence: &Evidence<T>) -> Result<&T, Refusal> {
    match evidence {
        Evidence::Present(found) => Ok(found),
        Evidence::Unavailable(Unavailable::AccountNotFound) => Err(Refusal::AccountNotFound),
        Evidence::Unavailable(Unavailable::RateMissing(pair)) => Err(Refusal::RateMissing(*pair)),
        Evidence::Unavailable(Unavailable::RateStale(pair)) => Err(Refusal::RateStale(*pair)),
    }
}

/// A rate may go stale between the stage that quoted it and this decision.
fn refuse_stale(policy: &Policy, at: Timestamp, pair: CurrencyPair, converted: &Converted) -> Result<(), Refusal> {
    match converted {
        Converted::Quoted(quote) if policy.rate_is_stale(quote.as_of, at) => Err(Refusal::RateStale(pair)),
        Converted::Quoted(_) | Converted::SameCurrency => Ok(()),
    }
}
