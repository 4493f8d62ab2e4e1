//! The floor under durability: a bare write and fdatasync loop.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::tally::{latencies, micros};

/// Length of the file, written full of zeros beforehand, so that no write has to allocate.
const FILE_BYTES: usize = 16 * 1024 * 1024;

/// How much each write is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteSize {
    /// 256 bytes: about one record.
    Record,
    /// 4 KiB: a page.
    Page,
}

impl WriteSize {
    fn bytes(self) -> usize {
        match self {
            Self::Record => 256,
            Self::Page => 4096,
        }
    }
}

/// A file to write into, removed afterwards.
#[derive(Debug)]
pub(super) struct DiskFloor {
    path: PathBuf,
    file: File,
}

impl DiskFloor {
    /// Makes the file.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        let path = directory.join(format!("payctl-bench-{}.tmp", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let floor = Self { path, file };
        floor.file.write_all_at(&vec![0; FILE_BYTES], 0)?;
        floor.file.sync_all()?;
        Ok(floor)
    }

    /// Writes and syncs until the time has passed; latencies of write and fdatasync together, in microseconds.
    pub(super) fn measure(&self, size: WriteSize, duration: Duration) -> io::Result<Histogram<u64>> {
        let block = vec![0xa5; size.bytes()];
        let mut latencies = latencies();
        let mut offset = 0;
        let started = Instant::now();
        while started.elapsed() < duration {
            let begun = Instant::now();
            self.file.write_all_at(&block, offset as u64)?;
            self.file.sync_data()?;
            latencies.saturating_record(micros(begun.elapsed()));
            offset = (offset + block.len()) % FILE_BYTES;
        }
        Ok(latencies)
    }
}

impl Drop for DiskFloor {
    fn drop(&mut self) {
        // A file that stays behind is only untidy.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_timed_and_the_file_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let floor = DiskFloor::create(directory.path()).unwrap();
        for size in [WriteSize::Record, WriteSize::Page] {
            let latencies = floor.measure(size, Duration::from_millis(5)).unwrap();
            assert!(!latencies.is_empty());
        }
        drop(floor);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
