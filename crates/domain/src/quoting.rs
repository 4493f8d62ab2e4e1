//! How a quote follows from published rates and the rules. Pure, so that who offers a quote and who checks it reckon
//! alike.

use core::borrow::Borrow;

use money::{AMOUNT_MINOR_UNITS_MAX, Conversion, Money, Prices, Ratio, Weight};

use crate::{
    CurrencyPair, Lsn, Policy, PriceError, Pricing, Quote, QuotedAmounts, RateTick, SettlementQuote, Timestamp,
    Unavailable,
};

/// A rate, where on the tape it stands, and how volatile its pair was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedTick {
    /// The record that published it.
    pub lsn: Lsn,
    /// The rate, its source and the moment it speaks of.
    pub tick: RateTick,
    /// How volatile the pair was then, this tick included: mean move of its last ticks, in millionths.
    pub move_ppm: u32,
}

/// A rate that can be quoted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceInForce {
    /// The rate.
    pub pricing: Pricing,
    /// How volatile the pair is; of a crossed rate, the more volatile of the two.
    pub move_ppm: u32,
    /// From this moment on it is stale; of a crossed rate, as soon as one of the two is.
    pub expires_at: Timestamp,
}

impl PublishedTick {
    /// The rate as a quote gives it.
    ///
    /// # Errors
    /// As [`TickPrice::prices`](crate::TickPrice::prices).
    pub fn pricing(&self) -> Result<Pricing, PriceError> {
        Ok(Pricing {
            prices: self.tick.price.prices()?,
            rate_lsn: self.lsn,
            cross_lsn: None,
            as_of: self.tick.as_of,
            source: self.tick.source.clone(),
        })
    }

    /// From this moment on the rate is stale: by its age, or by its own word if that is earlier.
    #[must_use]
    pub fn expires_at(&self, policy: &Policy) -> Timestamp {
        let by_age = policy.rate_expires_at(self.tick.pair, self.tick.as_of);
        self.tick.valid_until.map_or(by_age, |valid_until| valid_until.min(by_age))
    }
}

/// What this pair is quoted by at `at`, where `last` tells the last tick of a pair, however old: its own last tick; only
/// if it has none, the last ticks from the pivot to its two currencies, crossed. A pair is never inverted.
///
/// # Errors
/// [`Unavailable::RateMissing`] or [`Unavailable::RateStale`], of the pair that was asked for.
pub fn price_in_force<T: Borrow<PublishedTick>>(
    policy: &Policy,
    pair: CurrencyPair,
    at: Timestamp,
    last: impl Fn(CurrencyPair) -> Option<T>,
) -> Result<PriceInForce, Unavailable> {
    let price = match last(pair) {
        Some(own) => of_own_tick(policy, own.borrow()),
        None => of_crossed_ticks(policy, pair, last),
    };
    let price = price.ok_or(Unavailable::RateMissing(pair))?;
    if at >= price.expires_at {
        return Err(Unavailable::RateStale(pair));
    }
    Ok(price)
}

/// The rate between two currencies by the rates from a pivot to each of them; `None` when it has too many digits.
#[must_use]
pub fn crossed(target_per_pivot: &Pricing, presentment_per_pivot: &Pricing) -> Option<Pricing> {
    Some(Pricing {
        prices: Prices::cross(target_per_pivot.prices, presentment_per_pivot.prices).ok()?,
        rate_lsn: target_per_pivot.rate_lsn,
        cross_lsn: Some(presentment_per_pivot.rate_lsn),
        as_of: target_per_pivot.as_of.min(presentment_per_pivot.as_of),
        source: target_per_pivot.source.clone(),
    })
}

/// The offer to debit a payer for `presentment`.
///
/// # Panics
/// When the pair is of one currency, or `presentment` in another than the pair's.
#[must_use]
pub fn debit_quote(
    pair: CurrencyPair,
    pricing: Pricing,
    markup: Ratio,
    move_ppm: u32,
    exposure_weight: Weight,
    presentment: Money,
) -> Quote {
    let amounts = quoted_amounts(&conversion(pair, pricing.prices, markup, presentment), presentment);
    Quote { pricing, markup, move_ppm, exposure_weight, amounts }
}

/// The offer to settle a merchant for `presentment`; the pair's debit currency is the one it is settled in.
///
/// # Panics
/// As [`debit_quote`].
#[must_use]
pub fn settlement_quote(pair: CurrencyPair, pricing: Pricing, presentment: Money) -> SettlementQuote {
    let gross = conversion(pair, pricing.prices, Ratio::ZERO, presentment).settlement(presentment);
    SettlementQuote { pricing, gross: gross.ok().filter(is_one_amount) }
}

fn of_own_tick(policy: &Policy, tick: &PublishedTick) -> Option<PriceInForce> {
    let pricing = tick.pricing().ok()?;
    Some(PriceInForce { pricing, move_ppm: tick.move_ppm, expires_at: tick.expires_at(policy) })
}

fn of_crossed_ticks<T: Borrow<PublishedTick>>(
    policy: &Policy,
    pair: CurrencyPair,
    last: impl Fn(CurrencyPair) -> Option<T>,
) -> Option<PriceInForce> {
    let pivot = policy.pivot?;
    let price = |currency| {
        let tick = last(CurrencyPair { presentment: pivot, debit: currency })?;
        of_own_tick(policy, tick.borrow())
    };
    let (target, presentment) = (price(pair.debit)?, price(pair.presentment)?);
    Some(PriceInForce {
        pricing: crossed(&target.pricing, &presentment.pricing)?,
        move_ppm: target.move_ppm.max(presentment.move_ppm),
        expires_at: target.expires_at.min(presentment.expires_at),
    })
}

/// `None` when the debit amount is above the largest one amount may be: such a payment is declined, nothing is cut.
fn quoted_amounts(conversion: &Conversion, presentment: Money) -> Option<QuotedAmounts> {
    let debit = conversion.debit(presentment).ok().filter(is_one_amount)?;
    let mid = conversion.mid(presentment).ok()?;
    Some(QuotedAmounts { debit, mid })
}

fn conversion(pair: CurrencyPair, prices: Prices, markup: Ratio, presentment: Money) -> Conversion {
    assert_eq!(presentment.currency(), pair.presentment, "what is quoted is in the pair's presentment currency");
    Conversion::at(pair.presentment, pair.debit, prices, markup).expect("one currency into itself is not quoted")
}

fn is_one_amount(amount: &Money) -> bool {
    amount.minor_units() <= i128::from(AMOUNT_MINOR_UNITS_MAX)
}

#[cfg(test)]
mod tests;
