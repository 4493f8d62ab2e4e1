//! The little a journal asks of a disk, so that the same code runs on a directory and on a disk that loses power.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;

mod directory;
mod memory;

pub use directory::{DirectoryDisk, DirectoryFile};
pub use memory::{Fault, Loss, MemoryDisk, MemoryFile, SECTOR_BYTES};

/// One flat directory of files. Clones speak of the same directory.
///
/// # Contract
/// - A change to the directory (`create`, `rename`, `remove`) survives a power cut once a later `sync_directory`
///   returned `Ok`; before that it may or may not. A rename is found done or not done.
/// - An error leaves open whether the operation took effect.
pub trait Disk: Clone + Debug + Send + 'static {
    /// An open file.
    type File: File;

    /// The names of all files, in no order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes an empty file, for reading and writing.
    ///
    /// # Errors
    /// When the name exists, or the disk refuses.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// When there is no such file, or the disk refuses.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Opens a file for reading only: works on a directory that may not be written.
    ///
    /// # Errors
    /// When there is no such file, or the disk refuses.
    fn open_to_read(&self, name: &str) -> io::Result<Self::File>;

    /// Gives a file another name, in one step. The new name must not be in use.
    ///
    /// # Errors
    /// When there is no such file, or the disk refuses.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// When there is no such file, or the disk refuses.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes all changes to the directory survive a power cut.
    ///
    /// # Errors
    /// When the disk refuses. They may then never become durable.
    fn sync_directory(&self) -> io::Result<()>;

    /// How many bytes can be written to new files before the disk is full, about.
    ///
    /// # Errors
    /// When the disk does not tell.
    fn free_bytes(&self) -> io::Result<u64>;

    /// Where the file is, for messages; with an empty name, the directory itself.
    fn path(&self, name: &str) -> PathBuf;
}

/// A file of a [`Disk`].
///
/// # Contract
/// - Bytes written are seen by every later read at once. They survive a power cut once a later `sync` returned `Ok`;
///   before that any of their sectors may or may not.
/// - After a failed `sync` a later one proves nothing about bytes written before it.
pub trait File: Debug + Send + 'static {
    /// Writes all bytes at an offset; makes the file longer when needed.
    ///
    /// # Errors
    /// When the disk refuses; some of the bytes may have been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Fills the whole buffer from an offset.
    ///
    /// # Errors
    /// When the disk refuses, or the file ends before the buffer is full.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Makes the bytes and the length of the file survive a power cut.
    ///
    /// # Errors
    /// When the disk refuses.
    fn sync(&self) -> io::Result<()>;

    /// The length of the file in bytes.
    ///
    /// # Errors
    /// When the disk refuses.
    fn length(&self) -> io::Result<u64>;
}
