//! Rates that no decimal holds: midpoints, and crosses over a third currency.

mod text;

#[cfg(test)]
mod tests;

use core::cmp::Ordering;

use ethnum::U256;

use crate::U256_DIGITS;
use crate::rate::{RATE_DECIMALS_MAX, RATE_DIGITS, Rate, RateError};
use crate::ratio::{RATIO_DIGITS, Ratio};

/// The largest numerator and the largest denominator of an [`ExactRate`]: 10^30.
pub const EXACT_RATE_PART_MAX: u128 = 10_u128.pow(EXACT_RATE_POWER);

/// The exponent of [`EXACT_RATE_PART_MAX`].
pub(crate) const EXACT_RATE_POWER: u32 = 30;

/// The parts of a rate and of a cross of two are within the bound, those of a midpoint too: a sum, over twice a power.
const _: () = assert!(RATE_DIGITS + RATE_DECIMALS_MAX < EXACT_RATE_POWER);
/// Both sides of the comparison in [`ExactRate::moved_within`] are exact.
const _: () = assert!(2 * EXACT_RATE_POWER + RATIO_DIGITS <= U256_DIGITS);

/// A rate of exchange as a fraction: units of the target currency for one unit of the source currency.
///
/// Holds what a [`Rate`] cannot: half of an odd sum, and the quotient of two rates. Numerator and denominator are
/// whole numbers from 1 to [`EXACT_RATE_PART_MAX`] without a common factor, so equal values are equal fractions. No
/// value is ever rounded here; the one rounding is in the leg of a [`Conversion`](crate::Conversion).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExactRate {
    /// In `1..=EXACT_RATE_PART_MAX`, without a factor in common with the denominator.
    numerator: u128,
    /// In `1..=EXACT_RATE_PART_MAX`.
    denominator: u128,
}

impl ExactRate {
    /// One for one.
    pub const ONE: ExactRate = ExactRate { numerator: 1, denominator: 1 };

    /// Returns `numerator` / `denominator`, as [`numerator`](ExactRate::numerator) and
    /// [`denominator`](ExactRate::denominator) gave them.
    ///
    /// # Errors
    ///
    /// [`RateError::NotPositive`] for a numerator of zero, then [`RateError::OutOfBounds`] for a denominator of zero
    /// or a number above [`EXACT_RATE_PART_MAX`], then [`RateError::NotLowestTerms`] for a common factor: one value
    /// has one spelling.
    pub fn from_parts(numerator: u128, denominator: u128) -> Result<ExactRate, RateError> {
        if numerator == 0 {
            return Err(RateError::NotPositive);
        }
        if denominator == 0 || numerator > EXACT_RATE_PART_MAX || denominator > EXACT_RATE_PART_MAX {
            return Err(RateError::OutOfBounds);
        }
        if greatest_shared_divisor(numerator, denominator) != 1 {
            return Err(RateError::NotLowestTerms);
        }
        Ok(ExactRate { numerator, denominator })
    }

    /// Returns the middle of two published rates: exactly (bid + ask) / 2.
    ///
    /// # Errors
    ///
    /// [`RateError::BidAboveAsk`]: such a pair is a mistake, and its middle would hide it.
    pub fn midpoint(bid: Rate, ask: Rate) -> Result<ExactRate, RateError> {
        if bid > ask {
            return Err(RateError::BidAboveAsk);
        }
        // As integers of one scale. The digit counts asserted above keep sum and denominator below saturation.
        let scale = bid.scale().max(ask.scale());
        let sum = bid.at_scale(scale).saturating_add(ask.at_scale(scale));
        Ok(ExactRate::reduced_decimal(sum, 10_u128.saturating_pow(scale).saturating_mul(2)))
    }

    /// Returns the rate from source to target over a pivot for which both are quoted: the exact quotient.
    ///
    /// HKD per EUR over CNY per EUR is HKD per CNY. That is not multiplying by the inverse of a rate: an inverse would
    /// be a decimal, rounded where nobody looks and then multiplied. Here the quotient stays a numerator and a
    /// denominator, and the only thing rounded, once, is the sum of money in the leg of a
    /// [`Conversion`](crate::Conversion).
    ///
    /// # Errors
    ///
    /// [`RateError::OutOfBounds`] when a part of the reduced quotient is above [`EXACT_RATE_PART_MAX`]; never for two
    /// rates that come [`From`] a [`Rate`] each.
    pub fn cross(target_per_pivot: ExactRate, source_per_pivot: ExactRate) -> Result<ExactRate, RateError> {
        // t/u ÷ s/v = t·v / (u·s). Both are in lowest terms, so only t with s, and u with v, can share a factor.
        let (t, s) = without_shared_factor(target_per_pivot.numerator, source_per_pivot.numerator);
        let (u, v) = without_shared_factor(target_per_pivot.denominator, source_per_pivot.denominator);
        Ok(ExactRate { numerator: bounded_product(t, v)?, denominator: bounded_product(u, s)? })
    }

    /// The number above the line, 1 to [`EXACT_RATE_PART_MAX`].
    pub const fn numerator(self) -> u128 {
        self.numerator
    }

    /// The number below the line, 1 to [`EXACT_RATE_PART_MAX`].
    pub const fn denominator(self) -> u128 {
        self.denominator
    }

    /// Whether |self ÷ previous − 1| ≤ `band`, decided exactly.
    pub fn moved_within(self, previous: ExactRate, band: Ratio) -> bool {
        let (moved_millionths, old) = self.moved_from(previous);
        moved_millionths <= old.saturating_mul(U256::from(band.millionths()))
    }

    /// Returns by how many millionths the rate moved, either way: ⌊|self ÷ previous − 1| · 10^6⌋, at most `u32::MAX`.
    pub fn moved_ppm(self, previous: ExactRate) -> u32 {
        let (moved_millionths, old) = self.moved_from(previous);
        u32::try_from(moved_millionths.div_euclid(old)).unwrap_or(u32::MAX)
    }

    /// |self − previous| · 10^6 and previous, both over one denominator.
    fn moved_from(self, previous: ExactRate) -> (U256, U256) {
        let (new, old) = self.over_one_denominator(previous);
        (new.abs_diff(old).saturating_mul(U256::from(Ratio::ONE_MILLIONTHS)), old)
    }

    /// The numerators of two rates over the product of their denominators.
    fn over_one_denominator(self, other: ExactRate) -> (U256, U256) {
        // The digit counts asserted above keep every product below saturation.
        let product = |left: u128, right: u128| U256::from(left).saturating_mul(U256::from(right));
        (product(self.numerator, other.denominator), product(other.numerator, self.denominator))
    }

    /// Takes out of a fraction what its parts share of 2 and 5. Neither part is zero, and the denominator has no other
    /// factors.
    fn reduced_decimal(mut numerator: u128, mut denominator: u128) -> ExactRate {
        while numerator.is_multiple_of(2) && denominator.is_multiple_of(2) {
            (numerator, denominator) = (numerator / 2, denominator / 2);
        }
        while numerator.is_multiple_of(5) && denominator.is_multiple_of(5) {
            (numerator, denominator) = (numerator / 5, denominator / 5);
        }
        ExactRate { numerator, denominator }
    }
}

/// The same value in lowest terms: `1.10` and `1.1` are both 11/10.
impl From<Rate> for ExactRate {
    fn from(rate: Rate) -> ExactRate {
        ExactRate::reduced_decimal(u128::from(rate.mantissa()), 10_u128.saturating_pow(rate.scale()))
    }
}

/// By value, decided exactly.
impl Ord for ExactRate {
    fn cmp(&self, other: &ExactRate) -> Ordering {
        let (left, right) = self.over_one_denominator(*other);
        left.cmp(&right)
    }
}

impl PartialOrd for ExactRate {
    fn partial_cmp(&self, other: &ExactRate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn bounded_product(left: u128, right: u128) -> Result<u128, RateError> {
    left.checked_mul(right).filter(|product| *product <= EXACT_RATE_PART_MAX).ok_or(RateError::OutOfBounds)
}

/// Two positive numbers, each divided by their greatest common divisor.
fn without_shared_factor(left: u128, right: u128) -> (u128, u128) {
    let divisor = greatest_shared_divisor(left, right);
    (left.div_euclid(divisor), right.div_euclid(divisor))
}

/// The greatest common divisor of two positive numbers, by Euclid's algorithm.
fn greatest_shared_divisor(left: u128, right: u128) -> u128 {
    let (mut divisor, mut rest) = (left, right);
    while rest > 0 {
        (divisor, rest) = (rest, divisor.rem_euclid(rest));
    }
    divisor
}
