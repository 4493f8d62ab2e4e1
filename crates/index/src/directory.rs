//! A store in a directory.

use std::{
    ffi::OsString,
    fmt, fs,
    fs::File,
    io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use crate::{Direction, Error, Row, Store, Table, Write};

/// Blocks of the tables that were read last are kept in memory, up to so many bytes.
const BLOCK_CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// What was written to one table last is kept in memory up to so many bytes, then written as a file of its own. A few of
/// these may wait for the disk.
const WRITE_BUFFER_BYTES_A_TABLE: u64 = 8 * 1024 * 1024;

/// The store's own log of writes is cut once it is larger than this.
const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Threads that write and merge the tables' files. One is enough: the shard's thread never waits for it.
const WORKER_THREADS: usize = 1;

/// Files of one store kept open at a time.
pub const OPEN_FILES_MAX: usize = 256;

/// Nothing is written while less than this is free on the disk, in bytes: about what the store's log and its buffers take at
/// most. The journal and what else keeps a switch going come first, and a store that was not asked fails no write.
const FREE_BYTES_MIN: u64 = 2 * LOG_BYTES_MAX;

/// Tables in a directory, in a database that merges sorted files. A write goes to the database's own log without a sync.
pub struct DirectoryStore {
    path: PathBuf,
    database: Database,
    /// In the order of [`Table::ALL`].
    keyspaces: Vec<Keyspace>,
}

impl fmt::Debug for DirectoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DirectoryStore {
    /// Opens the store in this directory, or makes one.
    ///
    /// # Errors
    /// [`Error::Directory`] when the directory cannot be used now, e.g. because another process has it open;
    /// [`Error::Unreadable`] when what it holds is damaged or of another version.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opening = |source: fjall::Error| {
            let path = path.to_owned();
            match is_damage(&source) {
                true => Error::Unreadable { path, source: source.into() },
                false => Error::Directory { tried: "open", path, source: source.into() },
            }
        };
        let builder = Database::builder(path)
            .cache_size(BLOCK_CACHE_BYTES)
            .max_journaling_size(LOG_BYTES_MAX)
            .max_cached_files(Some(OPEN_FILES_MAX))
            .worker_threads(WORKER_THREADS);
        let database = builder.open().map_err(opening)?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(WRITE_BUFFER_BYTES_A_TABLE);
        let keyspaces = Table::ALL.iter().map(|table| database.keyspace(table.as_str(), options));
        let keyspaces = keyspaces.collect::<Result<_, _>>().map_err(opening)?;
        // What is persisted in a directory that is lost with the power is lost.
        sync_parent(path).map_err(|source| opening(source.into()))?;
        Ok(Self { path: path.to_owned(), database, keyspaces })
    }

    /// Removes what is in this directory, so that the index is made anew at the next opening. Nobody may have it open. A
    /// crash on the way leaves no directory that opens half.
    ///
    /// # Errors
    /// [`Error::Directory`] when it cannot be removed.
    pub fn remove(path: &Path) -> Result<(), Error> {
        let removing =
            |source: io::Error| Error::Directory { tried: "remove", path: path.to_owned(), source: source.into() };
        let mut aside: OsString = path.as_os_str().to_owned();
        aside.push(".removed");
        let aside = PathBuf::from(aside);
        unless_missing(fs::remove_dir_all(&aside)).map_err(removing)?;
        unless_missing(fs::rename(path, &aside)).map_err(removing)?;
        unless_missing(fs::remove_dir_all(&aside)).map_err(removing)?;
        sync_parent(path).map_err(removing)
    }

    fn keyspace(&self, table: Table) -> &Keyspace {
        let position = Table::ALL.iter().position(|each| *each == table).expect("every table is in the list of all");
        &self.keyspaces[position]
    }
}

impl Store for DirectoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let found = self.keyspace(table).get(key).map_err(|source| reading(table, key, source))?;
        Ok(found.map(|value| value.to_vec()))
    }

    fn scan(
        &self,
        table: Table,
        range: RangeInclusive<&[u8]>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let from = *range.start();
        let rows = self.keyspace(table).range(range);
        let copy = |row: fjall::Guard| {
            let (key, value) = row.into_inner().map_err(|source| reading(table, from, source))?;
            Ok((key.to_vec(), value.to_vec()))
        };
        match direction {
            Direction::Ascending => rows.take(limit).map(copy).collect(),
            Direction::Descending => rows.rev().take(limit).map(copy).collect(),
        }
    }

    fn write(&self, writes: &[Write<'_>]) -> Result<(), Error> {
        let disk = rustix::fs::statvfs(&self.path);
        let disk = disk.map_err(|source| Error::Store { tried: "look at the space for", source: source.into() })?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < FREE_BYTES_MIN {
            let source = io::Error::from(io::ErrorKind::StorageFull).into();
            return Err(Error::Store { tried: "write, before the disk is full,", source });
        }
        let mut batch = self.database.batch();
        for write in writes {
            let keyspace = self.keyspace(write.table);
            match write.value {
                Some(value) => batch.insert(keyspace, write.key, value),
                None => batch.remove(keyspace, write.key),
            }
        }
        batch.commit().map_err(|source| Error::Store { tried: "write", source: source.into() })
    }

    fn persist(&self) -> Result<(), Error> {
        let persisted = self.database.persist(PersistMode::SyncAll);
        persisted.map_err(|source| Error::Store { tried: "persist", source: source.into() })
    }
}

fn reading(table: Table, key: &[u8], source: fjall::Error) -> Error {
    if is_damage(&source) {
        return Error::damaged(table, key, source);
    }
    Error::Store { tried: "read", source: source.into() }
}

/// Whether it lies in the bytes on disk, and not in the machine of now.
fn is_damage(error: &fjall::Error) -> bool {
    if let fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) = error {
        let of_bytes = [io::ErrorKind::NotFound, io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof];
        return of_bytes.contains(&error.kind());
    }
    !matches!(error, fjall::Error::Locked | fjall::Error::Poisoned)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [(Table, &[u8], &[u8]); 3] = [
        (Table::Meta, b"position", b"3"),
        (Table::Keys, b"some key", b"some value"),
        (Table::Orders, b"an order", b"a payment's number"),
    ];

    fn files(of: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(of).expect("a directory").map(|entry| entry.expect("an entry").path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    /// A power cut can leave anything of what was not persisted. It is refused or dropped, whatever it is.
    #[test]
    fn a_log_with_any_byte_changed_is_refused_or_ends_before_it() {
        let directory = tempfile::tempdir().expect("a place for the stores");
        let whole = directory.path().join("whole");
        let store = DirectoryStore::open(&whole).expect("a new store");
        for (table, key, value) in ROWS {
            store.write(&[Write { table, key, value: Some(value) }]).expect("there is space");
        }
        store.persist().expect("the disk is well");
        drop(store);
        let is_log = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "jnl");
        let log = files(&whole).into_iter().find(is_log).expect("a store has a log");
        let log = log.strip_prefix(&whole).expect("it is inside").to_owned();
        let written = fs::read(whole.join(&log)).expect("the log can be read");
        let end = written.iter().rposition(|byte| *byte != 0).expect("something was written") + 1;
        // The last row's batch and the end of the one before it: each batch is laid out alike, and each opening takes its time.
        let changed = end - 100..end;

        let (mut refused, mut dropped) = (0, 0);
        for position in changed {
            let path = directory.path().join(position.to_string());
            for file in files(&whole) {
                let to = path.join(file.strip_prefix(&whole).expect("it is inside"));
                fs::create_dir_all(to.parent().expect("it has one")).expect("there is space");
                fs::copy(&file, to).expect("there is space");
            }
            let mut bytes = written.clone();
            bytes[position] ^= 0x10;
            fs::write(path.join(&log), &bytes).expect("there is space");
            match DirectoryStore::open(&path) {
                Err(Error::Unreadable { .. }) => refused += 1,
                Err(other) => panic!("byte {position}: {other}"),
                Ok(store) => {
                    let found = ROWS.map(|(table, key, value)| match store.get(table, key).expect("it can be read") {
                        None => false,
                        Some(found) => {
                            assert_eq!(found, value, "byte {position}");
                            true
                        }
                    });
                    assert!(found.is_sorted_by(|earlier, later| earlier >= later), "byte {position}: {found:?}");
                    dropped += usize::from(!found[2]);
                }
            }
            fs::remove_dir_all(&path).expect("it is ours");
        }
        assert!(refused > 0 && dropped > 0, "{refused} refused, {dropped} ended earlier, of {end}");
    }
}
