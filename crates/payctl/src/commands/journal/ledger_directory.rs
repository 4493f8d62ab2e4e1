//! What stands beside a journal in a daemon's data directory: the lock, and the snapshots that a start begins from.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process;

use domain::Lsn;

use super::JOURNAL_DIRECTORY;
use crate::error::Error;

/// As the daemon names them.
const LOCK: &str = "LOCK";
const SNAPSHOTS_DIRECTORY: &str = "snapshots";
const SNAPSHOT_SUFFIX: &str = ".snapshot";
const SNAPSHOT_DIGITS: usize = 20;
/// So many snapshots the daemon keeps, and can start from any of them.
const SNAPSHOTS_KEPT: usize = 2;

/// A daemon's data directory.
#[derive(Debug)]
pub(super) struct LedgerDirectory {
    path: PathBuf,
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

    /// Takes the lock that a daemon holds while it runs. It is held until the file is dropped.
    pub(super) fn lock(&self) -> Result<File, Error> {
        let path = self.path.join(LOCK);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut lock = opened.map_err(local("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Who holds it is a courtesy; the refusal stands without it.
                let _unknown = lock.read_to_string(&mut owner);
                let (path, owner) = (self.path.display(), owner.trim());
                return Err(Error::Usage(format!(
                    "{path} is in use by a daemon ({owner}): it archives by itself, or stop it first"
                )));
            }
            Err(TryLockError::Error(source)) => return Err(local("lock", &path)(source)),
        }
        // A daemon that is started meanwhile says who holds it.
        let noted =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "process {}", process::id()));
        noted.map_err(local("write", &path))?;
        Ok(lock)
    }

    /// The position of the oldest snapshot that a start may begin from. It needs every record behind that. `None` without any.
    pub(super) fn oldest_snapshot(&self) -> Result<Option<Lsn>, Error> {
        let path = self.path.join(SNAPSHOTS_DIRECTORY);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries.map_err(local("list", &path))?,
        };
        let mut lsns = Vec::new();
        for entry in entries {
            let name = entry.map_err(local("list", &path))?.file_name();
            lsns.extend(name.to_str().and_then(snapshot_lsn));
        }
        lsns.sort_unstable();
        Ok(lsns.into_iter().rev().take(SNAPSHOTS_KEPT).min())
    }
}

/// `SNAPSHOT.md` says how they are named.
fn snapshot_lsn(name: &str) -> Option<Lsn> {
    let digits = name.strip_suffix(SNAPSHOT_SUFFIX)?;
    let is_number = digits.len() == SNAPSHOT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).map(Lsn::new)
}

fn local(tried: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let tried = format!("{tried} {}", path.display());
    move |source| Error::Local { tried, source }
}
