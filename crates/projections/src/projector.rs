//! The fold.

use std::{
    mem, slice,
    sync::{Arc, MutexGuard},
};

use domain::{
    AccountId, AccountKind, AuthorizationIncreased, AuthorizePayment, ChainMark, Command, Event, Evidence, Lsn,
    MoveFunds, PaymentAmount, PaymentAuthorized, PaymentCaptured, PaymentId, PaymentPending, PaymentState,
    PaymentTotals, Record,
};
use index::{Counts, Index, concerned};
use metrics::Gauge;
use money::{Currency, Money};

use crate::{
    AccountState, Boards, IndexError, WATCH_RETAINED_RECORDS,
    accounts::{Change, has_postings_listed},
    index_writer::IndexWriter,
    metric_names,
    payments::{Moved, authorize_of, totals_in},
    trial_balance::{TrialBalance, subtract},
};

/// The one writer of its [`Boards`].
///
/// It relies on nothing but the records: a record that contradicts those before it stops the process, because then
/// either the journal or the fold cannot be trusted with money.
#[derive(Debug)]
pub struct Projector {
    boards: Arc<Boards>,
    /// Where its index stood when it began.
    start: Lsn,
    applied: Lsn,
    applied_gauge: Gauge,
    writer: Option<IndexWriter>,
    /// What the record at hand does to accounts: kept for its memory.
    changes: Vec<(AccountId, Change)>,
}

impl Default for Projector {
    fn default() -> Self {
        Self::new()
    }
}

impl Projector {
    /// A projector at [`Lsn::ZERO`] with empty boards, which keeps everything in memory. The process installs its metrics
    /// recorder before.
    #[must_use]
    pub fn new() -> Self {
        Self::with_watch_retained(WATCH_RETAINED_RECORDS)
    }

    /// As [`new`](Self::new), with so many records about payments kept for those who watch.
    #[must_use]
    pub fn with_watch_retained(records: usize) -> Self {
        Self::from(Boards::new(records), Lsn::ZERO, None)
    }

    /// A projector that stands where this index does, and is its one writer. In memory it keeps the last `hot_records`
    /// records with what they touched, accounts and pairs as they stand, and the last `watch_records` records about
    /// payments for those who watch. Everything else is read from the index.
    ///
    /// What was watched before it began is kept as far as it is among the last `watch_records` records of any kind.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn with_index(index: Index, hot_records: usize, watch_records: usize) -> Result<Self, IndexError> {
        let start = index.applied()?.map_or(Lsn::ZERO, |mark| mark.lsn);
        let boards = Boards::load(&index, start, watch_records)?;
        for (currency, payments) in &boards.counts().above_soft_limit {
            metric_names::count_above_soft_limit(*currency, *payments);
        }
        Ok(Self::from(boards, start, Some(IndexWriter::new(index, start, hot_records))))
    }

    fn from(boards: Boards, start: Lsn, writer: Option<IndexWriter>) -> Self {
        let applied_gauge = metric_names::applied_lsn();
        Self { boards: Arc::new(boards), start, applied: start, applied_gauge, writer, changes: Vec::new() }
    }

    /// What it writes, for readers to share.
    #[must_use]
    pub fn boards(&self) -> Arc<Boards> {
        Arc::clone(&self.boards)
    }

    /// The last record it has folded, or the position at which its index stood when it began.
    #[must_use]
    pub const fn applied(&self) -> Lsn {
        self.applied
    }

    /// Folds the next durable record and lets readers see it.
    ///
    /// # Errors
    /// As [`apply_batch`](Self::apply_batch).
    ///
    /// # Panics
    /// When the record is not the next one, or contradicts an earlier one.
    pub fn apply(&mut self, record: &Arc<Record>) -> Result<(), IndexError> {
        self.apply_batch(slice::from_ref(record))
    }

    /// Folds the next durable records; those who wait are woken once for all of them. Records up to where its index stood
    /// when it began are passed over, so that a journal may be read again from an earlier place.
    ///
    /// What follows from them goes to the index once it is worth a write; [`settle`](Self::settle) does not wait for more.
    /// An index that does not take it is no error: everything stays in memory, the metric
    /// `payswitch_index_write_failures_total` counts, and the next call tries again.
    ///
    /// # Errors
    /// When what a record changes is in the index only, and cannot be read. The records before it were folded, and it was
    /// not. Never without an index.
    ///
    /// # Panics
    /// As [`apply`](Self::apply).
    pub fn apply_batch(&mut self, records: &[Arc<Record>]) -> Result<(), IndexError> {
        let folded = records.iter().try_for_each(|record| self.fold_next(record));
        self.applied_gauge.set(self.applied.get() as f64);
        // Whoever sees the position sees all that was folded before it.
        self.boards.applied.send_replace(self.applied);
        // Last: nobody waits for the index.
        if let Some(writer) = &mut self.writer {
            writer.write(&self.boards);
        }
        folded
    }

    /// Writes what waits for the index, if a batch of the journal that was [`chained`](Self::chained) ends with the last record.
    pub fn settle(&mut self) {
        if let Some(writer) = &mut self.writer {
            writer.close(self.applied, &self.boards);
            writer.write(&self.boards);
        }
    }

    /// Notes the journal's chain digest after a durable batch. It may come before the batch's records, so that whoever
    /// sees a record finds its digest. Batches up to where its index stood when it began are passed over.
    ///
    /// # Panics
    /// When the batch does not end after the one before.
    pub fn chained(&mut self, mark: ChainMark) {
        if mark.lsn <= self.start {
            return;
        }
        self.boards.chain.push(mark);
        if let Some(writer) = &mut self.writer {
            writer.chained(mark);
        }
    }

    fn fold_next(&mut self, record: &Arc<Record>) -> Result<(), IndexError> {
        if record.lsn <= self.start {
            return Ok(());
        }
        assert_eq!(record.lsn, self.applied.next(), "records are applied in lsn order without gaps");
        self.boards.payments.recall(record)?;
        self.fold(record);
        self.applied = record.lsn;
        if let Some(writer) = &mut self.writer {
            writer.folded(record, &self.boards);
        }
        Ok(())
    }

    fn fold(&mut self, record: &Arc<Record>) {
        self.open_accounts(record);
        record.parts().for_each(|part| self.fold_payments(&part, record));
        self.post(record);
        self.fold_account_state(record);
        match (&record.command, &record.event) {
            (Command::Deposit(command) | Command::Withdraw(command), Event::FundsMoved { posted_balance, .. }) => {
                self.assert_balance(command, *posted_balance);
            }
            (Command::PublishRates(command), Event::RatesPublished(_)) => {
                let batch = self.writer.as_mut().map(|writer| writer.rows().0);
                self.boards.rates.publish(record, command, batch);
            }
            // Names, rules, consents and declined movements are not read from the boards.
            _ => {}
        }
        // After all that a watcher may look up.
        let merchant = |payment| self.boards.payments.merchant(payment);
        let concerned = crate::watch::concerned_by(record, merchant);
        self.boards.watch.push(record, concerned.expect("what a record concerns is in memory"));
    }

    fn open_accounts(&mut self, record: &Record) {
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

    fn fold_account_state(&mut self, record: &Record) {
        let accounts = &self.boards.accounts;
        let account = match (&record.command, &record.event) {
            (Command::CloseAccount(command), Event::AccountClosed) => {
                let account = known(&command.account);
                accounts.close(account);
                account
            }
            (Command::FreezeAccount(command), Event::AccountFrozen) => {
                let account = known(&command.account);
                accounts.turn(account, AccountState::Open, AccountState::Frozen);
                account
            }
            (Command::UnfreezeAccount(command), Event::AccountUnfrozen) => {
                let account = known(&command.account);
                accounts.turn(account, AccountState::Frozen, AccountState::Open);
                account
            }
            _ => return,
        };
        self.touch(account);
    }

    /// Enters what the record did to payments, or a part of that one.
    fn fold_payments(&mut self, record: &Arc<Record>, whole: &Arc<Record>) {
        self.boards.payments.enter_key(record);
        self.count(|counts| {
            for currency in above_soft_limit(&record.event) {
                metric_names::count_above_soft_limit(*currency, 1);
                *counts.above_soft_limit.entry(*currency).or_default() += 1;
            }
        });
        match (&record.command, &record.event) {
            (Command::AuthorizePayment(command), _) => self.decided(command, record, whole),
            (_, Event::HoldsExpired(expired)) => {
                for hold in expired {
                    self.went_on(hold.payment_id, record);
                }
            }
            (_, Event::RefundsPriced(_)) => {
                concerned(record).for_each(|payment| self.boards.payments.price_refunds(payment, record));
            }
            (command, event) => {
                let Some(payment) = command.payment_id() else { return };
                if event.decline().is_some() {
                    self.boards.payments.refuse_change(payment, record);
                } else {
                    self.went_on(payment, record);
                }
            }
        }
    }

    fn decided(&mut self, command: &AuthorizePayment, record: &Arc<Record>, whole: &Arc<Record>) {
        let batch = self.writer.as_mut().map(|writer| writer.rows().0);
        self.boards.payments.decide(command, (record, whole), batch);
        let Some(after) = totals_in(record, command.payment_id) else {
            assert!(record.event.decline().is_some(), "only a declined payment has no totals");
            self.count(|counts| counts.payments_declined += 1);
            return;
        };
        self.count_payment(None, &after);
        self.hold(known(&command.payer), after.held);
    }

    fn went_on(&mut self, payment: PaymentId, record: &Arc<Record>) {
        let batch = self.writer.as_mut().map(|writer| writer.rows().0);
        let Moved { before, decided } = self.boards.payments.go_on(payment, record, batch);
        let after = totals_in(record, payment).expect("a record that changes a payment tells its totals");
        self.count_payment(Some(&before), &after);
        self.hold(known(&authorize_of(&decided).payer), subtract(after.held, before.held));
    }

    fn count_payment(&self, before: Option<&PaymentTotals>, after: &PaymentTotals) {
        assert_in_order(after);
        let has_captured = |totals: &PaymentTotals| totals.captured.presentment.is_positive();
        self.count(|counts| {
            if after.state == PaymentState::Declined {
                counts.payments_declined += 1;
            }
            if has_captured(after) && !before.is_some_and(has_captured) {
                counts.payments_captured += 1;
            }
            match (before.is_some_and(|before| before.state.is_held()), after.state.is_held()) {
                (false, true) => counts.payments_held += 1,
                (true, false) => counts.payments_held -= 1,
                (false, false) | (true, true) => {}
            }
        });
    }

    fn hold(&mut self, payer: AccountId, more: Money) {
        // What an issuer promised is on no account that is listed.
        if !more.is_zero() && payer.kind == AccountKind::Wallet {
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
        let (mut batch, mut touched) = self.writer.as_mut().map(IndexWriter::rows).unzip();
        for of_account in changes.chunk_by(|(left, _), (right, _)| left == right) {
            if let [(account, _), ..] = of_account {
                let of_account = of_account.iter().map(|(_, change)| *change);
                self.boards.accounts.change(*account, record, of_account, batch.as_deref_mut());
                if let Some(touched) = &mut touched {
                    touched.insert(*account);
                }
            }
        }
        changes.clear();
        self.changes = changes;
        // All postings of a record under one lock: a reader never sees half a payment.
        let mut trial_balance = self.trial_balance();
        record.postings().for_each(|(_, posting)| trial_balance.post(posting));
    }

    fn open(&mut self, account: AccountId, record: &Record) {
        self.boards.accounts.open(account, record.at);
        self.trial_balance().count(account);
        self.touch(account);
    }

    fn touch(&mut self, account: AccountId) {
        if let Some(writer) = &mut self.writer {
            writer.rows().1.insert(account);
        }
    }

    fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.boards.counts.lock().expect("no holder of the counts panics"));
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
    | Event::PaymentPending(PaymentPending { above_soft_limit, .. })
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
