//! Looking at a journal without touching it: on a copy, on a read-only disk, or beside its owner.

use std::path::PathBuf;

use domain::{ChainMark, Lsn};

use crate::copy::End;
use crate::disk::{Disk, File};
use crate::format::{Chain, FORMAT_VERSION, JournalId, SEGMENT_HEADER_BYTES, SegmentBlock, SegmentHeader};
use crate::recovery::Cut;
use crate::scan::{Found, RecordRef, Start, scan_all};
use crate::segment::{list_segments, segment_name};
use crate::{Error, Fold};

/// How often a scan is repeated when damage is found at another place each time.
const SCANS_MAX: usize = 5;

/// A whole journal, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The id of the journal.
    pub journal_id: JournalId,
    /// How many records there are.
    pub records: u64,
    /// The oldest record; `None` when there are none. Above 1 in a journal whose earlier segments were archived: id, number
    /// and chain in the header of its first segment were then taken as they stand.
    pub first_lsn: Option<Lsn>,
    /// The newest record; [`Lsn::ZERO`] when there are none.
    pub last_lsn: Lsn,
    /// How many segments there are.
    pub segments: u64,
    /// The length of all batches, in bytes.
    pub bytes: u64,
    /// The hash chain behind the newest batch, be it a note: equal chains are equal journals.
    pub chain: [u8; 32],
    /// The newest durable lsn written in the journal. Up to here any loss shows as damage.
    pub durable_lsn: Lsn,
    /// Bytes of whole batches of which the journal does not say that they were durable: usually the last batch.
    /// Damage to them looks like a torn tail.
    pub unconfirmed_bytes: u64,
    /// The torn tail an opening would cut. Beside a running owner this may be a batch being written.
    pub torn: Option<Cut>,
}

/// One record, and what proves where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// The id of the journal that holds it.
    pub journal_id: JournalId,
    /// Its position.
    pub lsn: Lsn,
    /// The bytes that were appended.
    pub bytes: Vec<u8>,
    /// The mark of the batch that holds it, as [`Journal::chain`](crate::Journal::chain) told it when the batch became
    /// durable.
    pub chain: ChainMark,
}

/// Checks everything an opening checks, and changes nothing. A journal whose earlier segments were archived is checked from
/// the first segment there is: [`Report::first_lsn`] tells where it begins.
///
/// # Errors
/// [`Error::Damaged`] and [`Error::NewerFormat`] as an opening would give, [`Error::NoJournal`] when there is no
/// segment, [`Error::Io`] when the disk cannot be read, or when a segment went into an archive meanwhile.
pub fn verify<D: Disk>(disk: &D) -> Result<Report, Error> {
    scan(disk, Lsn::new(u64::MAX), &mut |_| Ok(()))
}

/// As [`verify`], and shows the records from `from` on, each once and in order.
///
/// # Errors
/// As [`verify`], and [`Error::Fold`] when `visit` fails.
pub fn scan<D: Disk>(disk: &D, from: Lsn, visit: &mut Fold<'_>) -> Result<Report, Error> {
    let mut next = from;
    let mut visit_new = |record: RecordRef<'_>| {
        if record.lsn < next {
            return Ok(());
        }
        next = record.lsn.next();
        visit(record)
    };
    report(disk, settled(disk, &mut visit_new)?)
}

/// Scans until what is found is no longer on its way to the disk. `visit` may be shown a record more than once.
fn settled<D: Disk>(disk: &D, visit: &mut Fold<'_>) -> Result<Option<Found>, Error> {
    let mut seen: Option<(PathBuf, u64)> = None;
    for _ in 1..SCANS_MAX {
        match scan_all(disk, Start::FirstThere, visit) {
            // The owner may have finished a batch between two looks at it, which then seems torn and yet followed by
            // others. Real damage stays where it is.
            Err(Error::Damaged { path, offset, .. }) if seen.as_ref() != Some(&(path.clone(), offset)) => {
                seen = Some((path, offset));
            }
            other => return other,
        }
    }
    scan_all(disk, Start::FirstThere, visit)
}

/// Where the last whole batch ends, be it a note, and the chain right behind it.
pub(crate) fn end_of<D: Disk>(disk: &D) -> Result<Option<(End, Chain)>, Error> {
    let found = settled(disk, &mut |_| Ok(()))?;
    Ok(found.map(|found| {
        let end = End { path: found.tail.path, offset: found.tail.end, lsn: found.last_lsn };
        (end, found.chain)
    }))
}

/// As [`verify`], and returns the record at `lsn`: what a receipt is checked against. `None` when the journal ends before.
///
/// # Errors
/// As [`verify`], and [`Error::BeginsLater`] when the record was archived.
pub fn record_at<D: Disk>(disk: &D, lsn: Lsn) -> Result<Option<StoredRecord>, Error> {
    let mut found = None;
    let report = scan(disk, lsn, &mut |record| {
        if record.lsn == lsn {
            found = Some((record.bytes.to_vec(), record.chain));
        }
        Ok(())
    })?;
    if let Some(first_lsn) = report.first_lsn.filter(|first| (Lsn::new(1)..*first).contains(&lsn)) {
        return Err(Error::BeginsLater { path: disk.path(""), first_lsn });
    }
    Ok(found.map(|(bytes, chain)| StoredRecord { journal_id: report.journal_id, lsn, bytes, chain }))
}

/// The id of the journal on this disk, as its newest segment tells it; `None` when there is no segment. Nothing else is
/// read.
///
/// # Errors
/// [`Error::Damaged`] and [`Error::NewerFormat`] for a header that cannot be read, [`Error::Io`] when the disk cannot be.
pub fn identify<D: Disk>(disk: &D) -> Result<Option<JournalId>, Error> {
    let Some(lsn) = list_segments(disk)?.pop() else { return Ok(None) };
    let name = segment_name(lsn);
    let path = disk.path(&name);
    let mut block = [0; SEGMENT_HEADER_BYTES];
    let file = disk.open_to_read(&name).map_err(Error::io("open", path.clone()))?;
    file.read_exact_at(&mut block, 0).map_err(Error::io("read", path.clone()))?;
    match SegmentHeader::decode(&block) {
        Ok(SegmentBlock::Known(header)) => Ok(Some(header.journal_id)),
        Ok(SegmentBlock::Newer(found)) => Err(Error::NewerFormat { path, found, supported: FORMAT_VERSION }),
        Err(what) => Err(Error::Damaged { path, offset: 0, lsn, what }),
    }
}

/// The first lsn of the journal on this disk, by the name of its first segment: above 1 when earlier ones were archived.
/// `None` when there is no segment.
///
/// # Errors
/// [`Error::Io`] when the disk cannot be read.
pub fn begins_at<D: Disk>(disk: &D) -> Result<Option<Lsn>, Error> {
    Ok(list_segments(disk)?.first().copied())
}

/// A position that the journal on this disk reaches at least, by the name of its newest segment. `None` when there is no
/// segment.
///
/// # Errors
/// [`Error::Io`] when the disk cannot be read.
pub fn reaches<D: Disk>(disk: &D) -> Result<Option<Lsn>, Error> {
    Ok(list_segments(disk)?.last().map(|newest| Lsn::new(newest.get().saturating_sub(1))))
}

fn report<D: Disk>(disk: &D, found: Option<Found>) -> Result<Report, Error> {
    let Some(found) = found else { return Err(Error::NoJournal { path: disk.path("") }) };
    Ok(Report {
        journal_id: found.journal_id,
        records: found.records(),
        first_lsn: (found.records() > 0).then_some(found.first_lsn),
        last_lsn: found.last_lsn,
        segments: found.segments,
        bytes: found.bytes,
        chain: found.chain,
        durable_lsn: found.durable_lsn,
        unconfirmed_bytes: found.tail.end - found.tail.unconfirmed,
        torn: found.cut(),
    })
}
