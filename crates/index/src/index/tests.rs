use std::{io, path::Path};

use domain::{
    AuthorizePayment, CaptureMode, CapturePayment, CaptureRest, Command, Consent, Conversions, Converted, Decline,
    DeclineReason, Event, Evidence, FIELDS_MAX, Fingerprint, HoldExpired, IdempotencyKey, Label, Method, PaymentAmount,
    PaymentState, PaymentTotals, Timestamp, WalletId,
};
use money::{Currency, Money};
use tempfile::TempDir;

use super::*;
use crate::{AccountState, Batch, DirectoryStore, MemoryStore};

const JOURNAL: [u8; 16] = [7; 16];

fn record(number: u64, key: Option<IdempotencyKey>, command: Command, event: Event) -> Record {
    let at = Timestamp::from_micros(i64::try_from(number).unwrap() * 10);
    Record { lsn: Lsn::new(number), at, key, command, event }
}

fn payment(byte: u8) -> PaymentId {
    PaymentId::from_bytes([byte; 16])
}

fn key(tenant: TenantId, byte: u8) -> IdempotencyKey {
    let fingerprint = Fingerprint { method: Method::Authorize, request: Digest([byte; 16]), fields: [0; FIELDS_MAX] };
    IdempotencyKey { tenant, digest: Digest([byte; 16]), fingerprint }
}

fn declined() -> Event {
    Event::Declined(Decline { reason: DeclineReason::InsufficientBalance, paid_by: None })
}

fn decided(number: u64, byte: u8, merchant: u32) -> Record {
    let within = Conversions { debit: Converted::SameCurrency, settlement: Converted::SameCurrency };
    let command = AuthorizePayment {
        payment_id: payment(byte),
        merchant: MerchantId(merchant),
        merchant_order_id: Label::new("order").unwrap(),
        merchant_order_digest: Digest([byte; 16]),
        presentment_amount: Money::new(Currency::HKD, 1),
        payer: Evidence::Present(account(0)),
        converted: Evidence::Present(within),
        offer: None,
        capture_mode: CaptureMode::Manual,
        consent: Consent::PayerNamed,
        debit_amount_max: None,
        sandbox_decline: None,
    };
    let tenant = TenantId::Merchant(MerchantId(merchant));
    record(number, Some(key(tenant, byte)), Command::AuthorizePayment(command), declined())
}

fn refused_capture(number: u64, byte: u8, key: Option<IdempotencyKey>) -> Record {
    let command = CapturePayment {
        merchant: MerchantId(1),
        payment_id: payment(byte),
        amount: Money::new(Currency::HKD, 1),
        rest: CaptureRest::Kept,
    };
    record(number, key, Command::CapturePayment(command), declined())
}

fn expired(number: u64, bytes: &[u8]) -> Record {
    let zero = Money::zero(Currency::HKD);
    let amount = PaymentAmount { presentment: zero, debit: zero, settlement: zero };
    let after = PaymentTotals {
        state: PaymentState::Expired,
        authorized: amount,
        captured: amount,
        refunded: amount,
        held: zero,
    };
    let holds = bytes.iter().map(|byte| HoldExpired { payment_id: payment(*byte), after });
    record(number, None, Command::ExpireHolds, Event::HoldsExpired(holds.collect()))
}

fn mark(number: u64) -> ChainMark {
    ChainMark { lsn: Lsn::new(number), digest: [u8::try_from(number).unwrap(); 32] }
}

fn account(index: u32) -> AccountId {
    AccountId { kind: domain::AccountKind::Wallet, currency: Currency::HKD, index }
}

/// Writes these records as one batch of the journal.
fn write(index: &Index, records: &[Record]) {
    let mut batch = Batch::default();
    records.iter().for_each(|record| batch.record(record));
    assert_eq!(batch.records(), records.len());
    let last = records.last().map_or(0, |record| record.lsn.get());
    batch.chain(mark(last));
    index.write(&batch.close(mark(last))).unwrap();
}

fn in_memory() -> Index {
    Index::open(Arc::new(MemoryStore::new()), JOURNAL).unwrap()
}

/// Both kinds of stores do the same.
fn each_store(check: impl Fn(Arc<dyn Store>)) {
    check(Arc::new(MemoryStore::new()));
    let directory = TempDir::new().unwrap();
    check(Arc::new(DirectoryStore::open(&directory.path().join("index")).unwrap()));
}

fn put(table: Table, key: &'static [u8], value: &'static [u8]) -> Write<'static> {
    Write { table, key, value: Some(value) }
}

#[test]
fn a_store_gives_back_what_was_written_in_the_order_of_keys() {
    each_store(|store| {
        let rows = [put(Table::Keys, &[1], b"a"), put(Table::Keys, &[1, 0], b"b"), put(Table::Keys, &[2], b"c")];
        store.write(&rows).unwrap();
        store.write(&[put(Table::Orders, &[1, 1], b"d"), put(Table::Keys, &[3], b"e")]).unwrap();
        store.write(&[Write { table: Table::Keys, key: &[2], value: None }, put(Table::Keys, &[3], b"f")]).unwrap();
        assert_eq!(store.get(Table::Keys, &[1]).unwrap().as_deref(), Some(&b"a"[..]));
        assert_eq!(store.get(Table::Keys, &[2]).unwrap(), None);
        assert_eq!(store.get(Table::Orders, &[1]).unwrap(), None);
        let scan = |range: std::ops::RangeInclusive<&[u8]>, direction, limit| -> Vec<Vec<u8>> {
            let rows = store.scan(Table::Keys, range, direction, limit).unwrap();
            rows.into_iter().map(|(_, value)| value).collect()
        };
        assert_eq!(scan(&[]..=&[9], Direction::Ascending, 9), [b"a", b"b", b"f"]);
        assert_eq!(scan(&[]..=&[9], Direction::Descending, 2), [b"f", b"b"]);
        assert_eq!(scan(&[1, 0]..=&[3], Direction::Ascending, 1), [b"b"]);
        assert_eq!(scan(&[1]..=&[1], Direction::Descending, 9), [b"a"]);
        assert!(scan(&[3]..=&[1], Direction::Ascending, 9).is_empty());
        assert!(scan(&[0]..=&[9], Direction::Ascending, 0).is_empty());
        store.persist().unwrap();
    });
}

#[test]
fn a_record_is_found_by_all_that_leads_to_it() {
    each_store(|store| {
        let index = Index::open(store, JOURNAL).unwrap();
        assert_eq!((index.applied().unwrap(), index.record(Lsn::new(1)).unwrap()), (None, None));
        let records =
            [decided(1, 1, 5), decided(2, 2, 6), decided(3, 3, 5), refused_capture(4, 1, None), expired(5, &[1, 3])];
        write(&index, &records);
        assert_eq!(index.applied().unwrap(), Some(mark(5)));
        for record in &records {
            assert_eq!(index.record(record.lsn).unwrap().as_deref(), Some(record));
        }
        let lsns = |lsns: &[u64]| lsns.iter().copied().map(Lsn::new).collect::<Vec<_>>();
        assert_eq!(index.payment_records(payment(1)).unwrap(), lsns(&[1, 4, 5]));
        assert_eq!(index.payment_records(payment(3)).unwrap(), lsns(&[3, 5]));
        assert!(index.payment_records(payment(9)).unwrap().is_empty());
        let decided = |merchant, after, up_to, limit| -> Vec<Lsn> {
            let found = index.decided(merchant, (Lsn::new(after), Lsn::new(up_to)), limit).unwrap();
            found.into_iter().map(|payment| payment.lsn).collect()
        };
        assert_eq!(decided(None, 0, 9, 9), lsns(&[1, 2, 3]));
        assert_eq!(decided(None, 1, 9, 1), lsns(&[2]));
        assert_eq!(decided(Some(MerchantId(5)), 0, 9, 9), lsns(&[1, 3]));
        assert_eq!(decided(Some(MerchantId(5)), 1, 2, 9), lsns(&[]));
        assert_eq!(decided(None, u64::MAX, 9, 9), lsns(&[]));
        let after_two = index.records(Lsn::new(2), Lsn::new(4), 9).unwrap();
        assert_eq!(after_two.iter().map(|record| record.lsn).collect::<Vec<_>>(), lsns(&[3, 4]));
        assert_eq!(index.chain_at(Lsn::new(2)).unwrap(), Some(mark(5)));
        assert_eq!(index.chain_at(Lsn::new(6)).unwrap(), None);
    });
}

#[test]
fn a_key_leads_to_the_last_record_made_under_it() {
    let index = in_memory();
    let merchant = TenantId::Merchant(MerchantId(5));
    write(&index, &[decided(1, 1, 5)]);
    let under = |tenant, byte| index.record_under_key(tenant, &Digest([byte; 16])).unwrap();
    assert_eq!(under(merchant, 1), Some(Lsn::new(1)));
    let others =
        [TenantId::Operator, TenantId::Switch, TenantId::Wallet(WalletId(5)), TenantId::Merchant(MerchantId(6))];
    assert!(others.iter().all(|tenant| under(*tenant, 1).is_none()));
    write(&index, &[refused_capture(2, 1, Some(key(merchant, 1)))]);
    assert_eq!((under(merchant, 1), under(merchant, 2)), (Some(Lsn::new(2)), None));
}

#[test]
fn an_order_says_which_payment_to_show() {
    let index = in_memory();
    let (merchant, order) = (MerchantId(5), Digest([1; 16]));
    assert_eq!(index.order_shown(merchant, &order).unwrap(), None);
    let held =
        OrderRow { shown: (Lsn::new(3), payment(1)), is_held: true, declined_since: Some((Lsn::new(4), payment(2))) };
    for row in [held, OrderRow { is_held: false, declined_since: None, ..held }] {
        let mut batch = Batch::default();
        batch.order(merchant, &order, &row);
        index.write(&batch.close(mark(4))).unwrap();
        assert_eq!(index.order(merchant, &order).unwrap(), Some(row));
        assert_eq!(index.order_shown(merchant, &order).unwrap(), Some(Lsn::new(3)));
    }
    assert_eq!(index.order_shown(MerchantId(6), &order).unwrap(), None);
}

#[test]
fn lists_are_read_from_any_place_and_miss_no_row() {
    let index = in_memory();
    let pair = |debit| CurrencyPair { presentment: Currency::CNY, debit };
    let place = |number| PlaceInRecord { lsn: Lsn::new(number), index: 0 };
    let posting = |number| PostingRow { place: place(number), posted_balance: Money::new(Currency::HKD, -5) };
    let mut batch = Batch::default();
    for number in 0..5 {
        batch.posting(account(1), number, &posting(number));
        batch.rate(pair(Currency::HKD), number, place(number));
    }
    batch.posting(account(1), 6, &posting(6));
    batch.rate(pair(Currency::EUR), 0, place(9));
    index.write(&batch.close(mark(9))).unwrap();
    assert_eq!(index.postings(account(1), 2, 4).unwrap(), [posting(2), posting(3)]);
    assert!(index.postings(account(2), 3, 3).unwrap().is_empty());
    assert_eq!(index.rates(pair(Currency::HKD), 4, 5).unwrap(), [place(4)]);
    let mut counts = index.rate_counts().unwrap();
    counts.sort();
    let mut expected = [(pair(Currency::HKD), 5), (pair(Currency::EUR), 1)];
    expected.sort();
    assert_eq!(counts, expected);
    let gap = index.postings(account(1), 4, 7).unwrap_err();
    assert!(matches!(gap, Error::Damaged { table: Table::Postings, .. }), "{gap}");
}

#[test]
fn what_stands_as_it_is_now_is_read_back() {
    each_store(|store| {
        let index = Index::open(store, JOURNAL).unwrap();
        assert_eq!(index.counts().unwrap(), Counts::default());
        let row = |number: u32, state| AccountRow {
            account: account(number),
            state,
            opened_at: Timestamp::from_micros(-3),
            posted_balance: Money::new(Currency::HKD, 12),
            held_balance: Money::new(Currency::HKD, 2),
            postings: 4,
        };
        let rows = [row(0, AccountState::Open), row(1, AccountState::Frozen), row(u32::MAX, AccountState::Closed)];
        let counts = Counts {
            payments_captured: 1,
            payments_declined: 2,
            payments_held: 3,
            above_soft_limit: [(Currency::HKD, 4), (Currency::EUR, 5)].into(),
        };
        let line = TrialLine {
            kind: domain::AccountKind::Nostro,
            currency: Currency::EUR,
            accounts: 1,
            balance: Money::new(Currency::EUR, i128::MIN),
        };
        let mut batch = Batch::default();
        rows.iter().for_each(|row| batch.account(row));
        batch.counts(&counts);
        batch.trial_line(&line);
        index.write(&batch.close(mark(9))).unwrap();
        let mut found = Vec::new();
        index.each_account(|row| found.push(row)).unwrap();
        assert_eq!((found.as_slice(), index.counts().unwrap()), (&rows[..], counts));
        assert_eq!(index.trial_balance().unwrap(), [line]);
    });
}

#[test]
fn a_crash_loses_exactly_what_was_not_persisted() {
    let store = MemoryStore::new();
    let index = Index::open(Arc::new(store.clone()), JOURNAL).unwrap();
    write(&index, &[decided(1, 1, 5)]);
    index.persist().unwrap();
    write(&index, &[decided(2, 1, 5)]);
    write(&index, &[decided(3, 2, 5)]);
    store.crash();
    let index = Index::open(Arc::new(store), JOURNAL).unwrap();
    assert_eq!(index.applied().unwrap(), Some(mark(1)));
    assert_eq!(index.record(Lsn::new(2)).unwrap(), None);
    let under = index.record_under_key(TenantId::Merchant(MerchantId(5)), &Digest([1; 16]));
    assert_eq!(under.unwrap(), Some(Lsn::new(1)), "what was replaced is there again");
}

#[test]
fn a_filter_changes_nothing_of_what_is_found() {
    each_store(|store| {
        let index = Index::open(Arc::clone(&store), JOURNAL).unwrap();
        write(&index, &[decided(1, 1, 5), decided(2, 2, 5)]);
        let filtered = index.clone().with_filter(64);
        let same = |digests: std::ops::Range<u8>| {
            for digest in digests.map(|byte| Digest([byte; 16])) {
                let under_key =
                    |index: &Index| index.record_under_key(TenantId::Merchant(MerchantId(5)), &digest).unwrap();
                assert_eq!(under_key(&filtered), under_key(&index), "{digest:?}");
                let order = |index: &Index| index.order_shown(MerchantId(5), &digest).unwrap();
                assert_eq!(order(&filtered), order(&index), "{digest:?}");
            }
        };
        same(0..9);
        filtered.load_filter(|| false).unwrap();
        same(0..9);
        write(&filtered, &[decided(3, 3, 5)]);
        filtered.load_filter(|| true).unwrap();
        same(0..9);
        write(&filtered, &[decided(4, 4, 5)]);
        same(0..9);
    });
}

#[test]
fn a_write_that_is_refused_wrote_nothing() {
    let store = MemoryStore::new();
    let index = Index::open(Arc::new(store.clone()), JOURNAL).unwrap();
    store.refuse_writes(Some(io::ErrorKind::StorageFull));
    let mut batch = Batch::default();
    batch.record(&decided(1, 1, 5));
    let batch = batch.close(mark(1));
    let refused = index.write(&batch).unwrap_err();
    assert!(matches!(refused, Error::Store { tried: "write", .. }) && !refused.is_cured_by_rebuilding());
    assert!(index.persist().is_err());
    assert_eq!(index.record(Lsn::new(1)).unwrap(), None);
    store.refuse_writes(None);
    index.write(&batch).unwrap();
    assert!(index.record(Lsn::new(1)).unwrap().is_some());
}

#[test]
fn an_index_of_something_else_is_refused() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let open = |journal| Index::open(Arc::clone(&store), journal);
    open([8; 16]).unwrap();
    open(JOURNAL).unwrap().write(&Batch::default().close(mark(1))).unwrap();
    open(JOURNAL).unwrap();
    let refused = open([8; 16]).unwrap_err();
    assert!(matches!(refused, Error::OfAnotherJournal { found: JOURNAL, .. }) && refused.is_cured_by_rebuilding());
    let later = [&(FORMAT_VERSION + 1).to_be_bytes()[..], &JOURNAL].concat();
    store.write(&[Write { table: Table::Meta, key: IDENTITY, value: Some(&later) }]).unwrap();
    let refused = open(JOURNAL).unwrap_err();
    assert!(matches!(refused, Error::OfAnotherFormat { .. }) && refused.is_cured_by_rebuilding());
    store.write(&Batch::default().close(mark(3)).writes()).unwrap();
    store.write(&[Write { table: Table::Meta, key: IDENTITY, value: None }]).unwrap();
    assert!(matches!(open(JOURNAL).unwrap_err(), Error::Damaged { table: Table::Meta, .. }));
}

/// Every read that meets this row, and what it says.
fn reads(index: &Index) -> Vec<Result<(), Error>> {
    let pair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
    vec![
        index.applied().map(drop),
        index.record(Lsn::new(1)).map(drop),
        index.records(Lsn::ZERO, LAST_LSN, 9).map(drop),
        index.record_under_key(TenantId::Operator, &Digest([1; 16])).map(drop),
        index.payment_records(payment(1)).map(drop),
        index.order(MerchantId(5), &Digest([1; 16])).map(drop),
        index.decided(None, (Lsn::ZERO, LAST_LSN), 9).map(drop),
        index.decided(Some(MerchantId(5)), (Lsn::ZERO, LAST_LSN), 9).map(drop),
        index.postings(account(1), 0, 1).map(drop),
        index.rates(pair, 0, 1).map(drop),
        index.rate_counts().map(drop),
        index.chain_at(Lsn::new(1)).map(drop),
        index.each_account(drop),
        index.trial_balance().map(drop),
        index.counts().map(drop),
    ]
}

#[test]
fn bytes_that_cannot_be_right_are_an_error() {
    let pair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
    let keys = [
        (Table::Records, rows::lsn(Lsn::new(1)).to_vec()),
        (Table::Payments, [rows::payment_key(payment(1), Lsn::new(1)).as_slice(), &[0]].concat()),
        (Table::Keys, rows::tenant_key(TenantId::Operator, &Digest([1; 16])).to_vec()),
        (Table::Orders, rows::order_key(MerchantId(5), &Digest([1; 16])).to_vec()),
        (Table::Decided, rows::lsn(Lsn::new(1)).to_vec()),
        (Table::MerchantDecided, List::MerchantDecided(MerchantId(5)).key(1)),
        (Table::Postings, List::Postings(account(1)).key(0)),
        (Table::Rates, rows::rate_key(rows::pair_number(pair), 0).to_vec()),
        (Table::Chain, rows::lsn(Lsn::new(1)).to_vec()),
        (Table::Accounts, rows::account_key(account(1)).to_vec()),
        (Table::TrialBalance, rows::trial_key(domain::AccountKind::Nostro, Currency::HKD).to_vec()),
        (Table::Meta, APPLIED.to_vec()),
        (Table::Meta, COUNTS.to_vec()),
    ];
    for (table, key) in &keys {
        for length in [1, 7, 23, 26, 33, 48, 50, 200] {
            for byte in [0, 1, 9, u8::MAX] {
                let store = MemoryStore::new();
                let index = Index::open(Arc::new(store.clone()), JOURNAL).unwrap();
                store.write(&[Write { table: *table, key, value: Some(&vec![byte; length]) }]).unwrap();
                let mut failed: Vec<_> = reads(&index).into_iter().filter_map(Result::err).collect();
                failed.retain(|error| !error.to_string().contains("0 of 1 entries"));
                let damaged = |error: &Error| matches!(error, Error::Damaged { table: at, .. } if at == table);
                assert!(failed.iter().all(damaged) && failed.iter().all(Error::is_cured_by_rebuilding));
                // No table but this has rows that any bytes of some length can be.
                let can_be_right = *table == Table::Meta && key == COUNTS && length == 200;
                assert!(!failed.is_empty() || can_be_right, "{table}: {length} times {byte}");
            }
        }
    }
}

#[test]
fn a_record_in_the_place_of_another_is_damage() {
    let store = MemoryStore::new();
    let index = Index::open(Arc::new(store.clone()), JOURNAL).unwrap();
    let mut bytes = Vec::new();
    rows::write_record(&decided(2, 1, 5), &mut bytes);
    store.write(&[Write { table: Table::Records, key: &rows::lsn(Lsn::new(1)), value: Some(&bytes) }]).unwrap();
    let damaged = index.record(Lsn::new(1)).unwrap_err();
    assert!(damaged.to_string().contains("it holds record 2"), "{damaged}");
    let missing = index.record_led_to(Lsn::new(2)).unwrap_err();
    assert!(matches!(missing, Error::Damaged { table: Table::Records, .. }), "{missing}");
}

#[test]
fn a_long_list_is_read_from_any_place_in_any_portion() {
    each_store(|store| {
        let index = Index::open(store, JOURNAL).unwrap();
        // Batches of all sizes: some fill several rows, some begin in the middle of one.
        let mut lsn = 0;
        for count in [1, 700, 2, 300, 90, 1_200] {
            let records: Vec<_> = (lsn + 1..=lsn + count).map(|number| decided(number, 1, 5)).collect();
            let mut batch = Batch::default();
            for record in &records {
                batch.record(record);
                let place = PlaceInRecord { lsn: record.lsn, index: 0 };
                let row = PostingRow { place, posted_balance: Money::new(Currency::HKD, 7) };
                batch.posting(account(1), record.lsn.get() - 1, &row);
                if record.lsn.get() % 3 == 0 {
                    batch.chain(ChainMark { lsn: record.lsn, digest: [1; 32] });
                }
            }
            lsn += count;
            index.write(&batch.close(ChainMark { lsn: Lsn::new(lsn), digest: [1; 32] })).unwrap();
        }
        for (after, up_to, limit) in [(0, lsn, 9_999), (0, lsn, 1), (700, 704, 99), (699, lsn, 600), (lsn, lsn, 9)] {
            let expected: Vec<u64> = (after + 1..=up_to).take(limit).collect();
            let range = (Lsn::new(after), Lsn::new(up_to));
            let records = index.records(range.0, range.1, limit).unwrap();
            assert_eq!(records.iter().map(|record| record.lsn.get()).collect::<Vec<_>>(), expected);
            for merchant in [None, Some(MerchantId(5))] {
                let payments = index.decided(merchant, range, limit).unwrap();
                assert_eq!(payments.iter().map(|payment| payment.lsn.get()).collect::<Vec<_>>(), expected);
            }
            let postings = index.postings(account(1), after, up_to).unwrap();
            let lsns: Vec<_> = postings.iter().map(|posting| posting.place.lsn.get()).collect();
            assert_eq!(lsns, (after + 1..=up_to).collect::<Vec<_>>());
        }
        for lsn in [1, 2, 3, 4, 702, lsn] {
            let chained = index.chain_at(Lsn::new(lsn)).unwrap().map(|mark| mark.lsn.get());
            assert_eq!(chained, (lsn..lsn + 3).find(|lsn| lsn % 3 == 0).filter(|lsn| *lsn <= 2_293));
            assert_eq!(index.record(Lsn::new(lsn)).unwrap().map(|record| record.lsn.get()), Some(lsn));
        }
    });
}

fn open_directory(path: &Path) -> Result<Index, Error> {
    Index::open(Arc::new(DirectoryStore::open(path)?), JOURNAL)
}

#[test]
fn a_directory_holds_what_was_written_and_is_removed_whole() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("index");
    DirectoryStore::remove(&path).unwrap();
    let index = open_directory(&path).unwrap();
    write(&index, &[decided(1, 1, 5), decided(2, 2, 5)]);
    index.persist().unwrap();
    let busy = open_directory(&path).unwrap_err();
    assert!(matches!(busy, Error::Directory { tried: "open", .. }) && !busy.is_cured_by_rebuilding(), "{busy}");
    drop(index);
    let index = open_directory(&path).unwrap();
    assert_eq!(index.applied().unwrap(), Some(mark(2)));
    assert_eq!(index.record(Lsn::new(2)).unwrap().as_deref(), Some(&decided(2, 2, 5)));
    drop(index);
    DirectoryStore::remove(&path).unwrap();
    assert_eq!(parent.path().read_dir().unwrap().count(), 0);
    assert_eq!(open_directory(&path).unwrap().applied().unwrap(), None);
}

/// A store that lost what one table was given last, as when bytes of its log have changed, is noticed before it is used: what
/// is folded again would stand beside what was not lost.
#[test]
fn tables_that_have_not_come_as_far_are_noticed() {
    for lost in Table::ALL {
        let store = MemoryStore::new();
        let index = Index::open(Arc::new(store.clone()), JOURNAL).unwrap();
        write(&index, &[decided(1, 1, 5)]);
        assert!(Index::open(Arc::new(store.clone()), JOURNAL).is_ok());
        let key = if lost == Table::Meta { APPLIED } else { TABLE_APPLIED };
        let before = store.get(lost, key).unwrap().unwrap();
        write(&index, &[decided(2, 2, 5)]);
        store.write(&[Write { table: lost, key, value: Some(&before) }]).unwrap();
        let opened = Index::open(Arc::new(store), JOURNAL);
        assert!(matches!(&opened, Err(why) if why.is_cured_by_rebuilding()), "{lost}: {opened:?}");
    }
}

#[test]
fn a_row_that_begins_before_the_one_before_it_ends_is_damage() {
    let index = in_memory();
    write(&index, &[decided(1, 1, 5), decided(2, 2, 5)]);
    write(&index, &[decided(2, 2, 5), decided(3, 3, 5)]);
    for found in
        [index.records(Lsn::ZERO, Lsn::new(9), 9).map(drop), index.decided(None, (Lsn::ZERO, Lsn::new(9)), 9).map(drop)]
    {
        assert!(found.unwrap_err().is_cured_by_rebuilding());
    }
}
