//! A journal without a disk, for tests and simulations of its owner.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{ChainMark, Lsn};

use crate::Error;
use crate::format::{CHAIN_START, RecordHeader, continue_chain};
use crate::port::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Journal, LARGE_RECORD_BYTES_MAX, Progress, Reader, Record};

/// Keeps the contract of [`Journal`] as long as it lives: "durable" means "found by [`MemoryJournal::reopen`]".
#[derive(Debug, Default)]
pub struct MemoryJournal {
    durable: Arc<Mutex<Records>>,
    open: Records,
    handed_over: usize,
    ended: Ended,
}

#[derive(Debug, Default)]
enum Ended {
    #[default]
    No,
    /// The next write will fail.
    Doomed,
    Failed(Arc<Error>),
    Closed,
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is found after the owner of this journal has died, at whatever moment: the durable records and no others.
    #[must_use]
    pub fn reopen(self) -> Self {
        Self { durable: self.durable, ..Self::default() }
    }

    /// Makes the next `poll` that has something to write fail, and with it the journal.
    pub fn fail_next_write(&mut self) {
        if matches!(self.ended, Ended::No) {
            self.ended = Ended::Doomed;
        }
    }

    fn durable(&self) -> MutexGuard<'_, Records> {
        lock(&self.durable)
    }

    fn check_open(&self) -> Result<(), Error> {
        match &self.ended {
            Ended::No | Ended::Doomed => Ok(()),
            Ended::Failed(reason) => Err(Error::Failed { reason: Arc::clone(reason) }),
            Ended::Closed => Err(Error::Closed),
        }
    }
}

impl Journal for MemoryJournal {
    type Reader = MemoryReader;

    fn append(&mut self, lsn: Lsn, record: &[u8]) -> Result<(), Error> {
        self.check_open()?;
        assert_eq!(lsn, self.last_lsn().next(), "lsns are appended without gaps");
        if record.len() > self.record_bytes_max() {
            return Err(Error::RecordTooLarge { lsn, bytes: record.len(), bytes_max: self.record_bytes_max() });
        }
        let (records, bytes) = (self.open.ends.len(), self.open.bytes.len());
        if records == BATCH_RECORDS_MAX || bytes + record.len() > BATCH_BYTES_MAX {
            return Err(Error::BatchFull { lsn, records, bytes });
        }
        self.open.push(record);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.check_open()?;
        self.handed_over = self.open.ends.len();
        Ok(())
    }

    fn poll(&mut self) -> Progress {
        if self.handed_over > 0 {
            if matches!(self.ended, Ended::Doomed) {
                let source = io::Error::other("this write was made to fail");
                let path = PathBuf::from("memory");
                self.ended = Ended::Failed(Arc::new(Error::Io { tried: "write", path, source }));
                self.handed_over = 0;
            } else {
                let batch = std::mem::take(&mut self.open);
                lock(&self.durable).push_batch(&batch);
                self.handed_over = 0;
            }
        }
        match &self.ended {
            Ended::Failed(reason) => Progress::Failed(Arc::clone(reason)),
            Ended::No | Ended::Doomed | Ended::Closed => Progress::Durable(self.durable_lsn()),
        }
    }

    fn record_bytes_max(&self) -> usize {
        LARGE_RECORD_BYTES_MAX
    }

    fn last_lsn(&self) -> Lsn {
        Lsn::new(self.durable_lsn().get() + count(self.open.ends.len()))
    }

    fn durable_lsn(&self) -> Lsn {
        Lsn::new(count(self.durable().ends.len()))
    }

    fn chain(&self) -> Option<ChainMark> {
        self.durable().mark
    }

    fn reader(&self, from: Lsn) -> Result<MemoryReader, Error> {
        Ok(MemoryReader { durable: Arc::clone(&self.durable), next: from.max(Lsn::new(1)), record: Vec::new() })
    }

    fn close(&mut self) -> Result<(), Error> {
        if matches!(self.ended, Ended::Closed) {
            return Ok(());
        }
        self.flush()?;
        match self.poll() {
            Progress::Durable(_) => self.ended = Ended::Closed,
            Progress::Failed(reason) => return Err(Error::Failed { reason }),
        }
        Ok(())
    }
}

/// Reads the durable records of a [`MemoryJournal`].
#[derive(Clone, Debug)]
pub struct MemoryReader {
    durable: Arc<Mutex<Records>>,
    next: Lsn,
    record: Vec<u8>,
}

impl Reader for MemoryReader {
    fn read(&mut self) -> Result<Option<Record<'_>>, Error> {
        let index = usize::try_from(self.next.get() - 1).unwrap_or(usize::MAX);
        self.record.clear();
        match lock(&self.durable).get(index) {
            None => return Ok(None),
            Some(record) => self.record.extend_from_slice(record),
        }
        let lsn = self.next;
        self.next = lsn.next();
        Ok(Some(Record { lsn, bytes: &self.record }))
    }
}

/// Records one behind the other; record `i` ends at `ends[i]`.
#[derive(Debug, Default)]
struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Of the last batch pushed as one.
    mark: Option<ChainMark>,
}

impl Records {
    fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }

    /// The chain takes in the records with their headers, as it does in files, but no batch header: there is none here.
    fn push_batch(&mut self, batch: &Self) {
        let mut framed = Vec::new();
        let mut lsn = Lsn::new(count(self.ends.len()));
        for record in batch.iter() {
            lsn = lsn.next();
            framed.extend_from_slice(&RecordHeader::of(lsn, record).encode());
            framed.extend_from_slice(record);
            self.push(record);
        }
        let before = self.mark.map_or(CHAIN_START, |mark| mark.digest);
        self.mark = Some(ChainMark { lsn, digest: continue_chain(&before, &framed) });
    }

    fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.bytes[start..end])
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map_while(|index| self.get(index))
    }
}

/// A panic elsewhere leaves whole batches behind: they are pushed in one go.
fn lock(records: &Mutex<Records>) -> MutexGuard<'_, Records> {
    records.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(records: usize) -> u64 {
    u64::try_from(records).expect("usize has at most 64 bits")
}
