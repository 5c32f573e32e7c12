//! Walks directories of our own quarantine, by descriptor, without recursion.

use super::open_below::open_below;
use crate::clean::Kind;
use crate::platform::follow;
use rustix::fs::{AtFlags, Dir, FileType, Mode, Stat, fstat, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Returns the entries of a directory, sorted by name.
pub(super) fn names(dir: impl AsFd) -> Result<Vec<(Vec<u8>, Kind)>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(&dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let stat = statat(&dir, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            kind => kind,
        };
        names.push((name.to_vec(), kind_of(kind)));
    }
    names.sort_unstable();
    Ok(names)
}

/// Converts the kind of an entry.
pub(super) fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Dir,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    }
}

/// Joins a path and a name.
pub(super) fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() { name.to_vec() } else { [dir, b"/", name].concat() }
}

/// Like [`walk_but`], everywhere.
pub(super) fn walk(
    top: impl AsFd,
    visit: impl FnMut(&[u8], &OwnedFd, &[(Vec<u8>, Kind)]) -> bool,
    trouble: impl FnMut(&[u8], Errno),
) -> Vec<Vec<u8>> {
    walk_but(top, &[], visit, trouble)
}

/// Calls `visit(path, directory, names)` for a directory and all below it, parents first, until it returns false. Paths are relative to
/// `top`. Directories that cannot be opened or listed, such as those of other users, are passed to `trouble`, and do not end the walk. Directories in those of `but` are not visited. Returns the directories that were visited.
pub(super) fn walk_but(
    top: impl AsFd,
    but: &[&[u8]],
    mut visit: impl FnMut(&[u8], &OwnedFd, &[(Vec<u8>, Kind)]) -> bool,
    mut trouble: impl FnMut(&[u8], Errno),
) -> Vec<Vec<u8>> {
    let mut todo = vec![Vec::new()];
    let mut seen = Vec::new();
    while let Some(path) = todo.pop() {
        let opened = open_below(&top, &path).and_then(|dir| Ok((names(&dir)?, dir)));
        let (names, dir) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                trouble(&path, error);
                continue;
            }
        };
        if !but.contains(&&path[..]) {
            let dirs = names.iter().filter(|(_, kind)| *kind == Kind::Dir);
            todo.extend(dirs.map(|(name, _)| join(&path, name)));
        }
        let go_on = visit(&path, &dir, &names);
        seen.push(path);
        if !go_on {
            break;
        }
    }
    seen
}

/// Gives a directory in the quarantine the permissions of the mirror's root `above`. rsync gives its backup directories the modes of the
/// mirror, which may deny us write access; in the quarantine they are ours to change.
pub(super) fn open_up(dir: impl AsFd, above: &Stat) {
    let closed = |stat: Stat| !Mode::from_raw_mode(stat.st_mode).contains(Mode::RWXU);
    if fstat(&dir).is_ok_and(closed) {
        // If this is refused, the later operation in the directory fails.
        follow(&dir, above);
    }
}

/// Removes every directory below `top` that is empty or contains only such directories. `top` itself stays, and so does what is in the directories
/// of `but`. `above` is the root of the mirror.
pub(super) fn prune(top: impl AsFd, but: &[&[u8]], above: &Stat) {
    let writable = |_: &[u8], dir: &OwnedFd, names: &[(Vec<u8>, Kind)]| {
        if !names.is_empty() {
            open_up(dir, above);
        }
        true
    };
    // Directories that cannot be opened stay, and so do their parents.
    let mut seen = walk_but(&top, but, writable, |_, _| ());
    // Children first.
    seen.reverse();
    for path in seen.iter().filter(|path| !path.is_empty()) {
        let (parent, name) = crate::clean::path::split(path);
        // A directory that is not empty stays.
        let _ = open_below(&top, parent)
            .and_then(|dir| unlinkat(dir, OsStr::from_bytes(name), AtFlags::REMOVEDIR));
    }
}
