//! How jobs and runs end. A failed job is data, not an error of ours.

use crate::model::event::Phase;
use crate::model::exit_code::ExitCode;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How one job ended, with all its attempts.
#[derive(Debug, Clone)]
pub struct SyncResult {
    /// Name of the job.
    pub job: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// Every attempt that was made, in order; empty if none was.
    pub attempts: Vec<Attempt>,
    /// When the job got its slot; when it was decided, for one that never got any.
    pub started: Timestamp,
    /// From then to the end, hooks and back-off included; zero for one that never started.
    pub duration: Duration,
    /// From the start of the run until the job got its slot.
    pub queued: Duration,
    /// What was moved.
    pub figures: Figures,
    /// The source of the last attempt.
    pub source: Option<String>,
    /// `Some` exactly when that is not the first source of the job.
    pub fallback: Option<Fallback>,
    /// Its log; `None` if there is none, or it could not be written.
    pub log: Option<PathBuf>,
    /// The alerts that it set off, a sentence each.
    pub alerts: Vec<String>,
    /// What its hooks did that somebody should look at, though it changes nothing of how the job ended, a sentence each.
    pub warnings: Vec<String>,
    /// The command line that brings back what was deleted or replaced; `None` if nothing of it was kept.
    pub undo: Option<String>,
}

/// That another source than the first was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The first source, in the order in which they were tried.
    pub first: String,
    /// Why it was left: the error of the last attempt at it.
    pub why: String,
}

/// What a job moved, or in a dry run would have moved. `None` is unknown, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Regular files whose contents were transferred.
    pub files_transferred: Option<u64>,
    /// Files (not directories) that were removed from the destination.
    pub files_deleted: Option<u64>,
    /// Bytes that came over the connection.
    pub bytes_received: Option<u64>,
    /// Files (not directories) that the source holds, after `exclude`.
    pub total_files: Option<u64>,
    /// Their apparent size in bytes.
    pub total_bytes: Option<u64>,
}

/// How a job ended. Carries exactly what exists in that case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that was asked is done.
    Ok,
    /// The same, with something worth knowing (files vanished while they were read …).
    Warned(Reason),
    /// Something was left out.
    Partial(Reason),
    /// A guard refused; nothing was lost.
    Blocked(Reason),
    /// It could not be done.
    Failed(Reason),
    /// It was not tried.
    Skipped(Skip),
    /// It was ended before it was done, or before it began.
    Cancelled(Reason),
}

/// Why, in plain words, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A lower-case fragment: what was tried, on what, and why it failed.
    pub text: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// Why a job was not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// Another run holds the destination's lock; the text names it.
    Locked(String),
    /// A `before` hook ended with 75.
    Hook(String),
    /// An earlier job failed, and the run is to stop at the first failure.
    FailFast(String),
}

/// The logs of a run's jobs, for results that name them.
pub trait Logs: std::fmt::Debug + Send + Sync {
    /// The log of a job, begun now if it has not been yet; `None` if it cannot be written.
    fn of(&self, job: &str) -> Option<PathBuf>;
}

/// Where a job's log of a run is, below the directory of logs.
pub fn log_path(dir: &Path, job: &str, run: &str) -> PathBuf {
    dir.join(job).join(format!("{run}.log"))
}

/// One try of a job: up to three phases on one source.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// The source that it read.
    pub source: String,
    /// When it started.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// How long each phase took, in order.
    pub phases: Vec<(Phase, Duration)>,
    /// rsync's last exit code; `None` if it was ended by a signal or never ran.
    pub exit_code: Option<i32>,
    /// Why it failed; `None` if it did not.
    pub error: Option<Reason>,
}

/// The seven words for how a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// See [`Outcome::Ok`].
    Ok,
    /// See [`Outcome::Warned`].
    Warned,
    /// See [`Outcome::Partial`].
    Partial,
    /// See [`Outcome::Blocked`].
    Blocked,
    /// See [`Outcome::Failed`].
    Failed,
    /// See [`Outcome::Skipped`].
    Skipped,
    /// See [`Outcome::Cancelled`].
    Cancelled,
}

impl Fallback {
    /// What `attempts` tell of a job whose first source is `first`, as pairs of a source and its error.
    pub fn of<'a>(
        first: &str,
        attempts: impl DoubleEndedIterator<Item = (&'a str, Option<&'a str>)> + Clone,
    ) -> Option<Fallback> {
        let (last, _) = attempts.clone().next_back()?;
        if last == first {
            return None;
        }
        let why = attempts.rev().find(|(source, _)| *source == first).and_then(|(_, error)| error);
        Some(Fallback { first: first.into(), why: why.unwrap_or("it was not tried").into() })
    }
}

impl Attempt {
    /// Whether it came to a transfer.
    pub fn transferred(&self) -> bool {
        self.phases.iter().any(|(phase, _)| *phase == Phase::Transfer)
    }

    /// Its source and why it failed, as [`Fallback::of`] reads them.
    pub fn told(&self) -> (&str, Option<&str>) {
        (&self.source, self.error.as_ref().map(|reason| reason.text.as_str()))
    }
}

impl Status {
    /// As in JSON and in the environment of hooks.
    pub fn word(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warned => "warned",
            Status::Partial => "partial",
            Status::Blocked => "blocked",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
            Status::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

impl Reason {
    /// A reason without a hint.
    pub fn new(text: impl Into<String>) -> Self {
        Reason { text: text.into(), hint: None }
    }

    /// The same with more to it.
    pub fn and(mut self, more: &str) -> Self {
        self.text = format!("{}; {more}", self.text);
        self
    }

    /// The same with what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Skip {
    /// Why, in plain words.
    pub fn text(&self) -> &str {
        match self {
            Skip::Locked(text) | Skip::Hook(text) | Skip::FailFast(text) => text,
        }
    }
}

impl Outcome {
    /// The word for it.
    pub fn status(&self) -> Status {
        match self {
            Outcome::Ok => Status::Ok,
            Outcome::Warned(_) => Status::Warned,
            Outcome::Partial(_) => Status::Partial,
            Outcome::Blocked(_) => Status::Blocked,
            Outcome::Failed(_) => Status::Failed,
            Outcome::Skipped(_) => Status::Skipped,
            Outcome::Cancelled(_) => Status::Cancelled,
        }
    }

    /// Why, in plain words; `None` for a plain success.
    pub fn error(&self) -> Option<&str> {
        match self {
            Outcome::Ok => None,
            Outcome::Skipped(skip) => Some(skip.text()),
            Outcome::Warned(r)
            | Outcome::Partial(r)
            | Outcome::Blocked(r)
            | Outcome::Failed(r)
            | Outcome::Cancelled(r) => Some(&r.text),
        }
    }

    /// What to do next, where there is something.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Outcome::Ok | Outcome::Skipped(_) => None,
            Outcome::Warned(r)
            | Outcome::Partial(r)
            | Outcome::Blocked(r)
            | Outcome::Failed(r)
            | Outcome::Cancelled(r) => r.hint.as_deref(),
        }
    }

    /// The hint in other words.
    pub fn map_hint(&mut self, words: impl FnOnce(&str) -> String) {
        if let Outcome::Warned(r)
        | Outcome::Partial(r)
        | Outcome::Blocked(r)
        | Outcome::Failed(r)
        | Outcome::Cancelled(r) = self
        {
            r.hint = r.hint.as_deref().map(words);
        }
    }

    /// What it contributes to the exit code of the run.
    pub fn exit(&self) -> ExitCode {
        match self {
            Outcome::Ok | Outcome::Warned(_) => ExitCode::Done,
            Outcome::Skipped(Skip::Hook(_) | Skip::FailFast(_)) => ExitCode::Done,
            Outcome::Skipped(Skip::Locked(_)) => ExitCode::Locked,
            Outcome::Partial(_) => ExitCode::Partial,
            Outcome::Blocked(_) => ExitCode::Blocked,
            Outcome::Failed(_) | Outcome::Cancelled(_) => ExitCode::Failed,
        }
    }
}

impl SyncResult {
    /// The word for how it ended.
    pub fn status(&self) -> Status {
        self.outcome.status()
    }

    /// The exit code of the last attempt's rsync.
    pub fn exit_code(&self) -> Option<i32> {
        self.attempts.last().and_then(|a| a.exit_code)
    }

    /// Whether anything in the destination was changed; `None` if that is not known.
    pub fn changed(&self) -> Option<bool> {
        let figures = [self.figures.files_transferred, self.figures.files_deleted];
        if figures.iter().any(|f| f.is_some_and(|n| n > 0)) {
            return Some(true);
        }
        figures.iter().all(Option::is_some).then_some(false)
    }
}

/// How a run ended: a fold over its results.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The run's id.
    pub run: String,
    /// One result for every job that was asked for, in the order in which they were asked for.
    pub results: Vec<Arc<SyncResult>>,
    /// From the start of the run to its end.
    pub duration: Duration,
    /// The signal that ended it, by number.
    pub signal: Option<i32>,
    /// What the run leaves behind less than usual: no history, no log. The jobs are none the worse for it.
    pub warnings: Vec<String>,
    /// Output that was asked for and could not be written: the run counts as failed.
    pub unwritten: Vec<String>,
}

impl Summary {
    /// How many ended so.
    pub fn count(&self, status: Status) -> usize {
        self.results.iter().filter(|r| r.status() == status).count()
    }

    /// How many did all that was asked, with or without a warning.
    pub fn success(&self) -> usize {
        self.count(Status::Ok) + self.count(Status::Warned)
    }

    /// The exit code of the run.
    pub fn exit(&self) -> ExitCode {
        let mut start = self.signal.map_or(ExitCode::Done, ExitCode::Signal);
        if !self.unwritten.is_empty() {
            start = start.worst(ExitCode::Failed);
        }
        self.results.iter().map(|r| r.outcome.exit()).fold(start, ExitCode::worst)
    }

    /// The mean duration of the jobs that started; `None` if none did.
    pub fn average(&self) -> Option<Duration> {
        let started: Vec<_> = self.results.iter().filter(|r| !r.duration.is_zero()).collect();
        let sum: Duration = started.iter().map(|r| r.duration).sum();
        (!started.is_empty()).then(|| sum / started.len() as u32)
    }
}
