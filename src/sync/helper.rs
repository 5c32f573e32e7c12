//! Runs helper commands to their end or to a time limit: notifications, and the trials and queries of `doctor`.
//!
//! Like children of a job, each has its own process group and pipes, which end with it.

use super::child::{Cause, CommandSpec, End, Left, LineHandler};
use super::job_events::JobEvents;
use super::process;
use super::stop::Stop;
use super::watchdog::Watchdog;
use crate::model::event::Stream;
use crate::model::job::Priority;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// Bytes of output kept from the beginning, and the same from the end.
const KEPT: usize = 256 * 1024;

/// The command to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Helper<'a> {
    /// Program and arguments; no shell is involved.
    pub(crate) argv: &'a [String],
    /// Variables added to our own environment.
    pub(crate) env: &'a [(OsString, OsString)],
    /// Variables removed from it.
    pub(crate) without: &'a [&'a str],
    /// Its standard input, which it need not read. `None`: empty.
    pub(crate) input: Option<&'a [u8]>,
    /// The time limit.
    pub(crate) limit: Duration,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct HelperOutcome {
    /// The exit code, or the number of a signal that we did not send.
    pub(crate) end: Result<i32, i32>,
    /// The lines of standard output, joined. Invalid UTF-8 is replaced; the middle of more than half a megabyte is left out.
    pub(crate) stdout: String,
    /// The lines of standard error, with the same limits.
    pub(crate) stderr: Vec<String>,
    /// Time from start to end.
    pub(crate) took: Duration,
    /// What happened to processes that it left behind and that held its output, as text to follow its name; `None` if there were none.
    pub(crate) left: Option<String>,
}

impl HelperOutcome {
    /// The exit code; `None` if it was ended by a signal.
    pub(crate) fn code(&self) -> Option<i32> {
        self.end.ok()
    }

    /// The status as text, as in "did not succeed: exit status 3".
    pub(crate) fn status(&self) -> String {
        match self.end {
            Ok(code) => format!("exit status {code}"),
            Err(number) => format!("ended by {}", super::signal::name(number)),
        }
    }
}

/// Runs the command. Needs a runtime with signals whose thread lives as long as the command. Returns an error of kind `TimedOut` if the
/// limit was reached; its process group has then been ended.
pub(crate) async fn run(helper: Helper<'_>) -> io::Result<HelperOutcome> {
    let Helper { argv, env, without, input, limit } = helper;
    let begun = Instant::now();
    let priority = Priority::default();
    let spec = CommandSpec { argv, env, without, priority, grace: GRACE, input, supervised: true };
    // These events have no listener.
    let (events, _) = mpsc::channel(1);
    let (progress, _) = watch::channel(None);
    let job_events = JobEvents { job: "".into(), part: None, events, progress, stop: Stop::default() };
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

/// The error for a process that SIGKILL does not end.
pub(super) fn held(pid: i32) -> io::Error {
    io::Error::other(format!(
        "process {pid} cannot be ended: it waits in the kernel, as on a file system that does not answer"
    ))
}

/// Collects the output of a command.
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

/// The first and the last lines of a stream of any length.
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
