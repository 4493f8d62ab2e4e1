//! Accounts of wallet holders and merchants, with their postings.

use std::sync::Arc;

use dashmap::DashMap;
use domain::{AccountId, Command, Event, Lsn, PaymentId, Posting, Record, Timestamp};
use money::Money;

use crate::trial_balance::{add, subtract};

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// In use.
    Open,
    /// Closed for ever.
    Closed,
}

/// An account without its postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountSummary {
    /// Whether it can be used.
    pub state: AccountState,
    /// When it came into being; for a merchant's account, when the merchant was registered.
    pub opened_at: Timestamp,
    /// Credits less debits, all that was posted.
    pub posted_balance: Money,
}

/// Consecutive postings of one account, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The postings.
    pub rows: Vec<PostingRow>,
    /// Where the next page begins; `None` when this one reaches the end.
    pub next: Option<usize>,
}

/// One posting as seen from one of its two accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostingRow {
    /// From where to where, and how much.
    pub posting: Posting,
    /// The account's balance right after.
    pub posted_balance: Money,
    /// The payment it belongs to; `None` for deposits and withdrawals.
    pub payment_id: Option<PaymentId>,
    /// When it was posted.
    pub at: Timestamp,
    /// The record that posted it.
    pub lsn: Lsn,
}

/// Every account that was opened or came with a merchant. House accounts are not here: each is a line of the trial
/// balance, and the posting list of a position would be as long as the ledger.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    views: DashMap<AccountId, View>,
}

#[derive(Debug)]
struct View {
    summary: AccountSummary,
    postings: Vec<PostingView>,
}

/// A posting by reference: the record is shared with all who show it.
#[derive(Debug)]
struct PostingView {
    record: Arc<Record>,
    // Invariant: there is a posting of this index in the record.
    index: usize,
    posted_balance: Money,
}

impl Accounts {
    pub(crate) fn open(&self, account: AccountId, opened_at: Timestamp) {
        let posted_balance = Money::zero(account.currency);
        let summary = AccountSummary { state: AccountState::Open, opened_at, posted_balance };
        let before = self.views.insert(account, View { summary, postings: Vec::new() });
        assert!(before.is_none(), "an account is opened once: {account:?}");
    }

    pub(crate) fn close(&self, account: AccountId) {
        let mut view = self.views.get_mut(&account).expect("an account is opened before it is closed");
        assert!(view.summary.posted_balance.is_zero(), "an account is closed empty: {account:?}");
        view.summary.state = AccountState::Closed;
    }

    /// Enters a posting, the one of this index in its record, in both its accounts, as far as they are listed here.
    pub(crate) fn post(&self, record: &Arc<Record>, index: usize, posting: &Posting) {
        // One guard at a time: two guards of one map deadlock when both keys share an internal shard.
        if has_postings_listed(posting.debit()) {
            self.enter(posting.debit(), record, index, |balance| subtract(balance, posting.amount()));
        }
        if has_postings_listed(posting.credit()) {
            self.enter(posting.credit(), record, index, |balance| add(balance, posting.amount()));
        }
    }

    pub(crate) fn summary(&self, account: AccountId) -> Option<AccountSummary> {
        self.views.get(&account).map(|view| view.summary)
    }

    pub(crate) fn page(&self, account: AccountId, from_index: usize, limit: usize) -> Page {
        self.views.get(&account).map(|view| view.page(from_index, limit)).unwrap_or_default()
    }

    fn enter(&self, account: AccountId, record: &Arc<Record>, index: usize, change: impl FnOnce(Money) -> Money) {
        let mut view = self.views.get_mut(&account).expect("an account is opened before it is posted to");
        let posted_balance = change(view.summary.posted_balance);
        assert!(!posted_balance.is_negative(), "what the switch owes is never negative: {account:?}");
        view.summary.posted_balance = posted_balance;
        view.postings.push(PostingView { record: Arc::clone(record), index, posted_balance });
    }
}

impl View {
    fn page(&self, from_index: usize, limit: usize) -> Page {
        let end = from_index.saturating_add(limit).min(self.postings.len());
        let rows = self.postings.get(from_index..end).unwrap_or_default().iter().map(PostingView::row).collect();
        Page { rows, next: (end < self.postings.len()).then_some(end) }
    }
}

impl PostingView {
    fn row(&self) -> PostingRow {
        PostingRow {
            posting: postings_of(&self.record)[self.index],
            posted_balance: self.posted_balance,
            payment_id: payment_id_of(&self.record),
            at: self.record.at,
            lsn: self.record.lsn,
        }
    }
}

/// The postings of a record, in order.
pub(crate) fn postings_of(record: &Record) -> &[Posting] {
    match &record.event {
        Event::FundsMoved { posting, .. } => std::slice::from_ref(posting),
        Event::PaymentCaptured(captured) => &captured.postings,
        Event::SwitchInitialized
        | Event::PolicyInstalled
        | Event::WalletRegistered(_)
        | Event::MerchantRegistered(_)
        | Event::RatesPublished
        | Event::AccountOpened(_)
        | Event::AccountClosed
        | Event::Declined(_) => &[],
    }
}

fn payment_id_of(record: &Record) -> Option<PaymentId> {
    let Command::AuthorizePayment(command) = &record.command else { return None };
    Some(command.payment_id)
}

fn has_postings_listed(account: AccountId) -> bool {
    use domain::AccountKind::{FeeIncome, FxMarkup, FxPosition, MerchantPayable, Nostro, Wallet};
    match account.kind {
        Wallet | MerchantPayable => true,
        FxPosition | FxMarkup | FeeIncome | Nostro => false,
    }
}
