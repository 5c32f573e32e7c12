//! `history` and `stats`.

use super::types::{
    BOOL, BYTES, COUNT, INTEGER, NUMBER, Object, SECONDS, TEXT, TEXTS, TIME, Type, key, maybe,
};

/// How far a job of the past came.
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

const TRY: Type = Type::Object(&[
    key("attempt", COUNT, "The attempt, from 1."),
    key("source", TEXT, "The source that it read."),
    key("started", TIME, "When it started."),
    key("exit_code", Type::Null(&INTEGER), "Exit code of rsync."),
    key("duration_s", SECONDS, "How long it took."),
    key("error", Type::Null(&TEXT), "Why it failed."),
    key("phases", super::sync::PHASES, "How long each phase took, by its name."),
]);

/// Percentiles, in the unit of the key.
const SPREAD: Type = Type::Object(&[
    key("p50", NUMBER, "Median."),
    key("p90", NUMBER, "90th percentile."),
    key("p95", NUMBER, "95th percentile."),
    key("p99", NUMBER, "99th percentile."),
    key("mean", NUMBER, "Mean."),
]);

pub(super) const OBJECTS: [Object; 9] = [
    Object {
        commands: &["history", "history show"],
        event: "job",
        about: "How a job fared in a run; the newest first.",
        keys: &[
            key("run", TEXT, "ID of the run."),
            key("job", TEXT, "Name of the job."),
            key("status", STATE, "How it ended."),
            key("started", TIME, "When it got its slot."),
            key("duration_s", Type::Null(&SECONDS), "How long it took."),
            key("queued_s", Type::Null(&SECONDS), "How long it waited for its slot."),
            key("attempts", COUNT, "Attempts that were made."),
            key("exit_code", Type::Null(&INTEGER), "Exit code of the last rsync."),
            key("files_transferred", Type::Null(&COUNT), "Files whose contents came."),
            key("files_deleted", Type::Null(&COUNT), "Files that were removed."),
            key("bytes_received", Type::Null(&BYTES), "Bytes that came over the connection."),
            key("total_files", Type::Null(&COUNT), "Files that the source held."),
            key("total_bytes", Type::Null(&BYTES), "Their size."),
            key("source", Type::Null(&TEXT), "The source of the last attempt."),
            key("fallback", BOOL, "Whether that is another than the first."),
            key("fallback_reason", Type::Null(&TEXT), "Why the first was left."),
            key("error", Type::Null(&TEXT), "Why it ended so."),
            key("hint", Type::Null(&TEXT), "What to do about it."),
            key("log", Type::Null(&TEXT), "Its log."),
            key("alerts", TEXTS, "The alerts that it set off."),
            key("warnings", TEXTS, "What its hooks did that somebody should look at."),
            key("phases", super::sync::PHASES, "How long each phase took, all attempts together."),
            maybe(
                "undo",
                Type::Null(&TEXT),
                "The command line that brings back what was removed or replaced; of history show only.",
            ),
            maybe("tries", Type::List(&TRY), "Its attempts; of history show only."),
        ],
    },
    Object { commands: &["history"], event: "result", about: "", keys: &[key("jobs", COUNT, "Lines.")] },
    Object {
        commands: &["history show"],
        event: "result",
        about: "",
        keys: &[
            key("run", TEXT, "ID of the run."),
            key("state", Type::Words(&["running", "interrupted", "ended"]), "How far it came."),
            key("started", TIME, "When it started."),
            key("duration_s", Type::Null(&SECONDS), "How long it took."),
            key("run_exit_code", Type::Null(&INTEGER), "Its exit code."),
            key("signal", Type::Null(&INTEGER), "The signal that ended it."),
            key("jobs", COUNT, "Its jobs."),
        ],
    },
    Object {
        commands: &["stats"],
        event: "stats",
        about: "A job over its past runs.",
        keys: &[
            key("job", TEXT, "Name of the job."),
            key("runs", COUNT, "Runs in which it was tried."),
            key("states", Type::Map(&COUNT), "How often it ended in each way."),
            key("success_rate", Type::Null(&Type::Share), "Share of its runs that ended well."),
            key("duration_s", Type::Null(&SPREAD), "Seconds that successful runs took."),
            key("queued_s", Type::Null(&SPREAD), "Seconds that runs waited for a slot."),
            key("bytes_per_s", Type::Null(&SPREAD), "Bytes a second of transfers."),
            key("files_per_s", Type::Null(&SPREAD), "Files a second of transfers."),
            key("bytes_received", BYTES, "Bytes of all these runs."),
            key("files_transferred", COUNT, "Files of all these runs."),
            key(
                "trend",
                Type::Object(&[
                    key(
                        "duration",
                        Type::Null(&NUMBER),
                        "Change of the median duration: 0.1 is a tenth more.",
                    ),
                    key("bytes_received", Type::Null(&NUMBER), "Change of the median of bytes."),
                ]),
                "The last 7 days against the 4 weeks before.",
            ),
            key("last_status", Type::Null(&STATE), "How it ended last."),
            key("last_success", Type::Null(&TIME), "When it last ended well."),
            key("alerts", TEXTS, "The alerts that it sets off now."),
        ],
    },
    Object {
        commands: &["stats"],
        event: "command",
        about: "What a command beside sync has cost.",
        keys: &[
            key("command", TEXT, "The command."),
            key("runs", COUNT, "How often it was run."),
            key("cut_short", COUNT, "How often something stopped it before its end."),
            key("duration_s", Type::Null(&SPREAD), "Seconds that it took."),
            key("cpu_s", Type::Null(&SPREAD), "Seconds of CPUs."),
            key("memory_bytes", Type::Null(&SPREAD), "The most memory that it had at once, in bytes."),
            key(
                "trend",
                Type::Object(&[key("duration", Type::Null(&NUMBER), "Change of the median duration.")]),
                "The last 7 days against the 4 weeks before.",
            ),
            key("last_started", Type::Null(&TIME), "When it started last."),
        ],
    },
    Object {
        commands: &["stats"],
        event: "alert",
        about: "With --check: an alert that is set off now.",
        keys: &[key("job", TEXT, "Name of the job."), key("text", TEXT, "Why.")],
    },
    Object {
        commands: &["stats"],
        event: "result",
        about: "Of jobs and commands.",
        keys: &[
            key("jobs", COUNT, "Jobs."),
            key("commands", COUNT, "Commands."),
            key("alerts", COUNT, "Alerts that are set off now."),
        ],
    },
    Object {
        commands: &["stats"],
        event: "result",
        about: "With --check.",
        keys: &[key("alerts", COUNT, "Alerts that are set off now.")],
    },
    Object {
        commands: &["stats"],
        event: "result",
        about: "With --prometheus.",
        keys: &[key("file", TEXT, "The file that was written."), key("jobs", COUNT, "Jobs.")],
    },
];
