//! What can go wrong with an index.

use std::{error, fmt, path::PathBuf};

use crate::Table;

/// Why a store did not do what it was asked.
pub type StoreFault = Box<dyn error::Error + Send + Sync>;

/// An index that cannot be read, or not be written. The journal has all that it holds, so nothing is lost with it; see
/// [`is_cured_by_rebuilding`](Self::is_cured_by_rebuilding).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory cannot be used now.
    #[error("cannot {tried} the index directory {path}", path = path.display())]
    Directory {
        /// What was tried.
        tried: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: StoreFault,
    },
    /// The directory does not hold a store, or one that is damaged or of another version.
    #[error("what is in the index directory {path} cannot be read", path = path.display())]
    Unreadable {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: StoreFault,
    },
    /// A read or a write failed.
    #[error("cannot {tried} the index")]
    Store {
        /// What was tried.
        tried: &'static str,
        /// Why not.
        source: StoreFault,
    },
    /// A row is not what it can be, or the store says that it is damaged.
    #[error("the index is damaged: table {table}, key {key}: {problem}")]
    Damaged {
        /// In which table.
        table: Table,
        /// Under which key, in hexadecimal digits.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// The index was made from another journal.
    #[error("the index is of journal {found}, not of {journal}", found = hex(found), journal = hex(journal))]
    OfAnotherJournal {
        /// The journal it is of.
        found: [u8; 16],
        /// The journal it should be of.
        journal: [u8; 16],
    },
    /// The index was written by a version that had other tables.
    #[error("the index is of format {found}, this version reads {ours}")]
    OfAnotherFormat {
        /// Its format.
        found: u32,
        /// The one that can be read.
        ours: u32,
    },
}

impl Error {
    /// Whether removing the index and making it again from the journal helps. What is left is a fault of the machine.
    #[must_use]
    pub const fn is_cured_by_rebuilding(&self) -> bool {
        match self {
            Self::Unreadable { .. }
            | Self::Damaged { .. }
            | Self::OfAnotherJournal { .. }
            | Self::OfAnotherFormat { .. } => true,
            Self::Directory { .. } | Self::Store { .. } => false,
        }
    }

    /// A row of this table that cannot be right.
    #[must_use]
    pub fn damaged(table: Table, key: &[u8], problem: impl fmt::Display) -> Self {
        Self::Damaged { table, key: hex(key), problem: problem.to_string() }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
