//! Starts a child with its own process group, no terminal, null or a given text on standard input, both output streams piped, and a
//! parent-death signal.

use super::child::{CommandSpec, GiveUp, Started};
use crate::model::job::{FOR_RSYNC_ONLY, Priority};
use crate::platform;
use rustix::io::Errno;
use rustix::process::Pid;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::{env, io};

/// Starts a child. It writes its pid to `announced`.
///
/// Not by tokio, which would wait for a child as soon as it ends. The number of its group could then be reused while we still send signals to the
/// group.
pub(super) fn start(spec: &CommandSpec<'_>, announced: Option<OwnedFd>) -> io::Result<Started> {
    let before = Before {
        priority: spec.priority,
        parent: Some(rustix::process::getpid()),
        announced: announced.map(Arc::new),
    };
    let env = environment(spec.env, spec.without);
    match start_with(spec.argv, &env, spec.input.is_some(), &before) {
        Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            start_with(&through_shell(spec.argv), &env, spec.input.is_some(), &before)
        }
        other => other,
    }
}

/// Like [`start`], for a child that has to outlive us. Its standard input is a pipe, open until we end.
pub(super) fn start_apart(argv: &[String]) -> io::Result<Started> {
    let before = Before { priority: Priority::default(), parent: None, announced: None };
    start_with(argv, &environment(&[], &FOR_RSYNC_ONLY), true, &before)
}

/// The same command for a script without an interpreter line. glibc passes such scripts to a shell; musl does not.
pub(super) fn through_shell(argv: &[String]) -> Vec<String> {
    let shell = ["/bin/sh", "-c", r#"exec "$0" "$@""#];
    shell.iter().map(|word| (*word).to_owned()).chain(argv.iter().cloned()).collect()
}

/// Our environment with `added` and without some of our own variables.
fn environment(added: &[(OsString, OsString)], without: &[&str]) -> Vec<(OsString, OsString)> {
    let kept = |name: &OsString| {
        added.iter().all(|(new, _)| new != name) && without.iter().all(|gone| *gone != name.as_os_str())
    };
    env::vars_os().filter(|(name, _)| kept(name)).chain(added.iter().cloned()).collect()
}

#[cfg(target_os = "linux")]
fn start_with(
    argv: &[String],
    env: &[(OsString, OsString)],
    input: bool,
    before: &Before,
) -> io::Result<Started> {
    super::vfork::start(argv, env, input, &|give_up| before.prepare(give_up))
}

#[cfg(not(target_os = "linux"))]
#[expect(unsafe_code, reason = "a session of its own begins between fork and exec")]
fn start_with(
    argv: &[String],
    env: &[(OsString, OsString)],
    input: bool,
    before: &Before,
) -> io::Result<Started> {
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    let lost = || io::Error::from(io::ErrorKind::InvalidData);
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(env.iter().map(|(name, value)| (name, value)));
    command.stdin(if input { Stdio::piped() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let before = before.clone();
    // SAFETY: `prepare` makes only system calls, which are async-signal-safe, and allocates nothing.
    unsafe { command.pre_exec(move || before.prepare(&|_| false)) };
    // Dropping this neither waits for the child nor ends it.
    let mut child = command.spawn()?;
    let stdin = child.stdin.take().map(OwnedFd::from);
    let stdout = child.stdout.take().ok_or_else(lost)?.into();
    let stderr = child.stderr.take().ok_or_else(lost)?.into();
    Ok(Started { pid: Pid::from_child(&child), stdin, stdout, stderr })
}

/// What a child does before `exec`.
#[derive(Clone)]
struct Before {
    priority: Priority,
    /// The parent with which the child ends.
    parent: Option<Pid>,
    /// The pipe to which the child writes its pid, as a line.
    announced: Option<Arc<OwnedFd>>,
}

impl Before {
    /// Makes only system calls: other threads may have held locks during a fork, or share their memory with us. `give_up` gives up a terminal.
    fn prepare(&self, give_up: GiveUp<'_>) -> io::Result<()> {
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
fn stand_apart(give_up: GiveUp<'_>) -> io::Result<()> {
    if cfg!(target_os = "linux") && has_no_terminal(give_up) {
        rustix::process::setpgid(None, None)?;
    } else {
        rustix::process::setsid()?;
    }
    Ok(())
}

/// Gives up the controlling terminal for this process only; its session keeps it. Returns whether the process has no terminal now.
fn has_no_terminal(give_up: GiveUp<'_>) -> bool {
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
