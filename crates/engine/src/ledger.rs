//! Balances. A balance is credits less debits: what the switch owes is positive, what it owns is negative, and each
//! currency sums to zero.

mod wallets;

use alloc::collections::BTreeMap;

use domain::{AccountId, AccountKind, DeclineReason, Posting, StandingBalance};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use money::{Currency, Money};

use wallets::Wallets;

/// The most one account may hold, in minor units, in either direction. It keeps every balance within an `int64`.
pub const BALANCE_MINOR_UNITS_MAX: i128 = 999_999_999_999_999_999;

/// No event has more postings than this.
pub(crate) const POSTINGS_MAX: usize = 8;
const ACCOUNTS_TOUCHED_MAX: usize = 2 * POSTINGS_MAX;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Wallet accounts that were opened here.
    wallets: Wallets,
    /// All others; of an excerpt, all. Balances are within `BALANCE_MINOR_UNITS_MAX` on either side after every record, so
    /// that eight bytes hold one.
    balances: HashMap<AccountId, i64, FixedState>,
    /// Reserved on wallet accounts, and promised by issuers on what schemes owe; what is not listed is zero.
    held: HashMap<AccountId, i64, FixedState>,
}

impl Ledger {
    /// An account with nothing in it. House accounts need no opening.
    pub(crate) fn open(&mut self, account: AccountId) {
        assert!(!self.is_open(account), "an account is opened once");
        if account.kind == AccountKind::Wallet {
            self.wallets.open(account);
        } else {
            self.balances.insert(account, 0);
        }
    }

    /// A ledger that has these accounts as they stand, and no others.
    pub(crate) fn excerpt(&self, accounts: impl Iterator<Item = AccountId>) -> Self {
        let mut excerpt = Self::default();
        for account in accounts {
            excerpt.balances.extend(self.get(account).map(|units| (account, units)));
            excerpt.held.extend(self.held.get(&account).map(|units| (account, *units)));
        }
        excerpt
    }

    /// Credits less debits; zero for an account nothing was posted to.
    pub(crate) fn posted_balance(&self, account: AccountId) -> Money {
        Money::new(account.currency, self.units(account))
    }

    /// Whether these postings may be made, else the first reason in order of precedence why not.
    pub(crate) fn check(&self, postings: &[Posting]) -> Result<(), DeclineReason> {
        self.check_with_hold(postings, None)
    }

    /// Whether these postings may be made while the hold on an account changes, else the first reason in order of
    /// precedence why not.
    pub(crate) fn check_with_hold(&self, postings: &[Posting], hold: Option<HoldChange>) -> Result<(), DeclineReason> {
        let after = Touched::new(self, postings);
        let held_after = |account| {
            let change = hold.filter(|hold| hold.account == account).map_or(0, |hold| hold.units);
            self.held_units(account) + change
        };
        let below =
            |account: AccountId, balance: i128| !account.kind.may_be_negative() && balance < held_after(account);
        let hold_alone = hold.filter(|hold| !after.balances().any(|(account, _, _)| account == hold.account));
        if after.balances().any(|(account, _, after)| below(account, after))
            || hold_alone.is_some_and(|hold| below(hold.account, self.units(hold.account)))
        {
            return Err(DeclineReason::InsufficientBalance);
        }
        if after.balances().any(|(_, _, after)| after.abs() > BALANCE_MINOR_UNITS_MAX) {
            return Err(DeclineReason::BalanceLimit);
        }
        Ok(())
    }

    /// Changes a hold and makes the postings.
    pub(crate) fn post_with_hold(&mut self, postings: &[Posting], hold: HoldChange) {
        if hold.units != 0 {
            let held = self.held_units(hold.account) + hold.units;
            assert!(held >= 0, "no more is released than is held: {:?}", hold.account);
            match held {
                0 => self.held.remove(&hold.account),
                _ => self.held.insert(hold.account, kept(held)),
            };
        }
        self.post(postings);
        let is_there = hold.account.kind.may_be_negative() || self.units(hold.account) >= self.held_units(hold.account);
        assert!(is_there, "what is held is there: {:?}", hold.account);
    }

    /// Makes the postings and checks, from the balances as they really changed, that each currency still sums to zero.
    pub(crate) fn post(&mut self, postings: &[Posting]) {
        let before = Touched::new(self, postings);
        for posting in postings {
            let units = kept(posting.amount().minor_units());
            *self.balance_mut(posting.debit()) -= units;
            *self.balance_mut(posting.credit()) += units;
        }
        // How each balance really changed, by currency.
        let mut changed: [Option<(Currency, i128)>; ACCOUNTS_TOUCHED_MAX] = [None; ACCOUNTS_TOUCHED_MAX];
        for (account, was, _) in before.balances() {
            let now = self.units(account);
            let floor_holds = account.kind.may_be_negative() || now >= self.held_units(account);
            assert!(floor_holds, "no account goes below its floor: {account:?}");
            assert!(now.abs() <= BALANCE_MINOR_UNITS_MAX, "no account passes its limit: {account:?}");
            let of_currency =
                |row: &&mut Option<(Currency, i128)>| row.is_none_or(|(known, _)| known == account.currency);
            let row = changed.iter_mut().find(of_currency).expect("there is a row for every account");
            let so_far = row.map_or(0, |(_, sum)| sum);
            *row = Some((account.currency, so_far + now - was));
        }
        for (currency, sum) in changed.into_iter().map_while(|row| row) {
            assert!(sum == 0, "a record moves money within a currency and makes none: {currency}");
        }
    }

    /// The sum of all accounts of each currency that has any.
    pub(crate) fn sums(&self) -> BTreeMap<Currency, i128> {
        let mut sums = BTreeMap::new();
        for (account, units) in self.iter() {
            *sums.entry(account.currency).or_insert(0) += units;
        }
        sums
    }

    pub(crate) fn assert_conserved(&self) {
        for (currency, sum) in self.sums() {
            assert!(sum == 0, "the accounts in {currency} sum to {sum} minor units, not to zero");
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (AccountId, i128)> {
        let others = self.balances.iter().map(|(account, units)| (*account, *units));
        self.wallets.iter().chain(others).map(|(account, units)| (account, i128::from(units)))
    }

    pub(crate) fn holds(&self) -> impl Iterator<Item = (AccountId, i128)> {
        self.held.iter().map(|(account, units)| (*account, i128::from(*units)))
    }

    /// Every account that has anything, by rising account.
    pub(crate) fn standing(&self) -> impl Iterator<Item = StandingBalance> + '_ {
        // Wallet accounts are the first kind; the others are few. What a scheme owes may be held before it is posted to.
        let promised = self.held.keys().filter(|account| account.kind != AccountKind::Wallet);
        let mut others: BTreeMap<AccountId, i64> = promised.map(|account| (*account, 0)).collect();
        others.extend(self.balances.iter().map(|(account, units)| (*account, *units)));
        let balances = self.wallets.in_order().chain(others).map(|(account, posted)| StandingBalance {
            account,
            posted: posted.into(),
            held: self.held_units(account),
        });
        balances.filter(|balance| balance.posted != 0 || balance.held != 0)
    }

    /// Whether an account was opened, or has had anything.
    pub(crate) fn is_open(&self, account: AccountId) -> bool {
        self.get(account).is_some()
    }

    /// Takes in what an account has; whether it can have that.
    pub(crate) fn stand(&mut self, balance: StandingBalance) -> bool {
        let StandingBalance { account, posted, held } = balance;
        let is_there = account.kind != AccountKind::Wallet || self.is_open(account);
        let is_above_floor = posted >= held || account.kind.may_be_negative();
        let holds_rightly = held == 0 || (held > 0 && may_be_held(account.kind));
        if !is_there || !is_above_floor || !holds_rightly || posted.abs() > BALANCE_MINOR_UNITS_MAX {
            return false;
        }
        *self.balance_mut(account) = kept(posted);
        if held != 0 {
            self.held.insert(account, kept(held));
        }
        true
    }

    fn held_units(&self, account: AccountId) -> i128 {
        // Most ledgers hold nothing, or little.
        if may_be_held(account.kind) { self.held.get(&account).copied().map_or(0, i128::from) } else { 0 }
    }

    fn units(&self, account: AccountId) -> i128 {
        self.get(account).map_or(0, i128::from)
    }

    fn get(&self, account: AccountId) -> Option<i64> {
        if account.kind == AccountKind::Wallet
            && let Some(units) = self.wallets.get(account)
        {
            return Some(units);
        }
        self.balances.get(&account).copied()
    }

    fn balance_mut(&mut self, account: AccountId) -> &mut i64 {
        if account.kind == AccountKind::Wallet
            && let Some(units) = self.wallets.get_mut(account)
        {
            return units;
        }
        self.balances.entry(account).or_insert(0)
    }
}

/// Whether something may be held of an account of this kind.
fn may_be_held(kind: AccountKind) -> bool {
    matches!(kind, AccountKind::Wallet | AccountKind::SchemeReceivable)
}

/// As many minor units as an account can have, or a posting can move.
fn kept(units: i128) -> i64 {
    i64::try_from(units).expect("what an account can have fits 64 bits")
}

/// More or less is held on a wallet account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HoldChange {
    pub(crate) account: AccountId,
    /// Minor units; negative where some is released.
    pub(crate) units: i128,
}

/// The accounts some postings touch, each once, with the balance before and the balance the postings lead to.
struct Touched {
    rows: [Option<(AccountId, i128, i128)>; ACCOUNTS_TOUCHED_MAX],
}

impl Touched {
    fn new(ledger: &Ledger, postings: &[Posting]) -> Self {
        assert!(postings.len() <= POSTINGS_MAX, "an event has at most {POSTINGS_MAX} postings");
        let mut touched = Self { rows: [None; ACCOUNTS_TOUCHED_MAX] };
        for posting in postings {
            let units = posting.amount().minor_units();
            touched.change(ledger, posting.debit(), -units);
            touched.change(ledger, posting.credit(), units);
        }
        touched
    }

    fn change(&mut self, ledger: &Ledger, account: AccountId, units: i128) {
        for row in &mut self.rows {
            match row {
                Some((known, _, after)) if *known == account => {
                    *after += units;
                    return;
                }
                Some(_) => {}
                None => {
                    let before = ledger.units(account);
                    *row = Some((account, before, before + units));
                    return;
                }
            }
        }
        unreachable!("there is a row for every account that {POSTINGS_MAX} postings can touch");
    }

    fn balances(&self) -> impl Iterator<Item = (AccountId, i128, i128)> {
        self.rows.iter().map_while(|row| *row)
    }
}

#[cfg(test)]
mod tests;
