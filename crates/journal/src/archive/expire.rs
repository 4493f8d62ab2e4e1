//! How long archived segments are kept.

use domain::Lsn;

use super::seal::{archive_name, list_archived};
use crate::Error;
use crate::disk::{Disk, File};

/// What an archive keeps. A file goes as soon as any rule lets it go; without rules none does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The length of all files together that is kept at most, in bytes.
    pub bytes_max: Option<u64>,
    /// Files whose records all lie below this one go. The journal knows no time: who keeps records for so many days finds
    /// the first of those days.
    pub older_than: Option<Lsn>,
    /// So many of the newest files stay, whatever the other rules say.
    pub segments_min: u64,
}

/// What was removed from an archive, and what it has still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// How many files were removed.
    pub segments: u64,
    /// Their length, in bytes.
    pub archived_bytes: u64,
    /// The first record in them; `None` when there were none.
    pub first_lsn: Option<Lsn>,
    /// The last record in them; `None` when there were none.
    pub last_lsn: Option<Lsn>,
    /// How many files are kept.
    pub segments_kept: u64,
    /// Their length, in bytes.
    pub archived_bytes_kept: u64,
}

/// Removes the oldest files of an archive that need not be kept, one after the other, so that no crash leaves a hole. The
/// newest file stays always: what is archived next must follow it. `removed` is told of each file that is gone for good, also
/// when a later one cannot be removed.
///
/// What is removed is gone: a journal restored from the archive then begins later, so that a ledger cannot be made again from
/// it, nor an index be rebuilt, nor a payment of that time be explained.
///
/// # Errors
/// [`Error::Io`] when the disk fails. What was removed before stays removed.
pub fn expire<A: Disk>(archive_disk: &A, retention: Retention, removed: &mut dyn FnMut()) -> Result<Expired, Error> {
    let firsts = list_archived(archive_disk)?;
    let mut files = Vec::new();
    for first_lsn in firsts {
        let name = archive_name(first_lsn);
        let file = archive_disk.open_to_read(&name).map_err(Error::io("open", archive_disk.path(&name)))?;
        let bytes = file.length().map_err(Error::io("measure", archive_disk.path(&name)))?;
        files.push((first_lsn, bytes));
    }
    let mut expired = Expired {
        segments_kept: files.len() as u64,
        archived_bytes_kept: files.iter().map(|(_, bytes)| bytes).sum(),
        ..Expired::default()
    };
    for ((first_lsn, bytes), (next, _)) in files.iter().zip(files.iter().skip(1)) {
        let too_many = retention.bytes_max.is_some_and(|max| expired.archived_bytes_kept > max);
        let too_old = retention.older_than.is_some_and(|oldest| *next <= oldest);
        if expired.segments_kept <= retention.segments_min.max(1) || !(too_many || too_old) {
            break;
        }
        if expired.segments == 0 {
            // What an earlier call removed is gone for good before more is.
            archive_disk.sync_directory().map_err(Error::io("sync", archive_disk.path("")))?;
        }
        let name = archive_name(*first_lsn);
        archive_disk.remove(&name).map_err(Error::io("remove", archive_disk.path(&name)))?;
        archive_disk.sync_directory().map_err(Error::io("sync", archive_disk.path("")))?;
        removed();
        expired.segments += 1;
        expired.archived_bytes += bytes;
        expired.first_lsn = expired.first_lsn.or(Some(*first_lsn));
        expired.last_lsn = Some(Lsn::new(next.get().saturating_sub(1)));
        expired.segments_kept -= 1;
        expired.archived_bytes_kept -= bytes;
    }
    Ok(expired)
}
