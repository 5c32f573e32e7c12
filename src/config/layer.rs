//! The keys of a job, each declared once: from this table come the struct, `over`, the reader, the schema and the
//! template's test.

use super::clean::{CleanMode, CleanRules, KEEP};
use super::lists::{Globs, HookList, RsyncArgs, Sources};
use super::units::{Pause, Period, Rate, Size, TimeLimit};
use super::value::{Parallel, Reader, Retries, Value, Within};
use crate::job::{MaxDelete, Preset};
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
                for problem in &mut reader.problems[before..] {
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
        /// Where the files come from, in rsync's notations, or a list that is tried in turn when one fails.
        source: Sources;
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
        /// How many files one run may delete: a number, or a share of the mirror's files. Built in: 10%, at least 100.
        max_delete: MaxDelete;
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
        /// How long connecting to a server may take.
        connect_timeout: Period = Period(Duration::from_secs(30));
        /// Commands before the first attempt: shell lines or argument lists. Exit code 75 skips the job.
        before: HookList = HookList(Vec::new());
        /// Commands after the job went well.
        after: HookList = HookList(Vec::new());
        /// Commands after the job did not go well.
        on_failure: HookList = HookList(Vec::new());
        /// Wall clock of one of these commands.
        hook_timeout: Period = Period(Duration::from_secs(3600));
    }
}

table! {
    /// `[sync]`
    SyncLayer, SyncFilled {
        /// Up to so many jobs at a time.
        parallel: Parallel = Within::constant(1);
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
        /// How long what is in quarantine can be brought back.
        keep: Period = KEEP;
        /// Where it goes with mode = "backup". A relative one hangs below the config file's directory.
        backup_dir: PathBuf;
        /// How many entries may go at once: a number, or a share of the tree's files. Built in: 10%, at least 100.
        max_delete: MaxDelete;
        /// Rules that are asked before the built-in ones: name, pattern, action, and more.
        rules: CleanRules = CleanRules(Vec::new());
    }
}
