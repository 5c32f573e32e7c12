//! The metadata of a directory that a change in it must leave as it was.

use crate::clean::Recipe;
use rustix::fs::{Stat, Timespec, Timestamps, UTIME_OMIT, futimens};
use std::os::fd::AsFd;

/// Sets a modification time. Errors are ignored: where we may delete but not set times, the next transfer sets them.
pub fn set_mtime(fd: impl AsFd, mtime: Timespec) {
    let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let _ = futimens(fd, &Timestamps { last_access: omit, last_modification: mtime });
}

/// Returns the metadata needed to recreate a directory.
#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
pub fn recipe_of(stat: &Stat) -> Recipe {
    Recipe {
        mode: (stat.st_mode & 0o7777) as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: stat.st_mtime as i64,
        nanos: stat.st_mtime_nsec as u32,
    }
}

/// Returns the modification time.
pub(super) fn time_of(recipe: &Recipe) -> Timespec {
    Timespec { tv_sec: recipe.mtime, tv_nsec: recipe.nanos.into() }
}

/// Returns the modification time from the result of `fstat`.
pub fn mtime_of(stat: &Stat) -> Timespec {
    Timespec { tv_sec: stat.st_mtime as _, tv_nsec: stat.st_mtime_nsec as _ }
}
