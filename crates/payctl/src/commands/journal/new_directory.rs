//! A data directory that is made for a journal to be written into.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ::journal::disk::DirectoryDisk;

use super::JOURNAL_DIRECTORY;
use crate::error::Error;

/// Nobody else's business, as a daemon's is. One into which nothing was written is removed again: a daemon that is started on it
/// would begin a new ledger.
#[derive(Debug)]
pub(super) struct NewDirectory {
    path: PathBuf,
    journal: DirectoryDisk,
}

impl NewDirectory {
    /// Makes it; it must not be there yet.
    pub(super) fn make(path: &Path) -> Result<Self, Error> {
        let local = |source| Error::Local { tried: format!("make {}", path.display()), source };
        DirBuilder::new().mode(0o700).create(path).map_err(local)?;
        let journal = DirectoryDisk::create(path.join(JOURNAL_DIRECTORY)).map_err(local)?;
        Ok(Self { path: path.to_owned(), journal })
    }

    /// Where the journal goes.
    pub(super) const fn journal(&self) -> &DirectoryDisk {
        &self.journal
    }
}

impl Drop for NewDirectory {
    fn drop(&mut self) {
        // What is not empty stays.
        let _stays = fs::remove_dir(self.path.join(JOURNAL_DIRECTORY)).and_then(|()| fs::remove_dir(&self.path));
    }
}
