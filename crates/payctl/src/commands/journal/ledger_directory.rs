//! What stands beside a journal in a daemon's data directory: the lock, and the snapshots that a start begins from.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use ::journal::disk::DirectoryDisk;
use domain::Lsn;
use index::{DirectoryStore, Index};
use shard::Snapshots;

use super::JOURNAL_DIRECTORY;
use crate::error::Error;

/// As the daemon names them.
const LOCK: &str = "LOCK";
const SNAPSHOTS_DIRECTORY: &str = "snapshots";
const INDEX_DIRECTORY: &str = "index";
/// So many snapshots the daemon keeps, and can start from any of them.
const SNAPSHOTS_KEPT: usize = 2;

/// A daemon's data directory.
#[derive(Debug)]
pub(super) struct LedgerDirectory {
    path: PathBuf,
}

/// Held until it is dropped.
#[derive(Debug)]
pub(super) struct Locks {
    _locks: Vec<File>,
}

impl LedgerDirectory {
    /// The data directory that was named, or whose journal was. `None` where a journal lies alone: there is nothing beside it
    /// then that could be asked.
    pub(super) fn of(directory: &Path) -> Result<Option<Self>, Error> {
        if directory.join(JOURNAL_DIRECTORY).is_dir() {
            return Ok(Some(Self { path: directory.to_owned() }));
        }
        let real = fs::canonicalize(directory).map_err(local("find", directory))?;
        let above = real.parent().filter(|above| real.ends_with(JOURNAL_DIRECTORY) && above.join(LOCK).exists());
        Ok(above.map(|above| Self { path: above.to_owned() }))
    }

    /// Takes the lock of the data directory that a daemon holds while it runs.
    fn lock(&self) -> Result<File, Error> {
        let path = self.path.join(LOCK);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut lock = opened.map_err(local("open", &path))?;
        if !try_lock(&lock, &path)? {
            let mut owner = String::new();
            // Who holds it is a courtesy; the refusal stands without it.
            let _unknown = lock.read_to_string(&mut owner);
            return Err(in_use(&path, owner.trim()));
        }
        // A daemon that is started meanwhile says who holds it.
        let noted =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "process {}", process::id()));
        noted.map_err(local("write", &path))?;
        Ok(lock)
    }

    /// The position of the older of the snapshots that a start may begin from: it needs every record behind that. `None` when
    /// there is none that can be read, or no index that has come as far.
    pub(super) fn start_needs_from(&self) -> Result<Option<Lsn>, Error> {
        let (index, snapshots) = (self.path.join(INDEX_DIRECTORY), self.path.join(SNAPSHOTS_DIRECTORY));
        let journal = DirectoryDisk::new(self.path.join(JOURNAL_DIRECTORY));
        let Some(id) = ::journal::identify(&journal)? else { return Ok(None) };
        // Opening would make one.
        if !index.is_dir() || !snapshots.is_dir() {
            return Ok(None);
        }
        let opened = DirectoryStore::open(&index).and_then(|store| Index::open(Arc::new(store), id.bytes())?.applied());
        let Ok(Some(indexed)) = opened else { return Ok(None) };
        let snapshots = Snapshots::new(DirectoryDisk::new(snapshots), id.bytes());
        let Ok(listed) = snapshots.list() else { return Ok(None) };
        let usable = listed.into_iter().filter(|lsn| *lsn <= indexed.lsn && snapshots.read(*lsn).is_ok());
        Ok(usable.take(SNAPSHOTS_KEPT).last())
    }
}

/// Takes the locks of the journal that was named, and of the data directory it is in, if that is known.
pub(super) fn lock(directory: &Path, ledger: Option<&LedgerDirectory>) -> Result<Locks, Error> {
    let mut locks = Vec::new();
    let mut journal = directory.to_owned();
    if let Some(ledger) = ledger {
        locks.push(ledger.lock()?);
        journal = ledger.path.join(JOURNAL_DIRECTORY);
    }
    let itself = File::open(&journal).map_err(local("open", &journal))?;
    if !try_lock(&itself, &journal)? {
        return Err(in_use(&journal, "its data directory is elsewhere"));
    }
    locks.push(itself);
    Ok(Locks { _locks: locks })
}

fn try_lock(file: &File, path: &Path) -> Result<bool, Error> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(local("lock", path)(source)),
    }
}

fn in_use(path: &Path, owner: &str) -> Error {
    Error::Usage(format!("{} is in use by a daemon ({owner}): it archives by itself, or stop it first", path.display()))
}

fn local(tried: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let tried = format!("{tried} {}", path.display());
    move |source| Error::Local { tried, source }
}
