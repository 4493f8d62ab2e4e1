//! The arithmetic of a payment once more, on whole numbers: a fraction is kept as two integers until it is rounded.

mod wide;

use wide::Wide;

use crate::request::{Code, Digits};

const MILLION: u128 = 1_000_000;
/// The most digits either side of a rate may have.
const PART_MAX: u128 = 10_u128.pow(30);

/// A rate: units of one currency for one unit of another, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// Above the line.
    pub top: u128,
    /// Below the line.
    pub bottom: u128,
}

impl Fraction {
    fn reduced(top: u128, bottom: u128) -> Self {
        let divisor = greatest_divisor(top, bottom);
        Self { top: top / divisor, bottom: bottom / divisor }
    }

    pub(super) fn decimal(rate: Digits) -> Self {
        Self::reduced(u128::from(rate.mantissa), power(rate.scale))
    }

    pub(super) fn middle(bid: Digits, ask: Digits) -> Self {
        let top = u128::from(bid.mantissa) * power(ask.scale) + u128::from(ask.mantissa) * power(bid.scale);
        Self::reduced(top, 2 * power(bid.scale) * power(ask.scale))
    }

    /// `self` over `other`, if it is a rate.
    pub(super) fn over(self, other: Self) -> Option<Self> {
        let (top, bottom) = (greatest_divisor(self.top, other.top), greatest_divisor(self.bottom, other.bottom));
        let quotient = Self {
            top: (self.top / top).checked_mul(other.bottom / bottom)?,
            bottom: (self.bottom / bottom).checked_mul(other.top / top)?,
        };
        (quotient.top <= PART_MAX && quotient.bottom <= PART_MAX).then_some(quotient)
    }

    pub(super) fn is_above(self, other: Self) -> bool {
        Wide::product(self.top, other.bottom) > Wide::product(other.top, self.bottom)
    }

    /// |self / last − 1| in millionths, exactly: what is divided, and by what.
    fn moved(self, last: Self) -> (Wide, Wide) {
        let (new, old) = (Wide::product(self.top, last.bottom), Wide::product(last.top, self.bottom));
        let moved = if new > old { new.less(old) } else { old.less(new) };
        (moved.times(MILLION), old)
    }

    pub(super) fn moved_ppm(self, last: Self) -> u32 {
        let (moved, old) = self.moved(last);
        u32::try_from(moved.over(old).0).unwrap_or(u32::MAX)
    }

    pub(super) fn moved_within(self, last: Self, millionths: u32) -> bool {
        let (moved, old) = self.moved(last);
        moved <= old.times(u128::from(millionths))
    }
}

/// An amount times a rate times (1 + margin), in minor units of the other currency, before it is rounded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    top: Wide,
    bottom: Wide,
}

impl Product {
    pub(super) fn new(amount: i128, from: Code, to: Code, rate: Fraction, margin_millionths: u32) -> Self {
        let amount = u128::try_from(amount).expect("levels are asked of what is not negative");
        let top = Wide::product(amount, rate.top).times(MILLION + u128::from(margin_millionths));
        let bottom = Wide::product(rate.bottom, MILLION);
        let (digits_from, digits_to) = (minor_digits(from), minor_digits(to));
        if digits_to >= digits_from {
            Self { top: top.times(power(digits_to - digits_from)), bottom }
        } else {
            Self { top, bottom: bottom.times(power(digits_from - digits_to)) }
        }
    }

    /// The greatest whole number that is not more.
    pub(super) fn down(self) -> i128 {
        signed(self.top.over(self.bottom).0)
    }

    /// The least whole number that is not less.
    pub(super) fn up(self) -> i128 {
        let (whole, rest) = self.top.over(self.bottom);
        signed(whole) + i128::from(rest > Wide::ZERO)
    }

    /// The nearest whole number; of two equally near, the larger.
    pub(super) fn half_up(self) -> i128 {
        let (whole, rest) = self.top.over(self.bottom);
        signed(whole) + i128::from(rest.times(2) >= self.bottom)
    }
}

/// A share of an amount, half up.
pub(super) fn share(amount: i128, millionths: u32) -> i128 {
    let product = amount * i128::from(millionths) * 2 + 1_000_000;
    product.div_euclid(2_000_000)
}

fn signed(number: u128) -> i128 {
    i128::try_from(number).expect("what a payment comes to is far below 2^127")
}

fn greatest_divisor(left: u128, right: u128) -> u128 {
    let (mut left, mut right) = (left, right);
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

fn power(exponent: u32) -> u128 {
    (0..exponent).fold(1, |power, _| power * 10)
}

/// Of the currencies that stories use (ISO 4217).
fn minor_digits(currency: Code) -> u32 {
    match currency {
        "JPY" => 0,
        "KWD" => 3,
        "CNY" | "EUR" | "HKD" | "USD" => 2,
        other => panic!("no story uses {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(mantissa: u64, scale: u32) -> Digits {
        Digits { mantissa, scale }
    }

    /// CNY 100.00 at 1.179291231 and 1 % is HKD 119.11, of which 117.93 is mid.
    #[test]
    fn the_published_example_comes_out() {
        let rate = Fraction::decimal(decimal(1_179_291_231, 9));
        assert_eq!(Product::new(10_000, "CNY", "HKD", rate, 10_000).up(), 11_911);
        assert_eq!(Product::new(10_000, "CNY", "HKD", rate, 0).half_up(), 11_793);
        assert_eq!(Product::new(10_000, "CNY", "HKD", rate, 0).down(), 11_792);
        assert_eq!(share(10_000, 6_000), 60);
        let dinars = Fraction::decimal(decimal(2_035_001, 9));
        assert_eq!(Product::new(1_000, "JPY", "KWD", dinars, 0).up(), 2_036);
    }

    /// HKD 8.7652 and CNY 7.4326 for one euro; bid 1.179 and ask 1.1796.
    #[test]
    fn the_published_cross_and_spread_come_out() {
        let euro = |mantissa| Fraction::decimal(decimal(mantissa, 4));
        let cross = euro(87_652).over(euro(74_326)).unwrap();
        assert_eq!(Product::new(10_000, "CNY", "HKD", cross, 10_000).up(), 11_911);
        let (bid, ask) = (decimal(1_179, 3), decimal(11_796, 4));
        assert_eq!(Product::new(10_000, "CNY", "HKD", Fraction::middle(bid, ask), 0).half_up(), 11_793);
        assert_eq!(Product::new(10_000, "CNY", "HKD", Fraction::decimal(ask), 10_000).up(), 11_914);
        assert_eq!(Product::new(10_000, "CNY", "HKD", Fraction::decimal(bid), 0).down(), 11_790);
    }

    #[test]
    fn a_move_is_told_in_whole_millionths() {
        let rate = |mantissa| Fraction::decimal(decimal(mantissa, 7));
        assert_eq!(rate(10_000_019).moved_ppm(rate(10_000_000)), 1);
        assert_eq!(rate(9_999_981).moved_ppm(rate(10_000_000)), 1);
        assert!(rate(11_000_000).moved_within(rate(10_000_000), 100_000));
        assert!(!rate(11_000_001).moved_within(rate(10_000_000), 100_000));
    }
}
