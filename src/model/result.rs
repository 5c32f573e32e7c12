//! Results of jobs and runs. A failed job is data, not an `Err`.

use crate::model::exit_code::ExitCode;
use crate::model::part::PartResult;
use crate::model::pdb::EntryId;
use crate::model::phase::Phase;
use crate::model::run_scope::RunScope;
use crate::model::wire;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The result of one job, with all its attempts. Its form in JSON is that of its [record](crate::model::record::JobRecord).
#[derive(Debug, Clone)]
pub struct SyncResult {
    /// ID of the run.
    pub run: String,
    /// What the command line limited the run to; `None` for a run of the whole job.
    pub scope: Option<RunScope>,
    /// Whether it was a dry run: nothing was changed, and the figures are those of a real run.
    pub dry_run: bool,
    /// Name of the job.
    pub job: Arc<str>,
    /// How it ended.
    pub outcome: Outcome,
    /// All attempts, in order; empty if there was none.
    pub attempts: Vec<Attempt>,
    /// When the job got its slot; for a job that got none, when its result was decided.
    pub started: Timestamp,
    /// Time from `started` to the end, including hooks and back-off; zero for a job that did not start.
    pub duration: Duration,
    /// From the start of the run until the job got its slot.
    pub queued: Duration,
    /// What was transferred and deleted.
    pub figures: Figures,
    /// The source of the last attempt.
    pub source: Option<String>,
    /// `Some` exactly if `source` is not the first source of the job.
    pub fallback: Option<Fallback>,
    /// Path of the log; `None` if there is none, or it could not be written.
    pub log: Option<PathBuf>,
    /// The alerts that the job triggered, one sentence each.
    pub alerts: Vec<String>,
    /// Problems with hooks that do not change the outcome of the job, one sentence each.
    pub warnings: Vec<String>,
    /// The command line that restores what was deleted or replaced; `None` if nothing was kept.
    pub undo: Option<String>,
    /// How many connections the job had at the same time, at most; 0 if it had none.
    pub connections: u32,
    /// The parts of its transfers, in order.
    pub parts: Vec<PartResult>,
    /// The entries of the list of the job without a file at the source; `None` for a job without a list, or if unknown.
    pub missing_ids: Option<Vec<EntryId>>,
}

/// The job used another source than its first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// The first source, in the order of the attempts.
    pub first: String,
    /// Why it was given up: the error of its last attempt.
    pub why: String,
}

/// What a job transferred and deleted, or would have in a dry run. `None` is unknown, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Figures {
    /// Regular files whose contents were transferred.
    pub files_transferred: Option<u64>,
    /// Entries (not directories) deleted from the destination.
    pub files_deleted: Option<u64>,
    /// Bytes received over the connection.
    pub bytes_received: Option<u64>,
    /// Entries (not directories) in the source, after `exclude`.
    pub total_files: Option<u64>,
    /// Their apparent size in bytes.
    pub total_bytes: Option<u64>,
    /// Compressed files that were read to their end after they came; `None` if none had to be.
    pub files_verified: Option<u64>,
    /// Files that came damaged, or that could not be checked, and are so at the end; `None` if none had to be checked.
    pub files_damaged: Option<u64>,
}

/// How a job ended. Each variant has exactly the data that exist in that case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything requested is done.
    Ok,
    /// Like `Ok`, with a warning (such as files that vanished during the transfer).
    Warned(Reason),
    /// Something was left out.
    Partial(Reason),
    /// A guard refused; nothing was lost.
    Blocked(Reason),
    /// The job failed.
    Failed(Reason),
    /// The job was not started.
    Skipped(Skip),
    /// The job was stopped before its end or before its start.
    Cancelled(Reason),
}

/// The reason for an outcome, in plain words, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A lower-case fragment: what was attempted, on what, and why it failed.
    pub text: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// Why a job was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// Another run holds the destination's lock; the text names it.
    Locked(String),
    /// A `before` hook exited with 75.
    Hook(String),
    /// An earlier job failed, and the run stops at the first failure.
    FailFast(String),
    /// A job that this one needs did not succeed.
    Needs(String),
}

/// The log files of a run's jobs, for results that contain their paths.
pub trait Logs: std::fmt::Debug + Send + Sync {
    /// Returns the path of a job's log, which is created now if it does not exist yet; `None` if it cannot be written.
    fn of(&self, job: &str) -> Option<PathBuf>;
}

/// Returns the path of a job's log for a run, below the log directory.
pub fn log_path(dir: &Path, job: &str, run: &str) -> PathBuf {
    dir.join(job).join(format!("{run}.log"))
}

/// One attempt of a job: the phases on one source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attempt {
    /// Number of the attempt, from 1.
    #[serde(rename = "attempt")]
    pub number: u32,
    /// The source that it read.
    pub source: String,
    /// When it started.
    #[serde(serialize_with = "wire::time")]
    pub started: Timestamp,
    /// How long it took.
    #[serde(rename = "duration_s", serialize_with = "wire::seconds")]
    pub duration: Duration,
    /// How long each phase took, in order.
    #[serde(serialize_with = "wire::phases")]
    pub phases: Vec<(Phase, Duration)>,
    /// rsync's last exit code; `None` if a signal ended rsync or it did not run.
    pub exit_code: Option<i32>,
    /// Why it failed; `None` if it succeeded.
    #[serde(serialize_with = "text_of")]
    pub error: Option<Reason>,
}

/// Writes the text of a reason, without its hint.
fn text_of<S: Serializer>(reason: &Option<Reason>, serializer: S) -> Result<S::Ok, S::Error> {
    reason.as_ref().map(|reason| &reason.text).serialize(serializer)
}

/// The seven statuses of a job, without data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
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
    /// Returns the fallback of a job whose first source is `first`. `attempts` are pairs of a source and its error.
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
    /// Whether the attempt reached the transfer.
    pub fn transferred(&self) -> bool {
        self.phases.iter().any(|(phase, _)| *phase == Phase::Transfer)
    }

    /// Returns the source and the error, as arguments for [`Fallback::of`].
    pub fn told(&self) -> (&str, Option<&str>) {
        (&self.source, self.error.as_ref().map(|reason| reason.text.as_str()))
    }
}

impl Status {
    /// Returns the name used in JSON and in the environment of hooks.
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
    /// Creates a reason without a hint.
    pub fn new(text: impl Into<String>) -> Self {
        Reason { text: text.into(), hint: None }
    }

    /// Appends to the text.
    pub fn and(mut self, more: &str) -> Self {
        self.text = format!("{}; {more}", self.text);
        self
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Skip {
    /// Returns the text of the reason.
    pub fn text(&self) -> &str {
        match self {
            Skip::Locked(text) | Skip::Hook(text) | Skip::FailFast(text) | Skip::Needs(text) => text,
        }
    }
}

impl Outcome {
    /// Returns the status.
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

    /// Returns the reason in plain words; `None` for a success without a warning.
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

    /// Returns the hint, if there is one.
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

    /// Replaces the hint by the result of `words`.
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

    /// Returns the exit code for this outcome.
    pub fn exit(&self) -> ExitCode {
        match self {
            Outcome::Ok | Outcome::Warned(_) => ExitCode::Done,
            Outcome::Skipped(Skip::Hook(_) | Skip::FailFast(_) | Skip::Needs(_)) => ExitCode::Done,
            Outcome::Skipped(Skip::Locked(_)) => ExitCode::Locked,
            Outcome::Partial(_) => ExitCode::Partial,
            Outcome::Blocked(_) => ExitCode::Blocked,
            Outcome::Failed(_) | Outcome::Cancelled(_) => ExitCode::Failed,
        }
    }
}

impl SyncResult {
    /// Returns the status.
    pub fn status(&self) -> Status {
        self.outcome.status()
    }

    /// Returns rsync's exit code of the last attempt.
    pub fn exit_code(&self) -> Option<i32> {
        self.attempts.last().and_then(|a| a.exit_code)
    }

    /// Whether its marker showed that nothing was new.
    pub fn is_by_marker(&self) -> bool {
        Phase::only_marker(self.attempts.iter().flat_map(|attempt| &attempt.phases).map(|(phase, _)| *phase))
    }

    /// Whether anything at the destination was changed; `None` if unknown.
    pub fn changed(&self) -> Option<bool> {
        if self.dry_run { Some(false) } else { self.figures.changed() }
    }
}

impl Figures {
    /// Whether these figures tell of a change; `None` if unknown.
    pub fn changed(&self) -> Option<bool> {
        let figures = [self.files_transferred, self.files_deleted];
        if figures.iter().any(|f| f.is_some_and(|n| n > 0)) {
            return Some(true);
        }
        figures.iter().all(Option::is_some).then_some(false)
    }
}
