//! Starts a child with its own process group, no terminal, null or a given text on standard input, both output streams piped, and a
//! parent-death signal.

use super::child::{CommandSpec, Started};
use crate::model::job::{FOR_RSYNC_ONLY, Priority};
use crate::platform;
use rustix::io::Errno;
use rustix::process::Pid;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Starts a child. It writes its pid to `announced`.
///
/// The standard library starts it rather than tokio, which would wait for a child as soon as it ends. The number of its group could then be
/// reused while we still send signals to the group.
pub(super) fn start(spec: &CommandSpec<'_>, announced: Option<OwnedFd>) -> io::Result<Started> {
    let parent = Some(rustix::process::getpid());
    let before = Arc::new(Before { priority: spec.priority, parent, announced });
    let with = |argv: &[String]| {
        let mut command = command(argv, &before)?;
        spec.without.iter().for_each(|name| _ = command.env_remove(name));
        command.envs(spec.env.iter().map(|(name, value)| (name, value)));
        command.stdin(if spec.input.is_some() { Stdio::piped() } else { Stdio::null() });
        started(command)
    };
    match with(spec.argv) {
        Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            with(&through_shell(spec.argv))
        }
        other => other,
    }
}

/// Like [`start`], for a child that has to outlive us. Its standard input is a pipe, open until we end.
pub(super) fn start_apart(argv: &[String]) -> io::Result<Started> {
    let before = Before { priority: Priority::default(), parent: None, announced: None };
    let mut command = command(argv, &Arc::new(before))?;
    FOR_RSYNC_ONLY.iter().for_each(|name| _ = command.env_remove(name));
    command.stdin(Stdio::piped());
    started(command)
}

/// The same command for a script without an interpreter line. glibc passes such scripts to a shell; musl does not.
pub(super) fn through_shell(argv: &[String]) -> Vec<String> {
    let shell = ["/bin/sh", "-c", r#"exec "$0" "$@""#];
    shell.iter().map(|word| (*word).to_owned()).chain(argv.iter().cloned()).collect()
}

#[expect(unsafe_code, reason = "the terminal and the parent-death signal belong between fork and exec")]
fn command(argv: &[String], before: &Arc<Before>) -> io::Result<Command> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let before = before.clone();
    // SAFETY: `prepare` makes only system calls, which are async-signal-safe, and allocates nothing. TIOCNOTTY has no argument and touches
    // no memory of ours.
    unsafe {
        command
            .pre_exec(move || before.prepare(|tty| libc::ioctl(tty.as_raw_fd(), libc::TIOCNOTTY as _) == 0));
    }
    Ok(command)
}

fn started(mut command: Command) -> io::Result<Started> {
    let lost = || io::Error::from(io::ErrorKind::InvalidData);
    // Dropping this neither waits for the child nor ends it.
    let mut child = command.spawn()?;
    let stdin = child.stdin.take().map(OwnedFd::from);
    let stdout = child.stdout.take().ok_or_else(lost)?.into();
    let stderr = child.stderr.take().ok_or_else(lost)?.into();
    Ok(Started { pid: Pid::from_child(&child), stdin, stdout, stderr })
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
    /// Makes only system calls, since other threads may have held locks during the fork. `give_up` gives up a terminal.
    fn prepare(&self, give_up: impl Fn(&OwnedFd) -> bool) -> io::Result<()> {
        stand_apart(give_up)?;
        // Whoever started us may have blocked signals.
        nix::sys::signal::SigSet::empty().thread_set_mask()?;
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

/// Puts the process into its own process group, without a terminal.
///
/// It does not start a session if that can be avoided. Linux shares the machine among sessions (see autogroups in `sched(7)`), so children
/// in sessions of their own slow down all others, and are themselves about three per cent slower.
fn stand_apart(give_up: impl Fn(&OwnedFd) -> bool) -> io::Result<()> {
    if cfg!(target_os = "linux") && has_no_terminal(give_up) {
        rustix::process::setpgid(None, None)?;
    } else {
        rustix::process::setsid()?;
    }
    Ok(())
}

/// Gives up the controlling terminal for this process only; its session keeps it. Returns whether the process has no terminal now.
fn has_no_terminal(give_up: impl Fn(&OwnedFd) -> bool) -> bool {
    use rustix::fs::{Mode, OFlags, open};
    match open(c"/dev/tty", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(tty) => give_up(&tty),
        Err(error) => error == Errno::NXIO,
    }
}

/// Lowers the priority as far as the job asks and the system permits. A transfer runs also at normal priority, and [`refused`] reports it.
fn step_back(priority: Priority) {
    if priority.nice > 0 {
        let _ = rustix::process::nice(i32::from(priority.nice));
    }
    if priority.io.is_some() {
        let _ = platform::set_io_priority(priority.io);
    }
}

/// Which part of a priority this system refuses to set, as text; `None` if nothing.
pub(super) fn refused(priority: Priority) -> Option<&'static str> {
    let nice = priority.nice > 0 && !platform::sets_priority();
    let io = priority.io.is_some() && !platform::set_io_priority(None);
    match (nice, io) {
        (true, true) => Some("nice and ionice"),
        (true, false) => Some("nice"),
        (false, true) => Some("ionice"),
        (false, false) => None,
    }
}

/// Asks the kernel to send SIGTERM to this process when `parent` dies. rsync passes SIGTERM on to its second process, which is impossible
/// with SIGKILL.
#[cfg(target_os = "linux")]
fn die_with(parent: Pid) -> io::Result<()> {
    // If a sandbox refuses this, children notice the end by their closed pipes, as on other systems.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM));
    // The parent may have died before the request.
    if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(Errno::PIPE.into()) }
}

/// On other systems a child notices the end by its closed pipes.
#[cfg(not(target_os = "linux"))]
fn die_with(_parent: Pid) -> io::Result<()> {
    Ok(())
}
