//! Every single bit, every cut, every hole: found at the exact place, or above what was confirmed.

use std::ops::Range;

use domain::Lsn;
use journal::disk::{Disk, File, MemoryDisk};
use journal::{Damage, Error, Journal, JournalId, Reader, Report, scan};

use super::{
    Image, Options, assert_prefix, closed, commit, killed, open, open_with, options, short_record, small_journal,
};

const SEGMENT: &str = "00000000000000000001.segment";
const HEADER: u64 = 4096;

/// One batch as `FORMAT.md` describes it, read without the code under test.
#[derive(Clone, Debug)]
struct Batch {
    bytes: Range<u64>,
    first_lsn: u64,
    /// Where each record begins, header included.
    records: Vec<u64>,
}

fn batches(image: &Image) -> Vec<Batch> {
    let segment = &image[SEGMENT];
    let u32_at = |at: u64| u64::from(u32::from_le_bytes(slice(segment, at..at + 4).try_into().unwrap()));
    let u64_at = |at: u64| u64::from_le_bytes(slice(segment, at..at + 8).try_into().unwrap());
    let mut batches = Vec::new();
    let mut at = HEADER;
    while slice(segment, at..at + 4) == [0xB1, 0xBA, 0x7C, 0x48] {
        let mut records = Vec::new();
        let mut record = at + 48;
        for _ in 0..u32_at(at + 40) {
            records.push(record);
            record += 8 + u32_at(record);
        }
        assert_eq!(record, at + 48 + u32_at(at + 44));
        batches.push(Batch { bytes: at..record + 40, first_lsn: u64_at(at + 24), records });
        at = record + 40;
    }
    batches
}

fn slice(bytes: &[u8], range: Range<u64>) -> &[u8] {
    &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
}

/// Where damage to the byte at `at` is to be reported: the record it lies in, else the batch.
fn place_of(batch: &Batch, at: u64) -> (u64, u64) {
    let in_records = at < batch.bytes.end - 40;
    match batch.records.iter().rposition(|record| *record <= at) {
        Some(index) if in_records => (batch.records[index], batch.first_lsn + index as u64),
        Some(_) | None => (batch.bytes.start, batch.first_lsn),
    }
}

fn scan_records(disk: &MemoryDisk) -> (Result<Report, Error>, Vec<Vec<u8>>) {
    let mut records = Vec::new();
    let report = scan(disk, Lsn::ZERO, &mut |record| {
        records.push(record.bytes.to_vec());
        Ok(())
    });
    (report, records)
}

fn damaged_place(report: Result<Report, Error>) -> (u64, u64) {
    match report {
        Err(Error::Damaged { path, offset, lsn, .. }) => {
            assert!(path.ends_with(SEGMENT));
            (offset, lsn.get())
        }
        other => panic!("damage was not noticed: {other:?}"),
    }
}

/// Flips one bit after the other on one disk.
fn for_each_flip(image: &Image, bytes: Range<u64>, check: impl FnMut(&MemoryDisk, u64)) {
    for_some_flips(image, bytes, |_| 0..8, check);
}

fn for_some_flips(
    image: &Image,
    bytes: Range<u64>,
    bits: impl Fn(u64) -> Range<u64>,
    mut check: impl FnMut(&MemoryDisk, u64),
) {
    let disk = MemoryDisk::from_image(image.clone());
    let file = disk.open(SEGMENT).unwrap();
    for at in bytes {
        let byte = slice(&image[SEGMENT], at..at + 1)[0];
        for bit in bits(at) {
            file.write_all_at(&[byte ^ (1 << bit)], at).unwrap();
            check(&disk, at);
        }
        file.write_all_at(&[byte], at).unwrap();
    }
}

#[test]
fn a_flipped_bit_in_a_segment_header_is_found() {
    let image = small_journal(1, killed);
    // Every bit of a field, and one of each byte between the fields, which is all the same to a checksum.
    let bits = |at| if (96..HEADER - 4).contains(&at) { at % 8..at % 8 + 1 } else { 0..8 };
    for_some_flips(&image, 0..HEADER, bits, |disk, at| {
        let (report, records) = scan_records(disk);
        assert_eq!(damaged_place(report), (0, 1), "byte {at}");
        assert_eq!(records.len(), 0);
    });
}

#[test]
fn a_flipped_bit_in_what_was_confirmed_is_found_at_its_record() {
    for image in [small_journal(3, killed), small_journal(2, closed), small_journal(1, closed)] {
        let batches = batches(&image);
        let (_, confirmed) = batches.split_last().unwrap();
        for batch in confirmed {
            for_each_flip(&image, batch.bytes.clone(), |disk, at| {
                let (report, records) = scan_records(disk);
                assert_eq!(damaged_place(report), place_of(batch, at), "byte {at}");
                assert_eq!(records.len() as u64, batch.first_lsn - 1, "byte {at}");
                assert_prefix(&records, short_record);
            });
        }
    }
}

#[test]
fn a_flipped_bit_above_what_was_confirmed_is_cut() {
    for image in [small_journal(4, killed), small_journal(3, closed)] {
        let last = batches(&image).pop().unwrap();
        for_each_flip(&image, last.bytes.clone(), |disk, at| {
            let (report, records) = scan_records(disk);
            let torn = report.unwrap().torn.unwrap();
            assert_eq!((torn.offset, torn.lsn.get()), (last.bytes.start, last.first_lsn), "byte {at}");
            assert_eq!(records.len() as u64, last.first_lsn - 1, "byte {at}");
            assert_prefix(&records, short_record);
        });
    }
}

#[test]
fn a_flipped_bit_behind_the_end_harms_no_record() {
    let image = small_journal(3, killed);
    let end = batches(&image).pop().unwrap().bytes.end;
    let length = image[SEGMENT].len() as u64;
    for bytes in [end..end + 600, length - 100..length] {
        for_each_flip(&image, bytes, |disk, at| {
            let (report, records) = scan_records(disk);
            let torn = report.unwrap().torn.unwrap();
            assert_eq!((torn.offset, torn.offset + torn.bytes), (end, at + 1));
            assert_eq!(records.len(), 6);
        });
    }
}

/// What a scan says, an opening does: one flip in each byte.
#[test]
fn an_opening_cuts_what_is_torn_and_leaves_alone_what_is_damaged() {
    let image = small_journal(3, killed);
    let batches = batches(&image);
    let (last, confirmed) = batches.split_last().unwrap();
    for at in HEADER..last.bytes.end + 100 {
        let mut flipped = image.clone();
        let index = usize::try_from(at).unwrap();
        flipped.get_mut(SEGMENT).unwrap()[index] ^= 0x10;
        let disk = MemoryDisk::from_image(flipped.clone());
        let opened = open(&disk);
        if at < last.bytes.start {
            let batch = confirmed.iter().find(|batch| batch.bytes.contains(&at)).unwrap();
            match opened {
                Err(Error::Damaged { offset, lsn, .. }) => assert_eq!((offset, lsn.get()), place_of(batch, at)),
                Err(error) => panic!("byte {at}: {error}"),
                Ok(_) => panic!("byte {at}: damage was not noticed"),
            }
            assert_eq!(disk.image(), flipped, "nothing is changed");
        } else {
            let opened = opened.unwrap();
            assert_eq!(opened.records.len(), if at < last.bytes.end { 3 } else { 6 });
            assert!(opened.recovered.cut.is_some());
            drop(opened);
            assert_eq!(open(&disk).unwrap().recovered.cut, None);
        }
    }
}

/// Zeros from any byte to the end of the segment are a tail that was never written: what is whole before it stays.
#[test]
fn a_journal_that_ends_anywhere_is_cut_to_whole_batches() {
    for image in [small_journal(4, killed), small_journal(4, closed)] {
        let batches = batches(&image);
        for from in HEADER..=batches.last().unwrap().bytes.end {
            let mut shortened = image.clone();
            shortened.get_mut(SEGMENT).unwrap()[usize::try_from(from).unwrap()..].fill(0);
            // The last byte of a batch may be a zero itself.
            let segment = &image[SEGMENT];
            let whole = batches.iter().filter(|batch| {
                slice(segment, batch.bytes.clone())
                    .iter()
                    .rposition(|b| *b != 0)
                    .is_none_or(|last| batch.bytes.start + (last as u64) < from)
            });
            let expected: usize = whole.map(|batch| batch.records.len()).sum();
            let (report, records) = scan_records(&MemoryDisk::from_image(shortened));
            let report = report.unwrap();
            assert_eq!(records.len(), expected, "zeros from {from}");
            assert_prefix(&records, short_record);
            let torn_bytes = report.torn.map_or(0, |torn| torn.bytes);
            assert!(torn_bytes <= from - HEADER);
        }
    }
}

/// A hole is damage exactly when a later header says that what it held was durable.
#[test]
fn a_hole_below_a_later_header_is_damage() {
    let image = small_journal(5, killed);
    let batches = batches(&image);
    let end = batches.last().unwrap().bytes.end;
    for hole_bytes in [1, 40, 200, 512] {
        for from in (HEADER..end).step_by(3) {
            let hole = from..from + hole_bytes;
            let mut holed = image.clone();
            let range = usize::try_from(hole.start).unwrap()..usize::try_from(hole.end).unwrap();
            holed.get_mut(SEGMENT).unwrap()[range].fill(0);
            if holed == image {
                continue;
            }
            let altered = |batch: &&Batch| {
                slice(&image[SEGMENT], batch.bytes.clone()) != slice(&holed[SEGMENT], batch.bytes.clone())
            };
            let first = batches.iter().find(altered).unwrap();
            let confirmed = batches.iter().any(|batch| {
                let header = batch.bytes.start..batch.bytes.start + 48;
                let whole = slice(&image[SEGMENT], header.clone()) == slice(&holed[SEGMENT], header);
                whole && batch.first_lsn > first.first_lsn
            });
            let (report, records) = scan_records(&MemoryDisk::from_image(holed));
            assert_eq!(records.len() as u64, first.first_lsn - 1);
            match report {
                Err(Error::Damaged { lsn, .. }) => assert!(confirmed && lsn.get() >= first.first_lsn, "hole {hole:?}"),
                Err(error) => panic!("hole {hole:?}: {error}"),
                // A hole that swallows the last batch leaves nothing that could be torn.
                Ok(report) => {
                    let swallowed = hole.start == first.bytes.start && hole.end >= end;
                    assert!(!confirmed && (report.torn.is_some() || swallowed), "hole {hole:?}");
                }
            }
        }
    }
}

#[test]
fn a_segment_of_another_length_is_damage() {
    let image = small_journal(3, killed);
    let length = image[SEGMENT].len();
    let end = usize::try_from(batches(&image).pop().unwrap().bytes.end).unwrap();
    for shortened in (0..end + 10).chain([length - 1, length + 1]) {
        let mut other = image.clone();
        other.get_mut(SEGMENT).unwrap().resize(shortened, 0);
        let disk = MemoryDisk::from_image(other.clone());
        match open(&disk).map(|opened| opened.recovered) {
            Err(Error::Damaged { offset, what: Damage::SegmentLength { found, .. }, .. }) => {
                assert_eq!((found, offset), (shortened as u64, shortened as u64));
            }
            other => panic!("length {shortened}: {other:?}"),
        }
        assert_eq!(disk.image(), other, "nothing is changed");
    }
}

/// A client may get bytes of its choice into a record, but not the id of the journal.
#[test]
fn a_record_that_quotes_a_batch_header_of_another_journal_is_no_watermark() {
    let foreign = Options { journal_id: JournalId::new([0; 16]), ..options() };
    let disk = MemoryDisk::new();
    let mut journal = open_with(&disk, foreign).unwrap().journal;
    for records in [1, 1, 1] {
        commit(&mut journal, records, short_record).unwrap();
    }
    let quote = disk.image()[SEGMENT][4096..8192].to_vec();
    let disk = MemoryDisk::new();
    let mut journal = open(&disk).unwrap().journal;
    journal.append(Lsn::new(1), &quote).unwrap();
    journal.close().unwrap();
    let mut image = disk.image();
    let segment = image.get_mut(SEGMENT).unwrap();
    segment[4096] ^= 1;
    segment[4096 + 48 + 8 + 4096 + 40..].fill(0);
    let opened = open(&MemoryDisk::from_image(image)).unwrap();
    assert!(opened.recovered.cut.is_some());
}

/// Checksums are no secret: whoever alters a record can alter its checksum with it, but not the chain behind it.
#[test]
fn a_record_altered_together_with_its_checksum_breaks_the_chain() {
    let image = small_journal(3, killed);
    for (index, batch) in batches(&image).iter().enumerate() {
        let mut altered = image.clone();
        let record = usize::try_from(batch.records[0]).unwrap();
        let segment = altered.get_mut(SEGMENT).unwrap();
        segment[record + 8] ^= 1;
        let length: [u8; 4] = segment[record..record + 4].try_into().unwrap();
        let place = [&batch.first_lsn.to_le_bytes()[..], &length].concat();
        let payload = record + 8..record + 8 + usize::try_from(u32::from_le_bytes(length)).unwrap();
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&place), &segment[payload]);
        segment[record + 4..record + 8].copy_from_slice(&checksum.to_le_bytes());
        let (report, _) = scan_records(&MemoryDisk::from_image(altered));
        let (what, lsn) = match report {
            Err(Error::Damaged { what, lsn, .. }) if index < 2 => (what, lsn),
            Ok(Report { torn: Some(torn), .. }) if index == 2 => (torn.what, torn.lsn),
            other => panic!("batch {index}: {other:?}"),
        };
        assert_eq!((what, lsn.get()), (Damage::BatchChain, batch.first_lsn));
    }
}

/// A reader trusts the disk no more than an opening does.
#[test]
fn a_reader_reports_damage_that_came_after_the_opening() {
    let image = small_journal(4, killed);
    let batches = batches(&image);
    for batch in &batches {
        for (at, bytes, place) in [
            (batch.bytes.start, vec![0; 48], (batch.bytes.start, batch.first_lsn)),
            (batch.bytes.start + 20, vec![0xFF], (batch.bytes.start, batch.first_lsn)),
            (batch.records[0] + 9, vec![0xFF], (batch.records[0], batch.first_lsn)),
        ] {
            let disk = MemoryDisk::from_image(image.clone());
            let opened = open(&disk).unwrap();
            disk.open(SEGMENT).unwrap().write_all_at(&bytes, at).unwrap();
            let mut reader = opened.journal.reader(Lsn::new(1)).unwrap();
            for _ in 1..batch.first_lsn {
                assert!(reader.read().unwrap().is_some());
            }
            let Err(Error::Damaged { offset, lsn, .. }) = reader.read() else { panic!("damage was not noticed") };
            assert_eq!((offset, lsn.get()), place);
        }
    }
}
