//! What is written at once.

use std::collections::BTreeMap;

use domain::{AccountId, ChainMark, Command, CurrencyPair, Digest, MerchantId, Record};

use crate::{
    AccountRow, Counts, DecidedPayment, OrderRow, PlaceInRecord, PostingRow, Table, TrialLine, Write, concerned,
    index::{APPLIED, COUNTS},
    rows,
};

/// What follows from consecutive records, to be written whole or not at all. A row that is put twice stands as it was put
/// last.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    rows: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    records: usize,
}

impl Batch {
    /// How many records it holds.
    #[must_use]
    pub const fn records(&self) -> usize {
        self.records
    }

    /// Puts a record, and what leads to it: from its key, from the payments it concerns, and from the lists of decided
    /// payments if it decided one.
    ///
    /// # Panics
    /// When the record could not have been decided, as [`wire::journal::encode`] does.
    pub fn record(&mut self, record: &Record) {
        let mut bytes = Vec::new();
        wire::journal::encode(record, &mut bytes);
        self.put(Table::Records, rows::lsn(record.lsn), bytes);
        for payment in concerned(record) {
            self.put(Table::Payments, rows::payment_key(payment, record.lsn), []);
        }
        if let Some(key) = &record.key {
            self.put(Table::Keys, rows::tenant_key(key.tenant, &key.digest), rows::lsn(record.lsn));
        }
        if let Command::AuthorizePayment(command) = &record.command {
            let decided = DecidedPayment { lsn: record.lsn, at: record.at, payment_id: command.payment_id };
            self.put(Table::Decided, rows::lsn(record.lsn), decided.write());
            self.put(Table::MerchantDecided, rows::merchant_key(command.merchant, record.lsn), decided.write());
        }
        self.records += 1;
    }

    /// Puts what is known of an order.
    pub fn order(&mut self, merchant: MerchantId, order: &Digest, row: &OrderRow) {
        self.put(Table::Orders, rows::order_key(merchant, order), row.write());
    }

    /// Puts the posting of this index of an account.
    pub fn posting(&mut self, account: AccountId, index: u64, row: &PostingRow) {
        self.put(Table::Postings, rows::posting_key(account, index), row.write());
    }

    /// Puts the rate of this index of a pair.
    pub fn rate(&mut self, pair: CurrencyPair, index: u64, place: PlaceInRecord) {
        self.put(Table::Rates, rows::rate_key(rows::pair_number(pair), index), place.write());
    }

    /// Puts the mark of a batch of the journal.
    pub fn chain(&mut self, mark: ChainMark) {
        self.put(Table::Chain, rows::lsn(mark.lsn), mark.digest);
    }

    /// Puts an account as it stands.
    pub fn account(&mut self, row: &AccountRow) {
        self.put(Table::Accounts, rows::account_key(row.account), row.write());
    }

    /// Puts a line of the trial balance as it stands.
    pub fn trial_line(&mut self, line: &TrialLine) {
        self.put(Table::TrialBalance, rows::trial_key(line.kind, line.currency), line.write());
    }

    /// Puts what is counted as it stands.
    pub fn counts(&mut self, counts: &Counts) {
        self.put(Table::Meta, COUNTS, counts.write());
    }

    /// Puts the position to which the batch leads.
    pub fn applied(&mut self, mark: ChainMark) {
        self.put(Table::Meta, APPLIED, [rows::lsn(mark.lsn).as_slice(), &mark.digest].concat());
    }

    pub(crate) fn writes(&self) -> Vec<Write<'_>> {
        self.rows.iter().map(|((table, key), value)| Write { table: *table, key, value: Some(value) }).collect()
    }

    fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.rows.insert((table, key.into()), value.into());
    }
}
