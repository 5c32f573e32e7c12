//! Creates directories below an open root, and says why one cannot be opened there.

use crate::clean::path::split;
pub use crate::platform::open_below;
use crate::platform::open_child;
use rustix::fs::{AtFlags, FileType, Mode, mkdirat, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

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
    let mut at = open_child(&root, b".", false)?;
    let device = rustix::fs::fstat(&at)?.st_dev;
    let mut end = 0;
    for name in path.split(|b| *b == b'/') {
        end += name.len() + usize::from(end > 0);
        if matches!(name, b"" | b"." | b"..") {
            return Err(Errno::XDEV);
        }
        let is_new = match mkdirat(&at, OsStr::from_bytes(name), mode) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error),
        };
        at = open_child(&at, name, false)?;
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
