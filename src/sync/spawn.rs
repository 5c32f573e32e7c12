//! Starts a child with its own process group, no terminal, null or a given text on standard input, both output streams piped, and a
//! parent-death signal.

use super::child::{CommandSpec, Started};
use crate::model::job::{FOR_RSYNC_ONLY, IoPriority, Priority};
use crate::platform;
use rustix::process::Pid;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;

/// Starts a child without a fork of our memory. The cost of a fork grows with our size, and copied page tables cause page faults
/// afterwards. The child writes its pid to `announced`.
pub(super) fn start(spec: &CommandSpec<'_>, announced: Option<OwnedFd>) -> io::Result<Started> {
    let before = Before { priority: spec.priority, parent: Some(rustix::process::getpid()), announced };
    start_with(spec.argv, (spec.env, spec.without), spec.input.is_some(), before)
}

/// Like [`start`], for a child that has to outlive us. Its standard input is a pipe, open until we end.
pub(super) fn start_apart(argv: &[String], priority: Priority) -> io::Result<Started> {
    start_with(argv, (&[], &FOR_RSYNC_ONLY), true, Before { priority, parent: None, announced: None })
}

/// Variables added to our environment, and those removed from it.
type Environment<'a> = (&'a [(OsString, OsString)], &'a [&'a str]);

#[cfg(target_os = "linux")]
fn start_with(argv: &[String], env: Environment<'_>, input: bool, before: Before) -> io::Result<Started> {
    super::vfork::start(argv, env, input, &move || before.prepare())
}

#[cfg(not(target_os = "linux"))]
#[expect(unsafe_code, reason = "a session of its own can only be had between fork and exec")]
fn start_with(argv: &[String], env: Environment<'_>, input: bool, before: Before) -> io::Result<Started> {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    let (program, arguments) = argv.split_first().ok_or_else(invalid)?;
    let mut command = Command::new(program);
    env.1.iter().for_each(|name| _ = command.env_remove(name));
    command.args(arguments).envs(env.0.iter().map(|(name, value)| (name, value)));
    command.stdin(if input { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // SAFETY: only direct system calls, which are async-signal-safe; nothing is allocated.
    unsafe { command.pre_exec(move || before.prepare()) };
    let mut child = command.spawn()?;
    let pid = Pid::from_raw(child.id() as i32).ok_or_else(invalid)?;
    let stdin = child.stdin.take().map(OwnedFd::from);
    let stdout = child.stdout.take().ok_or_else(invalid)?.into();
    let stderr = child.stderr.take().ok_or_else(invalid)?.into();
    Ok(Started { pid, stdin, stdout, stderr })
}

/// What a child does before `exec`.
struct Before {
    priority: Priority,
    /// The parent with which the child ends.
    parent: Option<Pid>,
    /// The pipe to which the child writes its pid, as a line.
    announced: Option<OwnedFd>,
}

impl Before {
    /// Makes only system calls, since the child may share our memory.
    fn prepare(&self) -> io::Result<()> {
        stand_apart()?;
        if let Some(pipe) = &self.announced {
            announce(pipe);
        }
        step_back(self.priority);
        self.parent.map_or(Ok(()), die_with)
    }
}

/// Writes the pid of this process, as a line. A pipe accepts it at once. An error is ignored: if there is no reader, there is no
/// supervisor.
fn announce(pipe: &OwnedFd) {
    let mut line = [b'\n'; 16];
    let (mut at, mut rest) =
        (line.len() - 1, rustix::process::getpid().as_raw_nonzero().get().unsigned_abs());
    while rest > 0 && at > 0 {
        at -= 1;
        line[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let _ = rustix::io::write(pipe, &line[at..]);
}

/// Puts the process into its own process group, without a terminal. Makes only system calls.
///
/// It does not start a session if that can be avoided. Linux shares the machine among sessions (see autogroups in `sched(7)`), so children
/// in sessions of their own slow down all others, and are themselves about three per cent slower.
#[cfg(target_os = "linux")]
fn stand_apart() -> io::Result<()> {
    if leave_terminal() {
        rustix::process::setpgid(None, None)?
    } else {
        _ = rustix::process::setsid()?
    }
    Ok(())
}

/// Gives up the controlling terminal for this process only; its session keeps it. Returns whether the process has no terminal now.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate wraps TIOCNOTTY")]
fn leave_terminal() -> bool {
    use rustix::fs::{Mode, OFlags, open};
    use std::os::fd::AsRawFd;
    match open(c"/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()) {
        // SAFETY: no argument and no memory; the descriptor is open.
        Ok(tty) => unsafe { libc::ioctl(tty.as_raw_fd(), libc::TIOCNOTTY) == 0 },
        Err(error) => error == rustix::io::Errno::NXIO,
    }
}

/// On other systems only a new session has no terminal.
#[cfg(not(target_os = "linux"))]
fn stand_apart() -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

/// Lowers the priority as far as the job asks and the system permits. A transfer runs also at normal priority, and [`refused`] reports it.
/// Makes only system calls.
fn step_back(priority: Priority) {
    if priority.nice > 0 {
        let _ = rustix::process::nice(i32::from(priority.nice));
    }
    if let Some(io) = priority.io {
        io_priority(io);
    }
}

/// Which part of a priority this system refuses to set, as text; `None` if nothing.
pub(super) fn refused(priority: Priority) -> Option<&'static str> {
    let nice = priority.nice > 0 && !platform::sets_priority();
    let io = priority.io.is_some() && !platform::sets_io_priority();
    match (nice, io) {
        (true, true) => Some("nice and ionice"),
        (true, false) => Some("nice"),
        (false, true) => Some("ionice"),
        (false, false) => None,
    }
}

/// Sets the I/O priority of this process and of its future children.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate wraps ioprio_set")]
fn io_priority(priority: IoPriority) {
    // From linux/ioprio.h: the class is above the 13 bits of the level.
    const WHO_PROCESS: libc::c_int = 1;
    let value: libc::c_int = match priority {
        IoPriority::BestEffort(level) => 2 << 13 | libc::c_int::from(level),
        IoPriority::Idle => 3 << 13,
    };
    // SAFETY: three integers, and no memory.
    let _ = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, value) };
}

/// Other systems have no I/O priorities.
#[cfg(not(target_os = "linux"))]
fn io_priority(_priority: IoPriority) {}

/// Asks the kernel to send SIGTERM to this process when `parent` dies. rsync passes SIGTERM on to its second process, which is impossible
/// with SIGKILL.
#[cfg(target_os = "linux")]
fn die_with(parent: Pid) -> io::Result<()> {
    // If a sandbox refuses this, children notice the end by their closed pipes, as on other systems.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM));
    // The parent may have died before the request.
    if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

/// On other systems a child notices the end by its closed pipes.
#[cfg(not(target_os = "linux"))]
fn die_with(_parent: Pid) -> io::Result<()> {
    Ok(())
}
