//! Shares of a sum: fees, discounts, markups, bands.

use core::fmt;

use rust_decimal::Decimal;

use crate::I128_DIGITS;
use crate::amount::{AMOUNT_DIGITS, Error, Money};
use crate::rounding::Rounding;
use crate::text::PlainDecimal;

/// Digits of a ratio after the point.
pub(crate) const RATIO_DECIMALS: u32 = 6;
/// Digits of one in millionths, and of one plus any ratio.
pub(crate) const RATIO_DIGITS: u32 = 7;

const _: () = assert!(Ratio::ONE_MILLIONTHS == 10_u32.pow(RATIO_DECIMALS));
const _: () = assert!(2 * Ratio::ONE_MILLIONTHS < 10_u32.pow(RATIO_DIGITS));
/// [`Ratio::of`] any amount is exact.
const _: () = assert!(AMOUNT_DIGITS + RATIO_DIGITS <= I128_DIGITS);

/// A share between nothing and all, to the millionth.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ratio {
    /// In `0..=ONE_MILLIONTHS`.
    millionths: u32,
}

impl Ratio {
    /// Nothing.
    pub const ZERO: Ratio = Ratio { millionths: 0 };

    pub(crate) const ONE_MILLIONTHS: u32 = 1_000_000;

    /// Reads a plain decimal from 0 to 1 with at most 6 decimals: `0.006` is 0.6 %.
    ///
    /// # Errors
    ///
    /// [`RatioError::Malformed`] for anything that is not a plain decimal, then [`RatioError::OutOfRange`] for a
    /// sign or more than one, then [`RatioError::TooPrecise`] for more decimals than a ratio has.
    pub fn parse(text: &str) -> Result<Ratio, RatioError> {
        let magnitude = text.strip_prefix('-');
        let number = PlainDecimal::read(magnitude.unwrap_or(text)).ok_or(RatioError::Malformed)?;
        if magnitude.is_some() || number.exceeds_one() {
            return Err(RatioError::OutOfRange);
        }
        let millionths = number.at_scale(RATIO_DECIMALS).ok_or(RatioError::TooPrecise)?;
        Ratio::from_millionths(u32::try_from(millionths).map_err(|_| RatioError::OutOfRange)?)
    }

    /// Returns `millionths` / 1,000,000.
    ///
    /// # Errors
    ///
    /// [`RatioError::OutOfRange`] above one.
    pub const fn from_millionths(millionths: u32) -> Result<Ratio, RatioError> {
        if millionths > Ratio::ONE_MILLIONTHS {
            return Err(RatioError::OutOfRange);
        }
        Ok(Ratio { millionths })
    }

    /// The share in millionths, 0 to 1,000,000.
    pub const fn millionths(self) -> u32 {
        self.millionths
    }

    /// Returns `self + other`, or one when that is more: a larger share than all is all.
    pub const fn saturating_add(self, other: Ratio) -> Ratio {
        let millionths = self.millionths.saturating_add(other.millionths);
        if millionths > Ratio::ONE_MILLIONTHS {
            return Ratio { millionths: Ratio::ONE_MILLIONTHS };
        }
        Ratio { millionths }
    }

    /// Returns this share of a sum, rounded once from the exact product.
    ///
    /// # Errors
    ///
    /// [`Error::Overflow`] for sums far beyond any one amount.
    pub fn of(self, amount: Money, rounding: Rounding) -> Result<Money, Error> {
        let minor_units = amount
            .minor_units()
            .checked_mul(i128::from(self.millionths))
            .and_then(|product| rounding.divide(product, i128::from(Ratio::ONE_MILLIONTHS)))
            .ok_or(Error::Overflow)?;
        Ok(Money::new(amount.currency(), minor_units))
    }

    /// Prints the share in percent: `0.6 %`.
    pub fn percent(self) -> impl fmt::Display {
        Percent(self)
    }

    /// The share times 10^`power`, as short as it goes.
    fn decimal(self, power: u32) -> Decimal {
        Decimal::new(i64::from(self.millionths), RATIO_DECIMALS.saturating_sub(power)).normalize()
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.decimal(0).fmt(f)
    }
}

struct Percent(Ratio);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0.decimal(2))
    }
}

/// Why a text or a number is not a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RatioError {
    /// Below zero or above one.
    #[error("a ratio lies between 0 and 1: 0.006 is 0.6 %")]
    OutOfRange,
    /// More decimals than a ratio carries; refused rather than rounded.
    #[error("a ratio has at most {RATIO_DECIMALS} decimals")]
    TooPrecise,
    /// Not a plain decimal number.
    #[error("a ratio is a plain decimal, for example 0.006")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::currency::Currency;

    fn ratio(text: &str) -> Ratio {
        Ratio::parse(text).unwrap()
    }

    #[test]
    fn a_ratio_prints_as_short_as_it_goes() {
        let check = |text, millionths, plain: &str, percent: &str| {
            let parsed = ratio(text);
            assert_eq!(parsed.millionths(), millionths);
            assert_eq!(Ratio::from_millionths(millionths), Ok(parsed));
            assert_eq!((parsed.to_string().as_str(), parsed.percent().to_string().as_str()), (plain, percent));
        };
        check("0", 0, "0", "0 %");
        check("0.000000", 0, "0", "0 %");
        check("0.000001", 1, "0.000001", "0.0001 %");
        check("0.006", 6_000, "0.006", "0.6 %");
        check("0.0060", 6_000, "0.006", "0.6 %");
        check("0.01", 10_000, "0.01", "1 %");
        check("0.5", 500_000, "0.5", "50 %");
        check("1", 1_000_000, "1", "100 %");
        check("1.000000", 1_000_000, "1", "100 %");
    }

    #[test]
    fn texts_are_refused_for_the_first_reason_that_applies() {
        let check = |texts: &[&str], error| {
            for text in texts {
                assert_eq!(Ratio::parse(text), Err(error), "{text:?}");
            }
        };
        check(&["", ".5", "1.", "+0.5", "0.6 %", "0,5", "5e-1", "0_1", "-", "half"], RatioError::Malformed);
        check(
            &["-0.5", "-0", "1.000001", "1.0000001", "2", "00000000000000000000000000000000000000000009"],
            RatioError::OutOfRange,
        );
        check(&["99999999999999999999999999999999999999999999999999"], RatioError::OutOfRange);
        check(&["0.0000001", "0.0060000", "1.0000000"], RatioError::TooPrecise);
        assert_eq!(Ratio::from_millionths(1_000_001), Err(RatioError::OutOfRange));
    }

    #[test]
    fn a_share_is_rounded_as_named() {
        let check = |text, minor_units, rounding, expected| {
            let share = ratio(text).of(Money::new(Currency::CNY, minor_units), rounding).unwrap();
            assert_eq!(share, Money::new(Currency::CNY, expected), "{text} of {minor_units}");
        };
        check("0.006", 10_000, Rounding::HalfUp, 60);
        check("0.006", 83, Rounding::HalfUp, 0); // 0.498
        check("0.006", 84, Rounding::HalfUp, 1); // 0.504
        check("0.5", 1, Rounding::HalfUp, 1);
        check("0.5", 1, Rounding::Down, 0);
        check("0.5", -1, Rounding::HalfUp, 0);
        check("0.5", -1, Rounding::Down, -1);
        check("0.000001", 1, Rounding::Up, 1);
        check("0", 999_999_999_999_999, Rounding::Up, 0);
        check("1", 999_999_999_999_999, Rounding::HalfUp, 999_999_999_999_999);
    }

    #[test]
    fn ratios_add_up_to_one_at_most() {
        let check = |left, right, expected| {
            assert_eq!(ratio(left).saturating_add(ratio(right)), ratio(expected), "{left} + {right}");
            assert_eq!(ratio(right).saturating_add(ratio(left)), ratio(expected), "{right} + {left}");
        };
        check("0.01", "0.006", "0.016");
        check("0.01", "0", "0.01");
        check("0.999999", "0.000001", "1");
        check("0.999999", "0.000002", "1");
        check("1", "1", "1");
    }

    #[test]
    fn a_share_of_too_much_is_an_error() {
        let sum = Money::new(Currency::CNY, i128::MAX);
        assert_eq!(ratio("1").of(sum, Rounding::Down), Err(Error::Overflow));
    }
}
