//! How much more an exposure counts.

use core::fmt;

use rust_decimal::Decimal;

use crate::I128_DIGITS;
use crate::amount::{AMOUNT_DIGITS, Error, Money};
use crate::ratio::{RATIO_DECIMALS, Ratio};
use crate::rounding::Rounding;
use crate::text::PlainDecimal;

/// Digits of the heaviest weight in millionths.
const WEIGHT_DIGITS: u32 = 10;

const _: () = assert!(Weight::MILLIONTHS_MAX == 10_u32.pow(WEIGHT_DIGITS - 1));
/// [`Weight::of`] any amount is exact.
const _: () = assert!(AMOUNT_DIGITS + WEIGHT_DIGITS <= I128_DIGITS);

/// A multiple from 1 to 1,000, to the millionth: how much more an exposure counts while its market is volatile.
///
/// Never below one, so that a weight can make a limit stricter but cannot lift it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Weight {
    /// In `Ratio::ONE_MILLIONTHS..=MILLIONTHS_MAX`.
    millionths: u32,
}

impl Weight {
    /// Counts as it is.
    pub const ONE: Weight = Weight { millionths: Ratio::ONE_MILLIONTHS };

    const MILLIONTHS_MAX: u32 = 1_000 * Ratio::ONE_MILLIONTHS;

    /// Reads a plain decimal from 1 to 1000 with at most 6 decimals: `1.5` is half as much again.
    ///
    /// # Errors
    ///
    /// [`WeightError::Malformed`] for anything that is not a plain decimal, then [`WeightError::OutOfRange`] for a
    /// sign, then [`WeightError::TooPrecise`] for more decimals than a weight has, then [`WeightError::OutOfRange`]
    /// below one or above 1,000.
    pub fn parse(text: &str) -> Result<Weight, WeightError> {
        let magnitude = text.strip_prefix('-');
        let number = PlainDecimal::read(magnitude.unwrap_or(text)).ok_or(WeightError::Malformed)?;
        if magnitude.is_some() {
            return Err(WeightError::OutOfRange);
        }
        if number.scale().is_none_or(|decimals| decimals > RATIO_DECIMALS) {
            return Err(WeightError::TooPrecise);
        }
        let millionths = number.at_scale(RATIO_DECIMALS).and_then(|millionths| u32::try_from(millionths).ok());
        Weight::from_millionths(millionths.ok_or(WeightError::OutOfRange)?)
    }

    /// Returns `millionths` / 1,000,000.
    ///
    /// # Errors
    ///
    /// [`WeightError::OutOfRange`] below one or above 1,000.
    pub const fn from_millionths(millionths: u32) -> Result<Weight, WeightError> {
        if millionths < Ratio::ONE_MILLIONTHS || millionths > Weight::MILLIONTHS_MAX {
            return Err(WeightError::OutOfRange);
        }
        Ok(Weight { millionths })
    }

    /// The multiple in millionths, 1,000,000 to 1,000,000,000.
    pub const fn millionths(self) -> u32 {
        self.millionths
    }

    /// Returns a sum as it counts, rounded once from the exact product.
    ///
    /// # Errors
    ///
    /// [`Error::Overflow`] for sums far beyond any one amount.
    pub fn of(self, exposure: Money, rounding: Rounding) -> Result<Money, Error> {
        let minor_units = exposure
            .minor_units()
            .checked_mul(i128::from(self.millionths))
            .and_then(|product| rounding.divide(product, i128::from(Ratio::ONE_MILLIONTHS)))
            .ok_or(Error::Overflow)?;
        Ok(Money::new(exposure.currency(), minor_units))
    }
}

/// As short as it goes: `1.5`.
impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::new(i64::from(self.millionths), RATIO_DECIMALS).normalize().fmt(f)
    }
}

/// Why a text or a number is not a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightError {
    /// Below one or above a thousand.
    #[error("a weight lies between 1 and 1000: 1.5 is half as much again")]
    OutOfRange,
    /// More decimals than a weight carries; refused rather than rounded.
    #[error("a weight has at most {RATIO_DECIMALS} decimals")]
    TooPrecise,
    /// Not a plain decimal number.
    #[error("a weight is a plain decimal, for example 1.5")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::currency::Currency;

    fn weight(text: &str) -> Weight {
        Weight::parse(text).unwrap()
    }

    #[test]
    fn a_weight_prints_as_short_as_it_goes() {
        let check = |text, millionths, plain: &str| {
            let parsed = weight(text);
            assert_eq!((parsed.millionths(), parsed.to_string().as_str()), (millionths, plain));
            assert_eq!(Weight::from_millionths(millionths), Ok(parsed));
        };
        check("1", 1_000_000, "1");
        check("1.000000", 1_000_000, "1");
        check("1.000001", 1_000_001, "1.000001");
        check("1.50", 1_500_000, "1.5");
        check("0010", 10_000_000, "10");
        check("999.999999", 999_999_999, "999.999999");
        check("1000", 1_000_000_000, "1000");
        assert_eq!(weight("1.0"), Weight::ONE);
    }

    #[test]
    fn texts_are_refused_for_the_first_reason_that_applies() {
        let check = |texts: &[&str], error| {
            for text in texts {
                assert_eq!(Weight::parse(text), Err(error), "{text:?}");
            }
        };
        check(&["", ".5", "1.", "+1.5", "1.5x", "1,000", "15e-1", "1_0", "-", "double"], WeightError::Malformed);
        check(&["0", "0.999999", "-1", "-1.0000000", "1000.000001", "1001"], WeightError::OutOfRange);
        check(&["99999999999999999999999999999999999999999999999999"], WeightError::OutOfRange);
        check(&["1.0000000", "1.5000001", "0.0000001", "1000.0000001"], WeightError::TooPrecise);
        for millionths in [0, 999_999, 1_000_000_001, u32::MAX] {
            assert_eq!(Weight::from_millionths(millionths), Err(WeightError::OutOfRange));
        }
    }

    #[test]
    fn an_exposure_is_weighed_and_rounded_as_named() {
        let check = |text, minor_units, rounding, expected| {
            let weighed = weight(text).of(Money::new(Currency::CNY, minor_units), rounding).unwrap();
            assert_eq!(weighed, Money::new(Currency::CNY, expected), "{text} of {minor_units}");
        };
        check("1", -7, Rounding::Up, -7);
        check("1.5", 100, Rounding::Up, 150);
        check("1.5", 1, Rounding::Up, 2);
        check("1.5", 1, Rounding::Down, 1);
        check("1.5", -1, Rounding::Up, -1);
        check("1.5", -1, Rounding::HalfUp, -1);
        check("1.5", -1, Rounding::Down, -2);
        check("1.000001", 1, Rounding::HalfUp, 1);
        check("1000", 999_999_999_999_999, Rounding::Down, 999_999_999_999_999_000);
    }

    #[test]
    fn a_weight_of_too_much_is_an_error() {
        let sum = Money::new(Currency::CNY, i128::MAX);
        assert_eq!(Weight::ONE.of(sum, Rounding::Down), Err(Error::Overflow));
    }
}
