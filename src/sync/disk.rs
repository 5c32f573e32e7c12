//! Free space on the file system of a destination.

use crate::platform::room;
use std::io;
use std::path::Path;

/// Bytes that this user may still write on the file system of `path`, or of its nearest existing ancestor; `None` if the file system does
/// not report it.
pub(crate) fn free(path: &Path) -> io::Result<Option<u64>> {
    let existing = path.ancestors().find(|p| p.exists()).unwrap_or(path);
    Ok(room(existing)?.map(|room| room.free))
}
