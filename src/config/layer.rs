//! The keys of a job, each declared once: from this table come the struct, `over`, the reader, the schema and the
//! template's test.

use super::alerts::{Bound, Slower};
use super::clean::{CleanMode, CleanRules, KEEP};
use super::index::Indexed;
use super::lists::{Globs, HookList, RsyncArgs, Sources};
use super::notify::{Addressee, Occasion};
use super::scheduling::{Concurrency, Nice};
use super::units::{Pause, Period, Rate, Size, TimeLimit};
use super::value::{Parallel, Reader, Retries, Value, Within};
use crate::history::stats::Metric;
use crate::model::job::{
    Adopt, CachePolicy, Indexing, IoPriority, Job, MaxDelete, MaxEntries, MaxOlder, Preset, Source,
    SourceOrder, job_options,
};
use schemars::Schema;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

/// A value, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<T> {
    /// The value.
    pub value: T,
    /// Who gave it.
    pub origin: Origin,
}

impl<T> Given<T> {
    /// A value from the command line.
    pub fn by_command_line(value: T) -> Self {
        Given { value, origin: Origin::CommandLine }
    }
}

/// Who gave a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nobody: it is built in.
    BuiltIn,
    /// The job's preset.
    Preset(Preset),
    /// `[defaults]`.
    Defaults(Span),
    /// The section itself: `[jobs.NAME]`, `[sync]`, `[hosts.NAME]`.
    Section(Span),
    /// The command line.
    CommandLine,
}

/// Where a value stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Past the last byte.
    pub end: usize,
    /// Its line, from 1.
    pub line: usize,
}

/// What is known of a key without a value for it.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// As in the file.
    pub name: &'static str,
    /// What it is for, one or more sentences.
    pub doc: &'static str,
    /// The JSON Schema of its values.
    pub schema: fn() -> Schema,
}

/// A table of the file, key by key.
pub(super) trait Table: Default {
    /// Its keys, in the order in which they are shown.
    const KEYS: &[Key];

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
trait MayBeGiven<T> {
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
                index,
                unfit: None,
            }
        })
    }
}

table! {
    /// `[sync]`
    SyncLayer, SyncFilled {
        /// Up to so many jobs at a time; "auto" follows the load of the machine.
        parallel: Concurrency = Concurrency::Fixed(Within::constant(1));
        /// At most so many at a time with parallel = "auto".
        parallel_max: Parallel = Within::constant(8);
        /// Stop at the first failure: end running transfers gently, skip the rest.
        fail_fast: bool = false;
        /// How long transfers get between being asked to end and being killed.
        grace: Pause = Pause(Duration::from_secs(10));
        /// Log files kept for each job.
        log_keep: Within<0, 1_000_000> = Within::constant(10);
        /// The rsync program: a name that is looked up in PATH, or a path.
        rsync: String = "rsync".into();
    }
}

table! {
    /// `[hosts."NAME"]`
    HostLayer, HostFilled {
        /// At most so many transfers from this host at once.
        connections: Within<1, 1000>;
    }
}

table! {
    /// `[stats]`
    StatsLayer, StatsFilled {
        /// How long runs are remembered. 0: for ever.
        keep: TimeLimit = TimeLimit(Some(Duration::from_secs(400 * 24 * 3600)));
        /// The most runs that are remembered. 0: any number.
        keep_runs: Within<0, 1_000_000_000> = Within::constant(10_000);
    }
}

table! {
    /// `[[stats.alerts]]`
    AlertLayer, AlertFilled {
        /// The job that it watches; without it, every job.
        job: String;
        /// The figure that `above` and `below` are about.
        metric: Metric;
        /// Tell when the figure is above this: a number, a span of time or a size.
        above: Bound;
        /// Tell when the figure is below this.
        below: Bound;
        /// Tell when a run took so many times longer than earlier ones ("2x p95").
        slower_than: Slower;
        /// Tell when the last success is longer ago, or none is remembered.
        age_above: Period;
    }
}

table! {
    /// `[notify]`
    NotifyLayer, NotifyFilled {
        /// An address that is asked for when a run starts (with /start), succeeds, or does not (with /fail). { env = "NAME" } or
        /// { file = "PATH" } may stand in its place.
        ping: Addressee;
        /// An address that gets JSON about the run by POST. { env = "NAME" } or { file = "PATH" } may stand in its place.
        webhook: Addressee;
        /// Commands that get the same JSON on standard input: shell lines or argument lists.
        command: HookList = HookList(Vec::new());
        /// When webhook and commands are told: after runs that ended in failure, success, or always.
        on: Occasion = Occasion::Failure;
        /// How long one try may take.
        timeout: Period = Period(Duration::from_secs(10));
        /// How often an address that did not answer, or had troubles of its own, is tried again.
        retries: Retries = Within::constant(2);
        /// How many last lines of the log of each job that did not go well are in the JSON.
        log_tail: Within<0, 1000> = Within::constant(50);
    }
}

table! {
    /// `[index]`
    IndexLayer, IndexFilled {
        /// Whether mirrors are indexed after each sync that changed them. A job's own `index` is stronger.
        after_sync: bool = false;
        /// Threads that read files. 0: one a core.
        threads: Within<0, 256> = Within::constant(0);
        /// What the writer may fill before it writes a part of the index. Building takes about twice as much.
        memory: Size = Size(Some(64 << 20));
        /// Globs of the files that are indexed, for jobs that have none of their own. Empty: all files.
        include: Globs = Globs(Vec::new());
        /// Globs of the files that are not, for jobs that have none of their own.
        exclude: Globs = Globs(Vec::new());
        /// How much of a text that is no entry can be searched. 0: its name only.
        text_limit: Size = Size(Some(1 << 20));
        /// Whether sequences can be searched. It makes the index about twice as large.
        sequences: bool = false;
        /// Whether each record of a FASTA file is found on its own.
        fasta: bool = false;
    }
}

table! {
    /// `[scan]`
    ScanLayer, ScanFilled {
        /// Threads that read a tree. 0: as many as help.
        threads: Within<0, 1024> = Within::constant(0);
        /// Pass by everything whose name begins with a dot.
        skip_hidden: bool = false;
        /// Patterns of what is passed by: names at any depth, or paths from the root if they have a slash.
        exclude: Globs = Globs(Vec::new());
    }
}

table! {
    /// `[clean]`
    CleanLayer, CleanFilled {
        /// What is done with what is removed: "quarantine", "delete", "backup" or "trash".
        mode: CleanMode = CleanMode::Quarantine;
        /// How long what is in quarantine can be brought back. Then it is marked, and purged a day later at the earliest.
        keep: Period = KEEP;
        /// Where it goes with mode = "backup". A relative one hangs below the config file's directory.
        backup_dir: PathBuf;
        /// How many entries may go at once: a number, or a share of the tree's. Built in: 10%, at least 100.
        max_delete: MaxEntries;
        /// Rules that are asked before the built-in ones: name, pattern, action, and more.
        rules: CleanRules = CleanRules(Vec::new());
    }
}
