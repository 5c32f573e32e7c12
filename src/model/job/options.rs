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
                /// Source: a path in an archive of `pdb-sync mirrors` (wwpdb:status/), which stands for all its servers, or an address in one
                /// of rsync's notations; or a list of sources. The next one is tried if a source fails or is empty.
                source: Sources => ();
                /// Order in which sources are tried: "given", or "fastest" for the source with the highest transfer rate first, by earlier
                /// transfers; without any, for the server with the shortest response time first.
                source_order: SourceOrder = SourceOrder::Given;
                /// Directory of the mirror. A relative path is relative to `root`, or without `root` to the directory of the configuration
                /// file.
                dest: PathBuf => ();
                /// Directory for relative destinations. A relative path is relative to the directory of the configuration file.
                root: PathBuf => ();
                /// Description, shown by `pdb-sync list`.
                description: String;
                /// Tags, for --tag.
                tags: Vec<String> = Vec::new();
                /// Whether --all and --tag select the job.
                enabled: bool = true;
                /// Jobs with a higher priority start first.
                priority: Within<{ i64::MIN }, { i64::MAX }> => i64 = Within::constant(0);
                /// Jobs that must have ended as ok or warned before this one starts, if they are in the same run. Otherwise it is skipped. A job that
                /// is not in the run is not waited for.
                needs: Vec<String> = Vec::new();
                /// Base set of rsync options.
                preset: Preset = Preset::Mirror;
                /// Delete files of the mirror that the source no longer has.
                delete: bool = false;
                /// How long `clean undo` can restore files that a run deleted or replaced. 0: they are not kept.
                keep_deleted: TimeLimit => Option<Duration> = TimeLimit(None);
                /// Maximum number of files that one run may delete, or a share of the files of the mirror. Default: 10%, at least 100, at
                /// most half.
                max_delete: MaxDelete;
                /// Maximum number of files of the usual source that may be older than those of the mirror, or a share of the files of the
                /// mirror. With more, the job is blocked. Default: 1%, at least 10.
                max_older: MaxOlder;
                /// How to take over an existing mirror in the first run of a job: "size-time" transfers files that differ in size or time;
                /// "checksum" first compares files of the same size and another time by checksum. That run deletes nothing.
                adopt: Adopt = Adopt::SizeTime;
                /// Minimum free space on the file system of the mirror. With less, a run does not start, or stops. 0: no limit.
                min_free: Size => Option<u64>;
                /// Whether a file system other than that of / must be mounted at the destination or above it. Otherwise the job is blocked before
                /// anything is written.
                mount_required: bool = false;
                /// rsync patterns of files that are transferred although `exclude` matches them.
                include: Vec<String> = Vec::new();
                /// rsync patterns of files that are neither transferred nor deleted.
                exclude: Vec<String> = Vec::new();
                /// Files and directories of the mirror that are transferred after everything else has arrived, such as an index: ["index/"]. If
                /// something else is missing, they stay as they are. The job uses one connection. Paths are relative to the destination.
                last: LastPaths => Vec<String> = LastPaths(Vec::new());
                /// Entries of the PDB to which the job is limited: a file with their IDs, or a list of IDs, in either form (1abc,
                /// pdb_00001abc). The source must have one kind of files, such as structures/divided/mmCIF/. With `delete`, only files that
                /// the job has brought for an earlier list are deleted. A relative path is relative to the directory of the configuration
                /// file.
                ids: IdList => ();
                /// Maximum number of connections that the job has at the same time, 1 to 16, or "auto": as many as pay, one for each 64 MiB
                /// or 2,000 files. The transfer is cut into parts; with --hard-links it is not. `[hosts]` limits the connections of all jobs
                /// to a host; to a host without a section there are at most 4.
                connections: ConnectionLimit => Connections = ConnectionLimit::Fixed(Within::constant(1));
                /// A small file that the source changes with each release: a path relative to the source, or an rsync:// address. While it is the
                /// same as at the last complete run, the job is done after one short connection. A marker that changed less than 24 hours
                /// ago proves nothing.
                marker: Marker => Option<Marker>;
                /// How long a marker may take the place of a listing. After that, the whole source is listed again.
                full_every: Period => Duration = Period(Duration::from_secs(30 * 24 * 3600));
                /// Maximum bandwidth of one job per second, such as "5MB". A number without a unit is in KiB, as in rsync. 0: no
                /// limit.
                bwlimit: Rate => Option<u64>;
                /// Compress data during the transfer. This has little effect on files that are already compressed.
                compress: bool = false;
                /// Compare files by checksum instead of size and time. This is slow: both sides read every file.
                checksum: bool = false;
                /// Check the gzip files that came, their checksums and their ends, before anything is deleted. A damaged file is transferred
                /// once more. If it stays damaged, the job is partial, and nothing is deleted.
                verify: bool = false;
                /// Use rsync's incremental recursion. It needs less memory for trees of many millions of files, but many more round trips.
                inc_recursive: bool = false;
                /// Further options for rsync.
                rsync_args: RsyncArgs => () = RsyncArgs(Vec::new());
                /// File with the password for rsync daemons. Other users must not be able to read it. A relative path is relative to the
                /// directory of the configuration file.
                password_file: PathBuf => ();
                /// Status of the job by rsync's exit code of the last attempt: { 23 = "warned" }. The statuses are "ok", "warned", "partial" and
                /// "failed". Only the status changes, and with it the exit code: what is deleted or counts as complete does not.
                exit_codes: ExitCodes = ExitCodes::default();
                /// Number of retries of a source after a temporary failure.
                retries: Retries => u32 = Within::constant(3);
                /// Maximum delay before the first retry. It doubles with each retry; the actual delay is random.
                retry_delay: Pause => Duration = Pause(Duration::from_secs(2));
                /// The same for a server that reports too many connections.
                busy_delay: Pause => Duration = Pause(Duration::from_secs(60));
                /// Time limit of one attempt. 0: no limit.
                timeout: TimeLimit => Option<Duration> = TimeLimit(None);
                /// Time without any data or output after which a transfer is terminated and retried. 0: no limit.
                stall: TimeLimit => Option<Duration> = TimeLimit(Some(Duration::from_secs(600)));
                /// Minimum rate of a transfer per second, measured over `stall` while file contents are expected. A slower transfer is
                /// terminated, and the next source is tried. Units as in `bwlimit`; never more than half of it. 0: no limit.
                min_rate: Rate => Option<u64> = Rate(Some(1_000));
                /// Time limit for connecting to a server. The server's answer about the module may take `stall` longer.
                connect_timeout: Period => Duration = Period(Duration::from_secs(30));
                /// CPU niceness of the job's rsync processes and hooks, relative to pdb-sync: 0 to 19 (lowest priority).
                nice: Nice => u8 = Within::constant(0);
                /// I/O priority of the job's rsync processes and hooks: "idle", or "best-effort:0" (highest) to "best-effort:7" (lowest).
                ionice: IoPriority => Option<IoPriority>;
                /// Page cache used by a transfer: "keep", or "drop" to release it after the transfer.
                cache: CachePolicy = CachePolicy::Keep;
                /// Commands to run before the first attempt: shell lines or argument lists. Exit code 75 skips the job.
                before: HookList => Vec<Hook> = HookList(Vec::new());
                /// Commands to run after the job succeeded.
                after: HookList => Vec<Hook> = HookList(Vec::new());
                /// Commands to run after the job did not succeed.
                on_failure: HookList => Vec<Hook> = HookList(Vec::new());
                /// Time limit of one of these commands.
                hook_timeout: Period => Duration = Period(Duration::from_secs(3600));
                /// Whether the mirror is indexed for search after each sync that changed it. A table selects the files. Default: `[index]`.
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
