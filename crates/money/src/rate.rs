//! Exchange rates.

use core::fmt;

use rust_decimal::Decimal;

use crate::I128_DIGITS;
use crate::exact_rate::EXACT_RATE_POWER;
use crate::ratio::{RATIO_DIGITS, Ratio};
use crate::text::PlainDecimal;

/// Digits of a rate from its first non-zero digit on, trailing zeros included.
pub(crate) const RATE_DIGITS: u32 = 10;
/// Digits of a rate after the point.
pub(crate) const RATE_DECIMALS_MAX: u32 = 18;
const RATE_INTEGER_DIGITS_MAX: usize = 12;
const RATE_MANTISSA_MAX: u64 = 9_999_999_999;

const _: () = assert!(RATE_MANTISSA_MAX == 10_u64.pow(RATE_DIGITS) - 1);
/// Both sides of the comparison in [`Rate::moved_within`] are exact.
const _: () = assert!(RATE_DIGITS + RATE_DECIMALS_MAX + RATIO_DIGITS <= I128_DIGITS);

/// A rate of exchange: units of the debit currency for one unit of the presentment currency.
///
/// A positive decimal of at most 10 digits from the first non-zero one on, at most 18 of them after the point. A
/// rate multiplies; it is never divided by or inverted. `1.10` and `1.1` are equal, each prints as it was given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Rate(
    /// Mantissa in `1..=RATE_MANTISSA_MAX`, scale in `0..=RATE_DECIMALS_MAX`.
    Decimal,
);

impl Rate {
    /// One for one.
    pub const ONE: Rate = Rate(Decimal::ONE);

    /// Reads `[0-9]{1,12}(\.[0-9]{1,18})?`: no sign, no exponent, no grouping, no spaces.
    ///
    /// # Errors
    ///
    /// [`RateError::Malformed`] for anything that is not a plain decimal, then [`RateError::NotPositive`] for zero
    /// and below, then [`RateError::TooPrecise`] for more digits than a rate has.
    pub fn parse(text: &str) -> Result<Rate, RateError> {
        let magnitude = text.strip_prefix('-');
        let number = PlainDecimal::read(magnitude.unwrap_or(text)).ok_or(RateError::Malformed)?;
        if magnitude.is_some() || number.is_zero() {
            return Err(RateError::NotPositive);
        }
        if number.integer.len() > RATE_INTEGER_DIGITS_MAX {
            return Err(RateError::TooPrecise);
        }
        let mantissa = number.mantissa().and_then(|mantissa| u64::try_from(mantissa).ok());
        Rate::from_parts(mantissa.ok_or(RateError::TooPrecise)?, number.scale().ok_or(RateError::TooPrecise)?)
    }

    /// Returns `mantissa` / 10^`scale`, as [`mantissa`](Rate::mantissa) and [`scale`](Rate::scale) gave them.
    ///
    /// # Errors
    ///
    /// [`RateError::NotPositive`] for zero, [`RateError::TooPrecise`] beyond 10 digits or 18 decimals.
    pub fn from_parts(mantissa: u64, scale: u32) -> Result<Rate, RateError> {
        if mantissa == 0 {
            return Err(RateError::NotPositive);
        }
        if mantissa > RATE_MANTISSA_MAX || scale > RATE_DECIMALS_MAX {
            return Err(RateError::TooPrecise);
        }
        let decimal = Decimal::try_from_i128_with_scale(i128::from(mantissa), scale);
        Ok(Rate(decimal.map_err(|_| RateError::TooPrecise)?))
    }

    /// The digits as one integer, 1 to 10^10 − 1.
    pub fn mantissa(self) -> u64 {
        u64::try_from(self.0.mantissa()).expect("a rate is positive and has 10 digits")
    }

    /// How many of the digits stand after the point, as given.
    pub fn scale(self) -> u32 {
        self.0.scale()
    }

    /// Whether |self ÷ previous − 1| ≤ `band`, decided exactly.
    pub fn moved_within(self, previous: Rate, band: Ratio) -> bool {
        // |new − old| ≤ band × old, with both rates as integers of one scale and the band in millionths. The digit
        // counts asserted above keep every product below saturation.
        let scale = self.scale().max(previous.scale());
        let new = self.at_scale(scale);
        let old = previous.at_scale(scale);
        let moved = new.abs_diff(old).saturating_mul(u128::from(Ratio::ONE_MILLIONTHS));
        moved <= old.saturating_mul(u128::from(band.millionths()))
    }

    /// The rate in units of 10^−`scale`, which is not less than its own scale.
    pub(crate) fn at_scale(self, scale: u32) -> u128 {
        let shift = scale.saturating_sub(self.scale());
        u128::from(self.mantissa()).saturating_mul(10_u128.saturating_pow(shift))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text, a pair of numbers or a pair of rates is not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Zero or negative.
    #[error("a rate is greater than zero")]
    NotPositive,
    /// More digits than a rate carries; refused rather than rounded.
    #[error("a rate has at most {RATE_DIGITS} significant digits, {RATE_DECIMALS_MAX} of them after the point")]
    TooPrecise,
    /// Not a plain decimal number.
    #[error("a rate is a plain decimal, for example 1.179291231")]
    Malformed,
    /// A fraction of a number that is too large, or over zero.
    #[error("numerator and denominator of a rate lie between 1 and 10^{EXACT_RATE_POWER}")]
    OutOfBounds,
    /// A fraction that could be written with smaller numbers.
    #[error("numerator and denominator of a rate have no common factor")]
    NotLowestTerms,
    /// A pair that would let everybody buy low and sell high.
    #[error("the bid is above the ask")]
    BidAboveAsk,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn rate(text: &str) -> Rate {
        Rate::parse(text).unwrap()
    }

    #[test]
    fn a_rate_prints_as_it_was_given() {
        for text in ["1", "1.0", "1.179291231", "0.1503107930", "9999999999", "0.000000000000000001", "0.0000000010"] {
            assert_eq!(rate(text).to_string(), text);
        }
        assert_eq!(rate("007.50").to_string(), "7.50");
    }

    #[test]
    fn rates_are_equal_by_value() {
        assert_eq!(rate("1.10"), rate("1.1"));
        assert_eq!(rate("1.000000000"), Rate::ONE);
        assert!(rate("1.09") < rate("1.1"));
    }

    #[test]
    fn parts_are_kept_as_given() {
        let given = rate("0.1503107930");
        assert_eq!((given.mantissa(), given.scale()), (1_503_107_930, 10));
        assert_eq!(Rate::from_parts(1_503_107_930, 10), Ok(given));
        assert_eq!((Rate::ONE.mantissa(), Rate::ONE.scale()), (1, 0));
    }

    #[test]
    fn parts_beyond_the_bounds_are_refused() {
        assert_eq!(Rate::from_parts(0, 0), Err(RateError::NotPositive));
        assert_eq!(Rate::from_parts(10_000_000_000, 0), Err(RateError::TooPrecise));
        assert_eq!(Rate::from_parts(1, 19), Err(RateError::TooPrecise));
        assert_eq!(Rate::from_parts(u64::MAX, u32::MAX), Err(RateError::TooPrecise));
    }

    #[test]
    fn texts_are_refused_for_the_first_reason_that_applies() {
        let check = |texts: &[&str], error| {
            for text in texts {
                assert_eq!(Rate::parse(text), Err(error), "{text:?}");
            }
        };
        check(
            &["", ".", "1.", ".5", "+1", " 1", "1 ", "1e3", "1_000", "1,000", "--1", "-", "-x"],
            RateError::Malformed,
        );
        check(&["NaN", "inf", "0x1", "1.2.3", "１", "1\u{0}"], RateError::Malformed);
        check(&["0", "0.000", "-1", "-0.5", "-0", "0.0000000000000000000"], RateError::NotPositive);
        check(&["12345678901", "1.0000000000", "1.1792912310", "0.0000000000000000001"], RateError::TooPrecise);
        check(&["0000000000001", "99999999999999999999999999999999999999999999"], RateError::TooPrecise);
    }

    #[test]
    fn a_move_is_within_a_band_up_to_and_including_its_edge() {
        let check = |new, old, band, expected| {
            assert_eq!(rate(new).moved_within(rate(old), Ratio::parse(band).unwrap()), expected, "{new} {old} {band}");
        };
        check("1.1", "1", "0.1", true);
        check("1.100000001", "1", "0.1", false);
        check("0.9", "1", "0.1", true);
        check("0.899999999", "1", "0.1", false);
        check("1.10", "1.1", "0", true);
        check("1.100000001", "1.1", "0", false);
        check("2", "1", "1", true);
        check("2.000000001", "1", "1", false);
        check("0.000000000000000001", "9999999999", "0.999999", false);
        check("0.000000000000000001", "9999999999", "1", true);
        check("9999999999", "0.000000000000000001", "1", false);
    }
}
