//! A copy of a journal, whole or up to a place: a backup, or a ledger as it was.

use std::path::PathBuf;

use domain::Lsn;

use crate::disk::{Disk, File};
use crate::format::{BATCH_END_BYTES, RECORD_HEADER_BYTES};
use crate::scan::RecordRef;
use crate::segment::{list_segments, segment_name, write_zeros};
use crate::verify::{Report, scan, verify};
use crate::{Error, FoldError};

/// How much is copied at a time, in bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// Where a copy ends: behind the last batch that is wanted.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) path: PathBuf,
    pub(crate) offset: u64,
    pub(crate) lsn: Lsn,
}

/// The caller wants no more; not an error of anyone.
#[derive(Debug, thiserror::Error)]
#[error("no more records are wanted")]
struct Enough;

/// Copies batches, as they are, for as long as `wanted` says so of every record in them: batches are never split, so the
/// copy may end before the first record that is not wanted. `to` has no journal yet. The journal may be in use: what is
/// not whole yet is left out. The copy is read again from its first byte to its last; its report is returned, or `None`
/// when no batch was wanted and nothing was written.
///
/// # Errors
/// As [`scan`] of the journal; [`Error::Exists`] when there are segments at `to`, [`Error::Io`] when either disk fails, and
/// [`Error::Fold`] with what `wanted` says.
pub fn copy<D: Disk, T: Disk>(
    from: &D,
    to: &T,
    wanted: &mut dyn FnMut(&RecordRef<'_>) -> Result<bool, FoldError>,
) -> Result<Option<Report>, Error> {
    if !list_segments(to)?.is_empty() {
        return Err(Error::Exists { path: to.path("") });
    }
    let Some(end) = find_end(from, wanted)? else { return Ok(None) };
    for first_lsn in list_segments(from)? {
        let name = segment_name(first_lsn);
        let last = from.path(&name) == end.path;
        copy_segment(from, &name, to, &name, last.then_some(end.offset))?;
        if last {
            break;
        }
    }
    to.sync_directory().map_err(Error::io("sync", to.path("")))?;
    let report = verify(to)?;
    assert_eq!(report.last_lsn, end.lsn, "what was copied is what was wanted");
    Ok(Some(report))
}

fn find_end<D: Disk>(
    from: &D,
    wanted: &mut dyn FnMut(&RecordRef<'_>) -> Result<bool, FoldError>,
) -> Result<Option<End>, Error> {
    let mut end = None;
    let scanned = scan(from, Lsn::new(1), &mut |record| {
        if !wanted(&record)? {
            return Err(Box::new(Enough));
        }
        if record.lsn == record.chain.lsn {
            let offset = record.offset + (RECORD_HEADER_BYTES + record.bytes.len() + BATCH_END_BYTES) as u64;
            end = Some(End { path: record.path.to_path_buf(), offset, lsn: record.lsn });
        }
        Ok(())
    });
    match scanned {
        Err(Error::Fold { source, .. }) if source.is::<Enough>() => Ok(end),
        other => other.map(|_whole| end),
    }
}

/// Copies a segment into a file of this name; behind `end`, if it ends there, it has zeros.
pub(crate) fn copy_segment<D: Disk, T: Disk>(
    from: &D,
    name: &str,
    to: &T,
    to_name: &str,
    end: Option<u64>,
) -> Result<(), Error> {
    let source = from.open_to_read(name).map_err(Error::io("open", from.path(name)))?;
    let length = source.length().map_err(Error::io("read", from.path(name)))?;
    let target = to.create(to_name).map_err(Error::io("create", to.path(to_name)))?;
    let end = end.unwrap_or(length);
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut offset = 0;
    while offset < end {
        let count = usize::try_from(end - offset).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        let bytes = &mut buffer[..count];
        source.read_exact_at(bytes, offset).map_err(Error::io("read", from.path(name)))?;
        target.write_all_at(bytes, offset).map_err(Error::io("write", to.path(to_name)))?;
        offset += count as u64;
    }
    write_zeros(&target, end..length, || false).map_err(Error::io("write", to.path(to_name)))?;
    target.sync().map_err(Error::io("sync", to.path(to_name)))
}
