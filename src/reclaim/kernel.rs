//! The caches of the kernel itself: names, inodes, and gaps between pages. They are the whole machine's, and only root may.

use crate::machine;
use std::{fs, io};

/// Has the kernel forget names and inodes that nobody uses. The answer is by how many bytes its reclaimable caches have
/// shrunk; `None` if it does not tell.
pub fn drop_slab() -> io::Result<Option<u64>> {
    let held = || machine::memory().and_then(|memory| memory.reclaimable);
    let before = held();
    fs::write("/proc/sys/vm/drop_caches", "2")?;
    Ok(before.zip(held()).map(|(before, after)| before.saturating_sub(after)))
}

/// Has the kernel move pages together, so that large ones can be had. Gives back no memory by itself.
pub fn compact() -> io::Result<()> {
    fs::write("/proc/sys/vm/compact_memory", "1")
}
