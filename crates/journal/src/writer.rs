//! The journal in files.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::{ChainMark, Lsn};
use planted::Bug;

use crate::batch::Batch;
use crate::disk::{Disk, File};
use crate::format::{
    BatchHeader, Chain, JournalId, NOTE_BYTES, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader,
};
use crate::port::{BATCH_BYTES_MAX, Journal, LARGE_RECORD_BYTES_MAX, Progress};
use crate::preparation::{Preparation, Prepared, Standing};
use crate::reader::FileReader;
use crate::recovery::{Recovered, recover, recover_behind};
use crate::scan::Found;
use crate::segment::{Segment, check_segment_bytes, prepare};
use crate::{Error, Fold};

/// The size of a segment unless set otherwise, in bytes.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;

/// How a journal is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The id a new journal gets: 16 random bytes. A journal that exists keeps its own.
    pub journal_id: JournalId,
    /// The size of segments made from now on, in bytes: a multiple of 4,096, at least
    /// [`SEGMENT_BYTES_MIN`](crate::SEGMENT_BYTES_MIN). Existing ones keep theirs.
    pub segment_bytes: u64,
    /// Who prepares the next segment.
    pub preparation: Preparation,
}

impl Options {
    /// The defaults, for a journal with this id.
    #[must_use]
    pub fn new(journal_id: JournalId) -> Self {
        Self { journal_id, segment_bytes: SEGMENT_BYTES_DEFAULT, preparation: Preparation::default() }
    }
}

/// A [`Journal`] in pre-zeroed files. [`poll`](Journal::poll) writes the batch with one write and one sync on the
/// caller's thread; the files are described in `FORMAT.md`.
///
/// It takes for granted that no other process writes to the directory.
#[derive(Debug)]
pub struct FileJournal<D: Disk> {
    disk: D,
    options: Options,
    segment: Segment<D::File>,
    next_segment: Prepared<D>,
    /// Why the next segment could not be prepared when it was tried last, until it is.
    lacking: Option<Arc<Error>>,
    batch: Batch,
    batch_bytes_max: usize,
    last_lsn: Lsn,
    handed_over: Lsn,
    /// Shared with the readers; only ever raised, after a sync.
    durable: Arc<AtomicU64>,
    /// The newest durable lsn that stands in a header on the disk.
    noted: Lsn,
    /// Behind the last batch, which may be a note.
    chain: Chain,
    /// Of the last batch that is not a note.
    mark: Option<ChainMark>,
    /// The sequence number of the last batch.
    sequence: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Open,
    Failed(Arc<Error>),
    Closed,
}

impl<D: Disk> FileJournal<D> {
    /// Opens the journal on this disk, or makes one on an empty disk. `fold` is shown every record in order. On return
    /// everything it was shown is durable, a torn tail has been cut, and the disk says so.
    ///
    /// # Errors
    /// [`Error::Damaged`] when records known to have been durable cannot be read, [`Error::NewerFormat`] for a later
    /// format, [`Error::BeginsLater`] when earlier segments were archived, [`Error::Fold`] when `fold` fails: in these
    /// cases nothing was changed. [`Error::SegmentBytes`] for a size that cannot be. [`Error::Io`] when the disk fails. What `fold` was shown before an error is to be discarded.
    pub fn open(disk: D, options: Options, fold: &mut Fold<'_>) -> Result<(Self, Recovered), Error> {
        check_segment_bytes(options.segment_bytes)?;
        let new = (options.journal_id, options.segment_bytes);
        let recovered = recover(&disk, new, fold)?;
        Self::go_on(disk, options, recovered)
    }

    /// Opens the journal behind a mark that was told of it earlier: only segments that hold or follow the marked record are
    /// read, earlier ones need not be there, and `fold` is shown the records above the mark. Otherwise as
    /// [`open`](Self::open), but it never makes a journal. Since the marked batch was durable, damage up to it is never
    /// taken for a torn tail.
    ///
    /// What was before the first segment that is read is not checked: the mark vouches for it.
    ///
    /// # Errors
    /// As [`open`](Self::open). [`Error::OtherHistory`] when the batch that ends at the marked record is another one or none
    /// does, [`Error::EndsEarly`] when the journal ends before, [`Error::BeginsLater`] when the marked record was archived,
    /// [`Error::NoJournal`] when there is no segment: in these cases too nothing was changed.
    pub fn open_behind(
        disk: D,
        options: Options,
        mark: ChainMark,
        fold: &mut Fold<'_>,
    ) -> Result<(Self, Recovered), Error> {
        check_segment_bytes(options.segment_bytes)?;
        let recovered = recover_behind(&disk, mark, fold)?;
        Self::go_on(disk, options, recovered)
    }

    fn go_on(
        disk: D,
        options: Options,
        (found, segment): (Found, Segment<D::File>),
    ) -> Result<(Self, Recovered), Error> {
        let recovered = found.recovered();
        let mut journal = Self {
            next_segment: Prepared::start(&disk, options.segment_bytes, options.preparation),
            lacking: None,
            batch: Batch::new(),
            batch_bytes_max: batch_bytes_max(&segment, &options),
            last_lsn: found.last_lsn,
            handed_over: found.last_lsn,
            durable: Arc::new(AtomicU64::new(found.last_lsn.get())),
            noted: found.durable_lsn,
            chain: found.chain,
            mark: found.mark,
            sequence: found.sequence.expect("an opening has read the first batch, or the marked one"),
            state: State::Open,
            disk,
            options,
            segment,
        };
        // From now on others may be told of what was found: if it is ever missing, that must not look like a torn tail.
        journal.note_durable()?;
        Ok((journal, recovered))
    }

    fn check_open(&self) -> Result<(), Error> {
        match &self.state {
            State::Open => Ok(()),
            State::Failed(reason) => Err(Error::Failed { reason: Arc::clone(reason) }),
            State::Closed => Err(Error::Closed),
        }
    }

    /// Sees to it that the durable lsn stands on the disk: in a batch without records, or in a segment header.
    fn note_durable(&mut self) -> Result<(), Error> {
        assert_eq!(self.durable_lsn(), self.last_lsn, "there is nothing else to write");
        if self.noted == self.last_lsn {
            Ok(())
        } else if self.segment.has_room_for(NOTE_BYTES) {
            self.commit()
        } else {
            // A journal that was written without this care. The header of the next segment says as much as a note.
            self.roll()
        }
    }

    /// Makes the open batch durable. After an error this must not be called again.
    fn commit(&mut self) -> Result<(), Error> {
        // Behind records there is always room for a note, so that closing and opening need no other segment, and with it no
        // space, on a disk that is full.
        let note_bytes = if self.batch.records() > 0 { NOTE_BYTES } else { 0 };
        if !self.segment.has_room_for(self.batch.bytes() + note_bytes) {
            self.roll()?;
        }
        let durable_lsn = self.durable_lsn();
        let header = BatchHeader {
            tag: self.segment.header.journal_id.tag(),
            sequence: self.sequence + 1,
            first_lsn: durable_lsn.next(),
            durable_lsn,
            record_count: 0,
            records_bytes: 0,
        };
        let (bytes, chain) = self.batch.seal(&self.chain, header);
        let path = || self.disk.path(&self.segment.name);
        if planted::is(Bug::SyncsTooLate) {
            self.segment.file.sync().map_err(|error| Error::io("sync", path())(error))?;
        }
        let file = &self.segment.file;
        let written = file.write_all_at(bytes, self.segment.end).map_err(|error| Error::io("write", path())(error));
        let synced = written.and_then(|()| sync(file).map_err(|error| Error::io("sync", path())(error)));
        if !planted::is(Bug::GoesOnAfterFailure) {
            synced?;
        }
        self.segment.end += bytes.len() as u64;
        self.chain = chain;
        if self.batch.records() > 0 {
            self.mark = Some(ChainMark { lsn: self.last_lsn, digest: chain });
        }
        self.sequence += 1;
        self.noted = durable_lsn;
        self.batch.clear();
        self.durable.store(self.last_lsn.get(), Ordering::Release);
        Ok(())
    }

    /// Enters the next segment. Everything before it is durable already.
    fn roll(&mut self) -> Result<(), Error> {
        let durable_lsn = self.durable_lsn();
        let header = SegmentHeader {
            journal_id: self.segment.header.journal_id,
            number: self.segment.header.number + 1,
            first_lsn: durable_lsn.next(),
            durable_lsn,
            segment_bytes: self.options.segment_bytes,
            chain: self.chain,
        };
        // What kept the segment from being prepared ahead may have passed since; nothing of this batch was tried yet.
        let file = match self.next_segment.take() {
            Ok(file) => file,
            Err(_passed) => prepare(&self.disk, self.options.segment_bytes, || false)?,
        };
        self.lacking = None;
        self.segment = Segment::install(&self.disk, file, header)?;
        self.noted = durable_lsn;
        self.batch_bytes_max = batch_bytes_max(&self.segment, &self.options);
        self.next_segment = Prepared::start(&self.disk, self.options.segment_bytes, self.options.preparation);
        Ok(())
    }

    /// Whether what is appended before the owner asks again may not fit into this segment: the open batch and the next.
    fn is_nearly_full(&self) -> bool {
        !self.segment.has_room_for(2 * self.batch_bytes_max + NOTE_BYTES)
    }

    fn fail(&mut self, error: Error) {
        assert!(matches!(self.state, State::Open), "a journal fails once");
        self.state = State::Failed(Arc::new(error));
    }
}

impl<D: Disk> Journal for FileJournal<D> {
    type Reader = FileReader<D>;

    fn append(&mut self, lsn: Lsn, record: &[u8]) -> Result<(), Error> {
        self.check_open()?;
        assert_eq!(lsn, self.last_lsn.next(), "lsns are appended without gaps");
        if record.len() > self.record_bytes_max() {
            return Err(Error::RecordTooLarge { lsn, bytes: record.len(), bytes_max: self.record_bytes_max() });
        }
        if !self.batch.has_room_for(record, self.batch_bytes_max) {
            return Err(Error::BatchFull { lsn, records: self.batch.records(), bytes: self.batch.bytes() });
        }
        self.batch.push(lsn, record);
        self.last_lsn = lsn;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.check_open()?;
        self.handed_over = self.last_lsn;
        Ok(())
    }

    fn poll(&mut self) -> Progress {
        if matches!(self.state, State::Open) && self.handed_over > self.durable_lsn() {
            self.commit().unwrap_or_else(|error| self.fail(error));
        }
        match &self.state {
            State::Open | State::Closed => Progress::Durable(self.durable_lsn()),
            State::Failed(reason) => Progress::Failed(Arc::clone(reason)),
        }
    }

    fn check_room(&mut self, again: bool) -> Result<(), Arc<Error>> {
        if !matches!(self.state, State::Open) {
            return Ok(());
        }
        match self.next_segment.standing() {
            Standing::Ready => self.lacking = None,
            // The next commit would wait for it, and it may yet fail.
            Standing::Running if self.lacking.is_none() && self.is_nearly_full() => {
                self.next_segment.wait();
                return self.check_room(again);
            }
            Standing::Running => {}
            Standing::Failed(reason) => {
                self.lacking = Some(reason);
                if again {
                    self.next_segment =
                        Prepared::start(&self.disk, self.options.segment_bytes, self.options.preparation);
                    return self.check_room(false);
                }
            }
        }
        match &self.lacking {
            Some(reason) if self.is_nearly_full() && !planted::is(Bug::NoSpaceCheck) => Err(Arc::clone(reason)),
            Some(_) | None => Ok(()),
        }
    }

    fn record_bytes_max(&self) -> usize {
        LARGE_RECORD_BYTES_MAX.min(self.batch_bytes_max - NOTE_BYTES - RECORD_HEADER_BYTES)
    }

    fn last_lsn(&self) -> Lsn {
        self.last_lsn
    }

    fn durable_lsn(&self) -> Lsn {
        // Only this journal writes it.
        Lsn::new(self.durable.load(Ordering::Relaxed))
    }

    fn chain(&self) -> Option<ChainMark> {
        self.mark
    }

    fn reader(&self, from: Lsn) -> Result<FileReader<D>, Error> {
        FileReader::new(self.disk.clone(), Arc::clone(&self.durable), from)
    }

    fn close(&mut self) -> Result<(), Error> {
        if matches!(self.state, State::Closed) {
            return Ok(());
        }
        self.flush()?;
        let committed = match self.poll() {
            Progress::Durable(_) => self.note_durable(),
            Progress::Failed(reason) => return Err(Error::Failed { reason }),
        };
        match committed {
            Ok(()) => self.state = State::Closed,
            Err(error) => self.fail(error),
        }
        match &self.state {
            State::Failed(reason) => Err(Error::Failed { reason: Arc::clone(reason) }),
            State::Open | State::Closed => Ok(()),
        }
    }
}

/// Makes a batch durable, unless a bug is planted.
fn sync(file: &impl File) -> io::Result<()> {
    if planted::is(Bug::NoSync) || planted::is(Bug::SyncsTooLate) {
        return Ok(());
    }
    let synced = file.sync();
    if planted::is(Bug::RetriesFailedSync) { synced.or_else(|_| file.sync()) } else { synced }
}

/// A batch must fit into what is left of an empty segment, this one or the next, and a note behind it, so that no segment
/// is left without a record: the next one would have the same name.
fn batch_bytes_max<F>(segment: &Segment<F>, options: &Options) -> usize {
    let segment_bytes = segment.header.segment_bytes.min(options.segment_bytes);
    let room = usize::try_from(segment_bytes).unwrap_or(usize::MAX) - SEGMENT_HEADER_BYTES - NOTE_BYTES;
    room.min(BATCH_BYTES_MAX)
}
