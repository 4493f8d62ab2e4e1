//! Exact arithmetic of the model's own: fractions, and one rounding at the end.

use num_bigint::BigInt;

/// A positive fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fraction {
    pub(crate) numerator: i128,
    pub(crate) denominator: i128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    Up,
    Down,
    HalfUp,
}

impl Fraction {
    pub(crate) fn new(numerator: i128, denominator: i128) -> Self {
        let (mut divisor, mut rest) = (numerator, denominator);
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        Self { numerator: numerator / divisor, denominator: denominator / divisor }
    }

    pub(crate) fn decimal(mantissa: u64, scale: u32) -> Self {
        Self::new(i128::from(mantissa), 10_i128.pow(scale))
    }

    pub(crate) fn mean(self, other: Self) -> Self {
        let sum = self.numerator * other.denominator + other.numerator * self.denominator;
        Self::new(sum, 2 * self.denominator * other.denominator)
    }

    pub(crate) fn over(self, other: Self) -> Self {
        Self::new(self.numerator * other.denominator, self.denominator * other.numerator)
    }

    /// By how many millionths this moved from `earlier`, either way, rounded down; and whether by at most `band`.
    pub(crate) fn moved(self, earlier: Self, band: u32) -> (u32, bool) {
        let (new, old) = (self.numerator * earlier.denominator, earlier.numerator * self.denominator);
        let moved = (new - old).abs() * 1_000_000;
        (u32::try_from(moved / old).unwrap_or(u32::MAX), moved <= old * i128::from(band))
    }
}

/// `units` minor units of one currency in another, at a rate and then by so many millionths, rounded once.
pub(crate) fn converted(units: i128, (from, to): (&str, &str), rate: Fraction, millionths: u32, round: Round) -> i128 {
    assert!(units >= 0, "levels are of amounts");
    let factors = [units, rate.numerator, i128::from(millionths), 10_i128.pow(minor_digits(to))];
    let divisors = [rate.denominator, 1_000_000, 10_i128.pow(minor_digits(from))];
    let product = |parts: &[i128]| parts.iter().try_fold(1_i128, |product, part| product.checked_mul(*part));
    if let (Some(numerator), Some(denominator)) = (product(&factors), product(&divisors))
        && let Some(doubled) = numerator.checked_mul(2)
    {
        return match round {
            Round::Down => numerator / denominator,
            Round::Up => numerator / denominator + i128::from(numerator % denominator != 0),
            Round::HalfUp => (doubled / denominator + 1) / 2,
        };
    }
    let product = |parts: &[i128]| parts.iter().fold(BigInt::from(1), |product, part| product * *part);
    let (numerator, denominator) = (product(&factors), product(&divisors));
    let rounded: BigInt = match round {
        Round::Down => numerator / denominator,
        Round::Up => (numerator + &denominator - 1) / denominator,
        Round::HalfUp => (numerator * 2 / denominator + 1) / 2,
    };
    // Whatever is so large is above every limit.
    i128::try_from(rounded).unwrap_or(i128::MAX)
}

/// A share in millionths, half up.
pub(crate) fn share(units: i128, millionths: u32) -> i128 {
    (units * i128::from(millionths) * 2 + 1_000_000) / 2_000_000
}

fn minor_digits(currency: &str) -> u32 {
    match currency {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    }
}

#[test]
fn small_and_large_are_rounded_alike() {
    let thirds = Fraction::new(1_000, 3_000);
    assert_eq!((thirds.numerator, thirds.denominator), (1, 3));
    for round in [Round::Up, Round::Down, Round::HalfUp] {
        let large = 10_i128.pow(30);
        for units in 0..20 {
            let small = converted(units, ("CNY", "HKD"), thirds, 1_000_000, round);
            let expected = match round {
                Round::Up => (units + 2) / 3,
                Round::Down => units / 3,
                Round::HalfUp => (2 * units + 3) / 6,
            };
            assert_eq!(small, expected, "{units} {round:?}");
            let wide = converted(3 * large + units, ("CNY", "HKD"), thirds, 1_000_000, round);
            assert_eq!(wide, large + expected, "{units} {round:?}");
        }
    }
}
