//! Reading a whole journal, batch by batch, and deciding what the first flaw in it means.
//!
//! The scan changes nothing. What it returns is either whole up to its last batch, with a torn tail behind it or not, or
//! [`Error::Damaged`]. A batch counts only as a whole: its records are shown after its end mark and its place in the
//! hash chain were checked.

use std::path::{Path, PathBuf};

use domain::{ChainMark, Lsn};
use planted::Bug;

use crate::disk::{Disk, File};
use crate::format::{
    BATCH_HEADER_BYTES, BatchHeader, CHAIN_START, Chain, JournalId, NOTE_BYTES, RECORD_HEADER_BYTES, SEGMENT_BYTES_MIN,
    SEGMENT_HEADER_BYTES, SegmentBlock, SegmentHeader, continue_chain, decode_batch_end, record_bytes, split_record,
};
use crate::segment::{list_segments, segment_name};
use crate::survey::survey;
use crate::window::{Window, is_zero};
use crate::{Damage, Error, FORMAT_VERSION, Fold};

/// One record and where it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its position.
    pub lsn: Lsn,
    /// The bytes that were appended.
    pub bytes: &'a [u8],
    /// The mark of the batch that holds it: the last record of that batch, and the hash chain right behind.
    pub chain: ChainMark,
    /// The segment that holds it.
    pub path: &'a Path,
    /// Where in the segment its record header begins.
    pub offset: u64,
}

/// A journal as it was found: everything up to `tail.end` is whole.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) journal_id: JournalId,
    /// Of the first segment that was read.
    pub(crate) first_lsn: Lsn,
    /// How many segments were read.
    pub(crate) segments: u64,
    pub(crate) last_lsn: Lsn,
    /// The newest durable lsn written anywhere.
    pub(crate) durable_lsn: Lsn,
    /// The length of all batches, in bytes.
    pub(crate) bytes: u64,
    /// Behind the last batch, which may be a note.
    pub(crate) chain: Chain,
    /// Of the last batch that is not a note.
    pub(crate) mark: Option<ChainMark>,
    /// The sequence number of the last batch; `None` while it cannot be known, for the reading began behind the first
    /// segment and has met no batch.
    pub(crate) sequence: Option<u64>,
    /// Somebody was told that everything up to here is durable, whatever the journal says.
    promised: Lsn,
    pub(crate) tail: Tail,
    pub(crate) torn: Option<Torn>,
}

/// The last segment.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) path: PathBuf,
    pub(crate) header: SegmentHeader,
    /// Behind the last whole batch.
    pub(crate) end: u64,
    /// Where the part begins of which no later header says that it was durable.
    pub(crate) unconfirmed: u64,
}

/// What lies behind the last whole batch and was never confirmed.
#[derive(Debug)]
pub(crate) struct Torn {
    /// Behind its last byte that is not zero.
    pub(crate) end: u64,
    pub(crate) what: Damage,
}

/// Where a reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With lsn 1, and with nothing else.
    Beginning,
    /// With the first segment there is. What its header says of what was before it cannot be checked.
    FirstThere,
    /// With the segment that holds this record, which somebody was told is durable. What its header says of what was
    /// before it cannot be checked.
    Holding(Lsn),
}

/// Reads everything from there on. `None` when there is no segment.
pub(crate) fn scan_all<D: Disk>(disk: &D, start: Start, fold: &mut Fold<'_>) -> Result<Option<Found>, Error> {
    let segments = list_segments(disk)?;
    let Some((first, last)) = segments.first().zip(segments.last()) else { return Ok(None) };
    let (from, promised) = match start {
        Start::Beginning => ((*first).min(Lsn::new(1)), Lsn::ZERO),
        Start::FirstThere => (*first, Lsn::ZERO),
        Start::Holding(lsn) => (lsn, lsn),
    };
    let Some(skipped) = segments.partition_point(|first| *first <= from).checked_sub(1) else {
        return Err(Error::BeginsLater { path: disk.path(""), first_lsn: *first });
    };
    let mut buffer = Vec::new();
    let mut found: Option<Found> = None;
    for first_lsn in segments.iter().skip(skipped) {
        let mut window = open_window(disk, *first_lsn, &mut buffer)?;
        let header = read_segment_header(&mut window, *first_lsn, found.as_ref())?;
        let entered = Found::enter(found, window.path().clone(), header).promised(promised);
        found = Some(entered.read_segment(&mut window, fold, Position::of(first_lsn, last))?);
    }
    Ok(found)
}

/// Reads a segment that others follow, and the header of the one that does: what an archive takes in. The segment must end
/// where the next one begins, with the chain that the next one continues.
pub(crate) fn scan_sealed<D: Disk>(disk: &D, first_lsn: Lsn, next: Lsn) -> Result<Found, Error> {
    let mut buffer = Vec::new();
    let mut window = open_window(disk, first_lsn, &mut buffer)?;
    let header = read_segment_header(&mut window, first_lsn, None)?;
    let entered = Found::enter(None, window.path().clone(), header);
    let found = entered.read_segment(&mut window, &mut |_| Ok(()), Position::BeforeOthers)?;
    let mut window = open_window(disk, next, &mut buffer)?;
    read_segment_header(&mut window, next, Some(&found))?;
    Ok(found)
}

/// The header of a segment, checked as far as it can be alone.
pub(crate) fn segment_header<D: Disk>(disk: &D, first_lsn: Lsn) -> Result<SegmentHeader, Error> {
    let mut buffer = Vec::new();
    read_segment_header(&mut open_window(disk, first_lsn, &mut buffer)?, first_lsn, None)
}

fn open_window<'a, D: Disk>(disk: &D, first_lsn: Lsn, buffer: &'a mut Vec<u8>) -> Result<Window<'a, D::File>, Error> {
    let name = segment_name(first_lsn);
    let path = disk.path(&name);
    let file = disk.open_to_read(&name).map_err(Error::io("open", path.clone()))?;
    Window::new(file, path, buffer)
}

/// Only the last segment can be torn: the one before was durable to its last batch when the next was made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Last,
    BeforeOthers,
}

impl Position {
    fn of(segment: &Lsn, last: &Lsn) -> Self {
        if segment == last { Self::Last } else { Self::BeforeOthers }
    }
}

/// A place where the bytes are not those of a journal.
#[derive(Debug)]
struct Flaw {
    offset: u64,
    lsn: Lsn,
    what: Damage,
}

impl Flaw {
    fn into_error(self, path: &Path) -> Error {
        Error::Damaged { path: path.to_path_buf(), offset: self.offset, lsn: self.lsn, what: self.what }
    }
}

enum Next {
    Batch,
    End,
    Flaw(Flaw),
}

fn read_segment_header<F: File>(
    window: &mut Window<'_, F>,
    named: Lsn,
    before: Option<&Found>,
) -> Result<SegmentHeader, Error> {
    let path = window.path().clone();
    let length = window.length();
    let flaw = |what| {
        let lsn = before.map_or(named.max(Lsn::new(1)), |before| before.last_lsn.next());
        let offset = if let Damage::SegmentLength { found, .. } = what { found } else { 0 };
        Flaw { offset, lsn, what }.into_error(&path)
    };
    if length < SEGMENT_HEADER_BYTES as u64 {
        return Err(flaw(Damage::SegmentLength { found: length, expected: SEGMENT_BYTES_MIN }));
    }
    let block = window.bytes(0, SEGMENT_HEADER_BYTES)?.first_chunk().expect("a whole block was read");
    let header = match SegmentHeader::decode(block).map_err(&flaw)? {
        SegmentBlock::Known(header) => header,
        SegmentBlock::Newer(found) => {
            return Err(Error::NewerFormat { path, found, supported: FORMAT_VERSION });
        }
    };
    check_segment_header(&header, length, named, before).map_err(flaw)?;
    Ok(header)
}

fn check_segment_header(header: &SegmentHeader, length: u64, named: Lsn, before: Option<&Found>) -> Result<(), Damage> {
    let (journal_id, number, first_lsn, chain) = match before {
        None if named <= Lsn::new(1) => (header.journal_id, 0, Lsn::new(1), CHAIN_START),
        // Whatever was before it is not there to be compared.
        None => (header.journal_id, header.number.max(1), header.first_lsn, header.chain),
        Some(before) => {
            let number = before.tail.header.number.saturating_add(1);
            (before.journal_id, number, before.last_lsn.next(), before.chain)
        }
    };
    if header.journal_id != journal_id {
        return Err(Damage::ForeignSegment { found: header.journal_id, expected: journal_id });
    }
    // A crash cannot do this: a segment has its full length before it has its name.
    if header.segment_bytes != length {
        return Err(Damage::SegmentLength { found: length, expected: header.segment_bytes });
    }
    if header.first_lsn != named {
        return Err(Damage::SegmentName { found: header.first_lsn });
    }
    if header.number != number || header.first_lsn != first_lsn {
        return Err(Damage::RecordsMissing { number: header.number, first_lsn: header.first_lsn });
    }
    if header.durable_lsn >= header.first_lsn {
        return Err(Damage::SegmentDurable { found: header.durable_lsn });
    }
    if header.chain != chain {
        return Err(Damage::SegmentChain);
    }
    Ok(())
}

impl Found {
    pub(crate) fn enter(before: Option<Self>, path: PathBuf, header: SegmentHeader) -> Self {
        let start = SEGMENT_HEADER_BYTES as u64;
        let (journal_id, durable_lsn) = (header.journal_id, header.durable_lsn);
        let (first_lsn, chain) = (header.first_lsn, header.chain);
        // The first batch of all is number 1; what a later segment begins with is not in its header.
        let sequence = (header.number == 0).then_some(0);
        let tail = Tail { path, header, end: start, unconfirmed: start };
        match before {
            None => Self {
                journal_id,
                first_lsn,
                segments: 1,
                last_lsn: Lsn::new(first_lsn.get().saturating_sub(1)),
                durable_lsn,
                bytes: 0,
                chain,
                mark: None,
                sequence,
                promised: Lsn::ZERO,
                tail,
                torn: None,
            },
            Some(before) => {
                Self { segments: before.segments + 1, durable_lsn: before.durable_lsn.max(durable_lsn), tail, ..before }
            }
        }
    }

    fn promised(self, promised: Lsn) -> Self {
        Self { promised, ..self }
    }

    /// How many records were read.
    pub(crate) fn records(&self) -> u64 {
        self.last_lsn.next().get() - self.first_lsn.get()
    }

    fn read_segment<F: File>(
        mut self,
        window: &mut Window<'_, F>,
        fold: &mut Fold<'_>,
        position: Position,
    ) -> Result<Self, Error> {
        loop {
            match self.read_batch(window, fold)? {
                Next::Batch => {}
                Next::End => return Ok(self),
                Next::Flaw(flaw) => return self.judge(flaw, window, position),
            }
        }
    }

    /// The rule for a torn tail. What lies above the newest durable lsn found anywhere, or promised to anyone who is known,
    /// was never confirmed and may be torn, whatever its shape. What lies below it was, and is damaged.
    fn judge<F: File>(mut self, flaw: Flaw, window: &mut Window<'_, F>, position: Position) -> Result<Self, Error> {
        if position == Position::BeforeOthers && !planted::is(Bug::CutsWhatIsDamaged) {
            return Err(flaw.into_error(window.path()));
        }
        let survey = survey(window, self.tail.end, self.journal_id.tag())?;
        // Batches are durable as a whole, so the first lsn in question is the one behind the last whole batch.
        let durable_lsn = survey.durable_lsn.max(self.promised);
        if durable_lsn > self.last_lsn && !planted::is(Bug::CutsWhatIsDamaged) {
            return Err(flaw.into_error(window.path()));
        }
        self.torn = Some(Torn { end: survey.end, what: flaw.what });
        Ok(self)
    }

    fn read_batch<F: File>(&mut self, window: &mut Window<'_, F>, fold: &mut Fold<'_>) -> Result<Next, Error> {
        let offset = self.tail.end;
        let flaw = |what| Ok(Next::Flaw(Flaw { offset, lsn: self.last_lsn.next(), what }));
        let room = usize::try_from(window.length() - offset).unwrap_or(usize::MAX);
        if room < NOTE_BYTES {
            return self.expect_zeros(window);
        }
        let bytes: &[u8; BATCH_HEADER_BYTES] =
            window.bytes(offset, BATCH_HEADER_BYTES)?.first_chunk().expect("a whole header was read");
        if is_zero(bytes) {
            return self.expect_zeros(window);
        }
        let Some(header) = BatchHeader::decode(bytes) else { return flaw(Damage::BatchHeader) };
        if let Err(what) = self.check_batch_header(&header, room) {
            return flaw(what);
        }
        let batch = window.bytes(offset, header.batch_bytes())?;
        let chain = match self.check_batch(&header, batch) {
            Ok(chain) => chain,
            Err(flaw) => return Ok(Next::Flaw(flaw)),
        };
        let records = &batch[BATCH_HEADER_BYTES..header.chained_bytes()];
        let behind = Lsn::new(self.last_lsn.get() + u64::from(header.record_count));
        let mark = ChainMark { lsn: behind, digest: chain };
        self.show_records(records, mark, fold)?;
        self.accept(&header, mark);
        Ok(Next::Batch)
    }

    fn check_batch_header(&self, header: &BatchHeader, room: usize) -> Result<(), Damage> {
        if header.tag != self.journal_id.tag() {
            return Err(Damage::ForeignBatch);
        }
        let in_sequence = self.sequence.is_none_or(|last| last.checked_add(1) == Some(header.sequence));
        if !in_sequence || header.first_lsn != self.last_lsn.next() {
            return Err(Damage::BatchOrder { sequence: header.sequence, first_lsn: header.first_lsn });
        }
        // A journal that begins later may say that it begins with any number.
        let ends = header.first_lsn.get().checked_add(header.record_count.into()).is_some();
        if header.durable_lsn >= header.first_lsn || header.batch_bytes() > room || !ends {
            return Err(Damage::BatchShape);
        }
        Ok(())
    }

    fn check_batch(&self, header: &BatchHeader, batch: &[u8]) -> Result<Chain, Flaw> {
        let (chained, end) = batch.split_at(header.chained_bytes());
        let mut lsn = self.last_lsn.next();
        let mut rest = &chained[BATCH_HEADER_BYTES..];
        let flaw_at = |rest: &[u8], lsn: Lsn, what: Damage| {
            let offset = self.tail.end + (chained.len() - rest.len()) as u64;
            Flaw { offset, lsn, what }
        };
        for _ in 0..header.record_count {
            (_, rest) = split_record(lsn, rest).map_err(|what| flaw_at(rest, lsn, what))?;
            lsn = lsn.next();
        }
        if !rest.is_empty() {
            return Err(flaw_at(rest, lsn, Damage::BatchShape));
        }
        let whole = |what| Flaw { offset: self.tail.end, lsn: header.first_lsn, what };
        let chain = continue_chain(&self.chain, chained);
        let end = end.first_chunk().expect("a batch ends with an end mark");
        match decode_batch_end(end) {
            _ if planted::is(Bug::NoChecksums) => Ok(chain),
            Some(written) if written == chain => Ok(chain),
            Some(_) => Err(whole(Damage::BatchChain)),
            None => Err(whole(Damage::BatchEnd)),
        }
    }

    /// Shows the records of a batch that was checked.
    fn show_records(&self, records: &[u8], chain: ChainMark, fold: &mut Fold<'_>) -> Result<(), Error> {
        let path = self.tail.path.as_path();
        let mut lsn = self.last_lsn;
        let mut at = 0;
        while let Some(header) = records[at..].first_chunk::<RECORD_HEADER_BYTES>() {
            lsn = lsn.next();
            let offset = self.tail.end + (BATCH_HEADER_BYTES + at) as u64;
            let start = at + RECORD_HEADER_BYTES;
            at = start + record_bytes(header);
            let record = RecordRef { lsn, bytes: &records[start..at], chain, path, offset };
            fold(record).map_err(|source| Error::Fold { path: path.to_path_buf(), offset, lsn, source })?;
        }
        Ok(())
    }

    fn accept(&mut self, header: &BatchHeader, behind: ChainMark) {
        if header.durable_lsn >= self.last_lsn {
            self.tail.unconfirmed = self.tail.end;
        }
        let bytes = header.batch_bytes() as u64;
        self.durable_lsn = self.durable_lsn.max(header.durable_lsn);
        self.last_lsn = behind.lsn;
        self.sequence = Some(header.sequence);
        self.chain = behind.digest;
        if header.record_count > 0 {
            self.mark = Some(behind);
        }
        self.bytes += bytes;
        self.tail.end += bytes;
    }

    /// Behind the last batch there is nothing.
    fn expect_zeros<F: File>(&self, window: &mut Window<'_, F>) -> Result<Next, Error> {
        let mut offset = self.tail.end;
        while offset < window.length() {
            let count = usize::try_from(window.length() - offset).unwrap_or(usize::MAX).min(64 * 1024);
            let bytes = window.bytes(offset, count)?;
            if !is_zero(bytes) {
                let at = bytes.iter().position(|byte| *byte != 0).expect("not all zero");
                let lsn = self.last_lsn.next();
                return Ok(Next::Flaw(Flaw { offset: offset + at as u64, lsn, what: Damage::NotZero }));
            }
            offset += count as u64;
        }
        Ok(Next::End)
    }
}
