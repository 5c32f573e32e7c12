//! Children: the only place that knows pids and process groups.
//!
//! Each child leads a session of its own: a signal reaches it and everything that it started, and it has no terminal to
//! ask for passwords on. It ends with SIGTERM, a grace in which we go on reading, then SIGKILL; and if we are killed
//! ourselves, the kernel sends it SIGTERM.

use super::frame::Framer;
use super::stop::Stop;
use super::watchdog::Watchdog;
use crate::event::{Stamped, Stream};
use crate::job::{IoPriority, Priority};
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;
/// After a child has gone, whoever still holds its pipes may be silent for so long.
const DRAIN: Duration = Duration::from_secs(2);
/// After a read that brought little, so long nothing is read: a few lines cost as much to pass on as many.
const REST: Duration = Duration::from_millis(5);
/// What is little, in bytes.
const LITTLE: usize = 4 * 1024;
/// A point in time that does not come.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What to start.
pub(super) struct Spec<'a> {
    /// Program and arguments; no shell in between.
    pub(super) argv: &'a [String],
    /// Added to our own environment.
    pub(super) env: &'a [(OsString, OsString)],
    /// How the kernel is to treat it.
    pub(super) priority: Priority,
    /// Between SIGTERM and SIGKILL.
    pub(super) grace: Duration,
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    /// We ended it.
    Ended(Cause),
}

/// Why we ended a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// The run is being stopped.
    Stopped,
    /// Its wall clock ran out.
    Timeout(Duration),
    /// No byte and no line for so long.
    Stalled(Duration),
    /// The destination's file system has only so many bytes left.
    DiskLow(u64),
}

/// Turns what a child prints into at most one event a chunk.
pub(super) trait Ear {
    /// A line, without its end.
    fn line(&mut self, stream: Stream, line: &[u8]);
    /// What is to be told about the lines since the last call.
    fn told(&mut self, stream: Stream) -> Option<Stamped>;
}

/// Runs a child to its end, through everything that can happen to it.
pub(super) async fn run(
    spec: &Spec<'_>,
    stop: &Stop,
    mut watchdog: Watchdog,
    events: &mpsc::Sender<Stamped>,
    ear: &mut impl Ear,
) -> io::Result<End> {
    let mut child = spawn(spec)?;
    let group = Group::of(&child)?;
    watchdog.watch(group.0);
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut out_buffer, mut err_buffer) = (vec![0; CHUNK], vec![0; CHUNK / 8]);
    let (mut out_lines, mut err_lines) = (Framer::default(), Framer::default());
    let mut pending: Option<Stamped> = None;
    let mut status: Option<ExitStatus> = None;
    let mut cause: Option<Cause> = None;
    let mut kill_at = Instant::now() + NEVER;
    let mut drain_until = Instant::now() + NEVER;
    let mut rest_until = Instant::now();

    while status.is_none() || stdout.is_some() || stderr.is_some() || pending.is_some() {
        let free = pending.is_none();
        // A reader that is slow is not a child that has stalled.
        watchdog.deaf(!free);
        let rests = status.is_none() && Instant::now() < rest_until;
        tokio::select! {
            read = read(&mut stdout, &mut out_buffer), if free && !rests && stdout.is_some() => {
                watchdog.heard();
                if matches!(read, Ok(n) if n < LITTLE) { rest_until = Instant::now() + REST; }
                let got = take(read, &mut stdout, &out_buffer, &mut out_lines, Stream::Stdout, ear);
                pending = got.then(|| ear.told(Stream::Stdout)).flatten();
                if status.is_some() { drain_until = Instant::now() + DRAIN; }
            }
            read = read(&mut stderr, &mut err_buffer), if free && stderr.is_some() => {
                watchdog.heard();
                let got = take(read, &mut stderr, &err_buffer, &mut err_lines, Stream::Stderr, ear);
                pending = got.then(|| ear.told(Stream::Stderr)).flatten();
                if status.is_some() { drain_until = Instant::now() + DRAIN; }
            }
            () = sleep_until(rest_until), if rests => {}
            permit = events.reserve(), if !free => {
                watchdog.heard();
                if let (Ok(permit), Some(event)) = (permit, pending.take()) { permit.send(event); }
                if status.is_some() { drain_until = Instant::now() + DRAIN; }
            }
            ended = child.wait(), if status.is_none() => {
                status = Some(ended?);
                drain_until = Instant::now() + DRAIN;
            }
            why = watchdog.bites(), if status.is_none() && cause.is_none() => {
                cause = Some(why);
                group.signal(Signal::TERM);
                kill_at = Instant::now() + spec.grace;
            }
            () = stop.gentle(), if status.is_none() && cause.is_none() => {
                cause = Some(Cause::Stopped);
                group.signal(Signal::TERM);
                kill_at = Instant::now() + spec.grace;
            }
            () = stop.hard(), if status.is_none() && !group.killed() => {
                cause.get_or_insert(Cause::Stopped);
                group.signal(Signal::KILL);
            }
            () = sleep_until(kill_at), if status.is_none() && !group.killed() => group.signal(Signal::KILL),
            // Waiting for a slow reader of ours has no limit of its own, unless we are stopping.
            () = sleep_until(drain_until), if status.is_some() && (free || stop.is_stopping()) => {
                group.signal(Signal::TERM);
                break;
            }
        }
    }
    group.done();
    Ok(match (cause, status) {
        (Some(cause), _) => End::Ended(cause),
        (None, Some(status)) => match status.code() {
            Some(code) => End::Exited(code),
            None => End::Signalled(status.signal().unwrap_or(0)),
        },
        (None, None) => End::Signalled(0),
    })
}

#[expect(
    unsafe_code,
    reason = "a new session and the parent-death signal can only be set between fork and exec"
)]
fn spawn(spec: &Spec<'_>) -> io::Result<Child> {
    let (program, arguments) = spec
        .argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "empty command"))?;
    let mut command = Command::new(program);
    command.args(arguments).envs(spec.env.iter().map(|(k, v)| (k, v)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let (parent, priority) = (rustix::process::getpid(), spec.priority);
    // SAFETY: only direct system calls, which are async-signal-safe; nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            step_back(priority)?;
            die_with(parent)
        });
    }
    command.spawn()
}

/// Lets others go first, as far as the job wants it. Only system calls.
fn step_back(priority: Priority) -> io::Result<()> {
    if priority.nice > 0 {
        rustix::process::nice(i32::from(priority.nice))?;
    }
    match priority.io {
        Some(io) => io_priority(io),
        None => Ok(()),
    }
}

/// Of this process, and of those that it starts.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate wraps ioprio_set")]
fn io_priority(priority: IoPriority) -> io::Result<()> {
    // From linux/ioprio.h: the class stands above 13 bits of level.
    const WHO_PROCESS: libc::c_int = 1;
    let value: libc::c_int = match priority {
        IoPriority::BestEffort(level) => 2 << 13 | libc::c_int::from(level),
        IoPriority::Idle => 3 << 13,
    };
    // SAFETY: three integers, and no memory.
    match unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, value) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Elsewhere there are no such ranks.
#[cfg(not(target_os = "linux"))]
fn io_priority(_priority: IoPriority) -> io::Result<()> {
    Ok(())
}

/// Asks the kernel to end this process when `parent` dies. rsync passes a SIGTERM on to its second process, a SIGKILL
/// it could not.
#[cfg(target_os = "linux")]
fn die_with(parent: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
    // The parent may have died before the request.
    if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

/// Elsewhere a child notices by its closed pipes.
#[cfg(not(target_os = "linux"))]
fn die_with(_parent: Pid) -> io::Result<()> {
    Ok(())
}

async fn read(
    stream: &mut Option<impl tokio::io::AsyncRead + Unpin>,
    buffer: &mut [u8],
) -> io::Result<usize> {
    match stream {
        Some(stream) => stream.read(buffer).await,
        None => std::future::pending().await,
    }
}

/// Passes what was read to the ear; closes the stream at its end. False if no line was completed.
fn take<S>(
    read: io::Result<usize>,
    stream: &mut Option<S>,
    buffer: &[u8],
    lines: &mut Framer,
    which: Stream,
    ear: &mut impl Ear,
) -> bool {
    let mut any = false;
    let mut line = |l: &[u8]| {
        any = true;
        ear.line(which, l);
    };
    match read {
        Ok(n) if n > 0 => lines.feed(&buffer[..n], &mut line),
        // A pipe that cannot be read is as good as closed; the exit status decides.
        _ => {
            *stream = None;
            lines.finish(&mut line);
        }
    }
    any
}

/// A process group that does not outlive us: dropped before its end (a panic), it is killed.
struct Group(Pid, std::cell::Cell<State>);

#[derive(Clone, Copy, PartialEq)]
enum State {
    Running,
    Killed,
    Done,
}

impl Group {
    fn of(child: &Child) -> io::Result<Self> {
        let pid = child.id().and_then(|id| Pid::from_raw(id as i32));
        let pid = pid.ok_or_else(|| io::Error::other("the child has no pid"))?;
        Ok(Group(pid, std::cell::Cell::new(State::Running)))
    }

    fn signal(&self, signal: Signal) {
        if signal == Signal::KILL {
            self.1.set(State::Killed);
        }
        // Fails only if nobody is left in the group, which is what we want.
        let _ = kill_process_group(self.0, signal);
        if signal == Signal::TERM {
            // A stopped process would not notice the SIGTERM.
            let _ = kill_process_group(self.0, Signal::CONT);
        }
    }

    fn killed(&self) -> bool {
        self.1.get() == State::Killed
    }

    fn done(&self) {
        self.1.set(State::Done);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.1.get() != State::Done {
            self.signal(Signal::KILL);
        }
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
