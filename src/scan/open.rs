//! Opens directories below a root, at any depth. Paths are split to stay below the limit of the kernel, and symlinks are only followed on
//! request.

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The maximum length of a path in one system call, in bytes. The limit of the kernel is 4,096 with the NUL.
pub(super) const LONGEST: usize = 4_000;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// Opens the directory `name` (one component) in `at`.
pub(super) fn open_child(at: impl AsFd, name: &[u8], follow: bool) -> Result<OwnedFd, Errno> {
    let flags = if follow { DIRECTORY } else { DIRECTORY | OFlags::NOFOLLOW };
    openat(at, OsStr::from_bytes(name), flags, Mode::empty())
}

/// Opens the directory at `path` below `root`, in several steps if the path is long.
pub(super) fn open_below(root: impl AsFd, path: &[u8], follow: bool) -> Result<OwnedFd, Errno> {
    let mut at = openat(&root, ".", DIRECTORY, Mode::empty())?;
    for piece in pieces(path) {
        at = if follow { open_child(&at, piece, true)? } else { open_piece(&at, piece)? };
    }
    Ok(at)
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
fn open_piece(at: &OwnedFd, piece: &[u8]) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(at, OsStr::from_bytes(piece), DIRECTORY, Mode::empty(), resolve) {
        // Kernels before 5.6, and sandboxes that reject the call.
        Err(Errno::NOSYS | Errno::PERM) => open_components(at, piece),
        other => other,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_piece(at: &OwnedFd, piece: &[u8]) -> Result<OwnedFd, Errno> {
    open_components(at, piece)
}

fn open_components(at: &OwnedFd, piece: &[u8]) -> Result<OwnedFd, Errno> {
    let mut at = openat(at, ".", DIRECTORY, Mode::empty())?;
    for name in piece.split(|b| *b == b'/').filter(|name| !name.is_empty()) {
        at = open_child(&at, name, false)?;
    }
    Ok(at)
}

/// A directory that is kept open while there is work in it, within a limit.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) fd: OwnedFd,
    /// The counter for the limit, if the directory counts against it.
    counted: Option<Arc<AtomicUsize>>,
}

impl Held {
    /// Keeps the directory open if the limit allows it; returns it otherwise.
    pub(super) fn try_hold(fd: OwnedFd, open: &Arc<AtomicUsize>, limit: usize) -> Result<Arc<Held>, OwnedFd> {
        if open.fetch_add(1, Ordering::Relaxed) >= limit {
            open.fetch_sub(1, Ordering::Relaxed);
            return Err(fd);
        }
        Ok(Arc::new(Held { fd, counted: Some(open.clone()) }))
    }

    /// Keeps the directory open in any case.
    pub(super) fn hold(fd: OwnedFd) -> Arc<Held> {
        Arc::new(Held { fd, counted: None })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(open) = &self.counted {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The maximum number of directories to keep open: a small share of the process limit.
pub(super) fn limit() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(8_192);
    usize::try_from(limit / 8).unwrap_or(usize::MAX).clamp(4, 512)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        std::fs::create_dir_all(dir.path().join("real/sub")).unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("link")).unwrap();
        let root = std::fs::File::open(dir.path()).unwrap();
        assert!(open_below(&root, b"real/sub", false).is_ok());
        assert!(open_below(&root, b"link/sub", true).is_ok());
        assert!(open_below(&root, b"link/sub", false).is_err());
        let at = open_below(&root, b"", false).unwrap();
        assert!(open_components(&at, b"real/sub").is_ok());
        assert!(open_components(&at, b"link/sub").is_err());
    }
}
