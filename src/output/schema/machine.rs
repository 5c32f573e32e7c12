//! `status`, `doctor` and `reclaim`.

use super::types::{BOOL, BYTES, COUNT, INTEGER, Key, NUMBER, Object, SECONDS, TEXT, TEXTS, TIME, Type, key};

const MEMORY: Type = Type::Object(&[
    key("total", Type::Null(&BYTES), "All of it."),
    key("available", Type::Null(&BYTES), "What programs can have."),
    key("cached", Type::Null(&BYTES), "What the page cache has."),
    key("dirty", Type::Null(&BYTES), "What is not on the disk yet."),
]);
const PRESSURE: Type = Type::Object(&[
    key("cpu", Type::Null(&Type::Percent), "Time in which something waited for a CPU."),
    key("memory", Type::Null(&Type::Percent), "Time in which something waited for memory."),
    key("io", Type::Null(&Type::Percent), "Time in which everything waited for disks."),
]);
const MACHINE: Type = Type::Object(&[
    key("cpus", Type::Null(&COUNT), "CPUs that pdb-sync may use."),
    key("cpu", Type::Null(&Type::Share), "Share of them that other programs use."),
    key("load", Type::Null(&Type::List(&NUMBER)), "Load averages of 1, 5 and 15 minutes."),
    key("memory", Type::Null(&MEMORY), "Memory."),
    key("pressure", PRESSURE, "Pressure over the last 10 seconds."),
]);
const DISK: Type = Type::Object(&[
    key("path", TEXT, "Where it is mounted."),
    key("size", BYTES, "All of it."),
    key("free", BYTES, "What may still be written."),
    key("jobs", TEXTS, "Jobs whose destinations lie there."),
    key("full_in_days", Type::Null(&NUMBER), "Days until it is full, if the mirrors grow as they did."),
    key("full_in_s", Type::Null(&SECONDS), "The same in seconds."),
]);
const RUNNING_JOB: Type = Type::Object(&[
    key("job", TEXT, "Name of the job."),
    key("state", TEXT, "waiting, a phase, retrying, or the status that it ended with."),
    key("attempt", COUNT, "The attempt, from 1; 0 before the first."),
    key("source", Type::Null(&TEXT), "The source of the attempt."),
    key("started", Type::Null(&TIME), "When it first did something."),
    key("bytes", Type::Null(&BYTES), "Bytes transferred in this attempt."),
    key("percent", Type::Null(&Type::Percent), "Share of the whole."),
    key("files", Type::Null(&COUNT), "Files transferred in this attempt."),
    key("rate", Type::Null(&Type::BytesPerSecond), "Speed."),
    key("eta_s", Type::Null(&SECONDS), "Until the end, as rsync estimates it."),
    key("ended", BOOL, "Whether it has ended."),
]);
const RUN: Type = Type::Object(&[
    key("v", COUNT, "Version of the record: 1."),
    key("run", TEXT, "ID of the run."),
    key("pid", COUNT, "Its process."),
    key("process", Type::Null(&TEXT), "Tells the process from others of that number."),
    key("started", TIME, "When it started."),
    key("told", TIME, "When it was last heard of."),
    key("parallel", COUNT, "Jobs at a time, at most."),
    key("dry_run", BOOL, "Whether it changes nothing."),
    key("jobs", Type::List(&RUNNING_JOB), "Its jobs."),
    key("gone", BOOL, "Whether its process is gone."),
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
    key("status", super::past::STATE, "How it ended."),
    key("started", TIME, "When it started."),
    key("error", Type::Null(&TEXT), "Why it ended so."),
]);
const KEPT: Type = Type::Object(&[key("files", COUNT, "Files."), key("bytes", BYTES, "Their size.")]);
const JOB: Type = Type::Object(&[
    key("job", TEXT, "Name of the job."),
    key("enabled", BOOL, "Whether --all selects it."),
    key("dest", Type::Null(&TEXT), "Its destination."),
    key("last", Type::Null(&NEWEST), "How it fared last."),
    key("last_success", Type::Null(&TIME), "When it last ended well."),
    key("age_s", Type::Null(&SECONDS), "How long ago that was."),
    key("growth_bytes_per_day", Type::Null(&NUMBER), "Bytes by which it grows in a day."),
    key("quarantine", Type::Null(&KEPT), "What lies in its quarantine."),
]);
const PROCESS: Type = Type::Object(&[
    key("pid", COUNT, "Its number."),
    key("name", TEXT, "What it is called."),
    key("resident", BYTES, "Memory that it has."),
    key("io_bytes_per_s", Type::Null(&Type::BytesPerSecond), "What it reads and writes."),
]);
const PROCESSES: Type = Type::Object(&[
    key("memory", Type::List(&PROCESS), "Those with the most memory."),
    key("io", Type::List(&PROCESS), "Those that read and write the most."),
]);
const STATUS: [Key; 8] = [
    key("machine", Type::Null(&MACHINE), "The machine."),
    key("disks", Type::Null(&Type::List(&DISK)), "File systems of the destinations."),
    key("runs", Type::Null(&Type::List(&RUN)), "Runs of sync in progress, job by job."),
    key("commands", Type::Null(&Type::List(&COMMAND)), "All commands in progress, sync included."),
    key("jobs", Type::Null(&Type::List(&JOB)), "Jobs of the configuration."),
    key("stale", TEXTS, "Jobs that are staler than --max-age allows."),
    key("processes", Type::Null(&PROCESSES), "Processes."),
    key("error", Type::Null(&TEXT), "Why the history cannot be read."),
];

const MS: Type = Type::Null(&Type::Milliseconds);
const MIRROR: Type = Type::Object(&[
    key("host", TEXT, "The host."),
    key("port", COUNT, "The port."),
    key("jobs", TEXTS, "Jobs that use it."),
    key("answers", BOOL, "Whether it answers."),
    key("protocol", Type::Null(&TEXT), "Version of rsync's protocol."),
    key("dns_s", Type::Null(&SECONDS), "How long the look-up of the name took."),
    key("connect_s", Type::Null(&SECONDS), "How long the connection took."),
    key("greeting_s", Type::Null(&SECONDS), "How long the greeting took."),
    key("modules_s", Type::Null(&SECONDS), "How long the list of modules took."),
    key("dns_ms", MS, "As dns_s; to go with 1.0."),
    key("connect_ms", MS, "As connect_s; to go with 1.0."),
    key("greeting_ms", MS, "As greeting_s; to go with 1.0."),
    key("modules_ms", MS, "As modules_s; to go with 1.0."),
    key("modules", Type::Null(&TEXTS), "Its modules."),
    key("error", Type::Null(&TEXT), "Why it does not answer."),
]);

const CHANGE: Type = Type::Object(&[
    key("before", Type::Null(&INTEGER), "Bytes before."),
    key("after", Type::Null(&INTEGER), "Bytes after."),
]);

pub(super) const OBJECTS: [Object; 6] = [
    Object {
        commands: &["status"],
        event: "status",
        about: "With --watch: how things are, again and again.",
        keys: &STATUS,
    },
    Object { commands: &["status"], event: "result", about: "", keys: &STATUS },
    Object {
        commands: &["doctor"],
        event: "check",
        about: "Something that was looked at.",
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
                "What it is about.",
            ),
            key("job", Type::Null(&TEXT), "The job that it is about."),
            key("verdict", Type::Words(&["ok", "warn", "fail"]), "How it is."),
            key("text", TEXT, "What was found."),
            key("hint", Type::Null(&TEXT), "What to do about it."),
            key("duration_s", Type::Null(&SECONDS), "How long the look took."),
            key("took_ms", MS, "The same in milliseconds; to go with 1.0."),
        ],
    },
    Object {
        commands: &["doctor"],
        event: "result",
        about: "",
        keys: &[
            key("ok", COUNT, "Checks without a finding."),
            key("warn", COUNT, "Warnings."),
            key("fail", COUNT, "Failures."),
            key("mirrors", Type::List(&MIRROR), "Servers, the fastest first."),
        ],
    },
    Object {
        commands: &["reclaim"],
        event: "step",
        about: "A part of the work.",
        keys: &[
            key("step", TEXT, "A job, a directory, or what else was given back."),
            key("freed_bytes", Type::Null(&BYTES), "What was given back."),
            key("text", TEXT, "What came of it."),
        ],
    },
    Object {
        commands: &["reclaim"],
        event: "result",
        about: "",
        keys: &[
            key("freed_bytes", Type::Null(&BYTES), "What was given back."),
            key("available_bytes", CHANGE, "Memory that programs can have."),
            key("cached_bytes", CHANGE, "What the page cache has."),
        ],
    },
];
