//! Segments that are missing, doubled, swapped, foreign, old or newer are named.

use domain::Lsn;
use journal::disk::MemoryDisk;
use journal::{Damage, Error, Journal, JournalId, Options};

use super::{Image, commit, open, open_with, options, record};

/// Four segments with one batch or two each.
fn image_of(options: Options) -> Image {
    let disk = MemoryDisk::new();
    let mut journal = open_with(&disk, options).expect("an empty disk").journal;
    while disk.image().len() < 5 {
        commit(&mut journal, 4, record).expect("the disk works");
    }
    disk.image()
}

fn segment_names(image: &Image) -> Vec<String> {
    image.keys().filter(|name| *name != "next.segment").cloned().collect()
}

/// The damage an opening reports, after making sure that it changed nothing.
fn damage(image: Image) -> (String, Lsn, Damage) {
    let disk = MemoryDisk::from_image(image.clone());
    match open(&disk).map(|opened| opened.recovered) {
        Err(Error::Damaged { path, lsn, what, .. }) => {
            assert_eq!(disk.image(), image, "nothing is changed");
            (path.file_name().expect("a file").to_string_lossy().into_owned(), lsn, what)
        }
        other => panic!("damage was not noticed: {other:?}"),
    }
}

fn first_lsn(name: &str) -> Lsn {
    Lsn::new(name[..20].parse().expect("a segment is named after its first lsn"))
}

#[test]
fn a_missing_segment_is_named() {
    let image = image_of(options());
    let names = segment_names(&image);
    for missing in 0..names.len() - 1 {
        let mut image = image.clone();
        image.remove(&names[missing]);
        let behind = &names[missing + 1];
        if missing == 0 {
            // As an archive leaves it: there is nothing to compare with.
            let disk = MemoryDisk::from_image(image.clone());
            let refused = open(&disk).map(|opened| opened.recovered).unwrap_err();
            assert!(matches!(refused, Error::BeginsLater { first_lsn: found, .. } if found == first_lsn(behind)));
            assert_eq!(disk.image(), image, "nothing is changed");
            continue;
        }
        let what = Damage::RecordsMissing { number: missing as u64 + 1, first_lsn: first_lsn(behind) };
        assert_eq!(damage(image), (behind.clone(), first_lsn(&names[missing]), what));
    }
}

#[test]
fn a_copied_segment_is_named() {
    let image = image_of(options());
    let names = segment_names(&image);
    for name in &names {
        let mut image = image.clone();
        let copy = "00000000000000999999.segment".to_owned();
        image.insert(copy.clone(), image[name].clone());
        let (path, _, what) = damage(image);
        assert_eq!((path, what), (copy, Damage::SegmentName { found: first_lsn(name) }));
    }
}

#[test]
fn swapped_segments_are_named() {
    let image = image_of(options());
    let names = segment_names(&image);
    for (left, right) in [(0, 1), (1, 2), (0, 3)] {
        let mut image = image.clone();
        let (a, b) = (image[&names[left]].clone(), image[&names[right]].clone());
        image.insert(names[left].clone(), b);
        image.insert(names[right].clone(), a);
        let what = Damage::SegmentName { found: first_lsn(&names[right]) };
        assert_eq!(damage(image), (names[left].clone(), first_lsn(&names[left]), what));
    }
}

#[test]
fn a_segment_of_another_journal_is_named() {
    let image = image_of(options());
    let other = JournalId::new(*b"another journal!");
    let foreign = image_of(Options { journal_id: other, ..options() });
    let names = segment_names(&image);
    for name in &names[1..] {
        let mut image = image.clone();
        image.insert(name.clone(), foreign[name].clone());
        let what = Damage::ForeignSegment { found: other, expected: options().journal_id };
        assert_eq!(damage(image), (name.clone(), first_lsn(name), what));
    }
}

#[test]
fn an_older_copy_of_a_segment_is_named_by_the_one_behind_it() {
    let disk = MemoryDisk::new();
    let mut journal = open(&disk).unwrap().journal;
    commit(&mut journal, 1, record).unwrap();
    let old = disk.image();
    while disk.image().len() < 4 {
        commit(&mut journal, 2, record).unwrap();
    }
    let mut image = disk.image();
    let names = segment_names(&image);
    image.insert(names[0].clone(), old[&names[0]].clone());
    let what = Damage::RecordsMissing { number: 1, first_lsn: first_lsn(&names[1]) };
    assert_eq!(damage(image), (names[1].clone(), Lsn::new(2), what));
}

#[test]
fn a_segment_of_another_history_is_named() {
    let (disk, other) = (MemoryDisk::new(), MemoryDisk::new());
    let mut journal = open(&disk).unwrap().journal;
    let mut other_journal = open(&other).unwrap().journal;
    let other_record = |lsn| record(lsn).iter().map(|byte| byte ^ 1).collect();
    while disk.image().len() < 4 {
        commit(&mut journal, 2, record).unwrap();
        commit(&mut other_journal, 2, other_record).unwrap();
    }
    let mut image = disk.image();
    let names = segment_names(&image);
    image.insert(names[1].clone(), other.image()[&names[1]].clone());
    assert_eq!(damage(image), (names[1].clone(), first_lsn(&names[1]), Damage::SegmentChain));
}

#[test]
fn damage_in_an_earlier_segment_is_never_cut() {
    let image = image_of(options());
    let names = segment_names(&image);
    for name in &names[..names.len() - 1] {
        let length = image[name].len();
        for at in [4096, 5000, length - 1] {
            let mut image = image.clone();
            image.get_mut(name).unwrap()[at] ^= 1;
            assert_eq!(damage(image).0, *name, "byte {at}");
        }
        let mut emptied = image.clone();
        emptied.get_mut(name).unwrap()[4096..].fill(0);
        assert_eq!(damage(emptied).1, first_lsn(name));
    }
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let mut image = image_of(options());
    let name = segment_names(&image)[0].clone();
    let segment = image.get_mut(&name).unwrap();
    segment[8..10].copy_from_slice(&2_u16.to_le_bytes());
    let checksum = crc32c::crc32c(&segment[..4092]);
    segment[4092..4096].copy_from_slice(&checksum.to_le_bytes());
    let disk = MemoryDisk::from_image(image.clone());
    let refused = open(&disk).map(|opened| opened.recovered).unwrap_err();
    assert!(matches!(refused, Error::NewerFormat { found: 2, supported: 1, .. }), "{refused}");
    assert_eq!(disk.image(), image, "nothing is changed");
}

#[test]
fn the_size_of_segments_can_be_changed() {
    let disk = MemoryDisk::from_image(image_of(options()));
    let larger = Options { segment_bytes: 2 * options().segment_bytes, ..options() };
    let opened = open_with(&disk, larger).unwrap();
    let (mut journal, before) = (opened.journal, opened.records.len() as u64);
    for _ in 0..6 {
        commit(&mut journal, 4, record).unwrap();
    }
    drop(journal);
    let mut journal = open(&disk).unwrap().journal;
    assert_eq!(journal.last_lsn(), Lsn::new(before + 24));
    commit(&mut journal, 6, record).unwrap();
    assert!(matches!(
        open_with(&disk, Options { segment_bytes: 4096, ..options() }).map(|opened| opened.recovered),
        Err(Error::SegmentBytes { segment_bytes: 4096 })
    ));
}

/// A note that did not fit once opened a segment and filled part of it, so that the largest batch no longer fitted
/// and a segment of the same name was asked for.
#[test]
fn a_note_never_stands_in_a_segment_without_records() {
    let disk = MemoryDisk::new();
    let mut journal = open(&disk).unwrap().journal;
    let room = usize::try_from(options().segment_bytes).unwrap() - 4096;
    // The last would leave less than a note of 88 bytes, so it goes to the next segment.
    for length in [60_000, 60_000, room - 120_000 - 3 * (48 + 8 + 40) - 50] {
        let lsn = journal.last_lsn().next();
        journal.append(lsn, &vec![1; length]).unwrap();
        journal.flush().unwrap();
        journal.poll();
    }
    journal.close().unwrap();
    let mut journal = open(&disk).unwrap().journal;
    for length in [65_536, room - 88 - 65_536 - (48 + 8 + 8 + 40)] {
        let lsn = journal.last_lsn().next();
        journal.append(lsn, &vec![2; length]).unwrap();
    }
    journal.close().unwrap();
    assert_eq!(open(&disk).unwrap().recovered.segments, 3);
}
