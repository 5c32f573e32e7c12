//! The options of a job, each declared once.

/// Calls a macro with what it is given in braces, and with the options of a job in braces: their documentation, `KEY: TYPE IN THE FILE`,
/// ` => TYPE IN A JOB` if that is another (`()`: it is resolved by hand and is no field), and ` = BUILT-IN VALUE` if there is one.
///
/// From this list come the fields of [`super::Job`], and in `config` what the file and the command line may say, the JSON Schema, the
/// template's test and the values of a job. The types in the file and the built-in values are those of `config`, where they are used.
macro_rules! job_options {
    ($callback:ident { $($given:tt)* }) => {
        $callback! {
            $($given)* {
                /// Where the files come from, in rsync's notations, or a list that is tried in turn when one fails or is empty.
                source: Sources => ();
                /// In which order sources are tried: as given, or the one that answered fastest first.
                source_order: SourceOrder = SourceOrder::Given;
                /// The mirror's directory. A relative one hangs below `root`, or else below the config file's directory.
                dest: PathBuf => ();
                /// Where relative destinations hang. A relative root hangs below the config file's directory.
                root: PathBuf => ();
                /// What people read in `list`.
                description: String;
                /// Names of groups for `--tag`.
                tags: Vec<String> = Vec::new();
                /// Whether `--all` and `--tag` select the job.
                enabled: bool = true;
                /// Jobs of higher priority start first.
                priority: Within<{ i64::MIN }, { i64::MAX }> => i64 = Within::constant(0);
                /// The base set of rsync options.
                preset: Preset = Preset::Mirror;
                /// Whether files that the source no longer has are removed from the mirror.
                delete: bool = false;
                /// How long what a run removes or replaces can be brought back by `clean undo`. 0: it is gone at once.
                keep_deleted: TimeLimit => Option<Duration> = TimeLimit(None);
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
                min_free: Size => Option<u64>;
                /// rsync patterns that are transferred in spite of `exclude`.
                include: Vec<String> = Vec::new();
                /// rsync patterns that are neither transferred nor deleted.
                exclude: Vec<String> = Vec::new();
                /// Bandwidth of one transfer per second ("5MB"; a bare number is KiB, as in rsync). 0: no limit.
                bwlimit: Rate => Option<u64>;
                /// Compress on the wire. Of little use for files that are compressed already.
                compress: bool = false;
                /// Compare files by checksum instead of size and time. Slow: every file is read on both sides.
                checksum: bool = false;
                /// rsync's incremental recursion: less memory for trees of many millions, but many more round trips.
                inc_recursive: bool = false;
                /// Anything else that rsync knows.
                rsync_args: RsyncArgs => () = RsyncArgs(Vec::new());
                /// A file with the password for the job's rsync daemons, which other users of the machine may not read. A relative one hangs below
                /// the config file's directory.
                password_file: PathBuf => ();
                /// How often a source is tried again after a passing failure.
                retries: Retries => u32 = Within::constant(3);
                /// The first pause before trying again; it doubles with every try.
                retry_delay: Pause => Duration = Pause(Duration::from_secs(2));
                /// The same for a server that says that it is full.
                busy_delay: Pause => Duration = Pause(Duration::from_secs(60));
                /// Wall clock of one attempt. 0: no limit.
                timeout: TimeLimit => Option<Duration> = TimeLimit(None);
                /// A transfer without a byte or a line for so long is ended and tried again. 0: never.
                stall: TimeLimit => Option<Duration> = TimeLimit(Some(Duration::from_secs(600)));
                /// A transfer that brings less than this a second over `stall`, while contents come, is ended, and the next source gets its turn; in
                /// units of `bwlimit`, and never more than half of that. 0: never.
                min_rate: Rate => Option<u64> = Rate(Some(1_000));
                /// How long connecting to a server may take. Its answer about the module may take `stall` more, whatever it says before.
                connect_timeout: Period => Duration = Period(Duration::from_secs(30));
                /// CPU niceness of the job's rsyncs and hooks, from 0 (as pdb-sync itself) to 19 (last).
                nice: Nice => u8 = Within::constant(0);
                /// Disk priority of the job's rsyncs and hooks: "idle", or "best-effort:0" (first) to "best-effort:7" (last).
                ionice: IoPriority => Option<IoPriority>;
                /// What becomes of the page cache that a transfer fills: "keep", or "drop" to give it back afterwards.
                cache: CachePolicy = CachePolicy::Keep;
                /// Commands before the first attempt: shell lines or argument lists. Exit code 75 skips the job.
                before: HookList => Vec<Hook> = HookList(Vec::new());
                /// Commands after the job went well.
                after: HookList => Vec<Hook> = HookList(Vec::new());
                /// Commands after the job did not go well.
                on_failure: HookList => Vec<Hook> = HookList(Vec::new());
                /// Wall clock of one of these commands.
                hook_timeout: Period => Duration = Period(Duration::from_secs(3600));
                /// Whether the mirror is indexed for search after each sync that changed it; a table says which files are. For the
                /// rest, `[index]` holds.
                index: Indexed => ();
            }
        }
    };
}
pub(crate) use job_options;

/// Declares [`super::Job`]: the fields that are given, and one for each option.
macro_rules! declare_job {
    ($(#[$about:meta])+ { $($given:tt)* } { $($options:tt)* }) => {
        declare_job! { @fields [$(#[$about])+] [$($given)*] $($options)* }
    };
    (@fields [$($about:tt)*] [$($fields:tt)*]) => {
        $($about)* pub struct Job { $($fields)* }
    };
    (@fields $about:tt $fields:tt $(#[$doc:meta])+ $key:ident : $type:ty => () $(= $default:expr)?; $($rest:tt)*) => {
        declare_job! { @fields $about $fields $($rest)* }
    };
    (
        @fields $about:tt [$($fields:tt)*]
        $(#[$doc:meta])+ $key:ident : $type:ty => $plain:ty $(= $default:expr)?; $($rest:tt)*
    ) => {
        declare_job! { @fields $about [$($fields)* $(#[$doc])+ pub $key: $plain,] $($rest)* }
    };
    (@fields $about:tt [$($fields:tt)*] $(#[$doc:meta])+ $key:ident : $plain:ty $(= $default:expr)?; $($rest:tt)*) => {
        declare_job! { @fields $about [$($fields)* $(#[$doc])+ pub $key: $plain,] $($rest)* }
    };
}
pub(super) use declare_job;
