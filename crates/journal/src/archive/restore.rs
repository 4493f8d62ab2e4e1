//! A journal made of an archive and of the journal that went on behind it.

use domain::Lsn;

use super::file::{check_digest, decompress};
use super::seal::Seal;
use super::{Next, read_seals};
use crate::Error;
use crate::copy::{End, copy_segment};
use crate::disk::{Disk, File};
use crate::format::Chain;
use crate::scan::segment_header;
use crate::segment::{NEXT_NAME, list_segments, segment_name};
use crate::verify::{Report, end_of, verify};

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The journal that was made, read again from its first byte to its last. It begins with lsn 1 unless the archive was
    /// expired.
    pub report: Report,
    /// How many of its segments come from the archive.
    pub archived_segments: u64,
    /// How many of its segments come from the journal behind it.
    pub journal_segments: u64,
}

/// How far a restoration has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Segments that were written.
    pub segments: u64,
    /// Segments there will be.
    pub of: u64,
}

/// Makes a journal at `to`, which has none yet, of all that the archive has and, if one is given, of the segments of a journal
/// that follow. That journal may be in use, but not be archived from at the same time: what is not whole yet is left out.
/// Segments that stand in both are taken from the archive.
///
/// All files of the archive are checked before anything is written, and what was written is read again from its first byte to
/// its last, with the chain through all of it. Newer segments are written before older ones, so that what a crash leaves is
/// refused by an opening. `written` is told of each segment.
///
/// # Errors
/// [`Error::Damaged`] when a file of the archive or a segment is not what it must be; [`Error::RecordsMissing`] when there
/// are earlier and later records but not those; [`Error::OtherHistory`] when one does not continue the other;
/// [`Error::NoArchive`] when the archive has no file; [`Error::Exists`] when there are segments at `to`; [`Error::Io`] when
/// a disk fails.
pub fn restore<A: Disk, T: Disk>(
    archive_disk: &A,
    journal: Option<&A>,
    to: &T,
    written: &mut dyn FnMut(Written),
) -> Result<Restored, Error> {
    if !list_segments(to)?.is_empty() {
        return Err(Error::Exists { path: to.path("") });
    }
    let seals = read_seals(archive_disk)?;
    let Some((oldest, newest)) = seals.first().zip(seals.last()) else {
        return Err(Error::NoArchive { path: archive_disk.path("") });
    };
    let behind = match journal {
        Some(journal) => Behind::find(&seals, newest, journal)?,
        None => Behind::default(),
    };
    for seal in &seals {
        check_digest(archive_disk, seal)?;
    }
    let (archived_segments, journal_segments) = (seals.len() as u64, behind.segments.len() as u64);
    let mut progress = Written { segments: 0, of: archived_segments + journal_segments };
    let mut finish = |name: &str| -> Result<(), Error> {
        to.rename(NEXT_NAME, name).map_err(Error::io("rename to", to.path(name)))?;
        // Before an older one gets its name: with lsn 1 the journal counts as one.
        to.sync_directory().map_err(Error::io("sync", to.path("")))?;
        progress.segments += 1;
        written(progress);
        Ok(())
    };
    if let Some(journal) = journal {
        for first_lsn in behind.segments.iter().rev() {
            let name = segment_name(*first_lsn);
            let end = behind.end.as_ref().filter(|(end, _)| end.path == journal.path(&name)).map(|(end, _)| end.offset);
            copy_segment(journal, &name, to, NEXT_NAME, end)?;
            finish(&name)?;
        }
    }
    for seal in seals.iter().rev() {
        write_segment(archive_disk, seal, to)?;
        finish(&segment_name(seal.first_lsn))?;
    }
    let last = match behind.end {
        Some((end, chain)) => (end.lsn, chain),
        None => (newest.last_lsn, newest.chain_behind),
    };
    let report = verify(to).and_then(|report| check_end(to, report, last));
    if report.is_err() {
        // Without its beginning nobody takes it for a journal. The failure is told; whether this helps is seen by an opening.
        let _removed = to.remove(&segment_name(oldest.first_lsn)).and_then(|()| to.sync_directory());
    }
    let report = report?;
    Ok(Restored { report, archived_segments, journal_segments })
}

/// The segments of a journal that follow an archive.
#[derive(Debug, Default)]
struct Behind {
    segments: Vec<Lsn>,
    /// Behind the last whole batch, with the chain there.
    end: Option<(End, Chain)>,
}

impl Behind {
    /// A journal in use never archives its newest segment, so one that ends within the archive, or holds something else where
    /// both have a segment, is not the one that was archived.
    fn find<A: Disk>(seals: &[Seal], newest: &Seal, journal: &A) -> Result<Self, Error> {
        // The end comes first: whoever writes to the journal may enter another segment meanwhile, which is then not wanted.
        let end = end_of(journal)?;
        let last = end.as_ref().map_or(Lsn::ZERO, |(end, _)| end.lsn);
        let mut segments = list_segments(journal)?;
        for first_lsn in segments.iter().filter(|first_lsn| **first_lsn <= newest.last_lsn) {
            let header = segment_header(journal, *first_lsn)?;
            let same = |seal: &&Seal| {
                (seal.journal_id, seal.first_lsn, seal.chain_before) == (header.journal_id, *first_lsn, header.chain)
            };
            if !seals.iter().any(|seal| same(&seal)) {
                let path = journal.path(&segment_name(*first_lsn));
                return Err(Error::OtherHistory { path, lsn: *first_lsn, expected: newest.chain_behind, found: None });
            }
        }
        if !segments.iter().any(|first_lsn| *first_lsn > newest.last_lsn) {
            return Err(Error::EndsEarly { path: journal.path(""), lsn: newest.last_lsn, last_lsn: last });
        }
        // A segment without a record is left out.
        segments.retain(|first_lsn| *first_lsn > newest.last_lsn && *first_lsn <= last);
        let Some(first_lsn) = segments.first() else { return Ok(Self::default()) };
        let header = segment_header(journal, *first_lsn)?;
        let path = journal.path(&segment_name(*first_lsn));
        newest.check_followed(Next {
            path,
            journal_id: header.journal_id,
            first_lsn: *first_lsn,
            chain: header.chain,
        })?;
        Ok(Self { segments, end })
    }
}

/// What was restored must end as it was sealed: a flaw in the last segment would else be taken for a torn tail.
fn check_end<T: Disk>(to: &T, report: Report, last: (Lsn, Chain)) -> Result<Report, Error> {
    let (lsn, expected) = last;
    if (report.last_lsn, report.chain) == last && report.torn.is_none() {
        return Ok(report);
    }
    Err(Error::OtherHistory { path: to.path(""), lsn, expected, found: Some(report.chain) })
}

fn write_segment<A: Disk, T: Disk>(archive_disk: &A, seal: &Seal, to: &T) -> Result<(), Error> {
    let path = || to.path(NEXT_NAME);
    let target = to.create(NEXT_NAME).map_err(Error::io("create", path()))?;
    let written = decompress(archive_disk, seal, &mut |bytes, offset| {
        target.write_all_at(bytes, offset).map_err(Error::io("write", path()))
    });
    let synced = written.and_then(|()| target.sync().map_err(Error::io("sync", path())));
    if synced.is_err() {
        // The failure is told; what is left only fills the disk.
        let _removed = to.remove(NEXT_NAME);
    }
    synced
}
