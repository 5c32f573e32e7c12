//! Evidence that a silent process group is still working: the bytes its processes have read (`rchar` in `/proc/PID/io`, sockets included).
//!
//! Written bytes are not used: on a dead connection, rsync's own keepalives keep filling the socket's buffer.

use rustix::process::Pid;

/// Bytes that the members of the group have read so far; `None` if the kernel does not report them.
pub(super) fn bytes_read(group: Pid) -> Option<u64> {
    let leader = group.as_raw_nonzero().get();
    let mut members = vec![leader];
    let mut sum = None;
    // The leader's children and their children, for example rsync's receiver or a remote shell.
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

/// Like [`bytes_read`], but only for the child and its own forks, which do the transfer. A remote shell is left out, since the same bytes
/// pass through it.
pub(super) fn read_by_forks(leader: Pid) -> Option<u64> {
    let all = forks(leader).into_iter().map(rchar);
    all.reduce(|sum, read| Some(sum? + read?))?
}

/// Whether unread bytes are in a socket of the child or of one of its forks. They come from the network or from another process. False if
/// the kernel does not permit the inspection.
#[cfg(target_os = "linux")]
pub(super) fn waits(leader: Pid) -> bool {
    forks(leader).into_iter().any(|pid| waiting(pid).is_some_and(|bytes| bytes > 0))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn waits(_leader: Pid) -> bool {
    false
}

/// The largest number of unread bytes in one of the process's sockets.
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

/// The child, and its descendants with the same command line.
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
