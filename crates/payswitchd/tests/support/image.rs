//! A real file system on a disk that loses power: ext4 in an image, the image on the disk in user space.

use std::{
    fs,
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    process::Command,
};

use journal::disk::{Disk, Fault, File, Loss, MemoryDisk};
use tempfile::TempDir;

use super::{lossy_disk::LossyDisk, skip};

/// Set where an image can be mounted: a test that needs one then fails instead of being skipped.
const MAY_MOUNT_IMAGES: &str = "PAYSWITCH_TESTS_MAY_MOUNT_IMAGES";

/// Enough for a ledger of some ten thousand payments and for what the index leaves free. What is zero takes no memory.
const IMAGE_BYTES: u64 = 512 * 1024 * 1024;
/// So much of it is taken over at a time.
const PART_BYTES: usize = 4096;
/// All is laid out when it is made, and all of it is there to be written: nothing of the kernel's own goes on beside a run.
const MAKE: [&str; 8] = ["-q", "-F", "-b", "4096", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
/// More operations of the disk than a sync takes.
const OPERATIONS_A_SYNC_MAX: u64 = 20;
const NAME: &str = "image";

/// The file system, mounted. Dropping it takes everything away again.
pub(crate) struct Image {
    // Dropped in this order: nothing is left that stands on what comes after it.
    mounted: Mounted,
    lossy: LossyDisk,
    _directory: TempDir,
}

impl Image {
    /// Makes one and mounts it, which only root may. `None`, loudly, where that is not possible.
    pub(crate) fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let [below, above, plain] = ["disk", "ext4", "plain"].map(|name| directory.path().join(name));
        for place in [&below, &above] {
            fs::create_dir(place).expect("a directory to mount on");
        }
        let empty = fs::File::create(&plain).expect("there is a place for an image");
        empty.set_len(IMAGE_BYTES).expect("a file may have holes");
        if let Err(why) = run("mkfs.ext4", &MAKE, &[&plain]) {
            return skipped(&why);
        }
        let disk = take_over(&plain).expect("the image is read");
        fs::remove_file(&plain).expect("it is ours");
        let lossy = LossyDisk::mount_with(&below, disk)?;
        match Mounted::mount(&below.join(NAME), &above) {
            Ok(mounted) => Some(Self { mounted, lossy, _directory: directory }),
            Err(why) => skipped(&why),
        }
    }

    /// Where the ledger is.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.mounted.at.join("ledger")
    }

    /// The disk below the file system.
    pub(crate) fn disk(&self) -> &MemoryDisk {
        &self.lossy.disk
    }

    /// Whether the file system has given up, as it does when its own journal cannot be written: nothing more is taken until
    /// it is mounted again. An error while its disk fails tells nothing.
    pub(crate) fn is_read_only(&self) -> io::Result<bool> {
        let probe = self.mounted.at.join("probe");
        match fs::write(&probe, "").and_then(|()| fs::remove_file(&probe)) {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Makes the file system fail to write its own journal, so that it gives up.
    pub(crate) fn give_up(&self) {
        let disk = self.disk();
        (0..OPERATIONS_A_SYNC_MAX)
            .for_each(|ahead| disk.inject(disk.operations() + ahead, Fault::Error(ErrorKind::Other)));
        let synced = fs::File::create(self.mounted.at.join("journalled")).and_then(|file| file.sync_all());
        assert!(synced.is_err(), "the disk fails");
        disk.heal();
    }

    /// The power goes, if it has not yet, and comes back: what the kernel would still have written is gone, and the file
    /// system is mounted again from what is on the disk.
    pub(crate) fn restart(&self, loss: Loss) {
        // Whatever was open is dead from here on, so what is unmounted writes nothing more.
        self.disk().restart(loss);
        self.mounted.unmount();
        self.mounted.again();
    }
}

/// A disk with this file on it, durable.
fn take_over(plain: &Path) -> io::Result<MemoryDisk> {
    let disk = MemoryDisk::new();
    let file = disk.create(NAME)?;
    let (mut from, mut part, mut offset) = (fs::File::open(plain)?, vec![0; PART_BYTES], 0);
    while offset < IMAGE_BYTES {
        from.read_exact(&mut part)?;
        let is_last = offset + PART_BYTES as u64 == IMAGE_BYTES;
        if is_last || part.iter().any(|byte| *byte != 0) {
            file.write_all_at(&part, offset)?;
        }
        offset += PART_BYTES as u64;
    }
    file.sync()?;
    disk.sync_directory()?;
    Ok(disk)
}

/// The image, as the kernel has it mounted.
struct Mounted {
    image: PathBuf,
    at: PathBuf,
}

impl Mounted {
    fn mount(image: &Path, at: &Path) -> Result<Self, String> {
        let mounted = Self { image: image.to_owned(), at: at.to_owned() };
        mounted.try_again()?;
        Ok(mounted)
    }

    /// The loop device goes with the mount.
    fn try_again(&self) -> Result<(), String> {
        run("mount", &["-t", "ext4", "-o", "loop"], &[&self.image, &self.at])
    }

    fn again(&self) {
        self.try_again().expect("a file system that lost power can be mounted");
    }

    fn unmount(&self) {
        run("umount", &[], &[&self.at]).expect("nobody uses it");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily, because a test that failed may have left a daemon that is only about to be killed.
        if let Err(why) = run("umount", &["--lazy"], &[&self.at]) {
            eprintln!("{} stays mounted: {why}", self.at.display());
        }
    }
}

fn run(program: &str, options: &[&str], places: &[&Path]) -> Result<(), String> {
    let output = Command::new(program).args(options).args(places).output().map_err(|error| error.to_string())?;
    let said = || format!("{program}: {}", String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(said()) }
}

fn skipped(why: &str) -> Option<Image> {
    skip(MAY_MOUNT_IMAGES, "an image cannot be mounted", &why);
    None
}
