//! Accounts of wallet holders and merchants, with their postings.

mod block;

use std::sync::Arc;

use dashmap::DashMap;
use domain::{AccountId, AccountKind, Lsn, PaymentId, Posting, Record, Timestamp};
use index::{AccountRow, AccountState, Batch, Index, PlaceInRecord, Table};
use money::Money;

use block::{BLOCK_ACCOUNTS, Block, Row, Use, part};

use crate::{IndexError, trial_balance::subtract};

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
///
/// An account that is not in use takes 24 bytes and its share of a block. The postings that the hot window keeps, and what
/// is held, are beside it while there are any.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    index: Option<Index>,
    blocks: DashMap<u64, Block>,
}

impl Accounts {
    /// The accounts as they stand in the index.
    pub(crate) fn load(index: Index) -> Result<Self, IndexError> {
        let accounts = Self { index: Some(index.clone()), blocks: DashMap::new() };
        let mut refused = None;
        index.each_account(|told| {
            if !Row::of(&told).is_some_and(|(row, held)| accounts.insert(told.account, row, held)) {
                refused = Some(told.account);
            }
        })?;
        let damaged = |account: AccountId| {
            let problem = "it has what no account can have, or the number of another";
            IndexError::damaged(Table::Accounts, &account.packed().to_be_bytes(), problem)
        };
        refused.map_or(Ok(accounts), |account| Err(damaged(account)))
    }

    pub(crate) fn open(&self, account: AccountId, opened_at: Timestamp) {
        let is_new = self.insert(account, Row::new(account, opened_at), 0);
        assert!(is_new, "an account is opened once: {account:?}");
    }

    fn insert(&self, account: AccountId, row: Row, held: i64) -> bool {
        let (block, place) = place_of(account);
        self.blocks.entry(block).or_default().insert(place, row, held)
    }

    pub(crate) fn is_open(&self, account: AccountId) -> bool {
        self.look(account, |_, _| ()).is_some()
    }

    pub(crate) fn close(&self, account: AccountId) {
        let summary = self.update(account, |row, used| {
            row.turn(AccountState::Closed);
            row.summary(Some(used))
        });
        let AccountSummary { posted_balance, held_balance, .. } =
            summary.expect("an account is opened before it is closed");
        assert!(posted_balance.is_zero() && held_balance.is_zero(), "an account is closed empty: {account:?}");
    }

    /// Freezes an open account, or opens a frozen one.
    pub(crate) fn turn(&self, account: AccountId, from: AccountState, to: AccountState) {
        let before = self.update(account, |row, _| row.turn(to));
        let before = before.expect("an account is opened before it is frozen");
        assert_eq!(before, from, "only an open account is frozen, only a frozen one unfrozen: {account:?}");
    }

    /// Enters all that a record does to one account, at once: a reader never sees a part of it.
    pub(crate) fn change(
        &self,
        account: AccountId,
        record: &Arc<Record>,
        changes: impl Iterator<Item = Change>,
        mut batch: Option<&mut Batch>,
    ) {
        let summary = self.update(account, |row, used| {
            for change in changes {
                enter((row, used), account, record, change, batch.as_deref_mut());
            }
            row.summary(Some(used))
        });
        let summary = summary.expect("an account is opened before it is posted to");
        assert!(!summary.posted_balance.is_negative(), "what the switch owes is never negative: {account:?}");
        assert!(!summary.held_balance.is_negative(), "no more is released than was held: {account:?}");
        let available = summary.available_balance();
        assert!(!available.is_negative(), "no more is held than was posted: {account:?}");
    }

    /// Drops the postings of an account up to this position; they are in the index.
    pub(crate) fn forget(&self, account: AccountId, up_to: Lsn) {
        let (block, place) = place_of(account);
        if let Some(mut block) = self.blocks.get_mut(&block) {
            block.forget(place, up_to);
        }
    }

    pub(crate) fn summary(&self, account: AccountId) -> Option<AccountSummary> {
        self.look(account, Row::summary)
    }

    /// An account as the index keeps it.
    pub(crate) fn row(&self, account: AccountId) -> Option<AccountRow> {
        self.look(account, |row, used| {
            let AccountSummary { state, opened_at, posted_balance, held_balance } = row.summary(used);
            AccountRow { account, state, opened_at, posted_balance, held_balance, postings: row.postings() }
        })
    }

    pub(crate) fn page(&self, account: AccountId, from_index: usize, limit: usize) -> Result<Page, IndexError> {
        let found = self.look(account, |row, used| part(row, used, from_index, limit));
        let Some((part, next)) = found else {
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
        rows.extend(part.kept.iter().map(|posting| posting.row(account.currency)));
        Ok(Page { rows, next })
    }

    fn look<T>(&self, account: AccountId, look: impl FnOnce(&Row, Option<&Use>) -> T) -> Option<T> {
        let (block, place) = place_of(account);
        let block = self.blocks.get(&block)?;
        block.get(place, account.currency).map(|(row, used)| look(row, used))
    }

    fn update<T>(&self, account: AccountId, change: impl FnOnce(&mut Row, &mut Use) -> T) -> Option<T> {
        let (block, place) = place_of(account);
        self.blocks.get_mut(&block)?.change(place, account.currency, change)
    }
}

/// The block of an account and its place there. Wallet accounts are numbered without gaps, whatever their currency; an account
/// of a merchant has a block of its own.
fn place_of(account: AccountId) -> (u64, u8) {
    if account.kind != AccountKind::Wallet {
        return (account.packed(), 0);
    }
    let place = u8::try_from(account.index % BLOCK_ACCOUNTS).expect("a block has 256 places");
    // Below every packed account of another kind.
    (u64::from(account.index / BLOCK_ACCOUNTS), place)
}

fn enter(
    (row, used): (&mut Row, &mut Use),
    account: AccountId,
    record: &Arc<Record>,
    change: Change,
    batch: Option<&mut Batch>,
) {
    let units = |money: Money| i64::try_from(money.minor_units()).expect("what a record moves fits 64 bits");
    match change {
        Change::Held(more) => used.hold(units(more)),
        Change::Posted(index, posting) => {
            let amount = units(posting.amount());
            let units = if posting.debit() == account { -amount } else { amount };
            let index = u32::try_from(index).expect("a record has fewer than 2^32 postings");
            let number = row.post(used, units, record, index);
            if let Some(batch) = batch {
                let posted_balance = row.summary(None).posted_balance;
                let place = PlaceInRecord { lsn: record.lsn, index };
                batch.posting(account, number, &index::PostingRow { place, posted_balance });
            }
        }
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
        | AccountKind::FxResult
        | AccountKind::SchemeReceivable
        | AccountKind::PayerFee => false,
    }
}
