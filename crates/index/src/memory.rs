//! A store that is gone with the process, for tests and simulations.

use std::{
    collections::BTreeMap,
    io,
    ops::{Bound, RangeInclusive},
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{Direction, Error, Row, Store, Table, Write};

/// Table and key.
type Place = (Table, Vec<u8>);

/// Tables in memory. Clones share them, so that one can be handed to an index and another kept to crash it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Place, Vec<u8>>,
    /// What stood where something was written since the last persist, oldest first.
    before: Vec<(Place, Option<Vec<u8>>)>,
    refuses: Option<io::ErrorKind>,
    refuses_reads: Option<io::ErrorKind>,
}

impl MemoryStore {
    /// A store without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Loses what was not persisted, as a power cut may.
    pub fn crash(&self) {
        let mut state = self.lock();
        while let Some((key, value)) = state.before.pop() {
            match value {
                Some(value) => state.rows.insert(key, value),
                None => state.rows.remove(&key),
            };
        }
    }

    /// From now on every write fails like this; `None` ends that. Reads go on.
    pub fn refuse_writes(&self, why: Option<io::ErrorKind>) {
        self.lock().refuses = why;
    }

    /// From now on every read fails like this; `None` ends that. Writes go on.
    pub fn refuse_reads(&self, why: Option<io::ErrorKind>) {
        self.lock().refuses_reads = why;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the store's lock panics")
    }
}

impl State {
    fn check_read(&self) -> Result<(), Error> {
        match self.refuses_reads {
            Some(kind) => Err(Error::Store { tried: "read", source: io::Error::from(kind).into() }),
            None => Ok(()),
        }
    }

    fn check(&self, tried: &'static str) -> Result<(), Error> {
        match self.refuses {
            Some(kind) => Err(Error::Store { tried, source: io::Error::from(kind).into() }),
            None => Ok(()),
        }
    }
}

impl Store for MemoryStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let state = self.lock();
        state.check_read()?;
        Ok(state.rows.get(&(table, key.to_vec())).cloned())
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
        let bound = |key: &[u8]| Bound::Included((table, key.to_vec()));
        let state = self.lock();
        let rows = state.rows.range((bound(range.start()), bound(range.end())));
        let copy = |((_, key), value): (&Place, &Vec<u8>)| (key.clone(), value.clone());
        Ok(match direction {
            Direction::Ascending => rows.take(limit).map(copy).collect(),
            Direction::Descending => rows.rev().take(limit).map(copy).collect(),
        })
    }

    fn write(&self, writes: &[Write<'_>]) -> Result<(), Error> {
        let mut state = self.lock();
        state.check("write")?;
        for write in writes {
            let key = (write.table, write.key.to_vec());
            let before = match write.value {
                Some(value) => state.rows.insert(key.clone(), value.to_vec()),
                None => state.rows.remove(&key),
            };
            state.before.push((key, before));
        }
        Ok(())
    }

    fn persist(&self) -> Result<(), Error> {
        let mut state = self.lock();
        state.check("persist")?;
        state.before.clear();
        Ok(())
    }
}
