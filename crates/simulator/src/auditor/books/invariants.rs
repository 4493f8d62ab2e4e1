//! What must hold whatever is asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use super::{Books, Payment};
use crate::request::Code;

impl Books {
    /// Every account of a currency together.
    pub(super) fn check_sums(&self) -> Result<(), String> {
        let mut sums: BTreeMap<Code, i128> = BTreeMap::new();
        for ((_, currency, _), balance) in &self.balances {
            *sums.entry(currency).or_insert(0) += balance;
        }
        match sums.into_iter().find(|(_, sum)| *sum != 0) {
            Some((currency, sum)) => Err(format!("the accounts in {currency} sum to {sum}")),
            None => Ok(()),
        }
    }

    /// What holds after every round: of every payment that changed, and of every account that pays.
    pub(in crate::auditor) fn check_invariants(&mut self) -> Result<(), String> {
        let touched = mem::take(&mut self.touched);
        let mut payers = BTreeSet::new();
        let mut mandates = BTreeSet::new();
        for id in touched {
            let payment = &self.payments[&id];
            payers.insert(payment.payer);
            mandates.extend(payment.mandate.map(|(mandate, period, _)| (mandate, period)));
            payment.check_order()?;
            payment.check_consented()?;
            payment.check_residue()?;
        }
        for payer in payers {
            let (posted, held) = (self.balance(payer), self.held(payer));
            if posted < held {
                return Err(format!("{payer:?} has {posted}, and {held} is held"));
            }
        }
        for (id, period) in mandates {
            let (spent, most) = (self.spent_in(id, period), self.mandates[&id].period_most);
            if spent > most {
                return Err(format!("by mandate {id:?} {spent} was debited or held in a period, {most} was agreed to"));
            }
        }
        Ok(())
    }
}

impl Payment {
    /// Authorized ≥ captured ≥ refunded, in every currency.
    fn check_order(&self) -> Result<(), String> {
        let totals = self.totals();
        let columns = totals.authorized.iter().zip(totals.captured).zip(totals.refunded);
        for ((authorized, captured), refunded) in columns {
            if *authorized < captured || captured < refunded || refunded < 0 {
                return Err(format!(
                    "of {:?} {authorized} was authorized, {captured} captured, {refunded} refunded",
                    self.id
                ));
            }
        }
        Ok(())
    }

    /// What the payer paid, got back and has held is never more than what was agreed to, nor than what was told.
    fn check_consented(&self) -> Result<(), String> {
        let paid = -self.sum_of(self.payer);
        let totals = self.totals();
        let bound = self.consented.unwrap_or(totals.authorized[1]).min(totals.authorized[1]);
        // A refund at a rate of another day gives what the market gives: it may be less, never negative.
        if paid + self.held() > bound {
            return Err(format!(
                "of {:?} {paid} was debited and {} is held, {bound} was agreed to",
                self.id,
                self.held()
            ));
        }
        Ok(())
    }

    /// Nothing is left of a payment that was given back at its own rates, all of it.
    fn check_residue(&self) -> Result<(), String> {
        if self.is_open() || !self.only_original || self.amounts()[1] != self.amounts()[2] {
            return Ok(());
        }
        // What came from the merchant's reserve is in what the merchant is owed: the two are one party.
        let merchants_own = self.sum_of(self.payable()) + self.sum_of(self.reserve());
        let others = self.sums.iter().filter(|(place, _)| **place != self.payable() && **place != self.reserve());
        for (place, left) in others {
            if *left != 0 {
                return Err(format!("{left} of {:?} is left in {place:?} after all was refunded", self.id));
            }
        }
        if merchants_own != 0 {
            return Err(format!("{merchants_own} of {:?} is left with the merchant after all was refunded", self.id));
        }
        Ok(())
    }

    fn sum_of(&self, place: crate::auditor::plain::Place) -> i128 {
        self.sums.get(&place).copied().unwrap_or(0)
    }
}
