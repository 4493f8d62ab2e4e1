//! Draws that are the same in every run: a function of a call's number, so that nothing has to be kept.

/// A number drawn for a call; another one for each purpose. The finalizer of SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) fn draw(number: u64, purpose: u64) -> u64 {
    let mut z = number.wrapping_add(purpose.wrapping_mul(0xd1b5_4a32_d192_ed03)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Draws of which the n-th choice comes 1/n^exponent as often as the first.
#[derive(Clone, Debug)]
pub(super) struct Zipf {
    /// For each choice, the share of draws that fall on it or on one before it, of 2^64.
    up_to: Vec<u64>,
}

impl Zipf {
    /// Among so many choices; `None` for an exponent that is not a positive number, or without a choice.
    pub(super) fn new(choices: u32, exponent: f64) -> Option<Self> {
        if !exponent.is_finite() || exponent <= 0.0 || choices == 0 {
            return None;
        }
        let mut sum = 0.0;
        let sums: Vec<f64> = (1..=choices)
            .map(|choice| {
                sum += f64::from(choice).powf(-exponent);
                sum
            })
            .collect();
        // As 64 bits have it: 2^63 is exact in a float, and the last share is all of them.
        let share = |part: f64| format!("{:.0}", part / sum * 9_223_372_036_854_775_808.0).parse::<u64>();
        let up_to = sums.iter().map(|part| share(*part).map_or(u64::MAX, |half| half.saturating_mul(2))).collect();
        Some(Self { up_to })
    }

    /// The choice that a drawn number stands for, from 0.
    pub(super) fn at(&self, drawn: u64) -> usize {
        self.up_to.partition_point(|up_to| *up_to <= drawn).min(self.up_to.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_comes_as_often_as_the_law_says() {
        let zipf = Zipf::new(4, 1.0).unwrap();
        let mut found = [0_u32; 4];
        (0..25_000).for_each(|number| found[zipf.at(draw(number, 1))] += 1);
        // 1, 1/2, 1/3 and 1/4 are 25/12 together.
        for (found, expected) in found.into_iter().zip([12_000_u32, 6_000, 4_000, 3_000]) {
            assert!(found.abs_diff(expected) < 400, "{found} for {expected}");
        }
        assert_eq!((zipf.at(0), zipf.at(u64::MAX)), (0, 3));
    }

    #[test]
    fn draws_of_two_purposes_differ() {
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        assert_ne!(draw(7, 1), draw(8, 1));
    }

    #[test]
    fn an_exponent_is_a_positive_number() {
        for exponent in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Zipf::new(4, exponent).is_none());
        }
        assert!(Zipf::new(0, 1.0).is_none() && Zipf::new(1, 1.0).is_some());
    }
}
