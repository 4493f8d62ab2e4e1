//! Whether a payment's conversions are what the tape and the rules give.

use alloc::sync::Arc;

use domain::{
    AccountId, Conversions, Converted, CurrencyPair, DeclineReason, Evidence, Name, Offer, Policy, Pricing, Quote,
    Refusal, SettlementQuote, Timestamp, Unavailable,
};
use money::{Currency, Money, Ratio, Weight};

use crate::{Engine, rails::wallet::Legs};

/// Whose conversion of what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) merchant: &'a Name,
    pub(crate) payer: AccountId,
    pub(crate) presentment: Money,
    pub(crate) settlement: Currency,
    pub(crate) discount: Ratio,
    pub(crate) offer: Option<&'a Offer>,
}

impl Subject<'_> {
    fn debit_pair(&self) -> CurrencyPair {
        CurrencyPair { presentment: self.presentment.currency(), debit: self.payer.currency }
    }

    fn legs(&self, conversions: &Conversions) -> Option<Legs> {
        Legs::new(self.presentment.currency(), self.payer.currency, self.settlement, conversions, self.discount)
    }

    fn settlement_pair(&self) -> CurrencyPair {
        CurrencyPair { presentment: self.presentment.currency(), debit: self.settlement }
    }
}

impl Engine {
    /// Refuses conversions at a rate that has gone stale between the stage that found it and now. What an offer promised
    /// holds as long as the offer.
    pub(crate) fn refuse_stale(
        &self,
        policy: &Policy,
        at: Timestamp,
        subject: &Subject<'_>,
        conversions: &Conversions,
    ) -> Result<(), Refusal> {
        if subject.offer.is_some() {
            return Ok(());
        }
        let check = |pair, pricing: &Pricing| match self.tape.named(policy, pair, pricing) {
            Some(price) if at >= price.expires_at => Err(Refusal::RateStale(pair)),
            // A rate that is not on the tape is no matter of age.
            Some(_) | None => Ok(()),
        };
        if let Converted::Quoted(quote) = &conversions.debit {
            check(subject.debit_pair(), &quote.pricing)?;
        }
        if let Converted::Quoted(quote) = &conversions.settlement {
            check(subject.settlement_pair(), &quote.pricing)?;
        }
        Ok(())
    }

    /// How the payment becomes what payer pays and merchant gets, and what its exposure weighs, if the conversions are
    /// what tape and rules, or an offer, give.
    pub(crate) fn legs(
        &self,
        policy: &Policy,
        subject: &Subject<'_>,
        conversions: &Conversions,
    ) -> Result<(Arc<Legs>, Weight), DeclineReason> {
        let mut weight = Weight::ONE;
        if let Converted::Quoted(quote) = &conversions.debit {
            self.check_debit(policy, subject, quote)?;
            weight = quote.exposure_weight;
        }
        if let Converted::Quoted(quote) = &conversions.settlement {
            self.check_settlement(policy, subject, quote)?;
        }
        Ok((Arc::new(subject.legs(conversions).ok_or(DeclineReason::QuoteNotReproduced)?), weight))
    }

    fn check_debit(&self, policy: &Policy, subject: &Subject<'_>, quote: &Quote) -> Result<(), DeclineReason> {
        let pair = subject.debit_pair();
        let price = self.named(policy, pair, &quote.pricing)?;
        let Quote { markup, move_ppm, exposure_weight, .. } = *quote;
        let (markup, move_ppm, exposure_weight) = match subject.offer {
            // What was promised is reckoned by its own numbers.
            Some(_) => (markup, move_ppm, exposure_weight),
            None => (
                policy.markup(pair, subject.merchant, subject.presentment, price.move_ppm),
                price.move_ppm,
                policy.exposure_weight(price.move_ppm),
            ),
        };
        let again = domain::debit_quote(pair, price.pricing, markup, move_ppm, exposure_weight, subject.presentment);
        if again != *quote {
            return Err(DeclineReason::QuoteNotReproduced);
        }
        quote.amounts.map(|_| ()).ok_or(DeclineReason::DebitAmountTooLarge)
    }

    fn check_settlement(
        &self,
        policy: &Policy,
        subject: &Subject<'_>,
        quote: &SettlementQuote,
    ) -> Result<(), DeclineReason> {
        let pair = subject.settlement_pair();
        let price = self.named(policy, pair, &quote.pricing)?;
        if domain::settlement_quote(pair, price.pricing, subject.presentment) != *quote {
            return Err(DeclineReason::QuoteNotReproduced);
        }
        quote.gross.map(|_| ()).ok_or(DeclineReason::DebitAmountTooLarge)
    }

    fn named(
        &self,
        policy: &Policy,
        pair: CurrencyPair,
        pricing: &Pricing,
    ) -> Result<domain::PriceInForce, DeclineReason> {
        match pair.presentment == pair.debit {
            true => Err(DeclineReason::QuoteNotReproduced),
            false => self.tape.named(policy, pair, pricing).ok_or(DeclineReason::QuoteNotReproduced),
        }
    }
}

/// How a recorded payment becomes what payer pays and merchant gets: it was checked when it was decided.
pub(crate) fn recorded(subject: &Subject<'_>, conversions: &Conversions) -> (Arc<Legs>, Weight) {
    let weight = match &conversions.debit {
        Converted::Quoted(quote) => quote.exposure_weight,
        Converted::SameCurrency => Weight::ONE,
    };
    (Arc::new(subject.legs(conversions).expect("a recorded conversion reproduces")), weight)
}

/// What a stage found, or the refusal for what it did not.
pub(crate) fn found<T>(evidence: &Evidence<T>) -> Result<&T, Refusal> {
    match evidence {
        Evidence::Present(found) => Ok(found),
        Evidence::Unavailable(reason) => Err(match reason {
            Unavailable::AccountNotFound => Refusal::AccountNotFound,
            Unavailable::RateMissing(pair) => Refusal::RateMissing(*pair),
            Unavailable::RateStale(pair) => Refusal::RateStale(*pair),
            Unavailable::ConsentNotFound => Refusal::ConsentMissing,
            Unavailable::PaymentNotFound => Refusal::PaymentNotFound,
            Unavailable::QuoteTokenInvalid => Refusal::QuoteTokenInvalid,
        }),
    }
}
