//! Whether a payment's conversions are what the tape and the rules give.

use alloc::sync::Arc;

use domain::{
    AccountId, CardRefusal, Conversions, Converted, CurrencyPair, DeclineReason, Evidence, Name, Offer, PayerFee,
    Policy, Pricing, Quote, Refusal, SettlementQuote, Timestamp, Unavailable,
};
use money::{Currency, Money, Ratio, Weight};

use crate::{Engine, rails::wallet::Legs, tape::Named};

/// Whose conversion of what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) merchant: &'a Name,
    pub(crate) payer: AccountId,
    pub(crate) presentment: Money,
    pub(crate) settlement: Currency,
    pub(crate) discount: Ratio,
    /// What the payer pays beside the price.
    pub(crate) fee: Option<PayerFee>,
    pub(crate) offer: Option<&'a Offer>,
}

impl Subject<'_> {
    fn debit_pair(&self) -> CurrencyPair {
        CurrencyPair { presentment: self.presentment.currency(), debit: self.payer.currency }
    }

    fn legs(&self, conversions: &Conversions) -> Option<Legs> {
        let (presentment, debit) = (self.presentment.currency(), self.payer.currency);
        Legs::new(presentment, debit, self.settlement, conversions, (self.discount, self.fee))
    }

    fn settlement_pair(&self) -> CurrencyPair {
        CurrencyPair { presentment: self.presentment.currency(), debit: self.settlement }
    }
}

/// What the tape knows of the rates that conversions name; `None` for what is not quoted or not on the tape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names {
    debit: Option<Named>,
    settlement: Option<Named>,
}

impl Engine {
    /// What the tape knows of these conversions, unless one is at a rate that has gone stale between the stage that found
    /// it and now. What an offer promised holds as long as the offer.
    pub(crate) fn names(
        &self,
        policy: &Policy,
        at: Timestamp,
        subject: &Subject<'_>,
        conversions: &Conversions,
    ) -> Result<Names, Refusal> {
        let named = |pair: CurrencyPair, pricing: Option<&Pricing>| {
            let within_one = pair.presentment == pair.debit;
            let named = pricing.filter(|_| !within_one).and_then(|pricing| self.tape.named(policy, pair, pricing));
            match named {
                Some(named) if at >= named.expires_at && subject.offer.is_none() => Err(Refusal::RateStale(pair)),
                // A rate that is not on the tape is no matter of age.
                named => Ok(named),
            }
        };
        let debit = match &conversions.debit {
            Converted::Quoted(quote) => Some(&quote.pricing),
            Converted::SameCurrency => None,
        };
        let settlement = match &conversions.settlement {
            Converted::Quoted(quote) => Some(&quote.pricing),
            Converted::SameCurrency => None,
        };
        Ok(Names {
            debit: named(subject.debit_pair(), debit)?,
            settlement: named(subject.settlement_pair(), settlement)?,
        })
    }
}

/// How the payment becomes what payer pays and merchant gets, and what its exposure weighs, if the conversions are what
/// tape and rules, or an offer, give.
pub(crate) fn legs(
    policy: &Policy,
    subject: &Subject<'_>,
    conversions: &Conversions,
    names: Names,
) -> Result<(Arc<Legs>, Weight), DeclineReason> {
    let mut weight = Weight::ONE;
    if let Converted::Quoted(quote) = &conversions.debit {
        check_debit(policy, subject, quote, names.debit.ok_or(DeclineReason::QuoteNotReproduced)?)?;
        weight = quote.exposure_weight;
    }
    if let Converted::Quoted(quote) = &conversions.settlement {
        names.settlement.ok_or(DeclineReason::QuoteNotReproduced)?;
        check_settlement(subject, quote)?;
    }
    Ok((Arc::new(subject.legs(conversions).ok_or(DeclineReason::QuoteNotReproduced)?), weight))
}

fn check_debit(policy: &Policy, subject: &Subject<'_>, quote: &Quote, named: Named) -> Result<(), DeclineReason> {
    let pair = subject.debit_pair();
    let Quote { markup, move_ppm, exposure_weight, .. } = *quote;
    let (markup, move_ppm, exposure_weight) = match subject.offer {
        // What was promised is reckoned by its own numbers.
        Some(_) => (markup, move_ppm, exposure_weight),
        None => (
            policy.markup(pair, subject.merchant, subject.presentment, named.move_ppm),
            named.move_ppm,
            policy.exposure_weight(named.move_ppm),
        ),
    };
    let pricing = quote.pricing.clone();
    let again = domain::debit_quote(pair, pricing, markup, move_ppm, exposure_weight, subject.presentment);
    if again != *quote {
        return Err(DeclineReason::QuoteNotReproduced);
    }
    quote.amounts.map(|_| ()).ok_or(DeclineReason::DebitAmountTooLarge)
}

fn check_settlement(subject: &Subject<'_>, quote: &SettlementQuote) -> Result<(), DeclineReason> {
    let again = domain::settlement_quote(subject.settlement_pair(), quote.pricing.clone(), subject.presentment);
    if again != *quote {
        return Err(DeclineReason::QuoteNotReproduced);
    }
    quote.gross.map(|_| ()).ok_or(DeclineReason::DebitAmountTooLarge)
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
            Unavailable::CardNotFound => Refusal::Card(CardRefusal::NotFound),
            Unavailable::PaymentNotFound => Refusal::PaymentNotFound,
            Unavailable::QuoteTokenInvalid => Refusal::QuoteTokenInvalid,
        }),
    }
}
