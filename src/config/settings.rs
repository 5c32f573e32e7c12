//! A configuration with all values resolved and checked, and the values from the command line.

use super::clean::CleanSettings;
use super::clean_layer::CleanFilled;
use super::layer::{
    AlertLayer, HostLayer, IndexFilled, IndexLayer, Layer, MirrorLayer, NotifyFilled, NotifyLayer,
    ScanFilled, SearchFilled, SearchLayer, Settings, StatsFilled, StatsLayer, SyncFilled, SyncLayer,
};
use super::notify::{Occasion, Url};
use super::problem::Problem;
use super::scheduling::Concurrency;
use super::units::Size;
use crate::history::stats::Alert;
use crate::mirrors::Catalogue;
use crate::model::bandwidth::Bandwidth;
use crate::model::entry_ids::EntryIds;
use crate::model::job::{Hook, Job};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A configuration with all values resolved and checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// The file that it was read from; `None` if there was none.
    pub file: Option<PathBuf>,
    /// The files that it includes.
    pub included: Vec<PathBuf>,
    /// `[sync]`
    pub sync: SyncSettings,
    /// `[hosts."NAME"] connections`, by lower-case host name.
    pub hosts: BTreeMap<String, usize>,
    /// The known archives, with the addresses of `[mirrors]`.
    pub mirrors: Catalogue,
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
    /// `[search]`
    pub search: SearchSettings,
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
    /// `[search]`
    pub search: SearchFilled,
    /// `[scan]`
    pub scan: ScanFilled,
    /// `[clean]`
    pub clean: CleanFilled,
    /// `[hosts."NAME"]`
    pub hosts: BTreeMap<String, HostLayer>,
    /// `[mirrors.NAME]`, with absolute local paths.
    pub mirrors: BTreeMap<String, MirrorLayer>,
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
    /// Maximum delay before the run starts.
    pub jitter: Option<Duration>,
    /// The bandwidth of all jobs together.
    pub bwlimit: Bandwidth,
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
    pub(super) fn of(sync: &SyncFilled, rsync: String) -> Self {
        SyncSettings {
            parallel: match sync.parallel.value {
                Concurrency::Fixed(n) => n.into(),
                Concurrency::Auto => sync.parallel_max.value.into(),
            },
            auto: sync.parallel.value == Concurrency::Auto,
            fail_fast: sync.fail_fast.value,
            grace: sync.grace.value.0,
            bwlimit: sync.bwlimit.value.clone(),
            jitter: sync.jitter.value.0,
            log_keep: sync.log_keep.value.into(),
            rsync,
        }
    }
}

/// `[stats]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct StatsSettings {
    /// Runs older than this are removed from the history.
    pub keep: Option<Duration>,
    /// Maximum number of runs that are kept, the newest first.
    pub keep_runs: Option<u64>,
    /// The alerts.
    pub alerts: Vec<Alert>,
}

impl Default for StatsSettings {
    fn default() -> Self {
        StatsSettings::of(StatsLayer::default())
    }
}

impl StatsSettings {
    /// The settings without the alerts.
    pub(super) fn of(layer: StatsLayer) -> StatsSettings {
        let stats = layer.fill();
        let runs = u64::try_from(stats.keep_runs.value.get()).unwrap_or(0);
        StatsSettings { keep: stats.keep.value.0, keep_runs: (runs > 0).then_some(runs), alerts: Vec::new() }
    }
}

/// `[notify]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifySettings {
    /// URL requested at the start and after success or failure, in the manner of healthchecks.io; or why it is unknown.
    pub ping: Option<Result<Url, String>>,
    /// URL that gets JSON by POST; or why it is unknown.
    pub webhook: Option<Result<Url, String>>,
    /// Commands that get the same JSON on standard input.
    pub commands: Vec<Hook>,
    /// When the webhook and the commands are used.
    pub on: Occasion,
    /// Time limit of one attempt.
    pub timeout: Duration,
    /// Number of retries after a failed attempt.
    pub retries: u32,
    /// Number of last log lines included for each job that failed or was only partly done.
    pub log_tail: usize,
}

impl Default for NotifySettings {
    fn default() -> Self {
        NotifySettings::of(NotifyLayer::default(), None, None)
    }
}

impl NotifySettings {
    pub(super) fn of(
        layer: NotifyLayer,
        ping: Option<Result<Url, String>>,
        webhook: Option<Result<Url, String>>,
    ) -> Self {
        let notify = layer.fill();
        NotifySettings {
            ping,
            webhook,
            commands: notify.command.value.0,
            on: notify.on.value,
            timeout: notify.timeout.value.0,
            // The ranges of these keys are far smaller than those of the types.
            retries: u32::try_from(notify.retries.value.get()).unwrap_or(0),
            log_tail: usize::try_from(notify.log_tail.value.get()).unwrap_or(0),
        }
    }

    /// Whether any notification is configured.
    pub fn is_wanted(&self) -> bool {
        self.ping.is_some() || self.webhook.is_some() || !self.commands.is_empty()
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

/// `[search]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchSettings {
    /// Maximum time of a search.
    pub timeout: Option<Duration>,
    /// Maximum number of cached results.
    pub cache_entries: usize,
    /// Maximum size of the cached results in bytes.
    pub cache_bytes: usize,
}

impl Default for SearchSettings {
    fn default() -> Self {
        SearchSettings::from(SearchLayer::default().fill())
    }
}

impl From<SearchFilled> for SearchSettings {
    fn from(filled: SearchFilled) -> Self {
        SearchSettings {
            timeout: filled.timeout.value.0,
            cache_entries: filled.cache_entries.value.into(),
            cache_bytes: usize::try_from(filled.cache_bytes.value.0.unwrap_or(0)).unwrap_or(usize::MAX),
        }
    }
}

/// `[scan]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanSettings {
    /// Number of threads; 0: automatic.
    pub threads: usize,
    /// Directories at this depth are not read; `None`: no limit.
    pub max_depth: Option<u32>,
    /// Whether names that start with a dot are skipped.
    pub skip_hidden: bool,
    /// Whether symbolic links are followed.
    pub follow: bool,
    /// Whether other file systems are not entered.
    pub one_file_system: bool,
    /// Patterns of entries that are skipped.
    pub exclude: Vec<String>,
    /// The time after which a scan stops; `None`: no limit.
    pub timeout: Option<Duration>,
    /// The maximum number of inventories; `None`: no limit.
    pub cache_entries: Option<u64>,
    /// Their maximum size in bytes; `None`: no limit.
    pub cache_bytes: Option<u64>,
    /// How long they are kept after their last use; `None`: forever.
    pub cache_age: Option<Duration>,
}

impl Default for ScanSettings {
    fn default() -> Self {
        ScanSettings::from(ScanFilled::default())
    }
}

impl From<ScanFilled> for ScanSettings {
    fn from(scan: ScanFilled) -> Self {
        ScanSettings {
            threads: scan.threads.value.into(),
            max_depth: scan.max_depth.map(|given| given.value.into()),
            skip_hidden: scan.skip_hidden.value,
            follow: scan.follow.value,
            one_file_system: scan.one_file_system.value,
            exclude: scan.exclude.value.0,
            timeout: scan.timeout.value.0,
            cache_entries: u64::try_from(scan.cache_entries.value.get()).ok().filter(|most| *most > 0),
            cache_bytes: scan.cache_bytes.value.0,
            cache_age: scan.cache_age.value.0,
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
    /// Values of `--set`, as typed: `JOB.KEY=VALUE`. They apply to the jobs that they name, and are stronger than `layer`.
    pub set: Vec<String>,
    /// Values for `[sync]`.
    pub sync: SyncLayer,
    /// Whether the guard accepts a source without any file. A configuration file cannot set this, so that no mirror is emptied by default.
    pub allow_empty_source: bool,
    /// Whether the guard accepts any number of files that are older than those of the mirror. A configuration file cannot set this, for the
    /// same reason.
    pub allow_older: bool,
    /// Whether the mirrors are adopted again.
    pub adopt: bool,
    /// The entries of `--ids`.
    pub ids: Option<Arc<EntryIds>>,
    /// rsync options that are appended to those of the job.
    pub rsync_args: Vec<String>,
}

impl Overrides {
    /// Whether the values for jobs apply to this one.
    pub(super) fn applies_to(&self, job: &str) -> bool {
        self.jobs.as_ref().is_none_or(|jobs| jobs.iter().any(|name| name == job))
    }
}
