//! Every bit that can turn over in a journal of 64 KiB, and every length it can be cut to: found at the exact place, or
//! cut like a torn tail where nobody was told of what is cut.
//!
//! A test run takes a sample; `PAYSWITCH_DAMAGE_ONE_IN=1 cargo test --release -p simulator --test damage` takes all.

use std::{collections::BTreeMap, env, ops::Range, time::Instant};

use domain::Lsn;
use journal::{
    Damage, Error, FileJournal, Journal, JournalId, Options, Preparation, Progress, Report, SEGMENT_BYTES_MIN,
    disk::{Disk, File, MemoryDisk},
    scan,
};

const SEGMENT: &str = "00000000000000000001.segment";
const HEADER_BYTES: usize = 4_096;
/// What is damaged: the header of the segment and batches behind it.
const DAMAGED_BYTES: usize = 64 * 1024;
/// A prime, so that each bit of a byte has its turn.
const ONE_IN: usize = 211;
const BATCH_HEADER_BYTES: usize = 48;
const BATCH_END_BYTES: usize = 40;
const RECORD_HEADER_BYTES: usize = 8;

/// One batch as `FORMAT.md` describes it, read without the code under test.
struct Batch {
    bytes: Range<usize>,
    first_lsn: u64,
    /// Where each record begins, header included.
    records: Vec<usize>,
}

struct Whole {
    image: BTreeMap<String, Vec<u8>>,
    batches: Vec<Batch>,
    records: Vec<Vec<u8>>,
}

/// The one record that may stand at this lsn.
fn record(lsn: u64) -> Vec<u8> {
    (0..lsn * 37 % 400).map(|at| u8::try_from((lsn * 31 + at) % 256).expect("below 256")).collect()
}

fn whole() -> Whole {
    let disk = MemoryDisk::new();
    let options = Options {
        segment_bytes: SEGMENT_BYTES_MIN,
        preparation: Preparation::Inline,
        ..Options::new(JournalId::new(*b"damaged, 64 KiB."))
    };
    let (mut journal, _) = FileJournal::open(disk.clone(), options, &mut |_| Ok(())).expect("an empty disk");
    let mut batches: Vec<Batch> = Vec::new();
    let mut end = HEADER_BYTES;
    while end < DAMAGED_BYTES {
        for _ in 0..=batches.len() % 5 {
            let lsn = journal.last_lsn().next();
            journal.append(lsn, &record(lsn.get())).expect("there is room");
        }
        journal.flush().expect("it is open");
        assert!(matches!(journal.poll(), Progress::Durable(_)));
        let image = disk.image();
        batches.push(batch(&image[SEGMENT], end));
        end = batches.last().expect("one was read").bytes.end;
    }
    let records = (1..=journal.last_lsn().get()).map(record).collect();
    Whole { image: disk.image(), batches, records }
}

fn batch(segment: &[u8], at: usize) -> Batch {
    let u32_at = |at: usize| {
        let bytes = segment[at..at + 4].try_into().expect("four bytes");
        usize::try_from(u32::from_le_bytes(bytes)).expect("a short length")
    };
    assert_eq!(segment[at..at + 4], [0xB1, 0xBA, 0x7C, 0x48], "a batch begins at {at}");
    let mut records = Vec::new();
    let mut record = at + BATCH_HEADER_BYTES;
    for _ in 0..u32_at(at + 40) {
        records.push(record);
        record += RECORD_HEADER_BYTES + u32_at(record);
    }
    let first_lsn = u64::from_le_bytes(segment[at + 24..at + 32].try_into().expect("eight bytes"));
    Batch { bytes: at..record + BATCH_END_BYTES, first_lsn, records }
}

impl Whole {
    /// Scans; what is shown must be what was appended. Returns how many records were shown.
    fn scan(&self, disk: &MemoryDisk) -> (Result<Report, Error>, usize) {
        let mut shown = 0;
        let report = scan(disk, Lsn::ZERO, &mut |found| {
            assert!(self.records.get(shown).is_some_and(|record| *record == *found.bytes), "nobody appended this");
            shown += 1;
            Ok(())
        });
        (report, shown)
    }

    /// What must be said of damage to the byte at `at`: where, and how many records are still shown.
    fn check(&self, at: usize, (report, shown): (Result<Report, Error>, usize)) {
        let Some(index) = self.batches.iter().position(|batch| batch.bytes.contains(&at)) else {
            assert!(at < HEADER_BYTES, "behind the header are batches");
            assert_eq!((place(&report), shown), (Some((0, 1)), 0), "byte {at}");
            return;
        };
        let batch = &self.batches[index];
        let before = batch.first_lsn - 1;
        let in_records = at < batch.bytes.end - BATCH_END_BYTES;
        let record = batch.records.iter().rposition(|record| *record <= at).filter(|_| in_records);
        let expected = record.map_or((batch.bytes.start, batch.first_lsn), |record| {
            (batch.records[record], batch.first_lsn + u64::try_from(record).expect("a few"))
        });
        if index + 1 < self.batches.len() {
            assert_eq!(place(&report), Some(expected), "byte {at}");
        } else {
            // Nothing behind it says that it was durable.
            let torn = report.expect("a tail may be torn").torn.expect("it is told");
            assert_eq!((torn.offset, torn.lsn.get()), (batch.bytes.start as u64, batch.first_lsn), "byte {at}");
        }
        assert_eq!(shown as u64, before, "byte {at}");
    }
}

/// Where damage was found.
fn place(report: &Result<Report, Error>) -> Option<(usize, u64)> {
    match report {
        Err(Error::Damaged { path, offset, lsn, .. }) => {
            assert!(path.ends_with(SEGMENT));
            Some((usize::try_from(*offset).expect("within the segment"), lsn.get()))
        }
        Err(_) | Ok(_) => None,
    }
}

fn one_in() -> usize {
    env::var("PAYSWITCH_DAMAGE_ONE_IN").map_or(ONE_IN, |text| text.parse().expect("a number"))
}

fn leave(proof: &str, counts: &[(&str, u64)], begun: Instant) {
    println!("{proof}: {counts:?}, {:.1?}", begun.elapsed());
    simulator::proofs::leave(proof, counts, begun.elapsed()).expect("the counts are left");
}

#[test]
fn every_flipped_bit_is_found_at_its_place() {
    let begun = Instant::now();
    let whole = whole();
    let disk = MemoryDisk::from_image(whole.image.clone());
    let mut flips = 0;
    for bit in (0..DAMAGED_BYTES * 8).step_by(one_in()) {
        disk.flip(SEGMENT, bit);
        whole.check(bit / 8, whole.scan(&disk));
        disk.flip(SEGMENT, bit);
        flips += 1;
    }
    assert!(disk.image() == whole.image, "scans change nothing");
    let bytes = DAMAGED_BYTES as u64;
    leave("flipped bits", &[("bytes", bytes), ("flips", flips), ("not found, or at a wrong place", 0)], begun);
}

#[test]
fn every_cut_is_found() {
    let begun = Instant::now();
    let whole = whole();
    let segment = &whole.image[SEGMENT];
    let mut cuts = 0;
    for length in (0..=DAMAGED_BYTES).step_by(one_in()) {
        let mut image = whole.image.clone();
        image.get_mut(SEGMENT).expect("there is one segment").truncate(length);
        let (report, shown) = whole.scan(&MemoryDisk::from_image(image));
        let found = match report {
            Err(Error::Damaged { what: Damage::SegmentLength { found, .. }, .. }) => found,
            other => panic!("length {length}: {other:?}"),
        };
        assert_eq!((found, shown), (length as u64, 0), "a segment has its whole length from the start");
        cuts += 1;
    }
    // A tail that was never written is zeros: from the end on one more each time.
    let disk = MemoryDisk::from_image(whole.image.clone());
    let end = whole.batches.last().expect("there are batches").bytes.end;
    let file = disk.open(SEGMENT).expect("the segment is there");
    let mut zeroed = end;
    for from in (HEADER_BYTES..end).rev().step_by(one_in()) {
        file.write_all_at(&vec![0; zeroed - from], from as u64).expect("a disk in memory");
        zeroed = from;
        // The last bytes of a batch may be zeros themselves.
        let last_of =
            |batch: &Batch| segment[batch.bytes.clone()].iter().rposition(|byte| *byte != 0).expect("a batch");
        let stays = |batch: &&Batch| batch.bytes.start + last_of(batch) < from;
        let expected: usize = whole.batches.iter().filter(stays).map(|batch| batch.records.len()).sum();
        let (report, shown) = whole.scan(&disk);
        report.expect("a torn tail is no damage");
        assert_eq!(shown, expected, "zeros from {from}");
        cuts += 1;
    }
    leave("cuts", &[("bytes", DAMAGED_BYTES as u64), ("cuts", cuts), ("not found, or at a wrong place", 0)], begun);
}
