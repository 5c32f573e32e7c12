//! Renames without replacing anything, on every file system.
//!
//! Linux has a flag for this, which many network and user-space file systems do not support. Some of these do not support hard links
//! either.

use super::stamp::{look, look_for, stamp_of};
use crate::clean::{Kind, Stamp};
use crate::platform::renames_without_replacing;
use crate::scan::inventory::nanoseconds;
use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, Timespec, Timestamps, fstat, futimens, linkat, openat, renameat,
    renameat_with, unlinkat,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

/// Which processes may create the new name at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Only the process that holds the lock of the tree: the name is one of ours.
    Ours,
    /// Any process: the name is in the mirror.
    Shared,
}

/// The modification time of a placeholder, in seconds since 1970. No other empty file has this time. File systems with a resolution of two
/// seconds can store it.
const PLACEHOLDER: i64 = 549_864_182;

/// Renames an entry, and never replaces anything: [`Errno::EXIST`] if the new name exists.
pub(super) fn rename_new(
    from: impl AsFd,
    name: &[u8],
    to: impl AsFd,
    new: &[u8],
    target: Target,
) -> Result<(), Errno> {
    let (from, to) = (from.as_fd(), to.as_fd());
    match renameat_with(from, bytes(name), to, bytes(new), RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        // A sandbox rejects the call in general; this is not a lack of permission for this entry.
        Err(Errno::PERM) if !renames_without_replacing() => {}
        other => return other,
    }
    match target {
        // Not by a link: an entry that another process puts at the old name before that name is removed would be lost.
        Target::Ours => by_look(from, name, to, new),
        // A directory can only replace an empty directory, which holds nothing.
        Target::Shared if matches!(look(from, name), Ok((Kind::Dir, _))) => by_look(from, name, to, new),
        Target::Shared => match by_link(from, name, to, new) {
            Err(Errno::PERM | Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::MLINK) => {
                by_placeholder(from, name, to, new, || ())
            }
            other => other,
        },
    }
}

/// Renames if nothing has the new name at that moment.
fn by_look(from: impl AsFd, name: &[u8], to: impl AsFd, new: &[u8]) -> Result<(), Errno> {
    match look(&to, new) {
        Ok(_) => Err(Errno::EXIST),
        Err(Errno::NOENT) => renameat(from, bytes(name), to, bytes(new)),
        Err(error) => Err(error),
    }
}

/// Renames by creating a hard link, which fails if the new name exists.
fn by_link(from: impl AsFd, name: &[u8], to: impl AsFd, new: &[u8]) -> Result<(), Errno> {
    match linkat(&from, bytes(name), &to, bytes(new), AtFlags::empty()) {
        // An earlier attempt was killed between the two calls.
        Err(Errno::EXIST) if is_same(&from, name, &to, new) => {}
        linked => linked?,
    }
    unlinkat(&from, bytes(name), AtFlags::empty())
}

/// Renames over an empty placeholder, which is only created where nothing exists. If the process is killed in between, the placeholder
/// stays, and the next attempt recognizes it by its time.
fn by_placeholder(
    from: impl AsFd,
    name: &[u8],
    to: impl AsFd,
    new: &[u8],
    between: impl FnOnce(),
) -> Result<(), Errno> {
    if look(&from, name)?.0 == Kind::Dir {
        return Err(Errno::ISDIR);
    }
    let ours = match make_placeholder(&to, new) {
        Err(Errno::EXIST) => left_behind(&to, new)?,
        made => made?,
    };
    between();
    if !is_still(&to, new, &ours) {
        return Err(Errno::EXIST);
    }
    renameat(&from, bytes(name), &to, bytes(new)).inspect_err(|_| {
        if is_still(&to, new, &ours) {
            let _ = unlinkat(&to, bytes(new), AtFlags::empty());
        }
    })
}

fn make_placeholder(to: impl AsFd, new: &[u8]) -> Result<Stamp, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(&to, bytes(new), flags, Mode::RUSR | Mode::WUSR)?;
    let time = Timespec { tv_sec: PLACEHOLDER as _, tv_nsec: 0 };
    // If the time cannot be set, the placeholder is not recognized after a kill, but works otherwise.
    let _ = futimens(&file, &Timestamps { last_access: time, last_modification: time });
    Ok(stamp_of(&fstat(&file)?))
}

/// Returns the stamp of a placeholder that a killed process left behind.
fn left_behind(to: impl AsFd, new: &[u8]) -> Result<Stamp, Errno> {
    match look(to, new)? {
        (Kind::File, stamp) if (stamp.size, stamp.mtime) == (0, nanoseconds(PLACEHOLDER, 0)) => Ok(stamp),
        _ => Err(Errno::EXIST),
    }
}

fn is_still(to: impl AsFd, new: &[u8], ours: &Stamp) -> bool {
    look_for(to, new, ours).is_ok_and(|(kind, now)| kind == Kind::File && now.same_but_ctime(ours))
}

/// Whether two names refer to the same file.
fn is_same(from: impl AsFd, name: &[u8], to: impl AsFd, new: &[u8]) -> bool {
    let inode = |(_, stamp): (Kind, Stamp)| (stamp.dev, stamp.ino);
    match (look(from, name), look(to, new)) {
        (Ok(a), Ok(b)) => inode(a) == inode(b),
        _ => false,
    }
}

fn bytes(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};

    /// A method of renaming `old` in a directory.
    type Way<'a> = &'a dyn Fn(&File, &[u8]) -> Result<(), Errno>;

    /// Returns an open directory with a file `old`.
    fn dir() -> (tempfile::TempDir, File) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("old"), "old").unwrap();
        let fd = File::open(dir.path()).unwrap();
        (dir, fd)
    }

    #[test]
    fn each_way_renames_and_replaces_nothing() {
        let flag = |dir: &File, new: &[u8]| rename_new(dir, b"old", dir, new, Target::Shared);
        let link = |dir: &File, new: &[u8]| by_link(dir, b"old", dir, new);
        let placeholder = |dir: &File, new: &[u8]| by_placeholder(dir, b"old", dir, new, || ());
        let look = |dir: &File, new: &[u8]| by_look(dir, b"old", dir, new);
        let ways: [Way<'_>; 4] = [&flag, &link, &placeholder, &look];
        for way in ways {
            let (dir, fd) = dir();
            let path = |name: &str| dir.path().join(name);
            let time = fs::metadata(path("old")).unwrap().modified().unwrap();
            fs::write(path("empty"), "").unwrap();
            fs::write(path("full"), "full").unwrap();
            fs::create_dir(path("dir")).unwrap();
            for taken in ["empty", "full", "dir"] {
                assert_eq!(way(&fd, taken.as_bytes()), Err(Errno::EXIST), "{taken}");
            }
            way(&fd, b"new").unwrap();
            assert_eq!(fs::read_to_string(path("new")).unwrap(), "old");
            assert_eq!(fs::metadata(path("new")).unwrap().modified().unwrap(), time);
            assert_eq!(way(&fd, b"newer"), Err(Errno::NOENT));
            let mut left: Vec<_> =
                fs::read_dir(dir.path()).unwrap().map(|item| item.unwrap().file_name()).collect();
            left.sort();
            assert_eq!(left, ["dir", "empty", "full", "new"]);
            assert_eq!(fs::read_to_string(path("full")).unwrap(), "full");
        }
    }

    #[test]
    fn whoever_takes_the_place_of_the_placeholder_keeps_it() {
        let (dir, fd) = dir();
        let new = dir.path().join("new");
        let others: [&dyn Fn(); 3] = [
            &|| fs::write(&new, "other").unwrap(),
            &|| {
                fs::write(dir.path().join("other"), "other").unwrap();
                fs::rename(dir.path().join("other"), &new).unwrap();
            },
            &|| {
                fs::remove_file(&new).unwrap();
                fs::write(&new, "other").unwrap();
            },
        ];
        for other in others {
            assert_eq!(by_placeholder(&fd, b"old", &fd, b"new", other), Err(Errno::EXIST));
            assert_eq!(fs::read_to_string(&new).unwrap(), "other");
            assert_eq!(fs::read_to_string(dir.path().join("old")).unwrap(), "old");
            fs::remove_file(&new).unwrap();
        }
    }

    #[test]
    fn what_a_kill_leaves_is_gone_on_with() {
        let (dir, fd) = dir();
        make_placeholder(&fd, b"new").unwrap();
        by_placeholder(&fd, b"old", &fd, b"new", || ()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("new")).unwrap(), "old");

        fs::write(dir.path().join("old"), "old").unwrap();
        fs::hard_link(dir.path().join("old"), dir.path().join("linked")).unwrap();
        by_link(&fd, b"old", &fd, b"linked").unwrap();
        assert!(!dir.path().join("old").exists());
    }
}
