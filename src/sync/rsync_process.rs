//! Runs one rsync, from its arguments to the verdict on its end.

use super::child::{Cause, CommandSpec, End, LineHandler, Signs};
use super::job_events::JobEvents;
use super::negotiation::Negotiation;
use super::process;
use super::transport::{Ended, OnChange, Ran, Request, Show};
use super::watchdog::Watchdog;
use crate::model::event::{Progress, Stream};
use crate::model::job::{Address, FOR_RSYNC_ONLY, Source};
use crate::model::result::Reason;
use crate::model::sanitize;
use crate::rsync::args::Purpose;
use crate::rsync::exit::{self, Class, LongNames, Peer, Verdict, judge_with_figures};
use crate::rsync::output::{Change, ChangeKind, Line, Reader};
use crate::rsync::version::INSTALL;
use memchr::memmem;
use std::path::Path;
use std::time::Duration;

/// How many lines of standard error are kept for the verdict: half of them the first, half the last.
const KEPT: usize = 40;
/// How much of each line is kept, in bytes: a path of 4096 bytes, partly escaped, and the message.
const KEPT_BYTES: usize = 8192;
/// How much of the errors of a tentative command is held back, in bytes.
const HELD_BYTES: usize = 64 * 1024;
/// In a line of progress: no file is left to check.
const LAST: &[u8] = b"to-chk=0/";

/// The rsync command to run.
pub(super) struct RsyncCommand<'a> {
    pub(super) argv: &'a [String],
    pub(super) request: Request<'a>,
    /// Whether an early end may only mean that another command is needed. Errors before the list of files are not shown, but
    /// returned.
    pub(super) tentative: bool,
    /// The minimum rate of the watchdog, for messages.
    pub(super) min_rate: Option<u64>,
    pub(super) watchdog: Watchdog,
    pub(super) grace: Duration,
}

/// Runs it, and also returns what was said of the connection. `changes` gets every itemized change, and returns whether it counts.
pub(super) async fn run(
    command: RsyncCommand<'_>,
    job_events: &JobEvents,
    changes: &mut OnChange<'_>,
) -> (Ran, Negotiation) {
    let RsyncCommand { argv, request, tentative, min_rate, watchdog, grace } = command;
    let Request { job, source, purpose, expected, show, .. } = request;
    let (dest, priority) = (&*job.dest, job.child_priority());
    let env = environment(argv, purpose);
    let mut handler = OutputParser {
        job_events,
        purpose,
        reader: Reader::new(purpose),
        show,
        optional: request.optional,
        missing: 0,
        changes,
        said: Tail::default(),
        long: LongNames::default(),
        printed: Vec::new(),
        negotiation: Negotiation::default(),
        tentative,
        progress: None,
        expected,
        signs: Signs::default(),
    };
    // Only an rsync that talks to a daemon gets the password. ssh, which rsync starts, does not need it.
    let without: &[&str] =
        if matches!(source.address, Address::Daemon { .. }) { &[] } else { &FOR_RSYNC_ONLY };
    let spec = CommandSpec { argv, env: &env, without, priority, grace, input: None, supervised: false };
    let end = process::run(&spec, job_events, watchdog, &mut handler).await;
    let (stats, mut progress) = (*handler.reader.stats(), handler.progress);
    let said: Vec<String> =
        handler.said.lines().iter().map(|line| handler.long.resolve(line).into_owned()).collect();
    let (printed, negotiation, missing_expected) =
        (handler.printed, handler.negotiation, handler.missing > 0);
    let talk = Peer {
        listed: request.listed,
        missing_expected,
        ..Peer::new(source, &job.rsync_args, |name| std::env::var(name).ok())
    };
    let judge = |code| Ended::Judged(judge_with_figures(code, &stats, &said, &printed, &talk));
    let (code, verdict) = match end {
        Ok(End::Exited(code)) => (Some(code), judge(Some(code))),
        Ok(End::Signalled(_)) => (None, judge(None)),
        Ok(End::Ended(Cause::Stopped)) => (None, Ended::Stopped),
        Ok(End::Held(pid)) => (None, failed(Class::Fatal, held(pid))),
        Ok(End::Ended(Cause::DiskLow(free))) => (None, Ended::DiskLow(free)),
        Ok(End::Ended(Cause::Timeout(limit))) => {
            (None, failed(Class::Retry, timed_out(job.timeout.unwrap_or(limit))))
        }
        Ok(End::Ended(Cause::Stalled(limit))) => (None, failed(Class::Retry, stalled(limit, source))),
        Ok(End::Ended(Cause::Stuck(limit))) => (None, failed(Class::Here, stuck(limit, source, dest))),
        Ok(End::Ended(Cause::Unanswered(limit))) => (None, failed(Class::Slow, unanswered(limit, source))),
        Ok(End::Ended(Cause::Crawl(bytes, window))) => {
            (None, failed(Class::Slow, crawled(bytes, window, min_rate.unwrap_or(0), source)))
        }
        Err(error) => (None, failed(Class::Fatal, not_started(&argv[0], &error))),
    };
    if let (Ended::Judged(Verdict::Ok), Some(last)) = (&verdict, &mut progress) {
        last.percent = last.percent.map(|_| 100.0);
        job_events.progress.send_replace(progress);
    }
    (Ran { code, verdict, stats, progress, unshown: Vec::new() }, negotiation)
}

fn failed(class: Class, reason: Reason) -> Ended {
    Ended::Judged(Verdict::Failed(class, reason))
}

fn timed_out(limit: Duration) -> Reason {
    let limit = crate::model::time::span(limit);
    Reason::new(format!("the attempt did not end within its timeout of {limit}"))
        .hint("files that arrived completely are kept, and the next attempt continues from there; raise timeout if the transfer needs more time")
}

fn stalled(limit: Duration, source: &Source) -> Reason {
    let limit = crate::model::time::span(limit);
    Reason::new(format!("stalled: no byte and no line from {} for {limit}", source.host_label()))
        .hint("the server or the network stopped sending; another source in the list would be tried next")
}

fn stuck(limit: Duration, source: &Source, dest: &Path) -> Reason {
    let limit = humantime::format_duration(limit);
    let text = format!(
        "stalled: rsync has not read what {} sent for {limit}; it waits, most likely for {}",
        source.host_label(),
        sanitize::path(&dest)
    );
    Reason::new(text).hint(
        "check that the disk of the destination answers and that rsync is not stopped; another source would not help",
    )
}

fn unanswered(limit: Duration, source: &Source) -> Reason {
    let limit = humantime::format_duration(limit);
    let text = format!(
        "{} sent something, but no answer within {limit} (connect_timeout + stall)",
        source.host_label()
    );
    Reason::new(text).hint("the negotiation or a message of the server may have no end; name another source, or raise stall if the server is only slow")
}

fn crawled(bytes: u64, window: Duration, rate: u64, source: &Source) -> Reason {
    let (window, rate) = (humantime::format_duration(window), crate::config::bytes_text(rate));
    let text = format!(
        "too slow: {bytes} bytes in {window} from {}, less than min_rate = {rate} a second",
        source.host_label()
    );
    Reason::new(text).hint("the next source in the list is tried at once; lower min_rate, or set it to \"0\", if this link is that slow")
}

/// The reason for an rsync that SIGKILL does not end. Another attempt would only leave another such process.
fn held(pid: i32) -> Reason {
    Reason::new(format!("rsync: {}", super::helper::held(pid)))
        .hint("does the file system of the destination, or of a local source, answer? `findmnt` shows where it comes from")
}

fn not_started(program: &str, error: &std::io::Error) -> Reason {
    let reason = |why: &str| Reason::new(format!("cannot run {program}: {why}"));
    match error.kind() {
        std::io::ErrorKind::NotFound if program.contains('/') && Path::new(program).exists() => {
            reason("it exists, but the interpreter or loader that it names does not")
                .hint("name another program by `rsync` in [sync]")
        }
        std::io::ErrorKind::NotFound => reason(&error.to_string()).hint(INSTALL),
        _ => reason(&error.to_string()).hint("name a program that this user may run by `rsync` in [sync]"),
    }
}

/// Variables for messages in English, and for a remote shell that fails instead of asking for a password.
fn environment(argv: &[String], purpose: Purpose) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let mut env = vec![("LC_ALL".into(), "C".into())];
    if purpose != Purpose::Transfer {
        // rsync prints the times of listed entries in local time.
        env.push(("TZ".into(), "UTC".into()));
    }
    let own_shell = argv.iter().any(|a| a == "-e" || a.starts_with("--rsh") || a.starts_with("-e"));
    if !own_shell && std::env::var_os("RSYNC_RSH").is_none() {
        env.push(("RSYNC_RSH".into(), "ssh -oBatchMode=yes".into()));
    }
    env
}

/// Parses the output of an rsync.
struct OutputParser<'a> {
    job_events: &'a JobEvents,
    purpose: Purpose,
    reader: Reader,
    show: Show,
    /// Whether the source need not have each of the given names.
    optional: bool,
    /// How many of these names it does not have.
    missing: u64,
    changes: &'a mut (dyn FnMut(&Change<'_>) -> bool + Send),
    said: Tail,
    /// Files whose names do not fit into the names of their temporary files.
    long: LongNames,
    /// Output that is neither a change nor progress, for the error of an rsync that ends without figures.
    printed: Vec<String>,
    negotiation: Negotiation,
    tentative: bool,
    progress: Option<Progress>,
    /// How many files bring contents; `None` if unknown.
    expected: Option<u64>,
    signs: Signs,
}

impl LineHandler for OutputParser<'_> {
    fn line(&mut self, stream: Stream, line: &[u8], out: &mut Vec<u8>) {
        if stream == Stream::Stderr {
            // In a transfer, an empty line comes before the first of them.
            if self.optional && (line.is_empty() || exit::reports_missing(line)) {
                self.missing += u64::from(!line.is_empty());
                return;
            }
            let follows = self.missing > 0 && self.said.first.is_empty() && exit::follows_missing(line);
            self.said.push(line);
            if !follows {
                let errors = &mut self.negotiation.errors;
                if self.tentative && !self.negotiation.over && errors.len() < HELD_BYTES {
                    pass_on(line, errors);
                } else {
                    out.append(errors);
                    pass_on(line, out);
                }
            }
            return;
        }
        if self.negotiation.takes(line) {
            return;
        }
        match self.reader.read(line) {
            Line::Progress(now) => self.advance(now, memmem::find(line, LAST).is_some()),
            Line::Change(change) => {
                let wanted = (self.changes)(&change);
                match self.show {
                    Show::Lines if wanted => itemize(line, &change, out),
                    Show::Changes { later } if wanted => describe(&change, later, out),
                    Show::Lines | Show::Changes { .. } | Show::Nothing => {}
                }
            }
            Line::Text(text) => {
                if self.names_a_file(text) {
                    self.signs.contents = true;
                    self.long.learn(text);
                }
                // rsync prints this error on standard output.
                if text.starts_with(b"IO error") {
                    self.said.push(text);
                } else if self.printed.len() < KEPT / 2 && !text.is_empty() {
                    self.printed.push(kept(text));
                }
                // Empty lines only separate the figures, which are part of the result.
                if self.show == Show::Lines && !text.is_empty() {
                    pass_on(text, out);
                }
            }
            Line::Stat => self.signs.contents = false,
        }
    }

    /// rsync prints `\r` before its progress, not after it. So the current progress is the unfinished line.
    fn begun(&mut self, stream: Stream, beginning: &[u8]) {
        if stream == Stream::Stdout
            && let Some(now) = self.reader.begun(beginning)
        {
            self.advance(now, memmem::find(beginning, LAST).is_some());
        }
    }

    fn signs(&self) -> Signs {
        Signs { answered: self.negotiation.answered, ..self.signs }
    }
}

impl OutputParser<'_> {
    /// Whether the line is the name of a file whose contents come next. Other lines are followed by progress or by the figures.
    fn names_a_file(&self, text: &[u8]) -> bool {
        let before = [&b"receiving "[..], b"created directory ", b"IO error"];
        self.purpose == Purpose::Transfer
            && !text.is_empty()
            && !text.ends_with(b"/")
            && !before.iter().any(|words| text.starts_with(words))
    }

    fn advance(&mut self, mut now: Progress, last: bool) {
        // The file count in brackets ends a file.
        let done = now.files.is_some_and(|files| last || self.expected.is_some_and(|all| files >= all));
        self.signs.contents = !done;
        self.signs.bytes = now.bytes.unwrap_or_default();
        // The last percent is left to the end of the process.
        now.percent = now.percent.map(|percent| percent.min(99.0));
        now.files = now.files.or(self.progress.and_then(|before| before.files));
        self.progress = Some(now);
        self.job_events.progress.send_replace(Some(now));
    }
}

/// Appends the line unchanged.
pub(super) fn pass_on(line: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(line);
    out.push(b'\n');
}

/// Appends rsync's own item and the name, without the fields that only we requested.
fn itemize(line: &[u8], change: &Change<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(&line[..line.len().min(12)]);
    out.extend_from_slice(change.name);
    out.extend_from_slice(if change.dir { b"/\n" } else { b"\n" });
}

/// Appends `create a/b`, with `/` after a directory. The name is as rsync escapes it.
fn describe(change: &Change<'_>, later: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(match change.kind {
        ChangeKind::Created => b"create ",
        ChangeKind::Updated | ChangeKind::Unchanged => b"update ",
        ChangeKind::Deleted if later => b"delete in the next run ",
        ChangeKind::Deleted => b"delete ",
    });
    out.extend_from_slice(change.name);
    out.extend_from_slice(if change.dir { b"/\n" } else { b"\n" });
}

fn kept(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(KEPT_BYTES)]).into_owned()
}

/// The first and the last lines of standard error.
#[derive(Debug, Default)]
struct Tail {
    first: Vec<String>,
    last: std::collections::VecDeque<String>,
}

impl Tail {
    fn push(&mut self, line: &[u8]) {
        let text = kept(line);
        let reports = |line: &String| exit::reports_left_out(line.as_bytes());
        // One line that turns the exit code 0 into an error is kept in any case.
        if self.first.len() < KEPT / 2 || reports(&text) && !self.first.iter().any(reports) {
            return self.first.push(text);
        }
        if self.last.len() == KEPT / 2 {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }

    fn lines(self) -> Vec<String> {
        self.first.into_iter().chain(self.last).collect()
    }
}
