//! The three ways an exact quotient becomes whole minor units.

use ethnum::I256;

/// How an exact value becomes whole minor units. Whoever divides names it; there is no default.
///
/// All three are defined on the number line, not on the magnitude: they commute with adding whole units, and none
/// ever decreases while its input grows, below zero as above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the next whole unit upwards, the ceiling: 1.01 to 2, −1.99 to −1.
    Up,
    /// To the next whole unit downwards, the floor: 1.99 to 1, −1.01 to −2.
    Down,
    /// To the nearest whole unit, a half upwards, ⌊v + ½⌋: 1.5 to 2, −1.5 to −1.
    HalfUp,
}

impl Rounding {
    /// Divides and rounds once, from the exact quotient. `None` when the quotient does not fit.
    pub(crate) fn divide(self, numerator: i128, denominator: i128) -> Option<i128> {
        assert!(denominator > 0, "a sum is divided by a positive number");
        let floor = numerator.checked_div_euclid(denominator)?;
        let rest = numerator.checked_rem_euclid(denominator)?;
        let goes_up = match self {
            Rounding::Up => rest > 0,
            Rounding::Down => false,
            // rest ≥ ½ denominator, without doubling what may not fit twice.
            Rounding::HalfUp => rest >= denominator.checked_sub(rest)?,
        };
        floor.checked_add(i128::from(goes_up))
    }

    /// As [`divide`](Rounding::divide), of numbers twice as wide: the quotient alone has to fit.
    pub(crate) fn divide_wide(self, numerator: I256, denominator: I256) -> Option<i128> {
        assert!(denominator > I256::ZERO, "a sum is divided by a positive number");
        let (floor, rest) = numerator.checked_div_rem_euclid(denominator)?;
        let goes_up = match self {
            Rounding::Up => rest > I256::ZERO,
            Rounding::Down => false,
            Rounding::HalfUp => rest >= denominator.checked_sub(rest)?,
        };
        i128::try_from(floor.checked_add(I256::from(goes_up))?).ok()
    }
}

#[cfg(test)]
mod tests {
    use ethnum::I256;

    use super::Rounding::{self, Down, HalfUp, Up};

    /// Down, half up and up of `numerator / denominator`, in either width.
    fn check(numerator: i128, denominator: i128, expected: [i128; 3]) {
        let rounded = [Down, HalfUp, Up].map(|rounding| rounding.divide(numerator, denominator));
        assert_eq!(rounded, expected.map(Some), "{numerator} / {denominator}");
        check_wide(I256::from(numerator), I256::from(denominator), expected.map(Some));
    }

    fn check_wide(numerator: I256, denominator: I256, expected: [Option<i128>; 3]) {
        let rounded = [Down, HalfUp, Up].map(|rounding| rounding.divide_wide(numerator, denominator));
        assert_eq!(rounded, expected, "{numerator} / {denominator}");
    }

    #[test]
    fn thirds_and_halves_round_on_the_number_line() {
        check(-4, 2, [-2, -2, -2]);
        check(-3, 2, [-2, -1, -1]);
        check(-1, 2, [-1, 0, 0]);
        check(0, 2, [0, 0, 0]);
        check(1, 2, [0, 1, 1]);
        check(3, 2, [1, 2, 2]);
        check(4, 2, [2, 2, 2]);
        check(-4, 3, [-2, -1, -1]);
        check(-2, 3, [-1, -1, 0]);
        check(-1, 3, [-1, 0, 0]);
        check(1, 3, [0, 0, 1]);
        check(2, 3, [0, 1, 1]);
        check(4, 3, [1, 1, 2]);
    }

    #[test]
    fn the_ends_of_the_range_divide() {
        check(i128::MAX, 1, [i128::MAX; 3]);
        check(i128::MIN, 1, [i128::MIN; 3]);
        check(i128::MAX, i128::MAX, [1; 3]);
        check(i128::MIN, i128::MAX, [-2, -1, -1]);
        check(1, i128::MAX, [0, 0, 1]);
    }

    #[test]
    fn a_wide_quotient_has_to_fit_after_it_is_rounded() {
        let (most, least) = (I256::from(i128::MAX), I256::from(i128::MIN));
        let two = I256::from(2);
        let twice = |half: I256, more: i128| half.checked_mul(two).unwrap().checked_add(I256::from(more)).unwrap();
        check_wide(twice(most, -1), two, [Some(i128::MAX - 1), Some(i128::MAX), Some(i128::MAX)]);
        check_wide(twice(most, 0), two, [Some(i128::MAX); 3]);
        check_wide(twice(most, 1), two, [Some(i128::MAX), None, None]);
        check_wide(twice(most, 2), two, [None; 3]);
        check_wide(twice(least, 0), two, [Some(i128::MIN); 3]);
        check_wide(twice(least, -1), two, [None, Some(i128::MIN), Some(i128::MIN)]);
        check_wide(twice(least, -2), two, [None; 3]);
        check_wide(I256::MAX, I256::MAX, [Some(1); 3]);
        check_wide(I256::MIN, I256::MAX, [Some(-2), Some(-1), Some(-1)]);
        check_wide(I256::MIN, I256::from(1), [None; 3]);
    }

    #[test]
    fn rounding_commutes_with_whole_units() {
        for rounding in [Rounding::Up, Rounding::Down, Rounding::HalfUp] {
            for numerator in -30_i128..30 {
                let shifted = rounding.divide(numerator.checked_add(7).unwrap(), 7).unwrap();
                assert_eq!(rounding.divide(numerator, 7).unwrap().checked_add(1), Some(shifted));
            }
        }
    }
}
