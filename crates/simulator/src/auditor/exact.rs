//! The arithmetic of a payment once more, on whole numbers: a fraction is kept as two integers until it is rounded.

use crate::request::Code;

const MILLION: i128 = 1_000_000;

/// An amount times `mantissa` / 10^`scale` times (1 + markup), in minor units of the other currency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    // Invariant: both positive, or the numerator zero; below 10^36, so sums of two and doubles fit.
    numerator: i128,
    denominator: i128,
}

impl Product {
    pub(super) fn new(
        amount: i64,
        from: Code,
        to: Code,
        (mantissa, scale): (u64, u32),
        markup_millionths: u32,
    ) -> Self {
        let numerator = i128::from(amount) * i128::from(mantissa) * (MILLION + i128::from(markup_millionths));
        let denominator = power(scale) * MILLION;
        let (digits_from, digits_to) = (minor_digits(from), minor_digits(to));
        if digits_to >= digits_from {
            Self { numerator: numerator * power(digits_to - digits_from), denominator }
        } else {
            Self { numerator, denominator: denominator * power(digits_from - digits_to) }
        }
    }

    /// The least whole number that is not less.
    pub(super) const fn up(self) -> i128 {
        let whole = self.numerator / self.denominator;
        if self.numerator % self.denominator == 0 { whole } else { whole + 1 }
    }

    /// The nearest whole number; of two equally near, the larger.
    pub(super) const fn half_up(self) -> i128 {
        let whole = self.numerator / self.denominator;
        if (self.numerator % self.denominator) * 2 >= self.denominator { whole + 1 } else { whole }
    }
}

/// A share of an amount, half up.
pub(super) fn share(amount: i64, millionths: u32) -> i128 {
    Product { numerator: i128::from(amount) * i128::from(millionths), denominator: MILLION }.half_up()
}

/// Whether |new / old − 1| is at most so many millionths.
pub(super) fn moved_within(new: (u64, u32), old: (u64, u32), millionths: u32) -> bool {
    let (new, old) = (i128::from(new.0) * power(old.1), i128::from(old.0) * power(new.1));
    (new - old).abs() * MILLION <= old * i128::from(millionths)
}

fn power(exponent: u32) -> i128 {
    (0..exponent).fold(1, |power, _| power * 10)
}

/// Of the currencies that stories use (ISO 4217).
fn minor_digits(currency: Code) -> u32 {
    match currency {
        "JPY" => 0,
        "KWD" => 3,
        "CNY" | "HKD" | "USD" => 2,
        other => panic!("no story uses {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CNY 100.00 at 1.179291231 and 1 % is HKD 119.11, of which 117.93 is mid.
    #[test]
    fn the_published_example_comes_out() {
        let rate = (1_179_291_231, 9);
        assert_eq!(Product::new(10_000, "CNY", "HKD", rate, 10_000).up(), 11_911);
        assert_eq!(Product::new(10_000, "CNY", "HKD", rate, 0).half_up(), 11_793);
        assert_eq!(share(10_000, 6_000), 60);
        assert_eq!(Product::new(1_000, "JPY", "KWD", (2_035_001, 9), 0).up(), 2_036);
    }
}
