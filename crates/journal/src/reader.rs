//! Reading durable records while the journal goes on.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Lsn;

use crate::disk::{Disk, File};
use crate::format::{BATCH_HEADER_BYTES, BatchHeader, NOTE_BYTES, SEGMENT_HEADER_BYTES, split_record};
use crate::port::{Reader, Record};
use crate::segment::{list_segments, segment_name};
use crate::{Damage, Error};

/// Reads the durable records of a [`FileJournal`](crate::FileJournal), one batch in memory at a time.
#[derive(Debug)]
pub struct FileReader<D: Disk> {
    disk: D,
    /// Raised by the journal after each sync: what lies above is not looked at.
    durable: Arc<AtomicU64>,
    from: Lsn,
    segment: OpenSegment<D::File>,
    /// The lsn of the next record, which stands in `records` or, when that is empty, at `segment.offset`.
    next: Lsn,
    batch: Vec<u8>,
    /// Where in the segment `batch` begins.
    batch_offset: u64,
    /// The part of `batch` not read yet.
    records: Range<usize>,
}

#[derive(Debug)]
struct OpenSegment<F> {
    file: F,
    name: String,
    length: u64,
    offset: u64,
}

impl<D: Disk> FileReader<D> {
    /// Reads from `from` up to and with `up_to`, which the owner has called durable, without the owner's handle: it may go on
    /// on another thread. Record checksums are checked, the hash chain is not; [`scan_behind`](crate::scan_behind) does both.
    ///
    /// # Errors
    /// [`Error::BeginsLater`] when `from` was archived, [`Error::NoJournal`] when there is no segment, [`Error::Io`] when the
    /// disk cannot be read.
    pub fn bounded(disk: D, from: Lsn, up_to: Lsn) -> Result<Self, Error> {
        Self::new(disk, Arc::new(AtomicU64::new(up_to.get())), from)
    }

    pub(crate) fn new(disk: D, durable: Arc<AtomicU64>, from: Lsn) -> Result<Self, Error> {
        let segments = list_segments(&disk)?;
        let before = segments.partition_point(|first| *first <= from.max(Lsn::new(1)));
        let first = match (segments[..before].last(), segments.first()) {
            (Some(first), _) => first,
            (None, Some(first_lsn)) => return Err(Error::BeginsLater { path: disk.path(""), first_lsn: *first_lsn }),
            (None, None) => return Err(Error::NoJournal { path: disk.path("") }),
        };
        let segment = open_segment(&disk, *first).map_err(Error::io("open", disk.path(&segment_name(*first))))?;
        Ok(Self { disk, durable, from, segment, next: *first, batch: Vec::new(), batch_offset: 0, records: 0..0 })
    }

    /// Finds the next durable record at or above `from` and returns where in `batch` it is.
    fn advance(&mut self) -> Result<Option<(Lsn, Range<usize>)>, Error> {
        loop {
            if self.next.get() > self.durable.load(Ordering::Acquire) {
                return Ok(None);
            }
            if self.records.is_empty() {
                self.read_batch()?;
                continue;
            }
            let lsn = self.next;
            let rest = &self.batch[self.records.clone()];
            let (record, behind) = split_record(lsn, rest)
                .map_err(|what| self.damaged(self.batch_offset + self.records.start as u64, what))?;
            let end = self.records.end - behind.len();
            let start = end - record.len();
            self.records.start = end;
            self.next = lsn.next();
            if lsn >= self.from {
                return Ok(Some((lsn, start..end)));
            }
        }
    }

    /// Reads the batch that begins with `next`, or steps over it when `from` lies behind it.
    fn read_batch(&mut self) -> Result<(), Error> {
        let Some(header) = self.read_header()? else { return self.enter_next_segment() };
        let room = self.segment.length - self.segment.offset;
        if header.first_lsn != self.next || header.batch_bytes() as u64 > room {
            let what = Damage::BatchOrder { sequence: header.sequence, first_lsn: header.first_lsn };
            return Err(self.damaged(self.segment.offset, what));
        }
        let behind = Lsn::new(self.next.get() + u64::from(header.record_count));
        if behind <= self.from {
            self.next = behind;
        } else {
            self.batch.resize(header.chained_bytes(), 0);
            let read = self.segment.file.read_exact_at(&mut self.batch, self.segment.offset);
            read.map_err(Error::io("read", self.disk.path(&self.segment.name)))?;
            self.batch_offset = self.segment.offset;
            self.records = BATCH_HEADER_BYTES..self.batch.len();
        }
        self.segment.offset += header.batch_bytes() as u64;
        Ok(())
    }

    /// The batch header at the current place, or `None` where the segment ends.
    fn read_header(&self) -> Result<Option<BatchHeader>, Error> {
        if self.segment.offset + NOTE_BYTES as u64 > self.segment.length {
            return Ok(None);
        }
        let mut bytes = [0; BATCH_HEADER_BYTES];
        let read = self.segment.file.read_exact_at(&mut bytes, self.segment.offset);
        read.map_err(Error::io("read", self.disk.path(&self.segment.name)))?;
        if bytes == [0; BATCH_HEADER_BYTES] {
            return Ok(None);
        }
        BatchHeader::decode(&bytes).map(Some).ok_or_else(|| self.damaged(self.segment.offset, Damage::BatchHeader))
    }

    /// The record looked for is durable and not in this segment, so it begins the next one.
    fn enter_next_segment(&mut self) -> Result<(), Error> {
        let name = segment_name(self.next);
        let missing = || self.damaged(self.segment.offset, Damage::BatchHeader);
        if name == self.segment.name {
            return Err(missing());
        }
        self.segment = match open_segment(&self.disk, self.next) {
            Ok(segment) => segment,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(missing()),
            Err(error) => return Err(Error::io("open", self.disk.path(&name))(error)),
        };
        Ok(())
    }

    fn damaged(&self, offset: u64, what: Damage) -> Error {
        Error::Damaged { path: self.disk.path(&self.segment.name), offset, lsn: self.next, what }
    }
}

impl<D: Disk> Reader for FileReader<D> {
    fn read(&mut self) -> Result<Option<Record<'_>>, Error> {
        let found = self.advance()?;
        Ok(found.map(|(lsn, range)| Record { lsn, bytes: &self.batch[range] }))
    }
}

fn open_segment<D: Disk>(disk: &D, first_lsn: Lsn) -> io::Result<OpenSegment<D::File>> {
    let name = segment_name(first_lsn);
    let file = disk.open_to_read(&name)?;
    let length = file.length()?;
    Ok(OpenSegment { file, name, length, offset: SEGMENT_HEADER_BYTES as u64 })
}
