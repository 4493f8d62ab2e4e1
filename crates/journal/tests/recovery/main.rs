//! What is found after crashes, failures and damage.
#![allow(clippy::unwrap_used, reason = "the helpers of tests may do what tests may")]

use std::collections::BTreeMap;

use domain::{ChainMark, Lsn};
use journal::disk::MemoryDisk;
use journal::{
    Error, FileJournal, Journal, JournalId, Options, Preparation, Progress, RecordRef, Recovered, SEGMENT_BYTES_MIN,
};

mod archive;
mod behind;
mod chain;
mod copies;
mod crash;
mod damage;
mod model;
mod segments;
mod space;
mod verify;

type Image = BTreeMap<String, Vec<u8>>;

/// The one record that may stand at this lsn; now and then it is long enough to fill segments.
fn record(lsn: Lsn) -> Vec<u8> {
    let length = if lsn.get().is_multiple_of(3) { 58_000 } else { lsn.get() * 37 % 300 };
    (0..length).map(|at| u8::try_from((lsn.get() * 31 + at) % 256).expect("below 256")).collect()
}

fn short_record(lsn: Lsn) -> Vec<u8> {
    format!("record {lsn}").into_bytes()
}

fn options() -> Options {
    Options {
        segment_bytes: SEGMENT_BYTES_MIN,
        preparation: Preparation::Inline,
        ..Options::new(JournalId::new(*b"recovery testing"))
    }
}

struct Opened {
    journal: FileJournal<MemoryDisk>,
    recovered: Recovered,
    records: Vec<Vec<u8>>,
    /// Of each batch with records.
    marks: Vec<ChainMark>,
}

fn open(disk: &MemoryDisk) -> Result<Opened, Error> {
    open_with(disk, options())
}

fn open_with(disk: &MemoryDisk, options: Options) -> Result<Opened, Error> {
    let mut records = Vec::new();
    let mut marks = Vec::new();
    let mut fold = |record: RecordRef<'_>| {
        records.push(record.bytes.to_vec());
        assert_eq!(record.lsn, Lsn::new(records.len() as u64), "records are shown in order");
        if marks.last() != Some(&record.chain) {
            assert!(marks.last().is_none_or(|last: &ChainMark| last.lsn.next() == record.lsn), "a batch is whole");
            marks.push(record.chain);
        }
        Ok(())
    };
    let (journal, recovered) = FileJournal::open(disk.clone(), options, &mut fold)?;
    assert_eq!(recovered.last_lsn, Lsn::new(records.len() as u64));
    assert_eq!((journal.last_lsn(), journal.durable_lsn()), (recovered.last_lsn, recovered.last_lsn));
    assert_eq!(journal.chain(), marks.last().copied());
    assert_eq!(marks.last().map_or(Lsn::ZERO, |last| last.lsn), recovered.last_lsn);
    Ok(Opened { journal, recovered, records, marks })
}

/// Appends a batch and makes it durable.
fn commit(journal: &mut impl Journal, records: u64, record: fn(Lsn) -> Vec<u8>) -> Result<(), Error> {
    for _ in 0..records {
        let lsn = journal.last_lsn().next();
        journal.append(lsn, &record(lsn))?;
    }
    journal.flush()?;
    match journal.poll() {
        Progress::Durable(lsn) => assert_eq!(lsn, journal.last_lsn()),
        Progress::Failed(reason) => return Err(Error::Failed { reason }),
    }
    Ok(())
}

/// A journal of one segment with batches of 1, 2, 3 … short records.
fn small_journal(batches: u64, end: fn(&mut FileJournal<MemoryDisk>)) -> Image {
    let disk = MemoryDisk::new();
    let mut journal = open(&disk).expect("an empty disk").journal;
    for records in 1..=batches {
        commit(&mut journal, records, short_record).expect("the disk works");
    }
    end(&mut journal);
    disk.image()
}

fn killed(_: &mut FileJournal<MemoryDisk>) {}

fn closed(journal: &mut FileJournal<MemoryDisk>) {
    journal.close().expect("the disk works");
}

fn assert_prefix(records: &[Vec<u8>], record: fn(Lsn) -> Vec<u8>) {
    for (lsn, found) in (1..).zip(records) {
        assert!(*found == record(Lsn::new(lsn)), "a wrong record at lsn {lsn}");
    }
}
