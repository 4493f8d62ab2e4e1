//! Old segments, compressed into another directory and taken out of the journal.
//!
//! At any moment, whatever crashes, every record stands in the journal, in the archive, or in both. `FORMAT.md` has the
//! bytes of an archived segment.

mod expire;
mod file;
mod restore;
mod seal;

use std::path::PathBuf;

use domain::Lsn;

use self::file::{check_digest, compare, compress};
use self::seal::{Seal, archive_name, list_archived, read_seal};
use crate::disk::Disk;
use crate::format::{Chain, JournalId};
use crate::port::Reader;
use crate::scan::{Found, scan_sealed};
use crate::segment::{list_segments, segment_name};
use crate::{Damage, Error, FileReader};

pub use self::expire::{Expired, Retention, expire};
pub use self::restore::{Restored, Written, restore};

/// How many segments one call archives unless told otherwise.
pub const ARCHIVE_SEGMENTS_MAX: u64 = 4;

/// How much one call does, so that its caller can spread the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// The most segments that are archived in one call.
    pub segments_max: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { segments_max: ARCHIVE_SEGMENTS_MAX }
    }
}

/// What one call archived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// How many segments left the journal.
    pub segments: u64,
    /// The first record in them; `None` when there were none.
    pub first_lsn: Option<Lsn>,
    /// The last record in them; `None` when there were none.
    pub last_lsn: Option<Lsn>,
    /// Their length in the journal, in bytes.
    pub segment_bytes: u64,
    /// Their length in the archive, in bytes.
    pub archived_bytes: u64,
    /// Whether the limit ended the call: there is more to archive up to the same lsn.
    pub more: bool,
}

/// What an archive has, as the seals of its files say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveReport {
    /// The id of the journal.
    pub journal_id: JournalId,
    /// The oldest record; above 1 when older files were expired.
    pub first_lsn: Lsn,
    /// The newest record.
    pub last_lsn: Lsn,
    /// How many segments there are.
    pub segments: u64,
    /// The length of the files, in bytes.
    pub archived_bytes: u64,
    /// The length of the segments in them, in bytes.
    pub segment_bytes: u64,
}

/// Moves segments from the journal into the archive, oldest first: each whose records all lie below `up_to`. The segment
/// that holds `up_to` stays, for who opens the journal behind the mark of `up_to` needs the batch that ends there; so does
/// the newest segment.
///
/// Of each segment every batch and the chain to the next segment are checked first. Then it is compressed under a temporary
/// name, synced, renamed, the directory synced, read back and compared byte for byte. Only then it is removed from the
/// journal. What a crash leaves is finished by the next call: a segment that stands whole in the archive is not written
/// again, and one that does not is written anew.
///
/// This may run beside the owner of the journal, on another thread; no two of these may run at once. `up_to` must be durable.
/// Readers of the segments that are removed are the caller's care: one that comes to a removed segment fails.
///
/// # Errors
/// [`Error::Damaged`] when a segment, or the file in the archive that it follows, is not what it must be;
/// [`Error::RecordsMissing`] when the archive ends before the journal begins, or is empty and the journal begins later, and [`Error::OtherHistory`] when it goes
/// another way; [`Error::NoJournal`] when there is no segment; [`Error::Io`] when either disk fails. What was archived
/// before an error stays archived.
pub fn archive<D: Disk, A: Disk>(
    disk: &D,
    archive_disk: &A,
    up_to: Lsn,
    limits: ArchiveLimits,
) -> Result<Archived, Error> {
    let segments = list_segments(disk)?;
    let Some(newest) = segments.last() else { return Err(Error::NoJournal { path: disk.path("") }) };
    let mut archived = Archived::default();
    for (first_lsn, next) in segments.iter().zip(segments.iter().skip(1)) {
        if *next > up_to || (next == newest && !holds(disk, *next)?) {
            break;
        }
        if archived.segments == limits.segments_max {
            archived.more = true;
            break;
        }
        if archived.segments == 0 {
            // What an earlier call removed is gone for good before more is, so that a crash leaves no hole.
            disk.sync_directory().map_err(Error::io("sync", disk.path("")))?;
        }
        let seal = archive_segment(disk, archive_disk, *first_lsn, *next)?;
        archived.add(&seal);
    }
    Ok(archived)
}

/// What the archive has, without a look at what is compressed in its files. `None` for an archive without files.
///
/// # Errors
/// [`Error::Damaged`] when a seal is not whole, [`Error::NewerFormat`] for a later format, [`Error::RecordsMissing`] and
/// [`Error::OtherHistory`] when one file does not follow the other, [`Error::Io`] when the disk cannot be read.
pub fn archive_report<A: Disk>(archive_disk: &A) -> Result<Option<ArchiveReport>, Error> {
    let seals = read_seals(archive_disk)?;
    let Some((first, last)) = seals.first().zip(seals.last()) else { return Ok(None) };
    Ok(Some(ArchiveReport {
        journal_id: first.journal_id,
        first_lsn: first.first_lsn,
        last_lsn: last.last_lsn,
        segments: seals.len() as u64,
        archived_bytes: seals.iter().map(Seal::file_bytes).fold(0, u64::saturating_add),
        segment_bytes: seals.iter().map(|seal| seal.segment_bytes).fold(0, u64::saturating_add),
    }))
}

impl Archived {
    fn add(&mut self, seal: &Seal) {
        self.segments += 1;
        self.first_lsn = self.first_lsn.or(Some(seal.first_lsn));
        self.last_lsn = Some(seal.last_lsn);
        self.segment_bytes += seal.segment_bytes;
        self.archived_bytes += seal.file_bytes();
    }
}

/// Whether the newest segment holds a record. One without any does not say how many batches were before it.
fn holds<D: Disk>(disk: &D, first_lsn: Lsn) -> Result<bool, Error> {
    match FileReader::bounded(disk.clone(), first_lsn, first_lsn)?.read() {
        Ok(record) => Ok(record.is_some()),
        // A first batch that was being written.
        Err(Error::Damaged { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn archive_segment<D: Disk, A: Disk>(disk: &D, archive_disk: &A, first_lsn: Lsn, next: Lsn) -> Result<Seal, Error> {
    let found = scan_sealed(disk, first_lsn, next)?;
    check_follows(disk, archive_disk, &found)?;
    let seal = match archived_already(disk, archive_disk, &found)? {
        Some(seal) => {
            // Whoever renamed it may have been stopped right then.
            archive_disk.sync_directory().map_err(Error::io("sync", archive_disk.path("")))?;
            seal
        }
        None => {
            let seal = compress(disk, archive_disk, &found)?;
            check_digest(archive_disk, &seal)?;
            compare(archive_disk, &seal, disk)?;
            seal
        }
    };
    let name = segment_name(first_lsn);
    disk.remove(&name).map_err(Error::io("remove", disk.path(&name)))?;
    disk.sync_directory().map_err(Error::io("sync", disk.path("")))?;
    Ok(seal)
}

/// The segment must follow what the archive has before it.
fn check_follows<D: Disk, A: Disk>(disk: &D, archive_disk: &A, found: &Found) -> Result<(), Error> {
    let earlier = list_archived(archive_disk)?.into_iter().rfind(|first| *first < found.first_lsn);
    let Some(earlier) = earlier else {
        let (path, first_lsn) = (disk.path(&segment_name(found.first_lsn)), Lsn::new(1));
        // One that was lost, or is not mounted, must not be begun again as if nothing were before.
        return match Lsn::new(found.first_lsn.get().saturating_sub(1)) {
            Lsn::ZERO => Ok(()),
            last_lsn => Err(Error::RecordsMissing { path, first_lsn, last_lsn }),
        };
    };
    let header = &found.tail.header;
    let next = Next {
        path: disk.path(&segment_name(found.first_lsn)),
        journal_id: found.journal_id,
        first_lsn: found.first_lsn,
        chain: header.chain,
    };
    read_seal(archive_disk, earlier)?.check_followed(next)
}

/// What should follow an archived segment.
struct Next {
    path: PathBuf,
    journal_id: JournalId,
    first_lsn: Lsn,
    /// Before its first batch.
    chain: Chain,
}

impl Seal {
    fn check_followed(&self, next: Next) -> Result<(), Error> {
        let Next { path, journal_id, first_lsn, chain } = next;
        if self.journal_id != journal_id {
            let what = Damage::ForeignSegment { found: journal_id, expected: self.journal_id };
            return Err(Error::Damaged { path, offset: 0, lsn: first_lsn, what });
        }
        if self.last_lsn.next() < first_lsn {
            let last_lsn = Lsn::new(first_lsn.get() - 1);
            return Err(Error::RecordsMissing { path, first_lsn: self.last_lsn.next(), last_lsn });
        }
        if self.last_lsn.next() != first_lsn || self.chain_behind != chain {
            let lsn = self.last_lsn;
            return Err(Error::OtherHistory { path, lsn, expected: self.chain_behind, found: Some(chain) });
        }
        Ok(())
    }
}

/// The seal of the same segment, if it stands whole in the archive. What stands there damaged is removed: here it is whole.
fn archived_already<D: Disk, A: Disk>(disk: &D, archive_disk: &A, found: &Found) -> Result<Option<Seal>, Error> {
    let first_lsn = found.first_lsn;
    if !list_archived(archive_disk)?.contains(&first_lsn) {
        return Ok(None);
    }
    let name = archive_name(first_lsn);
    let compared = read_seal(archive_disk, first_lsn).and_then(|seal| {
        if seal.journal_id != found.journal_id {
            return Ok(Err(seal));
        }
        if (seal.last_lsn, seal.chain_behind) != (found.last_lsn, found.chain) {
            return Ok(Err(seal));
        }
        check_digest(archive_disk, &seal)?;
        compare(archive_disk, &seal, disk)?;
        Ok(Ok(seal))
    });
    match compared {
        Ok(Ok(seal)) => Ok(Some(seal)),
        Ok(Err(other)) => Err(Error::OtherHistory {
            path: archive_disk.path(&name),
            lsn: found.last_lsn,
            expected: found.chain,
            found: (other.last_lsn == found.last_lsn).then_some(other.chain_behind),
        }),
        Err(Error::Damaged { .. }) => {
            archive_disk.remove(&name).map_err(Error::io("remove", archive_disk.path(&name)))?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The seals of all files, oldest first, each of which follows the one before.
fn read_seals<A: Disk>(archive_disk: &A) -> Result<Vec<Seal>, Error> {
    let mut seals: Vec<Seal> = Vec::new();
    for first_lsn in list_archived(archive_disk)? {
        let seal = read_seal(archive_disk, first_lsn)?;
        if let Some(before) = seals.last() {
            let path = archive_disk.path(&archive_name(first_lsn));
            before.check_followed(Next { path, journal_id: seal.journal_id, first_lsn, chain: seal.chain_before })?;
        }
        seals.push(seal);
    }
    Ok(seals)
}
