//! Quotes by the rates and the rules in force.

use domain::{
    AccountId, CardToken, Conversions, Converted, CurrencyPair, MerchantId, Offer, OfferedQuote, PriceInForce, QuoteId,
    Timestamp, Unavailable, debit_quote, settlement_quote,
};
use money::{Currency, Money};

use crate::{Directory, RateBook};

/// The offer to make a payment at the rates in force, by a card if one is named: then `payer` is what its scheme will owe. It
/// holds as long as the policy lets a quote hold, no longer than its rates would be quoted by, and, for a card, not beyond the
/// moment from which another fee counts.
///
/// Amounts above the largest one amount may be are missing in it, as in any quote: there is nothing to show then.
///
/// # Errors
/// [`Unavailable::RateMissing`] or [`Unavailable::RateStale`], of the pair that cannot be quoted; the former also for a
/// merchant that is not listed.
pub fn offer(
    directory: &Directory,
    rates: &RateBook,
    at: Timestamp,
    quote_id: QuoteId,
    (merchant, payer): (MerchantId, AccountId),
    card: Option<CardToken>,
    presentment_amount: Money,
) -> Result<OfferedQuote, Unavailable> {
    let quoted = quote(directory, rates, at, merchant, payer, presentment_amount)?;
    let pair = CurrencyPair { presentment: presentment_amount.currency(), debit: payer.currency };
    let policy = rates.policy().ok_or(Unavailable::RateMissing(pair))?;
    let next_fee = card.and(policy.cards.as_ref()).and_then(|rules| rules.next_fee_after(at));
    let ends = quoted.rates_expire_at.into_iter().chain(next_fee);
    let expires_at = ends.fold(at.plus_millis(policy.quote_ms), Timestamp::min);
    let offer = Offer { quote_id, expires_at, merchant, payer, presentment_amount, card };
    Ok(OfferedQuote { offer, conversions: quoted.conversions })
}

/// How the payer's and the merchant's currency follow from `presentment`.
///
/// # Errors
/// As [`offer`].
pub(crate) fn conversions(
    directory: &Directory,
    rates: &RateBook,
    at: Timestamp,
    merchant: MerchantId,
    payer: AccountId,
    presentment: Money,
) -> Result<Conversions, Unavailable> {
    quote(directory, rates, at, merchant, payer, presentment).map(|quoted| quoted.conversions)
}

struct Quoted {
    conversions: Conversions,
    /// Of the rate towards the payer and the one towards the merchant, as far as they are needed.
    rates_expire_at: Vec<Timestamp>,
}

fn quote(
    directory: &Directory,
    rates: &RateBook,
    at: Timestamp,
    merchant: MerchantId,
    payer: AccountId,
    presentment: Money,
) -> Result<Quoted, Unavailable> {
    let to = |target: Currency| CurrencyPair { presentment: presentment.currency(), debit: target };
    let debit_pair = to(payer.currency);
    // A credential is entered after its merchant, so only an engine that refuses this merchant anyway sees this.
    let unlisted = Unavailable::RateMissing(debit_pair);
    let name = directory.merchant_name(merchant).ok_or(unlisted)?;
    let settlement_pair = to(directory.merchant_terms(merchant).ok_or(unlisted)?.settlement_currency);

    let mut rates_expire_at = Vec::new();
    let mut price = |pair: CurrencyPair| -> Result<Converted<PriceInForce>, Unavailable> {
        if pair.presentment == pair.debit {
            return Ok(Converted::SameCurrency);
        }
        let price = rates.price(pair, at)?;
        rates_expire_at.push(price.expires_at);
        Ok(Converted::Quoted(price))
    };
    let debit = match price(debit_pair)? {
        Converted::SameCurrency => Converted::SameCurrency,
        Converted::Quoted(PriceInForce { pricing, move_ppm, .. }) => {
            let policy = rates.policy().ok_or(Unavailable::RateMissing(debit_pair))?;
            let markup = policy.markup(debit_pair, &name, presentment, move_ppm);
            let weight = policy.exposure_weight(move_ppm);
            Converted::quoted(debit_quote(debit_pair, pricing, markup, move_ppm, weight, presentment))
        }
    };
    let settlement = match price(settlement_pair)? {
        Converted::SameCurrency => Converted::SameCurrency,
        Converted::Quoted(price) => Converted::quoted(settlement_quote(settlement_pair, price.pricing, presentment)),
    };
    Ok(Quoted { conversions: Conversions { debit, settlement }, rates_expire_at })
}

#[cfg(test)]
mod tests;
