//! Marks of the hash chain: told live, told again, and looked up without the owner.

use domain::{ChainMark, Lsn};
use journal::disk::MemoryDisk;
use journal::{Journal, JournalId, record_at, scan};

use super::{Image, closed, commit, killed, open, record, short_record, small_journal};

/// Three lives with notes between them, over several segments, and the marks told in them.
fn lived() -> (MemoryDisk, Vec<ChainMark>) {
    let disk = MemoryDisk::new();
    let mut told = Vec::new();
    for batches in [&[1, 2, 5][..], &[4], &[3, 1]] {
        let mut journal = open(&disk).expect("the disk works").journal;
        for records in batches {
            commit(&mut journal, *records, record).expect("the disk works");
            told.extend(journal.chain());
        }
        journal.close().expect("the disk works");
        assert_eq!(journal.chain(), told.last().copied(), "a note changes no mark");
    }
    assert!(disk.image().len() > 3, "there are several segments");
    (disk, told)
}

#[test]
fn an_opening_tells_the_marks_that_were_told() {
    let (disk, told) = lived();
    assert_eq!(told.iter().map(|mark| mark.lsn.get()).collect::<Vec<_>>(), [1, 3, 8, 12, 15, 16]);
    assert_eq!(open(&disk).unwrap().marks, told);
}

#[test]
fn every_record_is_found_with_the_mark_of_its_batch() {
    let (disk, told) = lived();
    let image = disk.image();
    for lsn in (1..=16).map(Lsn::new) {
        let stored = record_at(&disk, lsn).unwrap().expect("the journal holds it");
        assert_eq!((stored.lsn, stored.bytes), (lsn, record(lsn)));
        assert_eq!(stored.journal_id, JournalId::new(*b"recovery testing"));
        assert_eq!(Some(&stored.chain), told.iter().find(|mark| mark.lsn >= lsn), "lsn {lsn}");
    }
    for beyond in [Lsn::ZERO, Lsn::new(17), Lsn::new(u64::MAX)] {
        assert_eq!(record_at(&disk, beyond).unwrap(), None);
    }
    assert_eq!(disk.image(), image, "nothing is changed");
}

#[test]
fn the_chain_behind_a_note_is_not_a_mark() {
    let disk = |end| MemoryDisk::from_image(small_journal(2, end));
    let digest = |disk: &MemoryDisk| record_at(disk, Lsn::new(3)).unwrap().expect("the journal holds it").chain.digest;
    let (killed, closed) = (disk(killed), disk(closed));
    assert_eq!(journal::verify(&killed).unwrap().chain, digest(&killed));
    assert_ne!(journal::verify(&closed).unwrap().chain, digest(&closed));
    assert_eq!(digest(&killed), digest(&closed));
}

/// What `FORMAT.md` says, done by hand: read 48 + records + 40 bytes a batch, skip none, hash, compare.
#[test]
fn a_mark_is_reproduced_from_the_bytes_alone() {
    let disk = MemoryDisk::from_image(small_journal(3, closed));
    let mut expected = Vec::new();
    scan(&disk, Lsn::new(1), &mut |record| {
        expected.push((record.lsn, record.chain));
        Ok(())
    })
    .unwrap();
    let image: Image = disk.image();
    let segment = &image["00000000000000000001.segment"];
    let u32_at = |at: usize| u32::from_le_bytes(segment[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| u64::from_le_bytes(segment[at..at + 8].try_into().unwrap());
    let (mut at, mut chain, mut found) = (4096, [0; 32], Vec::new());
    while u32_at(at) != 0 {
        let end = at + 48 + usize::try_from(u32_at(at + 44)).unwrap();
        chain = *blake3::Hasher::new().update(&chain).update(&segment[at..end]).finalize().as_bytes();
        let (first_lsn, records) = (u64_at(at + 24), u64::from(u32_at(at + 40)));
        let mark = ChainMark { lsn: Lsn::new(first_lsn + records - 1), digest: chain };
        found.extend((first_lsn..first_lsn + records).map(|lsn| (Lsn::new(lsn), mark)));
        at = end + 40;
    }
    assert_eq!(found, expected);
}

#[test]
fn a_record_changed_after_its_receipt_was_given_is_seen() {
    let told = open(&MemoryDisk::from_image(small_journal(3, closed))).unwrap().marks;
    // Everything is well formed: only who kept a mark can tell.
    let disk = MemoryDisk::new();
    let mut journal = open(&disk).expect("an empty disk").journal;
    for records in 1..=3 {
        let forged = |lsn: Lsn| if lsn == Lsn::new(2) { b"forged 2".to_vec() } else { short_record(lsn) };
        commit(&mut journal, records, forged).expect("the disk works");
    }
    let mark_at = |lsn| record_at(&disk, Lsn::new(lsn)).unwrap().expect("the journal holds it").chain;
    assert_eq!(mark_at(1), told[0]);
    assert_ne!(mark_at(2), told[1]);
    assert_ne!(mark_at(4), told[2], "and from there on everywhere");
}
