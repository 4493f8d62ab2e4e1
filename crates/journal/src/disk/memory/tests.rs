use super::*;

fn read(disk: &MemoryDisk, name: &str) -> Vec<u8> {
    disk.image().remove(name).unwrap_or_default()
}

#[test]
fn unsynced_bytes_are_lost_and_synced_ones_stay() {
    let disk = MemoryDisk::new();
    let file = disk.create("a").unwrap();
    file.write_all_at(b"old", 0).unwrap();
    file.sync().unwrap();
    disk.sync_directory().unwrap();
    file.write_all_at(b"new", 0).unwrap();
    assert_eq!(read(&disk, "a"), b"new");
    disk.restart(Loss::Unsynced);
    assert_eq!(read(&disk, "a"), b"old");
    assert!(file.sync().is_err(), "files opened before the restart are dead");
}

#[test]
fn an_unsynced_name_is_lost_with_its_file() {
    let disk = MemoryDisk::new();
    disk.create("a").unwrap().sync().unwrap();
    disk.restart(Loss::Unsynced);
    assert_eq!(disk.list().unwrap(), Vec::<String>::new());
}

#[test]
fn a_torn_write_keeps_some_sectors_whole() {
    let disk = MemoryDisk::new();
    let file = disk.create("a").unwrap();
    file.write_all_at(&[0; 64 * SECTOR_BYTES], 0).unwrap();
    file.sync().unwrap();
    disk.sync_directory().unwrap();
    file.write_all_at(&[1; 64 * SECTOR_BYTES], 0).unwrap();
    disk.restart(Loss::Torn { seed: 7 });
    let bytes = read(&disk, "a");
    let sectors: Vec<&[u8]> = bytes.chunks(SECTOR_BYTES).collect();
    assert!(sectors.iter().all(|sector| sector.iter().all(|byte| *byte == sector[0])));
    let kept = sectors.iter().filter(|sector| sector[0] == 1).count();
    assert!((1..64).contains(&kept), "{kept} sectors kept");
}

#[test]
fn a_failed_sync_hides_its_loss_until_the_power_goes() {
    let disk = MemoryDisk::new();
    let file = disk.create("a").unwrap();
    disk.sync_directory().unwrap();
    file.write_all_at(b"gone", 0).unwrap();
    disk.inject(disk.operations(), Fault::Error(io::ErrorKind::Other));
    assert!(file.sync().is_err());
    assert!(file.sync().is_ok(), "the second sync lies");
    disk.restart(Loss::Nothing);
    assert_eq!(read(&disk, "a"), b"gone");
    disk.restart(Loss::Unsynced);
    assert_eq!(read(&disk, "a"), b"\0\0\0\0");
}

#[test]
fn without_power_nothing_works_until_the_restart() {
    let disk = MemoryDisk::new();
    disk.inject(1, Fault::PowerCut);
    let file = disk.create("a").unwrap();
    assert!(disk.sync_directory().is_err());
    assert!(file.write_all_at(b"x", 0).is_err());
    assert!(disk.list().is_err());
    disk.restart(Loss::Nothing);
    assert_eq!(disk.list().unwrap(), ["a"]);
}
