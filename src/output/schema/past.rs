//! `history` and `stats`.

use super::types::{
    BOOL, BYTES, COUNT, INTEGER, NUMBER, Object, SECONDS, TEXT, TEXTS, TIME, Type, key, maybe,
};

/// How far a job of the past came.
pub(super) const PHASES: Type = Type::Map(&SECONDS);

pub(super) const STATE: Type = Type::Words(&[
    "ok",
    "warned",
    "partial",
    "blocked",
    "failed",
    "skipped",
    "cancelled",
    "interrupted",
    "running",
]);

pub(super) const SCOPE: Type = Type::Words(&["ids", "dest", "filters"]);

pub(super) const PART_OF: Type =
    Type::Object(&[key("index", COUNT, "Its number, from 1."), key("of", COUNT, "How many there are.")]);

pub(super) const PART_RESULT: Type = Type::Object(&[
    key("attempt", COUNT, "Number of the attempt, from 1."),
    key("part", PART_OF, "Which part it is."),
    key("files", COUNT, "Files to transfer."),
    key("bytes", BYTES, "Their size."),
    key("done", BOOL, "Whether everything in it was transferred."),
    key("tries", Type::List(&PART_TRY), "Its transfers; empty if it was not started."),
]);

const PART_TRY: Type = Type::Object(&[
    key("connection", COUNT, "Connection that it used, from 1."),
    key("started", TIME, "Start time."),
    key("duration_s", SECONDS, "Duration."),
    key("exit_code", Type::Null(&INTEGER), "Exit code of rsync; null if a signal ended it or it never ran."),
    key("error", Type::Null(&TEXT), "Error message."),
]);

const TRY: Type = Type::Object(&[
    key("attempt", COUNT, "Number of the attempt, from 1."),
    key("source", TEXT, "Source of the attempt."),
    key("started", TIME, "Start time."),
    key("exit_code", Type::Null(&INTEGER), "Exit code of rsync."),
    key("duration_s", SECONDS, "Duration."),
    key("error", Type::Null(&TEXT), "Error message."),
    key("phases", PHASES, "Duration of each phase, by name."),
]);

/// Percentiles, in the unit of the key.
const SPREAD: Type = Type::Object(&[
    key("p50", NUMBER, "Median."),
    key("p90", NUMBER, "90th percentile."),
    key("p95", NUMBER, "95th percentile."),
    key("p99", NUMBER, "99th percentile."),
    key("mean", NUMBER, "Mean."),
]);

const PART: Type = Type::Object(&[
    key("part", TEXT, "Name of the part."),
    key("runs", COUNT, "Number of runs that reached it."),
    key("duration_s", SPREAD, "Duration in seconds."),
]);

pub(super) const OBJECTS: [Object; 10] = [
    Object {
        commands: &["history", "history show"],
        event: "job",
        about: "A job of a run, the newest first.",
        keys: &[
            key("run", TEXT, "ID of the run."),
            key("job", TEXT, "Name of the job."),
            key("status", STATE, "Status."),
            key(
                "scope",
                Type::Null(&SCOPE),
                "What the command line limited the run to: the entries of --ids, the directory of --dest, or filters after --; null for a run of the whole job. Only such a run counts for list, status, stats and --rerun-failed.",
            ),
            key("started", TIME, "Start time."),
            key("duration_s", Type::Null(&SECONDS), "Duration."),
            key("queued_s", Type::Null(&SECONDS), "Time spent waiting for a slot."),
            key("attempts", COUNT, "Number of attempts."),
            key("exit_code", Type::Null(&INTEGER), "Exit code of the last rsync."),
            key("files_transferred", Type::Null(&COUNT), "Files transferred."),
            key("files_deleted", Type::Null(&COUNT), "Files deleted."),
            key("bytes_received", Type::Null(&BYTES), "Bytes received from the source."),
            key("total_files", Type::Null(&COUNT), "Files at the source."),
            key("total_bytes", Type::Null(&BYTES), "Total size."),
            key(
                "files_verified",
                Type::Null(&COUNT),
                "Compressed files that came and were read to their end; null without verify.",
            ),
            key(
                "files_damaged",
                Type::Null(&COUNT),
                "Files that came damaged or could not be checked, and are still so; null without verify.",
            ),
            key("source", Type::Null(&TEXT), "Source of the last attempt."),
            key("fallback", BOOL, "Whether this is not the first source."),
            key("fallback_reason", Type::Null(&TEXT), "Why the first source was not used."),
            key("error", Type::Null(&TEXT), "Error message."),
            key("hint", Type::Null(&TEXT), "What to do next."),
            key("log", Type::Null(&TEXT), "Log file."),
            key("alerts", TEXTS, "Alerts that fired."),
            key("warnings", TEXTS, "Warnings about hooks."),
            key("phases", PHASES, "Total duration of each phase over all attempts, by name."),
            maybe(
                "undo",
                Type::Null(&TEXT),
                "Command line that restores removed and replaced files; only in history show.",
            ),
            key(
                "connections",
                Type::Null(&COUNT),
                "Connections at the same time, at most; null if an earlier version has recorded the run.",
            ),
            maybe(
                "parts",
                Type::Null(&Type::List(&PART_RESULT)),
                "Parts of its transfers; empty if none was cut into parts. Only in history show.",
            ),
            maybe("tries", Type::List(&TRY), "Attempts; only in history show."),
        ],
    },
    Object {
        commands: &["history"],
        event: "result",
        about: "",
        keys: &[key("jobs", COUNT, "Number of jobs printed.")],
    },
    Object {
        commands: &["history show"],
        event: "result",
        about: "",
        keys: &[
            key("run", TEXT, "ID of the run."),
            key("state", Type::Words(&["running", "interrupted", "ended"]), "State of the run."),
            key("started", TIME, "Start time."),
            key("duration_s", Type::Null(&SECONDS), "Duration."),
            key("run_exit_code", Type::Null(&INTEGER), "Exit code of the run."),
            key("signal", Type::Null(&INTEGER), "Signal that ended the run."),
            key("jobs", COUNT, "Number of jobs."),
        ],
    },
    Object {
        commands: &["stats"],
        event: "stats",
        about: "Statistics of a job.",
        keys: &[
            key("job", TEXT, "Name of the job."),
            key("runs", COUNT, "Runs in which the job made an attempt."),
            key("states", Type::Map(&COUNT), "Number of runs by status."),
            key("success_rate", Type::Null(&Type::Share), "Share of successful runs."),
            key(
                "by_marker",
                COUNT,
                "Successful runs whose marker showed that nothing was new; their durations are not in `duration_s`.",
            ),
            key("duration_s", Type::Null(&SPREAD), "Duration of successful runs, in seconds."),
            key("queued_s", Type::Null(&SPREAD), "Time spent waiting for a slot, in seconds."),
            key("bytes_per_s", Type::Null(&SPREAD), "Transfer rate in bytes per second."),
            key("files_per_s", Type::Null(&SPREAD), "Transfer rate in files per second."),
            key("bytes_received", BYTES, "Total bytes received."),
            key("files_transferred", COUNT, "Total files transferred."),
            key(
                "trend",
                Type::Object(&[
                    key(
                        "duration",
                        Type::Null(&NUMBER),
                        "Relative change of the median duration: 0.1 is 10 % more.",
                    ),
                    key(
                        "bytes_received",
                        Type::Null(&NUMBER),
                        "Relative change of the median of bytes received.",
                    ),
                ]),
                "The last 7 days compared with the 4 weeks before.",
            ),
            key("last_status", Type::Null(&STATE), "Status of the newest run."),
            key("last_success", Type::Null(&TIME), "Time of the last success."),
            key("alerts", TEXTS, "Alerts that fire now."),
        ],
    },
    Object {
        commands: &["stats"],
        event: "command",
        about: "Statistics of a command other than sync.",
        keys: &[
            key("command", TEXT, "Name of the command."),
            key("runs", COUNT, "Number of runs."),
            key("cut_short", COUNT, "Number of runs stopped before their end."),
            key("duration_s", Type::Null(&SPREAD), "Duration in seconds."),
            key("cpu_s", Type::Null(&SPREAD), "CPU time in seconds."),
            key("memory_bytes", Type::Null(&SPREAD), "Peak memory in bytes."),
            key(
                "trend",
                Type::Object(&[key(
                    "duration",
                    Type::Null(&NUMBER),
                    "Relative change of the median duration: 0.1 is 10 % more.",
                )]),
                "The last 7 days compared with the 4 weeks before.",
            ),
            key("last_started", Type::Null(&TIME), "Start time of the newest run."),
            key("parts", Type::List(&PART), "Its parts, in the order of the newest run."),
        ],
    },
    Object {
        commands: &["stats"],
        event: "searches",
        about: "Statistics of the queries of all searches, if there were any.",
        keys: &[
            key("queries", COUNT, "Number of queries."),
            key("cached", COUNT, "Number of queries answered from the cache, which only --repl has."),
            key(
                "duration_s",
                Type::Null(&SPREAD),
                "Duration of a query in seconds, without opening the indexes; of sessions of --repl, up to 1,000 queries each.",
            ),
        ],
    },
    Object {
        commands: &["stats"],
        event: "alert",
        about: "With --check: an alert that fires now.",
        keys: &[
            key("job", Type::Null(&TEXT), "Name of the job; null for an alert about a command."),
            key("command_name", Type::Null(&TEXT), "Name of the command; null for an alert about a job."),
            key("text", TEXT, "Reason."),
        ],
    },
    Object {
        commands: &["stats"],
        event: "result",
        about: "Without --check and --prometheus.",
        keys: &[
            key("jobs", COUNT, "Number of jobs."),
            key("commands", COUNT, "Number of commands."),
            key("alerts", COUNT, "Number of alerts that fire now."),
        ],
    },
    Object {
        commands: &["stats"],
        event: "result",
        about: "With --check.",
        keys: &[key("alerts", COUNT, "Number of alerts that fire now.")],
    },
    Object {
        commands: &["stats"],
        event: "result",
        about: "With --prometheus.",
        keys: &[key("file", TEXT, "File written."), key("jobs", COUNT, "Number of jobs.")],
    },
];
