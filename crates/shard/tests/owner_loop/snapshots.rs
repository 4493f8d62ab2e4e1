//! Snapshot files: what is written is read, what is damaged is not.

use domain::{ChainMark, Lsn};
use engine::Engine;
use journal::{
    MemoryJournal,
    disk::{Disk, File, MemoryDisk},
};
use shard::{SnapshotError, Snapshots};

use crate::house::{House, deposit};

const JOURNAL_ID: [u8; 16] = *b"16 random bytes.";

fn snapshots(disk: &MemoryDisk) -> Snapshots<MemoryDisk> {
    Snapshots::new(disk.clone(), JOURNAL_ID)
}

/// A ledger with this many deposits.
fn engine(deposits: u8) -> Engine {
    let mut house = House::new(Engine::default(), MemoryJournal::new(), 100);
    let account = house.begin();
    for key in 0..deposits {
        house.ask(deposit(key, account, 100)).expect("a deposit");
    }
    let mut copy = Engine::default();
    for standing in house.shard.engine().standing() {
        copy.stand(standing).expect("what stands stands");
    }
    copy
}

fn mark(engine: &Engine) -> ChainMark {
    ChainMark { lsn: engine.applied_lsn(), digest: [7; 32] }
}

fn written(deposits: u8) -> (MemoryDisk, Engine, String) {
    let (disk, engine) = (MemoryDisk::new(), engine(deposits));
    snapshots(&disk).write(&engine, mark(&engine)).expect("a disk");
    let name = format!("{:020}.snapshot", engine.applied_lsn().get());
    (disk, engine, name)
}

fn bytes(disk: &MemoryDisk, name: &str) -> Vec<u8> {
    let file = disk.open_to_read(name).expect("the snapshot");
    let mut bytes = vec![0; usize::try_from(file.length().expect("a length")).expect("small")];
    file.read_exact_at(&mut bytes, 0).expect("readable");
    bytes
}

/// A disk with these bytes as the snapshot.
fn disk_with(name: &str, bytes: &[u8]) -> MemoryDisk {
    let disk = MemoryDisk::new();
    disk.create(name).expect("a disk").write_all_at(bytes, 0).expect("a disk");
    disk
}

#[test]
fn what_is_written_is_read() {
    let (disk, engine, name) = written(3);
    assert_eq!(disk.list().expect("a disk"), [name]);
    let read = snapshots(&disk).read(engine.applied_lsn()).expect("a snapshot");
    assert_eq!((read.mark, read.engine.digest()), (mark(&engine), engine.digest()));
}

#[test]
fn every_flipped_bit_is_seen() {
    let (disk, engine, name) = written(1);
    let whole = bytes(&disk, &name);
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let read = snapshots(&disk_with(&name, &flipped)).read(engine.applied_lsn());
        assert!(read.is_err(), "bit {bit} of {name}");
    }
}

#[test]
fn every_cut_and_every_byte_more_is_seen() {
    let (disk, engine, name) = written(1);
    let whole = bytes(&disk, &name);
    let read = |bytes: &[u8]| snapshots(&disk_with(&name, bytes)).read(engine.applied_lsn()).map(|_| ());
    for length in 0..whole.len() {
        assert!(matches!(read(&whole[..length]), Err(SnapshotError::Damaged { .. })), "{length} bytes of {name}");
    }
    assert!(matches!(read(&[&whole[..], &[0]].concat()), Err(SnapshotError::Damaged { .. })));
    assert!(read(&whole).is_ok());
}

#[test]
fn the_newest_that_can_be_used_is_used() {
    let (disk, small, _) = written(1);
    let (_, large, name) = written(2);
    snapshots(&disk).write(&large, mark(&large)).expect("a disk");
    let newest = |up_to| {
        let (found, unusable) = snapshots(&disk).newest(up_to).expect("a disk");
        (found.map(|snapshot| snapshot.mark.lsn), unusable.len())
    };
    assert_eq!(newest(large.applied_lsn()), (Some(large.applied_lsn()), 0));
    assert_eq!(newest(small.applied_lsn()), (Some(small.applied_lsn()), 0), "none above what the index has");
    let file = disk.open(&name).expect("the snapshot");
    file.write_all_at(&[0xff; 4], 200).expect("a disk");
    assert_eq!(newest(large.applied_lsn()), (Some(small.applied_lsn()), 1), "the older one, and why");
    assert_eq!(newest(Lsn::new(1)), (None, 0));
}

#[test]
fn a_snapshot_of_another_journal_or_a_later_version_is_none_of_ours() {
    let (disk, engine, name) = written(1);
    let other = Snapshots::new(disk.clone(), [0; 16]).read(engine.applied_lsn());
    assert!(matches!(other, Err(SnapshotError::OtherJournal { .. })), "{other:?}");
    let mut later = bytes(&disk, &name);
    later[8] = 2;
    let later = snapshots(&disk_with(&name, &later)).read(engine.applied_lsn());
    assert!(matches!(later, Err(SnapshotError::NewerFormat { version: 2, .. })), "{later:?}");
}

#[test]
fn only_the_newest_and_the_one_before_it_are_kept() {
    let disk = MemoryDisk::new();
    let lsns: Vec<_> = (0..4)
        .map(|deposits| {
            let engine = engine(deposits);
            snapshots(&disk).write(&engine, mark(&engine)).expect("a disk");
            engine.applied_lsn()
        })
        .collect();
    snapshots(&disk).keep_only(lsns[2], Some(lsns[0])).expect("a disk");
    assert_eq!(snapshots(&disk).list().expect("a disk"), [lsns[2], lsns[0]]);
    snapshots(&disk).keep_only(lsns[0], None).expect("a disk");
    assert_eq!(snapshots(&disk).list().expect("a disk"), [lsns[0]]);
}
