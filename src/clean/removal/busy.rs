//! Whether somebody is writing a file.

use std::os::fd::AsFd;

/// Whether a file is open for writing anywhere on this machine. `None`: the system does not say, as on a network mount, for
/// another's file, or where it knows no leases.
///
/// A read lease is refused as long as there is a writer. It is held for no longer than it takes to ask, and a writer who comes
/// just then waits for as long.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate wraps leases")]
pub(super) fn is_being_written(dir: impl AsFd, name: &[u8]) -> Option<bool> {
    use rustix::fs::{Mode, OFlags, openat};
    use std::ffi::OsStr;
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;
    // From asm-generic/fcntl.h; the libc crate leaves it out.
    const F_SETSIG: libc::c_int = 10;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(dir, OsStr::from_bytes(name), flags, Mode::empty()).ok()?;
    // SAFETY: integers, no memory; the descriptor is open. A lease that is broken is told by a signal, which is made one
    // that nobody minds.
    unsafe {
        if libc::fcntl(file.as_raw_fd(), F_SETSIG, libc::SIGURG) != 0 {
            return None;
        }
        if libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) == 0 {
            libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK);
            return Some(false);
        }
    }
    (std::io::Error::last_os_error().raw_os_error() == Some(libc::EAGAIN)).then_some(true)
}

/// Elsewhere nobody tells.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_being_written(_dir: impl AsFd, _name: &[u8]) -> Option<bool> {
    None
}
