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

fn rchar(pid: i32) -> Option<u64> {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("rchar: ")?.trim().parse().ok())
}

fn children(pid: i32) -> Vec<i32> {
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
