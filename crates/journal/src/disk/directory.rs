//! A directory of the operating system.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::{Disk, File};

/// A directory on a real disk, reached through the page cache and `fdatasync`.
#[derive(Clone, Debug)]
pub struct DirectoryDisk {
    path: Arc<Path>,
    /// Opened for the first sync and kept: a later one must not fail because the process has no file descriptor left.
    directory: Arc<OnceLock<fs::File>>,
}

impl DirectoryDisk {
    /// An existing directory. Nothing is touched.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into().into(), directory: Arc::default() }
    }

    /// Makes the directory if it is not there, and makes sure that it survives a power cut.
    ///
    /// # Errors
    /// When its parent is missing or may not be written.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        // Balances are nobody else's business.
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        // `a` has the empty parent, which stands for the current directory.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(parent)?.sync_all()?;
        Ok(Self::new(path))
    }

    fn opened(&self, name: &str, options: &fs::OpenOptions) -> io::Result<DirectoryFile> {
        options.open(self.path.join(name)).map(DirectoryFile)
    }
}

impl Disk for DirectoryDisk {
    type File = DirectoryFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        // A name that is not UTF-8 is none of ours.
        names.filter_map(io::Result::transpose).collect()
    }

    fn create(&self, name: &str) -> io::Result<DirectoryFile> {
        self.opened(name, fs::OpenOptions::new().read(true).write(true).create_new(true))
    }

    fn open(&self, name: &str) -> io::Result<DirectoryFile> {
        self.opened(name, fs::OpenOptions::new().read(true).write(true))
    }

    fn open_to_read(&self, name: &str) -> io::Result<DirectoryFile> {
        self.opened(name, fs::OpenOptions::new().read(true))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        let directory = match self.directory.get() {
            Some(directory) => directory,
            None => {
                let opened = fs::File::open(&self.path)?;
                self.directory.get_or_init(|| opened)
            }
        };
        directory.sync_all()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&*self.path)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.path.to_path_buf() } else { self.path.join(name) }
    }
}

/// A file of a [`DirectoryDisk`].
#[derive(Debug)]
pub struct DirectoryFile(fs::File);

impl File for DirectoryFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
