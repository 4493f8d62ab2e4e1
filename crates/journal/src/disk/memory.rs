//! A disk in memory that can lose power and fail at any operation.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, File};
use pages::Pages;

mod pages;

/// What a power cut leaves whole: a sector is found old or new, never mixed.
pub const SECTOR_BYTES: usize = 512;

/// What goes wrong at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails. A write leaves the first half of its bytes behind. A sync loses the bytes it should have
    /// made durable but goes on showing them to readers, as kernels do: a later sync does not bring them back.
    Error(io::ErrorKind),
    /// The power goes before the operation. It and all later ones fail until [`MemoryDisk::restart`].
    PowerCut,
}

/// What is lost at a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing: only the process died.
    Nothing,
    /// Every byte and every directory change that was not synced.
    Unsynced,
    /// A random half of the sectors and of the directory changes that were not synced.
    Torn {
        /// The same seed loses the same half.
        seed: u64,
    },
}

/// A disk in memory that keeps *written* and *synced* apart.
///
/// Operations that change something (create, write, sync, rename, remove, sync of the directory) are counted from 0
/// over the life of the disk, so that a test can put a [`Fault`] at each of them in turn. Clones share the disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk with these files, all of them durable.
    #[must_use]
    pub fn from_image(image: BTreeMap<String, Vec<u8>>) -> Self {
        let mut state = State::default();
        for (name, bytes) in image {
            state.seen.insert(name, state.inodes.len());
            let bytes = Pages::of(&bytes);
            state.inodes.push(Inode { synced: bytes.clone(), written: bytes, ..Inode::default() });
        }
        state.durable = state.seen.clone();
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// All files as a process sees them now.
    #[must_use]
    pub fn image(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.lock();
        state.seen.iter().map(|(name, inode)| (name.clone(), state.inodes[*inode].written.to_vec())).collect()
    }

    /// From now on new files can have so many bytes in all; writes that make a file longer fail beyond that. `None` for no
    /// bound.
    pub fn set_free(&self, bytes: Option<u64>) {
        self.lock().free = bytes;
    }

    /// Turns over one bit of a file, on the disk and as it is seen, as a disk that rots does. The same again turns it back.
    ///
    /// # Panics
    /// When there is no such bit.
    pub fn flip(&self, name: &str, bit: usize) {
        let mut state = self.lock();
        let inode = state.find(name).expect("the file is there");
        let inode = &mut state.inodes[inode];
        let _shorter = inode.synced.flip(bit);
        assert!(inode.written.flip(bit), "the file has this bit");
    }

    /// Gives a file another name in one step, and takes that name from the file that had it.
    ///
    /// # Errors
    /// When there is no such file, or the disk refuses.
    pub fn replace(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.begin()?;
        let inode = state.find(from)?;
        state.change(Change::Rename { from: from.to_owned(), to: to.to_owned(), inode });
        Ok(())
    }

    /// How many faults operations have met.
    #[must_use]
    pub fn faults_met(&self) -> u64 {
        self.lock().faults_met
    }

    /// How many changing operations were tried: the number of the next one.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Puts a fault at the operation with this number.
    pub fn inject(&self, operation: u64, fault: Fault) {
        self.lock().faults.insert(operation, fault);
    }

    /// Takes away the faults that were not met.
    pub fn heal(&self) {
        self.lock().faults.clear();
    }

    /// The process dies, and perhaps the machine with it; then both are back. Files opened before are dead.
    pub fn restart(&self, loss: Loss) {
        self.lock().restart(loss);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere does not end the disk, as it would not end a real one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, state: &State, inode: usize) -> MemoryFile {
        MemoryFile { disk: self.clone(), inode, boot: state.boot }
    }
}

impl Disk for MemoryDisk {
    type File = MemoryFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.lock();
        state.check_power()?;
        Ok(state.seen.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<MemoryFile> {
        let mut state = self.lock();
        state.begin()?;
        if state.seen.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.change(Change::Create { name: name.to_owned(), inode });
        Ok(self.file(&state, inode))
    }

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        let state = self.lock();
        state.check_power()?;
        let inode = state.find(name)?;
        Ok(self.file(&state, inode))
    }

    fn open_to_read(&self, name: &str) -> io::Result<MemoryFile> {
        self.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.begin()?;
        let inode = state.find(from)?;
        if state.seen.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.change(Change::Rename { from: from.to_owned(), to: to.to_owned(), inode });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.begin()?;
        let inode = state.find(name)?;
        let length = u64::try_from(state.inodes[inode].written.length()).map_err(io::Error::other)?;
        state.free = state.free.map(|free| free.saturating_add(length));
        state.change(Change::Remove { name: name.to_owned(), inode });
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.begin()?;
        state.durable = state.seen.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.lock();
        state.check_power()?;
        Ok(state.free.unwrap_or(u64::MAX))
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("memory").join(name)
    }
}

/// A file of a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryFile {
    disk: MemoryDisk,
    inode: usize,
    boot: u64,
}

impl MemoryFile {
    fn check_boot(&self, state: &State) -> io::Result<()> {
        state.check_power()?;
        if self.boot == state.boot { Ok(()) } else { Err(io::Error::other("the file was opened before the restart")) }
    }
}

impl MemoryFile {
    /// Cuts bytes off, or adds zeros. What a sync does not make durable of it is lost.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_length(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        self.check_boot(&state)?;
        state.begin()?;
        let length = usize::try_from(length).map_err(io::Error::other)?;
        state.grow(self.inode, length)?;
        state.inodes[self.inode].set_length(length);
        Ok(())
    }
}

impl File for MemoryFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        self.check_boot(&state)?;
        let begun = state.begin();
        if state.powered_off {
            return begun;
        }
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        let begun = begun.and_then(|()| state.grow(self.inode, offset + bytes.len()));
        let written = if begun.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        state.inodes[self.inode].write(written, offset);
        begun
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.disk.lock();
        self.check_boot(&state)?;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        state.inodes[self.inode].written.read(buffer, start).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.lock();
        self.check_boot(&state)?;
        let begun = state.begin();
        if !state.powered_off {
            let inode = &mut state.inodes[self.inode];
            let mut dirty = std::mem::take(&mut inode.dirty);
            if begun.is_ok() {
                inode.synced.set_length(inode.written.length());
                dirty.into_iter().for_each(|sector| inode.keep(sector));
            } else {
                inode.lost.append(&mut dirty);
            }
        }
        begun
    }

    fn length(&self) -> io::Result<u64> {
        let state = self.disk.lock();
        self.check_boot(&state)?;
        u64::try_from(state.inodes[self.inode].written.length()).map_err(io::Error::other)
    }
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    /// The directory as a process sees it.
    seen: BTreeMap<String, usize>,
    /// The directory as a power cut leaves it.
    durable: BTreeMap<String, usize>,
    /// What leads from `durable` to `seen`.
    unsynced: Vec<Change>,
    operations: u64,
    faults: BTreeMap<u64, Fault>,
    faults_met: u64,
    powered_off: bool,
    boot: u64,
    /// What longer files may still take; `None` without bound.
    free: Option<u64>,
}

#[derive(Debug, Default)]
struct Inode {
    written: Pages,
    synced: Pages,
    /// Sectors a sync would still have to make durable.
    dirty: BTreeSet<usize>,
    /// Sectors that a failed sync did not make durable, and of which no later one knows.
    lost: BTreeSet<usize>,
}

#[derive(Debug)]
enum Change {
    Create { name: String, inode: usize },
    Rename { from: String, to: String, inode: usize },
    Remove { name: String, inode: usize },
}

impl State {
    fn check_power(&self) -> io::Result<()> {
        if self.powered_off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    /// Counts a changing operation and meets its fault.
    fn begin(&mut self) -> io::Result<()> {
        self.check_power()?;
        let operation = self.operations;
        self.operations += 1;
        let fault = self.faults.remove(&operation);
        self.faults_met += u64::from(fault.is_some());
        match fault {
            None => Ok(()),
            Some(Fault::Error(kind)) => Err(kind.into()),
            Some(Fault::PowerCut) => {
                self.powered_off = true;
                self.check_power()
            }
        }
    }

    /// Takes the space for a file of this length.
    fn grow(&mut self, inode: usize, length: usize) -> io::Result<()> {
        let Some(free) = &mut self.free else { return Ok(()) };
        let more = length.saturating_sub(self.inodes[inode].written.length());
        let more = u64::try_from(more).map_err(io::Error::other)?;
        *free = free.checked_sub(more).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.seen.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.seen);
        self.unsynced.push(change);
    }

    fn restart(&mut self, loss: Loss) {
        self.boot += 1;
        self.powered_off = false;
        let mut kept: Box<dyn FnMut() -> bool> = match loss {
            Loss::Nothing => return,
            Loss::Unsynced => Box::new(|| false),
            Loss::Torn { seed } => {
                let mut random = SplitMix(seed);
                Box::new(move || random.next().is_multiple_of(2))
            }
        };
        for change in self.unsynced.drain(..).filter(|_| kept()) {
            change.apply(&mut self.durable);
        }
        self.seen.clone_from(&self.durable);
        let named: BTreeSet<usize> = self.seen.values().copied().collect();
        for (number, inode) in self.inodes.iter_mut().enumerate() {
            if named.contains(&number) {
                let dirty = std::mem::take(&mut inode.dirty);
                dirty.iter().filter(|_| kept()).for_each(|sector| inode.keep(*sector));
                inode.lost.extend(dirty);
                inode.forget_lost();
            } else {
                *inode = Inode::default();
            }
        }
    }
}

impl Inode {
    fn write(&mut self, bytes: &[u8], offset: usize) {
        self.written.write(bytes, offset);
        self.dirty.extend(offset / SECTOR_BYTES..(offset + bytes.len()).div_ceil(SECTOR_BYTES));
    }

    fn set_length(&mut self, length: usize) {
        // What is cut off is there again if that is lost.
        self.dirty.extend(length / SECTOR_BYTES..self.written.length().div_ceil(SECTOR_BYTES));
        self.written.set_length(length);
    }

    /// Makes one sector durable.
    fn keep(&mut self, sector: usize) {
        let start = sector * SECTOR_BYTES;
        let end = self.written.length().min(start + SECTOR_BYTES);
        self.synced.set_length(self.synced.length().max(end));
        self.synced.copy(&self.written, start..end);
    }

    /// Shows what is durable: of a large file only what may be something else is copied.
    fn forget_lost(&mut self) {
        self.written.set_length(self.synced.length());
        for sector in std::mem::take(&mut self.lost) {
            let start = sector * SECTOR_BYTES;
            self.written.copy(&self.synced, start..start + SECTOR_BYTES);
        }
    }
}

impl Change {
    /// Idempotent, and sensible on a directory in which an earlier change is missing.
    fn apply(&self, directory: &mut BTreeMap<String, usize>) {
        let forget = |directory: &mut BTreeMap<String, usize>, name: &String, inode: &usize| {
            if directory.get(name) == Some(inode) {
                directory.remove(name);
            }
        };
        match self {
            Self::Create { name, inode } => {
                directory.insert(name.clone(), *inode);
            }
            Self::Rename { from, to, inode } => {
                forget(directory, from, inode);
                directory.insert(to.clone(), *inode);
            }
            Self::Remove { name, inode } => forget(directory, name, inode),
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): enough chance to tear a disk, from one seed.
#[derive(Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests;
