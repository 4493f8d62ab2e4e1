//! Crashes and failures at every single operation of the disk.

use std::io::ErrorKind;

use domain::{ChainMark, Lsn};
use journal::disk::{Fault, Loss, MemoryDisk};
use journal::{Error, Journal, Progress};

use super::{Opened, assert_prefix, commit, open, record};

const LOSSES: [Loss; 5] =
    [Loss::Nothing, Loss::Unsynced, Loss::Torn { seed: 1 }, Loss::Torn { seed: 2 }, Loss::Torn { seed: 3 }];

/// How far a life of the journal got.
#[derive(Debug)]
struct Life {
    /// What was confirmed.
    durable: Lsn,
    /// What was appended.
    last: Lsn,
    /// What was told of the batches that were confirmed.
    marks: Vec<ChainMark>,
}

/// Two openings with batches of every kind, enough to enter further segments, and a clean end.
fn live(disk: &MemoryDisk) -> Life {
    let mut life = Life { durable: Lsn::ZERO, last: Lsn::ZERO, marks: Vec::new() };
    for batches in [&[1, 2, 5][..], &[4, 3]] {
        let Ok(Opened { mut journal, .. }) = open(disk) else { return life };
        for records in batches {
            let committed = commit(&mut journal, *records, record);
            (life.durable, life.last) = (journal.durable_lsn(), journal.last_lsn());
            if committed.is_err() {
                assert_ended(disk, journal);
                return life;
            }
            life.marks.extend(journal.chain());
        }
        if journal.close().is_err() {
            assert_ended(disk, journal);
            return life;
        }
    }
    life
}

/// A failed journal does not touch the disk again.
fn assert_ended(disk: &MemoryDisk, mut journal: impl Journal) {
    let (operations, durable) = (disk.operations(), journal.durable_lsn());
    assert!(matches!(journal.append(journal.last_lsn().next(), b""), Err(Error::Failed { .. })));
    assert!(matches!(journal.flush(), Err(Error::Failed { .. })));
    assert!(matches!(journal.poll(), Progress::Failed(_)));
    assert!(matches!(journal.close(), Err(Error::Failed { .. })));
    assert_eq!(journal.durable_lsn(), durable);
    drop(journal);
    assert_eq!(disk.operations(), operations, "a failed journal wrote or synced again");
}

/// Opens after a crash: everything confirmed is there, nothing is there that was not appended, and what is there now
/// stays whatever happens next.
fn check_recovery(disk: &MemoryDisk, life: &Life) -> Opened {
    let found = open(disk).expect("a crash leaves no damage");
    let last = found.recovered.last_lsn;
    assert!(last >= life.durable, "confirmed up to {}, found up to {last}", life.durable);
    assert!(last <= life.last, "appended up to {}, found up to {last}", life.last);
    assert_prefix(&found.records, record);
    assert!(found.marks.starts_with(&life.marks), "a mark that was told is told again");
    disk.restart(Loss::Unsynced);
    let again = open(disk).expect("a crash leaves no damage");
    assert_eq!(again.records, found.records, "what was found is durable");
    assert_eq!(again.marks, found.marks, "and was batched as it was");
    assert_eq!(again.recovered.cut, None, "the tail is clean");
    let mut journal = again.journal;
    commit(&mut journal, 4, record).expect("the journal goes on");
    drop(journal);
    disk.restart(Loss::Unsynced);
    assert_eq!(open(disk).expect("a crash leaves no damage").records.len(), found.records.len() + 4);
    found
}

fn operations_of_a_life() -> u64 {
    let disk = MemoryDisk::new();
    let life = live(&disk);
    assert_eq!(life.durable, Lsn::new(15));
    assert!(disk.image().len() > 3, "the life enters several segments");
    disk.operations()
}

#[test]
fn a_crash_at_any_operation_loses_nothing_confirmed() {
    let mut cuts = 0;
    for at in 0..operations_of_a_life() {
        for loss in LOSSES {
            let disk = MemoryDisk::new();
            disk.inject(at, Fault::PowerCut);
            let life = live(&disk);
            disk.restart(loss);
            cuts += u32::from(check_recovery(&disk, &life).recovered.cut.is_some());
        }
    }
    assert!(cuts > 0, "the losses tear batches");
}

#[test]
fn a_crash_during_recovery_loses_nothing_confirmed() {
    for at in 0..operations_of_a_life() {
        let disk = MemoryDisk::new();
        disk.inject(at, Fault::PowerCut);
        let life = live(&disk);
        disk.restart(Loss::Torn { seed: at });
        let torn = disk.image();
        for recovery_at in 0.. {
            let disk = MemoryDisk::from_image(torn.clone());
            disk.inject(recovery_at, Fault::PowerCut);
            drop(open(&disk));
            if disk.operations() <= recovery_at {
                break;
            }
            disk.restart(Loss::Torn { seed: at + recovery_at });
            check_recovery(&disk, &life);
        }
    }
}

#[test]
fn a_failure_at_any_operation_ends_the_journal_and_loses_nothing_confirmed() {
    for at in 0..operations_of_a_life() {
        for loss in LOSSES {
            let disk = MemoryDisk::new();
            disk.inject(at, Fault::Error(ErrorKind::StorageFull));
            let life = live(&disk);
            disk.restart(loss);
            check_recovery(&disk, &life);
        }
    }
}

/// The kernel shows the bytes of a failed sync as if they were on the disk. Whoever reads them after a restart and
/// serves them must first write them again: a sync alone has nothing left to do.
#[test]
fn a_batch_whose_sync_failed_is_found_only_if_it_stays() {
    let disk = MemoryDisk::new();
    let mut journal = open(&disk).unwrap().journal;
    commit(&mut journal, 2, record).unwrap();
    disk.inject(disk.operations() + 1, Fault::Error(ErrorKind::Other));
    commit(&mut journal, 2, record).unwrap_err();
    assert_eq!(journal.durable_lsn(), Lsn::new(2));
    drop(journal);
    disk.restart(Loss::Nothing);
    assert_eq!(open(&disk).unwrap().recovered.last_lsn, Lsn::new(4));
    disk.restart(Loss::Unsynced);
    assert_eq!(open(&disk).unwrap().recovered.last_lsn, Lsn::new(4));
}

#[test]
fn a_segment_whose_name_was_lost_is_made_again() {
    let disk = MemoryDisk::new();
    let mut journal = open(&disk).unwrap().journal;
    commit(&mut journal, 8, record).unwrap();
    // The batch that enters a segment: header, sync, rename; then the power goes before the directory is synced.
    disk.inject(disk.operations() + 3, Fault::PowerCut);
    commit(&mut journal, 5, record).unwrap_err();
    drop(journal);
    disk.restart(Loss::Unsynced);
    let opened = open(&disk).unwrap();
    assert_eq!((opened.recovered.segments, opened.recovered.last_lsn), (1, Lsn::new(8)));
}

/// Preparing the next segment syncs the directory too, but nobody waits for that.
#[test]
fn a_segment_whose_name_was_not_synced_keeps_it_once_it_is_served() {
    for failing in 0..9 {
        let disk = MemoryDisk::new();
        let mut journal = open(&disk).unwrap().journal;
        commit(&mut journal, 8, record).unwrap();
        disk.inject(disk.operations() + 3, Fault::PowerCut);
        commit(&mut journal, 5, record).unwrap_err();
        drop(journal);
        disk.restart(Loss::Nothing);
        disk.inject(disk.operations() + failing, Fault::Error(ErrorKind::StorageFull));
        let Ok(mut opened) = open(&disk) else { continue };
        assert_eq!((opened.recovered.segments, opened.recovered.last_lsn), (2, Lsn::new(8)));
        if commit(&mut opened.journal, 1, record).is_ok() {
            disk.restart(Loss::Unsynced);
            assert_eq!(open(&disk).unwrap().recovered.last_lsn, Lsn::new(9));
        }
    }
}

/// The disk was full for a moment while the next segment was made: it is made again when it is needed, and only if
/// that fails too does the journal.
#[test]
fn a_failed_segment_preparation_is_tried_again_when_the_segment_is_needed() {
    for lasting in [false, true] {
        let disk = MemoryDisk::new();
        drop(open(&disk).unwrap());
        let next = disk.operations() + 6;
        let mut journal = open(&disk).unwrap().journal;
        assert!(disk.operations() > next, "the fault would be hit while the next segment is prepared");
        drop(journal);
        disk.inject(disk.operations() + 6, Fault::Error(ErrorKind::StorageFull));
        journal = open(&disk).unwrap().journal;
        commit(&mut journal, 8, record).unwrap();
        if lasting {
            disk.inject(disk.operations() + 1, Fault::Error(ErrorKind::StorageFull));
            let failed = commit(&mut journal, 5, record).unwrap_err();
            assert!(matches!(failed, Error::Failed { .. }), "{failed}");
            assert_eq!(journal.durable_lsn(), Lsn::new(8));
        } else {
            commit(&mut journal, 5, record).unwrap();
            assert_eq!(journal.durable_lsn(), Lsn::new(13));
        }
    }
}
