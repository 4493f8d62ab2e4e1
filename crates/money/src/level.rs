//! From levels to postings.

use crate::amount::{Error, Money};

/// Returns the change of a level while x moves: what a capture, refund or release posts.
///
/// Changes along any path sum to the level at its end less the level at its start, whatever the steps and their
/// direction, so a payment taken back in any split leaves nothing behind.
///
/// # Errors
///
/// What the level says of either position, or [`Error::CurrencyMismatch`] when it answers in two currencies.
pub fn level_change(
    level: impl Fn(Money) -> Result<Money, Error>,
    before: Money,
    after: Money,
) -> Result<Money, Error> {
    level(after)?.checked_sub(level(before)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Currency, Ratio, Rounding};

    fn cny(minor_units: i128) -> Money {
        Money::new(Currency::CNY, minor_units)
    }

    #[test]
    fn a_discount_taken_back_in_parts_leaves_nothing() {
        let discount_ratio = Ratio::parse("0.006").unwrap();
        let discount = |x| discount_ratio.of(x, Rounding::HalfUp);
        let change = |before, after| level_change(discount, cny(before), cny(after));
        assert_eq!(change(0, 10_000), Ok(cny(60)));
        assert_eq!(change(10_000, 9_950), Ok(cny(0))); // 59.7 is 60
        assert_eq!(change(9_950, 9_900), Ok(cny(-1))); // 59.4 is 59
        assert_eq!(change(9_900, 0), Ok(cny(-59)));
    }

    #[test]
    fn positions_in_two_currencies_have_no_change() {
        let mismatch = Error::CurrencyMismatch { left: Currency::HKD, right: Currency::CNY };
        assert_eq!(level_change(Ok, cny(1), Money::zero(Currency::HKD)), Err(mismatch));
    }
}
