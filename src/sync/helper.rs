//! Commands that help us, run to their end or to a limit: notifications, trials and questions of `doctor`.
//!
//! The same as children of a job: a process group and pipes of their own, all of which ends with them.

use super::buffers::Buffers;
use super::job_events::JobEvents;
use super::process::{self, Cause, CommandSpec, End, Left, LineHandler};
use super::stop::Stop;
use super::watchdog::Watchdog;
use crate::model::event::Stream;
use crate::model::job::Priority;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// Of what a command prints so many bytes are kept from the beginning, and as many from the end.
const KEPT: usize = 256 * 1024;

/// What to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Helper<'a> {
    /// Program and arguments; no shell in between.
    pub(crate) argv: &'a [String],
    /// Added to our own environment.
    pub(crate) env: &'a [(OsString, OsString)],
    /// Taken from it.
    pub(crate) without: &'a [&'a str],
    /// What it finds on its standard input; it need not read it.
    pub(crate) input: Option<&'a [u8]>,
    /// How long it may take.
    pub(crate) limit: Duration,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct HelperOutcome {
    /// By itself with this exit code, or by a signal of this number that was not ours.
    pub(crate) end: Result<i32, i32>,
    /// Lines, joined; without the middle of more than half a megabyte. What is not UTF-8 is replaced.
    pub(crate) stdout: String,
    /// The same, line by line.
    pub(crate) stderr: Vec<String>,
    /// From start to end.
    pub(crate) took: Duration,
    /// What became of processes that it has left behind with its output in their hands, behind its name; `None` if it left none.
    pub(crate) left: Option<String>,
}

impl HelperOutcome {
    /// The exit code, if it ended by itself.
    pub(crate) fn code(&self) -> Option<i32> {
        self.end.ok()
    }

    /// As in "did not succeed: exit status 3".
    pub(crate) fn status(&self) -> String {
        match self.end {
            Ok(code) => format!("exit status {code}"),
            Err(number) => format!("ended by {}", super::signal::name(number)),
        }
    }
}

/// Runs it. Needs a runtime with signals, whose thread lives as long as the command. An error of kind `TimedOut` is one that did not end
/// in time; nobody of its process group is left.
pub(crate) async fn run(helper: Helper<'_>) -> io::Result<HelperOutcome> {
    let Helper { argv, env, without, input, limit } = helper;
    let begun = Instant::now();
    let priority = Priority::default();
    let spec = CommandSpec { argv, env, without, priority, grace: GRACE, input, supervised: true };
    // Nobody hears of it but we.
    let (events, _) = mpsc::channel(1);
    let (progress, _) = watch::channel(None);
    let job_events =
        JobEvents { job: "".into(), events, progress, stop: Stop::default(), buffers: Buffers::default() };
    let mut said = HelperOutput::default();
    let end = match process::run(&spec, &job_events, Watchdog::new(Some(limit), None), &mut said).await? {
        End::Exited(code) => Ok(code),
        End::Signalled(number) => Err(number),
        End::Ended(Cause::Timeout(_)) => return Err(io::ErrorKind::TimedOut.into()),
        End::Held(pid) => return Err(held(pid)),
        End::Ended(_) => return Err(io::ErrorKind::Interrupted.into()),
    };
    let HelperOutput { stdout, stderr, left } = said;
    let (stdout, stderr) = (stdout.text(), stderr.lines().collect());
    Ok(HelperOutcome { end, stdout, stderr, took: begun.elapsed(), left: left.map(Left::text) })
}

/// A process that a SIGKILL does not end.
pub(super) fn held(pid: i32) -> io::Error {
    io::Error::other(format!(
        "process {pid} cannot be ended: it waits in the kernel, as on a file system that does not answer"
    ))
}

/// Keeps what a command says.
#[derive(Default)]
struct HelperOutput {
    stdout: BoundedOutput,
    stderr: BoundedOutput,
    left: Option<Left>,
}

impl LineHandler for HelperOutput {
    fn line(&mut self, stream: Stream, line: &[u8], _out: &mut Vec<u8>) {
        match stream {
            Stream::Stdout => self.stdout.push(line),
            Stream::Stderr => self.stderr.push(line),
        }
    }

    fn left(&mut self, others: Left) {
        self.left = Some(others);
    }
}

/// The first and the last lines of a stream without an end.
#[derive(Default)]
struct BoundedOutput {
    first: Vec<Vec<u8>>,
    last: VecDeque<Vec<u8>>,
    room: [usize; 2],
}

impl BoundedOutput {
    fn push(&mut self, line: &[u8]) {
        let size = line.len() + 1;
        if self.last.is_empty() && self.room[0] + size <= KEPT {
            self.room[0] += size;
            return self.first.push(line.to_vec());
        }
        self.room[1] += size;
        self.last.push_back(line.to_vec());
        while self.room[1] > KEPT
            && let Some(oldest) = self.last.pop_front()
        {
            self.room[1] -= oldest.len() + 1;
        }
    }

    fn lines(self) -> impl Iterator<Item = String> {
        self.first.into_iter().chain(self.last).map(|line| String::from_utf8_lossy(&line).into_owned())
    }

    fn text(self) -> String {
        self.lines().fold(String::new(), |text, line| text + &line + "\n")
    }
}

#[cfg(test)]
#[path = "helper_tests.rs"]
mod tests;
