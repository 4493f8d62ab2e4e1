//! What stands in the tables, and as which bytes. Numbers are big endian, so that keys sort as what they name.

use std::{collections::BTreeMap, iter};

use domain::{
    AccountId, AccountKind, ChainMark, CurrencyPair, Digest, Event, Lsn, MerchantId, PaymentId, Record, TenantId,
    Timestamp,
};
use money::{Currency, Money};

use crate::Table;

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

/// An account as it stands, without its postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountRow {
    /// Which account.
    pub account: AccountId,
    /// Whether it can be used.
    pub state: AccountState,
    /// When it came into being.
    pub opened_at: Timestamp,
    /// Credits less debits, all that was posted.
    pub posted_balance: Money,
    /// Reserved by holds, not yet moved.
    pub held_balance: Money,
    /// How many postings it has: the index of the next one.
    pub postings: u64,
}

/// All accounts of one kind in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialLine {
    /// What the accounts are for.
    pub kind: AccountKind,
    /// What they hold.
    pub currency: Currency,
    /// How many there are, closed ones included. A house account counts from its first posting.
    pub accounts: u64,
    /// The sum of their balances, credits less debits: positive is owed by the switch, negative is owned by it.
    pub balance: Money,
}

/// What is counted since the ledger began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Payments of which something was captured.
    pub payments_captured: u64,
    /// Payments declined.
    pub payments_declined: u64,
    /// Payments for which funds are held now.
    pub payments_held: u64,
    /// Payments that left the open position in a currency above its soft limit.
    pub above_soft_limit: BTreeMap<Currency, u64>,
}

/// A payment in the order of decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecidedPayment {
    /// The record that decided it.
    pub lsn: Lsn,
    /// When.
    pub at: Timestamp,
    /// Which payment.
    pub payment_id: PaymentId,
}

/// The payments for one order that still matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// The payment to show, and the record that decided it.
    pub shown: (Lsn, PaymentId),
    /// Whether that payment holds the order.
    pub is_held: bool,
    /// The last payment declined since, while the one shown holds the order.
    pub declined_since: Option<(Lsn, PaymentId)>,
}

/// One of several things of a kind in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceInRecord {
    /// The record.
    pub lsn: Lsn,
    /// Which one, from 0.
    pub index: u32,
}

/// A posting of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostingRow {
    /// Which posting of which record.
    pub place: PlaceInRecord,
    /// The account's balance right after.
    pub posted_balance: Money,
}

/// The payments a record concerns, in order. One comes twice if two of its refunds were priced.
pub fn concerned(record: &Record) -> impl Iterator<Item = PaymentId> {
    let expired = if let Event::HoldsExpired(expired) = &record.event { expired.as_slice() } else { &[] };
    let priced = if let Event::RefundsPriced(priced) = &record.event { priced.as_slice() } else { &[] };
    let own = record.command.payment_id().into_iter();
    let own = own.chain(record.payments_together().map(|payment| payment.authorize.payment_id));
    own.chain(expired.iter().map(|hold| hold.payment_id)).chain(priced.iter().map(|refund| refund.payment_id))
}

/// What only grows at its end. Several entries are one row, under the position of the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum List {
    Records,
    Decided,
    MerchantDecided(MerchantId),
    Postings(AccountId),
    Rates(CurrencyPair),
    Chain,
}

impl List {
    pub(crate) const fn table(self) -> Table {
        match self {
            Self::Records => Table::Records,
            Self::Decided => Table::Decided,
            Self::MerchantDecided(_) => Table::MerchantDecided,
            Self::Postings(_) => Table::Postings,
            Self::Rates(_) => Table::Rates,
            Self::Chain => Table::Chain,
        }
    }

    /// Whether each position is the one before and 1. Else an entry tells its own.
    pub(crate) const fn is_consecutive(self) -> bool {
        match self {
            Self::Records | Self::Postings(_) | Self::Rates(_) => true,
            Self::Decided | Self::MerchantDecided(_) | Self::Chain => false,
        }
    }

    /// Whether several entries may have one position, as payments have that were decided together. They are of one row.
    const fn shares_positions(self) -> bool {
        match self {
            Self::Decided | Self::MerchantDecided(_) => true,
            Self::Records | Self::Postings(_) | Self::Rates(_) | Self::Chain => false,
        }
    }

    /// The length of an entry; `None` when each tells its own.
    const fn entry_bytes(self) -> Option<usize> {
        match self {
            Self::Records => None,
            Self::Decided | Self::MerchantDecided(_) => Some(8 + 8 + 16),
            Self::Postings(_) => Some(8 + 4 + 16),
            Self::Rates(_) => Some(8 + 4),
            Self::Chain => Some(8 + 32),
        }
    }

    /// The key of the row whose last entry is at this position.
    pub(crate) fn key(self, last: u64) -> Vec<u8> {
        let mut key = Vec::new();
        self.write_key(last, &mut key);
        key
    }

    /// Appends that key.
    pub(crate) fn write_key(self, last: u64, out: &mut Vec<u8>) {
        match self {
            Self::Records | Self::Decided | Self::Chain => {}
            Self::MerchantDecided(merchant) => out.extend_from_slice(&merchant.0.to_be_bytes()),
            Self::Postings(account) => out.extend_from_slice(&account_key(account)),
            Self::Rates(pair) => out.extend_from_slice(&pair_number(pair).to_be_bytes()),
        }
        out.extend_from_slice(&last.to_be_bytes());
    }
}

/// The entries of a list's row, each with its position.
pub(crate) fn split<'a>(list: List, key: &[u8], row: &'a [u8]) -> Option<Vec<(u64, &'a [u8])>> {
    let mut fields = Fields(row);
    let mut entries = Vec::new();
    while !fields.0.is_empty() {
        entries.push(match list.entry_bytes() {
            Some(length) => fields.take(length)?,
            None => fields.bytes()?,
        });
    }
    let last = last_position(key)?;
    let before = u64::try_from(entries.len()).ok()?.checked_sub(1)?;
    let first = if list.is_consecutive() { last.checked_sub(before)? } else { 0 };
    let place = |(number, entry): (u64, &'a [u8])| match list.is_consecutive() {
        true => Some((first + number, entry)),
        false => Some((u64::from_be_bytes(*entry.first_chunk()?), entry)),
    };
    let entries: Vec<_> = (0..).zip(entries).map(place).collect::<Option<_>>()?;
    let is_in_order =
        entries.is_sorted_by(|(one, _), (next, _)| one < next || (one == next && list.shares_positions()));
    (is_in_order && entries.last()?.0 == last).then_some(entries)
}

/// The position with which the key of a list's row ends.
pub(crate) fn last_position(key: &[u8]) -> Option<u64> {
    key.last_chunk().copied().map(u64::from_be_bytes)
}

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// Bytes behind their length.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn lsn(&mut self) -> Option<Lsn> {
        self.u64().map(Lsn::new)
    }

    fn timestamp(&mut self) -> Option<Timestamp> {
        self.array().map(|bytes| Timestamp::from_micros(i64::from_be_bytes(bytes)))
    }

    pub(crate) fn payment(&mut self) -> Option<PaymentId> {
        self.array().map(PaymentId::from_bytes)
    }

    pub(crate) fn currency(&mut self) -> Option<Currency> {
        Currency::from_numeric(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn account(&mut self) -> Option<AccountId> {
        AccountId::from_packed(self.u64()?)
    }

    fn money(&mut self, currency: Currency) -> Option<Money> {
        self.array().map(|bytes| Money::new(currency, i128::from_be_bytes(bytes)))
    }

    fn decision(&mut self) -> Option<(Lsn, PaymentId)> {
        Some((self.lsn()?, self.payment()?))
    }

    /// What was read, if nothing is left.
    pub(crate) fn end<T>(self, read: T) -> Option<T> {
        self.0.is_empty().then_some(read)
    }
}

pub(crate) fn lsn(lsn: Lsn) -> [u8; 8] {
    lsn.get().to_be_bytes()
}

pub(crate) fn read_lsn(bytes: &[u8]) -> Option<Lsn> {
    let mut fields = Fields(bytes);
    let lsn = fields.lsn()?;
    fields.end(lsn)
}

/// Bytes behind one another, which are so many.
fn joined<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut bytes = [0; N];
    let mut rest = &mut bytes[..];
    for part in parts {
        let (here, behind) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = behind;
    }
    assert!(rest.is_empty(), "a key is as long as its parts");
    bytes
}

pub(crate) fn payment_key(payment: PaymentId, at: Lsn) -> [u8; 24] {
    joined(&[&payment.bytes(), &lsn(at)])
}

pub(crate) fn tenant_key(tenant: TenantId, digest: &Digest) -> [u8; 21] {
    let (kind, number) = match tenant {
        TenantId::Operator => (1_u8, 0),
        TenantId::Wallet(wallet) => (2, wallet.0),
        TenantId::Merchant(merchant) => (3, merchant.0),
        TenantId::Switch => (4, 0),
    };
    joined(&[&[kind], &number.to_be_bytes(), &digest.0])
}

pub(crate) fn order_key(merchant: MerchantId, order: &Digest) -> [u8; 20] {
    joined(&[&merchant.0.to_be_bytes(), &order.0])
}

pub(crate) fn account_key(account: AccountId) -> [u8; 8] {
    account.packed().to_be_bytes()
}

/// The pair as one number, so that there is one right below it.
pub(crate) fn pair_number(pair: CurrencyPair) -> u32 {
    (u32::from(pair.presentment.numeric()) << 16) | u32::from(pair.debit.numeric())
}

pub(crate) fn rate_key(pair: u32, index: u64) -> [u8; 12] {
    joined(&[&pair.to_be_bytes(), &index.to_be_bytes()])
}

pub(crate) fn read_rate_key(key: &[u8]) -> Option<(CurrencyPair, u64)> {
    let mut fields = Fields(key);
    let pair = CurrencyPair { presentment: fields.currency()?, debit: fields.currency()? };
    let index = fields.u64()?;
    fields.end((pair, index))
}

pub(crate) fn trial_key(kind: AccountKind, currency: Currency) -> [u8; 3] {
    joined(&[&[kind.number()], &currency.numeric().to_be_bytes()])
}

/// Appends a record behind its length.
pub(crate) fn write_record(record: &Record, out: &mut Vec<u8>) {
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    let start = out.len();
    wire::journal::encode(record, out);
    let length = u32::try_from(out.len() - start).expect("a record is far smaller than 4 GiB");
    out[length_at..start].copy_from_slice(&length.to_be_bytes());
}

impl DecidedPayment {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&lsn(self.lsn));
        out.extend_from_slice(&self.at.micros().to_be_bytes());
        out.extend_from_slice(&self.payment_id.bytes());
    }

    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { lsn: fields.lsn()?, at: fields.timestamp()?, payment_id: fields.payment()? })
    }
}

impl OrderRow {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_held));
        for (at, payment) in iter::once(self.shown).chain(self.declined_since) {
            out.extend_from_slice(&lsn(at));
            out.extend_from_slice(&payment.bytes());
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let is_held = match fields.byte()? {
            0 => false,
            1 => true,
            _ => return None,
        };
        let shown = fields.decision()?;
        let declined_since = if fields.0.is_empty() { None } else { Some(fields.decision()?) };
        fields.end(Self { shown, is_held, declined_since })
    }
}

impl PlaceInRecord {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&lsn(self.lsn));
        out.extend_from_slice(&self.index.to_be_bytes());
    }

    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { lsn: fields.lsn()?, index: fields.u32()? })
    }
}

impl PostingRow {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.place.write(out);
        out.extend_from_slice(&self.posted_balance.minor_units().to_be_bytes());
    }

    pub(crate) fn read(currency: Currency, fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { place: PlaceInRecord::read(fields)?, posted_balance: fields.money(currency)? })
    }
}

impl AccountRow {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let state = match self.state {
            AccountState::Open => 1,
            AccountState::Frozen => 2,
            AccountState::Closed => 3_u8,
        };
        out.push(state);
        out.extend_from_slice(&self.opened_at.micros().to_be_bytes());
        for balance in [self.posted_balance, self.held_balance] {
            out.extend_from_slice(&balance.minor_units().to_be_bytes());
        }
        out.extend_from_slice(&self.postings.to_be_bytes());
    }

    pub(crate) fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let mut fields = Fields(key);
        let account = fields.account()?;
        let account = fields.end(account)?;
        let mut fields = Fields(value);
        let state = match fields.byte()? {
            1 => AccountState::Open,
            2 => AccountState::Frozen,
            3 => AccountState::Closed,
            _ => return None,
        };
        let opened_at = fields.timestamp()?;
        let (posted_balance, held_balance) = (fields.money(account.currency)?, fields.money(account.currency)?);
        let postings = fields.u64()?;
        fields.end(Self { account, state, opened_at, posted_balance, held_balance, postings })
    }
}

impl TrialLine {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.accounts.to_be_bytes());
        out.extend_from_slice(&self.balance.minor_units().to_be_bytes());
    }

    pub(crate) fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let mut fields = Fields(key);
        let (kind, currency) = (AccountKind::from_number(fields.byte()?)?, fields.currency()?);
        let (kind, currency) = fields.end((kind, currency))?;
        let mut fields = Fields(value);
        let (accounts, balance) = (fields.u64()?, fields.money(currency)?);
        fields.end(Self { kind, currency, accounts, balance })
    }
}

impl Counts {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for count in [self.payments_captured, self.payments_declined, self.payments_held] {
            out.extend_from_slice(&count.to_be_bytes());
        }
        for (currency, count) in &self.above_soft_limit {
            out.extend_from_slice(&currency.numeric().to_be_bytes());
            out.extend_from_slice(&count.to_be_bytes());
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let (payments_captured, payments_declined, payments_held) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let mut above_soft_limit = BTreeMap::new();
        while !fields.0.is_empty() {
            above_soft_limit.insert(fields.currency()?, fields.u64()?);
        }
        Some(Self { payments_captured, payments_declined, payments_held, above_soft_limit })
    }
}

pub(crate) fn write_mark(mark: ChainMark, out: &mut Vec<u8>) {
    out.extend_from_slice(&lsn(mark.lsn));
    out.extend_from_slice(&mark.digest);
}

pub(crate) fn read_mark(fields: &mut Fields<'_>) -> Option<ChainMark> {
    Some(ChainMark { lsn: fields.lsn()?, digest: fields.array()? })
}

/// Format and journal.
pub(crate) fn read_identity(bytes: &[u8]) -> Option<(u32, [u8; 16])> {
    let mut fields = Fields(bytes);
    let identity = (fields.u32()?, fields.array()?);
    fields.end(identity)
}
