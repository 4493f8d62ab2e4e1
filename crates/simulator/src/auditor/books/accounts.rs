//! Wallet accounts, what moves on them, and merchants' reserves.

use std::collections::BTreeMap;

use super::{Books, Change, Decided, Payment, index, number};
use crate::{
    auditor::plain::{Deed, Found, Leg, Place, Sought},
    request::{Code, Sum},
};

/// The most one account may hold.
const BALANCE_MAX: i128 = 999_999_999_999_999_999;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::auditor) struct Account {
    pub(super) wallet: u32,
    pub(super) name: String,
    pub(in crate::auditor) place: Place,
    pub(in crate::auditor) state: AccountState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auditor) enum AccountState {
    Open,
    Frozen,
    Closed,
}

impl AccountState {
    pub(in crate::auditor) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Frozen => "frozen",
            Self::Closed => "closed",
        }
    }
}

impl Books {
    pub(super) fn decide_open(&self, wallet: u32, name: &str, currency: Code) -> Result<Decided, String> {
        if index(wallet) >= self.wallets.len() {
            return Err("wallet not found".to_owned());
        }
        if self.account(wallet, name).is_some() {
            return Err("account exists".to_owned());
        }
        let place = ("wallet", currency, number(self.accounts.len()));
        let account = Account { wallet, name: name.to_owned(), place, state: AccountState::Open };
        Ok(Decided { deed: Deed::Opened(place), changes: vec![Change::Opened(account)] })
    }

    pub(super) fn decide_close(&self, found: &Found) -> Result<Decided, String> {
        let account = self.found_account(found)?;
        if account.state == AccountState::Closed {
            return Ok(Decided::declined("account_closed"));
        }
        if self.balance(account.place) != 0 || self.awaits_refund(account.place) {
            return Ok(Decided::declined("account_not_empty"));
        }
        let changes = vec![Change::AccountStands(account.place, AccountState::Closed)];
        Ok(Decided { deed: Deed::Closed, changes })
    }

    /// Freezes or unfreezes.
    pub(super) fn decide_standing(
        &self,
        found: &Found,
        from: AccountState,
        to: AccountState,
    ) -> Result<Decided, String> {
        let account = self.found_account(found)?;
        if account.state != from {
            return Err(format!("account is {}", account.state.as_str()));
        }
        let deed = if to == AccountState::Frozen { Deed::Frozen } else { Deed::Unfrozen };
        Ok(Decided { deed, changes: vec![Change::AccountStands(account.place, to)] })
    }

    pub(super) fn decide_movement(&self, found: &Found, change: i128, currency: Code) -> Result<Decided, String> {
        let account = self.found_account(found)?;
        if account.place.1 != currency {
            return Err(format!("account in {}, amount in {currency}", account.place.1));
        }
        if account.state == AccountState::Closed {
            return Ok(Decided::declined("account_closed"));
        }
        if change < 0 && account.state == AccountState::Frozen {
            return Ok(Decided::declined("account_frozen"));
        }
        let nostro = ("nostro", currency, 0);
        let leg = if change > 0 { (nostro, account.place, change) } else { (account.place, nostro, -change) };
        if let Some(reason) = self.refused_by_balances(&[leg], None) {
            return Ok(Decided::declined(reason));
        }
        let deed = Deed::Moved { leg, balance: self.balance(account.place) + change };
        Ok(Decided { deed, changes: vec![Change::Posted(vec![leg])] })
    }

    pub(super) fn decide_reserve(&self, found: &Found, amount: Sum) -> Result<Decided, String> {
        let id = self.found_merchant(found)?;
        let currency = self.merchant(id).ok_or("merchant not found")?.currency;
        if amount.currency != currency {
            return Err(format!("account in {currency}, amount in {}", amount.currency));
        }
        let leg = (("nostro", currency, 0), ("merchant_reserve", currency, id), i128::from(amount.units));
        if let Some(reason) = self.refused_by_balances(&[leg], None) {
            return Ok(Decided::declined(reason));
        }
        Ok(Decided { deed: Deed::ReserveFunded(leg), changes: vec![Change::Posted(vec![leg])] })
    }

    pub(super) fn decide_pay_out(&self, found: &Found, amount: Sum) -> Result<Decided, String> {
        let id = self.found_merchant(found)?;
        let currency = self.merchant(id).ok_or("merchant not found")?.currency;
        if amount.currency != currency {
            return Err(format!("account in {currency}, amount in {}", amount.currency));
        }
        let leg = (("merchant_payable", currency, id), ("nostro", currency, 0), i128::from(amount.units));
        if self.balance(leg.0) < leg.2 {
            return Ok(Decided::declined("not_enough"));
        }
        if let Some(reason) = self.refused_by_balances(&[leg], None) {
            return Ok(Decided::declined(reason));
        }
        Ok(Decided { deed: Deed::PaidOut(leg), changes: vec![Change::Posted(vec![leg])] })
    }

    pub(super) fn stand(&mut self, place: Place, state: AccountState) {
        for account in &mut self.accounts {
            if account.place == place {
                account.state = state;
            }
        }
    }

    /// What holds reserve on an account.
    pub(in crate::auditor) fn held(&self, place: Place) -> i128 {
        self.payments.values().filter(|payment| payment.payer == place).map(Payment::held).sum()
    }

    /// The first reason why these postings cannot be made while `changed` stands in the place of itself as it was.
    pub(super) fn refused_by_balances(&self, legs: &[Leg], changed: Option<&Payment>) -> Option<&'static str> {
        let mut after = BTreeMap::new();
        for (from, to, amount) in legs {
            *after.entry(*from).or_insert_with(|| self.balance(*from)) -= amount;
            *after.entry(*to).or_insert_with(|| self.balance(*to)) += amount;
        }
        if let Some(payment) = changed {
            after.entry(payment.payer).or_insert_with(|| self.balance(payment.payer));
        }
        let held = |place: &Place| {
            let change = changed
                .filter(|payment| payment.payer == *place)
                .map_or(0, |payment| payment.held() - self.payment(payment.id).map_or(0, Payment::held));
            self.held(*place) + change
        };
        let may_be_negative = |place: &Place| matches!(place.0, "fx_position" | "nostro" | "fx_result");
        if after.iter().any(|(place, balance)| !may_be_negative(place) && *balance < held(place)) {
            return Some("insufficient_balance");
        }
        after.values().any(|balance| balance.abs() > BALANCE_MAX).then_some("balance_limit")
    }

    pub(super) fn account(&self, wallet: u32, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.wallet == wallet && account.name == name)
    }

    pub(super) fn account_at(&self, place: Place) -> Option<&Account> {
        self.accounts.iter().find(|account| account.place == place)
    }

    /// The account the stages found, or the refusal that they did not.
    pub(super) fn found_account(&self, found: &Found) -> Result<&Account, String> {
        match &found.account {
            Sought::Found(place) => self.account_at(*place).ok_or_else(|| "account not found".to_owned()),
            Sought::Missing(why) => Err(why.clone()),
            Sought::NotAsked => Err("account not found".to_owned()),
        }
    }

    pub(super) fn found_merchant(&self, found: &Found) -> Result<u32, String> {
        match &found.merchant {
            Sought::Found(merchant) => Ok(*merchant),
            Sought::Missing(why) => Err(why.clone()),
            Sought::NotAsked => Err("merchant not found".to_owned()),
        }
    }
}
