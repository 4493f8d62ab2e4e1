//! Opening a ledger: from which snapshot it goes on, and what is folded behind it.
//!
//! The journal alone is the truth. A snapshot saves reading most of it, the index has what a snapshot leaves out; both are
//! made from it, and made again when they are of no use.

use std::sync::Arc;

use domain::{ChainMark, Lsn, Record};
use engine::Engine;
use index::Index;
use journal::{FoldError, RecordRef, disk::Disk};
use planted::Bug;

use crate::{Past, Recovery, Snapshot, SnapshotError, Snapshots};

/// With so many records the engine forgets what it need not remember.
const FORGOTTEN_EVERY_RECORDS: u64 = 1024;

/// Where an opening begins: behind a snapshot, or before the first record.
#[derive(Debug, Default)]
pub struct Beginning {
    /// What stands there.
    pub engine: Engine,
    /// The end of the batch behind which the journal is to be opened; `None` to read it from the first record.
    pub mark: Option<ChainMark>,
    /// Snapshots that cannot be used, newest first.
    pub unusable: Vec<SnapshotError>,
    /// How far the index had come.
    indexed: Option<ChainMark>,
}

impl Beginning {
    /// Behind the newest snapshot that is of use: the index has all that it leaves out.
    ///
    /// # Errors
    /// When the index or the directory of the snapshots cannot be read.
    pub fn find<D: Disk>(index: &Index, snapshots: &Snapshots<D>) -> Result<Self, BeginningError> {
        let Some(indexed) = index.applied()? else { return Ok(Self::default()) };
        let (snapshot, unusable) = snapshots.newest(indexed.lsn)?;
        let (engine, mark) = match snapshot {
            Some(Snapshot { engine, mark }) => (engine, Some(mark)),
            None => Default::default(),
        };
        Ok(Self { engine, mark, unusable, indexed: Some(indexed) })
    }

    /// Goes on from here by the journal's records.
    #[must_use]
    pub fn folding(self, past: Past) -> Folding {
        // At the snapshot's own mark the journal is checked when it is opened.
        let indexed = self.indexed.filter(|indexed| Some(*indexed) != self.mark);
        Folding { recovery: Recovery::after(self.engine, past), batch: Vec::new(), held: None, indexed }
    }
}

/// Why there is no telling where to begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginningError {
    /// The index cannot be read.
    #[error("cannot use the index")]
    Index(#[from] index::Error),
    /// The snapshots cannot be read.
    #[error("cannot use the snapshots")]
    Snapshots(#[from] SnapshotError),
}

/// The index was made from records that are not these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the index was made from another history at lsn {lsn}: to make it again from this journal, remove index and snapshots"
)]
pub struct OtherHistory {
    /// Where they differ.
    pub lsn: Lsn,
}

/// The index knows of records that the journal does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index has come as far as lsn {indexed}, the journal ends before")]
pub struct RecordsMissing {
    /// How far the index had come.
    pub indexed: Lsn,
}

/// The fold of an opening. What it hands on is durable, also when the opening fails: the last batch that is found waits,
/// because it may be one that was written and never made durable.
#[derive(Debug)]
pub struct Folding {
    recovery: Recovery,
    batch: Vec<Arc<Record>>,
    /// The mark of the batch that waits.
    held: Option<ChainMark>,
    /// Where the index stands, until that was met.
    indexed: Option<ChainMark>,
}

impl Folding {
    /// Folds the next record that the journal shows, and hands the batch before it to `durable` when it begins another.
    ///
    /// # Errors
    /// When it cannot be folded, or the index was made from another history.
    ///
    /// # Panics
    /// As [`Recovery::fold`].
    pub fn fold(
        &mut self,
        found: &RecordRef<'_>,
        durable: &mut dyn FnMut(&mut Vec<Arc<Record>>, ChainMark),
    ) -> Result<Arc<Record>, FoldError> {
        if let Some(mark) = self.indexed.filter(|mark| mark.lsn == found.lsn) {
            if mark != found.chain {
                return Err(OtherHistory { lsn: found.lsn }.into());
            }
            self.indexed = None;
        }
        // Batches follow each other only when the one before is durable.
        if let Some(mark) = self.held.filter(|mark| *mark != found.chain) {
            durable(&mut self.batch, mark);
            self.batch.clear();
        }
        self.held = Some(found.chain);
        let record = self.recovery.fold(found.lsn, found.bytes)?;
        self.batch.push(Arc::clone(&record));
        if planted::is(Bug::IndexesUnconfirmed) && found.lsn == found.chain.lsn {
            durable(&mut self.batch, found.chain);
            self.batch.clear();
            self.held = None;
        }
        if found.lsn.get().is_multiple_of(FORGOTTEN_EVERY_RECORDS) {
            self.recovery.forget();
        }
        Ok(record)
    }

    /// The journal is open: hands the last batch on, and gives the engine as it stands.
    ///
    /// # Errors
    /// When the index has come further than the journal: what was durable is gone.
    ///
    /// # Panics
    /// As [`Recovery::finish`].
    pub fn finish(
        mut self,
        durable: &mut dyn FnMut(&mut Vec<Arc<Record>>, ChainMark),
    ) -> Result<Engine, RecordsMissing> {
        if let Some(indexed) = self.indexed {
            return Err(RecordsMissing { indexed: indexed.lsn });
        }
        if let Some(mark) = self.held {
            durable(&mut self.batch, mark);
        }
        Ok(self.recovery.finish())
    }
}
