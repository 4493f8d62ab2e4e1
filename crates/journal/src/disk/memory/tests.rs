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

/// The same as on a plain vector, whatever is written, synced, failed and lost, also where a file is mostly nothing.
#[test]
fn what_is_lost_and_kept_is_that_of_whole_copies() {
    for seed in 0..200 {
        let mut random = SplitMix(seed);
        let mut below = |bound: u64| usize::try_from(random.next() % bound).unwrap();
        let disk = MemoryDisk::new();
        let mut file = disk.create("a").unwrap();
        disk.sync_directory().unwrap();
        let (mut written, mut synced): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
        let mut is_whole = true;
        for _ in 0..40 {
            match below(9) {
                0 if is_whole => {
                    file.sync().unwrap();
                    synced.clone_from(&written);
                }
                1 => {
                    disk.inject(disk.operations(), Fault::Error(io::ErrorKind::Other));
                    assert!(file.sync().is_err());
                    is_whole = false;
                }
                2 => {
                    disk.restart(Loss::Unsynced);
                    written.clone_from(&synced);
                    is_whole = true;
                    file = disk.open("a").unwrap();
                }
                3 => {
                    let length = below(26_000);
                    file.set_length(u64::try_from(length).unwrap()).unwrap();
                    written.resize(length, 0);
                }
                _ => {
                    let (offset, length, byte) = (below(20_000), below(6_000), [0, 7, 9][below(3)]);
                    file.write_all_at(&vec![byte; length], u64::try_from(offset).unwrap()).unwrap();
                    written.resize(written.len().max(offset + length), 0);
                    written[offset..offset + length].fill(byte);
                }
            }
            assert!(read(&disk, "a") == written, "seed {seed}");
        }
    }
}

#[test]
fn zeros_that_nobody_wrote_take_no_memory() {
    let disk = MemoryDisk::new();
    let file = disk.create("a").unwrap();
    file.write_all_at(b"end", 1 << 32).unwrap();
    file.sync().unwrap();
    disk.sync_directory().unwrap();
    file.write_all_at(b"x", 1 << 31).unwrap();
    disk.restart(Loss::Unsynced);
    let mut found = [0; 4];
    disk.open("a").unwrap().read_exact_at(&mut found, (1 << 32) - 1).unwrap();
    assert_eq!(&found, b"\0end");
}

#[test]
fn a_name_is_taken_from_another_file_in_one_step() {
    let disk = MemoryDisk::new();
    for name in ["old", "new"] {
        let file = disk.create(name).unwrap();
        file.write_all_at(name.as_bytes(), 0).unwrap();
        file.sync().unwrap();
    }
    disk.sync_directory().unwrap();
    disk.replace("new", "old").unwrap();
    assert_eq!((read(&disk, "old"), disk.list().unwrap().len()), (b"new".to_vec(), 1));
    disk.restart(Loss::Unsynced);
    assert_eq!((read(&disk, "old"), read(&disk, "new")), (b"old".to_vec(), b"new".to_vec()));
}
