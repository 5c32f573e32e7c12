//! The directory of ours in a mirror, `.pdb-sync`, which everybody who keeps the mirror has to be able to use: permissions and
//! group of what is made in it follow the mirror's root.

use super::open_below::{make_below, open_below};
use super::quarantine::{INFO, PLACE, place};
use super::tree;
use crate::clean::path::OURS;
use crate::platform::{follow, follows};
use crate::retention;
use rustix::fs::{Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

/// What stands in for the lock of a mirror whose directories cannot be locked.
pub const LOCK: &str = "lock";

/// What to do where something else has the name of our directory.
pub const OURS_IN_THE_WAY: &str =
    "move .pdb-sync in it away: it has to be a directory on the same file system";

/// Opens a directory of ours below `at`, which lies in the mirror `root` or is its root; what is missing on the way is made.
/// Until its permissions are set it is for nobody else.
pub fn make_ours(root: impl AsFd, at: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let above = fstat(&root)?;
    make_below(at, path, Mode::RWXU, |_, dir| follow(dir, &above))
}

/// What of our directory belongs to us gets the permissions and the group of the root, which another version did not give it, or
/// which have changed since. Quarantines are shared by [`share_run`].
pub(super) fn share(root: &File) {
    let Ok(above) = fstat(root) else { return };
    let Ok(ours) = open_below(root, OURS) else { return };
    follow(&ours, &above);
    if let Ok(dir) = open_below(root, PLACE) {
        follow(dir, &above);
    }
    for name in [retention::FILE, LOCK] {
        share_file(&ours, name, &above);
    }
}

/// The same for the quarantine of a run. Its own directory comes last: where that is as it should be, all of it is.
pub(super) fn share_run(root: &File, run: &str) {
    let Ok(above) = fstat(root) else { return };
    let Ok(dir) = open_below(root, &place(run)) else { return };
    if fstat(&dir).is_ok_and(|stat| follows(&stat, &above)) {
        return;
    }
    // What cannot be opened stays as it is, and counts when it is purged or undone.
    let each = |path: &[u8], dir: &OwnedFd| {
        if !path.is_empty() {
            follow(dir, &above);
        }
        true
    };
    tree::walk(&dir, |path, dir, _| each(path, dir), |_, _| ());
    share_file(&dir, INFO, &above);
    follow(dir, &above);
}

fn share_file(dir: &OwnedFd, name: &str, above: &Stat) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    if let Ok(file) = openat(dir, name, flags, Mode::empty()) {
        follow(file, above);
    }
}
