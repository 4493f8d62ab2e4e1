//! What readers see.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use dashmap::DashMap;
use domain::{AccountId, Lsn, PaymentId, Record};
use tokio::sync::watch;

use crate::{AccountSummary, Page, TrialLine, accounts::Accounts, trial_balance::TrialBalance};

/// Payments, accounts and balances as of [`applied_lsn`](Self::applied_lsn) or a little later.
///
/// Shared by all readers; written by the [`Projector`](crate::Projector) that made it and by nobody else. One call sees
/// one board; two calls may see two positions of the log, never an earlier one second.
#[derive(Debug)]
pub struct Boards {
    pub(crate) applied: watch::Sender<Lsn>,
    pub(crate) payments: DashMap<PaymentId, Arc<Record>>,
    pub(crate) accounts: Accounts,
    pub(crate) trial_balance: Mutex<TrialBalance>,
    pub(crate) payments_captured: AtomicU64,
    pub(crate) payments_declined: AtomicU64,
}

impl Boards {
    pub(crate) fn new() -> Self {
        Self {
            applied: watch::Sender::new(Lsn::ZERO),
            payments: DashMap::new(),
            accounts: Accounts::default(),
            trial_balance: Mutex::default(),
            payments_captured: AtomicU64::new(0),
            payments_declined: AtomicU64::new(0),
        }
    }

    /// The position up to which every board has seen the log.
    #[must_use]
    pub fn applied_lsn(&self) -> Lsn {
        *self.applied.borrow()
    }

    /// Waits until every board has seen the log up to `lsn`; at once when it has. Cancel safe.
    ///
    /// Does not end when the projector has stopped before `lsn`: the caller bounds its wait by its own deadline.
    pub async fn wait_for(&self, lsn: Lsn) {
        let applied = self.applied.subscribe().wait_for(|applied| *applied >= lsn).await.map(|applied| *applied);
        applied.expect("the sender lives as long as the boards");
    }

    /// The record that decided this payment.
    #[must_use]
    pub fn payment(&self, payment: PaymentId) -> Option<Arc<Record>> {
        self.payments.get(&payment).map(|record| Arc::clone(&record))
    }

    /// An account of a wallet holder or a merchant. House accounts are lines of the trial balance.
    #[must_use]
    pub fn account(&self, account: AccountId) -> Option<AccountSummary> {
        self.accounts.summary(account)
    }

    /// At most `limit` postings of an account, oldest first, from the one with this index, counted from 0. Indexes
    /// never change, so a next page stays where it is while postings arrive. Empty when there is no such account.
    #[must_use]
    pub fn postings(&self, account: AccountId, from_index: usize, limit: usize) -> Page {
        self.accounts.page(account, from_index, limit)
    }

    /// Balances by kind of account and currency, in that order. Each currency sums to zero at every moment; see
    /// [`first_imbalance`](crate::first_imbalance).
    #[must_use]
    pub fn trial_balance(&self) -> Vec<TrialLine> {
        self.trial_balance.lock().expect("no holder of the trial balance panics").lines()
    }

    /// Payments captured since the ledger began.
    #[must_use]
    pub fn payments_captured(&self) -> u64 {
        self.payments_captured.load(Ordering::Relaxed)
    }

    /// Payments declined since the ledger began.
    #[must_use]
    pub fn payments_declined(&self) -> u64 {
        self.payments_declined.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
