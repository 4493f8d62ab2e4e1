//! Segments that went into an archive: found again after any crash, any damage told.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{ChainMark, Lsn};
use journal::disk::{DirectoryDisk, Disk, Fault, File, Loss, MemoryDisk};
use journal::{
    ArchiveLimits, Archived, Damage, Error, FileJournal, Journal, JournalId, Options, Restored, Retention, archive,
    archive_report, expire, restore, verify,
};

use super::{Image, assert_prefix, commit, open, open_with, options, record};

const LOSSES: [Loss; 4] = [Loss::Nothing, Loss::Unsynced, Loss::Torn { seed: 1 }, Loss::Torn { seed: 2 }];

/// Several segments with a few batches each, notes among them, and the marks of the batches.
fn lived_with(options: &Options, lives: u64) -> (Image, Vec<ChainMark>) {
    let disk = MemoryDisk::new();
    let mut told = Vec::new();
    for life in 1..=lives {
        let mut journal = open_with(&disk, options.clone()).expect("the disk works").journal;
        for records in 1..=3 {
            commit(&mut journal, records + life % 2, record).expect("the disk works");
            told.extend(journal.chain());
        }
        journal.close().expect("the disk works");
    }
    (disk.image(), told)
}

fn lived() -> (Image, Vec<ChainMark>) {
    lived_with(&options(), 3)
}

fn first_lsns(image: &Image, suffix: &str) -> Vec<u64> {
    image.keys().filter_map(|name| name.strip_suffix(suffix)?.parse().ok()).collect()
}

fn archived_names(disk: &MemoryDisk) -> Vec<String> {
    disk.image().into_keys().filter(|name| name.ends_with(".segment.zst") && !name.starts_with("next")).collect()
}

fn all() -> ArchiveLimits {
    ArchiveLimits { segments_max: u64::MAX }
}

fn archive_all(disk: &MemoryDisk, to: &MemoryDisk, up_to: u64) -> Result<Archived, Error> {
    archive(disk, to, Lsn::new(up_to), all())
}

/// A journal of which all but the last segments were archived, the archive, and the journal as it was.
fn archived() -> (MemoryDisk, MemoryDisk, Image) {
    let (image, _) = lived();
    let (disk, to) = (MemoryDisk::from_image(image.clone()), MemoryDisk::new());
    archive_all(&disk, &to, u64::MAX).expect("the disks work");
    (disk, to, image)
}

fn restored(from: &MemoryDisk, journal: Option<&MemoryDisk>) -> Result<(MemoryDisk, Restored), Error> {
    let to = MemoryDisk::new();
    let restored = restore(from, journal, &to, &mut |_| {});
    if restored.is_err() {
        let names: Vec<String> = to.image().into_keys().collect();
        assert!(!names.contains(&"00000000000000000001.segment".to_owned()), "nothing counts as a journal: {names:?}");
    }
    Ok((to, restored?))
}

/// All records stand in the journal and the archive together, and a restored journal has the bytes of the old one.
fn assert_whole(disk: &MemoryDisk, to: &MemoryDisk, image: &Image) {
    let back =
        if archived_names(to).is_empty() { disk.clone() } else { restored(to, Some(disk)).expect("it is whole").0 };
    let segments = |image: &Image| -> Image {
        let named = |name: &String| name.ends_with(".segment") && !name.starts_with("next");
        image.iter().filter(|(name, _)| named(name)).map(|(name, bytes)| (name.clone(), bytes.clone())).collect()
    };
    assert!(segments(&back.image()) == segments(image), "other segments");
}

#[test]
fn what_lies_below_is_archived_and_restored_byte_for_byte() {
    let (image, told) = lived();
    let firsts = first_lsns(&image, ".segment");
    let last = told.last().expect("there are batches").lsn;
    assert!(firsts.len() > 3, "there are several segments");
    for up_to in 0..=last.get() + 1 {
        let (disk, to) = (MemoryDisk::from_image(image.clone()), MemoryDisk::new());
        let archived = archive_all(&disk, &to, up_to).unwrap();
        // The segment that holds `up_to` stays.
        let gone = firsts[1..].iter().filter(|first| **first <= up_to).count();
        assert_eq!(archived.segments, gone as u64, "up to {up_to}");
        assert_eq!(first_lsns(&disk.image(), ".segment"), firsts[gone..]);
        assert_eq!(archived.last_lsn.map_or(1, |last| last.get() + 1), firsts[gone]);
        assert_eq!(archived.segment_bytes, gone as u64 * options().segment_bytes);
        assert!(!archived.more && archived.archived_bytes <= archived.segment_bytes);
        assert_whole(&disk, &to, &image);
        let again = archive_all(&disk, &to, up_to).unwrap();
        assert_eq!(again, Archived::default(), "once is enough");

        // A journal goes on behind any mark that was not archived.
        for mark in told.iter().filter(|mark| mark.lsn.get() >= up_to) {
            let disk = MemoryDisk::from_image(disk.image());
            let (mut journal, _) = FileJournal::open_behind(disk.clone(), options(), *mark, &mut |_| Ok(())).unwrap();
            commit(&mut journal, 4, record).unwrap();
        }
        if gone > 0 {
            assert!(matches!(open(&disk).map(|opened| opened.recovered), Err(Error::BeginsLater { .. })));
            let report = archive_report(&to).unwrap().expect("there are files");
            assert_eq!((report.first_lsn, Some(report.last_lsn)), (Lsn::new(1), archived.last_lsn));
            assert_eq!((report.segments, report.archived_bytes), (archived.segments, archived.archived_bytes));
        }
    }
}

#[test]
fn a_restored_journal_is_opened_and_goes_on() {
    let (disk, to, image) = archived();
    let (back, restored_whole) = restored(&to, Some(&disk)).unwrap();
    assert_eq!(restored_whole.report, verify(&MemoryDisk::from_image(image)).unwrap());
    let mut opened = open(&back).unwrap();
    assert_prefix(&opened.records, record);
    commit(&mut opened.journal, 5, record).unwrap();

    // Of the archive alone it ends where the archive ends.
    let (back, restored_part) = restored(&to, None).unwrap();
    let last = archive_report(&to).unwrap().expect("there are files").last_lsn;
    assert_eq!((restored_part.report.last_lsn, restored_part.journal_segments), (last, 0));
    let mut opened = open(&back).unwrap();
    assert_eq!(opened.recovered.last_lsn, last);
    commit(&mut opened.journal, 5, record).unwrap();
    assert_prefix(&open(&back).unwrap().records, record);

    let again = restore(&to, None, &back, &mut |_| {});
    assert!(matches!(again, Err(Error::Exists { .. })), "{again:?}");
}

#[test]
fn a_call_does_no_more_than_its_limit() {
    let (image, _) = lived();
    let (disk, to) = (MemoryDisk::from_image(image.clone()), MemoryDisk::new());
    let sealed = first_lsns(&image, ".segment").len() as u64 - 1;
    for call in 1..=sealed {
        let archived = archive(&disk, &to, Lsn::new(u64::MAX), ArchiveLimits { segments_max: 1 }).unwrap();
        assert_eq!((archived.segments, archived.more), (1, call < sealed));
        assert_whole(&disk, &to, &image);
    }
}

/// Both directories on one disk, so that every operation of either has a number.
#[test]
fn a_crash_at_any_operation_leaves_every_record_in_the_journal_or_the_archive() {
    let (image, _) = lived();
    for loss in LOSSES {
        for at in 0.. {
            let disk = MemoryDisk::from_image(image.clone());
            disk.inject(at, Fault::PowerCut);
            let crashed = archive_all(&disk, &disk, u64::MAX);
            if disk.operations() <= at {
                assert!(crashed.is_ok() && at > 20, "all operations were looked at");
                break;
            }
            assert!(matches!(crashed, Err(Error::Io { .. })), "{crashed:?}");
            disk.restart(loss);
            assert_whole(&disk, &disk, &image);
            // A crash of the second call, once whatever the first left was seen.
            disk.inject(disk.operations() + at % 9, Fault::PowerCut);
            drop(archive_all(&disk, &disk, u64::MAX));
            disk.heal();
            disk.restart(loss);
            assert_whole(&disk, &disk, &image);
            archive_all(&disk, &disk, u64::MAX).expect("it goes on");
            disk.restart(Loss::Unsynced);
            assert_whole(&disk, &disk, &image);
            // What was removed last by a call that crashed may have come back.
            archive_all(&disk, &disk, u64::MAX).expect("it goes on");
            assert_eq!(first_lsns(&disk.image(), ".segment").len(), 1);
            assert_whole(&disk, &disk, &image);
        }
    }
}

#[test]
fn a_failure_at_any_operation_leaves_every_record_in_the_journal_or_the_archive() {
    let (image, _) = lived();
    for at in 0.. {
        let disk = MemoryDisk::from_image(image.clone());
        disk.inject(at, Fault::Error(ErrorKind::StorageFull));
        let failed = archive_all(&disk, &disk, u64::MAX);
        if disk.operations() <= at {
            break;
        }
        assert!(failed.is_err(), "operation {at}");
        assert_whole(&disk, &disk, &image);
        archive_all(&disk, &disk, u64::MAX).expect("it goes on");
        disk.restart(Loss::Unsynced);
        assert_whole(&disk, &disk, &image);
    }
}

#[test]
fn a_crash_of_a_restoration_leaves_nothing_that_opens() {
    let (disk, to, image) = archived();
    for loss in LOSSES {
        for at in 0.. {
            let back = MemoryDisk::new();
            back.inject(at, Fault::PowerCut);
            let crashed = restore(&to, Some(&disk), &back, &mut |_| {});
            if back.operations() <= at {
                assert!(crashed.is_ok());
                break;
            }
            back.restart(loss);
            match FileJournal::open(back.clone(), options(), &mut |_| Ok(())).map(|(_, recovered)| recovered) {
                Err(Error::BeginsLater { .. }) => {}
                Ok(recovered) if recovered.records == 0 => {}
                Ok(recovered) => {
                    assert_eq!(recovered.last_lsn, verify(&MemoryDisk::from_image(image.clone())).unwrap().last_lsn)
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// A file that is damaged while the segment is still in the journal is written anew; one that is whole is left alone.
#[test]
fn a_segment_in_both_places_is_archived_once() {
    let (disk, to, image) = archived();
    let archived = to.image();
    let name = archived_names(&to)[1].clone();
    for damage in [false, true] {
        let (both, to) = (MemoryDisk::from_image(image.clone()), MemoryDisk::from_image(archived.clone()));
        if damage {
            to.flip(&name, 80);
        }
        let before = to.operations();
        archive_all(&both, &to, u64::MAX).unwrap();
        // One sync of the directory for each file that was there.
        let written = to.operations() - before - archived.len() as u64;
        assert_eq!(written > 0, damage, "{written} operations");
        assert_eq!(to.image(), archived);
        assert_eq!(first_lsns(&both.image(), ".segment"), first_lsns(&disk.image(), ".segment"));
    }
}

#[test]
fn an_archive_of_another_journal_or_history_is_not_added_to() {
    let (_, to, image) = archived();
    let foreign = Options { journal_id: JournalId::new(*b"another journal!"), ..options() };
    let (foreign, _) = lived_with(&foreign, 3);
    let untouched = |image: &Image, to: Image| {
        let (disk, to_disk) = (MemoryDisk::from_image(image.clone()), MemoryDisk::from_image(to.clone()));
        let refused = archive_all(&disk, &to_disk, u64::MAX).expect_err("it is refused");
        assert_eq!((&disk.image(), to_disk.image()), (image, to), "nothing is changed");
        refused
    };
    let refused = untouched(&foreign, to.image());
    assert!(matches!(refused, Error::OtherHistory { .. }), "{refused}");
    let names = archived_names(&to);
    let first_only: Image = to.image().into_iter().filter(|(name, _)| *name == names[0]).collect();
    let mut later = foreign.clone();
    later.pop_first();
    let refused = untouched(&later, first_only.clone());
    assert!(matches!(refused, Error::Damaged { what: Damage::ForeignSegment { .. }, .. }), "{refused}");
    // Segments between the archive and the journal are missing.
    let mut later = image.clone();
    later.pop_first();
    later.pop_first();
    let refused = untouched(&later, first_only);
    assert!(matches!(refused, Error::RecordsMissing { .. }), "{refused}");
    let nothing = archive_all(&MemoryDisk::new(), &to, u64::MAX);
    assert!(matches!(nothing, Err(Error::NoJournal { .. })), "{nothing:?}");
}

#[test]
fn a_damaged_segment_is_not_archived() {
    let (image, _) = lived();
    let name = image.keys().nth(1).expect("a second segment").clone();
    for bit in [0, 8 * 100, 8 * 4096, 8 * 5000, 8 * 131_071] {
        let (disk, to) = (MemoryDisk::from_image(image.clone()), MemoryDisk::new());
        disk.flip(&name, bit);
        let refused = archive_all(&disk, &to, u64::MAX).expect_err("it is refused");
        assert!(matches!(refused, Error::Damaged { ref path, .. } if path.ends_with(&name)), "{refused}");
        assert!(disk.image().contains_key(&name));
        assert!(archived_names(&to).len() <= 1);
    }
}

#[test]
fn missing_files_are_named_by_their_records() {
    let (disk, to, _) = archived();
    let names = archived_names(&to);
    let firsts = first_lsns(&to.image(), ".segment.zst");
    let behind = first_lsns(&disk.image(), ".segment")[0];
    for missing in 0..names.len() {
        let mut image = to.image();
        image.remove(&names[missing]);
        let partly = MemoryDisk::from_image(image);
        let result = restored(&partly, Some(&disk)).map(|(_, restored)| restored);
        if missing == 0 {
            // As if it were expired.
            assert_eq!(result.unwrap().report.first_lsn, Some(Lsn::new(firsts[1])));
            continue;
        }
        let next = firsts.get(missing + 1).copied().unwrap_or(behind);
        assert!(
            matches!(
                result, Err(Error::RecordsMissing { first_lsn, last_lsn, .. })
                if (first_lsn.get(), last_lsn.get()) == (firsts[missing], next - 1)
            ),
            "{result:?}"
        );
    }
    let nothing = restored(&MemoryDisk::new(), Some(&disk)).map(|(_, restored)| restored);
    assert!(matches!(nothing, Err(Error::NoArchive { .. })), "{nothing:?}");
}

/// An archive of two small files, one of which is looked at bit by bit.
fn small_archive() -> (MemoryDisk, String) {
    let disk = MemoryDisk::new();
    let mut journal = open(&disk).expect("an empty disk").journal;
    let long = |lsn: Lsn| vec![u8::try_from(lsn.get() % 256).expect("below 256"); 60_000];
    while first_lsns(&disk.image(), ".segment").len() < 3 {
        commit(&mut journal, 1, long).expect("the disk works");
    }
    let to = MemoryDisk::new();
    archive_all(&disk, &to, u64::MAX).expect("the disks work");
    let name = archived_names(&to)[1].clone();
    (to, name)
}

#[test]
fn every_flipped_bit_of_an_archived_segment_is_found() {
    let (to, name) = small_archive();
    let bits = to.image()[&name].len() * 8;
    assert!(bits < 16_000, "{bits} bits");
    for bit in 0..bits {
        to.flip(&name, bit);
        let found = restored(&to, None).map(|(_, restored)| restored);
        assert!(matches!(found, Err(Error::Damaged { ref path, .. }) if path.ends_with(&name)), "bit {bit}: {found:?}");
        to.flip(&name, bit);
    }
    restored(&to, None).expect("it is whole again");
}

#[test]
fn every_truncation_of_an_archived_segment_is_found() {
    let (to, name) = small_archive();
    let image = to.image();
    for length in 0..image[&name].len() {
        let mut image = image.clone();
        image.get_mut(&name).unwrap().truncate(length);
        let found = restored(&MemoryDisk::from_image(image), None).map(|(_, restored)| restored);
        assert!(matches!(found, Err(Error::Damaged { .. })), "{length} bytes: {found:?}");
    }
    let mut longer = image.clone();
    longer.get_mut(&name).unwrap().push(0);
    let found = restored(&MemoryDisk::from_image(longer), None).map(|(_, restored)| restored);
    assert!(matches!(found, Err(Error::Damaged { .. })), "{found:?}");
}

/// Whoever can write the disk can seal what never was a segment: then the chain tells.
#[test]
fn what_is_sealed_and_no_segment_is_found() {
    let (to, name) = small_archive();
    let image = to.image();
    let sealed = |content: &[u8]| {
        let mut image = image.clone();
        let file = image.get_mut(&name).unwrap();
        let mut seal = file.split_off(file.len() - 192);
        *file = zstd::encode_all(content, 3).unwrap();
        seal[72..80].copy_from_slice(&(file.len() as u64).to_le_bytes());
        seal[144..176].copy_from_slice(blake3::hash(file).as_bytes());
        let checksum = crc32c::crc32c(&seal[..188]);
        seal[188..].copy_from_slice(&checksum.to_le_bytes());
        file.extend(seal);
        restored(&MemoryDisk::from_image(image), None).map(|(_, restored)| restored)
    };
    let segment = zstd::decode_all(&image[&name][..]).unwrap();
    sealed(&segment).expect("the same content is the same");
    let mut other = segment.clone();
    other[5000] ^= 1;
    let (shorter, longer) = (&segment[..segment.len() - 1], [&segment[..], &[0]].concat());
    for content in [shorter, &longer, b"", &vec![0; segment.len()], &other] {
        let found = sealed(content);
        assert!(matches!(found, Err(Error::Damaged { .. } | Error::OtherHistory { .. })), "{found:?}");
    }
}

#[test]
fn the_oldest_files_expire_and_never_leave_a_hole() {
    let (disk, to, _) = archived();
    let image = to.image();
    let names = archived_names(&to);
    let firsts = first_lsns(&image, ".segment.zst");
    let bytes: Vec<u64> = names.iter().map(|name| image[name].len() as u64).collect();
    let kept = |retention| {
        let to = MemoryDisk::from_image(image.clone());
        let mut told = 0;
        let expired = expire(&to, retention, &mut || told += 1).unwrap();
        assert_eq!(told, expired.segments);
        let left = archived_names(&to);
        assert!(names.ends_with(&left), "{left:?}");
        let gone = names.len() - left.len();
        assert_eq!((expired.segments, expired.segments_kept), (gone as u64, left.len() as u64));
        assert_eq!(expired.archived_bytes, bytes[..gone].iter().sum::<u64>());
        assert_eq!(expired.archived_bytes_kept, bytes[gone..].iter().sum::<u64>());
        assert_eq!(expired.last_lsn.map(Lsn::get), (gone > 0).then(|| firsts[gone] - 1));
        let (_, restored) = restored(&to, Some(&disk)).expect("what is left is whole");
        assert_eq!(restored.report.first_lsn.map(Lsn::get), Some(firsts[gone]));
        left.len()
    };
    let none = Retention::default();
    assert_eq!(kept(none), names.len());
    for (count, first) in firsts.iter().enumerate() {
        assert_eq!(kept(Retention { older_than: Some(Lsn::new(*first)), ..none }), names.len() - count);
        let size: u64 = bytes[count..].iter().sum();
        assert_eq!(kept(Retention { bytes_max: Some(size), ..none }), names.len() - count);
        if count > 0 {
            assert_eq!(kept(Retention { older_than: Some(Lsn::new(first - 1)), ..none }), names.len() - count + 1);
        }
    }
    assert_eq!(kept(Retention { bytes_max: Some(0), ..none }), 1, "what is archived next must follow something");
    assert_eq!(kept(Retention { bytes_max: Some(0), segments_min: 2, ..none }), 2);

    for loss in LOSSES {
        for at in 0.. {
            let to = MemoryDisk::from_image(image.clone());
            to.inject(at, Fault::PowerCut);
            let mut told = 0;
            drop(expire(&to, Retention { bytes_max: Some(0), ..none }, &mut || told += 1));
            if to.operations() <= at {
                break;
            }
            to.restart(loss);
            let gone = names.len() - archived_names(&to).len();
            assert!((told..=told + 1).contains(&gone), "{told} are gone for good, and one perhaps");
            assert!(names.ends_with(&archived_names(&to)), "no hole");
        }
    }
}

#[test]
fn segments_are_archived_and_restored_beside_the_running_owner() {
    let place = tempfile::tempdir().unwrap();
    let directory = |name: &str| DirectoryDisk::create(place.path().join(name)).unwrap();
    let (disk, to) = (directory("journal"), directory("archive"));
    let (mut journal, _) = FileJournal::open(disk.clone(), options(), &mut |_| Ok(())).unwrap();
    let durable = AtomicU64::new(0);
    let mut archived = 0;
    std::thread::scope(|scope| {
        let owner = scope.spawn(|| {
            for _ in 0..60 {
                commit(&mut journal, 3, record).unwrap();
                durable.store(journal.durable_lsn().get(), Ordering::Release);
            }
        });
        while !owner.is_finished() {
            let up_to = Lsn::new(durable.load(Ordering::Acquire));
            archived += archive(&disk, &to, up_to, ArchiveLimits::default()).unwrap().segments;
            if archived > 0 {
                let back = MemoryDisk::new();
                let report = restore(&to, Some(&disk), &back, &mut |_| {}).unwrap().report;
                assert!((report.first_lsn, report.torn) == (Some(Lsn::new(1)), None) && report.last_lsn >= up_to);
            }
        }
    });
    journal.close().unwrap();
    archive(&disk, &to, journal.durable_lsn(), all()).unwrap();
    let back = MemoryDisk::new();
    let restored = restore(&to, Some(&disk), &back, &mut |_| {}).unwrap();
    assert_eq!((restored.report.last_lsn, restored.journal_segments), (Lsn::new(180), 1));
    assert_prefix(&open(&back).unwrap().records, record);
}

/// Whoever has the tool of zstd needs none of ours.
#[test]
fn an_archived_segment_is_a_file_of_zstd() {
    let (_, to, image) = archived();
    for name in archived_names(&to) {
        let segment = zstd::decode_all(&to.image()[&name][..]).unwrap();
        assert_eq!(segment, image[name.strip_suffix(".zst").unwrap()]);
    }
    let file = to.open(&archived_names(&to)[0]).unwrap();
    assert!(file.length().unwrap() < options().segment_bytes);
}
