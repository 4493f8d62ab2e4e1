//! Copies of a journal: whole, up to a place, of one in use.

use domain::Lsn;
use journal::disk::MemoryDisk;
use journal::{Error, Journal, Report, copy, verify};

use super::{assert_prefix, commit, open, record};

/// Batches of up to five records over several segments, and where they end.
fn journal(batches: u64) -> (MemoryDisk, Vec<u64>) {
    let disk = MemoryDisk::new();
    let mut journal = open(&disk).expect("an empty disk").journal;
    let mut ends = vec![0];
    for records in 1..=batches {
        commit(&mut journal, 1 + records % 5, record).expect("the disk works");
        ends.push(journal.last_lsn().get());
    }
    (disk, ends)
}

fn copied(from: &MemoryDisk, last: u64) -> (MemoryDisk, Option<Report>) {
    let to = MemoryDisk::new();
    let report = copy(from, &to, &mut |record| Ok(record.lsn.get() <= last)).expect("both disks work");
    (to, report)
}

#[test]
fn a_copy_ends_behind_the_last_batch_that_is_wanted_and_goes_on() {
    let (disk, ends) = journal(9);
    let image = disk.image();
    let all = *ends.last().expect("there are batches");
    assert!(image.len() > 3, "there are several segments");
    for last in 0..=all + 1 {
        let (to, report) = copied(&disk, last);
        let behind = ends.iter().copied().filter(|end| *end <= last).max().expect("there is a first");
        assert_eq!(report.map_or(0, |report| report.last_lsn.get()), behind, "up to {last}");
        if behind == 0 {
            assert!(to.image().is_empty());
            continue;
        }
        let mut opened = open(&to).expect("a copy is a journal");
        assert_prefix(&opened.records, record);
        assert_eq!(opened.records.len() as u64, behind);
        commit(&mut opened.journal, 3, record).expect("it goes on");
    }
    assert_eq!(disk.image(), image, "what is copied is not changed");
}

#[test]
fn a_copy_has_the_marks_of_what_it_is_copied_from() {
    let (disk, ends) = journal(4);
    let (to, _) = copied(&disk, ends[4]);
    let marks = |disk: &MemoryDisk| open(disk).expect("a journal").marks;
    assert_eq!(marks(&to), marks(&disk));
}

/// A batch that is being written is left out; what is damaged is not copied.
#[test]
fn only_what_is_whole_is_copied() {
    let (disk, ends) = journal(3);
    let mut torn = disk.image();
    let (name, bytes) = torn.iter_mut().rfind(|(name, _)| *name != "next.segment").expect("a segment");
    let name = name.clone();
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("not all zeros");
    bytes[end] ^= 1;
    let torn = MemoryDisk::from_image(torn);
    assert_eq!(copied(&torn, u64::MAX).1.map(|report| report.last_lsn.get()), Some(ends[2]));

    // In the header of the segment, which is never torn.
    disk.flip(&name, 8 * 100);
    let to = MemoryDisk::new();
    let refused = copy(&disk, &to, &mut |_| Ok(true));
    assert!(matches!(refused, Err(Error::Damaged { .. })), "{refused:?}");
    assert!(to.image().is_empty(), "nothing was written");
}

#[test]
fn no_journal_is_written_over() {
    let (disk, ends) = journal(2);
    let (to, _) = copied(&disk, ends[1]);
    let refused = copy(&disk, &to, &mut |_| Ok(true));
    assert!(matches!(refused, Err(Error::Exists { .. })), "{refused:?}");
    assert_eq!(verify(&to).expect("it is whole").last_lsn, Lsn::new(ends[1]));
}
