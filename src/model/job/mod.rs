//! A job as the rest of the program knows it: every value resolved, every path absolute, every name checked.

mod limit;
mod scheduling;
mod source;

pub use limit::{MaxDelete, MaxEntries, MaxOlder};
pub use scheduling::{Adopt, CachePolicy, IoPriority, Priority, SourceOrder};
pub use source::{Address, Source, SourceError, mask_passwords, names_a_host};

use crate::model::hint;
use std::path::PathBuf;
use std::time::Duration;

/// Variables of the environment that hold secrets for rsync: no hook and no command of a notification gets them.
pub const FOR_RSYNC_ONLY: [&str; 1] = ["RSYNC_PASSWORD"];

/// One named transfer: what to mirror, whence, whereto, and under which guards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Name as in `[jobs.NAME]`: letters, digits, `-`, `_`, `.`; unique.
    pub name: String,
    /// What people read in `list`; may be empty.
    pub description: String,
    /// For `--tag`.
    pub tags: Vec<String>,
    /// Whether `--all` and `--tag` select it.
    pub enabled: bool,
    /// Higher starts first.
    pub priority: i64,
    /// At least one; tried in turn.
    pub sources: Vec<Source>,
    /// In which order they are tried.
    pub source_order: SourceOrder,
    /// Absolute; need not exist yet.
    pub dest: PathBuf,
    /// The base set of rsync options.
    pub preset: Preset,
    /// Whether files that the source no longer has are removed from `dest`.
    pub delete: bool,
    /// How long what a run removes or replaces is kept for `clean undo`; `None`: not at all.
    pub keep_deleted: Option<Duration>,
    /// How many files may be deleted in one run.
    pub max_delete: MaxDelete,
    /// Lets a source without a single file pass the guard.
    pub allow_empty_source: bool,
    /// How many files of the usual source may be older than the mirror's.
    pub max_older: MaxOlder,
    /// Lets any number of older files pass the guard.
    pub allow_older: bool,
    /// How a mirror that somebody else made is taken over.
    pub adopt: Adopt,
    /// Takes the mirror over again, whatever is known of it.
    pub adopt_again: bool,
    /// Bytes that must stay free on the destination's file system.
    pub min_free: Option<u64>,
    /// rsync patterns that are transferred in spite of `exclude`.
    pub include: Vec<String>,
    /// rsync patterns that are neither transferred nor deleted.
    pub exclude: Vec<String>,
    /// Bytes per second; `None` is unlimited.
    pub bwlimit: Option<u64>,
    /// rsync `--compress`.
    pub compress: bool,
    /// rsync `--checksum`.
    pub checksum: bool,
    /// rsync's incremental recursion: less memory, many more round trips.
    pub inc_recursive: bool,
    /// Further rsync options, checked by [`crate::rsync::args`].
    pub rsync_args: Vec<String>,
    /// Those of them, at their end, that the command line gives. Messages tell by them where an option comes from.
    pub typed_args: Vec<String>,
    /// Where the password for daemons is; absolute.
    pub password_file: Option<PathBuf>,
    /// How often a source is tried again after a passing failure.
    pub retries: u32,
    /// Upper bound of the first back-off; doubles with every try.
    pub retry_delay: Duration,
    /// The same for a server that says that it is full.
    pub busy_delay: Duration,
    /// Wall clock of one attempt.
    pub timeout: Option<Duration>,
    /// No byte and no line for so long: the transfer is ended as stalled.
    pub stall: Option<Duration>,
    /// Bytes per second: less than that over `stall`, while contents come, and the transfer is ended as a crawl.
    pub min_rate: Option<u64>,
    /// How long connecting to a daemon may take.
    pub connect_timeout: Duration,
    /// How the kernel treats its children.
    pub child_priority: Priority,
    /// What becomes of the page cache that it fills.
    pub cache: CachePolicy,
    /// What runs around the transfer.
    pub hooks: Hooks,
    /// What can be searched.
    pub index: Indexing,
    /// Why it cannot be run, if the configuration makes a mistake about it alone.
    pub unfit: Option<JobProblem>,
}

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

/// Commands around the transfer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hooks {
    /// Before the first attempt: exit 75 skips the job, other failures fail it.
    pub before: Vec<Hook>,
    /// After the job ended `ok` or `warned`.
    pub after: Vec<Hook>,
    /// After the job ended `failed`, `partial` or `blocked`.
    pub on_failure: Vec<Hook>,
    /// Wall clock of one hook.
    pub timeout: Duration,
}

/// One command of [`Hooks`].
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

#[cfg(test)]
impl Job {
    /// A job for tests: no guards beyond the defaults, no waiting.
    pub(crate) fn example(name: &str, source: &str, dest: impl Into<PathBuf>) -> Job {
        Job {
            name: name.into(),
            description: String::new(),
            tags: vec![],
            enabled: true,
            priority: 0,
            sources: vec![Source::parse(source, std::path::Path::new("/base")).unwrap()],
            source_order: SourceOrder::Given,
            dest: dest.into(),
            preset: Preset::Mirror,
            delete: false,
            keep_deleted: None,
            max_delete: MaxDelete::Default,
            allow_empty_source: false,
            max_older: MaxOlder::Default,
            allow_older: false,
            adopt: Adopt::SizeTime,
            adopt_again: false,
            min_free: None,
            include: vec![],
            exclude: vec![],
            bwlimit: None,
            compress: false,
            checksum: false,
            inc_recursive: false,
            rsync_args: vec![],
            typed_args: vec![],
            password_file: None,
            retries: 0,
            retry_delay: Duration::ZERO,
            busy_delay: Duration::ZERO,
            timeout: None,
            stall: Some(Duration::from_secs(60)),
            min_rate: Some(1_000),
            connect_timeout: Duration::from_secs(10),
            child_priority: Priority::default(),
            cache: CachePolicy::Keep,
            hooks: Hooks { timeout: Duration::from_secs(60), ..Hooks::default() },
            index: Indexing { enabled: true, ..Indexing::default() },
            unfit: None,
        }
    }
}
