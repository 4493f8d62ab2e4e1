//! A disk that loses what was not synced, under a real daemon: a file system in user space over [`MemoryDisk`], so that
//! the simulator and real processes lose power in the same way. The kernel caches nothing of it.
//!
//! A file of the disk is named by its whole path, and a directory is an empty file whose name ends with a slash. So a directory
//! that is lost takes along what is in it. A sync of one directory makes the changes of all durable.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsStr,
    io,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use journal::disk::{Disk, File, MemoryDisk, MemoryFile};

/// The kernel asks each time.
const NEVER_CACHED: Duration = Duration::ZERO;
/// What a disk without bound has free, in bytes.
const ENDLESS_BYTES: u64 = 1 << 40;
const NAME_BYTES_MAX: u32 = 255;
/// A sector, as the kernel counts them.
const BLOCK_BYTES: u32 = 512;

/// The disk, mounted on a directory. Dropping it takes it away.
pub(crate) struct LossyDisk {
    pub(crate) disk: MemoryDisk,
    write_bytes_max: Arc<AtomicUsize>,
    ice: Arc<Ice>,
    _session: BackgroundSession,
}

impl LossyDisk {
    /// Mounts an empty one, which only root may. `None`, loudly, where that is not allowed.
    pub(crate) fn mount(directory: &Path) -> Option<Self> {
        Self::mount_with(directory, MemoryDisk::new())
    }

    /// Mounts one that has files already.
    pub(crate) fn mount_with(directory: &Path, disk: MemoryDisk) -> Option<Self> {
        let write_bytes_max = Arc::new(AtomicUsize::new(usize::MAX));
        let ice = Arc::<Ice>::default();
        let mounted = Mounted::of(disk.clone(), Arc::clone(&write_bytes_max), Arc::clone(&ice));
        match fuser::spawn_mount(mounted, directory, &Config::default()) {
            Ok(session) => Some(Self { disk, write_bytes_max, ice, _session: session }),
            Err(error) => {
                super::skip_without_mount(&error);
                None
            }
        }
    }

    /// From now on a write takes only so many bytes, and says so; `None` for all.
    pub(crate) fn take_at_most(&self, bytes: Option<usize>) {
        self.write_bytes_max.store(bytes.unwrap_or(usize::MAX), Ordering::Relaxed);
    }
}

impl LossyDisk {
    /// Stands still from this operation of the disk on, and whoever asks anything of it waits, until this is dropped.
    pub(crate) fn freeze_at(&self, operation: u64) -> Frozen<'_> {
        self.ice.set(Some(operation));
        Frozen(&self.ice)
    }
}

/// A disk that stands still, or soon will.
pub(crate) struct Frozen<'a>(&'a Ice);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

#[derive(Debug, Default)]
struct Ice {
    from: Mutex<Option<u64>>,
    changed: Condvar,
}

impl Ice {
    fn set(&self, from: Option<u64>) {
        *self.from.lock().unwrap_or_else(PoisonError::into_inner) = from;
        self.changed.notify_all();
    }

    /// Waits while the disk stands still. One request waits, and with it all that come later.
    fn pass(&self, disk: &MemoryDisk) {
        let from = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        let stands = |from: &mut Option<u64>| from.is_some_and(|from| disk.operations() >= from);
        drop(self.changed.wait_while(from, stands).unwrap_or_else(PoisonError::into_inner));
    }
}

/// The file system as the kernel sees it.
#[derive(Debug)]
struct Mounted {
    disk: MemoryDisk,
    write_bytes_max: Arc<AtomicUsize>,
    ice: Arc<Ice>,
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    /// Each name has a number of its own, which goes along when it is renamed.
    numbers: BTreeMap<String, u64>,
    open: HashMap<u64, MemoryFile>,
    given: u64,
}

impl Tables {
    fn give(&mut self) -> u64 {
        self.given += 1;
        // The directory itself has the first number.
        self.given + INodeNo::ROOT.0
    }

    fn number(&mut self, name: &str) -> u64 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.give();
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The name of what has this number: the empty one of the root, or one that ends with a slash for another directory.
    fn name(&self, number: INodeNo) -> io::Result<String> {
        if number == INodeNo::ROOT {
            return Ok(String::new());
        }
        let found = self.numbers.iter().find(|(_, known)| **known == number.0);
        found.map(|(name, _)| name.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn file(&self, handle: FileHandle) -> io::Result<&MemoryFile> {
        self.open.get(&handle.0).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Mounted {
    fn of(disk: MemoryDisk, write_bytes_max: Arc<AtomicUsize>, ice: Arc<Ice>) -> Self {
        Self { disk, write_bytes_max, ice, tables: Mutex::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole name of what is called so in this directory.
    fn inside(&self, parent: INodeNo, name: &OsStr) -> io::Result<String> {
        let name = name.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.tables().name(parent)? + name)
    }

    fn look_up(&self, parent: INodeNo, name: &OsStr) -> io::Result<FileAttr> {
        let name = self.inside(parent, name)?;
        self.attributes_of(&name).or_else(|_no_file| self.attributes_of(&(name + "/")))
    }

    fn attributes_of(&self, name: &str) -> io::Result<FileAttr> {
        let size = self.disk.open(name)?.length()?;
        let kind = if name.ends_with('/') { FileType::Directory } else { FileType::RegularFile };
        Ok(attributes(self.tables().number(name), kind, size))
    }

    /// Of an open file also when it has no name any more.
    fn attributes(&self, number: INodeNo, handle: Option<FileHandle>) -> io::Result<FileAttr> {
        if number == INodeNo::ROOT {
            return Ok(attributes(number.0, FileType::Directory, 0));
        }
        if let Some(handle) = handle {
            let size = self.tables().file(handle)?.length()?;
            return Ok(attributes(number.0, FileType::RegularFile, size));
        }
        let name = self.tables().name(number)?;
        self.attributes_of(&name)
    }

    fn set_length(&self, number: INodeNo, handle: Option<FileHandle>, length: u64) -> io::Result<()> {
        let name = self.tables().name(number);
        match handle {
            Some(handle) => self.tables().file(handle)?.set_length(length),
            None => self.disk.open(&name?)?.set_length(length),
        }
    }

    /// The names of what is in this directory itself.
    fn list(&self, directory: INodeNo) -> io::Result<Vec<String>> {
        let prefix = self.tables().name(directory)?;
        let is_in = |name: &String| {
            let rest = name.strip_prefix(&prefix).unwrap_or_default();
            !rest.is_empty() && !rest.trim_end_matches('/').contains('/')
        };
        Ok(self.disk.list()?.into_iter().filter(is_in).collect())
    }

    fn directory_made(&self, parent: INodeNo, name: &OsStr) -> io::Result<FileAttr> {
        let name = self.inside(parent, name)? + "/";
        // What was in one of that name, and was lost with it, is in no other.
        for lost in self.disk.list()?.iter().filter(|lost| lost.starts_with(&name) && **lost != name) {
            self.disk.remove(lost)?;
        }
        self.disk.create(&name)?;
        self.attributes_of(&name)
    }

    fn directory_removed(&self, parent: INodeNo, name: &OsStr) -> io::Result<()> {
        let name = self.inside(parent, name)? + "/";
        if self.disk.list()?.iter().any(|other| other.starts_with(&name) && *other != name) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        self.forgotten(&name)
    }

    fn opened(&self, file: MemoryFile) -> FileHandle {
        let mut tables = self.tables();
        let handle = tables.give();
        tables.open.insert(handle, file);
        FileHandle(handle)
    }

    fn read_at(&self, handle: FileHandle, offset: u64, size: u32) -> io::Result<Vec<u8>> {
        let tables = self.tables();
        let file = tables.file(handle)?;
        let left = file.length()?.saturating_sub(offset).min(size.into());
        let mut bytes = vec![0; usize::try_from(left).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn renamed(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.replace(from, to)?;
        let mut tables = self.tables();
        if let Some(number) = tables.numbers.remove(from) {
            tables.numbers.insert(to.to_owned(), number);
        }
        Ok(())
    }

    fn forgotten(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)?;
        self.tables().numbers.remove(name);
        Ok(())
    }
}

impl Filesystem for Mounted {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entered(self.look_up(parent, name), reply);
    }

    fn getattr(&self, _: &Request, number: INodeNo, handle: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(number, handle) {
            Ok(found) => reply.attr(&NEVER_CACHED, &found),
            Err(error) => reply.error(number_of(&error)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        handle: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let set = size.map_or(Ok(()), |length| self.set_length(number, handle, length));
        match set.and_then(|()| self.attributes(number, handle)) {
            Ok(found) => reply.attr(&NEVER_CACHED, &found),
            Err(error) => reply.error(number_of(&error)),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        entered(self.directory_made(parent, name), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.directory_removed(parent, name), reply);
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        let created =
            self.inside(parent, name).and_then(|name| Ok((self.disk.create(&name)?, self.attributes_of(&name)?)));
        match created {
            Ok((file, found)) => {
                let handle = self.opened(file);
                reply.created(&NEVER_CACHED, &found, Generation(0), handle, FopenFlags::FOPEN_DIRECT_IO);
            }
            Err(error) => reply.error(number_of(&error)),
        }
    }

    fn open(&self, _: &Request, number: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let name = self.tables().name(number);
        match name.and_then(|name| self.disk.open(&name)) {
            Ok(file) => reply.opened(self.opened(file), FopenFlags::FOPEN_DIRECT_IO),
            Err(error) => reply.error(number_of(&error)),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.read_at(handle, offset, size) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(number_of(&error)),
        }
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.ice.pass(&self.disk);
        let bytes = &bytes[..bytes.len().min(self.write_bytes_max.load(Ordering::Relaxed))];
        match self.tables().file(handle).and_then(|file| file.write_all_at(bytes, offset)) {
            Ok(()) => reply.written(u32::try_from(bytes.len()).expect("the kernel writes less at a time")),
            Err(error) => reply.error(number_of(&error)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // A close makes nothing durable.
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.tables().open.remove(&handle.0);
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, handle: FileHandle, _: bool, reply: ReplyEmpty) {
        self.ice.pass(&self.disk);
        done(self.tables().file(handle).and_then(File::sync), reply);
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.ice.pass(&self.disk);
        done(self.disk.sync_directory(), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let names = self.inside(parent, name).and_then(|from| Ok((from, self.inside(new_parent, new_name)?)));
        done(names.and_then(|(from, to)| self.renamed(&from, &to)), reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(self.inside(parent, name).and_then(|name| self.forgotten(&name)), reply);
    }

    fn readdir(&self, _: &Request, directory: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let names = match self.list(directory) {
            Ok(names) => names,
            Err(error) => return reply.error(number_of(&error)),
        };
        for (next, name) in (1..).zip(names).skip(usize::try_from(offset).unwrap_or(usize::MAX)) {
            let number = INodeNo(self.tables().number(&name));
            let kind = if name.ends_with('/') { FileType::Directory } else { FileType::RegularFile };
            let shown = name.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            if reply.add(number, next, kind, shown) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let sector = u64::from(BLOCK_BYTES);
        match self.disk.free_bytes() {
            Ok(free) => {
                let free = free.min(ENDLESS_BYTES) / sector;
                reply.statfs(ENDLESS_BYTES / sector, free, free, 0, 0, BLOCK_BYTES, NAME_BYTES_MAX, BLOCK_BYTES);
            }
            Err(error) => reply.error(number_of(&error)),
        }
    }
}

fn done(result: io::Result<()>, reply: ReplyEmpty) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(number_of(&error)),
    }
}

fn entered(result: io::Result<FileAttr>, reply: ReplyEntry) {
    match result {
        Ok(found) => reply.entry(&NEVER_CACHED, &found, Generation(0)),
        Err(error) => reply.error(number_of(&error)),
    }
}

/// What a process is told.
fn number_of(error: &io::Error) -> Errno {
    let known = [
        (io::ErrorKind::NotFound, Errno::ENOENT),
        (io::ErrorKind::AlreadyExists, Errno::EEXIST),
        (io::ErrorKind::StorageFull, Errno::ENOSPC),
        (io::ErrorKind::InvalidInput, Errno::EINVAL),
        (io::ErrorKind::DirectoryNotEmpty, Errno::ENOTEMPTY),
    ];
    known.into_iter().find(|(kind, _)| *kind == error.kind()).map_or(Errno::EIO, |(_, number)| number)
}

fn attributes(number: u64, kind: FileType, size: u64) -> FileAttr {
    FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(BLOCK_BYTES.into()),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm: 0o700,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: BLOCK_BYTES,
        flags: 0,
    }
}
