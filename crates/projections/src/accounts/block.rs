//! Accounts side by side: what each has in few bytes, and what only those in use have.

use std::sync::Arc;

use domain::{AccountId, Lsn, Record, Timestamp};
use index::{AccountRow, AccountState};
use money::{Currency, Money};

use super::{AccountSummary, PostingRow};
use crate::tail::{Part, Tail};

/// So many wallet accounts share a block: the block's own bytes are then less than one an account.
pub(super) const BLOCK_ACCOUNTS: u32 = 256;

/// Consecutive accounts of wallet holders, or one of a merchant. Whoever holds a block's lock sees its accounts between two
/// records, never within one.
#[derive(Debug, Default)]
pub(super) struct Block {
    rows: Vec<Option<Row>>,
    /// By rising place. One is here while it says more than its row.
    uses: Vec<(u8, Use)>,
}

/// What every account has, for as long as the switch runs: so it is small.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    posted: i64,
    opened_at: Timestamp,
    postings: Count,
    currency: Currency,
    state: AccountState,
}

const _: () = assert!(size_of::<Option<Row>>() == 24);

/// What an account has that is in use: a hold, or postings that the hot window keeps.
#[derive(Debug)]
pub(super) struct Use {
    held: i64,
    postings: Tail<PostingView>,
}

/// A posting by reference: the record is shared with all who show it.
#[derive(Clone, Debug)]
pub(super) struct PostingView {
    record: Arc<Record>,
    // Invariant: there is a posting of this index in the record.
    index: u32,
    posted: i64,
}

/// A number below 2^48, in six bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count([u8; 6]);

impl Block {
    /// An account at a place where there was none; whether that is so.
    pub(super) fn insert(&mut self, place: u8, row: Row, held: i64) -> bool {
        let index = usize::from(place);
        if index >= self.rows.len() {
            let wanted = index.saturating_add(1);
            // A full block has exactly as much memory as it needs, in whatever order it is filled.
            self.rows.reserve_exact(wanted.next_power_of_two().saturating_sub(self.rows.len()));
            self.rows.resize(wanted, None);
        }
        let Some(free @ None) = self.rows.get_mut(index) else { return false };
        *free = Some(row);
        if held != 0 {
            let index = in_use(&mut self.uses, place, row.postings);
            self.uses.get_mut(index).expect("it is in use").1.held = held;
        }
        true
    }

    /// The account in this currency at this place, and what it has beyond its row.
    pub(super) fn get(&self, place: u8, currency: Currency) -> Option<(&Row, Option<&Use>)> {
        let row = self.rows.get(usize::from(place))?.as_ref().filter(|row| row.currency == currency)?;
        let used = find(&self.uses, place).ok().and_then(|index| self.uses.get(index));
        Some((row, used.map(|(_, used)| used)))
    }

    /// Changes the account in this currency at this place, if there is one, and leaves no more than it needs.
    pub(super) fn change<T>(
        &mut self,
        place: u8,
        currency: Currency,
        change: impl FnOnce(&mut Row, &mut Use) -> T,
    ) -> Option<T> {
        let Self { rows, uses } = self;
        let row = rows.get_mut(usize::from(place))?.as_mut().filter(|row| row.currency == currency)?;
        let index = in_use(uses, place, row.postings);
        let (_, used) = uses.get_mut(index).expect("it is in use");
        let changed = change(row, used);
        self.leave_idle(index);
        Some(changed)
    }

    /// Drops the postings of an account up to this position.
    pub(super) fn forget(&mut self, place: u8, up_to: Lsn) {
        let Ok(index) = find(&self.uses, place) else { return };
        if let Some((_, used)) = self.uses.get_mut(index) {
            used.postings.forget(|posting| posting.record.lsn <= up_to);
        }
        self.leave_idle(index);
    }

    /// Drops what an account has beyond its row if that is nothing, and memory that is mostly empty: else a block would for
    /// ever be as large as when most of its accounts were in use.
    fn leave_idle(&mut self, index: usize) {
        if self.uses.get(index).is_some_and(|(_, used)| used.held == 0 && used.postings.is_behind()) {
            self.uses.remove(index);
            if self.uses.len() <= self.uses.capacity() / 4 {
                self.uses.shrink_to(self.uses.len().saturating_mul(2));
            }
        }
    }
}

/// Where the account of this place is among those in use, or would be.
fn find(uses: &[(u8, Use)], place: u8) -> Result<usize, usize> {
    uses.binary_search_by_key(&place, |(place, _)| *place)
}

/// Where the account of this place, which has so many postings, is among those in use from now on.
fn in_use(uses: &mut Vec<(u8, Use)>, place: u8, postings: Count) -> usize {
    find(uses, place).unwrap_or_else(|index| {
        let postings = Tail::behind(usize::try_from(postings.get()).expect("a list fits the address space"));
        uses.insert(index, (place, Use { held: 0, postings }));
        index
    })
}

impl Row {
    pub(super) fn new(account: AccountId, opened_at: Timestamp) -> Self {
        Self { posted: 0, opened_at, postings: Count([0; 6]), currency: account.currency, state: AccountState::Open }
    }

    /// The row and the hold of an account as the index has it; `None` for what no account can have.
    pub(super) fn of(row: &AccountRow) -> Option<(Self, i64)> {
        let AccountRow { account, state, opened_at, posted_balance, held_balance, postings } = row;
        let units = |money: &Money| i64::try_from(money.minor_units()).ok();
        let (posted, postings) = (units(posted_balance)?, Count::new(*postings)?);
        let row = Self { posted, opened_at: *opened_at, postings, currency: account.currency, state: *state };
        Some((row, units(held_balance)?))
    }

    pub(super) const fn postings(&self) -> u64 {
        self.postings.get()
    }

    pub(super) fn summary(&self, used: Option<&Use>) -> AccountSummary {
        AccountSummary {
            state: self.state,
            opened_at: self.opened_at,
            posted_balance: Money::new(self.currency, self.posted.into()),
            held_balance: Money::new(self.currency, used.map_or(0, |used| used.held.into())),
        }
    }

    /// The state it had.
    pub(super) fn turn(&mut self, state: AccountState) -> AccountState {
        std::mem::replace(&mut self.state, state)
    }

    /// Adds to what is posted, in minor units, by the posting of this index; the number of that posting.
    pub(super) fn post(&mut self, used: &mut Use, units: i64, record: &Arc<Record>, index: u32) -> u64 {
        self.posted = sum(self.posted, units);
        let number = used.postings.push(PostingView { record: Arc::clone(record), index, posted: self.posted });
        self.postings = Count::new(number.saturating_add(1)).expect("fewer than 2^48 postings: each takes a record");
        number
    }
}

impl Use {
    /// Holds so many minor units more; less when negative.
    pub(super) fn hold(&mut self, units: i64) {
        self.held = sum(self.held, units);
    }
}

/// The postings of a page, and where the next one begins.
pub(super) fn part(
    row: &Row,
    used: Option<&Use>,
    from_index: usize,
    limit: usize,
) -> (Part<PostingView>, Option<usize>) {
    let count = usize::try_from(row.postings()).expect("a list fits the address space");
    let end = from_index.saturating_add(limit).min(count);
    let range = from_index.min(end)..end;
    let part = used.map_or_else(|| Tail::behind(count).part(range.clone()), |used| used.postings.part(range.clone()));
    (part, (end < count).then_some(end))
}

impl PostingView {
    pub(super) fn row(&self, currency: Currency) -> PostingRow {
        let index = usize::try_from(self.index).expect("an index in memory fits usize");
        super::row_of(&self.record, index, Money::new(currency, self.posted.into()))
            .expect("a posting view is of a posting")
    }
}

impl Count {
    fn new(number: u64) -> Option<Self> {
        let [low @ .., 0, 0] = number.to_le_bytes() else { return None };
        Some(Self(low))
    }

    const fn get(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, 0, 0])
    }
}

fn sum(before: i64, more: i64) -> i64 {
    before.checked_add(more).expect("no account passes 10^18, and a record adds far less than 2^62")
}

#[cfg(test)]
mod tests;
