//! Accounts of wallet holders and merchants, with their postings.

use std::sync::Arc;

use dashmap::DashMap;
use domain::{AccountId, AccountKind, Lsn, PaymentId, Posting, Record, Timestamp};
use money::Money;

use crate::trial_balance::{add, subtract};

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// In use.
    Open,
    /// Takes no new debits; holds in place are kept.
    Frozen,
    /// Closed for ever.
    Closed,
}

/// An account without its postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountSummary {
    /// Whether it can be used.
    pub state: AccountState,
    /// When it came into being; for a merchant's account, when the merchant was registered, for its reserve, when that was
    /// first funded.
    pub opened_at: Timestamp,
    /// Credits less debits, all that was posted. Never negative.
    pub posted_balance: Money,
    /// Reserved by holds, not yet moved. Never negative, and never more than what was posted.
    pub held_balance: Money,
}

impl AccountSummary {
    /// Posted less held: what can be spent.
    #[must_use]
    pub fn available_balance(&self) -> Money {
        subtract(self.posted_balance, self.held_balance)
    }
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
    /// The account's balance right after. Between two postings of one record a merchant's may be negative.
    pub posted_balance: Money,
    /// The payment it belongs to; `None` for what is no part of one, such as a deposit.
    pub payment_id: Option<PaymentId>,
    /// When it was posted.
    pub at: Timestamp,
    /// The record that posted it.
    pub lsn: Lsn,
}

/// What one record does to one account.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// The posting of this index in the record debits or credits it.
    Posted(usize, Posting),
    /// So much more is held on it; less when negative.
    Held(Money),
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
        let zero = Money::zero(account.currency);
        let summary = AccountSummary { state: AccountState::Open, opened_at, posted_balance: zero, held_balance: zero };
        let before = self.views.insert(account, View { summary, postings: Vec::new() });
        assert!(before.is_none(), "an account is opened once: {account:?}");
    }

    pub(crate) fn is_open(&self, account: AccountId) -> bool {
        self.views.contains_key(&account)
    }

    pub(crate) fn close(&self, account: AccountId) {
        let mut view = self.views.get_mut(&account).expect("an account is opened before it is closed");
        let AccountSummary { posted_balance, held_balance, .. } = view.summary;
        assert!(posted_balance.is_zero() && held_balance.is_zero(), "an account is closed empty: {account:?}");
        view.summary.state = AccountState::Closed;
    }

    /// Freezes an open account, or opens a frozen one.
    pub(crate) fn turn(&self, account: AccountId, from: AccountState, to: AccountState) {
        let mut view = self.views.get_mut(&account).expect("an account is opened before it is frozen");
        assert_eq!(view.summary.state, from, "only an open account is frozen, only a frozen one unfrozen: {account:?}");
        view.summary.state = to;
    }

    /// Enters all that a record does to one account, at once: a reader never sees a part of it.
    pub(crate) fn change(&self, account: AccountId, record: &Arc<Record>, changes: impl Iterator<Item = Change>) {
        let mut view = self.views.get_mut(&account).expect("an account is opened before it is posted to");
        for change in changes {
            view.enter(account, record, change);
        }
        let AccountSummary { posted_balance, held_balance, .. } = view.summary;
        assert!(!posted_balance.is_negative(), "what the switch owes is never negative: {account:?}");
        assert!(!held_balance.is_negative(), "no more is released than was held: {account:?}");
        let available = view.summary.available_balance();
        assert!(!available.is_negative(), "no more is held than was posted: {account:?}");
    }

    pub(crate) fn summary(&self, account: AccountId) -> Option<AccountSummary> {
        self.views.get(&account).map(|view| view.summary)
    }

    pub(crate) fn page(&self, account: AccountId, from_index: usize, limit: usize) -> Page {
        self.views.get(&account).map(|view| view.page(from_index, limit)).unwrap_or_default()
    }
}

impl View {
    fn enter(&mut self, account: AccountId, record: &Arc<Record>, change: Change) {
        let before = self.summary.posted_balance;
        match change {
            Change::Held(more) => self.summary.held_balance = add(self.summary.held_balance, more),
            Change::Posted(index, posting) => {
                let debited = posting.debit() == account;
                let after = if debited { subtract(before, posting.amount()) } else { add(before, posting.amount()) };
                self.summary.posted_balance = after;
                self.postings.push(PostingView { record: Arc::clone(record), index, posted_balance: after });
            }
        }
    }

    fn page(&self, from_index: usize, limit: usize) -> Page {
        let end = from_index.saturating_add(limit).min(self.postings.len());
        let rows = self.postings.get(from_index..end).unwrap_or_default().iter().map(PostingView::row).collect();
        Page { rows, next: (end < self.postings.len()).then_some(end) }
    }
}

impl PostingView {
    fn row(&self) -> PostingRow {
        let (payment_id, posting) = self.record.postings().nth(self.index).expect("a posting view is of a posting");
        PostingRow {
            posting: *posting,
            posted_balance: self.posted_balance,
            payment_id,
            at: self.record.at,
            lsn: self.record.lsn,
        }
    }
}

pub(crate) fn has_postings_listed(account: AccountId) -> bool {
    match account.kind {
        AccountKind::Wallet | AccountKind::MerchantPayable | AccountKind::MerchantReserve => true,
        AccountKind::FxPosition
        | AccountKind::FxMarkup
        | AccountKind::FeeIncome
        | AccountKind::Nostro
        | AccountKind::FxResult => false,
    }
}
