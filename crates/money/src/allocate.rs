//! Splitting a sum.

use alloc::vec::Vec;

use crate::amount::Money;
use crate::rounding::Rounding;

/// Splits a sum in proportion to weights, to the last minor unit.
///
/// Part i is the change of the level total · w / W, half up, while w moves from the sum of the weights before i to
/// the sum with i. So the parts sum to the total, each is less than one minor unit from its exact share, and a
/// weight of zero gets nothing. The order of the weights decides where the odd units go.
///
/// # Errors
///
/// [`AllocateError::NoWeight`] when the weights sum to zero, [`AllocateError::Overflow`] for totals far beyond any
/// one amount.
pub fn allocate(total: Money, weights: &[u64]) -> Result<Vec<Money>, AllocateError> {
    let weight_total: i128 = weights.iter().copied().map(i128::from).sum();
    if weight_total == 0 {
        return Err(AllocateError::NoWeight);
    }
    let level = |weight: i128| {
        let product = total.minor_units().checked_mul(weight)?;
        Rounding::HalfUp.divide(product, weight_total)
    };
    let mut parts = Vec::with_capacity(weights.len());
    let (mut weight_before, mut level_before) = (0_i128, 0_i128);
    for weight in weights {
        let weight_after = weight_before.checked_add(i128::from(*weight)).ok_or(AllocateError::Overflow)?;
        let level_after = level(weight_after).ok_or(AllocateError::Overflow)?;
        let part = level_after.checked_sub(level_before).ok_or(AllocateError::Overflow)?;
        parts.push(Money::new(total.currency(), part));
        (weight_before, level_before) = (weight_after, level_after);
    }
    Ok(parts)
}

/// Why a sum cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllocateError {
    /// There is nobody to give the total to.
    #[error("a sum cannot be split: the weights sum to zero")]
    NoWeight,
    /// An exact product is beyond 128 bits.
    #[error("a sum cannot be split: the total times the weights does not fit 128 bits")]
    Overflow,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::AMOUNT_MINOR_UNITS_MAX;
    use crate::currency::Currency;

    fn check(total: i128, weights: &[u64], expected: &[i128]) {
        let parts = allocate(Money::new(Currency::CNY, total), weights).unwrap();
        let parts: Vec<i128> = parts.into_iter().map(Money::minor_units).collect();
        assert_eq!(parts, expected, "{total} over {weights:?}");
    }

    #[test]
    fn parts_follow_the_weights_and_sum_to_the_total() {
        check(100, &[1, 1, 1], &[33, 34, 33]);
        check(-100, &[1, 1, 1], &[-33, -34, -33]);
        check(100, &[1], &[100]);
        check(100, &[50, 30, 20], &[50, 30, 20]);
        check(1, &[1, 1, 1], &[0, 1, 0]);
        check(2, &[1, 1, 1], &[1, 0, 1]);
        check(0, &[3, 4], &[0, 0]);
    }

    #[test]
    fn a_weight_of_zero_gets_nothing() {
        check(101, &[0, 1, 0, 1, 0], &[0, 51, 0, 50, 0]);
    }

    #[test]
    fn the_largest_amount_splits_over_the_largest_weights() {
        let most = i128::from(AMOUNT_MINOR_UNITS_MAX);
        check(most, &[u64::MAX, u64::MAX, u64::MAX], &[333_333_333_333_333; 3]);
    }

    #[test]
    fn without_weight_there_is_no_split() {
        for weights in [&[][..], &[0], &[0, 0]] {
            assert_eq!(allocate(Money::new(Currency::CNY, 1), weights), Err(AllocateError::NoWeight));
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let sum = Money::new(Currency::CNY, i128::MAX);
        assert_eq!(allocate(sum, &[1, 1]), Err(AllocateError::Overflow));
    }
}
