//! System calls that are refused, as sandboxes and old kernels do it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::str::FromStr;
use syscalls::Sysno;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

/// What becomes of a call that is not allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal {
    /// It fails with this number.
    Errno(i32),
    /// The process dies of SIGSYS, which is what systemd does unless it is told otherwise.
    Kill,
}

impl Refusal {
    fn action(self) -> u32 {
        match self {
            Refusal::Errno(errno) => libc::SECCOMP_RET_ERRNO | errno as u32,
            Refusal::Kill => libc::SECCOMP_RET_KILL_PROCESS,
        }
    }
}

/// The program, and whatever it starts, gets `errno` from every `flock`, as on a network file system without a lock service. FUSE
/// cannot do that: Linux does not ask such a file system about locks on directories.
pub(crate) fn without_flock(command: &mut Command, errno: i32) {
    refuse(command, &["flock"], errno);
}

/// The program, and whatever it starts, gets `errno` from these system calls.
pub(crate) fn refuse(command: &mut Command, calls: &[&str], errno: i32) {
    filter(command, calls, Refusal::Errno(errno).action(), ALLOW);
}

/// The program, and whatever it starts, may make these system calls and no others.
pub(crate) fn allow_only(command: &mut Command, calls: &[&str], otherwise: Refusal) {
    filter(command, calls, ALLOW, otherwise.action());
}

#[expect(unsafe_code, reason = "a system call filter is set between fork and exec")]
fn filter(command: &mut Command, calls: &[&str], action: u32, otherwise: u32) {
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code: u16, jt: u8, jf: u8, k: u32| libc::sock_filter { code, jt, jf, k };
    // The number of the system call is the first field.
    let mut program = vec![step((libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, 0, 0, 0)];
    // Names of other architectures are unknown here.
    for call in calls.iter().filter_map(|name| Sysno::from_str(name).ok()) {
        program.push(step((libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, 0, 1, call.id() as u32));
        program.push(step(RETURN, 0, 0, action));
    }
    assert!(program.len() > 1, "none of {calls:?} is a system call");
    program.push(step(RETURN, 0, 0, otherwise));
    let set = move || {
        let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        // SAFETY: two system calls; the second reads the program, which lives until it returns.
        let set = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if set { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: what runs between fork and exec neither allocates nor locks.
    unsafe { command.pre_exec(set) };
}

/// The system calls that a value of `SystemCallFilter=` names: groups are those of the systemd of this machine; `@system-service` is
/// kept for machines without.
pub(crate) fn system_calls(filter: &str) -> BTreeSet<String> {
    let groups = groups();
    let mut calls = BTreeSet::new();
    let mut open: Vec<String> = filter.split_whitespace().map(str::to_owned).collect();
    while let Some(name) = open.pop() {
        match (name.starts_with('@'), groups.get(&name)) {
            (false, _) => _ = calls.insert(name),
            (true, Some(members)) => open.extend(members.iter().cloned()),
            (true, None) => panic!("no group of system calls is called {name}"),
        }
    }
    calls
}

fn groups() -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let told = Command::new("systemd-analyze").args(["syscall-filter", "--no-pager"]).output();
    let told = told.ok().filter(|told| told.status.success()).map(|told| told.stdout).unwrap_or_default();
    let mut group = String::new();
    for line in String::from_utf8_lossy(&told).lines() {
        match line.chars().next() {
            Some('@') => group = line.trim().to_owned(),
            // A heading: what no group has.
            Some('#') => group.clear(),
            _ => {
                let name = line.trim();
                if !name.is_empty() && !name.starts_with('#') && !group.is_empty() {
                    groups.entry(group.clone()).or_default().push(name.to_owned());
                }
            }
        }
    }
    groups
        .entry("@system-service".into())
        .or_insert_with(|| include_str!("system_service.txt").lines().map(str::to_owned).collect());
    groups
}
