//! Snapshots: files with what stood at one position of the journal. `SNAPSHOT.md` describes their bytes.

mod file;
mod snapshotter;

use std::path::PathBuf;

use domain::{ChainMark, Lsn};
use engine::Engine;
use journal::disk::{Disk, File};
use planted::Bug;

pub use snapshotter::{Made, SnapshotFailed, Snapshotter};

use crate::error_text::with_sources;

/// What a snapshot in the making is called: it has no name of its own yet.
const NEXT_NAME: &str = "next.snapshot";
const NAME_SUFFIX: &str = ".snapshot";
const NAME_DIGITS: usize = 20;

/// Why a snapshot cannot be written or used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk refuses.
    #[error("cannot {tried} {path}", path = path.display())]
    Io {
        /// What was tried.
        tried: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is not what was written.
    #[error("{path} is damaged: {what}", path = path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// It was written by a later version.
    #[error("{path} has format {version}, this version reads up to {ours}", path = path.display(), ours = file::VERSION)]
    NewerFormat {
        /// Which file.
        path: PathBuf,
        /// Its format.
        version: u16,
    },
    /// It is of another journal.
    #[error("{path} is of another journal", path = path.display())]
    OtherJournal {
        /// Which file.
        path: PathBuf,
    },
}

/// What stood at one position.
#[derive(Debug)]
pub struct Snapshot {
    /// The end of the batch behind which it was taken.
    pub mark: ChainMark,
    /// The state, but for what follows from records alone.
    pub engine: Engine,
}

/// The snapshots of one journal, in a directory of their own.
#[derive(Clone, Debug)]
pub struct Snapshots<D: Disk> {
    disk: D,
    journal_id: [u8; 16],
}

impl<D: Disk> Snapshots<D> {
    /// Those in this directory, of the journal with this id.
    #[must_use]
    pub const fn new(disk: D, journal_id: [u8; 16]) -> Self {
        Self { disk, journal_id }
    }

    /// The positions of all snapshots, the newest first. Nothing is read of them.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<Lsn>, SnapshotError> {
        let names = self.disk.list().map_err(self.io("list", ""))?;
        let mut lsns: Vec<Lsn> = names.iter().filter_map(|name| lsn_of(name)).collect();
        lsns.sort_unstable_by(|left, right| right.cmp(left));
        Ok(lsns)
    }

    /// Reads a snapshot, and checks everything that can be checked.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn read(&self, lsn: Lsn) -> Result<Snapshot, SnapshotError> {
        let name = name(lsn);
        let file = self.disk.open_to_read(&name).map_err(self.io("open", &name))?;
        let snapshot = file::read(&file, self.disk.path(&name), self.journal_id)?;
        if snapshot.mark.lsn != lsn {
            return Err(self.damaged(&name, format!("it was taken at lsn {}", snapshot.mark.lsn)));
        }
        Ok(snapshot)
    }

    /// The newest snapshot at or below `up_to` that can be used, and why newer ones cannot.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn newest(&self, up_to: Lsn) -> Result<(Option<Snapshot>, Vec<SnapshotError>), SnapshotError> {
        let mut unusable = Vec::new();
        let is_known = |lsn: &Lsn| *lsn <= up_to || planted::is(Bug::SnapshotAheadOfIndex);
        for lsn in self.list()?.into_iter().filter(is_known) {
            match self.read(lsn) {
                Ok(snapshot) => return Ok((Some(snapshot), unusable)),
                Err(why) => unusable.push(why),
            }
        }
        Ok((None, unusable))
    }

    /// Writes what stands in this engine, which was applied up to `mark`; makes it durable, and only then gives it its name;
    /// reads it back. The directory has it when this returns, or it has none of it.
    ///
    /// # Errors
    /// When the disk refuses, or what is read back is not what was written.
    ///
    /// # Panics
    /// When the engine does not stand at the mark.
    pub fn write(&self, engine: &Engine, mark: ChainMark) -> Result<u64, SnapshotError> {
        assert!(engine.applied_lsn() == mark.lsn, "a snapshot is taken at the mark it names");
        let names = self.disk.list().map_err(self.io("list", ""))?;
        if names.iter().any(|name| name == NEXT_NAME) {
            self.disk.remove(NEXT_NAME).map_err(self.io("remove", NEXT_NAME))?;
        }
        let made = self.make(engine, mark);
        if made.is_err() {
            // What it was for is told; whether this helps is seen at the next attempt.
            let _removed = self.disk.remove(NEXT_NAME);
        }
        let bytes = made?;
        let name = name(mark.lsn);
        if names.contains(&name) {
            // One that could not be used, else there would be no need of this.
            self.disk.remove(&name).map_err(self.io("remove", &name))?;
        }
        self.disk.rename(NEXT_NAME, &name).map_err(self.io("rename to", &name))?;
        self.disk.sync_directory().map_err(self.io("sync", ""))?;
        Ok(bytes)
    }

    /// Makes the file, durable and looked at, without a name of its own.
    fn make(&self, engine: &Engine, mark: ChainMark) -> Result<u64, SnapshotError> {
        let next = self.disk.create(NEXT_NAME).map_err(self.io("create", NEXT_NAME))?;
        let written = file::write(&next, engine, mark, self.journal_id);
        let bytes = written.map_err(self.io("write", NEXT_NAME))?;
        next.sync().map_err(self.io("sync", NEXT_NAME))?;
        let again = file::read(&next, self.disk.path(NEXT_NAME), self.journal_id)?;
        if again.mark != mark || !again.engine.standing().eq(engine.standing()) {
            return Err(self.damaged(NEXT_NAME, "what is read back is not what was written".to_owned()));
        }
        Ok(bytes)
    }

    /// Removes all but these: the newest, and the one it was made from, which was read to make it. When the newest cannot be
    /// read, that one and a longer part of the journal give the same state. Any other is older, or damaged, or ahead of an index
    /// that was made again.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_only(&self, newest: Lsn, before: Option<Lsn>) -> Result<(), SnapshotError> {
        for lsn in self.list()?.into_iter().filter(|lsn| *lsn != newest && Some(*lsn) != before) {
            let name = name(lsn);
            self.disk.remove(&name).map_err(self.io("remove", &name))?;
        }
        Ok(())
    }

    fn io(&self, tried: &'static str, name: &str) -> impl FnOnce(std::io::Error) -> SnapshotError + use<D> {
        let path = self.disk.path(name);
        move |source| SnapshotError::Io { tried, path, source }
    }

    fn damaged(&self, name: &str, what: String) -> SnapshotError {
        SnapshotError::Damaged { path: self.disk.path(name), what }
    }
}

/// As one line for an operator.
impl SnapshotError {
    /// What happened, with everything it came from.
    #[must_use]
    pub fn line(&self) -> String {
        with_sources(self)
    }
}

fn name(lsn: Lsn) -> String {
    format!("{:0NAME_DIGITS$}{NAME_SUFFIX}", lsn.get())
}

fn lsn_of(name: &str) -> Option<Lsn> {
    let digits = name.strip_suffix(NAME_SUFFIX)?;
    let plain = digits.len() == NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok().map(Lsn::new) } else { None }
}
