//! How much of each currency is held open, and the deals that close it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Books, Change, Decided,
    payment::{Payment, moved},
};
use crate::{
    auditor::plain::Deed,
    request::{Code, Rules, Sum},
};

impl Books {
    /// What captures of all holds can still change a position by, as it counts.
    pub(in crate::auditor) fn reserved(&self, currency: Code) -> i128 {
        self.payments.values().map(|payment| reserved_in(payment, currency)).sum()
    }

    pub(in crate::auditor) fn position(&self, currency: Code) -> i128 {
        self.balance(("fx_position", currency, 0))
    }

    /// Currencies that are above their soft limit once this payment is what it will be, or the decline by a hard one.
    /// Nothing that brings a position nearer to zero is declined.
    pub(super) fn check_exposure(
        &self,
        rules: &Rules,
        after: &Payment,
        before: Option<&Payment>,
    ) -> Result<Vec<Code>, &'static str> {
        let [_, debit, settlement] = after.currencies;
        let mut soft = Vec::new();
        for currency in BTreeSet::from([debit, settlement]) {
            let limits = rules.exposure.iter().find(|limits| limits.0 == currency);
            let Some((_, soft_limit, hard_limit)) = limits else { continue };
            let was = self.position(currency) + self.reserved(currency);
            let change = reserved_in(after, currency) - before.map_or(0, |payment| reserved_in(payment, currency));
            let now = was + change;
            if now.abs() <= was.abs() {
                continue;
            }
            if now.abs() > i128::from(*hard_limit) {
                return Err("exposure_limit");
            }
            if now.abs() > i128::from(*soft_limit) {
                soft.push(currency);
            }
        }
        Ok(soft)
    }

    /// Every currency that has a position or a reservation.
    pub(in crate::auditor) fn exposures(&self) -> BTreeMap<Code, (i128, i128)> {
        let positions = self.balances.keys().filter(|place| place.0 == "fx_position").map(|place| place.1);
        let of_payments = self.payments.values().flat_map(|payment| payment.currencies[1..].iter().copied());
        let currencies: BTreeSet<Code> = positions.chain(of_payments).collect();
        let exposure = |currency| (currency, (self.position(currency), self.reserved(currency)));
        currencies.into_iter().map(exposure).filter(|(_, exposure)| *exposure != (0, 0)).collect()
    }

    pub(super) fn decide_square(&self, sold: Sum, bought: Sum, closed: i128) -> Result<Decided, String> {
        let (given, got) = (i128::from(sold.units), i128::from(bought.units));
        // The bank is given what the switch is long of, and gives what it is short of.
        let long = self.position(sold.currency);
        if long < given {
            return Err(format!("position too small: {} {long}", sold.currency));
        }
        let short = self.position(bought.currency);
        if -short < closed {
            return Err(format!("position too small: {} {short}", bought.currency));
        }
        let nostro = |currency| ("nostro", currency, 0);
        let position = |currency| ("fx_position", currency, 0);
        let mut legs = Vec::new();
        moved(&mut legs, position(sold.currency), nostro(sold.currency), given);
        moved(&mut legs, nostro(bought.currency), position(bought.currency), closed.min(got));
        let result = ("fx_result", bought.currency, 0);
        if got >= closed {
            moved(&mut legs, nostro(bought.currency), result, got - closed);
        } else {
            moved(&mut legs, result, position(bought.currency), closed - got);
        }
        if let Some(reason) = self.refused_by_balances(&legs, None) {
            return Ok(Decided::declined(reason));
        }
        Ok(Decided { deed: Deed::Squared(legs.clone()), changes: vec![Change::Posted(legs)] })
    }
}

fn reserved_in(payment: &Payment, currency: Code) -> i128 {
    let (gained, lost) = payment.reserved();
    let [_, debit, settlement] = payment.currencies;
    let mut sum = 0;
    if debit == currency {
        sum += gained;
    }
    if settlement == currency {
        sum -= lost;
    }
    sum
}
