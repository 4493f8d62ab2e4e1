//! The fold.

use std::{
    slice,
    sync::{Arc, MutexGuard, atomic::Ordering},
};

use domain::{AccountId, AuthorizePayment, Command, Event, Evidence, Lsn, MoveFunds, Posting, Record};
use metrics::Gauge;
use money::Money;

use crate::{Boards, accounts::postings_of, metric_names, trial_balance::TrialBalance};

/// The one writer of its [`Boards`].
///
/// It relies on nothing but the records: a record that contradicts those before it stops the process, because then
/// either the journal or the fold cannot be trusted with money.
#[derive(Debug)]
pub struct Projector {
    boards: Arc<Boards>,
    applied: Lsn,
    applied_gauge: Gauge,
}

impl Default for Projector {
    fn default() -> Self {
        Self::new()
    }
}

impl Projector {
    /// A projector at [`Lsn::ZERO`] with empty boards. The process installs its metrics recorder before.
    #[must_use]
    pub fn new() -> Self {
        Self { boards: Arc::new(Boards::new()), applied: Lsn::ZERO, applied_gauge: metric_names::applied_lsn() }
    }

    /// What it writes, for readers to share.
    #[must_use]
    pub fn boards(&self) -> Arc<Boards> {
        Arc::clone(&self.boards)
    }

    /// Folds the next durable record and lets readers see it.
    ///
    /// # Panics
    /// When the record is not the next one, or contradicts an earlier one.
    pub fn apply(&mut self, record: &Arc<Record>) {
        self.apply_batch(slice::from_ref(record));
    }

    /// Folds the next durable records; those who wait are woken once for all of them.
    ///
    /// # Panics
    /// As [`apply`](Self::apply).
    pub fn apply_batch(&mut self, records: &[Arc<Record>]) {
        for record in records {
            assert_eq!(record.lsn, self.applied.next(), "records are applied in lsn order without gaps");
            self.fold(record);
            self.applied = record.lsn;
        }
        self.applied_gauge.set(self.applied.get() as f64);
        // Last: whoever sees the position sees all that was folded before it.
        self.boards.applied.send_replace(self.applied);
    }

    fn fold(&self, record: &Arc<Record>) {
        self.post(record, postings_of(record));
        match (&record.command, &record.event) {
            (Command::OpenAccount(_), Event::AccountOpened(account)) => self.open(*account, record),
            (Command::RegisterMerchant(command), Event::MerchantRegistered(merchant)) => {
                self.open(AccountId::merchant_payable(*merchant, command.settlement_currency), record);
            }
            (Command::CloseAccount(command), Event::AccountClosed) => {
                self.boards.accounts.close(known(&command.account));
            }
            (Command::Deposit(command) | Command::Withdraw(command), Event::FundsMoved { posted_balance, .. }) => {
                self.assert_balance(command, *posted_balance);
            }
            (Command::AuthorizePayment(command), Event::PaymentCaptured(_)) => {
                self.boards.payments_captured.fetch_add(1, Ordering::Relaxed);
                self.decided(command, record);
            }
            (Command::AuthorizePayment(command), Event::Declined(_)) => {
                self.boards.payments_declined.fetch_add(1, Ordering::Relaxed);
                self.decided(command, record);
            }
            // Names, rates, rules and declined movements are not read from the boards.
            _ => {}
        }
    }

    fn open(&self, account: AccountId, record: &Record) {
        self.boards.accounts.open(account, record.at);
        self.trial_balance().count(account);
    }

    fn post(&self, record: &Arc<Record>, postings: &[Posting]) {
        for (index, posting) in postings.iter().enumerate() {
            self.boards.accounts.post(record, index, posting);
        }
        // All postings of a record under one lock: a reader never sees half a payment.
        let mut trial_balance = self.trial_balance();
        for posting in postings {
            trial_balance.post(posting);
        }
    }

    fn decided(&self, command: &AuthorizePayment, record: &Arc<Record>) {
        let before = self.boards.payments.insert(command.payment_id, Arc::clone(record));
        assert!(before.is_none(), "a payment is decided once: {}", command.payment_id);
    }

    /// The engine wrote the balance it had: two folds of one journal agree, or one of them is wrong.
    fn assert_balance(&self, command: &MoveFunds, posted_balance: Money) {
        let ours = self.boards.accounts.summary(known(&command.account)).map(|summary| summary.posted_balance);
        assert_eq!(ours, Some(posted_balance), "the recorded balance is the sum of the postings before it");
    }

    fn trial_balance(&self) -> MutexGuard<'_, TrialBalance> {
        self.boards.trial_balance.lock().expect("no holder of the trial balance panics")
    }
}

fn known(account: &Evidence<AccountId>) -> AccountId {
    match account {
        Evidence::Present(account) => *account,
        Evidence::Unavailable(_) => panic!("a command is recorded only with its account known"),
    }
}

#[cfg(test)]
mod tests;
