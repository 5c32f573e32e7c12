//! Space on the file system of a destination.

use std::io;
use std::path::Path;

/// Bytes that we may still write on the file system of `path`, or of its nearest ancestor that exists.
pub(crate) fn free(path: &Path) -> io::Result<u64> {
    let existing = path.ancestors().find(|p| p.exists()).unwrap_or(path);
    let stat = rustix::fs::statvfs(existing)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
