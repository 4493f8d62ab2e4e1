//! The legs of a payment whose payer uses another currency.

use crate::I128_DIGITS;
use crate::amount::{AMOUNT_DIGITS, Error, Money};
use crate::currency::{Currency, MINOR_DIGITS_MAX};
use crate::rate::{RATE_DECIMALS_MAX, RATE_DIGITS, Rate};
use crate::ratio::{RATIO_DECIMALS, RATIO_DIGITS, Ratio};
use crate::rounding::Rounding;

/// The exact product of any one amount, any rate and any multiplier fits.
const _: () = assert!(AMOUNT_DIGITS + RATE_DIGITS + RATIO_DIGITS <= I128_DIGITS);
/// So does the power of ten that divides it,
const _: () = assert!(RATE_DECIMALS_MAX + RATIO_DECIMALS + MINOR_DIGITS_MAX <= I128_DIGITS);
/// whose exponent is never negative, whatever the two currencies.
const _: () = assert!(MINOR_DIGITS_MAX <= RATIO_DECIMALS);

/// One currency into another, at a mid rate and a markup.
///
/// Every leg is a *level*: a function of the presented amount x alone, zero at zero, never falling while x grows. A
/// capture, refund or release posts the [change](crate::level_change) of each level, so parts always sum to the
/// whole. Each leg is rounded once, from the exact product; negative x rounds on the number line, see [`Rounding`].
///
/// For |x| up to [`AMOUNT_MINOR_UNITS_MAX`](crate::AMOUNT_MINOR_UNITS_MAX) a leg always has a value. Beyond, it is
/// exact while the product fits and [`Error::Overflow`] otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Conversion {
    /// Not equal to `to`.
    from: Currency,
    to: Currency,
    mid_rate: Rate,
    markup: Ratio,
}

impl Conversion {
    /// Returns the conversion of sums in `from` at `mid_rate` units of `to` for each, plus `markup`.
    ///
    /// # Errors
    ///
    /// [`SameCurrency`] when `from` is `to`: such a payment is not converted, and no rate may touch it.
    pub fn new(from: Currency, to: Currency, mid_rate: Rate, markup: Ratio) -> Result<Conversion, SameCurrency> {
        if from == to {
            return Err(SameCurrency(from));
        }
        Ok(Conversion { from, to, mid_rate, markup })
    }

    /// The currency presented, of every x.
    pub const fn from(&self) -> Currency {
        self.from
    }

    /// The currency debited, of every leg.
    pub const fn to(&self) -> Currency {
        self.to
    }

    /// The rate without markup.
    pub const fn mid_rate(&self) -> Rate {
        self.mid_rate
    }

    /// The markup as a share of the mid.
    pub const fn markup_ratio(&self) -> Ratio {
        self.markup
    }

    /// Returns what the payer pays for x: ⌈x · rate · (1 + markup)⌉, from the exact product, not from a rounded mid.
    ///
    /// # Errors
    ///
    /// x is not in the presented currency, or is far beyond any one amount.
    pub fn debit(&self, x: Money) -> Result<Money, Error> {
        self.leg(x, self.markup, Rounding::Up)
    }

    /// Returns what x is worth at the mid rate: x · rate, half up.
    ///
    /// # Errors
    ///
    /// As [`debit`](Conversion::debit).
    pub fn mid(&self, x: Money) -> Result<Money, Error> {
        self.leg(x, Ratio::ZERO, Rounding::HalfUp)
    }

    /// Returns what the payer pays above mid for x: debit − mid, so the two always sum to the debit.
    ///
    /// Never negative for x ≥ 0: a ceiling of something no smaller is no smaller than a rounding to nearest.
    ///
    /// # Errors
    ///
    /// As [`debit`](Conversion::debit).
    pub fn markup(&self, x: Money) -> Result<Money, Error> {
        self.debit(x)?.checked_sub(self.mid(x)?)
    }

    /// Returns what is passed on for x: ⌊x · rate⌋, so that nobody is paid a fraction that nobody paid.
    ///
    /// # Errors
    ///
    /// As [`debit`](Conversion::debit).
    pub fn settlement(&self, x: Money) -> Result<Money, Error> {
        self.leg(x, Ratio::ZERO, Rounding::Down)
    }

    /// x · rate · (1 + above_mid) in minor units of `to`.
    fn leg(&self, x: Money, above_mid: Ratio, rounding: Rounding) -> Result<Money, Error> {
        if x.currency() != self.from {
            return Err(Error::CurrencyMismatch { left: self.from, right: x.currency() });
        }
        let minor_units = self.product(x, above_mid).zip(self.denominator());
        let minor_units = minor_units.and_then(|(product, denominator)| rounding.divide(product, denominator));
        Ok(Money::new(self.to, minor_units.ok_or(Error::Overflow)?))
    }

    /// Minor units of x × mantissa of the rate × millionths of (1 + above_mid), an integer.
    fn product(&self, x: Money, above_mid: Ratio) -> Option<i128> {
        let multiplier = Ratio::ONE_MILLIONTHS.checked_add(above_mid.millionths())?;
        x.minor_units().checked_mul(i128::from(self.mid_rate.mantissa()))?.checked_mul(i128::from(multiplier))
    }

    /// What the product is too large by: the decimals of rate and multiplier, and the difference in minor digits.
    fn denominator(&self) -> Option<i128> {
        let decimals = self.mid_rate.scale().checked_add(RATIO_DECIMALS)?;
        let exponent = decimals.checked_add(self.from.minor_digits())?.checked_sub(self.to.minor_digits())?;
        10_i128.checked_pow(exponent)
    }
}

/// A conversion was asked for within one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not converted into itself")]
pub struct SameCurrency(
    /// The currency on both sides.
    pub Currency,
);

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;
    use crate::amount::AMOUNT_MINOR_UNITS_MAX;
    use crate::level::level_change;

    fn conversion(from: Currency, to: Currency, mid_rate: &str, markup: &str) -> Conversion {
        Conversion::new(from, to, Rate::parse(mid_rate).unwrap(), Ratio::parse(markup).unwrap()).unwrap()
    }

    /// Debit, mid, markup and settlement of `x`, all as text.
    fn check(conversion: &Conversion, x: &str, expected: [&str; 4]) {
        let x = Money::parse(x).unwrap();
        let legs = [conversion.debit(x), conversion.mid(x), conversion.markup(x), conversion.settlement(x)];
        assert_eq!(legs, expected.map(|text| Ok(Money::parse(text).unwrap())), "{x}");
    }

    #[test]
    fn legs_of_the_published_example() {
        let example = conversion(Currency::CNY, Currency::HKD, "1.179291231", "0.01");
        check(&example, "CNY 100.00", ["HKD 119.11", "HKD 117.93", "HKD 1.18", "HKD 117.92"]);
        check(&example, "CNY 60.00", ["HKD 71.47", "HKD 70.76", "HKD 0.71", "HKD 70.75"]);
        check(&example, "CNY 0.01", ["HKD 0.02", "HKD 0.01", "HKD 0.01", "HKD 0.01"]);
        check(&example, "CNY 0.00", ["HKD 0.00", "HKD 0.00", "HKD 0.00", "HKD 0.00"]);
    }

    #[test]
    fn minor_digits_shift_between_currencies() {
        let check_one = |from, to, rate, x, expected| check(&conversion(from, to, rate, "0"), x, expected);
        let yen_to_dinar = ["KWD 2.036", "KWD 2.035", "KWD 0.001", "KWD 2.035"];
        check_one(Currency::JPY, Currency::KWD, "0.002035001", "JPY 1000", yen_to_dinar);
        let dinar_to_yen = ["JPY 492", "JPY 491", "JPY 1", "JPY 491"];
        check_one(Currency::KWD, Currency::JPY, "491.4004914", "KWD 1.000", dinar_to_yen);
        let yen_to_unit = ["CLF 0.0002", "CLF 0.0002", "CLF 0.0000", "CLF 0.0001"];
        check_one(Currency::JPY, Currency::CLF, "0.000163", "JPY 1", yen_to_unit);
        let unit_to_yen = ["JPY 1", "JPY 0", "JPY 1", "JPY 0"];
        check_one(Currency::CLF, Currency::JPY, "4567.89", "CLF 0.0001", unit_to_yen);
        let whole = ["CLF 5.0000", "CLF 5.0000", "CLF 0.0000", "CLF 5.0000"];
        check_one(Currency::JPY, Currency::CLF, "1", "JPY 5", whole);
    }

    #[test]
    fn a_hundred_small_captures_post_what_one_large_one_does() {
        let example = conversion(Currency::CNY, Currency::HKD, "1.179291231", "0.01");
        let position = |yuan| Money::parse(&format!("CNY {yuan}")).unwrap();
        let positions: Vec<Money> = (0..=100).map(position).collect();
        let mut total = Money::zero(Currency::HKD);
        for step in positions.windows(2) {
            let part = level_change(|x| example.debit(x), step[0], step[1]).unwrap();
            assert!([119, 120].contains(&part.minor_units()), "{part}");
            total = total.checked_add(part).unwrap();
        }
        assert_eq!(total, Money::parse("HKD 119.11").unwrap());
    }

    #[test]
    fn every_amount_converts_at_the_extremes_of_every_argument() {
        let most = i128::from(AMOUNT_MINOR_UNITS_MAX);
        for rate in ["9999999999", "0.000000000000000001", "0.000000009999999999"] {
            for (from, to) in [(Currency::JPY, Currency::CLF), (Currency::CLF, Currency::JPY)] {
                let extreme = conversion(from, to, rate, "1");
                for minor_units in [-most, -1, 0, 1, most] {
                    assert!(extreme.debit(Money::new(from, minor_units)).is_ok());
                }
            }
        }
        let largest = conversion(Currency::JPY, Currency::CLF, "9999999999", "1");
        let debit = largest.debit(Money::new(Currency::JPY, most)).unwrap();
        assert_eq!(debit.minor_units(), 199_999_999_979_999_800_000_000_020_000);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let dear = conversion(Currency::CNY, Currency::HKD, "9999999999", "1");
        for minor_units in [i128::MAX, i128::MIN] {
            assert_eq!(dear.debit(Money::new(Currency::CNY, minor_units)), Err(Error::Overflow));
        }
    }

    #[test]
    fn only_the_presented_currency_is_converted() {
        let example = conversion(Currency::CNY, Currency::HKD, "1.2", "0");
        let mismatch = Error::CurrencyMismatch { left: Currency::CNY, right: Currency::HKD };
        assert_eq!(example.debit(Money::zero(Currency::HKD)), Err(mismatch));
        let same = Conversion::new(Currency::CNY, Currency::CNY, Rate::ONE, Ratio::ZERO);
        assert_eq!(same, Err(SameCurrency(Currency::CNY)));
    }
}
