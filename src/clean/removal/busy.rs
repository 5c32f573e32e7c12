//! Whether a process is writing a file.

use std::os::fd::AsFd;

/// Whether a file is open for writing anywhere on this machine. `None` if the system does not say: on a network mount, for a file of
/// another user, or where leases are not supported.
///
/// A read lease is refused while the file is open for writing. It is held only for the duration of the test; a process that opens the file
/// for writing meanwhile waits that long.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate wraps leases")]
pub(super) fn is_being_written(dir: impl AsFd, name: &[u8]) -> Option<bool> {
    use rustix::fs::{Mode, OFlags, openat};
    use std::ffi::OsStr;
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;
    // From asm-generic/fcntl.h; the libc crate does not define it.
    const F_SETSIG: libc::c_int = 10;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(dir, OsStr::from_bytes(name), flags, Mode::empty()).ok()?;
    // SAFETY: the arguments are integers, no memory is passed, and the descriptor is open. A broken lease is reported by a signal, which is
    // set to one that is ignored by default.
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

/// Other systems do not report writers.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_being_written(_dir: impl AsFd, _name: &[u8]) -> Option<bool> {
    None
}
