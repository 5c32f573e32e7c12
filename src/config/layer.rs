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
    Adopt, CachePolicy, IoPriority, MaxDelete, MaxEntries, MaxOlder, Preset, SourceOrder,
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

/// Declares a table of the file: `KEY: TYPE;` or `KEY: TYPE = BUILT-IN VALUE;`. The second type it makes has the values
/// that are left when all layers have spoken.
macro_rules! table {
    (@filled $type:ty) => { Option<Given<$type>> };
    (@filled $type:ty, $default:expr) => { Given<$type> };
    (@built_in) => { None };
    (@built_in $default:expr) => { Some(Given { value: $default, origin: Origin::BuiltIn }) };
    (@fill $given:expr) => { $given };
    (@fill $given:expr, $default:expr) => {
        $given.unwrap_or_else(|| Given { value: $default, origin: Origin::BuiltIn })
    };
    (
        $(#[doc = $about:literal])+
        $name:ident, $filled:ident {
            $( $(#[doc = $doc:literal])+ $key:ident : $type:ty $(= $default:expr)?; )+
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
            /// Its keys, in the order in which they are shown.
            pub const KEYS: &[Key] = &[
                $( Key { name: stringify!($key), doc: concat!($($doc),+), schema: <$type as Value>::schema }, )+
            ];

            /// What holds if nobody says otherwise.
            pub fn built_in() -> Self {
                $name { $( $key: table!(@built_in $($default)?), )+ }
            }

            /// This layer upon a weaker one: what this one gives wins, the rest shines through.
            #[must_use]
            pub fn over(self, weaker: Self) -> Self {
                $name { $( $key: self.$key.or(weaker.$key), )+ }
            }

            /// Every value that was given: key, value, origin.
            pub fn entries(&self) -> Vec<(&'static str, toml::Value, Origin)> {
                let mut entries = Vec::new();
                $( if let Some(given) = &self.$key {
                    entries.push((stringify!($key), given.value.to_toml(), given.origin));
                } )+
                entries
            }

            /// Fills in the built-in values.
            pub fn fill(self) -> $filled {
                $filled { $( $key: table!(@fill self.$key $(, $default)?), )+ }
            }

            /// Reads the value of a key. `false`: there is no such key.
            pub(super) fn set(
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

table! {
    /// What may be said about a job, by `[jobs.NAME]`, `[defaults]`, a preset or the command line.
    Layer, Settings {
        /// Where the files come from, in rsync's notations, or a list that is tried in turn when one fails or is empty.
        source: Sources;
        /// In which order sources are tried: as given, or the one that answered fastest first.
        source_order: SourceOrder = SourceOrder::Given;
        /// The mirror's directory. A relative one hangs below `root`, or else below the config file's directory.
        dest: PathBuf;
        /// Where relative destinations hang. A relative root hangs below the config file's directory.
        root: PathBuf;
        /// What people read in `list`.
        description: String;
        /// Names of groups for `--tag`.
        tags: Vec<String> = Vec::new();
        /// Whether `--all` and `--tag` select the job.
        enabled: bool = true;
        /// Jobs of higher priority start first.
        priority: Within<{ i64::MIN }, { i64::MAX }> = Within::constant(0);
        /// The base set of rsync options.
        preset: Preset = Preset::Mirror;
        /// Whether files that the source no longer has are removed from the mirror.
        delete: bool = false;
        /// How long what a run removes or replaces can be brought back by `clean undo`. 0: it is gone at once.
        keep_deleted: TimeLimit = TimeLimit(None);
        /// How many files one run may delete: a number, or a share of the mirror's files. Built in: 10%, at least 100, but never more
        /// than half.
        max_delete: MaxDelete;
        /// Files whose source is older than the mirror, of the usual source: more than this is blocked. A number, or a share of the
        /// mirror's files. Built in: 1%, at least 10.
        max_older: MaxOlder;
        /// How a mirror that somebody else made is taken over, in the first run at a destination that holds files already: "size-time", or
        /// "checksum" to compare files of the same size that differ in time, instead of fetching them. That run deletes nothing.
        adopt: Adopt = Adopt::SizeTime;
        /// Refuse to start, and to go on, when less than this is free on the mirror's file system. 0: no guard.
        min_free: Size;
        /// rsync patterns that are transferred in spite of `exclude`.
        include: Vec<String> = Vec::new();
        /// rsync patterns that are neither transferred nor deleted.
        exclude: Vec<String> = Vec::new();
        /// Bandwidth of one transfer per second ("5MB"; a bare number is KiB, as in rsync). 0: no limit.
        bwlimit: Rate;
        /// Compress on the wire. Of little use for files that are compressed already.
        compress: bool = false;
        /// Compare files by checksum instead of size and time. Slow: every file is read on both sides.
        checksum: bool = false;
        /// rsync's incremental recursion: less memory for trees of many millions, but many more round trips.
        inc_recursive: bool = false;
        /// Anything else that rsync knows.
        rsync_args: RsyncArgs = RsyncArgs(Vec::new());
        /// A file with the password for the job's rsync daemons, which other users of the machine may not read. A relative one hangs below
        /// the config file's directory.
        password_file: PathBuf;
        /// How often a source is tried again after a passing failure.
        retries: Retries = Within::constant(3);
        /// The first pause before trying again; it doubles with every try.
        retry_delay: Pause = Pause(Duration::from_secs(2));
        /// The same for a server that says that it is full.
        busy_delay: Pause = Pause(Duration::from_secs(60));
        /// Wall clock of one attempt. 0: no limit.
        timeout: TimeLimit = TimeLimit(None);
        /// A transfer without a byte or a line for so long is ended and tried again. 0: never.
        stall: TimeLimit = TimeLimit(Some(Duration::from_secs(600)));
        /// A transfer that brings less than this a second over `stall`, while contents come, is ended, and the next source gets its turn; in
        /// units of `bwlimit`, and never more than half of that. 0: never.
        min_rate: Rate = Rate(Some(1_000));
        /// How long connecting to a server may take. Its answer about the module may take `stall` more, whatever it says before.
        connect_timeout: Period = Period(Duration::from_secs(30));
        /// CPU niceness of the job's rsyncs and hooks, from 0 (as pdb-sync itself) to 19 (last).
        nice: Nice = Within::constant(0);
        /// Disk priority of the job's rsyncs and hooks: "idle", or "best-effort:0" (first) to "best-effort:7" (last).
        ionice: IoPriority;
        /// What becomes of the page cache that a transfer fills: "keep", or "drop" to give it back afterwards.
        cache: CachePolicy = CachePolicy::Keep;
        /// Commands before the first attempt: shell lines or argument lists. Exit code 75 skips the job.
        before: HookList = HookList(Vec::new());
        /// Commands after the job went well.
        after: HookList = HookList(Vec::new());
        /// Commands after the job did not go well.
        on_failure: HookList = HookList(Vec::new());
        /// Wall clock of one of these commands.
        hook_timeout: Period = Period(Duration::from_secs(3600));
        /// Whether the mirror is indexed for search after each sync that changed it; a table says which files are. For the
        /// rest, `[index]` holds.
        index: Indexed;
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
        include: Vec<String> = Vec::new();
        /// Globs of the files that are not, for jobs that have none of their own.
        exclude: Vec<String> = Vec::new();
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
