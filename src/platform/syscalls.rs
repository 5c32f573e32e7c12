//! Which optional system calls this system offers. An old kernel refuses them (`ENOSYS`), and so does a sandbox, such as
//! `SystemCallFilter=` of systemd or the seccomp profile of a container (`ENOSYS` or `EPERM`).

use crate::model::job::IoPriority;
use rustix::fs::{Access, AtFlags, accessat};
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::sync::LazyLock;

/// Whether this user may create and remove entries of a directory, as far as permissions show. Checks the effective user, or the real one
/// where the system cannot check the effective one.
pub fn may_change(dir: impl AsFd) -> Result<(), Errno> {
    let ask = |flags| accessat(&dir, ".", Access::WRITE_OK | Access::EXEC_OK, flags);
    match ask(AtFlags::EACCESS) {
        Err(Errno::PERM | Errno::NOSYS | Errno::INVAL) => ask(AtFlags::empty()),
        answer => answer,
    }
}

/// Whether a single call can rename an entry without replacing another one. A file system may still not support it.
pub fn renames_without_replacing() -> bool {
    static OFFERED: LazyLock<bool> = LazyLock::new(|| {
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            // No entry has the empty name.
            renameat_with(CWD, "", CWD, "", RenameFlags::NOREPLACE) == Err(Errno::NOENT)
        }
        #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
        false
    });
    *OFFERED
}

/// Whether the CPU priority of a process can be lowered. Tested by setting ours to its current value.
pub fn sets_priority() -> bool {
    use rustix::process::{getpriority_process, setpriority_process};
    getpriority_process(None).and_then(|now| setpriority_process(None, now)).is_ok()
}

/// Sets the I/O priority of this thread and of its future children; `None`: to its current value, as a test. Returns whether the system
/// permits it. Makes only system calls.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate wraps ioprio_set")]
pub fn set_io_priority(priority: Option<IoPriority>) -> bool {
    // From linux/ioprio.h: the class is above the 13 bits of the level.
    const WHO_PROCESS: libc::c_int = 1;
    // SAFETY: integers, and no memory; 0 is the calling thread.
    unsafe {
        let value = match priority {
            Some(IoPriority::BestEffort(level)) => 2 << 13 | libc::c_long::from(level),
            Some(IoPriority::Idle) => 3 << 13,
            None => libc::syscall(libc::SYS_ioprio_get, WHO_PROCESS, 0),
        };
        value >= 0 && libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, value) == 0
    }
}

/// Other systems have no I/O priorities.
#[cfg(not(target_os = "linux"))]
pub fn set_io_priority(_priority: Option<IoPriority>) -> bool {
    false
}

/// Whether the kernel ends a child when its parent dies.
pub fn ends_children() -> bool {
    #[cfg(target_os = "linux")]
    {
        rustix::process::parent_process_death_signal().is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    false
}
