//! From TOML to jobs. Pure: files, environment and mounts are handed in.
//!
//! TEXT → [`Draft`] (every key known, every value of its type) → [`Layer`]s upon each other → [`Job`]s (every path
//! absolute, every destination checked). Every problem on the way is collected, none hides another.

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

/// A configuration with every value resolved and checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// The file that it was read from; `None` where there was none.
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
    /// What is odd, but allowed.
    pub warnings: Vec<Problem>,
    /// What is wrong with single jobs, which therefore fail when they are run ([`Job::unfit`], [`crate::rsync::args::unfit`]), or with those
    /// who are to be told; all else can be used.
    pub unfit: Vec<Problem>,
    /// What is probably not meant, for those who check the file; nothing that runs are told.
    pub advice: Vec<Problem>,
    /// What is meant as it stands by most, and surprises some; for those who check the file.
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

/// Every value of the file, the command line and what is built in, with its origin; paths as written.
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
    /// Of every job, by its name.
    pub jobs: BTreeMap<String, Settings>,
}

/// `[sync]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncSettings {
    /// Up to so many jobs at a time, 1..=100.
    pub parallel: usize,
    /// Whether fewer run while the machine has enough to do (`parallel = "auto"`).
    pub auto: bool,
    /// Stop at the first failure.
    pub fail_fast: bool,
    /// Between SIGTERM and SIGKILL for children.
    pub grace: Duration,
    /// Log files kept for each job.
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

/// `[index]`, with defaults filled in. What it says of files and of `after_sync` stands in each [`Job`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSettings {
    /// Threads that read files; 0: one a core.
    pub threads: usize,
    /// Bytes that the writer may fill.
    pub memory: usize,
    /// Globs of files; empty: all.
    pub include: Vec<String>,
    /// Globs of files that are left out.
    pub exclude: Vec<String>,
    /// Bytes of other text; 0: its name only.
    pub text_limit: usize,
    /// Sequences can be searched.
    pub sequences: bool,
    /// A document each record of a FASTA file.
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
    /// Threads; 0: as many as help.
    pub threads: usize,
    /// Pass by everything whose name begins with a dot.
    pub skip_hidden: bool,
    /// Patterns of what is passed by.
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

/// What the command line changes about jobs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides {
    /// Which jobs, by name; `None`: all of them.
    pub jobs: Option<Vec<String>>,
    /// The values that it gives. A relative `dest` hangs below the working directory.
    pub layer: Layer,
    /// What it says about `[sync]`.
    pub sync: SyncLayer,
    /// Lets a source without a single file pass the guard. No file can say this, so that no mirror is emptied by habit.
    pub allow_empty_source: bool,
    /// Lets any number of files that are older than the mirror's pass the guard. No file can say this, for the same reason.
    pub allow_older: bool,
    /// Takes the mirrors over again.
    pub adopt: bool,
    /// Options for rsync that follow the job's own.
    pub rsync_args: Vec<String>,
}

impl Overrides {
    fn applies_to(&self, job: &str) -> bool {
        self.jobs.as_ref().is_none_or(|jobs| jobs.iter().any(|name| name == job))
    }
}

/// Why nothing may be removed below this directory, by either of its names; `None` if it may. The working directory itself
/// is no danger to those who name it. A lower-case fragment that follows the path.
pub fn danger(root: &Path, around: &HostFacts) -> Option<String> {
    let around = HostFacts { cwd: around.cwd.clone().filter(|cwd| cwd != root), ..around.clone() };
    [root.to_path_buf(), (around.resolve)(root)].iter().find_map(|path| guard::danger_of(path, &around))
}

/// Reads and checks a configuration. `file` is what messages call it; relative paths hang below its directory. What is
/// checked (dangerous destinations, say) is checked with the overrides in force. An `Err` has every problem of the file.
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
        // Whoever mends the file is told of everything.
        problems.append(&mut unfit);
        return Err(Problems::of(problems));
    }
    config.unfit = if unfit.is_empty() { unfit } else { Problems::of(unfit).0 };
    Ok(config)
}
