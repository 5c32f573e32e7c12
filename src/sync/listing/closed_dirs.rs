//! Directories without all rights for their owner, such as those of mode 0555, into which something is transferred.
//!
//! Only root may write there. For other users rsync adds the rights, and takes them away again when it ends.

use super::changed::ChangedList;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the owner needs: read, write, enter.
const NEEDED: u32 = 0o700;

/// Whether permissions, as rsync prints them (`r-xr-xr-x`), lack something for the owner. False if there are none.
pub(super) fn lacks_rights(permissions: &[u8]) -> bool {
    matches!(permissions, [r, w, x, ..] if *r != b'r' || *w != b'w' || !matches!(x, b'x' | b's'))
}

/// Whether an entry of the list is in such a directory of the destination.
pub(super) fn are_entered(changed: &mut ChangedList, dest: &Path) -> io::Result<bool> {
    // In the list, the entries of a directory follow one another.
    let mut last: Option<Vec<u8>> = None;
    for changed in changed.iter()? {
        let name = changed?.name;
        let parent = name.iter().rposition(|byte| *byte == b'/').map_or(&b""[..], |slash| &name[..slash]);
        if last.as_deref() == Some(parent) {
            continue;
        }
        let dir = fs::metadata(dest.join(OsStr::from_bytes(parent)));
        if dir.is_ok_and(|dir| dir.mode() & NEEDED != NEEDED) {
            return Ok(true);
        }
        last = Some(parent.to_vec());
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_needs_all_three_rights() {
        for (permissions, lacks) in [
            ("rwxr-xr-x", false),
            ("rwsrwsr-x", false),
            ("rwx------", false),
            ("r-xr-xr-x", true),
            ("rw-r--r--", true),
            ("rwSr-xr-x", true),
            ("-wxr-xr-x", true),
            ("", false),
        ] {
            assert_eq!(lacks_rights(permissions.as_bytes()), lacks, "{permissions}");
        }
    }
}
