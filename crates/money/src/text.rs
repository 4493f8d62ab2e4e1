//! Money as people write it, and the plain decimals under every number the crate reads.

use core::fmt;

use crate::amount::Money;
use crate::currency::{Currency, UnknownCurrency};

impl Money {
    /// Reads `CNY 100.00`: a code, one space, an optional `-`, digits, and no more decimals than the currency has.
    ///
    /// Fewer decimals stand for whole units (`CNY 100`). Commas are accepted where they group by three, all of them
    /// or none.
    ///
    /// # Errors
    ///
    /// The first thing wrong from left to right; nothing is rounded or guessed.
    pub fn parse(text: &str) -> Result<Money, ParseMoneyError> {
        let (code, signed) = text.split_once(' ').ok_or(ParseMoneyError::Malformed)?;
        let currency = Currency::from_code(code)?;
        let magnitude = signed.strip_prefix('-');
        let number = PlainDecimal::read_grouped(magnitude.unwrap_or(signed)).ok_or(ParseMoneyError::Malformed)?;
        if number.scale().is_none_or(|decimals| decimals > currency.minor_digits()) {
            return Err(ParseMoneyError::TooManyDecimals { currency, allowed: currency.minor_digits() });
        }
        let minor_units = number.at_scale(currency.minor_digits()).ok_or(ParseMoneyError::TooLarge)?;
        let signed_minor_units = match magnitude {
            Some(_) => 0_i128.checked_sub_unsigned(minor_units),
            None => 0_i128.checked_add_unsigned(minor_units),
        };
        Ok(Money::new(currency, signed_minor_units.ok_or(ParseMoneyError::TooLarge)?))
    }

    /// Prints with commas between thousands: `HKD 9,880.89`.
    pub fn grouped(self) -> impl fmt::Display {
        Grouped(self)
    }

    /// Writes the currency, the sign and, through `integer`, the major units; then all decimals of the currency.
    fn write(
        self,
        f: &mut fmt::Formatter<'_>,
        integer: fn(&mut fmt::Formatter<'_>, u128) -> fmt::Result,
    ) -> fmt::Result {
        let digits = self.currency().minor_digits();
        let unit = 10_u128.saturating_pow(digits);
        let magnitude = self.minor_units().unsigned_abs();
        let (major, minor) = (magnitude.div_euclid(unit), magnitude.rem_euclid(unit));
        write!(f, "{} {}", self.currency(), if self.is_negative() { "-" } else { "" })?;
        integer(f, major)?;
        match usize::try_from(digits) {
            Ok(width @ 1..) => write!(f, ".{minor:0width$}"),
            _ => Ok(()),
        }
    }
}

/// `HKD 9880.89`, `HKD -1.00`, `JPY 500`: what [`Money::parse`] reads back.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, |f, major| write!(f, "{major}"))
    }
}

struct Grouped(Money);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, write_thousands)
    }
}

fn write_thousands(f: &mut fmt::Formatter<'_>, number: u128) -> fmt::Result {
    if number < 1_000 {
        return write!(f, "{number}");
    }
    write_thousands(f, number / 1_000)?;
    write!(f, ",{:03}", number % 1_000)
}

/// Why a text is not a sum of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseMoneyError {
    /// The first word is not a currency.
    #[error(transparent)]
    Currency(#[from] UnknownCurrency),
    /// Not a currency, a space and a number.
    #[error("money is written as a currency and a number, for example HKD 9,880.89")]
    Malformed,
    /// The currency has no such small unit.
    #[error("{currency} has {allowed} decimals, not more")]
    TooManyDecimals {
        /// The currency.
        currency: Currency,
        /// Its decimals.
        allowed: u32,
    },
    /// More than any sum can hold.
    #[error("the sum does not fit 128 bits")]
    TooLarge,
}

/// Digits around a point: `[0-9]+(\.[0-9]+)?` and nothing else.
pub(crate) struct PlainDecimal<'a> {
    /// At least one digit; with commas when it was read as grouped.
    pub(crate) integer: &'a str,
    /// Empty without a point, otherwise at least one digit.
    pub(crate) fraction: &'a str,
}

impl<'a> PlainDecimal<'a> {
    pub(crate) fn read(text: &'a str) -> Option<PlainDecimal<'a>> {
        PlainDecimal::read_integer_as(text, is_digits)
    }

    /// Also accepts commas before every third digit of the integer part.
    fn read_grouped(text: &'a str) -> Option<PlainDecimal<'a>> {
        PlainDecimal::read_integer_as(text, |integer| is_digits(integer) || is_grouped(integer))
    }

    fn read_integer_as(text: &'a str, is_integer: fn(&str) -> bool) -> Option<PlainDecimal<'a>> {
        let (integer, fraction) = match text.split_once('.') {
            Some((integer, fraction)) if is_digits(fraction) => (integer, fraction),
            Some(_) => return None,
            None => (text, ""),
        };
        is_integer(integer).then_some(PlainDecimal { integer, fraction })
    }

    /// How many digits stand after the point.
    pub(crate) fn scale(&self) -> Option<u32> {
        u32::try_from(self.fraction.len()).ok()
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.digits().all(|digit| digit == 0)
    }

    /// Whether the value is above one, however many digits it has.
    pub(crate) fn exceeds_one(&self) -> bool {
        let fraction_is_zero = self.fraction.bytes().all(|digit| digit == b'0');
        match self.integer.trim_start_matches('0') {
            "" => false,
            "1" => !fraction_is_zero,
            _ => true,
        }
    }

    /// All digits as one integer, or `None` when it does not fit.
    pub(crate) fn mantissa(&self) -> Option<u128> {
        self.digits().try_fold(0_u128, |value, digit| value.checked_mul(10)?.checked_add(u128::from(digit)))
    }

    /// The value in units of 10^−`decimals`, or `None` when it is finer than that or does not fit.
    pub(crate) fn at_scale(&self, decimals: u32) -> Option<u128> {
        let shift = decimals.checked_sub(self.scale()?)?;
        self.mantissa()?.checked_mul(10_u128.checked_pow(shift)?)
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        let bytes = self.integer.bytes().chain(self.fraction.bytes());
        bytes.filter(u8::is_ascii_digit).map(|byte| byte.saturating_sub(b'0'))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One to three digits, then groups of exactly three.
fn is_grouped(text: &str) -> bool {
    let mut groups = text.split(',');
    let first_fits = groups.next().is_some_and(|first| is_digits(first) && first.len() <= 3);
    first_fits && groups.all(|group| is_digits(group) && group.len() == 3)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn money_prints_and_reads_back_in_both_forms() {
        let check = |currency, minor_units, plain: &str, grouped: &str| {
            let money = Money::new(currency, minor_units);
            assert_eq!((money.to_string().as_str(), money.grouped().to_string().as_str()), (plain, grouped));
            assert_eq!((Money::parse(plain), Money::parse(grouped)), (Ok(money), Ok(money)));
        };
        check(Currency::HKD, 988_089, "HKD 9880.89", "HKD 9,880.89");
        check(Currency::HKD, -100, "HKD -1.00", "HKD -1.00");
        check(Currency::HKD, -5, "HKD -0.05", "HKD -0.05");
        check(Currency::HKD, 0, "HKD 0.00", "HKD 0.00");
        check(Currency::HKD, 100_000, "HKD 1000.00", "HKD 1,000.00");
        check(Currency::HKD, 99_999, "HKD 999.99", "HKD 999.99");
        check(Currency::HKD, 999_999_999_999_999, "HKD 9999999999999.99", "HKD 9,999,999,999,999.99");
        check(Currency::JPY, 1_000_005, "JPY 1000005", "JPY 1,000,005");
        check(Currency::KWD, 1_234_567, "KWD 1234.567", "KWD 1,234.567");
        check(Currency::CLF, 1, "CLF 0.0001", "CLF 0.0001");
        check(
            Currency::JPY,
            i128::MIN,
            "JPY -170141183460469231731687303715884105728",
            "JPY -170,141,183,460,469,231,731,687,303,715,884,105,728",
        );
    }

    #[test]
    fn fewer_decimals_are_whole_units() {
        for text in ["CNY 100", "CNY 100.0", "CNY 100.00", "CNY 0100.00"] {
            assert_eq!(Money::parse(text), Ok(Money::new(Currency::CNY, 10_000)), "{text}");
        }
        assert_eq!(Money::parse("CNY -0"), Ok(Money::zero(Currency::CNY)));
    }

    #[test]
    fn more_decimals_than_the_currency_has_are_refused() {
        let refusal = |text| Money::parse(text).unwrap_err().to_string();
        assert_eq!(refusal("CNY 100.001"), "CNY has 2 decimals, not more");
        assert_eq!(refusal("CNY 100.000"), "CNY has 2 decimals, not more");
        assert_eq!(refusal("JPY 1.0"), "JPY has 0 decimals, not more");
        assert_eq!(refusal("CLF 1.00000"), "CLF has 4 decimals, not more");
    }

    #[test]
    fn what_is_not_money_is_refused() {
        for text in [
            "",
            "CNY",
            "CNY ",
            "CNY  1",
            "CNY 1 ",
            "CNY +1",
            "CNY --1",
            "CNY -",
            "CNY 1.",
            "CNY .5",
            "CNY 1e3",
            "CNY 1_000",
            "CNY 1,00",
            "CNY 1000,000",
            "CNY ,100",
            "CNY 1,,000",
            "CNY 1,000,",
            "CNY 1,000.0,0",
            "CNY 1,0000",
            "CNY １",
            "100",
        ] {
            assert_eq!(Money::parse(text), Err(ParseMoneyError::Malformed), "{text:?}");
        }
        for (text, error) in [
            ("hkd 1", UnknownCurrency::LowerCase(Currency::HKD)),
            ("CNH 1", UnknownCurrency::NotIso),
            ("XAU 1", UnknownCurrency::NoMinorUnits("XAU")),
            ("100.00 CNY", UnknownCurrency::Unknown),
            ("-CNY 1", UnknownCurrency::Unknown),
        ] {
            assert_eq!(Money::parse(text), Err(ParseMoneyError::Currency(error)), "{text:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in [
            "JPY 170141183460469231731687303715884105728",
            "JPY -170141183460469231731687303715884105729",
            "CNY 170141183460469231731687303715884105727",
            "CNY 99999999999999999999999999999999999999999999999999",
        ] {
            assert_eq!(Money::parse(text), Err(ParseMoneyError::TooLarge), "{text}");
        }
    }
}
