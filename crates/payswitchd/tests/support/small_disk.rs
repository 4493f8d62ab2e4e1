//! A small file system of its own, for a daemon that shall run out of space.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A mounted file system. Dropping it takes it away.
pub(crate) struct SmallDisk {
    directory: TempDir,
}

impl SmallDisk {
    /// Mounts one of this size in memory, which only root may. `None`, loudly, where that is not allowed.
    pub(crate) fn mount(bytes: u64) -> Option<Self> {
        let directory = TempDir::new().expect("a temporary directory");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"]).arg(directory.path());
        let mounted = mount.output();
        if mounted.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(Self { directory });
        }
        let why = mounted.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
        super::skip_without_mount(&why);
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Somebody else's file that leaves only this much space.
    pub(crate) fn fill_up_to(&self, free: u64) -> PathBuf {
        let path = self.path().join("ballast");
        let stat = rustix::fs::statvfs(self.path()).expect("a file system tells its space");
        let bytes = (stat.f_bavail * stat.f_frsize).saturating_sub(free);
        fs::write(&path, vec![1; usize::try_from(bytes).expect("it is small")]).expect("there is space for it");
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} stays mounted", self.path().display());
    }
}
