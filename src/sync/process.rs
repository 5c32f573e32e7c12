//! Runs children. This module and those it uses are the only ones that handle pids and process groups.
//!
//! Each child leads its own process group: signals reach the child and its descendants, and it has no terminal on which to ask for
//! passwords. It ends with SIGTERM, then a grace period during which its output is read, then SIGKILL; so does its whole group. If we are
//! killed, the kernel sends SIGTERM to the child, and [`super::supervisor`] ends its descendants.

use super::child::{Cause, CommandSpec, End, Left, LineHandler, Started};
use super::child_exit::ChildExits;
use super::group::Group;
use super::job_events::JobEvents;
use super::pipe::Pipe;
use super::spawn;
use super::supervisor::Supervisor;
use super::watchdog::Watchdog;
use crate::model::event::{Stamped, Stream};
use rustix::process::Signal;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::net::unix::pipe::Sender;
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

/// The standard input of a child, which need not read it: the writing end, and the bytes left to write.
struct Input<'a>(Option<(Sender, &'a [u8])>);

impl<'a> Input<'a> {
    fn new(end: Option<OwnedFd>, bytes: Option<&'a [u8]>) -> io::Result<Self> {
        let end = end.map(Sender::from_owned_fd).transpose()?;
        Ok(Input(end.zip(bytes)))
    }

    fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Writes as much as the pipe accepts. Closes it after the last byte, or if there is no reader any more.
    async fn passed_on(&mut self) {
        let Some((end, left)) = &mut self.0 else { return };
        let ready = end.writable().await;
        let written = ready.and_then(|()| end.try_write(left));
        match written {
            Ok(written) => *left = &left[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => *left = &[],
        }
        if left.is_empty() {
            self.0 = None;
        }
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
