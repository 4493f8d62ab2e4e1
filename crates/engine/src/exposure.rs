//! How much of each currency the switch holds open, and how much it may.

use alloc::{collections::BTreeMap, vec::Vec};

use domain::{AccountId, AccountKind, DeclineReason, Policy};
use money::{Currency, Money};

use crate::{
    ledger::Ledger,
    rails::wallet::{minus, plus},
};

/// What open holds would add to the positions if all of them were captured, weighted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exposure {
    reserved: BTreeMap<Currency, Money>,
}

/// What one payment adds to the positions.
pub(crate) type Change = Option<(Money, Money)>;

impl Exposure {
    /// Currencies above their soft limit after this change, or the decline of one that would pass its hard limit. A
    /// change that does not add to an open position is never declined.
    pub(crate) fn check(
        &self,
        policy: &Policy,
        ledger: &Ledger,
        change: impl FnOnce() -> Change,
    ) -> Result<Vec<Currency>, DeclineReason> {
        if policy.exposure.is_empty() {
            return Ok(Vec::new());
        }
        let Some((gained, lost)) = change() else { return Ok(Vec::new()) };
        let mut above_soft_limit = Vec::new();
        let mut changes = BTreeMap::from([(gained.currency(), gained)]);
        let sum = changes.get(&lost.currency()).map_or(lost, |gained| plus(*gained, lost));
        changes.insert(lost.currency(), sum);
        for (currency, change) in changes {
            let Some(limit) = policy.exposure.get(&currency) else { continue };
            let before = self.open(ledger, currency);
            let after = plus(before, change);
            let size = |open: Money| open.minor_units().unsigned_abs();
            let above = |limit: Money| size(after) > size(before) && size(after) > size(limit);
            if above(limit.hard) {
                return Err(DeclineReason::ExposureLimit);
            }
            if above(limit.soft) {
                above_soft_limit.push(currency);
            }
        }
        above_soft_limit.sort_unstable_by_key(|currency| currency.code());
        Ok(above_soft_limit)
    }

    /// Reserves more, or releases.
    pub(crate) fn reserve(&mut self, before: Change, after: Change) {
        let empty = |currency| Money::zero(currency);
        for (was, now) in [(before.map(|c| c.0), after.map(|c| c.0)), (before.map(|c| c.1), after.map(|c| c.1))] {
            let Some(currency) = was.or(now).map(Money::currency) else { continue };
            let change = minus(now.unwrap_or(empty(currency)), was.unwrap_or(empty(currency)));
            if !change.is_zero() {
                let reserved = self.reserved.entry(currency).or_insert(empty(currency));
                *reserved = plus(*reserved, change);
            }
        }
    }

    /// Position and reservation of each currency that has any.
    pub(crate) fn all<'a>(&'a self, ledger: &'a Ledger) -> impl Iterator<Item = (Currency, Money, Money)> + 'a {
        let positions = ledger.iter().filter(|(account, _)| account.kind == AccountKind::FxPosition);
        let mut currencies: Vec<Currency> = positions.map(|(account, _)| account.currency).collect();
        currencies.extend(self.reserved.keys());
        currencies.sort_unstable();
        currencies.dedup();
        currencies.into_iter().map(|currency| (currency, position(ledger, currency), self.reserved(currency)))
    }

    pub(crate) fn reserved(&self, currency: Currency) -> Money {
        self.reserved.get(&currency).copied().unwrap_or(Money::zero(currency))
    }

    /// What is reserved of each currency, by currency.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Money> + '_ {
        self.reserved.values().copied()
    }

    /// Takes in what is reserved of a currency; whether it is the first that is told of it.
    pub(crate) fn stand(&mut self, reserved: Money) -> bool {
        self.reserved.insert(reserved.currency(), reserved).is_none()
    }

    fn open(&self, ledger: &Ledger, currency: Currency) -> Money {
        plus(position(ledger, currency), self.reserved(currency))
    }
}

pub(crate) fn position(ledger: &Ledger, currency: Currency) -> Money {
    ledger.posted_balance(AccountId::house(AccountKind::FxPosition, currency))
}

#[cfg(test)]
mod tests;
