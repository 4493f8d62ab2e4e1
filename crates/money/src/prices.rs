//! What a published rate says.

use crate::exact_rate::ExactRate;
use crate::rate::RateError;

/// The three prices of one currency in another: the mid, what a payer is debited by, what a payee is paid by.
///
/// Settlement ≤ mid ≤ debit. All three are equal when only a mid was published; otherwise the payee is paid at the
/// bid, the payer is debited at the ask, and the mid tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Prices {
    /// Not above the mid.
    settlement: ExactRate,
    mid: ExactRate,
    /// Not below the mid.
    debit: ExactRate,
}

impl Prices {
    /// Returns the prices of a mid without a spread.
    pub const fn mid_only(mid: ExactRate) -> Prices {
        Prices { settlement: mid, mid, debit: mid }
    }

    /// Returns these prices without the one that a debit does not use.
    #[must_use]
    pub const fn for_debit(self) -> Prices {
        Prices { settlement: self.mid, ..self }
    }

    /// Returns the prices of a bid, which settles, a mid and an ask, which debits.
    ///
    /// # Errors
    ///
    /// [`PricesError`] names the two that stand in the wrong order.
    pub fn new(settlement: ExactRate, mid: ExactRate, debit: ExactRate) -> Result<Prices, PricesError> {
        if settlement > mid {
            return Err(PricesError::SettlementAboveMid);
        }
        if mid > debit {
            return Err(PricesError::MidAboveDebit);
        }
        Ok(Prices { settlement, mid, debit })
    }

    /// Returns the prices of the source currency in the target currency over a pivot for which both are quoted.
    ///
    /// A payer who holds the target buys the pivot at its ask and sells it at the bid of the source, so debit is debit
    /// over settlement, and settlement is settlement over debit: both spreads are paid. Mid is mid over mid.
    ///
    /// # Errors
    ///
    /// As [`ExactRate::cross`].
    pub fn cross(target_per_pivot: Prices, source_per_pivot: Prices) -> Result<Prices, RateError> {
        // Each quotient is in order because its dividends are and its divisors are in the opposite one.
        Ok(Prices {
            settlement: ExactRate::cross(target_per_pivot.settlement, source_per_pivot.debit)?,
            mid: ExactRate::cross(target_per_pivot.mid, source_per_pivot.mid)?,
            debit: ExactRate::cross(target_per_pivot.debit, source_per_pivot.settlement)?,
        })
    }

    /// The bid: what a payee is paid by.
    pub const fn settlement(self) -> ExactRate {
        self.settlement
    }

    /// The middle of the market.
    pub const fn mid(self) -> ExactRate {
        self.mid
    }

    /// The ask: what a payer is debited by, before markup.
    pub const fn debit(self) -> ExactRate {
        self.debit
    }
}

/// Why three rates are not the prices of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PricesError {
    /// The bid is above the mid.
    #[error("the settlement rate (bid) is above the mid rate")]
    SettlementAboveMid,
    /// The mid is above the ask.
    #[error("the mid rate is above the debit rate (ask)")]
    MidAboveDebit,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::Rate;

    fn exact(text: &str) -> ExactRate {
        ExactRate::from(Rate::parse(text).unwrap())
    }

    fn prices(settlement: &str, mid: &str, debit: &str) -> Result<Prices, PricesError> {
        Prices::new(exact(settlement), exact(mid), exact(debit))
    }

    #[test]
    fn prices_stand_in_order() {
        let spread = prices("1.1", "1.2", "1.3").unwrap();
        assert_eq!([spread.settlement(), spread.mid(), spread.debit()], [exact("1.1"), exact("1.2"), exact("1.3")]);
        assert_eq!(prices("1.2", "1.2", "1.20"), Ok(Prices::mid_only(exact("1.2"))));
        assert_eq!(prices("1.200000001", "1.2", "1.3"), Err(PricesError::SettlementAboveMid));
        assert_eq!(prices("1.1", "1.300000001", "1.3"), Err(PricesError::MidAboveDebit));
        assert_eq!(prices("3", "2", "1"), Err(PricesError::SettlementAboveMid));
    }

    #[test]
    fn a_cross_pays_both_spreads() {
        let cross = Prices::cross(prices("8", "9", "10").unwrap(), prices("4", "5", "6").unwrap()).unwrap();
        let part = |numerator, denominator| ExactRate::from_parts(numerator, denominator).unwrap();
        assert_eq!([cross.settlement(), cross.mid(), cross.debit()], [part(4, 3), part(9, 5), part(5, 2)]);
    }

    #[test]
    fn a_cross_of_mids_has_no_spread() {
        let mid_only = |text| Prices::mid_only(exact(text));
        let mid = ExactRate::cross(exact("8.7652"), exact("7.4326")).unwrap();
        assert_eq!(Prices::cross(mid_only("8.7652"), mid_only("7.4326")), Ok(Prices::mid_only(mid)));
    }

    #[test]
    fn a_cross_out_of_bounds_is_refused() {
        let most = Prices::mid_only(ExactRate::from_parts(10_u128.pow(30), 1).unwrap());
        let third = Prices::mid_only(ExactRate::from_parts(1, 3).unwrap());
        assert_eq!(Prices::cross(most, third), Err(RateError::OutOfBounds));
    }
}
