//! The steps of a payment's path, each alone: what it needs is made before, so that only the step itself is measured.

use std::{hint::black_box, mem, ops::RangeInclusive, sync::Arc};

use domain::{ChainMark, Lsn, Record, Stamped, Submission};
use engine::Decision;
use index::{Batch, Direction, Error, Index, Row, Store, Table, Write};
use journal::{Journal, JournalId, Options, Preparation};
use projections::Projector;
use prost::Message;
use shard::Recovery;
use wire::v1;

use crate::{Door, House, folded, journals::journal_of, make_durable};

/// How many payments go through a stage; as many payers make one each.
pub const PAYMENTS: u64 = 1_000;

/// Records in a batch of the journal: about what a group commit holds under load.
const GROUP_RECORDS: usize = 20;

/// The size of a segment, in bytes: all batches fit into one.
const SEGMENT_BYTES: u64 = 1024 * 1024;

/// Records kept in memory: all of them, so that nothing is read from the index.
const HOT_RECORDS: usize = 10_000;

/// One step of the path.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// What it is called, in the baseline too.
    pub name: &'static str,
    /// Makes what the step needs, and returns the step: to be done once, with [`PAYMENTS`] payments.
    pub prepare: fn() -> Work,
}

/// Work that was prepared.
pub type Work = Box<dyn FnMut()>;

/// Every stage, in the order a payment passes them; then what a start does, and what a payment may do later.
pub const STAGES: [Stage; 14] = [
    Stage { name: "request_decode", prepare: request_decode },
    Stage { name: "request_parse", prepare: request_parse },
    Stage { name: "pipeline", prepare: pipeline },
    Stage { name: "decide", prepare: decide },
    Stage { name: "decide_repeat", prepare: decide_repeat },
    Stage { name: "record_encode", prepare: record_encode },
    Stage { name: "journal_append", prepare: journal_append },
    Stage { name: "apply", prepare: apply },
    Stage { name: "reply", prepare: reply },
    Stage { name: "index_rows", prepare: index_rows },
    Stage { name: "projector_apply", prepare: projector_apply },
    Stage { name: "record_decode", prepare: record_decode },
    Stage { name: "recovery_fold", prepare: recovery_fold },
    Stage { name: "whole_life", prepare: whole_life },
];

impl Stage {
    /// The stage of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        STAGES.into_iter().find(|stage| stage.name == name)
    }
}

/// The bytes of a message become a message.
fn request_decode() -> Work {
    let bytes: Vec<_> = messages(&door()).iter().map(Message::encode_to_vec).collect();
    Box::new(move || {
        for bytes in &bytes {
            black_box(v1::AuthorizeRequest::decode(&bytes[..]).expect("a message"));
        }
    })
}

/// The message becomes a request, with its keyed digests.
fn request_parse() -> Work {
    let door = door();
    let messages = messages(&door);
    Box::new(move || {
        for (number, message) in (0..).zip(&messages) {
            black_box(door.request(number, message));
        }
    })
}

/// The request gathers its evidence.
fn pipeline() -> Work {
    let door = door();
    let mut requests: Vec<_> =
        (0..).zip(&messages(&door)).map(|(number, message)| door.request(number, message)).collect();
    Box::new(move || {
        for request in mem::take(&mut requests) {
            black_box(door.submission(request));
        }
    })
}

/// The engine looks at a payment under a new key.
fn decide() -> Work {
    let mut house = House::new(payers());
    let stamped = stamped_payments(&mut house);
    Box::new(move || {
        for stamped in &stamped {
            assert!(matches!(black_box(house.engine.decide(stamped)), Decision::Recorded(_)), "it is a new payment");
        }
    })
}

/// The engine answers a payment under a key it knows.
fn decide_repeat() -> Work {
    let mut house = House::new(payers());
    let stamped = stamped_payments(&mut house);
    for stamped in &stamped {
        house.decide_and_apply(stamped.command.clone());
    }
    Box::new(move || {
        for stamped in &stamped {
            assert!(matches!(black_box(house.engine.decide(stamped)), Decision::Repeated(_)), "it is a repeat");
        }
    })
}

/// The engine changes its state.
fn apply() -> Work {
    let Ledger { begun, payments } = Ledger::new();
    let mut engine = folded(&begun.records);
    Box::new(move || payments.iter().for_each(|record| engine.apply(record)))
}

/// The record becomes bytes.
fn record_encode() -> Work {
    let Ledger { payments, .. } = Ledger::new();
    let mut bytes = Vec::with_capacity(1024);
    Box::new(move || {
        for record in &payments {
            bytes.clear();
            wire::journal::encode(record, &mut bytes);
            black_box(&bytes);
        }
    })
}

/// The bytes of a record are framed, checked, chained and written. In time it is the disk's, in instructions ours.
fn journal_append() -> Work {
    let records = encoded(&Ledger::new().payments);
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options {
        segment_bytes: SEGMENT_BYTES,
        preparation: Preparation::Inline,
        ..Options::new(JournalId::new([7; 16]))
    };
    let mut journal = journal_of(directory.path(), options, &mut |_| Ok(()));
    Box::new(move || {
        let _removed_with_the_work = &directory;
        for group in records.chunks(GROUP_RECORDS) {
            for record in group {
                journal.append(journal.last_lsn().next(), record).expect("appended");
            }
            make_durable(&mut journal);
        }
    })
}

/// The record becomes the bytes of a reply.
fn reply() -> Work {
    let Ledger { begun, payments } = Ledger::new();
    let door = Door::of(&begun);
    Box::new(move || {
        for record in &payments {
            black_box(door.reply(record).encode_to_vec());
        }
    })
}

/// The record becomes rows of the index.
fn index_rows() -> Work {
    let Ledger { payments, .. } = Ledger::new();
    Box::new(move || {
        let mut batch = Batch::default();
        payments.iter().for_each(|record| batch.record(record));
        black_box(batch.close(mark_behind(&payments)));
    })
}

/// The read models are folded, and their rows handed to an index.
fn projector_apply() -> Work {
    let Ledger { begun, payments } = Ledger::new();
    let index = Index::open(Arc::new(Nowhere), [7; 16]).expect("an empty index");
    let mut projector = Projector::with_index(index, HOT_RECORDS, HOT_RECORDS).expect("an empty index");
    let mut fold = move |group: &[Arc<Record>]| {
        projector.chained(mark_behind(group));
        projector.apply_batch(group).expect("nothing is read from the index");
        projector.settle();
    };
    fold(&begun.records);
    Box::new(move || payments.chunks(GROUP_RECORDS).for_each(&mut fold))
}

/// The bytes of a record become a record.
fn record_decode() -> Work {
    let records = encoded(&Ledger::new().payments);
    Box::new(move || {
        for record in &records {
            black_box(wire::journal::decode(record).expect("a record"));
        }
    })
}

/// A start takes a record from the journal into the engine.
fn recovery_fold() -> Work {
    let Ledger { begun, payments } = Ledger::new();
    let mut recovery = Recovery::default();
    let mut fold = move |lsn: Lsn, bytes: &[u8]| {
        black_box(recovery.fold(lsn, bytes).expect("a record of its place"));
    };
    for (record, bytes) in begun.records.iter().zip(encoded(&begun.records)) {
        fold(record.lsn, &bytes);
    }
    let records: Vec<_> = payments.iter().map(|record| record.lsn).zip(encoded(&payments)).collect();
    Box::new(move || records.iter().for_each(|(lsn, bytes)| fold(*lsn, bytes)))
}

/// A payment is held, captured in three parts and refunded in two: six commands, decided and applied.
fn whole_life() -> Work {
    let mut house = House::new(payers());
    let mut lives: Vec<_> = (0..PAYMENTS).map(|_| house.next_cycle()).collect();
    Box::new(move || {
        for submission in mem::take(&mut lives).into_iter().flatten() {
            house.decide_and_apply(submission);
        }
    })
}

/// Records of payments, and the house that made them.
struct Ledger {
    /// Its door knows whoever these payments name.
    begun: House,
    payments: Vec<Arc<Record>>,
}

impl Ledger {
    fn new() -> Self {
        let mut house = House::new(payers());
        let begun = house.records.len();
        for _ in 0..PAYMENTS {
            let payment = house.next_payment();
            house.decide_and_apply(payment);
        }
        let payments = house.records.split_off(begun);
        Self { begun: house, payments }
    }
}

fn payers() -> u32 {
    u32::try_from(PAYMENTS).expect("a few")
}

fn door() -> Door {
    Door::of(&House::new(payers()))
}

fn messages(door: &Door) -> Vec<v1::AuthorizeRequest> {
    (0..PAYMENTS).map(|number| door.message(number)).collect()
}

/// Payments, each stamped as if it came first.
fn stamped_payments(house: &mut House) -> Vec<Stamped<Submission>> {
    let payments: Vec<_> = (0..PAYMENTS).map(|_| house.next_payment()).collect();
    payments.into_iter().map(|payment| house.stamp(payment)).collect()
}

fn encoded(records: &[Arc<Record>]) -> Vec<Vec<u8>> {
    let encode = |record: &Arc<Record>| {
        let mut bytes = Vec::new();
        wire::journal::encode(record, &mut bytes);
        bytes
    };
    records.iter().map(encode).collect()
}

/// What the journal would say of a batch that ends with these records.
fn mark_behind(records: &[Arc<Record>]) -> ChainMark {
    ChainMark { lsn: records.last().expect("a record").lsn, digest: [7; 32] }
}

/// A store that takes everything and keeps nothing, so that its own work is not measured.
#[derive(Debug)]
struct Nowhere;

impl Store for Nowhere {
    fn get(&self, _: Table, _: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }

    fn scan(&self, _: Table, _: RangeInclusive<&[u8]>, _: Direction, _: usize) -> Result<Vec<Row>, Error> {
        Ok(Vec::new())
    }

    fn write(&self, _: &[Write<'_>]) -> Result<(), Error> {
        Ok(())
    }

    fn persist(&self) -> Result<(), Error> {
        Ok(())
    }
}
