//! A job as the rest of the program knows it: every value resolved, every path absolute, every name checked.

mod limit;
mod options;
mod scheduling;
mod source;

pub use limit::{MaxDelete, MaxEntries, MaxOlder};
pub use scheduling::{Adopt, CachePolicy, IoPriority, Priority, SourceOrder};
pub use source::{Address, Source, SourceError, mask_passwords, names_a_host};

pub(crate) use options::job_options;

use crate::model::hint;
use options::declare_job;
use std::path::PathBuf;
use std::time::Duration;

/// Variables of the environment that hold secrets for rsync: no hook and no command of a notification gets them.
pub const FOR_RSYNC_ONLY: [&str; 1] = ["RSYNC_PASSWORD"];

job_options!(declare_job {
    /// One named transfer: what to mirror, whence, whereto, and under which guards.
    #[derive(Debug, Clone, PartialEq, Eq)]
    {
        /// Name as in `[jobs.NAME]`: letters, digits, `-`, `_`, `.`; unique.
        pub name: String,
        /// At least one; tried in turn.
        pub sources: Vec<Source>,
        /// Absolute; need not exist yet.
        pub dest: PathBuf,
        /// Lets a source without a single file pass the guard.
        pub allow_empty_source: bool,
        /// Lets any number of older files pass the guard.
        pub allow_older: bool,
        /// Takes the mirror over again, whatever is known of it.
        pub adopt_again: bool,
        /// Further rsync options, checked by [`crate::rsync::args`].
        pub rsync_args: Vec<String>,
        /// Those of them, at their end, that the command line gives. Messages tell by them where an option comes from.
        pub typed_args: Vec<String>,
        /// Where the password for daemons is; absolute.
        pub password_file: Option<PathBuf>,
        /// What can be searched.
        pub index: Indexing,
        /// Why it cannot be run, if the configuration makes a mistake about it alone.
        pub unfit: Option<JobProblem>,
    }
});

/// A mistake of the configuration that concerns one job: that fails when it is run, and the others run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProblem {
    /// A lower-case fragment: what is wrong.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether it is not known where its destination is: `dest` only shows what was written.
    pub nowhere: bool,
    /// Whether it is not known where one of its sources is: that only shows what was written.
    pub sourceless: bool,
}

/// The base options that a job starts from; the order of strength is built-in < preset < `[defaults]` < job < command line.
/// No preset turns deletion on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Contents, links, permissions and times, as wwPDB's own script does it (`-rlpt`).
    #[default]
    Mirror,
    /// `mirror`, and changed files are compared by checksum.
    Safe,
    /// `mirror` with whole files instead of deltas, which gzip files do not profit from.
    Fast,
    /// Contents and file times only, for file systems without permissions or links (exFAT, SMB).
    Minimal,
    /// `mirror`, gently: limited bandwidth, more retries, at most 2.5 % of the files deleted.
    Conservative,
}

/// What of a mirror is indexed for search, and when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indexing {
    /// Whether `index --all` and `--tag` mean it.
    pub enabled: bool,
    /// Whether it is indexed after a sync that changed it.
    pub after_sync: bool,
    /// Globs of paths below the mirror; empty: all.
    pub include: Vec<String>,
    /// Globs of those that are left out.
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
    /// What is run: program and arguments.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Hook::Shell(line) => vec!["sh".into(), "-c".into(), line.clone()],
            Hook::Argv(argv) => argv.clone(),
        }
    }
}

impl Job {
    /// Its destination; `None` if the configuration makes a mistake about it.
    pub fn known_dest(&self) -> Option<&std::path::Path> {
        let nowhere = self.unfit.as_ref().is_some_and(|unfit| unfit.nowhere);
        (!nowhere).then_some(self.dest.as_path())
    }

    /// Whether it is known where its sources and its destination are.
    pub fn is_located(&self) -> bool {
        self.unfit.as_ref().is_none_or(|unfit| !unfit.nowhere && !unfit.sourceless)
    }

    /// How the kernel treats its children.
    pub fn child_priority(&self) -> Priority {
        Priority { nice: self.nice, io: self.ionice }
    }

    /// The hosts that its sources live on, for display: `rsync.rcsb.org:33444`, or `local`.
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
