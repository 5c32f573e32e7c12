//! Our directory in a mirror, `.pdb-sync`. All users who maintain the mirror must be able to use it, so permissions and group of what is
//! created in it follow the root of the mirror.

use super::open_below::{make_below, open_below};
use super::place::{DELETING, INFO, PLACE, WHOLE, place};
use super::tree;
use crate::clean::path::OURS;
use crate::platform::{follow, follows};
use crate::retention;
use rustix::fs::{Mode, OFlags, Stat, fstat, openat};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

/// The lock file for a mirror whose directories cannot be locked.
pub const LOCK: &str = "lock";

/// What to do if something else has the name of our directory.
pub const OURS_IN_THE_WAY: &str =
    "move .pdb-sync in it away: it has to be a directory on the same file system";

/// Opens a directory of ours below `at`, which is the root of the mirror `root` or lies in it. Creates missing directories; these are
/// private until their permissions are set.
pub fn make_ours(root: impl AsFd, at: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let above = fstat(&root)?;
    make_below(at, path, Mode::RWXU, |_, dir| follow(dir, &above))
}

/// Gives the permissions and the group of the root to the parts of our directory that this user owns, in case an earlier version did not
/// set them, or they have changed since. For quarantines see [`share_run`].
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

/// Does the same for the quarantine of a run. The directory of the run comes last: if its permissions are correct, all of them are.
pub(super) fn share_run(root: &File, run: &str) {
    let Ok(above) = fstat(root) else { return };
    let Ok(dir) = open_below(root, &place(run)) else { return };
    if fstat(&dir).is_ok_and(|stat| follows(&stat, &above)) {
        return;
    }
    // Directories that cannot be opened are left as they are; purge and undo report them. Those that were moved as one keep their modes.
    let each = |path: &[u8], dir: &OwnedFd| {
        if !path.is_empty() {
            follow(dir, &above);
        }
        true
    };
    tree::walk_but(&dir, &[WHOLE, DELETING], |path, dir, _| each(path, dir), |_, _| ());
    share_file(&dir, INFO, &above);
    follow(dir, &above);
}

fn share_file(dir: &OwnedFd, name: &str, above: &Stat) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    if let Ok(file) = openat(dir, name, flags, Mode::empty()) {
        follow(file, above);
    }
}
