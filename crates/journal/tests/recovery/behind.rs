//! Opened and read behind a mark, with and without what was before it.

use domain::{ChainMark, Lsn};
use journal::disk::MemoryDisk;
use journal::{Error, FileJournal, FileReader, Journal, Reader, Recovered, copy, record_at, scan, scan_behind, verify};

use super::{Image, closed, commit, open, options, record, short_record, small_journal};

/// Three lives with notes between them, over several segments, and the marks told in them.
fn lived() -> (Image, Vec<ChainMark>) {
    let disk = MemoryDisk::new();
    let mut told = Vec::new();
    for batches in [&[1, 2, 5][..], &[4], &[3, 1, 3]] {
        let mut journal = open(&disk).expect("the disk works").journal;
        for records in batches {
            commit(&mut journal, *records, record).expect("the disk works");
            told.extend(journal.chain());
        }
        journal.close().expect("the disk works");
    }
    (disk.image(), told)
}

fn first_lsns(image: &Image) -> Vec<u64> {
    image.keys().filter_map(|name| name.strip_suffix(".segment")?.parse().ok()).collect()
}

/// The journal without the segments before the one that holds this record, as an archive leaves it.
fn without_earlier(image: &Image, lsn: Lsn) -> Image {
    let first = first_lsns(image).into_iter().rfind(|first| *first <= lsn.get()).expect("a segment holds it");
    let later = image.iter().filter(|(name, _)| name.as_str() >= format!("{first:020}").as_str());
    later.map(|(name, bytes)| (name.clone(), bytes.clone())).collect()
}

type Behind = (FileJournal<MemoryDisk>, Recovered, Vec<u64>);

fn open_behind(disk: &MemoryDisk, mark: ChainMark) -> Result<Behind, Error> {
    let mut shown = Vec::new();
    let (journal, recovered) = FileJournal::open_behind(disk.clone(), options(), mark, &mut |found| {
        assert_eq!(found.bytes, record(found.lsn));
        shown.push(found.lsn.get());
        Ok(())
    })?;
    Ok((journal, recovered, shown))
}

/// What an opening refuses, after making sure that it changed nothing.
fn refused(image: &Image, mark: ChainMark) -> Error {
    let disk = MemoryDisk::from_image(image.clone());
    let refused = open_behind(&disk, mark).map(|(_, recovered, _)| recovered).expect_err("it is refused");
    assert_eq!(disk.image(), *image, "nothing is changed");
    refused
}

#[test]
fn an_opening_behind_any_mark_is_shown_what_is_above_it_and_goes_on() {
    let (image, told) = lived();
    let whole = open(&MemoryDisk::from_image(image.clone())).unwrap();
    let last = whole.recovered.last_lsn;
    for mark in &told {
        for image in [image.clone(), without_earlier(&image, mark.lsn)] {
            let disk = MemoryDisk::from_image(image);
            let (mut journal, recovered, shown) = open_behind(&disk, *mark).unwrap();
            assert_eq!(shown, (mark.lsn.get() + 1..=last.get()).collect::<Vec<_>>());
            assert_eq!((recovered.last_lsn, recovered.chain), (last, whole.recovered.chain));
            assert_eq!(journal.chain(), told.last().copied());
            commit(&mut journal, 5, record).unwrap();
            let mark = journal.chain().expect("there are batches");
            drop(journal);
            let (_, _, shown) = open_behind(&disk, mark).unwrap();
            assert_eq!(shown, Vec::<u64>::new(), "it goes on in the same chain");
        }
    }
}

#[test]
fn a_mark_of_another_history_is_refused() {
    let (image, told) = lived();
    for mark in &told {
        for bit in 0..256 {
            let mut other = *mark;
            other.digest[bit / 8] ^= 1 << (bit % 8);
            let refused = refused(&image, other);
            assert!(
                matches!(refused, Error::OtherHistory { lsn, found: Some(found), .. } if (lsn, found) == (mark.lsn, mark.digest)),
                "{refused}"
            );
        }
    }
    // In the middle of a batch, and before the first.
    for lsn in [2, 5, 0].map(Lsn::new) {
        let refused = refused(&image, ChainMark { lsn, ..told[1] });
        assert!(matches!(refused, Error::OtherHistory { found: None, .. }), "{refused}");
    }
}

#[test]
fn a_journal_that_ends_before_the_mark_or_begins_behind_it_is_refused() {
    let (image, told) = lived();
    let (mark, last) = (told[told.len() - 1], told[0]);
    let mut older = image.clone();
    let newest = format!("{:020}.segment", first_lsns(&image).last().expect("there are segments"));
    older.remove(&newest);
    let early = refused(&older, mark);
    assert!(matches!(early, Error::EndsEarly { lsn, last_lsn, .. } if lsn == mark.lsn && last_lsn < lsn), "{early}");

    let later = without_earlier(&image, mark.lsn);
    let first = first_lsns(&later)[0];
    let refused = refused(&later, last);
    assert!(matches!(refused, Error::BeginsLater { first_lsn, .. } if first_lsn.get() == first), "{refused}");

    let nothing = FileJournal::open_behind(MemoryDisk::new(), options(), mark, &mut |_| Ok(()));
    assert!(matches!(nothing.map(|(_, recovered)| recovered), Err(Error::NoJournal { .. })));
}

/// Without the mark it would look like a torn tail: no later header calls the last batch durable.
#[test]
fn what_was_marked_is_damaged_and_never_torn() {
    let disk = MemoryDisk::new();
    let mut journal = open(&disk).unwrap().journal;
    for _ in 0..2 {
        commit(&mut journal, 1, record).unwrap();
    }
    let mark = journal.chain().expect("there are batches");
    drop(journal);
    let mut image = disk.image();
    let segment = image.get_mut("00000000000000000001.segment").unwrap();
    let end = segment.iter().rposition(|byte| *byte != 0).unwrap();
    segment[end] ^= 1;
    let refused = refused(&image, mark);
    assert!(matches!(refused, Error::Damaged { lsn, .. } if lsn == mark.lsn), "{refused}");
    assert_eq!(open(&MemoryDisk::from_image(image)).unwrap().records.len(), 1);
}

#[test]
fn a_journal_that_begins_later_is_read_and_says_where_it_begins() {
    let (image, told) = lived();
    let whole = verify(&MemoryDisk::from_image(image.clone())).unwrap();
    let later = without_earlier(&image, told[told.len() - 2].lsn);
    let first = first_lsns(&later)[0];
    assert!(first > 1);
    let disk = MemoryDisk::from_image(later.clone());

    let report = verify(&disk).unwrap();
    assert_eq!((report.first_lsn, report.last_lsn), (Some(Lsn::new(first)), whole.last_lsn));
    assert_eq!((report.records, report.chain), (whole.last_lsn.get() - first + 1, whole.chain));
    assert_eq!(report.segments, first_lsns(&later).len() as u64);

    let mut shown = Vec::new();
    scan(&disk, Lsn::new(1), &mut |found| {
        shown.push(found.lsn.get());
        Ok(())
    })
    .unwrap();
    assert_eq!(shown, (first..=whole.last_lsn.get()).collect::<Vec<_>>());

    let stored = record_at(&disk, Lsn::new(first)).unwrap().expect("it is there");
    assert_eq!(stored.bytes, record(Lsn::new(first)));
    assert!(matches!(record_at(&disk, Lsn::new(first - 1)), Err(Error::BeginsLater { .. })));
    assert_eq!(record_at(&disk, whole.last_lsn.next()).unwrap(), None);

    let to = MemoryDisk::new();
    let copied = copy(&disk, &to, &mut |_| Ok(true)).unwrap().expect("there are records");
    assert_eq!((copied.first_lsn, copied.last_lsn), (report.first_lsn, report.last_lsn));

    let (journal, ..) = open_behind(&disk, told[told.len() - 1]).unwrap();
    assert!(journal.reader(Lsn::new(first)).unwrap().read().unwrap().is_some());
    assert!(matches!(journal.reader(Lsn::new(first - 1)), Err(Error::BeginsLater { .. })));
}

#[test]
fn what_is_between_two_marks_is_read_beside_the_owner() {
    let (image, told) = lived();
    let disk = MemoryDisk::from_image(image);
    let mut journal = open(&disk).unwrap().journal;
    // Handed over, and not durable: nobody sees it.
    journal.append(journal.last_lsn().next(), b"open").unwrap();
    let before = std::iter::once(None).chain(told.iter().copied().map(Some));
    for behind in before {
        let from = behind.map_or(Lsn::ZERO, |mark| mark.lsn);
        for up_to in from.get()..=journal.durable_lsn().get() + 3 {
            let mut shown = Vec::new();
            let last = scan_behind(&disk, behind, Lsn::new(up_to), &mut |found| {
                shown.push(found.lsn.get());
                Ok(())
            })
            .unwrap();
            let expected = told.iter().copied().filter(|mark| mark.lsn.get() <= up_to).max_by_key(|mark| mark.lsn);
            assert_eq!(last, expected.max_by(behind), "behind {from} up to {up_to}");
            assert_eq!(shown, (from.get() + 1..=last.map_or(0, |last| last.lsn.get())).collect::<Vec<_>>());

            let mut reader = FileReader::bounded(disk.clone(), from.next(), Lsn::new(up_to)).unwrap();
            for lsn in from.get() + 1..=up_to.min(journal.durable_lsn().get()) {
                assert_eq!(reader.read().unwrap().map(|record| record.lsn), Some(Lsn::new(lsn)));
            }
            if up_to <= journal.durable_lsn().get() {
                assert_eq!(reader.read().unwrap(), None);
            }
        }
    }
    let other = ChainMark { digest: [1; 32], ..told[2] };
    let refused = scan_behind(&disk, Some(other), Lsn::new(15), &mut |_| panic!("it is shown nothing"));
    assert!(matches!(refused, Err(Error::OtherHistory { .. })), "{refused:?}");
    let stopped = scan_behind(&disk, Some(told[2]), Lsn::new(15), &mut |_| Err("enough".into()));
    assert!(matches!(stopped, Err(Error::Fold { .. })), "{stopped:?}");
}

/// The later of two marks, of which either may be missing.
trait MaxBy {
    fn max_by(self, other: Self) -> Self;
}

impl MaxBy for Option<ChainMark> {
    fn max_by(self, other: Self) -> Self {
        self.into_iter().chain(other).max_by_key(|mark| mark.lsn)
    }
}

#[test]
fn a_note_behind_the_mark_changes_nothing() {
    let disk = MemoryDisk::from_image(small_journal(2, closed));
    let marks = open(&disk).unwrap().marks;
    let mut shown = 0;
    let opened = FileJournal::open_behind(disk, options(), marks[1], &mut |found| {
        assert_eq!(found.bytes, short_record(found.lsn));
        shown += 1;
        Ok(())
    });
    assert_eq!(opened.map(|(journal, _)| journal.chain()).unwrap(), Some(marks[1]));
    assert_eq!(shown, 0);
}
