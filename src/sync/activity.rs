//! Evidence that a process group is at work although it prints nothing.
//!
//! The bytes that its processes have read (`rchar` in `/proc/PID/io`, sockets included). Not the bytes written: on a
//! dead link rsync's own keepalives go on filling the socket's buffer.

use rustix::process::Pid;

/// Bytes that the members of the group have read so far, where the kernel tells.
pub(super) fn bytes_read(group: Pid) -> Option<u64> {
    let leader = group.as_raw_nonzero().get();
    let mut members = vec![leader];
    let mut sum = None;
    // A leader's children and their children: rsync's receiver, a remote shell.
    while let Some(pid) = members.pop() {
        if let Some(read) = rchar(pid) {
            sum = Some(sum.unwrap_or(0) + read);
        }
        if members.len() < 64 {
            members.extend(children(pid));
        }
    }
    sum
}

/// The same of the child and its own forks only, which do the transfer: not of a remote shell, through which the bytes go as well.
pub(super) fn read_by_forks(leader: Pid) -> Option<u64> {
    let all = forks(leader).into_iter().map(rchar);
    all.reduce(|sum, read| Some(sum? + read?))?
}

/// Whether bytes lie in a socket that the child or one of its forks has open, and are not taken: from the network, or from one process to
/// the other. False where the kernel does not let us look.
#[cfg(target_os = "linux")]
pub(super) fn waits(leader: Pid) -> bool {
    forks(leader).into_iter().any(|pid| waiting(pid).is_some_and(|bytes| bytes > 0))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn waits(_leader: Pid) -> bool {
    false
}

/// The most bytes that lie in one of its sockets.
#[cfg(target_os = "linux")]
fn waiting(pid: i32) -> Option<u64> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
    let process = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten();
    let sockets = open.filter(|entry| {
        std::fs::read_link(entry.path()).is_ok_and(|end| end.to_string_lossy().starts_with("socket:"))
    });
    let bytes = sockets.filter_map(|entry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        let socket = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()).ok()?;
        rustix::io::ioctl_fionread(&socket).ok()
    });
    bytes.max()
}

/// The child, and what runs under it with the same command line.
fn forks(leader: Pid) -> Vec<i32> {
    let leader = leader.as_raw_nonzero().get();
    let line = |pid: i32| std::fs::read(format!("/proc/{pid}/cmdline")).ok();
    let own = line(leader);
    let same = |pid: &i32| own.is_some() && line(*pid) == own;
    let mut all = vec![leader];
    let mut at = 0;
    while let Some(pid) = all.get(at).copied().filter(|_| all.len() < 64) {
        all.extend(children(pid).into_iter().filter(same));
        at += 1;
    }
    all
}

fn rchar(pid: i32) -> Option<u64> {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("rchar: ")?.trim().parse().ok())
}

fn children(pid: i32) -> Vec<i32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
