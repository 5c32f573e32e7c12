//! Opens directories below an open root, without following symlinks or `..`, or crossing file systems.

use crate::clean::path::split;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, mkdirat, openat, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK);

/// Opens a directory below `root`; symlinks, `..` and other file systems are errors. The empty path is the root.
#[cfg(target_os = "linux")]
pub fn open_below(root: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    if path.is_empty() {
        return openat(root, ".", DIRECTORY, Mode::empty());
    }
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    match openat2(&root, OsStr::from_bytes(path), DIRECTORY, Mode::empty(), resolve) {
        // Kernels before 5.6, sandboxes that reject the call, and paths that are too long for one call. An entry that is not a directory
        // may be a symlink; the walk distinguishes these.
        Err(Errno::NOSYS | Errno::PERM | Errno::NAMETOOLONG | Errno::NOTDIR) => walk_below(root, path),
        other => other,
    }
}

/// Opens a directory below `root`; symlinks, `..` and other file systems are errors. The empty path is the root.
#[cfg(not(target_os = "linux"))]
pub fn open_below(root: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    walk_below(root, path)
}

/// Opens a directory like [`open_below`], component by component.
fn walk_below(root: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    let mut at = openat(root, ".", DIRECTORY, Mode::empty())?;
    let device = rustix::fs::fstat(&at)?.st_dev;
    for component in Path::new(OsStr::from_bytes(path)).components() {
        let Component::Normal(name) = component else { return Err(Errno::XDEV) };
        at = openat(&at, name, DIRECTORY, Mode::empty()).map_err(|error| match error {
            Errno::NOTDIR if is_link(&at, name) => Errno::LOOP,
            error => error,
        })?;
        if rustix::fs::fstat(&at)?.st_dev != device {
            return Err(Errno::XDEV);
        }
    }
    Ok(at)
}

fn is_link(dir: impl AsFd, name: &OsStr) -> bool {
    let kind = |stat: Stat| FileType::from_raw_mode(stat.st_mode);
    statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map(kind) == Ok(FileType::Symlink)
}

/// Returns the part of a path that is not a directory, and what kind of entry it is.
pub fn in_the_way(root: impl AsFd, path: &[u8]) -> Option<(&[u8], &'static str)> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
    for end in ends.chain([path.len()]) {
        let (above, name) = split(&path[..end]);
        let above = open_below(&root, above).ok()?;
        let stat = statat(above, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => continue,
            FileType::Symlink => "a symlink",
            FileType::RegularFile => "a regular file",
            _ => "no directory",
        };
        return Some((&path[..end], kind));
    }
    None
}

/// Opens a directory below `root`, and creates missing ones. `made` is called with the path and the descriptor of each created directory.
pub fn make_below(
    root: impl AsFd,
    path: &[u8],
    mode: Mode,
    mut made: impl FnMut(&[u8], &OwnedFd),
) -> Result<OwnedFd, Errno> {
    match open_below(&root, path) {
        Err(Errno::NOENT) => {}
        other => return other,
    }
    let mut at = openat(&root, ".", DIRECTORY, Mode::empty())?;
    let device = rustix::fs::fstat(&at)?.st_dev;
    let mut end = 0;
    for name in path.split(|b| *b == b'/') {
        end += name.len() + usize::from(end > 0);
        if matches!(name, b"" | b"." | b"..") {
            return Err(Errno::XDEV);
        }
        let name = OsStr::from_bytes(name);
        let is_new = match mkdirat(&at, name, mode) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error),
        };
        at = openat(&at, name, DIRECTORY, Mode::empty())?;
        if rustix::fs::fstat(&at)?.st_dev != device {
            return Err(Errno::XDEV);
        }
        if is_new {
            made(&path[..end], &at);
        }
    }
    Ok(at)
}

/// Why a directory could not be opened, in words.
pub fn why_not(error: Errno) -> String {
    match error {
        Errno::LOOP => "a directory above it is a symlink now; left alone".into(),
        Errno::NOTDIR => "a directory above it is a file now; left alone".into(),
        Errno::XDEV => "it lies on another file system; left alone".into(),
        error => std::io::Error::from(error).to_string(),
    }
}
