//! The file the books are in: lines are added and nothing else.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::books::{Change, ReadError};

/// The books file, locked against a second network.
#[derive(Debug)]
pub(crate) struct BooksFile {
    path: PathBuf,
    file: File,
    line: String,
}

/// Why there is no books file.
#[derive(Debug, thiserror::Error)]
pub enum BooksFileError {
    /// It cannot be opened, read, locked or written.
    #[error("cannot {what} the books {}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It has something else in it.
    #[error("cannot take up the books {}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ReadError,
    },
}

impl BooksFile {
    /// Opens the file, or makes it, and returns it with its text. A last line that was not written whole is cut off.
    pub(crate) fn open(path: &Path) -> Result<(Self, String), BooksFileError> {
        let failed = |what| move |source| BooksFileError::File { what, path: path.to_owned(), source };
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(failed("open"))?;
        file.try_lock().map_err(|error| failed("lock")(error.into()))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed("read"))?;
        text.truncate(text.rfind('\n').map_or(0, |end| end.saturating_add(1)));
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        file.set_len(length).and_then(|()| file.seek(SeekFrom::Start(length))).map_err(failed("cut"))?;
        Ok((Self { path: path.to_owned(), file, line: String::new() }, text))
    }

    /// Adds a line. When this returns it outlives this process, not the machine: it is not synced.
    pub(crate) fn add(&mut self, change: &Change) -> Result<(), BooksFileError> {
        self.line.clear();
        self.line.push_str(&change.to_string());
        self.line.push('\n');
        let written = self.file.write_all(self.line.as_bytes());
        written.map_err(|source| BooksFileError::File { what: "write", path: self.path.clone(), source })
    }
}
