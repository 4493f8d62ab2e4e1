//! Making snapshots beside a switch that goes on.

use domain::{ChainMark, Lsn, Timestamp};
use journal::{disk::Disk, scan_behind};
use planted::Bug;

use super::{SnapshotError, Snapshots};
use crate::{Past, Recovery};

/// So many records are folded before the maker of a snapshot looks up: whether to go on, and to let others run.
const SLICE_RECORDS: u64 = 1_024;

/// Why there is no snapshot. Nothing else is worse for it: the snapshots of before are there.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFailed {
    /// The snapshots' own disk, or what is on it.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The index cannot be read or made durable.
    #[error("cannot use the index")]
    Index(#[from] index::Error),
    /// The journal cannot be read.
    #[error("cannot read the journal")]
    Journal(#[from] journal::Error),
}

/// Whoever wanted a snapshot wants it no more.
#[derive(Debug, thiserror::Error)]
#[error("no snapshot is wanted any more")]
struct Stopped;

/// A snapshot that is there now.
#[derive(Debug)]
pub struct Made {
    /// What it was taken behind.
    pub mark: ChainMark,
    /// When the record there was decided.
    pub at: Timestamp,
    /// The snapshot it began from; [`Lsn::ZERO`] when it began from the first record.
    pub began_at: Lsn,
    /// Its length in bytes.
    pub bytes: u64,
    /// The position of the older of the two snapshots kept, if it was made from one: no start needs records up to there any
    /// more, and the index has them, durably.
    pub kept_from: Option<Lsn>,
    /// Snapshots that cannot be used.
    pub unusable: Vec<SnapshotError>,
}

/// Makes snapshots of a ledger in use, without touching its engine: it goes on from the last snapshot by the journal's
/// records, as a start would. So each snapshot is also a trial of the one before it.
#[derive(Clone, Debug)]
pub struct Snapshotter<J: Disk, S: Disk> {
    journal: J,
    snapshots: Snapshots<S>,
    past: Past,
}

impl<J: Disk, S: Disk> Snapshotter<J, S> {
    /// Of the ledger with this journal and this past.
    #[must_use]
    pub const fn new(journal: J, snapshots: Snapshots<S>, past: Past) -> Self {
        Self { journal, snapshots, past }
    }

    /// How far a snapshot would reach now.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn reach(&self) -> Result<Lsn, SnapshotFailed> {
        Ok(self.past.index().applied()?.map_or(Lsn::ZERO, |mark| mark.lsn))
    }

    /// Makes a snapshot of how far the index has come, and removes those that are no longer kept. `None` when there is one
    /// already, or nothing to take one of, or `goes_on` said no; it is asked with every 1,024 records.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(&self, goes_on: &mut dyn FnMut() -> bool) -> Result<Option<Made>, SnapshotFailed> {
        let index = self.past.index();
        let Some(mark) = index.applied()? else { return Ok(None) };
        // What a snapshot leaves out is in the index, so that must be there whenever the snapshot is.
        if !planted::is(Bug::SnapshotAheadOfIndex) {
            index.persist()?;
        }
        let (newest, unusable) = self.snapshots.newest(mark.lsn)?;
        let began_behind = newest.as_ref().map(|snapshot| snapshot.mark);
        if began_behind == Some(mark) {
            return Ok(None);
        }
        let engine = newest.map(|snapshot| snapshot.engine).unwrap_or_default();
        let mut recovery = Recovery::after(engine, self.past.clone());
        let read = scan_behind(&self.journal, began_behind, mark.lsn, &mut |found| {
            recovery.fold(found.lsn, found.bytes)?;
            if found.lsn.get().is_multiple_of(SLICE_RECORDS) {
                recovery.forget_all();
                if !goes_on() {
                    return Err(Stopped.into());
                }
            }
            Ok(())
        });
        let read = match read {
            Err(journal::Error::Fold { source, .. }) if source.is::<Stopped>() => return Ok(None),
            read => read?,
        };
        if read != Some(mark) {
            let (path, lsn, expected) = (self.journal.path(""), mark.lsn, mark.digest);
            let found = read.map(|read| read.digest);
            return Err(journal::Error::OtherHistory { path, lsn, expected, found }.into());
        }
        let engine = recovery.finish();
        let bytes = self.snapshots.write(&engine, mark)?;
        let kept_from = began_behind.map(|mark| mark.lsn);
        self.snapshots.keep_only(mark.lsn, kept_from)?;
        let began_at = began_behind.map_or(Lsn::ZERO, |mark| mark.lsn);
        Ok(Some(Made { mark, at: engine.applied_at(), began_at, bytes, kept_from, unusable }))
    }
}
