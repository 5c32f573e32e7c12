//! Modes of directories, and how they are changed for a moment.

use crate::platform::may_change;
use rustix::fs::{Mode, Stat, fchmod, fstat};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid, getgroups};
use std::os::fd::{AsFd, OwnedFd};

/// The permission bits needed to change a directory: write and search.
pub(super) const NEEDED: u32 = 0o300;
const SETGID: u32 = 0o2000;

/// Whether permissions forbid changes in a directory. False on a read-only file system, for example; there the operation itself fails.
pub(super) fn is_denied(dir: impl AsFd) -> bool {
    may_change(dir) == Err(Errno::ACCESS)
}

/// Whether a directory without write permission can be made writable temporarily.
pub(super) fn can_be_made_writable(dir: impl AsFd) -> bool {
    let can = |stat: Stat| {
        let mode = mode_of(&stat);
        stat.st_uid == geteuid().as_raw() && mode & NEEDED != NEEDED && !loses_setgid(mode, stat.st_gid)
    };
    fstat(&dir).is_ok_and(can)
}

/// Changes a mode, and checks that the file system has applied it.
pub(super) fn change(dir: &OwnedFd, mode: u32) -> Result<(), Errno> {
    fchmod(dir, Mode::from_raw_mode(mode as _))?;
    if mode_of(&fstat(dir)?) == mode { Ok(()) } else { Err(Errno::NOTSUP) }
}

/// Returns the temporary mode of a directory with this mode.
pub(super) fn changed(mode: u32) -> u32 {
    mode | NEEDED
}

#[expect(clippy::unnecessary_cast, reason = "the widths differ between systems")]
pub(super) fn mode_of(stat: &Stat) -> u32 {
    (stat.st_mode & 0o7777) as u32
}

/// Whether a change of the mode loses the setgid bit: the kernel clears it if the user is not in the group.
pub(super) fn loses_setgid(mode: u32, gid: u32) -> bool {
    let ours = || {
        geteuid().is_root()
            || getegid().as_raw() == gid
            || getgroups().is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid))
    };
    mode & SETGID != 0 && !ours()
}
