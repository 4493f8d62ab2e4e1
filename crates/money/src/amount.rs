//! Sums of money.

use core::fmt;

use crate::currency::Currency;

/// The largest single amount, in minor units: 10^15 − 1, ten trillion less a cent where a unit has two decimals.
pub const AMOUNT_MINOR_UNITS_MAX: i64 = 999_999_999_999_999;

/// Decimal digits of [`AMOUNT_MINOR_UNITS_MAX`].
pub(crate) const AMOUNT_DIGITS: u32 = 15;

const _: () = assert!(AMOUNT_MINOR_UNITS_MAX == 10_i64.pow(AMOUNT_DIGITS) - 1);

/// A signed sum in minor units of one currency.
///
/// Holds amounts, balances and totals alike, so it is wider than any one amount. It has no `+` and no order: sums of
/// two currencies neither add up nor compare, and [`checked_add`](Money::checked_add) says so as a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    currency: Currency,
    /// An `i128` in native byte order: as bytes it needs no padding, and a ledger in memory is mostly sums.
    minor_units: [u8; 16],
}

impl Money {
    /// Returns any sum, of either sign.
    pub const fn new(currency: Currency, minor_units: i128) -> Money {
        Money { currency, minor_units: minor_units.to_ne_bytes() }
    }

    /// Returns nothing at all, in this currency.
    pub const fn zero(currency: Currency) -> Money {
        Money::new(currency, 0)
    }

    /// Returns an amount somebody pays: 1 to [`AMOUNT_MINOR_UNITS_MAX`] minor units.
    ///
    /// # Errors
    ///
    /// [`AmountError`] names the bound that is broken.
    pub fn payable(currency: Currency, minor_units: i64) -> Result<Money, AmountError> {
        match minor_units {
            ..=0 => Err(AmountError::NotPositive),
            1..=AMOUNT_MINOR_UNITS_MAX => Ok(Money::new(currency, i128::from(minor_units))),
            _ => Err(AmountError::TooLarge),
        }
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum in minor units: fen for CNY, yen for JPY, fils for KWD.
    pub const fn minor_units(self) -> i128 {
        i128::from_ne_bytes(self.minor_units)
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor_units() == 0
    }

    /// Whether this is more than nothing.
    pub const fn is_positive(self) -> bool {
        self.minor_units() > 0
    }

    /// Whether this is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.minor_units() < 0
    }

    /// Returns `self + other`.
    ///
    /// # Errors
    ///
    /// The currencies differ, or the sum does not fit.
    pub fn checked_add(self, other: Money) -> Result<Money, Error> {
        self.combine(other, i128::checked_add)
    }

    /// Returns `self - other`.
    ///
    /// # Errors
    ///
    /// The currencies differ, or the difference does not fit.
    pub fn checked_sub(self, other: Money) -> Result<Money, Error> {
        self.combine(other, i128::checked_sub)
    }

    /// Returns `-self`.
    ///
    /// # Errors
    ///
    /// The most negative sum has no opposite.
    pub fn checked_neg(self) -> Result<Money, Error> {
        let minor_units = self.minor_units().checked_neg().ok_or(Error::Overflow)?;
        Ok(Money::new(self.currency, minor_units))
    }

    /// Returns the sum without its sign.
    ///
    /// # Errors
    ///
    /// The most negative sum has no opposite.
    pub fn checked_abs(self) -> Result<Money, Error> {
        let minor_units = self.minor_units().checked_abs().ok_or(Error::Overflow)?;
        Ok(Money::new(self.currency, minor_units))
    }

    /// Returns the lesser of two sums.
    ///
    /// # Errors
    ///
    /// The currencies differ.
    pub fn min(self, other: Money) -> Result<Money, Error> {
        self.combine(other, |left, right| Some(left.min(right)))
    }

    fn combine(self, other: Money, operation: fn(i128, i128) -> Option<i128>) -> Result<Money, Error> {
        if self.currency != other.currency {
            return Err(Error::CurrencyMismatch { left: self.currency, right: other.currency });
        }
        let minor_units = operation(self.minor_units(), other.minor_units()).ok_or(Error::Overflow)?;
        Ok(Money::new(self.currency, minor_units))
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minor_units = self.minor_units();
        f.debug_struct("Money").field("currency", &self.currency).field("minor_units", &minor_units).finish()
    }
}

/// Why a number of minor units is not an amount somebody can pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Zero or less.
    #[error("an amount is at least 1 minor unit")]
    NotPositive,
    /// More than one amount may be.
    #[error("an amount is at most {AMOUNT_MINOR_UNITS_MAX} minor units")]
    TooLarge,
}

/// Why an operation on money has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Two currencies met where one was needed.
    #[error("cannot combine {left} with {right}")]
    CurrencyMismatch {
        /// The currency that was there first.
        left: Currency,
        /// The currency that does not fit.
        right: Currency,
    },
    /// The exact result, or the exact product it is rounded from, is beyond 128 bits.
    #[error("the result does not fit 128 bits")]
    Overflow,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn hkd(minor_units: i128) -> Money {
        Money::new(Currency::HKD, minor_units)
    }

    #[test]
    fn a_payable_amount_lies_between_its_bounds() {
        let payable = |minor_units| Money::payable(Currency::HKD, minor_units);
        for minor_units in [1, 2, AMOUNT_MINOR_UNITS_MAX] {
            assert_eq!(payable(minor_units), Ok(hkd(i128::from(minor_units))));
        }
        for minor_units in [0, -1, i64::MIN] {
            assert_eq!(payable(minor_units), Err(AmountError::NotPositive));
        }
        for minor_units in [1_000_000_000_000_000, i64::MAX] {
            assert_eq!(payable(minor_units), Err(AmountError::TooLarge));
        }
    }

    #[test]
    fn an_amount_error_says_the_bound() {
        assert_eq!(AmountError::NotPositive.to_string(), "an amount is at least 1 minor unit");
        assert_eq!(AmountError::TooLarge.to_string(), "an amount is at most 999999999999999 minor units");
    }

    #[test]
    fn one_currency_adds_and_subtracts() {
        assert_eq!(hkd(150).checked_add(hkd(-50)), Ok(hkd(100)));
        assert_eq!(hkd(50).checked_sub(hkd(150)), Ok(hkd(-100)));
        assert_eq!(hkd(50).checked_neg(), Ok(hkd(-50)));
    }

    #[test]
    fn a_sum_without_its_sign_is_not_negative() {
        for (minor_units, expected) in [(-50, 50), (0, 0), (50, 50), (-i128::MAX, i128::MAX)] {
            assert_eq!(hkd(minor_units).checked_abs(), Ok(hkd(expected)));
        }
    }

    #[test]
    fn the_lesser_of_two_sums_may_be_either() {
        for (left, right, expected) in [(1, 2, 1), (2, 1, 1), (-1, 1, -1), (3, 3, 3), (i128::MIN, i128::MAX, i128::MIN)]
        {
            assert_eq!(hkd(left).min(hkd(right)), Ok(hkd(expected)));
        }
    }

    #[test]
    fn two_currencies_do_not_mix_even_when_one_is_zero() {
        let mismatch = Error::CurrencyMismatch { left: Currency::HKD, right: Currency::CNY };
        assert_eq!(hkd(1).checked_add(Money::zero(Currency::CNY)), Err(mismatch));
        assert_eq!(hkd(1).checked_sub(Money::zero(Currency::CNY)), Err(mismatch));
        assert_eq!(hkd(1).min(Money::zero(Currency::CNY)), Err(mismatch));
        assert_eq!(mismatch.to_string(), "cannot combine HKD with CNY");
        assert_ne!(Money::zero(Currency::HKD), Money::zero(Currency::CNY));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert_eq!(hkd(i128::MAX).checked_add(hkd(1)), Err(Error::Overflow));
        assert_eq!(hkd(i128::MIN).checked_sub(hkd(1)), Err(Error::Overflow));
        assert_eq!(hkd(i128::MIN).checked_neg(), Err(Error::Overflow));
        assert_eq!(hkd(i128::MIN).checked_abs(), Err(Error::Overflow));
    }

    #[test]
    fn the_sign_is_the_sign_of_the_minor_units() {
        let signs =
            |minor_units| (hkd(minor_units).is_negative(), hkd(minor_units).is_zero(), hkd(minor_units).is_positive());
        assert_eq!(signs(-1), (true, false, false));
        assert_eq!(signs(0), (false, true, false));
        assert_eq!(signs(1), (false, false, true));
    }
}
