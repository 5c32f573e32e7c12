//! Removes exactly what was counted, from below a root that is held open.
//!
//! Names come from a list, so they are not believed: each parent is opened from the root without following a symlink and
//! without leaving the file system; directories are only ever removed empty.

use super::deletions::{Counted, Stamp};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, openat, statat, unlinkat,
};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

/// How many refusals are told by name.
const TOLD: usize = 3;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Removed {
    /// Files, links and other entries that were removed.
    pub(super) files: u64,
    /// Directories that were removed.
    pub(super) dirs: u64,
    /// Entries that are still there against our will.
    pub(super) left: u64,
    /// The first few of them and why.
    pub(super) why: Vec<String>,
    /// Whether we were told to stop before the end.
    pub(super) stopped: bool,
}

impl Removed {
    /// Both together.
    pub(super) fn and(mut self, more: Removed) -> Removed {
        self.files += more.files;
        self.dirs += more.dirs;
        self.left += more.left;
        self.why.extend(more.why);
        self.why.truncate(TOLD);
        self.stopped |= more.stopped;
        self
    }
}

/// Removes the entries for which `wanted` holds, in the order of the list. `told` gets the escaped name of each that is
/// gone; `stop` is asked between entries.
pub(super) fn remove(
    root: &File,
    list: &Counted,
    stamps: &[Option<Stamp>],
    wanted: impl Fn(&[u8]) -> bool,
    mut told: impl FnMut(&[u8]),
    stop: impl Fn() -> bool,
) -> io::Result<Removed> {
    let mut removed = Removed::default();
    let mut parents = Parents { root, last: None };
    for (entry, stamp) in list.entries()?.zip(stamps) {
        let entry = entry?;
        if !wanted(&entry.name) {
            continue;
        }
        if stop() {
            removed.stopped = true;
            break;
        }
        match remove_one(&mut parents, &entry.name, entry.dir, stamp.as_ref()) {
            Ok(true) if entry.dir => removed.dirs += 1,
            Ok(true) => removed.files += 1,
            Ok(false) => continue,
            Err(why) => {
                removed.left += 1;
                if removed.why.len() < TOLD {
                    removed.why.push(format!("{}: {why}", String::from_utf8_lossy(&entry.name)));
                }
                continue;
            }
        }
        told(&entry.name);
    }
    Ok(removed)
}

/// Whether it was removed; false if there was nothing (left) to remove.
fn remove_one(
    parents: &mut Parents<'_>,
    name: &[u8],
    dir: bool,
    stamp: Option<&Stamp>,
) -> Result<bool, String> {
    let path = Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name));
    let plain = path.components().all(|c| matches!(c, Component::Normal(_))) && !name.is_empty();
    let (Some(file), true) = (path.file_name(), plain) else {
        return Err("not a plain name below the destination; left alone".into());
    };
    let parent = match parents.open(path.parent().unwrap_or(Path::new(""))) {
        Ok(parent) => parent,
        Err(Errno::NOENT) => return Ok(false),
        Err(Errno::LOOP | Errno::NOTDIR) => {
            return Err("a directory above it is a symlink now; left alone".into());
        }
        Err(Errno::XDEV) => return Err("it lies on another file system; left alone".into()),
        Err(error) => return Err(plain_words(error)),
    };
    if dir {
        return match unlinkat(parent, file, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(true),
            // What is excluded keeps its directory, as with rsync.
            Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
            Err(error) => Err(plain_words(error)),
        };
    }
    let stat = match statat(parent, file, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(false),
        Err(error) => return Err(plain_words(error)),
    };
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory || stamp != Some(&Stamp::of(&stat)) {
        return Err("it has changed since it was counted; left alone".into());
    }
    unlinkat(parent, file, AtFlags::empty()).map(|()| true).map_err(plain_words)
}

fn plain_words(error: Errno) -> String {
    io::Error::from(error).to_string()
}

/// The parent that was opened last stays open: lists come directory by directory. When it is left, it gets back the time
/// that the transfer gave it, or else the next run would find a difference.
struct Parents<'a> {
    root: &'a File,
    last: Option<Parent>,
}

struct Parent {
    path: PathBuf,
    fd: OwnedFd,
    mtime: Timespec,
}

impl Parents<'_> {
    fn open(&mut self, path: &Path) -> Result<&OwnedFd, Errno> {
        if self.last.as_ref().is_none_or(|last| last.path != path) {
            let fd = open_below(self.root, path)?;
            let stat = rustix::fs::fstat(&fd)?;
            let mtime = Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec as _ };
            self.last = Some(Parent { path: path.into(), fd, mtime });
        }
        self.last.as_ref().map(|last| &last.fd).ok_or(Errno::NOENT)
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let times = Timestamps { last_access: omit, last_modification: self.mtime };
        // Where we may delete but not set times, the next transfer will.
        let _ = rustix::fs::futimens(&self.fd, &times);
    }
}

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// Opens a directory below `root`; symlinks, `..` and other file systems are errors.
#[cfg(target_os = "linux")]
fn open_below(root: &File, path: &Path) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    if path.as_os_str().is_empty() {
        return openat(root, ".", DIRECTORY, Mode::empty());
    }
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    match openat2(root, path, DIRECTORY, Mode::empty(), resolve) {
        // Kernels before 5.6, and sandboxes that do not know the call.
        Err(Errno::NOSYS | Errno::PERM) => walk_below(root, path),
        other => other,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_below(root: &File, path: &Path) -> Result<OwnedFd, Errno> {
    walk_below(root, path)
}

/// The same, component by component.
fn walk_below(root: &File, path: &Path) -> Result<OwnedFd, Errno> {
    let mut at = openat(root, ".", DIRECTORY, Mode::empty())?;
    let device = rustix::fs::fstat(&at)?.st_dev;
    for component in path.components() {
        let Component::Normal(name) = component else { return Err(Errno::XDEV) };
        at = openat(&at, name, DIRECTORY, Mode::empty())?;
        if rustix::fs::fstat(&at)?.st_dev != device {
            return Err(Errno::XDEV);
        }
    }
    Ok(at)
}

#[cfg(test)]
#[path = "remove_tests.rs"]
mod tests;
