//! Where a vault is on disk: its file, its directory, its lock, and the file that will take its place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::Error;

/// The rights of whoever is not the owner.
const OTHERS: u32 = 0o077;
const OWNER_ONLY: u32 = 0o600;

/// Held for as long as the vault is open; the operating system lets go of the lock however the process ends.
///
/// The lock is a file of its own, because a rotation puts another file in the vault's place.
pub(crate) struct VaultPlace {
    path: PathBuf,
    directory: PathBuf,
    _lock: File,
}

impl VaultPlace {
    /// Locks the place, and removes what a rotation left behind that did not come to its end.
    pub(crate) fn lock(path: &Path) -> Result<Self, Error> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            Some(_) | None => PathBuf::from("."),
        };
        let found = fs::metadata(&directory).map_err(failed("look at", &directory))?;
        check_rights(&directory, &found)?;
        let lock_path = beside(path, "lock");
        let lock = options().create(true).truncate(false).open(&lock_path).map_err(failed("open", &lock_path))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(Error::InUse { path: path.to_owned() }),
            Err(error) => return Err(failed("lock", &lock_path)(error.into())),
        }
        let place = Self { path: path.to_owned(), directory, _lock: lock };
        place.remove_next()?;
        Ok(place)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The vault's file, if there is one.
    pub(crate) fn open(&self) -> Result<Option<File>, Error> {
        let file = match options().open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("open")(error)),
        };
        let found = file.metadata().map_err(self.failed("look at"))?;
        if !found.is_file() {
            return Err(Error::NotAVault { path: self.path.clone() });
        }
        check_rights(&self.path, &found)?;
        Ok(Some(file))
    }

    /// Puts a new file in the vault's place: written, synced, renamed, and the directory synced. Until the rename nothing
    /// has changed; from then on the old file is gone.
    pub(crate) fn replace(&self, write: impl FnOnce(&File) -> Result<(), Error>) -> Result<File, Error> {
        self.remove_next()?;
        let next = self.next();
        let file = options().create_new(true).open(&next).map_err(failed("make", &next))?;
        write(&file)?;
        file.sync_all().map_err(failed("sync", &next))?;
        fs::rename(&next, &self.path).map_err(failed("rename", &next))?;
        let directory = File::open(&self.directory).and_then(|directory| directory.sync_all());
        directory.map_err(failed("sync", &self.directory))?;
        Ok(file)
    }

    /// An error of the vault's file.
    pub(crate) fn failed(&self, tried: &'static str) -> impl FnOnce(io::Error) -> Error {
        failed(tried, &self.path)
    }

    /// Damage of the vault's file.
    pub(crate) fn damaged(&self, offset: u64, what: &'static str) -> Error {
        Error::Damaged { path: self.path.clone(), offset, what }
    }

    fn remove_next(&self) -> Result<(), Error> {
        let next = self.next();
        match fs::remove_file(&next) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", &next)(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn next(&self) -> PathBuf {
        beside(&self.path, "next")
    }
}

/// To read and write a file of the owner's alone; a link is not followed, so that nobody leads a write elsewhere.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(OWNER_ONLY).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

fn check_rights(path: &Path, found: &fs::Metadata) -> Result<(), Error> {
    let mode = found.permissions().mode() & 0o777;
    if mode & OTHERS == 0 { Ok(()) } else { Err(Error::OpenToOthers { path: path.to_owned(), mode }) }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn failed(tried: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { tried, path: path.to_owned(), source }
}
