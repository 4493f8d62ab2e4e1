//! Accounts of wallet holders and merchants, with their postings.

use std::sync::Arc;

use dashmap::DashMap;
use domain::{AccountId, AccountKind, Lsn, PaymentId, Posting, Record, Timestamp};
use index::{AccountRow, AccountState, Batch, Index, PlaceInRecord, Table};
use money::Money;

use crate::{
    IndexError,
    tail::{Part, Tail},
    trial_balance::{add, subtract},
};

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
    index: Option<Index>,
    views: DashMap<AccountId, View>,
}

#[derive(Debug)]
struct View {
    summary: AccountSummary,
    postings: Tail<PostingView>,
}

/// A posting by reference: the record is shared with all who show it.
#[derive(Clone, Debug)]
struct PostingView {
    record: Arc<Record>,
    // Invariant: there is a posting of this index in the record.
    index: usize,
    posted_balance: Money,
}

impl Accounts {
    /// The accounts as they stand in the index.
    pub(crate) fn load(index: Index) -> Result<Self, IndexError> {
        let views = DashMap::new();
        index.each_account(|row| {
            let AccountRow { account, state, opened_at, posted_balance, held_balance, postings } = row;
            let summary = AccountSummary { state, opened_at, posted_balance, held_balance };
            let postings = usize::try_from(postings).expect("a list fits the address space");
            views.insert(account, View { summary, postings: Tail::behind(postings) });
        })?;
        Ok(Self { index: Some(index), views })
    }

    pub(crate) fn open(&self, account: AccountId, opened_at: Timestamp) {
        let zero = Money::zero(account.currency);
        let summary = AccountSummary { state: AccountState::Open, opened_at, posted_balance: zero, held_balance: zero };
        let before = self.views.insert(account, View { summary, postings: Tail::default() });
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
    pub(crate) fn change(
        &self,
        account: AccountId,
        record: &Arc<Record>,
        changes: impl Iterator<Item = Change>,
        mut batch: Option<&mut Batch>,
    ) {
        let mut view = self.views.get_mut(&account).expect("an account is opened before it is posted to");
        for change in changes {
            view.enter(account, record, change, batch.as_deref_mut());
        }
        let AccountSummary { posted_balance, held_balance, .. } = view.summary;
        assert!(!posted_balance.is_negative(), "what the switch owes is never negative: {account:?}");
        assert!(!held_balance.is_negative(), "no more is released than was held: {account:?}");
        let available = view.summary.available_balance();
        assert!(!available.is_negative(), "no more is held than was posted: {account:?}");
    }

    /// Drops the postings of an account up to this position; they are in the index.
    pub(crate) fn forget(&self, account: AccountId, up_to: Lsn) {
        if let Some(mut view) = self.views.get_mut(&account) {
            view.postings.forget(|posting| posting.record.lsn <= up_to);
        }
    }

    pub(crate) fn summary(&self, account: AccountId) -> Option<AccountSummary> {
        self.views.get(&account).map(|view| view.summary)
    }

    /// An account as the index keeps it.
    pub(crate) fn row(&self, account: AccountId) -> Option<AccountRow> {
        self.views.get(&account).map(|view| {
            let AccountSummary { state, opened_at, posted_balance, held_balance } = view.summary;
            let postings = u64::try_from(view.postings.len()).expect("an index fits 64 bits");
            AccountRow { account, state, opened_at, posted_balance, held_balance, postings }
        })
    }

    pub(crate) fn page(&self, account: AccountId, from_index: usize, limit: usize) -> Result<Page, IndexError> {
        let Some((part, next)) = self.views.get(&account).map(|view| view.part(from_index, limit)) else {
            return Ok(Page::default());
        };
        let mut rows = Vec::new();
        if let Some(index) = &self.index {
            // The postings of a record stand side by side.
            let mut record: Option<Arc<Record>> = None;
            for row in index.postings(account, part.in_index.start, part.in_index.end)? {
                let found = match record.take().filter(|record| record.lsn == row.place.lsn) {
                    Some(record) => record,
                    None => index.record_led_to(row.place.lsn)?,
                };
                rows.push(shown(account, &row, &found)?);
                record = Some(found);
            }
        }
        rows.extend(part.kept.iter().map(PostingView::row));
        Ok(Page { rows, next })
    }
}

impl View {
    fn enter(&mut self, account: AccountId, record: &Arc<Record>, change: Change, batch: Option<&mut Batch>) {
        let before = self.summary.posted_balance;
        match change {
            Change::Held(more) => self.summary.held_balance = add(self.summary.held_balance, more),
            Change::Posted(index, posting) => {
                let debited = posting.debit() == account;
                let after = if debited { subtract(before, posting.amount()) } else { add(before, posting.amount()) };
                self.summary.posted_balance = after;
                let posting = PostingView { record: Arc::clone(record), index, posted_balance: after };
                let number = self.postings.push(posting);
                if let Some(batch) = batch {
                    let index = u32::try_from(index).expect("a record has fewer than 2^32 postings");
                    let place = PlaceInRecord { lsn: record.lsn, index };
                    batch.posting(account, number, &index::PostingRow { place, posted_balance: after });
                }
            }
        }
    }

    /// The postings of a page, and where the next one begins.
    fn part(&self, from_index: usize, limit: usize) -> (Part<PostingView>, Option<usize>) {
        let count = self.postings.len();
        let end = from_index.saturating_add(limit).min(count);
        (self.postings.part(from_index.min(end)..end), (end < count).then_some(end))
    }
}

impl PostingView {
    fn row(&self) -> PostingRow {
        row_of(&self.record, self.index, self.posted_balance).expect("a posting view is of a posting")
    }
}

/// A posting as the index has it.
fn shown(account: AccountId, row: &index::PostingRow, record: &Record) -> Result<PostingRow, IndexError> {
    let place = usize::try_from(row.place.index).ok();
    let shown = place.and_then(|index| row_of(record, index, row.posted_balance));
    let shown = shown.filter(|shown| [shown.posting.debit(), shown.posting.credit()].contains(&account));
    let problem = "it leads to no posting of the account";
    shown.ok_or_else(|| IndexError::damaged(Table::Postings, &account.packed().to_be_bytes(), problem))
}

fn row_of(record: &Record, index: usize, posted_balance: Money) -> Option<PostingRow> {
    let (payment_id, posting) = record.postings().nth(index)?;
    Some(PostingRow { posting: *posting, posted_balance, payment_id, at: record.at, lsn: record.lsn })
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
