//! What happens during a run, each told once; the terminal, JSON, log files and the history only listen.
//!
//! Facts are never lost and keep their order; [`Event::Progress`] is the exception: the latest wins.

use crate::model::result::{Summary, SyncResult};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// An event and when it happened.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// When it was sent, by the wall clock.
    pub time: Timestamp,
    /// What happened.
    pub event: Event,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The first event of a run.
    RunStarted {
        /// The run's id (a ULID).
        run: String,
        /// Names of the jobs that were asked for, in starting order.
        jobs: Vec<String>,
        /// At most so many at a time.
        parallel: usize,
        /// Whether nothing will be changed.
        dry_run: bool,
    },
    /// An attempt starts.
    JobStarted {
        /// Name of the job.
        job: Arc<str>,
        /// From 1.
        attempt: u32,
        /// The source that this attempt reads.
        source: String,
        /// The first command that the attempt runs.
        argv: Vec<String>,
    },
    /// An attempt, or what surrounds it, enters its next part.
    Phase {
        /// Name of the job.
        job: Arc<str>,
        /// From 1; 0 outside of attempts (hooks).
        attempt: u32,
        /// Which.
        phase: Phase,
        /// The command, where it is one of its own.
        argv: Vec<String>,
    },
    /// Lines that a child of a job printed, or that we say in the job's name.
    Output {
        /// Name of the job.
        job: Arc<str>,
        /// Where the child printed them.
        stream: Stream,
        /// One or more whole lines.
        lines: Lines,
    },
    /// What a run with `--plan` would change.
    Planned {
        /// Name of the job.
        job: Arc<str>,
        /// What would be new.
        created: Tally,
        /// What would be replaced or get other attributes.
        updated: Tally,
        /// What would be removed.
        deleted: Tally,
        /// How many files may be removed; `None` for a job that never deletes.
        limit: Option<u64>,
        /// What is removed by the next run only, since this one takes the destination over.
        waiting: Tally,
        /// Names that would be spelt as the source does, on a destination that folds names.
        respelt: u64,
        /// What the filters leave out of the source; `None` if that could not be told.
        left_out: Option<Tally>,
    },
    /// What the first run of a job found at a destination that holds files already.
    Adopted {
        /// Name of the job.
        job: Arc<str>,
        /// What was found.
        found: Found,
    },
    /// How far a running transfer is.
    Progress {
        /// Name of the job.
        job: Arc<str>,
        /// How far.
        progress: Progress,
    },
    /// An attempt failed and another will follow.
    Retry {
        /// Name of the job.
        job: Arc<str>,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// rsync's exit code; `None` if it was ended by a signal or never ran.
        exit_code: Option<i32>,
        /// Why, in plain words.
        reason: String,
        /// How long until the next attempt.
        delay: Duration,
        /// The source that the next attempt reads.
        source: String,
    },
    /// Something that people should know, apart from any child's output.
    Notice {
        /// Name of the job that it is about.
        job: Option<Arc<str>>,
        /// How much it matters.
        level: Level,
        /// One line.
        text: String,
    },
    /// A job has its result. Exactly one for every job that was asked for.
    JobFinished(Arc<SyncResult>),
    /// The last event of a run.
    RunFinished(Arc<Summary>),
}

/// So many entries, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Tally {
    /// Files, links and other entries that are no directories.
    pub files: u64,
    /// Directories.
    pub dirs: u64,
    /// Apparent size of the files; `None` if it could not be told.
    pub bytes: Option<u64>,
}

/// A destination that somebody else has filled, compared with the source. Counts are of files, links and other entries that are no directories.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Where.
    pub dest: PathBuf,
    /// The same by size and time; `None` if rsync did not say how many files the source holds.
    pub same: Option<u64>,
    /// The same by size, with another time.
    pub same_size: u64,
    /// Of another size, or links to something else.
    pub different: u64,
    /// At the source only.
    pub missing: u64,
    /// At the destination only; `None` for a job that does not delete, since it does not look for them.
    pub foreign: Option<Tally>,
    /// Of another size, and older at the source.
    pub older: u64,
    /// Whether those of the same size are compared by checksum, and not fetched again.
    pub checksum: bool,
    /// Why the destination is taken over.
    pub why: Takeover,
}

/// Why a run takes over what a destination holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Takeover {
    /// It is the first run of the job there.
    #[default]
    First,
    /// The job knew the destination before; somebody has asked for it.
    Again,
    /// The directory is another one than in the last run: not mounted, exchanged, or made anew.
    OtherDirectory,
}

impl Takeover {
    /// A word for machines.
    pub fn word(self) -> &'static str {
        match self {
            Takeover::First => "first-run",
            Takeover::Again => "asked",
            Takeover::OtherDirectory => "other-directory",
        }
    }
}

impl Tally {
    /// One entry more, of so many bytes if it is a file.
    pub fn count(&mut self, dir: bool, bytes: u64) {
        if dir {
            self.dirs += 1;
        } else {
            self.files += 1;
            self.bytes = self.bytes.map(|sum| sum.saturating_add(bytes));
        }
    }

    /// One entry less.
    pub fn discount(&mut self, dir: bool, bytes: u64) {
        if dir {
            self.dirs = self.dirs.saturating_sub(1);
        } else {
            self.files = self.files.saturating_sub(1);
            self.bytes = self.bytes.map(|sum| sum.saturating_sub(bytes));
        }
    }
}

/// The parts of a job's work, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The `before` hooks.
    Before,
    /// A dry run that counts what would be deleted.
    List,
    /// The transfer proper; it never deletes.
    Transfer,
    /// Removal of exactly what was counted.
    Delete,
    /// The `after` or `on_failure` hooks.
    After,
}

impl Phase {
    /// As in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Before => "before",
            Phase::List => "list",
            Phase::Transfer => "transfer",
            Phase::Delete => "delete",
            Phase::After => "after",
        }
    }
}

/// Which of a child's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Shown with `-v`.
    Debug,
    /// Shown unless `-q`.
    Info,
    /// Always shown; something is not as it should be.
    Warning,
    /// Always shown.
    Error,
}

/// One or more lines as bytes, each ended by `\n` (added where the child left it out). No `\r`, no other framing; any
/// other byte may occur, for names on disk need not be UTF-8.
pub struct Lines {
    bytes: Vec<u8>,
    home: Option<Arc<dyn CursorHome>>,
}

/// Whoever lent the memory of lines takes it back when nobody needs them any more.
pub trait CursorHome: Send + Sync {
    /// What is in it does not matter.
    fn take_back(&self, memory: Vec<u8>);
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        String::from_utf8_lossy(&self.bytes).fmt(f)
    }
}

impl PartialEq for Lines {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Lines {}

/// A copy has memory of its own.
impl Clone for Lines {
    fn clone(&self) -> Self {
        Lines { bytes: self.bytes.clone(), home: None }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            home.take_back(std::mem::take(&mut self.bytes));
        }
    }
}

impl Lines {
    /// Takes whole lines; adds the last `\n` if it is missing.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        if bytes.last().is_some_and(|b| *b != b'\n') {
            bytes.push(b'\n');
        }
        Lines { bytes, home: None }
    }

    /// The same, in memory that goes back to `home` in the end.
    pub fn lent(bytes: Vec<u8>, home: Arc<dyn CursorHome>) -> Self {
        let mut lines = Lines::new(bytes);
        lines.home = Some(home);
        lines
    }

    /// All lines with their ends.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The lines without their ends.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let body = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let lines = (!self.bytes.is_empty()).then(|| body.split(|b| *b == b'\n'));
        lines.into_iter().flatten()
    }
}

/// How far a transfer is, as rsync's `--info=progress2` and the file list tell it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Bytes of files transferred so far in this attempt.
    pub bytes: u64,
    /// 0 to 100; never falls within an attempt; `None` until rsync has said one.
    pub percent: Option<f64>,
    /// Files transferred so far in this attempt.
    pub files: Option<u64>,
    /// Bytes per second over the last seconds.
    pub rate: Option<f64>,
    /// Until the end, as estimated by rsync.
    pub eta: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole() {
        let lines = |text: &str| Lines::new(text.into()).iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(lines("a\nb"), [b"a", b"b"]);
        assert_eq!(lines("a\n\n"), [b"a".to_vec(), b"".to_vec()]);
        assert_eq!(lines("\n"), [b""]);
        assert!(lines("").is_empty());
    }
}
