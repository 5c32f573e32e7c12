//! The keys of a job, each declared once: from this table come the struct, `over`, the reader, the schema and the
//! template's test.

pub(super) use super::given::{Given, Origin, Span};

use super::alerts::{Bound, CostedCommand, Slower};
use super::id_list::IdList;
use super::index::Indexed;
use super::last::LastPaths;
use super::lists::{Globs, HookList, RsyncArgs, Sources};
use super::notify::{Addressee, Occasion};
use super::scheduling::{Concurrency, ConnectionLimit, Nice};
use super::units::{Pause, Period, Rate, Size, TimeLimit};
use super::value::{Parallel, Reader, Retries, Value, Within};
use crate::history::stats::Metric;
use crate::model::bandwidth::Bandwidth;
use crate::model::job::{
    Adopt, CachePolicy, ExitCodes, Indexing, IoPriority, Job, Marker, MaxDelete, MaxOlder, Preset, Source,
    SourceOrder, job_options,
};
use schemars::Schema;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

/// A key of a table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name in the file.
    pub name: &'static str,
    /// The description, one or more sentences.
    pub doc: &'static str,
    /// The JSON Schema of its values.
    pub schema: fn() -> Schema,
}

/// A table of the file, key by key.
pub(super) trait Table: Default {
    /// Its keys, in the order in which they are shown.
    const KEYS: &[Key];

    /// Whether any value was given.
    fn is_given(&self) -> bool;

    /// Reads the value of a key. `false`: there is no such key.
    fn set(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        origin: Origin,
        reader: &mut Reader<'_>,
    ) -> bool;
}

/// A key with its value as TOML and who gave it.
pub(super) type Entry = (&'static str, toml::Value, Origin);

/// What may be given.
pub(super) trait MayBeGiven<T> {
    fn given(&self) -> Option<&Given<T>>;
}

impl<T> MayBeGiven<T> for Given<T> {
    fn given(&self) -> Option<&Given<T>> {
        Some(self)
    }
}

impl<T> MayBeGiven<T> for Option<Given<T>> {
    fn given(&self) -> Option<&Given<T>> {
        self.as_ref()
    }
}

/// A value as a job has it.
trait Plain<P> {
    fn plain(self) -> P;
}

impl<T: Into<P>, P> Plain<P> for Given<T> {
    fn plain(self) -> P {
        self.value.into()
    }
}

impl<T: Into<P>, P: Default> Plain<P> for Option<Given<T>> {
    fn plain(self) -> P {
        self.map(|given| given.value.into()).unwrap_or_default()
    }
}

/// Declares a table of the file: `KEY: TYPE;` or `KEY: TYPE = BUILT-IN VALUE;`. The second type it makes has the values
/// that are left when all layers have spoken.
macro_rules! table {
    (@filled $type:ty) => { Option<Given<$type>> };
    (@filled $type:ty, $default:expr) => { Given<$type> };
    (@entry $key:ident, $value:expr) => {
        MayBeGiven::given($value).map(|given| (stringify!($key), given.value.to_toml(), given.origin))
    };
    (@fill $given:expr) => { $given };
    (@fill $given:expr, $default:expr) => {
        $given.unwrap_or_else(|| Given { value: $default, origin: Origin::BuiltIn })
    };
    (
        $(#[doc = $about:literal])+
        $name:ident, $filled:ident {
            $( $(#[doc = $doc:literal])+ $key:ident : $type:ty $(=> $plain:ty)? $(= $default:expr)?; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $key: Option<Given<$type>>, )+
        }

        $(#[doc = $about])+
        ///
        /// With the built-in values filled in.
        #[derive(Debug, Clone, PartialEq)]
        pub struct $filled {
            $( $(#[doc = $doc])+ pub $key: table!(@filled $type $(, $default)?), )+
        }

        impl $name {
            /// This layer upon a weaker one: what this one gives wins, the rest shines through.
            #[must_use]
            pub fn over(self, weaker: Self) -> Self {
                $name { $( $key: self.$key.or(weaker.$key), )+ }
            }

            /// Every value that was given.
            pub fn entries(&self) -> Vec<Entry> {
                let mut entries = Vec::new();
                $( entries.extend(table!(@entry $key, &self.$key)); )+
                entries
            }

            /// Fills in the built-in values.
            pub fn fill(self) -> $filled {
                $filled { $( $key: table!(@fill self.$key $(, $default)?), )+ }
            }
        }

        impl $filled {
            /// Every value that was given or is built in.
            pub fn entries(&self) -> Vec<Entry> {
                let mut entries = Vec::new();
                $( entries.extend(table!(@entry $key, &self.$key)); )+
                entries
            }
        }

        impl Default for $filled {
            fn default() -> Self {
                $name::default().fill()
            }
        }

        impl Table for $name {
            const KEYS: &[Key] = &[
                $( Key { name: stringify!($key), doc: concat!($($doc),+), schema: <$type as Value>::titled }, )+
            ];

            fn is_given(&self) -> bool {
                false $( || self.$key.is_some() )+
            }

            fn set(
                &mut self,
                key: &str,
                value: &Spanned<DeValue<'_>>,
                origin: Origin,
                reader: &mut Reader<'_>,
            ) -> bool {
                let before = reader.problems.len();
                match key {
                    $( stringify!($key) => {
                        self.$key = Value::read(value, reader).map(|value| Given { value, origin });
                    } )+
                    _ => return false,
                }
                // One without a text is only counted.
                for problem in reader.problems[before..].iter_mut().filter(|problem| !problem.text.is_empty()) {
                    problem.text.insert_str(0, ": ");
                    problem.text.insert_str(0, key);
                }
                true
            }
        }
    };
}

pub(super) use table;

job_options!(table {
    /// What may be said about a job, by `[jobs.NAME]`, `[defaults]`, a preset or the command line.
    Layer,
    Settings
});

/// What [`job_options`] calls for the job that settings make: the fields that are given, and one for each option.
macro_rules! job_with {
    ($settings:tt { $($given:tt)* } { $($options:tt)* }) => {
        job_with! { @fields $settings [$($given)*] $($options)* }
    };
    (@fields $settings:tt [$($fields:tt)*]) => { Job { $($fields)* } };
    (
        @fields $settings:tt $fields:tt
        $(#[$doc:meta])+ $key:ident : $type:ty => () $(= $default:expr)?; $($rest:tt)*
    ) => {
        job_with! { @fields $settings $fields $($rest)* }
    };
    (
        @fields $settings:tt [$($fields:tt)*]
        $(#[$doc:meta])+ $key:ident : $type:ty $(=> $plain:ty)? $(= $default:expr)?; $($rest:tt)*
    ) => {
        job_with! { @fields $settings [$($fields)* $key: $settings.$key.plain(),] $($rest)* }
    };
}

impl Settings {
    /// The job that they make, without what only the file as a whole or the command line tells.
    pub(super) fn job(self, name: &str, sources: Vec<Source>, dest: PathBuf, index: Indexing) -> Job {
        job_options!(job_with {
            self {
                name: name.into(),
                sources,
                dest,
                allow_empty_source: false,
                allow_older: false,
                adopt_again: false,
                rsync_args: self.rsync_args.value.0,
                typed_args: Vec::new(),
                password_file: None,
                only: None,
                index,
                unfit: None,
            }
        })
    }
}

table! {
    /// `[sync]`
    SyncLayer, SyncFilled {
        /// Maximum number of jobs at the same time, 1 to 100. "auto": depends on the load of the machine.
        parallel: Concurrency = Concurrency::Fixed(Within::constant(1));
        /// Maximum number of jobs at the same time with parallel = "auto".
        parallel_max: Parallel = Within::constant(8);
        /// Stop at the first failure: terminate running transfers, skip the other jobs.
        fail_fast: bool = false;
        /// Time between SIGTERM and SIGKILL when a transfer is terminated.
        grace: Pause = Pause(Duration::from_secs(10));
        /// Maximum delay before a run starts. The actual delay is random. A run on a terminal, a dry run and a plan start at once. 0: none.
        jitter: TimeLimit = TimeLimit(None);
        /// Maximum bandwidth of all jobs of a run together, per second. Each of the jobs that may run at the same time gets an equal share. A list of
        /// tables limits it by local time of day: [{ from = "08:00", to = "18:00", rate = "5MB" }]; at other times there is no limit. A limit
        /// applies to attempts that start while it holds. 0: no limit.
        bwlimit: Bandwidth = Bandwidth::Always(None);
        /// Number of log files that are kept for each job. Those of dry runs are counted separately.
        log_keep: Within<0, 1_000_000> = Within::constant(10);
        /// The rsync program: a path, or a name to look up in PATH.
        rsync: String = "rsync".into();
    }
}

table! {
    /// `[hosts."NAME"]`
    HostLayer, HostFilled {
        /// Maximum number of connections to this host at the same time, over all jobs. Without a section: 4.
        connections: Within<1, 1000>;
    }
}

table! {
    /// `[mirrors.NAME]`
    MirrorLayer, MirrorFilled {
        /// Addresses of the root of the archive that are tried before those of `pdb-sync mirrors`. An address replaces that of the same
        /// host there.
        first: Sources;
        /// Addresses in place of those of `pdb-sync mirrors`.
        only: Sources;
        /// Addresses that are tried after those of `pdb-sync mirrors`.
        last: Sources;
    }
}

table! {
    /// `[stats]`
    StatsLayer, StatsFilled {
        /// How long runs stay in the history. 0: forever.
        keep: TimeLimit = TimeLimit(Some(Duration::from_secs(400 * 24 * 3600)));
        /// Maximum number of runs in the history. 0: no limit.
        keep_runs: Within<0, 1_000_000_000> = Within::constant(10_000);
    }
}

table! {
    /// `[[stats.alerts]]`
    AlertLayer, AlertFilled {
        /// Job that the alert applies to. Default: all jobs.
        job: String;
        /// Command that the alert applies to instead of jobs, by its costs: see pdb-sync-stats(1). Only `stats --check` and `stats` show it.
        command: CostedCommand;
        /// Figure that `above` and `below` refer to.
        metric: Metric;
        /// Alert if the figure is larger than this: a number, a duration or a size.
        above: Bound;
        /// Alert if the figure is smaller than this.
        below: Bound;
        /// Alert if a run took longer than this multiple of earlier runs, such as "2x p95".
        slower_than: Slower;
        /// Alert if the last success is longer ago than this, or there is none in the history.
        age_above: Period;
    }
}

table! {
    /// `[notify]`
    NotifyLayer, NotifyFilled {
        /// URL to request when a run starts (with /start appended), succeeds, or fails (with /fail). { env = "NAME" } or
        /// { file = "PATH" } reads the URL from a variable or a file.
        ping: Addressee;
        /// URL that receives the result of a run as JSON by POST. { env = "NAME" } or { file = "PATH" } reads the URL from a
        /// variable or a file.
        webhook: Addressee;
        /// Commands that receive the same JSON on standard input: shell lines or argument lists.
        command: HookList = HookList(Vec::new());
        /// When the webhook and the commands are used: "failure", "success" or "always".
        on: Occasion = Occasion::Failure;
        /// Time limit of one attempt.
        timeout: Period = Period(Duration::from_secs(10));
        /// Number of retries if a URL does not answer, or answers with a server error.
        retries: Retries = Within::constant(2);
        /// Number of last log lines in the JSON, for each job that did not succeed.
        log_tail: Within<0, 1000> = Within::constant(50);
    }
}

table! {
    /// `[index]`
    IndexLayer, IndexFilled {
        /// Whether mirrors are indexed after each sync that changed them. The key `index` of a job overrides it.
        after_sync: bool = false;
        /// Number of threads that read files. 0: one per core.
        threads: Within<0, 256> = Within::constant(0);
        /// Memory that the index writer fills before it writes a segment. Indexing needs about twice as much.
        memory: Size = Size(Some(64 << 20));
        /// Globs of files to index, for jobs without their own. Empty: all files.
        include: Globs = Globs(Vec::new());
        /// Globs of files not to index, for jobs without their own.
        exclude: Globs = Globs(Vec::new());
        /// Maximum size indexed of a text file that is not an entry. 0: only its name.
        text_limit: Size = Size(Some(1 << 20));
        /// Whether sequences are indexed. This about doubles the size of the index.
        sequences: bool = false;
        /// Whether each record of a FASTA file is indexed as a document of its own.
        fasta: bool = false;
    }
}

table! {
    /// `[search]`
    SearchLayer, SearchFilled {
        /// Maximum time of a search. A search that has not ended by then prints no hits. 0: no limit.
        timeout: TimeLimit = TimeLimit(None);
        /// Maximum number of results that `search --repl` keeps, to answer a repeated query. 0: none.
        cache_entries: Within<0, 1_000_000> = Within::constant(1_000);
        /// Maximum size of these results. 0: none.
        cache_bytes: Size = Size(Some(32 << 20));
    }
}

table! {
    /// `[scan]`
    ScanLayer, ScanFilled {
        /// Number of threads that read a tree. 0: as many as its drive has work for.
        threads: Within<0, 1024> = Within::constant(0);
        /// Maximum depth of directories to read. Default: no limit.
        max_depth: Within<0, 4_294_967_295>;
        /// Skip names that start with a dot.
        skip_hidden: bool = false;
        /// Follow symbolic links.
        follow: bool = false;
        /// Do not enter other file systems.
        one_file_system: bool = false;
        /// Patterns of entries to skip. A pattern with a slash matches paths below the root; others match names at any depth.
        exclude: Globs = Globs(Vec::new());
        /// Time after which a scan stops, and reports what was read. 0: no limit.
        timeout: TimeLimit = TimeLimit(None);
        /// Maximum number of inventories that are kept. Those used least recently are removed first. 0: no limit.
        cache_entries: Within<0, 1_000_000> = Within::constant(1000);
        /// Maximum size of all inventories together. 0: no limit.
        cache_bytes: Size = Size(Some(4 << 30));
        /// How long an inventory is kept after its last use. It is marked then, and removed at least a day later. 0: forever.
        cache_age: TimeLimit = TimeLimit(Some(Duration::from_secs(90 * 24 * 3600)));
    }
}
