//! Opens directories below an open root, at any depth. Long paths are split to stay below the limit of the kernel.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// The maximum length of a path in one system call, in bytes. The limit of the kernel is 4,096 with the NUL.
pub const LONGEST: usize = 4_000;

/// How directories are opened to be read.
const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// What the path to a directory may lead through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// Directories of the root's file system only.
    OneFileSystem,
    /// Directories of any file system.
    Mounts,
    /// Also symlinks, which may lead anywhere.
    Links,
}

/// Opens a directory below `root`; symlinks, `..` and other file systems are errors. The empty path is the root.
pub fn open_below(root: impl AsFd, path: &[u8]) -> Result<OwnedFd, Errno> {
    open_through(root, path, Through::OneFileSystem)
}

/// Opens a directory below `root`. The empty path is the root. Without [`Through::Links`], symlinks (`ELOOP`) and `..` are errors; with
/// [`Through::OneFileSystem`], other file systems are, too (`EXDEV`).
pub fn open_through(root: impl AsFd, path: &[u8], through: Through) -> Result<OwnedFd, Errno> {
    let mut at: Option<OwnedFd> = None;
    for piece in pieces(path) {
        let from = at.as_ref().map_or(root.as_fd(), |at| at.as_fd());
        at = Some(match through {
            Through::Links => open_child(from, piece, true)?,
            _ => open_piece(from, piece, through)?,
        });
    }
    at.map_or_else(|| open_child(root, b".", false), Ok)
}

/// Opens the directory `name` (one component) in `at`.
pub fn open_child(at: impl AsFd, name: &[u8], follow: bool) -> Result<OwnedFd, Errno> {
    let flags = if follow { DIRECTORY } else { DIRECTORY | OFlags::NOFOLLOW };
    openat(at, OsStr::from_bytes(name), flags, Mode::empty())
}

/// Splits a path at slashes into parts that the kernel accepts.
fn pieces(mut path: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if path.is_empty() {
            return None;
        }
        let cut = match path.len() {
            ..=LONGEST => path.len(),
            // A component that is too long fails in the system call.
            _ => memchr::memrchr(b'/', &path[..LONGEST]).unwrap_or(path.len()),
        };
        let piece = &path[..cut];
        path = path.get(cut + 1..).unwrap_or_default();
        Some(piece)
    })
}

#[cfg(target_os = "linux")]
fn open_piece(at: impl AsFd, piece: &[u8], through: Through) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    resolve.set(ResolveFlags::NO_XDEV, through == Through::OneFileSystem);
    match openat2(&at, OsStr::from_bytes(piece), DIRECTORY | OFlags::NOFOLLOW, Mode::empty(), resolve) {
        // Kernels before 5.6, and sandboxes that reject the call. An entry that is not a directory may be a symlink; the walk distinguishes
        // these.
        Err(Errno::NOSYS | Errno::PERM | Errno::NOTDIR) => walk(at, piece, through),
        other => other,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_piece(at: impl AsFd, piece: &[u8], through: Through) -> Result<OwnedFd, Errno> {
    walk(at, piece, through)
}

/// Opens a directory component by component.
fn walk(at: impl AsFd, path: &[u8], through: Through) -> Result<OwnedFd, Errno> {
    let mut at = open_child(at, b".", false)?;
    let device = fstat(&at)?.st_dev;
    for component in Path::new(OsStr::from_bytes(path)).components() {
        let Component::Normal(name) = component else { return Err(Errno::XDEV) };
        at = open_child(&at, name.as_bytes(), false).map_err(|error| match error {
            Errno::NOTDIR if is_link(&at, name) => Errno::LOOP,
            error => error,
        })?;
        if through == Through::OneFileSystem && fstat(&at)?.st_dev != device {
            return Err(Errno::XDEV);
        }
    }
    Ok(at)
}

fn is_link(dir: impl AsFd, name: &OsStr) -> bool {
    statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};

    /// With the kernel's help and without.
    type Way = fn(&File, &[u8], Through) -> Result<OwnedFd, Errno>;
    const WAYS: [Way; 2] = [
        |root, path, through| open_through(root, path, through),
        |root, path, through| walk(root, path, through),
    ];

    #[test]
    fn long_paths_are_cut_at_slashes() {
        let path = vec!["x".repeat(99); 100].join("/").into_bytes();
        let cut: Vec<&[u8]> = pieces(&path).collect();
        assert!(cut.len() > 2 && cut.iter().all(|piece| piece.len() <= LONGEST));
        assert_eq!(cut.join(&b'/'), path);
        assert_eq!(pieces(b"").count(), 0);
    }

    #[test]
    fn a_symlink_on_the_way_is_refused_unless_followed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("real/sub")).unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("link")).unwrap();
        let root = File::open(dir.path()).unwrap();
        for through in [Through::OneFileSystem, Through::Mounts] {
            for open in WAYS {
                assert!(open(&root, b"real/sub", through).is_ok() && open(&root, b"", through).is_ok());
                for link in [&b"link"[..], b"link/sub"] {
                    assert_eq!(open(&root, link, through).err(), Some(Errno::LOOP));
                }
                assert_eq!(open(&root, b"file", through).err(), Some(Errno::NOTDIR));
                assert_eq!(open(&root, b"real/../..", through).err(), Some(Errno::XDEV));
            }
        }
        assert!(open_through(&root, b"link/sub", Through::Links).is_ok());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn other_file_systems_are_refused_unless_wanted() {
        let root = File::open("/").unwrap();
        for open in WAYS {
            assert_eq!(open(&root, b"proc/sys", Through::OneFileSystem).err(), Some(Errno::XDEV));
            assert!(open(&root, b"proc/sys", Through::Mounts).is_ok());
        }
    }
}
