//! The meaning of rsync's exit codes, together with standard error.
//!
//! The code alone is ambiguous (5 is an unknown module, a failed login and a full server), and with a remote shell even the code itself
//! depends on which side fails first. So known messages decide, and the code is used only without one.

mod class;
mod intermediary;
mod left_out;
mod long_names;
mod messages;
mod peer;

use super::output::Stats;
use crate::model::hint::quoted;
use crate::model::job::{Address, Source};
use crate::model::result::Reason;
use crate::model::sanitize;
pub use class::Class;
pub use left_out::CHECK_RIGHTS;
use left_out::LeftOut;
pub use long_names::LongNames;
pub use peer::Peer;
use std::borrow::Cow;

/// The verdict on a finished run of rsync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Exit code 0.
    Ok,
    /// 24: files vanished during the transfer. One immediate rerun, then a warning.
    Vanished(Reason),
    /// Some files were left out; everything else is done.
    Partial(Reason),
    /// It failed; [`Class`] tells how to continue.
    Failed(Class, Reason),
}

/// The reason for a daemon that cannot be reached, with a hint for known ports; `how` completes "connecting to HOST …". `rsync_args`: the
/// options of the job.
pub fn unreachable(source: &Source, rsync_args: &[String], how: &str) -> Reason {
    messages::unreachable(source, rsync_args, how)
}

/// Judges a finished rsync by its exit code (`None`: ended by a signal) and the last lines of its standard error.
///
/// Success is exit code 0 only, and not if a line tells that a file was left out ([`reports_left_out`]).
pub fn judge<'a>(code: Option<i32>, stderr: &[String], talk: impl Into<Peer<'a>>) -> Verdict {
    let talk = &talk.into();
    let lines: Vec<String> = stderr.iter().map(|line| as_told(line)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    let Some(code) = code else { return ended_by_signal(None) };
    match code {
        0 if stderr.iter().any(|line| reports_left_out(line.as_bytes())) => Verdict::Partial(partial(&lines)),
        0 => Verdict::Ok,
        24 => Verdict::Vanished(vanished(&lines)),
        // A shell between us and rsync reports a signal as 128 and above; ssh's 255 is no signal.
        19 | 20 | 129..=159 => ended_by_signal(Some(code)),
        23 if talk.missing_expected && lines.iter().all(|line| left_out::follows_missing(line)) => {
            Verdict::Ok
        }
        _ => match messages::known(&lines, talk) {
            Some((class, reason)) => Verdict::Failed(class, reason),
            None if code == 23 && talk.listed && left_out::only_missing(&lines) => {
                Verdict::Vanished(vanished(&lines))
            }
            None if code == 23 => Verdict::Partial(partial(&lines)),
            None => {
                let (class, reason) = by_code(code, &lines, talk);
                Verdict::Failed(class, reason)
            }
        },
    }
}

/// Whether a line of standard error reports a name that the source does not have.
pub fn reports_missing(line: &[u8]) -> bool {
    let ends = line.trim_ascii_end().ends_with(b"failed: No such file or directory (2)");
    ends && line.starts_with(b"rsync: ") && memchr::memmem::find(line, b"link_stat \"").is_some()
}

/// Whether a line of standard error reports a file that was transferred and then discarded, or not put in its place. rsync's exit code is 0 all the
/// same, and it counts the file as transferred. Its other messages about files that it leaves out come with the exit code 23.
pub fn reports_left_out(line: &[u8]) -> bool {
    let line = String::from_utf8_lossy(line);
    let backup = ["] keep_backup failed: ", "] backup lstat ", "] backup mkdir "];
    left_out::not_kept(&line).is_some()
        || line.starts_with("backup filename too long")
        || line.starts_with("rsync: ") && backup.iter().any(|text| line.contains(text))
}

/// Whether a line of standard error only says that names were missing ([`reports_missing`]).
pub fn follows_missing(line: &[u8]) -> bool {
    left_out::follows_missing(&as_told(&String::from_utf8_lossy(line)))
}

/// Like [`judge`], for an rsync that was to transfer or to list: without its own figures it has done neither, whatever its exit code.
/// `stdout` is its other output.
pub fn judge_with_figures(
    code: Option<i32>,
    stats: &Stats,
    stderr: &[String],
    stdout: &[String],
    talk: &Peer<'_>,
) -> Verdict {
    match judge(code, stderr, talk.clone()) {
        Verdict::Ok | Verdict::Vanished(_) | Verdict::Partial(_) if !stats.is_complete() => {
            Verdict::Failed(Class::NextSource, silent(code, stderr, stdout, talk))
        }
        verdict => verdict,
    }
}

fn silent(code: Option<i32>, stderr: &[String], stdout: &[String], talk: &Peer<'_>) -> Reason {
    let source = talk.source;
    let host = source.host_label();
    let code = code.map_or(String::new(), |code| format!(" (exit code {code})"));
    let mut text = format!(
        "{host} closed the session before anything was listed: rsync ended{code} without its figures"
    );
    let words = stderr.iter().chain(stdout).map(|line| as_told(line)).rfind(|line| !line.is_empty());
    if let Some(words) = words {
        text.push_str(&format!("; it said: {words}"));
    }
    Reason::new(text).hint(match source.address {
        Address::Daemon { .. } => format!(
            "the server may be shutting down, or a front end answers in its place: `rsync {}` shows the answer",
            quoted(&source.text)
        ),
        _ if talk.rsync_args.is_empty() => format!("is it another program? `pdb-sync doctor` tries it; {}", super::version::INSTALL),
        _ => "does an option in rsync_args keep rsync silent, or is it another program? `pdb-sync doctor` tries it".to_owned(),
    })
}

/// Returns a line of rsync with names in the form that all our messages use.
fn as_told(line: &str) -> String {
    String::from_utf8_lossy(&sanitize::rsync(line.trim().as_bytes())).into_owned()
}

/// `code`: rsync's exit code if it has caught the signal, or that of a shell in between.
fn ended_by_signal(code: Option<i32>) -> Verdict {
    let reason = match code {
        // Out of memory, the system sends SIGKILL, which cannot be caught.
        Some(20 | 129 | 130 | 143) => {
            Reason::new("rsync, here or at the source, was interrupted by SIGINT, SIGTERM or SIGHUP, which pdb-sync did not send")
                .hint("look for what ends processes here or at the source: a user, a script, or a time limit")
        }
        _ => Reason::new("rsync was ended by a signal that pdb-sync did not send")
            .hint("if it happens again, look for the out-of-memory killer in the system log (`dmesg`)"),
    };
    Verdict::Failed(Class::Signalled, reason)
}

fn vanished(lines: &[&str]) -> Reason {
    let names: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let vanished = line.split_once("file has vanished: ").map(|(_, rest)| rest.trim_matches('"'));
            vanished.map(Cow::from).or_else(|| left_out::missing(line))
        })
        .collect();
    let mut text = "files vanished from the source while they were read".to_owned();
    if !names.is_empty() {
        text.push_str(&format!(": {}", left_out::shown(&names)));
    }
    Reason::new(text).hint("normal while the source is being updated; the next run settles it")
}

fn partial(lines: &[&str]) -> Reason {
    let left_out = LeftOut::read(lines);
    let reason = Reason::new(left_out.text());
    match left_out.hint() {
        Some(hint) => reason.hint(hint),
        None => reason.hint("rsync's own messages name each of them"),
    }
}

/// The meaning of the exit code alone, if no message is known.
fn by_code(code: i32, lines: &[&str], talk: &Peer<'_>) -> (Class, Reason) {
    let source = talk.source;
    let host = source.host_label();
    let told = messages::last_words(lines);
    let because = |text: &str| match told {
        Some(told) => Reason::new(format!("{text}: {told}")),
        None => Reason::new(text),
    };
    match code {
        1 => (
            Class::Fatal,
            because("rsync did not accept its arguments").hint(match talk.rsync_args {
                [] => {
                    "`pdb-sync doctor` checks this rsync; `pdb-sync sync --print-command` shows the whole command"
                }
                _ => "check `rsync_args`; `pdb-sync sync --print-command` shows the whole command",
            }),
        ),
        2 => (
            Class::NextSource,
            because("the two rsyncs do not understand each other")
                .hint("over ssh, the remote account must print nothing when it logs in without a terminal"),
        ),
        3 => (Class::Fatal, because("rsync could not use the source or the destination as they are")),
        4 => (Class::NextSource, because(&format!("the rsync at {host} does not support what was asked"))),
        5 => (Class::Retry, because(&format!("{host} ended the session before it began"))),
        10 => (Class::Retry, because(&format!("the connection to {host} failed"))),
        11 => (Class::Fatal, because("rsync could not read or write a file")),
        12 => (
            Class::Retry,
            because(&format!("the connection to {host} was lost"))
                .hint("what was transferred is kept, and the next attempt continues from there"),
        ),
        22 => (
            Class::Fatal,
            because("rsync ran out of memory")
                .hint("set `inc_recursive = true` for a tree of many millions of files"),
        ),
        25 => (Class::Fatal, because("rsync stopped at a deletion limit that was not set here")),
        30 => (
            Class::Retry,
            because(&format!("{host} stopped sending during the transfer"))
                .hint("what was transferred is kept; `stall` sets how long a transfer may be silent"),
        ),
        35 => match &talk.proxy {
            Some(proxy) => (
                Class::Retry,
                Reason::new(format!("connecting to {host} through the proxy {proxy} took too long"))
                    .hint("RSYNC_PROXY names it: does it answer? unset it to reach the server without a proxy"),
            ),
            None => (Class::Retry, messages::unreachable(source, talk.rsync_args, "took too long")),
        },
        126 | 127 if talk.by_shell() => (
            Class::NextSource,
            because(&format!("no rsync could be started at {host}"))
                .hint("install rsync there, or name it: `rsync_args = [\"--rsync-path=/path/to/rsync\"]`"),
        ),
        126 | 127 => {
            (Class::Fatal, because("rsync could not be started").hint("is rsync installed, and in PATH?"))
        }
        255 => (
            Class::Retry,
            because(&format!("the remote shell to {host} failed"))
                .hint(format!("try it by hand: `{}`", talk.login(""))),
        ),
        6 | 13 | 14 | 15 | 16 | 21 => (Class::Once, because(&format!("rsync ended with code {code}"))),
        _ => (Class::Once, because(&format!("rsync ended with code {code}, which is not one of its own"))),
    }
}

#[cfg(test)]
mod tests;
