//! What is written at once.

use std::{collections::HashMap, mem, ops::Range};

use domain::{AccountId, AuthorizePayment, ChainMark, Command, CurrencyPair, Digest, MerchantId, Record};
use foldhash::fast::RandomState;

use crate::{
    AccountRow, Counts, DecidedPayment, OrderRow, PlaceInRecord, PostingRow, Table, TrialLine, Write, concerned,
    index::{APPLIED, COUNTS, TABLE_APPLIED},
    rows::{self, List},
};

/// A row of a list is closed once it has so many bytes.
const PACK_BYTES: usize = 4_096;

/// Room for the first entries of a list, in bytes: most have one or two in a batch.
const FEW_ENTRIES_BYTES: usize = 64;

/// What follows from consecutive records, as it is put together. A row that is put twice stands as it was put last.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    rows: Rows,
    /// The last row of each list, while entries are added to it.
    packs: HashMap<List, Pack, RandomState>,
    records: usize,
}

/// What is written whole or not at all.
#[derive(Clone, Debug)]
pub struct ClosedBatch {
    rows: Rows,
}

/// Rows, with their keys and values side by side in one piece of memory.
#[derive(Clone, Debug, Default)]
struct Rows {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    table: Table,
    /// The key's first bytes as a number: nearly all that two keys are compared by.
    prefix: u128,
    key: Range<usize>,
    value: Range<usize>,
}

/// Entries of one list, one behind the other.
#[derive(Clone, Debug)]
struct Pack {
    last: u64,
    bytes: Vec<u8>,
}

impl Batch {
    /// How many records it holds.
    #[must_use]
    pub const fn records(&self) -> usize {
        self.records
    }

    /// An empty one, with room for as much as this holds: the next one is mostly as large.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { rows: self.rows.as_many(), ..Self::default() }
    }

    /// Puts a record, and what leads to it: from its key, from the payments it concerns, and from the lists of decided
    /// payments if it decided one.
    ///
    /// # Panics
    /// When the record could not have been decided, as [`wire::journal::encode`] does.
    pub fn record(&mut self, record: &Record) {
        let lsn = record.lsn.get();
        self.entry(List::Records, lsn, |bytes| rows::write_record(record, bytes));
        for payment in concerned(record) {
            self.rows.put(Table::Payments, &rows::payment_key(payment, record.lsn), |_| {});
        }
        for key in record.key.iter().chain(record.payments_together().map(|payment| &payment.key)) {
            let key = rows::tenant_key(key.tenant, &key.digest);
            self.rows.put(Table::Keys, &key, |value| value.extend_from_slice(&rows::lsn(record.lsn)));
        }
        if let Command::AuthorizePayment(command) = &record.command {
            self.decided(record, command);
        }
        record.payments_together().for_each(|payment| self.decided(record, &payment.authorize));
        self.records += 1;
    }

    fn decided(&mut self, record: &Record, command: &AuthorizePayment) {
        let decided = DecidedPayment { lsn: record.lsn, at: record.at, payment_id: command.payment_id };
        for list in [List::Decided, List::MerchantDecided(command.merchant)] {
            self.entry(list, record.lsn.get(), |bytes| decided.write(bytes));
        }
    }

    /// Puts what is known of an order.
    pub fn order(&mut self, merchant: MerchantId, order: &Digest, row: &OrderRow) {
        self.rows.put(Table::Orders, &rows::order_key(merchant, order), |value| row.write(value));
    }

    /// Puts the posting of this index of an account, the next one of those the batch has.
    pub fn posting(&mut self, account: AccountId, index: u64, row: &PostingRow) {
        self.entry(List::Postings(account), index, |bytes| row.write(bytes));
    }

    /// Puts the rate of this index of a pair, the next one of those the batch has.
    pub fn rate(&mut self, pair: CurrencyPair, index: u64, place: PlaceInRecord) {
        self.entry(List::Rates(pair), index, |bytes| place.write(bytes));
    }

    /// Puts the mark of a batch of the journal, behind those the batch has.
    pub fn chain(&mut self, mark: ChainMark) {
        self.entry(List::Chain, mark.lsn.get(), |bytes| rows::write_mark(mark, bytes));
    }

    /// Puts an account as it stands.
    pub fn account(&mut self, row: &AccountRow) {
        self.rows.put(Table::Accounts, &rows::account_key(row.account), |value| row.write(value));
    }

    /// Puts a line of the trial balance as it stands.
    pub fn trial_line(&mut self, line: &TrialLine) {
        self.rows.put(Table::TrialBalance, &rows::trial_key(line.kind, line.currency), |value| line.write(value));
    }

    /// Puts what is counted as it stands.
    pub fn counts(&mut self, counts: &Counts) {
        self.rows.put(Table::Meta, COUNTS, |value| counts.write(value));
    }

    /// Closes the batch, which leads to this position.
    #[must_use]
    pub fn close(mut self, mark: ChainMark) -> ClosedBatch {
        let mut applied = Vec::new();
        rows::write_mark(mark, &mut applied);
        for table in Table::ALL {
            let key = if table == Table::Meta { APPLIED } else { TABLE_APPLIED };
            self.rows.put(table, key, |value| value.extend_from_slice(&applied));
        }
        // In no order, which the rows are given below.
        for (list, pack) in mem::take(&mut self.packs) {
            self.rows.put_pack(list, &pack);
        }
        self.rows.sort();
        ClosedBatch { rows: self.rows }
    }

    /// Adds an entry to the end of a list.
    fn entry(&mut self, list: List, position: u64, write: impl FnOnce(&mut Vec<u8>)) {
        let pack = self.packs.entry(list).or_insert_with(Pack::new);
        // Entries of a row whose positions follow from its key must have no gap. A row is found by the position of its last
        // entry, so all entries of one position are of one row.
        let is_full = pack.bytes.len() >= PACK_BYTES && position != pack.last;
        if is_full || (list.is_consecutive() && position != pack.last.saturating_add(1)) {
            if !pack.bytes.is_empty() {
                self.rows.put_pack(list, pack);
            }
            pack.bytes.clear();
        }
        write(&mut pack.bytes);
        pack.last = position;
    }
}

impl Pack {
    fn new() -> Self {
        Self { last: 0, bytes: Vec::with_capacity(FEW_ENTRIES_BYTES) }
    }
}

impl ClosedBatch {
    /// The rows in the order of tables and keys.
    pub(crate) fn writes(&self) -> Vec<Write<'_>> {
        let Rows { bytes, places } = &self.rows;
        let write = |place: &Place| {
            let Place { table, key, value, .. } = place.clone();
            Write { table, key: &bytes[key], value: Some(&bytes[value]) }
        };
        places.iter().map(write).collect()
    }
}

impl Rows {
    fn put(&mut self, table: Table, key: &[u8], write_value: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.value(table, start, write_value);
    }

    fn put_pack(&mut self, list: List, pack: &Pack) {
        let start = self.bytes.len();
        list.write_key(pack.last, &mut self.bytes);
        self.value(list.table(), start, |value| value.extend_from_slice(&pack.bytes));
    }

    /// Puts the value behind the key that was written from `start` on.
    fn value(&mut self, table: Table, start: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let middle = self.bytes.len();
        let prefix = prefix(&self.bytes[start..]);
        write(&mut self.bytes);
        let value = middle..self.bytes.len();
        self.places.push(Place { table, prefix, key: start..middle, value });
    }

    /// None, with room for as many as these.
    fn as_many(&self) -> Self {
        Self { bytes: Vec::with_capacity(self.bytes.len()), places: Vec::with_capacity(self.places.len()) }
    }

    /// Sorts by table and key. Of rows with one key the last stays.
    fn sort(&mut self) {
        let Self { bytes, places } = self;
        let key = |place: &Place| &bytes[place.key.clone()];
        // Of equal keys the one that was put last comes first.
        places.sort_unstable_by(|one, other| {
            let by_prefix = one.table.cmp(&other.table).then_with(|| one.prefix.cmp(&other.prefix));
            let by_key = by_prefix.then_with(|| key(one).cmp(key(other)));
            by_key.then_with(|| other.key.start.cmp(&one.key.start))
        });
        places.dedup_by(|one, other| one.table == other.table && key(one) == key(other));
    }
}

/// The first bytes of a key, and zeros where it is shorter: ordered as the keys are, but for those it takes for equal.
fn prefix(key: &[u8]) -> u128 {
    let mut first = [0; size_of::<u128>()];
    let length = key.len().min(first.len());
    first[..length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(first)
}
