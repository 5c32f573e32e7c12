//! Requests to the kernel: to drop the pages of a file, and to shrink its own caches (names, inodes) or compact memory. The latter affect
//! the whole machine, and only root may request them.

use crate::platform;
use std::fs::File;
use std::os::fd::AsFd;
use std::{fs, io};

/// Drops cached names and inodes that are not in use. Returns by how many bytes the reclaimable caches have shrunk; `None` if the kernel
/// does not report it.
pub fn drop_slab() -> io::Result<Option<u64>> {
    let held = || platform::memory().and_then(|memory| memory.reclaimable);
    let before = held();
    fs::write("/proc/sys/vm/drop_caches", "2")?;
    Ok(before.zip(held()).map(|(before, after)| before.saturating_sub(after)))
}

/// Compacts memory, so that large pages become available. Frees no memory by itself.
pub fn compact() -> io::Result<()> {
    fs::write("/proc/sys/vm/compact_memory", "1")
}

/// Requests that the pages of a file are dropped. An error would show in the measurement.
#[cfg(target_os = "linux")]
pub(super) fn forget(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

/// Other systems have no such request.
#[cfg(not(target_os = "linux"))]
pub(super) fn forget(_file: &File) {}

/// Writes all dirty data of a directory's file system to its disk. False if that failed.
#[cfg(target_os = "linux")]
pub(super) fn write_out(dir: impl AsFd) -> bool {
    rustix::fs::syncfs(dir).is_ok()
}

/// Other systems have no such request.
#[cfg(not(target_os = "linux"))]
pub(super) fn write_out(_dir: impl AsFd) -> bool {
    false
}
