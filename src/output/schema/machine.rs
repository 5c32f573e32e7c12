//! `status`, `doctor`, `mirrors` and `reclaim`.

use super::sync::{ETA, FILES, PERCENT, RATE};
use super::types::{BOOL, BYTES, COUNT, INTEGER, Key, NUMBER, Object, SECONDS, TEXT, TEXTS, TIME, Type, key};

const MEMORY: Type = Type::Object(&[
    key("total", Type::Null(&BYTES), "Total size."),
    key("available", Type::Null(&BYTES), "Available to programs."),
    key("cached", Type::Null(&BYTES), "Page cache."),
    key("dirty", Type::Null(&BYTES), "Modified pages that are not on disk yet."),
]);
const PRESSURE: Type = Type::Object(&[
    key("cpu", Type::Null(&Type::Percent), "Share of time in which some processes waited for a CPU."),
    key("memory", Type::Null(&Type::Percent), "Share of time in which some processes waited for memory."),
    key("io", Type::Null(&Type::Percent), "Share of time in which all processes waited for I/O."),
]);
const MACHINE: Type = Type::Object(&[
    key("cpus", Type::Null(&COUNT), "CPUs that pdb-sync may use."),
    key("cpu", Type::Null(&Type::Share), "Share of them used by other programs."),
    key("load", Type::Null(&Type::List(&NUMBER)), "Load averages of 1, 5 and 15 minutes."),
    key("memory", Type::Null(&MEMORY), "Memory."),
    key("pressure", PRESSURE, "Pressure over the last 10 seconds."),
]);
const DISK: Type = Type::Object(&[
    key("path", TEXT, "Mount point."),
    key("size", BYTES, "Total size."),
    key("free", BYTES, "Space available to this user."),
    key("jobs", TEXTS, "Jobs with destinations there."),
    key("full_in_days", Type::Null(&NUMBER), "Days until it is full, at the recent growth of the mirrors."),
    key("full_in_s", Type::Null(&SECONDS), "The same in seconds."),
]);
const RUNNING_JOB: Type = Type::Object(&[
    key("job", TEXT, "Name of the job."),
    key("state", TEXT, "\"waiting\", a phase, \"retrying\", or the final status."),
    key("attempt", COUNT, "Number of the attempt, from 1; 0 before the first."),
    key("source", Type::Null(&TEXT), "Source of the attempt."),
    key("started", Type::Null(&TIME), "Start time."),
    key("bytes", Type::Null(&BYTES), "Bytes transferred in this attempt."),
    PERCENT,
    FILES,
    RATE,
    ETA,
    key("ended", BOOL, "Whether the job has ended."),
]);
const RUN: Type = Type::Object(&[
    key("v", COUNT, "Version of the record: 1."),
    key("run", TEXT, "ID of the run."),
    key("pid", COUNT, "Process ID."),
    key("process", Type::Null(&TEXT), "Identifies the process, also if its ID is reused."),
    key("started", TIME, "Start time."),
    key("told", TIME, "Time of the last update."),
    key("parallel", COUNT, "Maximum number of jobs at the same time."),
    key("dry_run", BOOL, "Whether the run changes nothing (--dry-run or --plan)."),
    key("jobs", Type::List(&RUNNING_JOB), "Jobs of the run."),
    key("gone", BOOL, "Whether the process no longer exists."),
]);
const COMMAND: Type = Type::Object(&[
    key("command", TEXT, "The command, such as sync or clean run."),
    key("run", Type::Null(&TEXT), "ID of its run; null if it has none, or not yet."),
    key("pid", COUNT, "Its process."),
    key("host", Type::Null(&TEXT), "Its host; null if an earlier version of pdb-sync runs there."),
    key("started", TIME, "When it started."),
    key("targets", TEXTS, "Jobs and directories that it works on."),
    key("gone", BOOL, "Whether its process is gone."),
]);
const NEWEST: Type = Type::Object(&[
    key("status", super::past::STATE, "Status."),
    key("started", TIME, "Start time."),
    key("error", Type::Null(&TEXT), "Error message."),
]);
const KEPT: Type =
    Type::Object(&[key("files", COUNT, "Number of files."), key("bytes", BYTES, "Total size.")]);
const JOB: Type = Type::Object(&[
    key("job", TEXT, "Name of the job."),
    key("enabled", BOOL, "Whether --all selects it."),
    key("dest", Type::Null(&TEXT), "Destination."),
    key("last", Type::Null(&NEWEST), "Result of the run that ended last."),
    key("last_success", Type::Null(&TIME), "Time of the last success."),
    key("age_s", Type::Null(&SECONDS), "Time since the last success."),
    key("growth_bytes_per_day", Type::Null(&NUMBER), "Growth in bytes per day."),
    key("quarantine", Type::Null(&KEPT), "Contents of its quarantine."),
]);
const PROCESS: Type = Type::Object(&[
    key("pid", COUNT, "Process ID."),
    key("name", TEXT, "Name."),
    key("cpu", Type::Null(&NUMBER), "CPU time per second; 1 is one CPU."),
    key("resident", BYTES, "Resident memory."),
    key("io_bytes_per_s", Type::Null(&Type::BytesPerSecond), "I/O rate, reads and writes."),
]);
const PROCESSES: Type = Type::Object(&[
    key("cpu", Type::List(&PROCESS), "Processes with the most CPU time."),
    key("memory", Type::List(&PROCESS), "Processes with the most memory."),
    key("io", Type::List(&PROCESS), "Processes with the most I/O."),
]);
const STATUS: [Key; 8] = [
    key("machine", Type::Null(&MACHINE), "State of the machine."),
    key("disks", Type::Null(&Type::List(&DISK)), "File systems of the destinations."),
    key("runs", Type::Null(&Type::List(&RUN)), "Runs of sync in progress, job by job."),
    key("commands", Type::Null(&Type::List(&COMMAND)), "All commands in progress, sync included."),
    key("jobs", Type::Null(&Type::List(&JOB)), "Jobs of the configuration."),
    key("stale", TEXTS, "Jobs whose last success is older than --max-age, or missing."),
    key("processes", Type::Null(&PROCESSES), "Processes that use the most resources."),
    key("error", Type::Null(&TEXT), "Why the history could not be read."),
];

const CHUNK: Type = Type::Object(&[
    key("files", COUNT, "Number of files."),
    key(
        "pressure",
        Type::Null(&Type::Percent),
        "Share of the last 10 seconds in which some processes waited for memory, which decided the size of the chunk.",
    ),
    key("cached_bytes", Type::Null(&BYTES), "Memory that the files used."),
    key("freed_bytes", Type::Null(&BYTES), "Memory released."),
]);

const MS: Type = Type::Null(&Type::Milliseconds);
const MIRROR: Type = Type::Object(&[
    key("host", TEXT, "Host."),
    key("port", COUNT, "Port."),
    key("jobs", TEXTS, "Jobs that use the server."),
    key("answers", BOOL, "Whether it answered."),
    key("protocol", Type::Null(&TEXT), "Version of the rsync protocol."),
    key("dns_s", Type::Null(&SECONDS), "Time to resolve the host name."),
    key("connect_s", Type::Null(&SECONDS), "Time to connect."),
    key("greeting_s", Type::Null(&SECONDS), "Time from the start of the connection to the greeting."),
    key("modules_s", Type::Null(&SECONDS), "Time to read the list of modules."),
    key("dns_ms", MS, "Same as dns_s; to be removed in 1.0."),
    key("connect_ms", MS, "Same as connect_s; to be removed in 1.0."),
    key("greeting_ms", MS, "Same as greeting_s; to be removed in 1.0."),
    key("modules_ms", MS, "Same as modules_s; to be removed in 1.0."),
    key("modules", Type::Null(&TEXTS), "Modules of the server."),
    key("error", Type::Null(&TEXT), "Why it did not answer."),
]);

const CHECK: Type = Type::Object(&[
    key("answers", BOOL, "Whether the server answered."),
    key("lists_module", Type::Null(&BOOL), "Whether it lists the module; null if it lists none."),
    key("protocol", Type::Null(&TEXT), "Version of the rsync protocol."),
    key("greeting_s", Type::Null(&SECONDS), "Time from the start of the connection to the greeting."),
    key("error", Type::Null(&TEXT), "Why it did not answer."),
]);
const LAYOUT: Type = Type::Object(&[
    key("name", TEXT, "Name."),
    key("about", TEXT, "Rule in words."),
    key(
        "paths",
        TEXTS,
        "Paths: ID stands for an entry ID in either form, HH for its third and second character from the end, * for anything, {a,b} for a or b.",
    ),
]);
const DATE: Type = Type::Object(&[
    key("date", TEXT, "Day, such as 2027-07-21."),
    key("days", INTEGER, "Days until then; negative afterwards."),
    key("text", TEXT, "What was announced."),
    key("archives", TEXTS, "Archives that it concerns."),
    key("layout", Type::Null(&TEXT), "Layout of the archives from then on, if it changes."),
]);

const CHANGE: Type = Type::Object(&[
    key("before", Type::Null(&INTEGER), "Bytes before."),
    key("after", Type::Null(&INTEGER), "Bytes after."),
]);

pub(super) const OBJECTS: [Object; 8] = [
    Object {
        commands: &["status"],
        event: "status",
        about: "With --watch: the status, repeatedly.",
        keys: &STATUS,
    },
    Object { commands: &["status"], event: "result", about: "", keys: &STATUS },
    Object {
        commands: &["doctor"],
        event: "check",
        about: "The result of one check.",
        keys: &[
            key(
                "area",
                Type::Words(&[
                    "rsync",
                    "config",
                    "state",
                    "destination",
                    "source",
                    "clock",
                    "limits",
                    "kernel",
                ]),
                "Area of the check.",
            ),
            key("job", Type::Null(&TEXT), "Job that the check is about."),
            key("verdict", Type::Words(&["ok", "warn", "fail"]), "Verdict."),
            key("text", TEXT, "What was found."),
            key("hint", Type::Null(&TEXT), "What to do next."),
            key("duration_s", Type::Null(&SECONDS), "Duration of the check."),
            key("took_ms", MS, "Same as duration_s, in milliseconds; to be removed in 1.0."),
        ],
    },
    Object {
        commands: &["doctor"],
        event: "result",
        about: "",
        keys: &[
            key("ok", COUNT, "Checks without problems."),
            key("warn", COUNT, "Warnings."),
            key("fail", COUNT, "Failures."),
            key("mirrors", Type::List(&MIRROR), "Servers, the fastest first."),
        ],
    },
    Object {
        commands: &["mirrors"],
        event: "mirror",
        about: "An address of an archive.",
        keys: &[
            key("archive", TEXT, "Name of the archive."),
            key("about", TEXT, "What it holds; empty for an archive of the configuration."),
            key("layout", Type::Null(&TEXT), "Name of its layout."),
            key("address", TEXT, "Root of the archive there, in one of rsync's notations."),
            key("host", Type::Null(&TEXT), "Host; null for a path on this machine."),
            key("port", Type::Null(&COUNT), "Port of the daemon."),
            key("module", Type::Null(&TEXT), "Module of the daemon."),
            key("path", Type::Null(&TEXT), "Path of the root below the module; may be empty."),
            key(
                "operator",
                Type::Null(&TEXT),
                "Who runs the server; null for an address of the configuration.",
            ),
            key("also", TEXTS, "Other host names of the server."),
            key("second_hand", BOOL, "Whether the address is from third parties only."),
            key("configured", BOOL, "Whether it is from [mirrors] of the configuration."),
            key("used", BOOL, "Whether sources such as \"wwpdb:status/\" use it."),
            key("check", Type::Null(&CHECK), "Answer of the server; null if it was not asked."),
        ],
    },
    Object {
        commands: &["mirrors"],
        event: "result",
        about: "",
        keys: &[
            key("archives", COUNT, "Number of archives."),
            key("mirrors", COUNT, "Number of addresses."),
            key(
                "answering",
                Type::Null(&COUNT),
                "How many of them answered and have the module; null without --check.",
            ),
            key("layouts", Type::List(&LAYOUT), "Layouts of these archives."),
            key("dates", Type::List(&DATE), "Announced changes of these archives."),
        ],
    },
    Object {
        commands: &["reclaim"],
        event: "step",
        about: "One step.",
        keys: &[
            key("step", TEXT, "Job, directory or other item that was released."),
            key("freed_bytes", Type::Null(&BYTES), "Memory released."),
            key("text", TEXT, "Result in words."),
            key("files", Type::Null(&COUNT), "Number of files checked."),
            key("unreadable", Type::Null(&COUNT), "Number of files that could not be opened."),
            key("kept_bytes", Type::Null(&BYTES), "Memory that these files still use."),
            key("dirty_bytes", Type::Null(&BYTES), "Part of it that is not on the disk yet."),
            key(
                "ended",
                Type::Null(&Type::Words(&["target", "in_vain", "stopped"])),
                "Why it ended before all files were checked: enough memory is available, the kernel released almost nothing, or a signal; else null.",
            ),
            key(
                "chunks",
                Type::Null(&Type::List(&CHUNK)),
                "Files after which memory was looked at again, in order.",
            ),
        ],
    },
    Object {
        commands: &["reclaim"],
        event: "result",
        about: "",
        keys: &[
            key("freed_bytes", Type::Null(&BYTES), "Memory released."),
            key("available_bytes", CHANGE, "Memory available to programs."),
            key("cached_bytes", CHANGE, "Page cache."),
        ],
    },
];
