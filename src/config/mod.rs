//! Turns TOML into jobs. Pure: files, environment and mounts are passed in.
//!
//! TEXT → [`Draft`] (every key known, every value of its type) → merged [`Layer`]s → [`Job`]s (every path absolute, every destination
//! checked). All problems are collected; no problem hides another.

mod alerts;
mod clean;
mod dests;
mod draft;
#[cfg(test)]
mod example;
mod guard;
mod index;
mod job_paths;
mod job_problems;
mod layer;
mod lists;
mod notify;
mod passwords;
mod paths;
mod patterns;
mod preset;
mod problem;
mod resolve;
mod scheduling;
mod schema;
mod select;
mod self_copy;
mod show;
mod suggestion;
#[cfg(test)]
pub(crate) mod tests;
mod trailing_slash;
mod units;
mod value;

use crate::model::host_facts::HostFacts;
pub use alerts::{Bound, Slower, StatsSettings};
pub use clean::{CleanMode, CleanRules, CleanSettings};
pub use draft::{Draft, DraftJob, check_name};
pub use index::Indexed;
pub use layer::{
    AlertFilled, AlertLayer, CleanFilled, CleanLayer, Given, HostFilled, HostLayer, IndexFilled, IndexLayer,
    Key, Layer, NotifyFilled, NotifyLayer, Origin, ScanFilled, ScanLayer, Settings, Span, StatsFilled,
    StatsLayer, SyncFilled, SyncLayer,
};
pub use lists::{Globs, HookList, RsyncArgs, Sources};
pub use notify::{Addressee, NotifySettings, Occasion, Url};
pub use paths::{PathError, escape, expand, local, normalise};
pub use preset::{layer as preset_layer, name as preset_name};
pub use problem::{Place, Problem, Problems, decode};
pub use scheduling::{Concurrency, Nice};
pub use schema::schema;
pub use select::{ADD_A_JOB, SelectError, is_path, select, tagged};
pub use show::show;
pub use suggestion::nearest;
pub(crate) use units::bytes_text;
pub use units::{Pause, Period, Rate, Size, TimeLimit};
pub use value::{Parallel, Retries, Within};

use crate::model::job::Job;
use problem::Text;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A configuration with all values resolved and checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// The file that it was read from; `None` if there was none.
    pub file: Option<PathBuf>,
    /// `[sync]`
    pub sync: SyncSettings,
    /// `[hosts."NAME"] connections`, by lower-case host name.
    pub hosts: BTreeMap<String, usize>,
    /// `[stats]`
    pub stats: StatsSettings,
    /// `[notify]`
    pub notify: NotifySettings,
    /// The jobs in the order of the file.
    pub jobs: Vec<Job>,
    /// Values that are suspicious but allowed.
    pub warnings: Vec<Problem>,
    /// Errors in single jobs, which fail when they are run ([`Job::unfit`], [`crate::rsync::args::unfit`]), or in the notifications.
    /// Everything else can be used.
    pub unfit: Vec<Problem>,
    /// Values that are probably unintended. `config check` reports them, a run does not.
    pub advice: Vec<Problem>,
    /// Values that are usually intended but may be surprising. `config check` reports them.
    pub notes: Vec<Problem>,
    /// `[index]`
    pub index: IndexSettings,
    /// `[scan]`
    pub scan: ScanSettings,
    /// `[clean]`
    pub clean: CleanSettings,
    /// Every value with its origin.
    pub given: Sections,
}

/// All values with their origins: the file, the command line, or built in. Paths are as configured.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sections {
    /// `[sync]`
    pub sync: SyncFilled,
    /// `[stats]`
    pub stats: StatsFilled,
    /// `[[stats.alerts]]`
    pub alerts: Vec<AlertLayer>,
    /// `[notify]`
    pub notify: NotifyFilled,
    /// `[index]`
    pub index: IndexFilled,
    /// `[scan]`
    pub scan: ScanFilled,
    /// `[clean]`
    pub clean: CleanFilled,
    /// `[hosts."NAME"]`
    pub hosts: BTreeMap<String, HostLayer>,
    /// The values of each job, by job name.
    pub jobs: BTreeMap<String, Settings>,
}

/// `[sync]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncSettings {
    /// Maximum number of jobs that run at the same time, 1..=100.
    pub parallel: usize,
    /// Whether fewer jobs run while the machine is busy (`parallel = "auto"`).
    pub auto: bool,
    /// Whether the run stops at the first failure.
    pub fail_fast: bool,
    /// Time between SIGTERM and SIGKILL for children.
    pub grace: Duration,
    /// Number of log files kept for each job.
    pub log_keep: usize,
    /// The rsync program: a name to look up in `PATH`, or a path.
    pub rsync: String,
}

impl Default for SyncSettings {
    fn default() -> Self {
        let sync = SyncFilled::default();
        SyncSettings::of(&sync, sync.rsync.value.clone())
    }
}

impl SyncSettings {
    fn of(sync: &SyncFilled, rsync: String) -> Self {
        SyncSettings {
            parallel: match sync.parallel.value {
                Concurrency::Fixed(n) => n.into(),
                Concurrency::Auto => sync.parallel_max.value.into(),
            },
            auto: sync.parallel.value == Concurrency::Auto,
            fail_fast: sync.fail_fast.value,
            grace: sync.grace.value.0,
            log_keep: sync.log_keep.value.into(),
            rsync,
        }
    }
}

/// `[index]`, with defaults filled in. The settings for files and `after_sync` are in each [`Job`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSettings {
    /// Number of threads that read files; 0: one per core.
    pub threads: usize,
    /// Memory limit of the index writer in bytes.
    pub memory: usize,
    /// Globs of files that are indexed; empty: all.
    pub include: Vec<String>,
    /// Globs of files that are not indexed.
    pub exclude: Vec<String>,
    /// Maximum number of bytes indexed of a text file; 0: only its name.
    pub text_limit: usize,
    /// Whether sequences can be searched.
    pub sequences: bool,
    /// Whether each record of a FASTA file is a document.
    pub fasta: bool,
}

impl Default for IndexSettings {
    fn default() -> Self {
        IndexSettings::from(IndexLayer::default().fill())
    }
}

impl From<IndexFilled> for IndexSettings {
    fn from(filled: IndexFilled) -> Self {
        let bytes = |size: Size| usize::try_from(size.0.unwrap_or(0)).unwrap_or(usize::MAX);
        IndexSettings {
            threads: filled.threads.value.into(),
            memory: bytes(filled.memory.value),
            include: filled.include.value.0,
            exclude: filled.exclude.value.0,
            text_limit: bytes(filled.text_limit.value),
            sequences: filled.sequences.value,
            fasta: filled.fasta.value,
        }
    }
}

/// `[scan]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanSettings {
    /// Number of threads; 0: automatic.
    pub threads: usize,
    /// Whether names that start with a dot are skipped.
    pub skip_hidden: bool,
    /// Patterns of entries that are skipped.
    pub exclude: Vec<String>,
}

impl From<ScanFilled> for ScanSettings {
    fn from(scan: ScanFilled) -> Self {
        ScanSettings {
            threads: scan.threads.value.into(),
            skip_hidden: scan.skip_hidden.value,
            exclude: scan.exclude.value.0,
        }
    }
}

/// Values from the command line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides {
    /// The names of the jobs that the values apply to; `None`: all.
    pub jobs: Option<Vec<String>>,
    /// Values for jobs. A relative `dest` is resolved against the working directory.
    pub layer: Layer,
    /// Values for `[sync]`.
    pub sync: SyncLayer,
    /// Whether the guard accepts a source without any file. A configuration file cannot set this, so that no mirror is emptied by default.
    pub allow_empty_source: bool,
    /// Whether the guard accepts any number of files that are older than those of the mirror. A configuration file cannot set this, for the
    /// same reason.
    pub allow_older: bool,
    /// Whether the mirrors are adopted again.
    pub adopt: bool,
    /// rsync options that are appended to those of the job.
    pub rsync_args: Vec<String>,
}

impl Overrides {
    fn applies_to(&self, job: &str) -> bool {
        self.jobs.as_ref().is_none_or(|jobs| jobs.iter().any(|name| name == job))
    }
}

/// Returns why nothing may be removed below this directory, under its path or its resolved path; `None` if removal is allowed. The working
/// directory itself is accepted if the user named it. The text is a lower-case fragment that follows the path.
pub fn danger(root: &Path, around: &HostFacts) -> Option<String> {
    let around = HostFacts { cwd: around.cwd.clone().filter(|cwd| cwd != root), ..around.clone() };
    [root.to_path_buf(), (around.resolve)(root)].iter().find_map(|path| guard::danger_of(path, &around))
}

/// Reads and checks a configuration. `file` is its name in messages; relative paths are resolved against its directory. Checks (such as for
/// dangerous destinations) apply to the values after the overrides. An `Err` has all problems of the file.
pub fn load(text: &str, file: &Path, over: &Overrides, around: &HostFacts) -> Result<Config, Problems> {
    let (draft, mut problems) = Draft::parse(text, file);
    let mut resolver = resolve::Resolver {
        text: Text { file, text },
        over,
        around,
        problems: Vec::new(),
        mistakes: Default::default(),
        disabled: false,
        advice: Vec::new(),
        notes: Vec::new(),
        backup_dir: None,
        placed: Vec::new(),
        names: Default::default(),
        folds: None,
    };
    let mut config = resolver.resolve(draft);
    config.advice = Problems::of(std::mem::take(&mut resolver.advice)).0;
    config.notes = Problems::of(std::mem::take(&mut resolver.notes)).0;
    let mut unfit = std::mem::take(&mut resolver.mistakes.problems);
    problems.append(&mut resolver.problems);
    if !problems.is_empty() {
        // With errors in the whole file, those in single jobs are reported too, so that all can be fixed at once.
        problems.append(&mut unfit);
        return Err(Problems::of(problems));
    }
    config.unfit = if unfit.is_empty() { unfit } else { Problems::of(unfit).0 };
    Ok(config)
}
