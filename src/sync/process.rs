//! Children: the only place that knows pids and process groups.
//!
//! Each child leads a process group of its own: a signal reaches it and everything that it started, and it has no terminal
//! to ask for passwords on. It ends with SIGTERM, a grace in which we go on reading, then SIGKILL, and so does all of its group;
//! if we are killed ourselves, the kernel sends it SIGTERM, and what it has started is for [`super::supervisor`].

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

/// After a child has gone, whoever still holds its pipes may be silent for so long.
const DRAIN: Duration = Duration::from_secs(2);
/// … and may speak for so long.
const DRAIN_MOST: Duration = Duration::from_secs(10);
/// After a read that brought little, so long nothing is read: a few lines cost as much to pass on as many.
const REST: Duration = Duration::from_millis(5);
/// What is little, in bytes.
const LITTLE: usize = 4 * 1024;
/// A child that was killed is gone at once, unless the kernel holds it in a system call: on a file system that does not answer.
const DEATH: Duration = Duration::from_secs(5);
/// A point in time that does not come.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What to start.
pub(super) struct CommandSpec<'a> {
    /// Program and arguments; no shell in between.
    pub(super) argv: &'a [String],
    /// Added to our own environment.
    pub(super) env: &'a [(OsString, OsString)],
    /// Variables of our own environment that it does not get.
    pub(super) without: &'a [&'a str],
    /// How the kernel is to treat it.
    pub(super) priority: Priority,
    /// Between SIGTERM and SIGKILL.
    pub(super) grace: Duration,
    /// What it finds on its standard input; `None`: nothing at all.
    pub(super) input: Option<&'a [u8]>,
    /// Whether what it starts has to end with us, too, where we are killed. rsync looks after its own children.
    pub(super) supervised: bool,
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
    /// We killed it, and it is still there: this process waits in the kernel for something that does not answer.
    Held(i32),
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
    /// The same, while what came was waiting here to be taken.
    Stuck(Duration),
    /// Nothing that only comes after the answer of the other side came for so long.
    Unanswered(Duration),
    /// So few bytes of contents in so long a time.
    Crawl(u64, Duration),
    /// The destination's file system has only so many bytes left.
    DiskLow(u64),
}

/// What became of processes that a child has left behind with its output in their hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// They were in its group, and were ended.
    Ended,
    /// They have left its group (`setsid`), and live on; what they write is lost.
    Away,
}

impl Left {
    /// Behind the name of the command: what became of them, and how that is avoided.
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

/// Listens to a child.
pub(super) trait LineHandler {
    /// A line, without its end. What people should see of it is appended to `out`, as whole lines.
    fn line(&mut self, stream: Stream, line: &[u8], out: &mut Vec<u8>);

    /// The child has ended by itself, and others still held what it speaks through.
    fn left(&mut self, _others: Left) {}

    /// The beginning of a line that may go on. It comes again, with more behind it or as a whole.
    fn begun(&mut self, _stream: Stream, _beginning: &[u8]) {}

    /// How far the child is, by what it has said.
    fn signs(&self) -> Signs {
        Signs::default()
    }
}

/// Runs a child to its end, through everything that can happen to it.
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
    let mut rest_until = Instant::now();
    let mut left: Option<bool> = None;

    while status.is_none() || stdout.is_open() || stderr.is_open() || pending.is_some() {
        let free = pending.is_none();
        // A reader that is slow is not a child that has stalled.
        watchdog.deaf(!free);
        watchdog.noted(handler.signs());
        let begun = Instant::now();
        let rests = status.is_none() && Instant::now() < rest_until;
        tokio::select! {
            () = stdout.ready(), if free && !rests => {
                watchdog.heard();
                let heard = stdout.read(job_events, handler);
                pending = heard.event;
                if heard.length < LITTLE && stdout.is_open() {
                    stdout.rest();
                    rest_until = Instant::now() + REST;
                } else {
                    // Whoever writes without a pause leaves the others their turn after each reading, not after the runtime's budget of them.
                    yield_now().await;
                }
                if status.is_some() { drain_until = Instant::now() + DRAIN; }
            }
            () = stderr.ready(), if free => {
                watchdog.heard();
                pending = stderr.read(job_events, handler).event;
                yield_now().await;
                if status.is_some() { drain_until = Instant::now() + DRAIN; }
            }
            () = sleep_until(rest_until), if rests => {}
            () = input.passed_on(), if input.is_open() => {}
            permit = job_events.events.reserve(), if !free => {
                watchdog.heard();
                if let (Ok(permit), Some(event)) = (permit, pending.take()) { permit.send(event); }
                // Not the time for which a slow reader of ours kept us waiting.
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
            // Waiting for a slow reader of ours has no limit of its own, unless we are stopping.
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
        // Whoever was told to end may have left others behind, who were told as well.
        tokio::select! {
            () = group.is_empty() => {}
            () = sleep_until(kill_at) => {}
            () = stop.hard() => {}
        }
        group.signal(Signal::KILL);
        // A killed process is gone only when it next gets a processor. Other systems cannot tell who is left of a group.
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
