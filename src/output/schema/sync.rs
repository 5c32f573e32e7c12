//! `sync`, and `list`.

use super::types::{BOOL, BYTES, COUNT, INTEGER, Key, Object, SECONDS, TEXT, TEXTS, TIME, Type, key, maybe};

/// How a job ends.
pub(super) const STATUS: Type =
    Type::Words(&["ok", "warned", "partial", "blocked", "failed", "skipped", "cancelled"]);
const JOB: Key = key("job", TEXT, "Name of the job.");
const ATTEMPT: Key = key("attempt", COUNT, "Number of the attempt, from 1; 0 outside of attempts.");

const PART: Key =
    maybe("part", super::past::PART_OF, "Which transfer of the job; missing for a job with one.");

// The progress of a transfer, also in the lines of `status`.
pub(super) const PERCENT: Key =
    key("percent", Type::Null(&Type::Percent), "Progress; never decreases within an attempt.");
pub(super) const FILES: Key = key("files", Type::Null(&COUNT), "Files transferred in this attempt.");
pub(super) const RATE: Key =
    key("rate", Type::Null(&Type::BytesPerSecond), "Transfer rate over the last seconds.");
pub(super) const ETA: Key = key("eta_s", Type::Null(&SECONDS), "Remaining time, estimated by rsync.");

const TALLY: Type = Type::Object(&[
    key("files", COUNT, "Files, links and other entries, without directories."),
    key("dirs", COUNT, "Number of directories."),
    key("bytes", Type::Null(&BYTES), "Size of the files."),
]);

const TRY: Type = Type::Object(&[
    ATTEMPT,
    key("source", TEXT, "Source of the attempt."),
    key("exit_code", Type::Null(&INTEGER), "Exit code of rsync; null if a signal ended it or it never ran."),
    key("duration_s", SECONDS, "Duration."),
    key("error", Type::Null(&TEXT), "Error message."),
    key("phases", super::past::PHASES, "Duration of each phase, by name."),
]);

const LAST: Type = Type::Object(&[
    key("run", TEXT, "ID of the run."),
    key("status", super::past::STATE, "Status."),
    key("started", TIME, "Start time of the job."),
]);

pub(super) const OBJECTS: [Object; 15] = [
    Object {
        commands: &["sync"],
        event: "run_started",
        about: "The first line of a run.",
        keys: &[
            key("v", COUNT, "Version of these lines: 1."),
            key("run", TEXT, "ID of the run, a ULID."),
            key("jobs", TEXTS, "Selected jobs, in starting order."),
            key("parallel", COUNT, "Maximum number of jobs at the same time."),
            key("dry_run", BOOL, "Whether the run changes nothing (--dry-run or --plan)."),
            key(
                "scope",
                Type::Null(&super::past::SCOPE),
                "What the command line limits the run to: the entries of --ids, the directory of --dest, or filters after --; null for a run of whole jobs.",
            ),
        ],
    },
    Object {
        commands: &["sync"],
        event: "job_started",
        about: "The start of an attempt.",
        keys: &[
            JOB,
            ATTEMPT,
            key("source", TEXT, "Source of the attempt."),
            key("argv", TEXTS, "First command of the attempt."),
            PART,
        ],
    },
    Object {
        commands: &["sync"],
        event: "phase",
        about: "The start of a phase.",
        keys: &[
            JOB,
            ATTEMPT,
            key(
                "phase",
                Type::Words(&["before", "marker", "list", "transfer", "verify", "delete", "after"]),
                "Phase.",
            ),
            key("argv", TEXTS, "Command of the phase, if it has its own."),
            PART,
        ],
    },
    Object {
        commands: &["sync"],
        event: "output",
        about: "A line printed by a process of a job.",
        keys: &[
            JOB,
            key("stream", Type::Words(&["stdout", "stderr"]), "Stream."),
            key("line", TEXT, "The line. U+FFFD replaces bytes that are not UTF-8."),
            PART,
        ],
    },
    Object {
        commands: &["sync"],
        event: "planned",
        about: "What a run with --plan would change.",
        keys: &[
            JOB,
            key("created", TALLY, "Entries that would be created."),
            key("updated", TALLY, "Entries that would be replaced or get other attributes."),
            key("deleted", TALLY, "Entries that would be deleted."),
            key(
                "limit",
                Type::Null(&COUNT),
                "Maximum number of files to delete; null if the job does not delete.",
            ),
            key(
                "waiting",
                TALLY,
                "Entries that only the next run deletes, since this run takes over the mirror.",
            ),
            key("respelt", COUNT, "Names that would get the spelling of the source."),
            key("left_out", Type::Null(&TALLY), "Entries of the source that filters exclude."),
            key(
                "plan_hash",
                Type::Null(&TEXT),
                "Hash of these deletions for --expect; null if there are none, or if this run would delete none.",
            ),
        ],
    },
    Object {
        commands: &["sync"],
        event: "adopted",
        about: "What the first run of a job found at a destination with existing files.",
        keys: &[
            JOB,
            key("dest", TEXT, "Destination."),
            key("same", Type::Null(&COUNT), "Files of the same size and time."),
            key("same_size", COUNT, "Files of the same size and another time."),
            key("different", COUNT, "Files of another size, or links to something else."),
            key("missing", COUNT, "Files that only the source has."),
            key(
                "foreign",
                Type::Null(&TALLY),
                "Entries that only the destination has; null if the job does not delete.",
            ),
            key("older", COUNT, "Files of another size that are older at the source."),
            key("checksum", BOOL, "Whether files of the same size are compared by checksum."),
            key(
                "why",
                Type::Words(&["first-run", "unfinished", "asked", "other-directory"]),
                "Why the mirror is taken over.",
            ),
        ],
    },
    Object {
        commands: &["sync"],
        event: "progress",
        about: "Progress of a transfer; only the newest matters.",
        keys: &[
            JOB,
            key("bytes", BYTES, "Bytes of files transferred in this attempt."),
            PERCENT,
            FILES,
            RATE,
            ETA,
            PART,
        ],
    },
    Object {
        commands: &["sync"],
        event: "retry",
        about: "An attempt failed, and another will follow.",
        keys: &[
            JOB,
            ATTEMPT,
            key("exit_code", Type::Null(&INTEGER), "Exit code of rsync."),
            key("reason", TEXT, "Reason."),
            key("delay_s", SECONDS, "Delay until the next attempt."),
            key("source", TEXT, "Source of the next attempt."),
            PART,
        ],
    },
    Object {
        commands: &["sync"],
        event: "notice",
        about: "A message.",
        keys: &[
            key("job", Type::Null(&TEXT), "Job that it is about; null for the run."),
            key("level", Type::Words(&["debug", "info", "warning", "error"]), "Severity."),
            key("text", TEXT, "Text, one line."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "job_finished",
        about: "The result of a job; exactly one for each selected job.",
        keys: &[
            JOB,
            key("status", STATUS, "Status."),
            key("undo", Type::Null(&TEXT), "Command line that restores removed and replaced files."),
            key(
                "missing_ids",
                Type::Null(&TEXTS),
                "Entries of `ids` or --ids without a file at the source; null for a job without a list, or if unknown.",
            ),
            key("connections", Type::Null(&COUNT), "Connections at the same time, at most."),
            key(
                "parts",
                Type::List(&super::past::PART_RESULT),
                "Parts of its transfers; empty if none was cut into parts.",
            ),
            key("exit_code", Type::Null(&INTEGER), "Exit code of the last rsync."),
            key("attempts", COUNT, "Number of attempts."),
            key("duration_s", SECONDS, "Duration, including hooks and delays between attempts."),
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
            key("error", Type::Null(&TEXT), "Error message."),
            key("hint", Type::Null(&TEXT), "What to do next."),
            key("log", Type::Null(&TEXT), "Log file."),
            key("source", Type::Null(&TEXT), "Source of the last attempt."),
            key("fallback", BOOL, "Whether this is not the first source."),
            key("fallback_reason", Type::Null(&TEXT), "Why the first source was not used."),
            key("started", TIME, "Start time."),
            key("queued_s", SECONDS, "Time spent waiting for a slot."),
            key("changed", Type::Null(&BOOL), "Whether anything at the destination was changed."),
            key("alerts", TEXTS, "Alerts that fired."),
            key("warnings", TEXTS, "Warnings about hooks."),
            key("tries", Type::List(&TRY), "Attempts."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "run_finished",
        about: "The last line of a run.",
        keys: &[
            key("run", TEXT, "ID of the run."),
            key("exit_code", INTEGER, "Exit code of the command."),
            key("duration_s", SECONDS, "Duration."),
            key("total", COUNT, "Selected jobs."),
            key("success", COUNT, "Jobs with status ok or warned."),
            key("failed", COUNT, "Failed jobs."),
            key("partial", COUNT, "Partial jobs."),
            key("blocked", COUNT, "Blocked jobs."),
            key("skipped", COUNT, "Skipped jobs."),
            key("cancelled", COUNT, "Cancelled jobs."),
            key("signal", Type::Null(&INTEGER), "Signal that ended the run."),
            key("warnings", TEXTS, "Warnings about the run, such as a history that could not be written."),
            key("unwritten", TEXTS, "Requested output that could not be written."),
        ],
    },
    Object {
        commands: &["sync"],
        event: "command",
        about: "With --print-command: a command that the first attempt would run.",
        keys: &[JOB, key("source", TEXT, "Source."), key("argv", TEXTS, "Program and arguments.")],
    },
    Object {
        commands: &["sync"],
        event: "result",
        about: "With --print-command, and with --rerun-failed if there is nothing to rerun.",
        keys: &[key("jobs", COUNT, "Number of jobs.")],
    },
    Object {
        commands: &["list"],
        event: "job",
        about: "A job of the configuration.",
        keys: &[
            JOB,
            key("name", TEXT, "Same as job; to be removed in 1.0."),
            key("enabled", BOOL, "Whether --all selects it."),
            key("tags", TEXTS, "Tags."),
            key("sources", TEXTS, "Sources, in the order in which they are tried."),
            key("host", Type::Null(&TEXT), "Host of the first source; null for a local path."),
            key("hosts", TEXTS, "Hosts of the sources."),
            key("dest", Type::Null(&TEXT), "Destination."),
            key("delete", BOOL, "Whether the job deletes."),
            key("preset", Type::Null(&TEXT), "Preset."),
            key("priority", INTEGER, "Priority; jobs with a higher one start first."),
            key("description", TEXT, "Description."),
            key("last", Type::Null(&LAST), "Result of the run that ended last."),
            key("last_success", Type::Null(&TIME), "Time of the last success."),
            key("age_s", Type::Null(&SECONDS), "Time since the last success."),
        ],
    },
    Object {
        commands: &["list"],
        event: "result",
        about: "",
        keys: &[key("jobs", COUNT, "Number of jobs.")],
    },
];
