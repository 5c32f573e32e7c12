//! Mounting and unmounting: the system calls for root, `fusermount3` for everybody else.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

/// Mounts at this directory; whoever reads the device serves the file system. `Err`: why that is impossible here.
pub(super) fn mount(at: &Path) -> Result<OwnedFd, String> {
    by_system_call(at).or_else(|why| by_helper(at).map_err(|helper| format!("{why}; {helper}")))
}

#[expect(unsafe_code, reason = "std cannot mount")]
fn by_system_call(at: &Path) -> Result<OwnedFd, String> {
    let device = std::fs::File::options().read(true).write(true).open("/dev/fuse");
    let device = device.map_err(|error| format!("/dev/fuse: {error}"))?;
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let options = format!(
        "fd={},rootmode=40000,user_id={uid},group_id={gid},default_permissions,allow_other",
        device.as_raw_fd()
    );
    let (at, options) = (c_string(at.as_os_str().as_bytes()), c_string(options.as_bytes()));
    // SAFETY: four texts that end in NUL and live until it returns.
    let mounted = unsafe {
        libc::mount(
            c"pdb-sync-test".as_ptr(),
            at.as_ptr(),
            c"fuse".as_ptr(),
            libc::MS_NOSUID | libc::MS_NODEV,
            options.as_ptr().cast(),
        )
    };
    match mounted {
        0 => Ok(device.into()),
        _ => Err(format!("mount: {}", io::Error::last_os_error())),
    }
}

/// `fusermount3` opens the device, mounts, and sends the descriptor through its standard input.
pub(super) fn by_helper(at: &Path) -> Result<OwnedFd, String> {
    let (ours, its) = UnixStream::pair().map_err(|error| error.to_string())?;
    let done = Command::new("fusermount3")
        .args(["-o", "nosuid,nodev,default_permissions,fsname=pdb-sync-test", "--"])
        .arg(at)
        .env("_FUSE_COMMFD", "0")
        .stdin(Stdio::from(OwnedFd::from(its)))
        .output()
        .map_err(|error| format!("fusermount3: {error}"))?;
    if !done.status.success() {
        return Err(format!("fusermount3: {}", String::from_utf8_lossy(&done.stderr).trim()));
    }
    received(&ours).map_err(|error| {
        unmount(at);
        format!("fusermount3 sent no descriptor: {error}")
    })
}

/// A descriptor that somebody sent.
#[expect(unsafe_code, reason = "std cannot receive descriptors")]
fn received(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = 0u8;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let mut control = [0u64; 8];
    // SAFETY: zeroes are a valid value, and what it points to lives as long as it; only what the kernel has written is read, and
    // nobody else owns the descriptor.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control) as _;
        if libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) < 0 {
            return Err(io::Error::last_os_error());
        }
        let head = libc::CMSG_FIRSTHDR(&raw const message);
        if head.is_null() || ((*head).cmsg_level, (*head).cmsg_type) != (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(OwnedFd::from_raw_fd(libc::CMSG_DATA(head).cast::<libc::c_int>().read_unaligned()))
    }
}

/// Unmounts, whoever is still there.
#[expect(unsafe_code, reason = "std cannot unmount")]
pub(super) fn unmount(at: &Path) {
    let path = c_string(at.as_os_str().as_bytes());
    // SAFETY: a text that ends in NUL and lives until it returns.
    if unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) } != 0 {
        // If that fails too, the kernel still answers everybody there with an error once the server is gone.
        let _ = Command::new("fusermount3").args(["-u", "-z", "-q", "--"]).arg(at).output();
    }
}

fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes).expect("paths and options hold no NUL")
}
