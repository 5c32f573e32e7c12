//! `sync`, and `list`.

use super::types::{BOOL, BYTES, COUNT, INTEGER, Key, Object, SECONDS, TEXT, TEXTS, TIME, Type, key};

/// How a job ends.
pub(super) const STATUS: Type =
    Type::Words(&["ok", "warned", "partial", "blocked", "failed", "skipped", "cancelled"]);
pub(super) const PHASES: Type = Type::Map(&SECONDS);
const JOB: Key = key("job", TEXT, "Name of the job.");
const ATTEMPT: Key = key("attempt", COUNT, "The attempt, from 1; 0 outside of attempts.");

const TALLY: Type = Type::Object(&[
    key("files", COUNT, "Files, links and other entries that are no directories."),
    key("dirs", COUNT, "Directories."),
    key("bytes", Type::Null(&BYTES), "Size of the files."),
]);

const TRY: Type = Type::Object(&[
    ATTEMPT,
    key("source", TEXT, "The source that it read."),
    key("exit_code", Type::Null(&INTEGER), "Exit code of rsync; null if a signal ended it or it never ran."),
    key("duration_s", SECONDS, "How long it took."),
    key("error", Type::Null(&TEXT), "Why it failed."),
    key("phases", PHASES, "How long each phase took, by its name."),
]);

const LAST: Type = Type::Object(&[
    key("run", TEXT, "The run."),
    key("status", super::past::STATE, "How it ended."),
    key("started", TIME, "When the job started."),
]);

pub(super) const OBJECTS: [Object; 15] = [
    Object {
        commands: &["sync"],
        event: "run_started",
        about: "The first line of a run.",
        keys: &[
            key("v", COUNT, "Version of these lines: 1."),
            key("run", TEXT, "ID of the run, a ULID."),
            key("jobs", TEXTS, "The jobs that were asked for, in starting order."),
            key("parallel", COUNT, "At most so many at a time."),
            key("dry_run", BOOL, "Whether nothing will be changed."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "job_started",
        about: "An attempt starts.",
        keys: &[
            JOB,
            ATTEMPT,
            key("source", TEXT, "The source that it reads."),
            key("argv", TEXTS, "The first command that it runs."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "phase",
        about: "An attempt, or what surrounds it, enters its next part.",
        keys: &[
            JOB,
            ATTEMPT,
            key("phase", Type::Words(&["before", "list", "transfer", "delete", "after"]), "Which part."),
            key("argv", TEXTS, "The command, if it is one of its own."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "output",
        about: "A line that a child of a job has printed.",
        keys: &[
            JOB,
            key("stream", Type::Words(&["stdout", "stderr"]), "Where."),
            key("line", TEXT, "The line; U+FFFD stands for what is not UTF-8."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "planned",
        about: "What a run with --plan would change.",
        keys: &[
            JOB,
            key("created", TALLY, "What would be new."),
            key("updated", TALLY, "What would be replaced or get other attributes."),
            key("deleted", TALLY, "What would be removed."),
            key("limit", Type::Null(&COUNT), "Files that may be removed; null if the job never deletes."),
            key("waiting", TALLY, "What is removed by the next run only, since this one takes over."),
            key("respelt", COUNT, "Names that would be spelt as the source does."),
            key("left_out", Type::Null(&TALLY), "What the filters leave out of the source."),
            key(
                "plan_hash",
                Type::Null(&TEXT),
                "What --expect takes for these deletions; null if there are none.",
            ),
        ],
    },
    Object {
        commands: &["sync"],
        event: "adopted",
        about: "What the first run of a job found at a destination that holds files already.",
        keys: &[
            JOB,
            key("dest", TEXT, "The destination."),
            key("same", Type::Null(&COUNT), "Files that are the same by size and time."),
            key("same_size", COUNT, "Files of the same size and another time."),
            key("different", COUNT, "Files of another size, or links to something else."),
            key("missing", COUNT, "Files of the source only."),
            key(
                "foreign",
                Type::Null(&TALLY),
                "What the destination only has; null if the job does not delete.",
            ),
            key("older", COUNT, "Files of another size that are older at the source."),
            key("checksum", BOOL, "Whether files of the same size are compared by checksum."),
            key("why", Type::Words(&["first-run", "asked", "other-directory"]), "Why it is taken over."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "progress",
        about: "How far a transfer is; the latest wins.",
        keys: &[
            JOB,
            key("bytes", BYTES, "Bytes of files transferred in this attempt."),
            key("percent", Type::Null(&Type::Percent), "Share of the whole; never falls within an attempt."),
            key("files", Type::Null(&COUNT), "Files transferred in this attempt."),
            key("rate", Type::Null(&Type::BytesPerSecond), "Speed over the last seconds."),
            key("eta_s", Type::Null(&SECONDS), "Until the end, as rsync estimates it."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "retry",
        about: "An attempt has failed, and another will follow.",
        keys: &[
            JOB,
            ATTEMPT,
            key("exit_code", Type::Null(&INTEGER), "Exit code of rsync."),
            key("reason", TEXT, "Why."),
            key("delay_s", SECONDS, "Until the next attempt."),
            key("source", TEXT, "The source of the next attempt."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "notice",
        about: "Something that people should know.",
        keys: &[
            key("job", Type::Null(&TEXT), "The job that it is about; null: the run."),
            key("level", Type::Words(&["debug", "info", "warning", "error"]), "How much it matters."),
            key("text", TEXT, "One line."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "job_finished",
        about: "A job has its result: exactly one for every job that was asked for.",
        keys: &[
            JOB,
            key("status", STATUS, "How it ended."),
            key("undo", Type::Null(&TEXT), "The command line that brings back what was removed or replaced."),
            key("exit_code", Type::Null(&INTEGER), "Exit code of the last rsync."),
            key("attempts", COUNT, "Attempts that were made."),
            key("duration_s", SECONDS, "How long it took, hooks and waiting between attempts included."),
            key("files_transferred", Type::Null(&COUNT), "Files whose contents came."),
            key("files_deleted", Type::Null(&COUNT), "Files that were removed."),
            key("bytes_received", Type::Null(&BYTES), "Bytes that came over the connection."),
            key("total_files", Type::Null(&COUNT), "Files that the source holds."),
            key("total_bytes", Type::Null(&BYTES), "Their size."),
            key("error", Type::Null(&TEXT), "Why it ended so."),
            key("hint", Type::Null(&TEXT), "What to do next."),
            key("log", Type::Null(&TEXT), "Its log."),
            key("source", Type::Null(&TEXT), "The source of the last attempt."),
            key("fallback", BOOL, "Whether that is another than the first."),
            key("fallback_reason", Type::Null(&TEXT), "Why the first was left."),
            key("started", TIME, "When it got its slot."),
            key("queued_s", SECONDS, "How long it waited for its slot."),
            key("changed", Type::Null(&BOOL), "Whether anything in the destination was changed."),
            key("alerts", TEXTS, "The alerts that it set off."),
            key("warnings", TEXTS, "What its hooks did that somebody should look at."),
            key("tries", Type::List(&TRY), "Its attempts."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "run_finished",
        about: "The last line of a run.",
        keys: &[
            key("run", TEXT, "ID of the run."),
            key("exit_code", INTEGER, "Exit code of the command."),
            key("duration_s", SECONDS, "How long it took."),
            key("total", COUNT, "Jobs that were asked for."),
            key("success", COUNT, "Jobs that ended ok or warned."),
            key("failed", COUNT, "Jobs that failed."),
            key("partial", COUNT, "Jobs that left something out."),
            key("blocked", COUNT, "Jobs that a guard refused."),
            key("skipped", COUNT, "Jobs that were not tried."),
            key("cancelled", COUNT, "Jobs that were ended."),
            key("signal", Type::Null(&INTEGER), "The signal that ended the run."),
            key("warnings", TEXTS, "What the run leaves behind less than usual, such as its history."),
            key("unwritten", TEXTS, "Output that was asked for and could not be written."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "command",
        about: "With --print-command: a command that the first attempt would run.",
        keys: &[JOB, key("source", TEXT, "The source."), key("argv", TEXTS, "Program and arguments.")],
    },
    Object {
        commands: &["sync"],
        event: "result",
        about: "With --print-command, and with --rerun-failed if there is nothing to run again.",
        keys: &[key("jobs", COUNT, "Jobs.")],
    },
    Object {
        commands: &["list"],
        event: "job",
        about: "A job of the configuration.",
        keys: &[
            JOB,
            key("name", TEXT, "The same; to go with 1.0."),
            key("enabled", BOOL, "Whether --all selects it."),
            key("tags", TEXTS, "Its tags."),
            key("sources", TEXTS, "Its sources, in the order in which they are tried."),
            key("host", Type::Null(&TEXT), "Host of the first source; null: a local one."),
            key("hosts", TEXTS, "Hosts of its sources."),
            key("dest", Type::Null(&TEXT), "Its destination."),
            key("delete", BOOL, "Whether it deletes."),
            key("preset", Type::Null(&TEXT), "Its preset."),
            key("priority", INTEGER, "Higher starts first."),
            key("description", TEXT, "Its description."),
            key("last", Type::Null(&LAST), "How it fared last."),
            key("last_success", Type::Null(&TIME), "When it last ended well."),
            key("age_s", Type::Null(&SECONDS), "How long ago that was."),
        ],
    },
    Object { commands: &["list"], event: "result", about: "", keys: &[key("jobs", COUNT, "Jobs.")] },
];
