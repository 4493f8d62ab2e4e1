//! The fold.

use std::{
    mem, slice,
    sync::{Arc, MutexGuard, atomic::Ordering},
};

use domain::{
    AccountId, AccountKind, AuthorizationIncreased, AuthorizePayment, ChainMark, Command, Event, Evidence, Lsn,
    MoveFunds, PaymentAmount, PaymentAuthorized, PaymentCaptured, PaymentId, PaymentTotals, Record,
};
use metrics::Gauge;
use money::{Currency, Money};

use crate::{
    AccountState, Boards, WATCH_RETAINED_RECORDS,
    accounts::{Change, has_postings_listed},
    metric_names,
    payments::{Moved, StepIndex, authorize_of, totals_in},
    trial_balance::{TrialBalance, subtract},
    watch::Concerned,
};

/// The one writer of its [`Boards`].
///
/// It relies on nothing but the records: a record that contradicts those before it stops the process, because then
/// either the journal or the fold cannot be trusted with money.
#[derive(Debug)]
pub struct Projector {
    boards: Arc<Boards>,
    applied: Lsn,
    applied_gauge: Gauge,
    /// What the record at hand does to accounts, and which payments it concerns: kept for their memory.
    changes: Vec<(AccountId, Change)>,
    concerned: Vec<Concerned>,
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
        Self::with_watch_retained(WATCH_RETAINED_RECORDS)
    }

    /// As [`new`](Self::new), with so many records about payments kept for those who watch.
    #[must_use]
    pub fn with_watch_retained(records: usize) -> Self {
        Self {
            boards: Arc::new(Boards::new(records)),
            applied: Lsn::ZERO,
            applied_gauge: metric_names::applied_lsn(),
            changes: Vec::new(),
            concerned: Vec::new(),
        }
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

    /// Notes the journal's chain digest after a durable batch. It may come before the batch's records, so that whoever
    /// sees a record finds its digest.
    ///
    /// # Panics
    /// When the batch does not end after the one before.
    pub fn chained(&mut self, mark: ChainMark) {
        self.boards.chain.push(mark);
    }

    fn fold(&mut self, record: &Arc<Record>) {
        self.open_accounts(record);
        self.fold_payments(record);
        self.post(record);
        self.fold_account_state(record);
        match (&record.command, &record.event) {
            (Command::Deposit(command) | Command::Withdraw(command), Event::FundsMoved { posted_balance, .. }) => {
                self.assert_balance(command, *posted_balance);
            }
            (Command::PublishRates(command), Event::RatesPublished(_)) => self.boards.rates.publish(record, command),
            // Names, rules, consents and declined movements are not read from the boards.
            _ => {}
        }
        above_soft_limit(&record.event).iter().copied().for_each(metric_names::count_above_soft_limit);
        // After all that a watcher may look up.
        self.boards.watch.push(record, &self.concerned);
    }

    fn open_accounts(&self, record: &Record) {
        match (&record.command, &record.event) {
            (Command::OpenAccount(_), Event::AccountOpened(account)) => self.open(*account, record),
            (Command::RegisterMerchant(command), Event::MerchantRegistered(merchant)) => {
                self.open(AccountId::merchant_payable(*merchant, command.settlement_currency), record);
            }
            // No record of its own opens a reserve: the first money in it does.
            (_, Event::ReserveFunded(posting)) if !self.boards.accounts.is_open(posting.credit()) => {
                assert_eq!(posting.credit().kind, AccountKind::MerchantReserve, "what is funded is a reserve");
                self.open(posting.credit(), record);
            }
            _ => {}
        }
    }

    fn fold_account_state(&self, record: &Record) {
        let accounts = &self.boards.accounts;
        match (&record.command, &record.event) {
            (Command::CloseAccount(command), Event::AccountClosed) => accounts.close(known(&command.account)),
            (Command::FreezeAccount(command), Event::AccountFrozen) => {
                accounts.turn(known(&command.account), AccountState::Open, AccountState::Frozen);
            }
            (Command::UnfreezeAccount(command), Event::AccountUnfrozen) => {
                accounts.turn(known(&command.account), AccountState::Frozen, AccountState::Open);
            }
            _ => {}
        }
    }

    /// Enters what the record did to payments, and notes whom it concerns and what it holds or releases.
    fn fold_payments(&mut self, record: &Arc<Record>) {
        self.concerned.clear();
        match (&record.command, &record.event) {
            (Command::AuthorizePayment(command), _) => self.decided(command, record),
            (_, Event::HoldsExpired(expired)) => {
                for hold in expired {
                    self.went_on(hold.payment_id, record);
                }
            }
            (_, Event::RefundsPriced(priced)) => {
                for refund in priced {
                    let step = self.boards.payments.price_refund(refund.payment_id, refund.refund_id, record);
                    self.concern(refund.payment_id, step);
                }
            }
            (command, event) => {
                let Some(payment) = command.payment_id() else { return };
                if event.decline().is_some() {
                    let step = self.boards.payments.refuse_change(payment, record);
                    self.concern(payment, step);
                } else {
                    self.went_on(payment, record);
                }
            }
        }
    }

    fn decided(&mut self, command: &AuthorizePayment, record: &Arc<Record>) {
        self.boards.payments.decide(command, record);
        self.concerned.push(Concerned {
            payment_id: command.payment_id,
            merchant: command.merchant,
            step: StepIndex::DECISION,
        });
        let Some(after) = totals_in(record, command.payment_id) else {
            assert!(record.event.decline().is_some(), "only a declined payment has no totals");
            self.boards.payments_declined.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.count(None, &after);
        self.hold(known(&command.payer), after.held);
    }

    fn went_on(&mut self, payment: PaymentId, record: &Arc<Record>) {
        let Moved { step, before, decided } = self.boards.payments.go_on(payment, record);
        let after = totals_in(record, payment).expect("a record that changes a payment tells its totals");
        self.concern(payment, step);
        self.count(Some(&before), &after);
        self.hold(known(&authorize_of(&decided).payer), subtract(after.held, before.held));
    }

    fn concern(&mut self, payment_id: PaymentId, step: StepIndex) {
        let decided = self.boards.payments.decided(payment_id).expect("a payment is decided before it goes on");
        self.concerned.push(Concerned { payment_id, merchant: authorize_of(&decided).merchant, step });
    }

    fn count(&self, before: Option<&PaymentTotals>, after: &PaymentTotals) {
        assert_in_order(after);
        let Boards { payments_captured, payments_held, .. } = &*self.boards;
        let has_captured = |totals: &PaymentTotals| totals.captured.presentment.is_positive();
        if has_captured(after) && !before.is_some_and(has_captured) {
            payments_captured.fetch_add(1, Ordering::Relaxed);
        }
        match (before.is_some_and(|before| before.state.is_held()), after.state.is_held()) {
            (false, true) => payments_held.fetch_add(1, Ordering::Relaxed),
            (true, false) => payments_held.fetch_sub(1, Ordering::Relaxed),
            (false, false) | (true, true) => 0,
        };
    }

    fn hold(&mut self, payer: AccountId, more: Money) {
        if !more.is_zero() {
            self.changes.push((payer, Change::Held(more)));
        }
    }

    /// Enters the record's postings and holds in the accounts listed, each account once, and in the trial balance.
    fn post(&mut self, record: &Arc<Record>) {
        let mut changes = mem::take(&mut self.changes);
        for (index, (_, posting)) in record.postings().enumerate() {
            for account in [posting.debit(), posting.credit()] {
                if has_postings_listed(account) {
                    changes.push((account, Change::Posted(index, *posting)));
                }
            }
        }
        // Stable: the postings of an account stay in order.
        changes.sort_by_key(|(account, _)| *account);
        for of_account in changes.chunk_by(|(left, _), (right, _)| left == right) {
            if let [(account, _), ..] = of_account {
                self.boards.accounts.change(*account, record, of_account.iter().map(|(_, change)| *change));
            }
        }
        changes.clear();
        self.changes = changes;
        // All postings of a record under one lock: a reader never sees half a payment.
        let mut trial_balance = self.trial_balance();
        for (_, posting) in record.postings() {
            trial_balance.post(posting);
        }
    }

    fn open(&self, account: AccountId, record: &Record) {
        self.boards.accounts.open(account, record.at);
        self.trial_balance().count(account);
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

/// The currencies whose open position a payment left above its soft limit.
fn above_soft_limit(event: &Event) -> &[Currency] {
    if let Event::PaymentCaptured(PaymentCaptured { above_soft_limit, .. })
    | Event::PaymentAuthorized(PaymentAuthorized { above_soft_limit, .. })
    | Event::AuthorizationIncreased(AuthorizationIncreased { above_soft_limit, .. }) = event
    {
        return above_soft_limit;
    }
    &[]
}

fn assert_in_order(totals: &PaymentTotals) {
    let PaymentTotals { authorized, captured, refunded, .. } = totals;
    let in_order = |of: fn(&PaymentAmount) -> Money| {
        let [authorized, captured, refunded] = [authorized, captured, refunded].map(|amount| of(amount).minor_units());
        authorized >= captured && captured >= refunded && refunded >= 0
    };
    let all = in_order(|amount| amount.presentment) && in_order(|amount| amount.debit);
    assert!(all && in_order(|amount| amount.settlement), "authorized is at least captured, captured at least refunded");
}

fn known(account: &Evidence<AccountId>) -> AccountId {
    match account {
        Evidence::Present(account) => *account,
        Evidence::Unavailable(_) => panic!("a command is recorded only with its account known"),
    }
}

#[cfg(test)]
mod tests;
