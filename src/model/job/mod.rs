//! Jobs, resolved: every value is set, every path is absolute, every name is checked.

mod exit_codes;
mod limit;
mod marker;
mod options;
mod scheduling;
mod source;

pub use exit_codes::ExitCodes;
pub use limit::{MaxDelete, MaxEntries, MaxOlder};
pub use marker::Marker;
pub use scheduling::{A_HOST, Adopt, CachePolicy, Connections, IoPriority, Priority, SourceOrder};
pub use source::{Address, Source, SourceError, mask_passwords, names_a_host};

pub(crate) use options::job_options;

use crate::model::entry_ids::EntryIds;
use crate::model::hint;
use options::declare_job;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Environment variables with secrets for rsync. Hooks and notification commands do not get them.
pub const FOR_RSYNC_ONLY: [&str; 1] = ["RSYNC_PASSWORD"];

job_options!(declare_job {
    /// One named transfer: what to mirror, from where, to where, and with which guards.
    #[derive(Debug, Clone, PartialEq, Eq)]
    {
        /// Name as in `[jobs.NAME]`: letters, digits, `-`, `_`, `.`; unique.
        pub name: String,
        /// The sources, at least one; they are tried in turn.
        pub sources: Vec<Source>,
        /// The destination; absolute. It need not exist.
        pub dest: PathBuf,
        /// Whether the guard accepts a source without any file.
        pub allow_empty_source: bool,
        /// Whether the guard accepts any number of older files.
        pub allow_older: bool,
        /// Whether to adopt the destination again, even if it is known.
        pub adopt_again: bool,
        /// Further rsync options, checked by [`crate::rsync::args`].
        pub rsync_args: Vec<String>,
        /// The last of these options, which come from the command line. Messages use this to name the origin of an option.
        pub typed_args: Vec<String>,
        /// The file with the password for daemons; absolute.
        pub password_file: Option<PathBuf>,
        /// The entries that the job is limited to; `None`: everything of the source.
        pub only: Option<OnlyEntries>,
        /// What is indexed for search.
        pub index: Indexing,
        /// Why the job cannot be run, if the configuration has an error in this job only.
        pub unfit: Option<JobProblem>,
    }
});

/// A configuration error in one job: this job fails when it is run, the others are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProblem {
    /// A lower-case fragment: what is wrong.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether the destination is unknown: `dest` then only has the configured text.
    pub nowhere: bool,
    /// Whether a source is unknown: it then only has the configured text.
    pub sourceless: bool,
}

/// The base options that a job starts from; the order of strength is built-in < preset < `[defaults]` < job < command line.
/// No preset turns deletion on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Contents, links, permissions and times (`-rlpt`), as in the script of the wwPDB.
    #[default]
    Mirror,
    /// `mirror`, but compares files by checksum, and retries more often.
    Safe,
    /// `mirror`, but transfers whole files; deltas save little with gzip files.
    Fast,
    /// Contents and file times only, for file systems without permissions or links (exFAT, SMB).
    Minimal,
    /// `mirror`, but with at most 5 MB per second, more retries, and at most 2.5 % of the files deleted per run.
    Conservative,
}

/// The entries that a job is limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlyEntries {
    /// Their IDs.
    pub ids: Arc<EntryIds>,
    /// Whether they are those of `--ids`, for a single run: it deletes nothing, and later runs do not know of it.
    pub typed: bool,
    /// Whether the job would delete without `--ids`.
    pub not_deleting: bool,
}

/// What is indexed of a mirror, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indexing {
    /// Whether `index --all` and `--tag` include it.
    pub enabled: bool,
    /// Whether it is indexed after each sync that changed it.
    pub after_sync: bool,
    /// Globs of paths below the mirror that are indexed; empty: all.
    pub include: Vec<String>,
    /// Globs of paths that are not indexed.
    pub exclude: Vec<String>,
}

/// A command before or after the transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// A line for `sh -c`.
    Shell(String),
    /// A program and its arguments, run without a shell; never empty.
    Argv(Vec<String>),
}

impl Hook {
    /// Returns the program and its arguments.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Hook::Shell(line) => vec!["sh".into(), "-c".into(), line.clone()],
            Hook::Argv(argv) => argv.clone(),
        }
    }
}

impl Job {
    /// Returns the destination; `None` if it is unknown because of a configuration error.
    pub fn known_dest(&self) -> Option<&std::path::Path> {
        let nowhere = self.unfit.as_ref().is_some_and(|unfit| unfit.nowhere);
        (!nowhere).then_some(self.dest.as_path())
    }

    /// Whether the destination and all sources are known.
    pub fn is_located(&self) -> bool {
        self.unfit.as_ref().is_none_or(|unfit| !unfit.nowhere && !unfit.sourceless)
    }

    /// Returns the scheduling priority of the job's children.
    pub fn child_priority(&self) -> Priority {
        Priority { nice: self.nice, io: self.ionice }
    }

    /// Returns the hosts of the sources, for display: `rsync.rcsb.org:33444`, or `local`.
    pub fn hosts(&self) -> Vec<String> {
        self.sources.iter().map(|s| s.host_label()).collect()
    }
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Hook::Shell(line) => write!(f, "`{line}`"),
            Hook::Argv(argv) => write!(f, "`{}`", hint::joined(argv)),
        }
    }
}
