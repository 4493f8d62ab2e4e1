//! The three ways an exact quotient becomes whole minor units.

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
}

#[cfg(test)]
mod tests {
    use super::Rounding::{self, Down, HalfUp, Up};

    /// Down, half up and up of `numerator / denominator`.
    fn check(numerator: i128, denominator: i128, expected: [i128; 3]) {
        let rounded = [Down, HalfUp, Up].map(|rounding| rounding.divide(numerator, denominator));
        assert_eq!(rounded, expected.map(Some), "{numerator} / {denominator}");
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
    fn rounding_commutes_with_whole_units() {
        for rounding in [Rounding::Up, Rounding::Down, Rounding::HalfUp] {
            for numerator in -30_i128..30 {
                let shifted = rounding.divide(numerator.checked_add(7).unwrap(), 7).unwrap();
                assert_eq!(rounding.divide(numerator, 7).unwrap().checked_add(1), Some(shifted));
            }
        }
    }
}
