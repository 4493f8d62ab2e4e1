//! Reading a file forward in large pieces.

use std::path::PathBuf;

use crate::Error;
use crate::disk::File;

const PIECE_BYTES: usize = 1024 * 1024;

static ZEROS: [u8; 4096] = [0; 4096];

pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(ZEROS.len()).all(|chunk| *chunk == ZEROS[..chunk.len()])
}

/// A piece of a file in memory that moves forward with what is asked of it.
#[derive(Debug)]
pub(crate) struct Window<'a, F> {
    file: F,
    path: PathBuf,
    length: u64,
    buffer: &'a mut Vec<u8>,
    start: u64,
}

impl<'a, F: File> Window<'a, F> {
    /// `buffer` is memory to reuse.
    pub(crate) fn new(file: F, path: PathBuf, buffer: &'a mut Vec<u8>) -> Result<Self, Error> {
        let length = file.length().map_err(Error::io("measure", path.clone()))?;
        buffer.clear();
        Ok(Self { file, path, length, buffer, start: 0 })
    }

    /// The length of the file when the window was made.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// The bytes at a place, which must lie within the file.
    pub(crate) fn bytes(&mut self, offset: u64, count: usize) -> Result<&[u8], Error> {
        if let Some(at) = self.position(offset, count) {
            return Ok(&self.buffer[at..at + count]);
        }
        let rest = usize::try_from(self.length - offset).unwrap_or(usize::MAX);
        assert!(count <= rest, "what is asked for lies within the file");
        self.buffer.resize(count.max(PIECE_BYTES).min(rest), 0);
        self.start = offset;
        self.file.read_exact_at(self.buffer, offset).map_err(Error::io("read", self.path.clone()))?;
        Ok(&self.buffer[..count])
    }

    /// Where these bytes are in the buffer, if they are.
    fn position(&self, offset: u64, count: usize) -> Option<usize> {
        let at = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        (at.checked_add(count)? <= self.buffer.len()).then_some(at)
    }
}
