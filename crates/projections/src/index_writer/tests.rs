//! Boards over an index and boards all in memory are the same, whatever happens to the store.

mod ledger;
mod reads;

use std::{collections::BTreeSet, io};

use domain::{ChainMark, Lsn};
use index::{DirectoryStore, MemoryStore, Store, Table, Write, concerned};
use money::Currency;

use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use tempfile::TempDir;

use crate::{IndexError, PaymentFilter, Projector, script::Script};

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
    Persist,
    Crash,
    RefuseWrites(bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => step().prop_map(Act::Record),
        6 => Just(Act::EndBatch),
        6 => any::<bool>().prop_map(|marks_first| Act::HandOver { marks_first }),
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
                projector.apply_batch(&[]).unwrap();
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

/// Hands over these records, as batches of the journal of `count` records each.
fn hand_over(projector: &mut Projector, records: &[Arc<Record>], count: usize) {
    for batch in records.chunks(count) {
        batch.last().into_iter().for_each(|last| projector.chained(mark(last)));
        projector.apply_batch(batch).unwrap();
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
    assert_eq!(boards.payments.in_memory(), touched.into_iter().collect::<Vec<_>>());
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
    hot.apply_batch(&[]).unwrap();
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
    hot.apply_batch(&[]).unwrap();
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
