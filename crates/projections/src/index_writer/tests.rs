//! Boards over an index and boards all in memory are the same, whatever happens to the store.

mod ledger;
mod reads;

use std::{collections::BTreeSet, io, thread};

use domain::{AccountId, ChainMark, Command, Lsn, MerchantId, TenantId};
use index::{DirectoryStore, MemoryStore, Store, Table, Write, concerned};
use money::Currency;

use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use tempfile::TempDir;

use crate::{
    AccountState, Boards, IndexError, PaymentFilter, PaymentView, Projector,
    script::{Script, digest},
};

use super::*;
use ledger::{Ledger, Step, step};
use reads::assert_same;

const JOURNAL: [u8; 16] = [7; 16];
const HOT_RECORDS: usize = 3;
const WATCH_RECORDS: usize = 8;

#[derive(Clone, Debug)]
enum Act {
    Record(Step),
    /// The records behind the last batch of the journal are a batch.
    EndBatch,
    /// What has come so far is handed over: records, and before or after them the marks.
    HandOver {
        marks_first: bool,
    },
    /// Nothing more is at hand.
    Settle,
    Persist,
    Crash,
    RefuseWrites(bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => step().prop_map(Act::Record),
        6 => Just(Act::EndBatch),
        6 => any::<bool>().prop_map(|marks_first| Act::HandOver { marks_first }),
        3 => Just(Act::Settle),
        1 => Just(Act::Persist),
        1 => Just(Act::Crash),
        1 => any::<bool>().prop_map(Act::RefuseWrites),
    ]
}

/// One ledger, and both kinds of boards over it.
struct Twins {
    ledger: Ledger,
    marks: Vec<ChainMark>,
    /// How many of the marks were handed over.
    marked: usize,
    store: MemoryStore,
    plain: Projector,
    hot: Projector,
}

fn begin(store: &MemoryStore) -> Projector {
    let index = Index::open(Arc::new(store.clone()), JOURNAL).unwrap();
    Projector::with_index(index, HOT_RECORDS, WATCH_RECORDS).unwrap()
}

impl Twins {
    fn new() -> Self {
        let store = MemoryStore::new();
        Self {
            ledger: Ledger::new(),
            marks: Vec::new(),
            marked: 0,
            hot: begin(&store),
            store,
            plain: Projector::with_watch_retained(WATCH_RECORDS),
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Record(step) => self.ledger.write(step),
            Act::EndBatch => {
                let lsn = self.ledger.script.lsn();
                if self.marks.last().is_none_or(|last| last.lsn < lsn) {
                    let byte = u8::try_from(lsn.get() % 251).unwrap();
                    self.marks.push(ChainMark { lsn, digest: [byte; 32] });
                }
            }
            Act::HandOver { marks_first } => self.hand_over(*marks_first),
            Act::Settle => {
                self.hot.settle();
                assert_same(&self.ledger, &self.plain.boards(), &self.hot.boards());
            }
            Act::Persist => drop(self.store.persist()),
            Act::Crash => {
                self.store.refuse_writes(None);
                self.store.crash();
                self.hot = begin(&self.store);
                // The journal is read again from a place before the index ends.
                let from = self.hot.applied().get().saturating_sub(2);
                let (plain, hot) = (self.plain.applied(), &mut self.hot);
                let marks = self.marks[..self.marked].iter().filter(|mark| mark.lsn.get() > from);
                marks.for_each(|mark| hot.chained(*mark));
                let records = self.ledger.script.records.iter();
                let again: Vec<_> =
                    records.filter(|record| record.lsn.get() > from && record.lsn <= plain).cloned().collect();
                hot.apply_batch(&again).unwrap();
                assert_same(&self.ledger, &self.plain.boards(), &self.hot.boards());
            }
            Act::RefuseWrites(refuse) => self.store.refuse_writes(refuse.then_some(io::ErrorKind::StorageFull)),
        }
    }

    fn hand_over(&mut self, marks_first: bool) {
        let applied = self.plain.applied();
        let records = self.ledger.script.records.iter().filter(|record| record.lsn > applied);
        let records: Vec<_> = records.cloned().collect();
        let marks = &self.marks[self.marked..];
        self.marked = self.marks.len();
        for projector in [&mut self.plain, &mut self.hot] {
            if marks_first {
                marks.iter().for_each(|mark| projector.chained(*mark));
            }
            projector.apply_batch(&records).unwrap();
            if !marks_first {
                marks.iter().for_each(|mark| projector.chained(*mark));
            }
        }
        assert_same(&self.ledger, &self.plain.boards(), &self.hot.boards());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn boards_over_an_index_show_what_boards_in_memory_show(acts in vec(act(), 0..100)) {
        let mut twins = Twins::new();
        for act in &acts {
            twins.act(act);
        }
        twins.act(&Act::HandOver { marks_first: true });
        twins.act(&Act::Crash);
    }
}

/// Writes down so many steps that a seed chooses.
fn some_ledger(steps: usize) -> Ledger {
    let mut runner = TestRunner::deterministic();
    let mut ledger = Ledger::new();
    for _ in 0..steps {
        ledger.write(&step().new_tree(&mut runner).unwrap().current());
    }
    ledger
}

fn mark(record: &Record) -> ChainMark {
    ChainMark { lsn: record.lsn, digest: [3; 32] }
}

/// Hands over these records, as batches of the journal of `count` records each, and has them written.
fn hand_over(projector: &mut Projector, records: &[Arc<Record>], count: usize) {
    for batch in records.chunks(count) {
        batch.last().into_iter().for_each(|last| projector.chained(mark(last)));
        projector.apply_batch(batch).unwrap();
        projector.settle();
    }
}

#[test]
fn boards_over_a_directory_are_the_same_after_each_opening() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("index");
    let ledger = some_ledger(120);
    let mut plain = Projector::with_watch_retained(WATCH_RECORDS);
    for records in ledger.script.records.chunks(50) {
        hand_over(&mut plain, records, 7);
        let store = Arc::new(DirectoryStore::open(&path).unwrap());
        let index = Index::open(store, JOURNAL).unwrap();
        let mut hot = Projector::with_index(index.clone(), HOT_RECORDS, WATCH_RECORDS).unwrap();
        hand_over(&mut hot, records, 7);
        assert_same(&ledger, &plain.boards(), &hot.boards());
        index.persist().unwrap();
    }
}

#[test]
fn what_is_old_and_written_is_not_in_memory() {
    let ledger = some_ledger(300);
    let mut hot = begin(&MemoryStore::new());
    hand_over(&mut hot, &ledger.script.records, 5);
    let boards = hot.boards();
    let touched: BTreeSet<_> =
        ledger.script.records.iter().rev().take(HOT_RECORDS).flat_map(|record| concerned(record)).collect();
    let (payments, others) = boards.payments.in_memory();
    assert_eq!(payments, touched.into_iter().collect::<Vec<_>>());
    assert!(others <= 2 * HOT_RECORDS + payments.len(), "{others} orders and keys");
    // The ring for watches and the test hold records too; nothing else does.
    let old = &ledger.script.records[..ledger.script.records.len() - 100];
    assert!(
        old.iter().filter(|record| record.command.payment_id().is_none()).all(|record| Arc::strong_count(record) == 1)
    );
}

#[test]
fn an_index_that_takes_nothing_costs_memory_and_no_read() {
    let ledger = some_ledger(100);
    let (first, rest) = ledger.script.records.split_at(40);
    let store = MemoryStore::new();
    let (mut plain, mut hot) = (Projector::with_watch_retained(WATCH_RECORDS), begin(&store));
    hand_over(&mut hot, first, 5);
    let index = Index::open(Arc::new(store.clone()), JOURNAL).unwrap();
    let written = index.applied().unwrap();
    store.refuse_writes(Some(io::ErrorKind::StorageFull));
    hand_over(&mut hot, rest, 5);
    for records in [first, rest] {
        hand_over(&mut plain, records, 5);
    }
    assert_same(&ledger, &plain.boards(), &hot.boards());
    let failure = hot.boards().index_failure();
    assert!(matches!(failure.as_deref(), Some(IndexError::Store { tried: "write", .. })), "{failure:?}");
    assert_eq!(index.applied().unwrap(), written);
    store.refuse_writes(None);
    hot.settle();
    assert!(hot.boards().index_failure().is_none());
    assert_eq!(index.applied().unwrap(), ledger.script.records.last().map(|last| mark(last)));
    assert_same(&ledger, &plain.boards(), &hot.boards());
}

#[test]
fn records_without_an_end_of_a_batch_stay_in_memory() {
    let ledger = some_ledger(30);
    let store = MemoryStore::new();
    let mut hot = begin(&store);
    hot.apply_batch(&ledger.script.records).unwrap();
    let index = Index::open(Arc::new(store), JOURNAL).unwrap();
    assert_eq!(index.applied().unwrap(), None);
    hot.chained(mark(ledger.script.records.last().unwrap()));
    hot.settle();
    assert_eq!(index.applied().unwrap().map(|mark| mark.lsn), Some(ledger.script.lsn()));
}

#[test]
fn a_record_that_needs_what_cannot_be_read_is_not_folded() {
    let mut script = Script::default();
    let (payable, payer) = (script.register(Currency::HKD), script.open(Currency::HKD));
    script.deposit(payer, 1_000);
    let payment = script.authorize(payer, payable, 10);
    (0..9).for_each(|_| script.deposit(payer, 1));
    let written = script.records.len();
    script.capture_part(payment, 10);
    let store = MemoryStore::new();
    let mut hot = begin(&store);
    hand_over(&mut hot, &script.records[..written], 1);
    let key = Lsn::new(4).get().to_be_bytes();
    let decided = store.get(Table::Records, &key).unwrap();
    store.write(&[Write { table: Table::Records, key: &key, value: Some(b"torn") }]).unwrap();
    let damaged = hot.apply_batch(&script.records[written..]).unwrap_err();
    assert!(matches!(damaged, IndexError::Damaged { table: Table::Records, .. }), "{damaged}");
    let boards = hot.boards();
    assert_eq!(boards.applied_lsn(), script.records[written - 1].lsn);
    assert!(boards.payment(payment).is_err() && boards.list(None, &PaymentFilter::default(), Lsn::ZERO, 9, 9).is_err());
    store.write(&[Write { table: Table::Records, key: &key, value: decided.as_deref() }]).unwrap();
    hot.apply_batch(&script.records[written..]).unwrap();
    assert_eq!(boards.payment(payment).unwrap().and_then(|view| view.totals().copied()), Some(script.totals(payment)));
}

/// A payment that holds order 77 and one declined for it, and later the first one voided and its key used again. With the
/// number of records before these two.
fn held_then_freed() -> (Script, AccountId, usize) {
    let mut script = Script::default();
    let (payable, payer) = (script.register(Currency::HKD), script.open(Currency::HKD));
    script.deposit(payer, 1_000);
    let payment = script.authorize_order(payer, payable, 10, Some(77));
    let key = script.records.last().and_then(|record| record.key);
    script.decline_order(payer, payable, Some(77));
    let before = script.records.len();
    script.void(payment);
    script.deposit(payer, 1);
    let last = script.records.pop().unwrap();
    script.records.push(Arc::new(Record { key, ..Record::clone(&last) }));
    (script, payable, before)
}

fn check_freed(boards: &Boards, payable: AccountId, freed: bool) {
    let merchant = MerchantId(payable.index);
    let number = |view: PaymentView| view.payment_id().bytes()[0];
    let under_key = boards.payment_by_key(TenantId::Merchant(merchant), digest(1)).unwrap().map(number);
    let shown = boards.payment_by_order(merchant, digest(77)).unwrap().map(number);
    assert_eq!((under_key, shown), if freed { (None, Some(2)) } else { (Some(1), Some(1)) });
}

#[test]
fn a_key_used_again_and_an_order_freed_are_seen_from_the_index_too() {
    let (mut script, payable, before) = held_then_freed();
    let freed = script.records.len();
    let payer = script.open(Currency::HKD);
    (0..9).for_each(|_| script.deposit(payer, 1));
    for mut projector in [Projector::new(), begin(&MemoryStore::new())] {
        let boards = projector.boards();
        hand_over(&mut projector, &script.records[..before], 1);
        check_freed(&boards, payable, false);
        hand_over(&mut projector, &script.records[before..freed], 1);
        check_freed(&boards, payable, true);
        hand_over(&mut projector, &script.records[freed..], 1);
        check_freed(&boards, payable, true);
    }
}

#[test]
fn what_was_touched_again_and_is_not_written_stays_in_memory() {
    let (mut script, payable, before) = held_then_freed();
    let payer = script.open(Currency::HKD);
    (0..9).for_each(|_| script.deposit(payer, 1));
    let mut hot = begin(&MemoryStore::new());
    // What came before is written and leaves; the rest belongs to a batch of the journal that has not ended.
    hot.chained(mark(&script.records[before - 1]));
    hot.apply_batch(&script.records).unwrap();
    check_freed(&hot.boards(), payable, true);
    hot.chained(mark(script.records.last().unwrap()));
    hot.settle();
    check_freed(&hot.boards(), payable, true);
}

#[test]
fn an_account_begins_again_as_it_stood() {
    let mut script = Script::default();
    let store = MemoryStore::new();
    let accounts = [(); 4].map(|()| script.open(Currency::HKD));
    script.freeze(accounts[1]);
    script.freeze(accounts[2]);
    script.close(accounts[3]);
    let mut hot = begin(&store);
    for (number, record) in script.records.iter().enumerate() {
        hand_over(&mut hot, std::slice::from_ref(record), 1);
        let again = begin(&store).boards();
        assert!(accounts.iter().all(|account| again.account(*account) == hot.boards().account(*account)), "{number}");
    }
    script.unfreeze(accounts[2]);
    hand_over(&mut hot, &script.records[script.records.len() - 1..], 1);
    let again = begin(&store).boards();
    let states = accounts.map(|account| again.account(account).map(|summary| summary.state));
    let expected = [AccountState::Open, AccountState::Frozen, AccountState::Open, AccountState::Closed];
    assert_eq!(states, expected.map(Some));
}

/// What a reader of these boards sees of the records up to where they are.
fn read_all(boards: &Boards, ledger: &Ledger) {
    let applied = boards.applied_lsn();
    let records = || ledger.script.records.iter().filter(|record| record.lsn <= applied);
    let decided = records().filter(|record| matches!(record.command, Command::AuthorizePayment(_)));
    let listed = boards.list(None, &PaymentFilter::default(), Lsn::ZERO, usize::MAX, usize::MAX).unwrap();
    assert!(listed.payments.len() >= decided.count());
    for record in records() {
        for payment in concerned(record) {
            let view = boards.payment(payment).unwrap().expect("it was applied");
            assert!(view.decided().lsn <= record.lsn);
            assert!(boards.payment_at(payment, record.lsn).unwrap().is_some());
        }
        if let Some(key) = record.key {
            assert!(boards.payment_by_key(key.tenant, key.digest).unwrap().is_some());
        }
    }
    for account in ledger.payers.iter().chain(&ledger.payables) {
        let rows = boards.postings(*account, 0, usize::MAX).unwrap().rows;
        let theirs = |record: &Arc<Record>| {
            record.postings().filter(|(_, posting)| [posting.debit(), posting.credit()].contains(account)).count()
        };
        assert!(rows.len() >= records().map(theirs).sum());
    }
}

#[test]
fn a_reader_never_misses_what_is_on_its_way_to_the_index() {
    let directory = TempDir::new().unwrap();
    let store = Arc::new(DirectoryStore::open(&directory.path().join("index")).unwrap());
    let ledger = some_ledger(200);
    let mut hot = Projector::with_index(Index::open(store, JOURNAL).unwrap(), 0, WATCH_RECORDS).unwrap();
    let boards = hot.boards();
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            while boards.applied_lsn() < ledger.script.lsn() {
                read_all(&boards, &ledger);
            }
        });
        hand_over(&mut hot, &ledger.script.records, 2);
        reading.join().unwrap();
    });
    read_all(&boards, &ledger);
}
