//! A child: how it is started, how its output is handled, and how it ends.

use crate::model::event::Stream;
use crate::model::job::Priority;
use rustix::process::Pid;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::time::Duration;

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

/// Gives up a controlling terminal for the calling process. Returns whether that succeeded.
pub(super) type GiveUp<'a> = &'a dyn Fn(&OwnedFd) -> bool;

/// A running child. The owner must wait for it.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: Pid,
    /// The writing end of standard input; `None` if there is no input.
    pub(super) stdin: Option<OwnedFd>,
    /// The reading ends.
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
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
                "left processes running that hold its output; they keep running, and their output is lost"
            }
        };
        format!(
            "{what} (to keep a process running, start it as `setsid COMMAND >/dev/null 2>&1 </dev/null &`)"
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

/// The child's state, as far as its output shows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs {
    /// Whether it has printed anything that only comes after the other side has answered.
    pub(super) answered: bool,
    /// Whether contents are expected from there.
    pub(super) contents: bool,
    /// Bytes of contents so far.
    pub(super) bytes: u64,
}
