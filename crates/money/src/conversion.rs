//! The legs of a payment whose payer uses another currency.

use ethnum::I256;

use crate::amount::{AMOUNT_DIGITS, Error, Money};
use crate::currency::{Currency, MINOR_DIGITS_MAX};
use crate::exact_rate::{EXACT_RATE_POWER, ExactRate};
use crate::prices::Prices;
use crate::rate::{RATE_DECIMALS_MAX, RATE_DIGITS, Rate};
use crate::ratio::{RATIO_DECIMALS, RATIO_DIGITS, Ratio};
use crate::rounding::Rounding;
use crate::{I128_DIGITS, I256_DIGITS};

/// The exact product of any one amount, any rate and any multiplier is narrow.
const _: () = assert!(AMOUNT_DIGITS + RATE_DIGITS + RATIO_DIGITS <= I128_DIGITS);
/// So is what divides it,
const _: () = assert!(RATE_DECIMALS_MAX + RATIO_DECIMALS + MINOR_DIGITS_MAX <= I128_DIGITS);
/// a power of ten whose exponent is never negative, whatever the two currencies.
const _: () = assert!(MINOR_DIGITS_MAX <= RATIO_DECIMALS);

/// The exact product of any sum, which has one digit more than always fits, any exact rate and any multiplier is wide.
const _: () = assert!(I128_DIGITS + 1 + EXACT_RATE_POWER + RATIO_DIGITS <= I256_DIGITS);
/// So is what divides it.
const _: () = assert!(EXACT_RATE_POWER + RATIO_DECIMALS + MINOR_DIGITS_MAX <= I256_DIGITS);

/// One currency into another, at three [`Prices`] and a markup.
///
/// Every leg is a *level*: a function of the presented amount x alone, zero at zero, never falling while x grows. A
/// capture, refund or release posts the [change](crate::level_change) of each level, so parts always sum to the
/// whole. Each leg is rounded once, from the exact product; negative x rounds on the number line, see [`Rounding`].
///
/// A leg is exact, or [`Error::Overflow`] when the result, not what it is rounded from, is beyond 128 bits. At the
/// prices of a [`Rate`] and for |x| up to [`AMOUNT_MINOR_UNITS_MAX`](crate::AMOUNT_MINOR_UNITS_MAX) it always fits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Conversion {
    /// Not equal to `to`.
    from: Currency,
    to: Currency,
    prices: Prices,
    markup: Ratio,
}

impl Conversion {
    /// Returns the conversion of sums in `from` at `mid_rate` units of `to` for each, plus `markup`, without a spread.
    ///
    /// # Errors
    ///
    /// As [`at`](Conversion::at).
    pub fn new(from: Currency, to: Currency, mid_rate: Rate, markup: Ratio) -> Result<Conversion, SameCurrency> {
        Conversion::at(from, to, Prices::mid_only(ExactRate::from(mid_rate)), markup)
    }

    /// Returns the conversion of sums in `from` at `prices` in units of `to` for each, plus `markup` on the debit.
    ///
    /// # Errors
    ///
    /// [`SameCurrency`] when `from` is `to`: such a payment is not converted, and no rate may touch it.
    pub fn at(from: Currency, to: Currency, prices: Prices, markup: Ratio) -> Result<Conversion, SameCurrency> {
        if from == to {
            return Err(SameCurrency(from));
        }
        Ok(Conversion { from, to, prices, markup })
    }

    /// The currency presented, of every x.
    pub const fn from(&self) -> Currency {
        self.from
    }

    /// The currency debited, of every leg.
    pub const fn to(&self) -> Currency {
        self.to
    }

    /// The prices, without markup.
    pub const fn prices(&self) -> Prices {
        self.prices
    }

    /// The markup as a share of what is debited without it.
    pub const fn markup_ratio(&self) -> Ratio {
        self.markup
    }

    /// Returns what the payer pays for x: ⌈x · debit rate · (1 + markup)⌉, from the exact product, not from a rounded
    /// mid.
    ///
    /// # Errors
    ///
    /// x is not in the presented currency, or what it comes to does not fit.
    pub fn debit(&self, x: Money) -> Result<Money, Error> {
        self.leg(x, self.prices.debit(), self.markup, Rounding::Up)
    }

    /// Returns what x is worth at the mid rate: x · mid rate, half up.
    ///
    /// # Errors
    ///
    /// As [`debit`](Conversion::debit).
    pub fn mid(&self, x: Money) -> Result<Money, Error> {
        self.leg(x, self.prices.mid(), Ratio::ZERO, Rounding::HalfUp)
    }

    /// Returns what the payer pays above mid for x: debit − mid, so the two always sum to the debit.
    ///
    /// So it includes half the spread, from mid to ask, where there is one. Never negative for x ≥ 0: a ceiling of
    /// something no smaller is no smaller than a rounding to nearest.
    ///
    /// # Errors
    ///
    /// As [`debit`](Conversion::debit).
    pub fn markup(&self, x: Money) -> Result<Money, Error> {
        self.debit(x)?.checked_sub(self.mid(x)?)
    }

    /// Returns what is passed on for x: ⌊x · settlement rate⌋, so that nobody is paid a fraction that nobody paid.
    ///
    /// # Errors
    ///
    /// As [`debit`](Conversion::debit).
    pub fn settlement(&self, x: Money) -> Result<Money, Error> {
        self.leg(x, self.prices.settlement(), Ratio::ZERO, Rounding::Down)
    }

    /// x · rate · (1 + above_rate) in minor units of `to`.
    fn leg(&self, x: Money, rate: ExactRate, above_rate: Ratio, rounding: Rounding) -> Result<Money, Error> {
        if x.currency() != self.from {
            return Err(Error::CurrencyMismatch { left: self.from, right: x.currency() });
        }
        let x = x.minor_units();
        let multiplier = i128::from(Ratio::ONE_MILLIONTHS.saturating_add(above_rate.millionths()));
        let shift = self.shift().ok_or(Error::Overflow)?;
        let minor_units = match narrow_fraction(x, rate, multiplier, shift) {
            Some((product, divisor)) => rounding.divide(product, divisor),
            None => wide_fraction(x, rate, multiplier, shift)
                .and_then(|(product, divisor)| rounding.divide_wide(product, divisor)),
        };
        Ok(Money::new(self.to, minor_units.ok_or(Error::Overflow)?))
    }

    /// What the product is too large by, apart from the denominator of the rate: the decimals of the multiplier, and
    /// the difference in minor digits.
    fn shift(&self) -> Option<i128> {
        let exponent = RATIO_DECIMALS.checked_add(self.from.minor_digits())?.checked_sub(self.to.minor_digits())?;
        10_i128.checked_pow(exponent)
    }
}

/// x · rate · multiplier / shift as numerator and denominator, or `None` when one of them needs more than 128 bits.
fn narrow_fraction(x: i128, rate: ExactRate, multiplier: i128, shift: i128) -> Option<(i128, i128)> {
    let product = x.checked_mul(i128::try_from(rate.numerator()).ok()?)?.checked_mul(multiplier)?;
    Some((product, i128::try_from(rate.denominator()).ok()?.checked_mul(shift)?))
}

/// The same in 256 bits, where it always fits.
fn wide_fraction(x: i128, rate: ExactRate, multiplier: i128, shift: i128) -> Option<(I256, I256)> {
    let product = I256::from(x).checked_mul(I256::from(rate.numerator()))?.checked_mul(I256::from(multiplier))?;
    Some((product, I256::from(rate.denominator()).checked_mul(I256::from(shift))?))
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
    use crate::exact_rate::EXACT_RATE_PART_MAX;
    use crate::level::level_change;

    fn conversion(from: Currency, to: Currency, mid_rate: &str, markup: &str) -> Conversion {
        Conversion::new(from, to, Rate::parse(mid_rate).unwrap(), Ratio::parse(markup).unwrap()).unwrap()
    }

    fn at(from: Currency, to: Currency, prices: Prices, markup: &str) -> Conversion {
        Conversion::at(from, to, prices, Ratio::parse(markup).unwrap()).unwrap()
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

    /// The European Central Bank's reference rates of 2026-10-30: HKD 8.7652 and CNY 7.4326 for one euro.
    #[test]
    fn legs_of_the_published_cross() {
        let per_euro = |text| ExactRate::from(Rate::parse(text).unwrap());
        let mid = ExactRate::cross(per_euro("8.7652"), per_euro("7.4326")).unwrap();
        let cross = at(Currency::CNY, Currency::HKD, Prices::mid_only(mid), "0.01");
        check(&cross, "CNY 100.00", ["HKD 119.11", "HKD 117.93", "HKD 1.18", "HKD 117.92"]);
        // What rounding the cross to the digits of a rate would cost on the largest amount.
        let rounded = conversion(Currency::CNY, Currency::HKD, "1.179291231", "0.01");
        let most = Money::new(Currency::CNY, i128::from(AMOUNT_MINOR_UNITS_MAX));
        let difference = rounded.mid(most).unwrap().checked_sub(cross.mid(most).unwrap());
        assert_eq!(difference, Ok(Money::parse("HKD 4750.16").unwrap()));
    }

    #[test]
    fn legs_of_the_published_spread() {
        let rate = |text| Rate::parse(text).unwrap();
        let (bid, ask) = (rate("1.179"), rate("1.1796"));
        let mid = ExactRate::midpoint(bid, ask).unwrap();
        let prices = Prices::new(bid.into(), mid, ask.into()).unwrap();
        let spread = at(Currency::CNY, Currency::HKD, prices, "0.01");
        check(&spread, "CNY 100.00", ["HKD 119.14", "HKD 117.93", "HKD 1.21", "HKD 117.90"]);
        check(&spread, "CNY 60.00", ["HKD 71.49", "HKD 70.76", "HKD 0.73", "HKD 70.74"]);
        check(&spread, "CNY -0.01", ["HKD -0.01", "HKD -0.01", "HKD 0.00", "HKD -0.02"]);
        assert_eq!((spread.prices(), spread.markup_ratio()), (prices, Ratio::parse("0.01").unwrap()));
    }

    #[test]
    fn a_mid_rate_alone_is_all_three_prices() {
        let mid = ExactRate::from(Rate::parse("1.2").unwrap());
        let prices = conversion(Currency::CNY, Currency::HKD, "1.20", "0.01").prices();
        assert_eq!(prices, Prices::mid_only(mid));
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
    fn products_beyond_128_bits_are_exact() {
        let check = |numerator, denominator, x, expected: [i128; 3]| {
            let mid = ExactRate::from_parts(numerator, denominator).unwrap();
            let conversion = at(Currency::CNY, Currency::HKD, Prices::mid_only(mid), "0");
            let x = Money::new(Currency::CNY, x);
            let legs = [conversion.settlement(x), conversion.mid(x), conversion.debit(x)];
            assert_eq!(legs, expected.map(|minor_units| Ok(Money::new(Currency::HKD, minor_units))), "{mid} {x}");
        };
        let (most, large) = (i128::from(AMOUNT_MINOR_UNITS_MAX), EXACT_RATE_PART_MAX);
        check(large, large - 1, most, [most, most, most + 1]);
        check(large - 1, large, most, [most - 1, most, most]);
        check(large, large - 1, -most, [-most - 1, -most, -most]);
        check(large - 1, large, -most, [-most, -most, -most + 1]);
        check(1, large, most, [0, 0, 1]);
        check(1, large, -most, [-1, 0, 0]);
        check(1, 1, i128::MAX, [i128::MAX; 3]);
        check(1, 1, i128::MIN, [i128::MIN; 3]);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let dear = conversion(Currency::CNY, Currency::HKD, "9999999999", "1");
        for minor_units in [i128::MAX, i128::MIN] {
            assert_eq!(dear.debit(Money::new(Currency::CNY, minor_units)), Err(Error::Overflow));
        }
        let dearest = ExactRate::from_parts(EXACT_RATE_PART_MAX, 1).unwrap();
        let dearest = at(Currency::JPY, Currency::CLF, Prices::mid_only(dearest), "0");
        let worth = |minor_units| dearest.mid(Money::new(Currency::JPY, minor_units)).map(Money::minor_units);
        assert_eq!(worth(10_000), Ok(10_i128.pow(38)));
        assert_eq!((worth(17_014), worth(-17_014)), (Ok(17_014 * 10_i128.pow(34)), Ok(-17_014 * 10_i128.pow(34))));
        assert_eq!((worth(17_015), worth(-17_015)), (Err(Error::Overflow), Err(Error::Overflow)));
        assert_eq!(worth(i128::from(AMOUNT_MINOR_UNITS_MAX)), Err(Error::Overflow));
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
