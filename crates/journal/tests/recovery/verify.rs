//! Looking without touching.

use domain::Lsn;
use journal::disk::{DirectoryDisk, MemoryDisk};
use journal::{Error, FileJournal, Journal, reaches, scan, verify};

use super::{closed, commit, killed, open, options, record, short_record, small_journal};

#[test]
fn a_report_says_what_an_opening_would_find() {
    for image in [small_journal(3, killed), small_journal(3, closed)] {
        let disk = MemoryDisk::from_image(image.clone());
        let report = verify(&disk).unwrap();
        assert_eq!(disk.image(), image);
        let recovered = open(&disk).unwrap().recovered;
        assert_eq!(
            (report.journal_id, report.records, report.last_lsn, report.segments, report.bytes, report.chain),
            (
                recovered.journal_id,
                recovered.records,
                recovered.last_lsn,
                recovered.segments,
                recovered.bytes,
                recovered.chain
            )
        );
        assert_eq!((report.first_lsn, report.torn), (Some(Lsn::new(1)), None));
    }
}

#[test]
fn a_journal_reaches_what_is_before_its_newest_segment() {
    let disk = MemoryDisk::new();
    assert_eq!(reaches(&disk).unwrap(), None);
    let (mut journal, _) = FileJournal::open(disk.clone(), options(), &mut |_| Ok(())).unwrap();
    assert_eq!(reaches(&disk).unwrap(), Some(Lsn::ZERO));
    while reaches(&disk).unwrap() == Some(Lsn::ZERO) {
        commit(&mut journal, 3, record).unwrap();
    }
    let reached = reaches(&disk).unwrap().unwrap();
    assert!(reached > Lsn::ZERO && reached <= verify(&disk).unwrap().last_lsn, "{reached}");
}

#[test]
fn the_part_not_confirmed_is_the_last_batch_until_it_is_closed() {
    let killed = verify(&MemoryDisk::from_image(small_journal(3, killed))).unwrap();
    assert_eq!(killed.durable_lsn, Lsn::new(3));
    assert_eq!(killed.unconfirmed_bytes, 48 + 3 * (8 + 8) + 40);
    let closed = verify(&MemoryDisk::from_image(small_journal(3, closed))).unwrap();
    assert_eq!(closed.durable_lsn, Lsn::new(6));
    assert_eq!(closed.unconfirmed_bytes, 48 + 40);
}

#[test]
fn an_opening_confirms_what_it_found() {
    let disk = MemoryDisk::from_image(small_journal(3, killed));
    drop(open(&disk).unwrap());
    assert_eq!(verify(&disk).unwrap().durable_lsn, Lsn::new(6));
    let image = disk.image();
    drop(open(&disk).unwrap());
    assert_eq!(disk.image(), image, "once is enough");
}

#[test]
fn an_empty_directory_has_nothing_to_verify() {
    assert!(matches!(verify(&MemoryDisk::new()), Err(Error::NoJournal { .. })));
}

#[test]
fn a_scan_begins_at_its_lsn_and_stops_when_told() {
    let disk = MemoryDisk::from_image(small_journal(3, killed));
    let mut seen = Vec::new();
    scan(&disk, Lsn::new(4), &mut |record| {
        assert_eq!(record.bytes, short_record(record.lsn));
        seen.push(record.lsn.get());
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, [4, 5, 6]);
    let stopped =
        scan(&disk, Lsn::ZERO, &mut |record| if record.lsn.get() < 2 { Ok(()) } else { Err("enough".into()) });
    assert!(matches!(stopped, Err(Error::Fold { lsn, .. }) if lsn == Lsn::new(2)));
}

/// Whatever a scan beside the owner sees of a batch being written, it is not damage.
#[test]
fn a_scan_beside_the_running_owner_finds_no_damage() {
    let directory = tempfile::tempdir().unwrap();
    let disk = DirectoryDisk::create(directory.path().join("journal")).unwrap();
    let (mut journal, _) = FileJournal::open(disk.clone(), options(), &mut |_| Ok(())).unwrap();
    std::thread::scope(|scope| {
        let owner = scope.spawn(|| {
            for _ in 0..300 {
                commit(&mut journal, 20, short_record).unwrap();
            }
        });
        let mut last_lsn = Lsn::ZERO;
        while !owner.is_finished() {
            let report = verify(&disk).unwrap();
            assert!(report.last_lsn >= last_lsn);
            last_lsn = report.last_lsn;
        }
    });
    journal.close().unwrap();
    assert_eq!(verify(&disk).unwrap().last_lsn, Lsn::new(6000));
}
