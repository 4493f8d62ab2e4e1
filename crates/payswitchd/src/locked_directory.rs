//! The data directory: made, locked, and used by one daemon at a time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Seek, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use domain::Lsn;

use crate::start::StartError;

const JOURNAL: &str = "journal";

/// Held for as long as the daemon runs; the operating system lets go of it however the daemon ends.
#[derive(Debug)]
pub(crate) struct LockedDirectory {
    path: PathBuf,
    _locks: [File; 2],
}

/// The file that tells how far the journal had got. A journal cannot miss its own last segments; this can.
const HIGH_WATER: &str = "HIGH_WATER";

/// How often and how long to try for the lock: a daemon that was killed lets go of it a moment later.
const LOCK_TRIES: u32 = 20;
const LOCK_WAIT: Duration = Duration::from_millis(100);

impl LockedDirectory {
    /// Makes the directory if it is not there, and locks it.
    pub(crate) fn lock(path: &Path) -> Result<Self, StartError> {
        let cannot = |tried: &'static str, path: &Path| {
            let path = path.to_owned();
            move |source| StartError::Directory { tried, path, source }
        };
        let journal = path.join(JOURNAL);
        // Balances are nobody else's business.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&journal);
        made.map_err(cannot("make the data directory", path))?;
        // A directory is there after a power cut once the one above it was synced. One that is not ours to open was
        // there before.
        for made_in in journal.ancestors().skip(1) {
            let made_in = if made_in.as_os_str().is_empty() { Path::new(".") } else { made_in };
            match File::open(made_in).and_then(|directory| directory.sync_all()) {
                Err(source) if made_in == path => return Err(cannot("sync the data directory", path)(source)),
                Ok(()) | Err(_) => {}
            }
        }
        let lock_path = path.join("LOCK");
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&lock_path);
        let mut lock = open.map_err(cannot("open the lock file", &lock_path))?;
        // The journal may be a link to another place, and may be named by that.
        let journal_itself = File::open(&journal).map_err(cannot("open", &journal))?;
        match try_lock(&lock).and_then(|()| try_lock(&journal_itself)) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Who holds it is a courtesy; the refusal stands without it.
                let _unknown = lock.read_to_string(&mut owner);
                return Err(StartError::InUse { path: path.to_owned(), owner: owner.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(cannot("lock", &lock_path)(source)),
        }
        let written = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "process {}", std::process::id()));
        written.map_err(cannot("write the lock file", &lock_path))?;
        Ok(Self { path: path.to_owned(), _locks: [lock, journal_itself] })
    }

    /// The last position this ledger is known to have had; zero for a new one.
    pub(crate) fn high_water(&self) -> Result<Lsn, StartError> {
        let path = self.path.join(HIGH_WATER);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let number = text.trim().parse().map_err(|_garbled| StartError::HighWater { path })?;
                Ok(Lsn::new(number))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Lsn::ZERO),
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(StartError::HighWater { path }),
            Err(source) => Err(StartError::Directory { tried: "read", path, source }),
        }
    }

    /// Notes how far the ledger has got, durably and in one step.
    pub(crate) fn set_high_water(&self, lsn: Lsn) -> Result<(), StartError> {
        let path = self.path.join(HIGH_WATER);
        let new = path.with_extension("new");
        let noted = File::create(&new)
            .and_then(|mut file| writeln!(file, "{lsn}").and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&new, &path))
            .and_then(|()| File::open(&self.path)?.sync_all());
        noted.map_err(|source| StartError::Directory { tried: "write", path, source })
    }

    /// Where the index is.
    pub(crate) fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    /// Where the snapshots are.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.path.join("snapshots")
    }

    /// Where the segments are.
    pub(crate) fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }
}

fn try_lock(file: &File) -> Result<(), TryLockError> {
    let mut locked = file.try_lock();
    for _ in 0..LOCK_TRIES {
        if matches!(locked, Err(TryLockError::WouldBlock)) {
            thread::sleep(LOCK_WAIT);
            locked = file.try_lock();
        }
    }
    locked
}
