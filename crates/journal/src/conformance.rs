//! The proof of the contract of [`Journal`]: run [`contract`] and [`contract_on_failure`] against every implementation.
//! A broken promise is a panic that names it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use domain::{ChainMark, Lsn};

use crate::Error;
use crate::port::{BATCH_RECORDS_MAX, Journal, LARGE_RECORD_BYTES_MAX, Progress, RECORD_BYTES_MAX, Reader};

/// An implementation under test.
pub trait Subject {
    /// The implementation.
    type Journal: Journal;

    /// Makes an empty journal that shares nothing with earlier ones.
    fn make(&self) -> Self::Journal;

    /// What is found after the owner of this journal died.
    fn reopen(&self, journal: Self::Journal) -> Self::Journal;
}

/// A [`Subject`] whose medium can be made to fail.
pub trait FailingSubject: Subject {
    /// Makes the next write of this journal fail.
    fn fail_next_write(&self, journal: &mut Self::Journal);
}

/// Everything that holds while the medium works.
pub fn contract(subject: &impl Subject) {
    an_empty_journal_stands_before_the_first_lsn(subject);
    a_record_is_durable_when_poll_says_so(subject);
    records_come_back_as_they_were_appended(subject);
    a_reader_begins_anywhere_and_follows(subject);
    durable_records_are_found_again(subject);
    every_durable_batch_has_a_mark_of_its_own(subject);
    a_mark_outlives_its_owner(subject);
    a_mark_tells_records_and_batches_apart(subject);
    closing_makes_durable_and_ends(subject);
    a_record_over_the_limit_is_refused(subject);
    a_full_batch_refuses_until_it_is_written(subject);
    a_gap_is_a_broken_invariant(subject);
}

/// Everything that holds when the medium fails.
pub fn contract_on_failure(subject: &impl FailingSubject) {
    a_failed_journal_stays_failed(subject);
    a_failure_loses_nothing_durable(subject);
    a_failure_leaves_the_mark(subject);
}

/// A new journal has no records, and a journal with nothing to write is durable up to its end.
pub fn an_empty_journal_stands_before_the_first_lsn(subject: &impl Subject) {
    let mut journal = subject.make();
    assert_eq!((journal.last_lsn(), journal.durable_lsn()), (Lsn::ZERO, Lsn::ZERO));
    journal.flush().expect("an empty flush does nothing");
    assert_eq!(polled(&mut journal), Lsn::ZERO);
    assert_eq!(read_all(&journal, Lsn::ZERO), []);
}

/// Neither append nor flush makes durable, and readers see nothing before `poll` says so.
pub fn a_record_is_durable_when_poll_says_so(subject: &impl Subject) {
    let mut journal = subject.make();
    append(&mut journal, b"one");
    assert_eq!(polled(&mut journal), Lsn::ZERO, "poll writes nothing that was not flushed");
    journal.flush().expect("the journal is open");
    assert_eq!((journal.last_lsn(), journal.durable_lsn()), (Lsn::new(1), Lsn::ZERO));
    assert_eq!(read_all(&journal, Lsn::ZERO), []);
    assert_eq!(polled(&mut journal), Lsn::new(1));
    assert_eq!(journal.durable_lsn(), Lsn::new(1));
    assert_eq!(read_all(&journal, Lsn::ZERO), [(Lsn::new(1), b"one".to_vec())]);
}

/// Records of every length come back with their lsns, over many batches.
pub fn records_come_back_as_they_were_appended(subject: &impl Subject) {
    let mut journal = subject.make();
    let mut expected = Vec::new();
    let longest = journal.record_bytes_max();
    assert!((RECORD_BYTES_MAX..=LARGE_RECORD_BYTES_MAX).contains(&longest), "{longest}");
    for length in [0, 1, 511, 512, 4096, RECORD_BYTES_MAX, 0, longest, 7, longest, longest - 1, 3] {
        let record: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).expect("below 256")).collect();
        append(&mut journal, &record);
        commit(&mut journal);
        expected.push((journal.last_lsn(), record));
    }
    assert_eq!(read_all(&journal, Lsn::ZERO), expected);
}

/// A reader starts at its lsn, wherever in a batch that lies, and sees what becomes durable later.
pub fn a_reader_begins_anywhere_and_follows(subject: &impl Subject) {
    let mut journal = subject.make();
    for batch in 0_u8..4 {
        for place in 0_u8..3 {
            append(&mut journal, &[batch, place]);
        }
        commit(&mut journal);
    }
    let all = read_all(&journal, Lsn::ZERO);
    assert_eq!(all.len(), 12);
    for from in 1_u64..=12 {
        let skipped = usize::try_from(from - 1).expect("small");
        assert_eq!(read_all(&journal, Lsn::new(from)), all[skipped..], "from {from}");
    }
    let mut follower = journal.reader(Lsn::new(12)).expect("the journal can be read");
    let mut waiting = journal.reader(Lsn::new(14)).expect("a reader may wait for its lsn");
    assert_eq!(drain(&mut follower), all[11..]);
    append(&mut journal, b"13");
    append(&mut journal, b"14");
    commit(&mut journal);
    assert_eq!(drain(&mut follower), [(Lsn::new(13), b"13".to_vec()), (Lsn::new(14), b"14".to_vec())]);
    assert_eq!(drain(&mut waiting), [(Lsn::new(14), b"14".to_vec())]);
    drop(journal);
    assert_eq!(drain(&mut follower), [], "a reader outlives its journal");
}

/// What was durable is there after the owner died, and the lsns go on behind it.
pub fn durable_records_are_found_again(subject: &impl Subject) {
    let mut journal = subject.make();
    append(&mut journal, b"one");
    append(&mut journal, b"two");
    commit(&mut journal);
    append(&mut journal, b"never flushed");
    let mut journal = subject.reopen(journal);
    assert_eq!((journal.last_lsn(), journal.durable_lsn()), (Lsn::new(2), Lsn::new(2)));
    append(&mut journal, b"three");
    commit(&mut journal);
    let expected = [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()];
    assert_eq!(bytes(read_all(&journal, Lsn::ZERO)), expected);
    assert_eq!(bytes(read_all(&subject.reopen(journal), Lsn::ZERO)), expected);
}

/// The mark is that of the newest durable batch with records: its last record, and another digest for each batch.
pub fn every_durable_batch_has_a_mark_of_its_own(subject: &impl Subject) {
    let mut journal = subject.make();
    assert_eq!(journal.chain(), None);
    commit(&mut journal);
    assert_eq!(journal.chain(), None, "there is no batch without a record");
    let mut marks: Vec<ChainMark> = Vec::new();
    for records in [1_u64, 3, 2, 1] {
        for _ in 0..records {
            append(&mut journal, b"the same");
            assert_eq!(journal.chain(), marks.last().copied(), "what is not durable has no mark");
        }
        journal.flush().expect("the journal is open");
        while polled(&mut journal) < journal.last_lsn() {
            assert_eq!(journal.chain(), marks.last().copied(), "the mark moves with the durable lsn");
        }
        let mark = journal.chain().expect("a durable batch has a mark");
        assert_eq!(mark.lsn, journal.durable_lsn());
        assert!(marks.iter().all(|before| before.digest != mark.digest), "a digest is never met again");
        marks.push(mark);
        commit(&mut journal);
        assert_eq!(journal.chain(), Some(mark), "flushing nothing changes no mark");
    }
}

/// A mark that was told is told again after the owner died or closed, and the chain goes on behind it.
pub fn a_mark_outlives_its_owner(subject: &impl Subject) {
    let mut journal = subject.make();
    append(&mut journal, b"one");
    append(&mut journal, b"two");
    commit(&mut journal);
    let told = journal.chain();
    append(&mut journal, b"never flushed");
    let mut journal = subject.reopen(journal);
    assert_eq!(journal.chain(), told);
    journal.close().expect("the medium works");
    assert_eq!(journal.chain(), told, "a note holds no records");
    let mut journal = subject.reopen(journal);
    assert_eq!(journal.chain(), told);
    append(&mut journal, b"three");
    commit(&mut journal);
    let next = journal.chain();
    assert!(next.is_some_and(|mark| mark.lsn == Lsn::new(3)) && next != told);
    assert_eq!(subject.reopen(journal).chain(), next);
}

/// Equal digests mean equal records in equal batches, from the first on.
pub fn a_mark_tells_records_and_batches_apart(subject: &impl Subject) {
    let histories: [&[&[&[u8]]]; 6] = [
        &[&[b"ab", b"c"], &[b"d"]],
        &[&[b"a", b"bc"], &[b"d"]],
        &[&[b"ab"], &[b"c"], &[b"d"]],
        &[&[b"ab", b"c", b"d"]],
        &[&[b"ab", b"c"], &[b"e"]],
        &[&[b"xy", b"c"], &[b"d"]],
    ];
    let digests = histories.map(|batches| {
        let mut journal = subject.make();
        for batch in batches {
            batch.iter().for_each(|record| append(&mut journal, record));
            commit(&mut journal);
        }
        journal.chain().expect("a durable batch has a mark").digest
    });
    for (at, digest) in digests.iter().enumerate() {
        assert!(!digests[..at].contains(digest), "another history has the digest of {:?}", histories[at]);
    }
}

/// Closing writes what was appended, refuses more, and may be repeated; the journal can be opened again.
pub fn closing_makes_durable_and_ends(subject: &impl Subject) {
    let mut journal = subject.make();
    append(&mut journal, b"one");
    journal.close().expect("the medium works");
    assert_eq!(journal.durable_lsn(), Lsn::new(1));
    assert!(matches!(journal.append(Lsn::new(2), b"late"), Err(Error::Closed)));
    assert!(matches!(journal.flush(), Err(Error::Closed)));
    assert_eq!(polled(&mut journal), Lsn::new(1));
    journal.close().expect("closing again does nothing");
    let mut journal = subject.reopen(journal);
    append(&mut journal, b"two");
    commit(&mut journal);
    assert_eq!(bytes(read_all(&journal, Lsn::ZERO)), [b"one".to_vec(), b"two".to_vec()]);
}

/// A record over the limit leaves no trace.
pub fn a_record_over_the_limit_is_refused(subject: &impl Subject) {
    let mut journal = subject.make();
    let bytes_max = journal.record_bytes_max();
    let refused = journal.append(Lsn::new(1), &vec![0; bytes_max + 1]);
    assert!(matches!(refused, Err(Error::RecordTooLarge { bytes, .. }) if bytes == bytes_max + 1));
    assert_eq!(journal.last_lsn(), Lsn::ZERO);
    append(&mut journal, b"fits");
    commit(&mut journal);
    assert_eq!(bytes(read_all(&journal, Lsn::ZERO)), [b"fits".to_vec()]);
}

/// Both limits of a batch, records and bytes, refuse without loss.
pub fn a_full_batch_refuses_until_it_is_written(subject: &impl Subject) {
    for longest in [false, true] {
        let mut journal = subject.make();
        let record = &*vec![7; if longest { journal.record_bytes_max() } else { 0 }];
        let mut appended = 0;
        let refused = loop {
            match journal.append(journal.last_lsn().next(), record) {
                Ok(()) => appended += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, Error::BatchFull { records, .. } if records == appended), "{refused}");
        assert!((1..=BATCH_RECORDS_MAX).contains(&appended));
        commit(&mut journal);
        append(&mut journal, record);
        commit(&mut journal);
        assert_eq!(read_all(&journal, Lsn::ZERO).len(), appended + 1);
    }
}

/// An lsn out of order stops the owner.
pub fn a_gap_is_a_broken_invariant(subject: &impl Subject) {
    for wrong in [Lsn::ZERO, Lsn::new(1), Lsn::new(3)] {
        let mut journal = subject.make();
        append(&mut journal, b"one");
        let appended = catch_unwind(AssertUnwindSafe(|| journal.append(wrong, b"gap").is_ok()));
        assert!(appended.is_err(), "lsn {wrong} was taken behind lsn 1");
    }
}

/// After the first failure nothing is durable that was not before, and nothing is taken any more.
pub fn a_failed_journal_stays_failed(subject: &impl FailingSubject) {
    let mut journal = subject.make();
    append(&mut journal, b"one");
    commit(&mut journal);
    append(&mut journal, b"two");
    subject.fail_next_write(&mut journal);
    journal.flush().expect("the failure is not known yet");
    for _ in 0..3 {
        assert!(matches!(journal.poll(), Progress::Failed(_)));
        assert!(matches!(journal.append(Lsn::new(3), b"three"), Err(Error::Failed { .. })));
        assert!(matches!(journal.flush(), Err(Error::Failed { .. })));
        assert!(matches!(journal.close(), Err(Error::Failed { .. })));
        assert_eq!(journal.durable_lsn(), Lsn::new(1));
        assert_eq!(bytes(read_all(&journal, Lsn::ZERO)), [b"one".to_vec()], "readers go on");
    }
}

/// A new opening finds what was durable, and nothing that was not appended.
pub fn a_failure_loses_nothing_durable(subject: &impl FailingSubject) {
    let mut journal = subject.make();
    append(&mut journal, b"one");
    commit(&mut journal);
    append(&mut journal, b"two");
    subject.fail_next_write(&mut journal);
    assert!(matches!(journal.close(), Err(Error::Failed { .. })));
    let found = bytes(read_all(&subject.reopen(journal), Lsn::ZERO));
    let appended = [b"one".to_vec(), b"two".to_vec()];
    assert!(!found.is_empty() && appended.starts_with(&found), "{found:?}");
}

/// What was not made durable has no mark.
pub fn a_failure_leaves_the_mark(subject: &impl FailingSubject) {
    let mut journal = subject.make();
    append(&mut journal, b"one");
    commit(&mut journal);
    let told = journal.chain();
    append(&mut journal, b"two");
    subject.fail_next_write(&mut journal);
    journal.flush().expect("the failure is not known yet");
    assert!(matches!(journal.poll(), Progress::Failed(_)));
    assert_eq!(journal.chain(), told);
    let found = subject.reopen(journal);
    assert_eq!(found.chain().map(|mark| mark.lsn), Some(found.last_lsn()));
    assert_eq!(found.chain() == told, found.last_lsn() == Lsn::new(1), "the same records have the same mark");
}

fn append(journal: &mut impl Journal, record: &[u8]) {
    journal.append(journal.last_lsn().next(), record).expect("the journal takes the record");
}

fn commit(journal: &mut impl Journal) {
    journal.flush().expect("the journal is open");
    while polled(journal) < journal.last_lsn() {}
}

fn polled(journal: &mut impl Journal) -> Lsn {
    match journal.poll() {
        Progress::Durable(lsn) => lsn,
        Progress::Failed(reason) => panic!("the journal failed: {reason}"),
    }
}

fn read_all(journal: &impl Journal, from: Lsn) -> Vec<(Lsn, Vec<u8>)> {
    drain(&mut journal.reader(from).expect("the journal can be read"))
}

fn drain(reader: &mut impl Reader) -> Vec<(Lsn, Vec<u8>)> {
    let mut records = Vec::new();
    while let Some(record) = reader.read().expect("the journal can be read") {
        records.push((record.lsn, record.bytes.to_vec()));
    }
    records
}

fn bytes(records: Vec<(Lsn, Vec<u8>)>) -> Vec<Vec<u8>> {
    records.into_iter().map(|(_, bytes)| bytes).collect()
}
