//! A disk that fills up is refused before it is full, and taken again once there is space.

use domain::Lsn;
use journal::disk::MemoryDisk;
use journal::{Error, FileJournal, Journal, Preparation, SEGMENT_BYTES_MIN};

use super::{assert_prefix, commit, open, open_with, options, record};

/// What must be free before a segment is made.
const NEEDED: u64 = 2 * SEGMENT_BYTES_MIN;

/// Commits batches as an owner does: only while there is room.
fn commit_while_there_is_room(journal: &mut FileJournal<MemoryDisk>) -> u64 {
    let mut batches = 0;
    while journal.check_room(false).is_ok() {
        commit(journal, 2, record).expect("there was room");
        batches += 1;
        assert!(batches < 1_000, "the disk never fills");
    }
    batches
}

fn free_bytes(refused: &Error) -> u64 {
    let Error::NoSpace { free_bytes, needed_bytes, .. } = refused else { panic!("not for want of space: {refused}") };
    assert_eq!(*needed_bytes, NEEDED);
    *free_bytes
}

#[test]
fn a_disk_is_refused_before_it_is_full_and_taken_again_once_there_is_space() {
    let disk = MemoryDisk::new();
    disk.set_free(Some(2 * NEEDED));
    let mut journal = open(&disk).expect("there is space for two segments, and two to spare").journal;
    assert!(commit_while_there_is_room(&mut journal) > 0);
    let refused = journal.check_room(true).expect_err("nothing has been freed");
    assert!(free_bytes(&refused) < NEEDED, "{refused}");
    let stands_at = journal.last_lsn();
    let operations = disk.operations();
    journal.check_room(false).expect_err("it is not looked for again");
    assert_eq!(disk.operations(), operations, "nothing is tried on a full disk");

    // What there is can still be ended, and found again.
    disk.set_free(Some(2 * NEEDED));
    journal.check_room(false).expect_err("nobody has looked since");
    journal.check_room(true).expect("there is space");
    assert!(commit_while_there_is_room(&mut journal) > 0);
    assert!(journal.last_lsn() > stands_at);
    let durable = journal.durable_lsn();
    drop(journal);
    let found = open(&disk).expect("what was durable").records;
    assert_eq!(Lsn::new(found.len() as u64), durable);
    assert_prefix(&found, record);
}

#[test]
fn a_full_disk_can_be_closed_and_opened() {
    let disk = MemoryDisk::new();
    disk.set_free(Some(2 * NEEDED));
    let mut journal = open(&disk).expect("there is space").journal;
    // In a segment that others may fill, a note is kept room for.
    let large = journal::Options { segment_bytes: 64 * SEGMENT_BYTES_MIN, ..options() };
    commit_while_there_is_room(&mut journal);
    journal.close().unwrap_or_else(|error| panic!("a note has room: {error}"));
    let mut journal = open_with(&disk, large).expect("opening needs no space").journal;
    journal.check_room(true).expect_err("it is as full as before");
}

/// What is not to be had is not waited for, and not taken for a failure.
#[test]
fn a_preparation_in_the_background_is_looked_after() {
    let disk = MemoryDisk::new();
    disk.set_free(Some(2 * NEEDED));
    let background = journal::Options { preparation: Preparation::Background, ..options() };
    let mut journal = open_with(&disk, background).expect("there is space").journal;
    assert!(commit_while_there_is_room(&mut journal) > 0);
    disk.set_free(None);
    // The thread takes its time; until it is done the owner is refused, never stopped.
    let mut looks: u64 = 0;
    while journal.check_room(true).is_err() {
        looks += 1;
        assert!(looks < 10_000_000, "the space is never found");
        std::thread::yield_now();
    }
    commit(&mut journal, 2, record).expect("there is room");
}

/// However a segment is filled, it can be closed, and opened after a crash, without space for another.
#[test]
fn a_segment_filled_to_the_last_byte_needs_no_space_to_be_opened() {
    let mut tried = 0;
    for last_bytes in 0..200 {
        let disk = MemoryDisk::new();
        let mut journal = open(&disk).expect("there is space").journal;
        let append = |journal: &mut FileJournal<MemoryDisk>, bytes: usize| {
            let lsn = journal.last_lsn().next();
            journal.append(lsn, &vec![7; bytes]).expect("it is below the limit");
            journal.flush().expect("it is open");
            assert!(matches!(journal.poll(), journal::Progress::Durable(_)));
        };
        append(&mut journal, 60_000);
        append(&mut journal, 60_000);
        append(&mut journal, 6_450 + last_bytes);
        tried += u64::from(disk.image().len() == 2);
        drop(journal);
        disk.set_free(Some(0));
        let mut opened = open(&disk).unwrap_or_else(|error| panic!("{last_bytes}: {error}")).journal;
        opened.close().unwrap_or_else(|error| panic!("{last_bytes}: {error}"));
    }
    assert!(tried > 50 && tried < 200, "some fit into the first segment, and some did not: {tried}");
}
