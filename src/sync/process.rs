//! Runs children. This module and those it uses are the only ones that handle pids and process groups.
//!
//! Each child leads its own process group: signals reach the child and its descendants, and it has no terminal on which to ask for
//! passwords. It ends with SIGTERM, then a grace period during which its output is read, then SIGKILL; so does its whole group. If we are
//! killed, the kernel sends SIGTERM to the child, and [`super::supervisor`] ends its descendants.

use super::child_exit::ChildExits;
use super::group::Group;
use super::job_events::JobEvents;
use super::pipe::Pipe;
use super::spawn::{self, Started};
use super::stdin::Input;
use super::supervisor::Supervisor;
use super::watchdog::{Signs, Watchdog};
use crate::model::event::{Stamped, Stream};
use crate::model::job::Priority;
use rustix::process::Signal;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until, timeout};

/// After a child has ended: how long the pipes may be silent while other processes hold them open.
const DRAIN: Duration = Duration::from_secs(2);
/// After a child has ended: how long other processes may still write to its pipes.
const DRAIN_MOST: Duration = Duration::from_secs(10);
/// How long to wait for the end of a killed child. It ends at once, unless it is in a system call on a file system that does not answer.
const DEATH: Duration = Duration::from_secs(5);
/// Far enough in the future never to be reached.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// The command to start.
pub(super) struct CommandSpec<'a> {
    /// Program and arguments; no shell is involved.
    pub(super) argv: &'a [String],
    /// Variables added to our own environment.
    pub(super) env: &'a [(OsString, OsString)],
    /// Variables removed from our own environment.
    pub(super) without: &'a [&'a str],
    /// The CPU and I/O priority.
    pub(super) priority: Priority,
    /// Time between SIGTERM and SIGKILL.
    pub(super) grace: Duration,
    /// Its standard input; `None`: empty.
    pub(super) input: Option<&'a [u8]>,
    /// Whether a supervisor ends its descendants if we are killed. rsync ends its own children.
    pub(super) supervised: bool,
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// It exited with this code.
    Exited(i32),
    /// It was ended by a signal that we did not send.
    Signalled(i32),
    /// We ended it.
    Ended(Cause),
    /// We killed it, but this process is still there, in a system call that does not return.
    Held(i32),
}

/// Why we ended a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// The run is being stopped.
    Stopped,
    /// The timeout was reached.
    Timeout(Duration),
    /// No byte and no line for this time.
    Stalled(Duration),
    /// As `Stalled`, but with received bytes unread in a socket here.
    Stuck(Duration),
    /// The other side has not answered for this time.
    Unanswered(Duration),
    /// Only this many bytes of contents in this time.
    Crawl(u64, Duration),
    /// The destination's file system has only this many bytes left.
    DiskLow(u64),
}

/// What happened to processes that a child left behind and that held its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// They were in its group and were ended.
    Ended,
    /// They have left its group (`setsid`) and still run; their output is lost.
    Away,
}

impl Left {
    /// Text to follow the name of the command: what happened to them, and how to avoid it.
    pub(super) fn text(self) -> String {
        let what = match self {
            Left::Ended => "left processes running that held its output; they were ended",
            Left::Away => {
                "left processes running that hold its output; they live on, and what they write is lost"
            }
        };
        format!(
            "{what} (what is to go on has to be started as `setsid COMMAND >/dev/null 2>&1 </dev/null &`)"
        )
    }
}

/// Handles the output of a child.
pub(super) trait LineHandler {
    /// Handles a line, without its end. Output for users is appended to `out`, as whole lines.
    fn line(&mut self, stream: Stream, line: &[u8], out: &mut Vec<u8>);

    /// The child ended by itself while other processes held its pipes.
    fn left(&mut self, _others: Left) {}

    /// Handles the beginning of an unfinished line. It is passed again, longer or as a whole line.
    fn begun(&mut self, _stream: Stream, _beginning: &[u8]) {}

    /// The child's state so far, as far as its output shows.
    fn signs(&self) -> Signs {
        Signs::default()
    }
}

/// Runs a child to its end, and handles output, signals, timeouts and cancellation.
pub(super) async fn run(
    spec: &CommandSpec<'_>,
    job_events: &JobEvents,
    mut watchdog: Watchdog,
    handler: &mut impl LineHandler,
) -> io::Result<End> {
    let stop = &job_events.stop;
    let mut ends = ChildExits::watch()?;
    let supervisor = spec.supervised.then(|| Supervisor::start(spec.grace));
    let announced = supervisor.as_ref().and_then(Supervisor::pipe);
    let Started { pid, stdin, stdout, stderr } = spawn::start(spec, announced)?;
    let group = Group::of(pid);
    let mut input = Input::new(stdin, spec.input)?;
    watchdog.watch(pid);
    let mut stdout = Pipe::new(stdout, Stream::Stdout)?;
    let mut stderr = Pipe::new(stderr, Stream::Stderr)?;
    let mut pending: Option<Stamped> = None;
    let mut status: Option<ExitStatus> = None;
    let mut cause: Option<Cause> = None;
    let mut kill_at = Instant::now() + NEVER;
    let mut drain_until = Instant::now() + NEVER;
    let mut drain_most = drain_until;
    let mut give_up_at = Instant::now() + NEVER;
    let mut left: Option<bool> = None;

    while status.is_none() || stdout.is_open() || stderr.is_open() || pending.is_some() {
        let free = pending.is_none();
        // If our own reader is slow, the child has not stalled.
        watchdog.deaf(!free);
        watchdog.noted(handler.signs());
        let begun = Instant::now();
        tokio::select! {
            () = stdout.ready(), if free => {
                watchdog.heard();
                pending = stdout.read(job_events, handler);
                // Yields after each read. The runtime's budget would let a child that writes without a pause delay the others for many
                // reads.
                yield_now().await;
                if status.is_some() { drain_until = Instant::now() + DRAIN; }
            }
            () = stderr.ready(), if free => {
                watchdog.heard();
                pending = stderr.read(job_events, handler);
                yield_now().await;
                if status.is_some() { drain_until = Instant::now() + DRAIN; }
            }
            () = input.passed_on(), if input.is_open() => {}
            permit = job_events.events.reserve(), if !free => {
                watchdog.heard();
                if let (Ok(permit), Some(event)) = (permit, pending.take()) { permit.send(event); }
                // The time during which our own slow reader kept us waiting does not count.
                drain_most += begun.elapsed();
                if status.is_some() { drain_until = Instant::now() + DRAIN; }
            }
            ended = ends.of(pid), if status.is_none() => {
                status = Some(ended?);
                drain_until = Instant::now() + DRAIN;
                drain_most = Instant::now() + DRAIN_MOST;
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
                give_up_at = Instant::now() + DEATH;
            }
            () = sleep_until(kill_at), if status.is_none() && !group.killed() => {
                group.signal(Signal::KILL);
                give_up_at = Instant::now() + DEATH;
            }
            () = sleep_until(give_up_at), if status.is_none() => {
                group.done();
                return Ok(End::Held(pid.as_raw_nonzero().get()));
            }
            // Waiting for our own slow reader has no limit here, unless we are stopping.
            () = sleep_until(drain_until.min(drain_most)), if status.is_some() && (free || stop.is_stopping()) => {
                left = Some(group.has_members());
                group.signal(Signal::TERM);
                kill_at = Instant::now() + spec.grace;
                break;
            }
        }
    }
    if cause.is_none()
        && let Some(members) = left
    {
        handler.left(if members { Left::Ended } else { Left::Away });
    }
    if cause.is_some() || left == Some(true) {
        // The child may have left descendants, which got the signal, too.
        tokio::select! {
            () = group.is_empty() => {}
            () = sleep_until(kill_at) => {}
            () = stop.hard() => {}
        }
        group.signal(Signal::KILL);
        // A killed process disappears only when it is next scheduled. On other systems the members of a group cannot be determined.
        if cfg!(target_os = "linux") {
            let _ = timeout(DEATH, group.is_empty()).await;
        }
    }
    group.done();
    drop(supervisor);
    Ok(match (cause, status) {
        (Some(cause), _) => End::Ended(cause),
        (None, Some(status)) => match status.code() {
            Some(code) => End::Exited(code),
            None => End::Signalled(status.signal().unwrap_or(0)),
        },
        (None, None) => End::Signalled(0),
    })
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
