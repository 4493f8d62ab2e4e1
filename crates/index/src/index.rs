//! The tables by what they hold.

use std::sync::Arc;

use domain::{AccountId, ChainMark, CurrencyPair, Digest, Lsn, MerchantId, PaymentId, Record, TenantId};
use planted::Bug;

use crate::{
    AccountRow, ClosedBatch, Counts, DecidedPayment, Direction, Error, OrderRow, PlaceInRecord, PostingRow, Store,
    Table, TrialLine, Write,
    filter::Filter,
    rows,
    rows::{Fields, List},
};

/// The number of the tables' format: another one is refused, and the index is made again.
pub const FORMAT_VERSION: u32 = 3;

/// Keys of the table of what is said of the whole.
const IDENTITY: &[u8] = b"identity";
pub(crate) const APPLIED: &[u8] = b"applied";
pub(crate) const COUNTS: &[u8] = b"counts";

/// The last key of every table but `meta`, behind all others: how far the table has come.
pub(crate) const TABLE_APPLIED: &[u8] = &[u8::MAX; 40];

/// How many rows are taken at a time when a table is read from end to end.
const WALK_ROWS: usize = 4_096;

/// How many rows of a list, with many entries each, are taken at a time.
const LIST_ROWS: usize = 4;

/// Every record of one journal up to [`applied`](Self::applied), and the ways to find it. Clones share the store; any
/// number of them read while one writer writes.
///
/// A reader that comes while a batch is written may see some of it already, but nothing that leads to what is not there.
#[derive(Clone, Debug)]
pub struct Index {
    store: Arc<dyn Store>,
    /// Written beside each batch, so that one without rows need not be written to when it is opened.
    identity: Arc<[u8]>,
    /// Keys and orders that it may hold.
    filter: Option<Arc<Filter>>,
}

impl Index {
    /// The index in this store, of the journal with this id; one without rows becomes that with its first batch.
    ///
    /// # Errors
    /// [`Error::OfAnotherJournal`], [`Error::OfAnotherFormat`] and [`Error::Damaged`] for an index that has
    /// to be made again; otherwise when the store cannot be read.
    pub fn open(store: Arc<dyn Store>, journal_id: [u8; 16]) -> Result<Self, Error> {
        let identity = [FORMAT_VERSION.to_be_bytes().as_slice(), &journal_id].concat();
        let index = Self { store, identity: identity.into(), filter: None };
        match index.row(Table::Meta, IDENTITY, rows::read_identity)? {
            Some((found, _)) if found != FORMAT_VERSION => {
                return Err(Error::OfAnotherFormat { found, ours: FORMAT_VERSION });
            }
            Some((_, found)) if found != journal_id => {
                return Err(Error::OfAnotherJournal { found, journal: journal_id });
            }
            Some(_) => {}
            None if index.applied()?.is_some() => {
                return Err(Error::damaged(Table::Meta, IDENTITY, "the index does not say whose it is"));
            }
            None => {}
        }
        index.check_tables()?;
        Ok(index)
    }

    /// The same index with a filter of so many bytes in memory, which spares looking for keys and orders that are new. It
    /// needs about a byte and a half for each, and is of use once it was [`load`](Self::load_filter)ed.
    #[must_use]
    pub fn with_filter(self, bytes: usize) -> Self {
        Self { filter: Some(Arc::new(Filter::new(bytes))), ..self }
    }

    /// Tells the filter of everything that is in the index. Batches may be written meanwhile. `go_on` is asked after every few
    /// thousand rows; the filter stays of no use when it says no.
    ///
    /// # Errors
    /// When the index cannot be read; the filter stays of no use.
    pub fn load_filter(&self, mut go_on: impl FnMut() -> bool) -> Result<(), Error> {
        let Some(filter) = &self.filter else { return Ok(()) };
        for table in FILTERED {
            let mut from = Vec::new();
            loop {
                let rows = self.store.scan(table, &from[..]..=TABLE_APPLIED, Direction::Ascending, WALK_ROWS)?;
                rows.iter().for_each(|(key, _)| filter.tell(filter_hash(table, key)));
                let Some((last, _)) = rows.into_iter().next_back() else { break };
                if !go_on() {
                    return Ok(());
                }
                // The next key there can be.
                from = last;
                from.push(0);
            }
        }
        filter.is_told_all();
        Ok(())
    }

    /// A store that was damaged may have lost some of the last writes of one table, and none of another.
    fn check_tables(&self) -> Result<(), Error> {
        let applied = self.store.get(Table::Meta, APPLIED)?;
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Meta) {
            if self.store.get(table, TABLE_APPLIED)? != applied {
                return Err(Error::damaged(table, TABLE_APPLIED, "the table has not come as far as the index"));
            }
        }
        Ok(())
    }

    /// How far the journal is in the index: the end of one of its batches. `None` when nothing is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn applied(&self) -> Result<Option<ChainMark>, Error> {
        let read = |bytes: &[u8]| {
            let mut fields = Fields(bytes);
            let mark = rows::read_mark(&mut fields)?;
            fields.end(mark)
        };
        self.row(Table::Meta, APPLIED, read)
    }

    /// The record at this position; `None` above what was applied.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn record(&self, lsn: Lsn) -> Result<Option<Arc<Record>>, Error> {
        Ok(self.records_between((lsn, lsn), 1)?.pop())
    }

    /// The record to which a row of the index leads.
    ///
    /// # Errors
    /// When it cannot be read, or is not there.
    pub fn record_led_to(&self, lsn: Lsn) -> Result<Arc<Record>, Error> {
        self.record(lsn)?.ok_or_else(|| self.missing(lsn))
    }

    /// The error for a record that should be there.
    #[must_use]
    pub fn missing(&self, lsn: Lsn) -> Error {
        Error::damaged(Table::Records, &rows::lsn(lsn), "the record should be there, and is not")
    }

    /// At most `limit` records after one position, up to another, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn records(&self, after: Lsn, up_to: Lsn, limit: usize) -> Result<Vec<Arc<Record>>, Error> {
        self.records_between((behind(after), up_to), limit)
    }

    fn records_between(&self, range: (Lsn, Lsn), limit: usize) -> Result<Vec<Arc<Record>>, Error> {
        self.entries(List::Records, (range.0.get(), range.1.get()), limit, |position, bytes| {
            decode(Lsn::new(position), bytes)
        })
    }

    /// The last record that was made under this key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn record_under_key(&self, tenant: TenantId, digest: &Digest) -> Result<Option<Lsn>, Error> {
        self.row_if_any(Table::Keys, &rows::tenant_key(tenant, digest), rows::read_lsn)
    }

    /// Every record that concerns this payment, in order: its decision, what followed, and what was declined. Empty when
    /// there is no such payment.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn payment_records(&self, payment: PaymentId) -> Result<Vec<Lsn>, Error> {
        let (from, to) = (rows::payment_key(payment, Lsn::ZERO), rows::payment_key(payment, LAST_LSN));
        let read = |key: &[u8], _: &[u8]| {
            let mut fields = Fields(key);
            let (_, lsn) = (fields.payment()?, fields.lsn()?);
            fields.end(lsn)
        };
        self.rows(Table::Payments, (&from, &to), (Direction::Ascending, usize::MAX), read)
    }

    /// The record that decided the payment to show for this order: the one that holds it, else the last.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn order_shown(&self, merchant: MerchantId, order: &Digest) -> Result<Option<Lsn>, Error> {
        Ok(self.order(merchant, order)?.map(|row| row.shown.0))
    }

    /// What is known of this order.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn order(&self, merchant: MerchantId, order: &Digest) -> Result<Option<OrderRow>, Error> {
        self.row_if_any(Table::Orders, &rows::order_key(merchant, order), OrderRow::read)
    }

    /// At most `limit` payments, of this merchant or of all, decided after one position, up to another, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn decided(
        &self,
        merchant: Option<MerchantId>,
        (after, up_to): (Lsn, Lsn),
        limit: usize,
    ) -> Result<Vec<DecidedPayment>, Error> {
        let list = merchant.map_or(List::Decided, List::MerchantDecided);
        self.fields(list, (behind(after).get(), up_to.get()), limit, DecidedPayment::read)
    }

    /// The postings of an account from one index, up to but without another.
    ///
    /// # Errors
    /// When they cannot be read, or one of them is not there.
    pub fn postings(&self, account: AccountId, from: u64, end: u64) -> Result<Vec<PostingRow>, Error> {
        self.consecutive(List::Postings(account), (from, end), |fields| PostingRow::read(account.currency, fields))
    }

    /// The rates of a pair from one index, up to but without another, oldest first.
    ///
    /// # Errors
    /// When they cannot be read, or one of them is not there.
    pub fn rates(&self, pair: CurrencyPair, from: u64, end: u64) -> Result<Vec<PlaceInRecord>, Error> {
        self.consecutive(List::Rates(pair), (from, end), PlaceInRecord::read)
    }

    /// Every pair that has rates, with how many.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn rate_counts(&self) -> Result<Vec<(CurrencyPair, u64)>, Error> {
        let (first, mut last) = (rows::rate_key(0, 0), rows::rate_key(u32::MAX, u64::MAX));
        let mut counts = Vec::new();
        loop {
            let read = |key: &[u8], _: &[u8]| rows::read_rate_key(key);
            let found = self.rows(Table::Rates, (&first, &last), (Direction::Descending, 1), read)?;
            let Some((pair, index)) = found.first().copied() else { return Ok(counts) };
            counts.push((pair, index.saturating_add(1)));
            // No pair has the number 0: neither of its currencies does.
            last = rows::rate_key(rows::pair_number(pair).saturating_sub(1), u64::MAX);
        }
    }

    /// The mark of the batch that holds the record at this position.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn chain_at(&self, lsn: Lsn) -> Result<Option<ChainMark>, Error> {
        Ok(self.fields(List::Chain, (lsn.get(), u64::MAX), 1, rows::read_mark)?.pop())
    }

    /// Hands over every account as it stands.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn each_account(&self, mut each: impl FnMut(AccountRow)) -> Result<(), Error> {
        let (mut from, to) = (0, u64::MAX);
        loop {
            let keys = (u64::to_be_bytes(from), u64::to_be_bytes(to));
            let scan = (Direction::Ascending, WALK_ROWS);
            let found = self.rows(Table::Accounts, (&keys.0, &keys.1), scan, AccountRow::read)?;
            let Some(last) = found.last() else { return Ok(()) };
            // No account has the largest number there is.
            from = last.account.packed().saturating_add(1);
            found.into_iter().for_each(&mut each);
        }
    }

    /// The lines of the trial balance as they stand.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn trial_balance(&self) -> Result<Vec<TrialLine>, Error> {
        let (from, to) = ([], [u8::MAX; 4]);
        self.rows(Table::TrialBalance, (&from, &to), (Direction::Ascending, usize::MAX), TrialLine::read)
    }

    /// What is counted, as it stands.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn counts(&self) -> Result<Counts, Error> {
        Ok(self.row(Table::Meta, COUNTS, Counts::read)?.unwrap_or_default())
    }

    /// Writes a batch, whole or not at all. Batches are written in the order of their records, by one writer.
    ///
    /// # Errors
    /// When it was not written.
    pub fn write(&self, batch: &ClosedBatch) -> Result<(), Error> {
        let mut writes = batch.writes();
        if let Some(filter) = self.filter.as_ref().filter(|_| !planted::is(Bug::FilterMissesWrites)) {
            // Before they can be found: nobody may miss what is there.
            let filtered = writes.iter().filter(|write| FILTERED.contains(&write.table));
            filtered.for_each(|write| filter.tell(filter_hash(write.table, write.key)));
        }
        writes.push(Write { table: Table::Meta, key: IDENTITY, value: Some(&self.identity) });
        self.store.write(&writes)
    }

    /// Makes everything that was written survive a power cut.
    ///
    /// # Errors
    /// When it does not.
    pub fn persist(&self) -> Result<(), Error> {
        self.store.persist()
    }

    /// As [`row`](Self::row), of a table that the filter knows.
    fn row_if_any<T>(
        &self,
        table: Table,
        key: &[u8],
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match &self.filter {
            Some(filter) if !filter.may_hold(filter_hash(table, key)) => Ok(None),
            Some(_) | None => self.row(table, key, read),
        }
    }

    fn row<T>(&self, table: Table, key: &[u8], read: impl FnOnce(&[u8]) -> Option<T>) -> Result<Option<T>, Error> {
        let Some(bytes) = self.store.get(table, key)? else { return Ok(None) };
        read(&bytes).map(Some).ok_or_else(|| unreadable(table, key))
    }

    fn rows<T>(
        &self,
        table: Table,
        (from, to): (&[u8], &[u8]),
        (direction, limit): (Direction, usize),
        read: impl Fn(&[u8], &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let found = self.store.scan(table, from..=to, direction, limit)?;
        found.into_iter().map(|(key, value)| read(&key, &value).ok_or_else(|| unreadable(table, &key))).collect()
    }

    /// At most `limit` entries of a list at positions in this range, in order.
    fn entries<T>(
        &self,
        list: List,
        (mut from, to): (u64, u64),
        limit: usize,
        read: impl Fn(u64, &[u8]) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let (table, end) = (list.table(), list.key(u64::MAX));
        let (mut found, mut ended) = (Vec::new(), None);
        while from <= to && found.len() < limit {
            let count = LIST_ROWS.min(limit);
            let rows = self.store.scan(table, &list.key(from)[..]..=&end[..], Direction::Ascending, count)?;
            for (key, row) in &rows {
                let entries = rows::split(list, key, row).ok_or_else(|| unreadable(table, key))?;
                let begins = entries.first().map(|(position, _)| *position);
                if ended.is_some() && begins <= ended {
                    return Err(Error::damaged(table, key, "it begins before the row before it ends"));
                }
                ended = entries.last().map(|(position, _)| *position);
                for (position, entry) in entries {
                    if (from..=to).contains(&position) && found.len() < limit {
                        found.push(read(position, entry)?);
                    }
                }
            }
            let last = rows.last().filter(|_| rows.len() == count).and_then(|(key, _)| rows::last_position(key));
            let Some(next) = last.and_then(|last| last.checked_add(1)) else { break };
            from = next;
        }
        Ok(found)
    }

    /// The same of entries that are read field by field.
    fn fields<T>(
        &self,
        list: List,
        range: (u64, u64),
        limit: usize,
        read: impl Fn(&mut Fields<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        self.entries(list, range, limit, |position, entry| {
            let mut fields = Fields(entry);
            let entry = read(&mut fields).and_then(|entry| fields.end(entry));
            entry.ok_or_else(|| unreadable(list.table(), &list.key(position)))
        })
    }

    /// The entries from one position up to but without another, of which none is missing.
    fn consecutive<T>(
        &self,
        list: List,
        (from, end): (u64, u64),
        read: impl Fn(&mut Fields<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let count = end.saturating_sub(from);
        if count == 0 {
            return Ok(Vec::new());
        }
        let found = self.fields(list, (from, end.saturating_sub(1)), usize::MAX, read)?;
        if u64::try_from(found.len()) != Ok(count) {
            let problem = format!("{} of {count} entries are there", found.len());
            return Err(Error::damaged(list.table(), &list.key(from), problem));
        }
        Ok(found)
    }
}

/// The tables whose keys the filter knows. Each key ends with a keyed digest.
const FILTERED: [Table; 2] = [Table::Keys, Table::Orders];
const DIGEST_BYTES: usize = size_of::<Digest>();

/// A digest is as even as a hash can be; what stands before it sets tables, tenants and merchants apart.
fn filter_hash(table: Table, key: &[u8]) -> u128 {
    /// Odd, so that no two numbers become one.
    const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    let (party, digest) = key.split_at(key.len().saturating_sub(DIGEST_BYTES));
    let number = |bytes: &[u8]| bytes.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    number(digest) ^ ((number(party) << 1) | u128::from(table == Table::Keys)).wrapping_mul(SPREAD)
}

/// Above every position a journal reaches.
const LAST_LSN: Lsn = Lsn::new(u64::MAX);

/// Whoever asks may give any position at all.
fn behind(lsn: Lsn) -> Lsn {
    Lsn::new(lsn.get().saturating_add(1))
}

fn decode(lsn: Lsn, bytes: &[u8]) -> Result<Arc<Record>, Error> {
    let damaged = |problem: String| Error::damaged(Table::Records, &rows::lsn(lsn), problem);
    let record = wire::journal::decode(bytes).map_err(|error| damaged(error.to_string()))?;
    if record.lsn != lsn {
        return Err(damaged(format!("it holds record {}", record.lsn)));
    }
    Ok(Arc::new(record))
}

fn unreadable(table: Table, key: &[u8]) -> Error {
    Error::damaged(table, key, "the row cannot be read")
}

#[cfg(test)]
mod tests;
