//! What is asked of the kernel: to forget the pages of a file, and its own caches (names, inodes, gaps between pages). The latter
//! are the whole machine's, and only root may.

use crate::platform;
use std::fs::File;
use std::os::fd::AsFd;
use std::{fs, io};

/// Has the kernel forget names and inodes that nobody uses. The answer is by how many bytes its reclaimable caches have
/// shrunk; `None` if it does not tell.
pub fn drop_slab() -> io::Result<Option<u64>> {
    let held = || platform::memory().and_then(|memory| memory.reclaimable);
    let before = held();
    fs::write("/proc/sys/vm/drop_caches", "2")?;
    Ok(before.zip(held()).map(|(before, after)| before.saturating_sub(after)))
}

/// Has the kernel move pages together, so that large ones can be had. Gives back no memory by itself.
pub fn compact() -> io::Result<()> {
    fs::write("/proc/sys/vm/compact_memory", "1")
}

/// Asks for the contents of a file to be forgotten. An error would show in the evidence.
#[cfg(target_os = "linux")]
pub(super) fn forget(file: &File) {
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
}

/// Elsewhere that cannot be asked for.
#[cfg(not(target_os = "linux"))]
pub(super) fn forget(_file: &File) {}

/// Has everything written that is on the file system of a directory but not on its disk yet. False: that could not be done.
#[cfg(target_os = "linux")]
pub(super) fn write_out(dir: impl AsFd) -> bool {
    rustix::fs::syncfs(dir).is_ok()
}

/// Elsewhere that cannot be asked for.
#[cfg(not(target_os = "linux"))]
pub(super) fn write_out(_dir: impl AsFd) -> bool {
    false
}
