//! Balances by kind of account and currency.

use std::collections::BTreeMap;

use domain::{AccountId, AccountKind, Posting};
use index::TrialLine;
use money::{Currency, Money};

/// The first currency whose lines do not sum to zero, with their sum; `None` says the books balance.
#[must_use]
pub fn first_imbalance(lines: &[TrialLine]) -> Option<Money> {
    let mut sums = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(line.currency).or_insert(Money::zero(line.currency));
        *sum = add(*sum, line.balance);
    }
    sums.into_values().find(|sum| !sum.is_zero())
}

/// The trial balance as it is kept. Ordered, so that two folds of one journal report alike.
#[derive(Debug, Default)]
pub(crate) struct TrialBalance {
    lines: BTreeMap<(AccountKind, Currency), Line>,
}

#[derive(Debug)]
struct Line {
    line: TrialLine,
    /// It changed since the changed ones were taken.
    is_changed: bool,
}

impl TrialBalance {
    /// As it stood with these lines.
    pub(crate) fn of(lines: Vec<TrialLine>) -> Self {
        let kept = |line: TrialLine| ((line.kind, line.currency), Line { line, is_changed: false });
        Self { lines: lines.into_iter().map(kept).collect() }
    }

    /// Counts an account that was opened.
    pub(crate) fn count(&mut self, account: AccountId) {
        self.line(account).accounts += 1;
    }

    /// Moves the amount of one posting.
    pub(crate) fn post(&mut self, posting: &Posting) {
        let debited = self.posted_line(posting.debit());
        debited.balance = subtract(debited.balance, posting.amount());
        let credited = self.posted_line(posting.credit());
        credited.balance = add(credited.balance, posting.amount());
    }

    /// By kind in the order reports use, then by currency.
    pub(crate) fn lines(&self) -> Vec<TrialLine> {
        self.lines.values().map(|kept| kept.line).collect()
    }

    /// The lines that changed since this was asked last.
    pub(crate) fn take_changed(&mut self) -> impl Iterator<Item = TrialLine> + '_ {
        let changed = self.lines.values_mut().filter(|kept| kept.is_changed);
        changed.map(|kept| {
            kept.is_changed = false;
            kept.line
        })
    }

    /// No record opens a house account, and there is one of each: the first posting brings it into being.
    fn posted_line(&mut self, account: AccountId) -> &mut TrialLine {
        let line = self.line(account);
        line.accounts = line.accounts.max(1);
        line
    }

    fn line(&mut self, account: AccountId) -> &mut TrialLine {
        let AccountId { kind, currency, .. } = account;
        let kept = self.lines.entry((kind, currency)).or_insert_with(|| {
            let line = TrialLine { kind, currency, accounts: 0, balance: Money::zero(currency) };
            Line { line, is_changed: true }
        });
        kept.is_changed = true;
        &mut kept.line
    }
}

pub(crate) fn add(left: Money, right: Money) -> Money {
    left.checked_add(right).expect("balances of one currency sum below 2^127 minor units")
}

pub(crate) fn subtract(left: Money, right: Money) -> Money {
    left.checked_sub(right).expect("balances of one currency sum below 2^127 minor units")
}

#[cfg(test)]
mod tests;
