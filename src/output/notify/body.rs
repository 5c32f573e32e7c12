//! The content of notifications: a run as JSON.

use crate::model::exit_code::ExitCode;
use crate::model::result::SyncResult;
use crate::model::summary::Summary;
use crate::model::time::rfc3339;
use crate::platform;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Number of bytes read from the end of a log; many receivers accept no more.
const TAIL: u64 = 16 * 1024;

/// The keys of a run, in order.
const RUN: [&str; 19] = [
    "event",
    "time",
    "v",
    "host",
    "run",
    "status",
    "exit_code",
    "signal",
    "warnings",
    "unwritten",
    "duration_s",
    "total",
    "success",
    "failed",
    "partial",
    "blocked",
    "skipped",
    "cancelled",
    "jobs",
];
/// The keys of a job, in order.
const JOB: [&str; 18] = [
    "job",
    "status",
    "attempts",
    "duration_s",
    "files_transferred",
    "files_deleted",
    "bytes_received",
    "files_verified",
    "files_damaged",
    "source",
    "fallback",
    "fallback_reason",
    "error",
    "hint",
    "alerts",
    "warnings",
    "log",
    "log_tail",
];

/// Returns the run, its jobs, and the last log lines of the jobs that failed or were only partly done.
pub(super) fn of(summary: &Summary, success: bool, lines: usize) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let more = json!({
        "event": "run_finished",
        "time": rfc3339(jiff::Timestamp::now()),
        "v": 1,
        "host": host,
        "status": if success { "success" } else { "failure" },
        "jobs": summary.results.iter().map(|result| job(result, lines)).collect::<Vec<_>>(),
    });
    select(&RUN, summary, more).to_string()
}

fn job(result: &SyncResult, lines: usize) -> Value {
    let log = result.log.as_deref().filter(|_| result.outcome.exit() != ExitCode::Done);
    select(&JOB, result, json!({ "log_tail": log.and_then(|log| tail(log, lines)) }))
}

/// Returns an object with these keys. Their values are those of the form that `thing` has in JSON, and of `more`.
fn select(keys: &[&str], thing: &impl Serialize, more: Value) -> Value {
    let mut all = Map::new();
    for part in [serde_json::to_value(thing).unwrap_or_default(), more] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    keys.iter().filter_map(|key| all.remove_entry(*key)).collect()
}

/// Returns the last lines of a file as text; `None` if it cannot be read.
fn tail(path: &Path, lines: usize) -> Option<Vec<String>> {
    let mut file = platform::open_regular(path).ok()?;
    let length = file.metadata().ok()?.len();
    let skipped = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(skipped)).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut all: Vec<String> = text.lines().map(Into::into).collect();
    if skipped > 0 && !all.is_empty() {
        // The first line is incomplete.
        all.remove(0);
    }
    Some(all.split_off(all.len().saturating_sub(lines)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_has_whole_lines_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&path, 2).unwrap(), ["two", "three"]);
        assert_eq!(tail(&path, 0).unwrap(), [""; 0]);
        assert_eq!(tail(&path, 9).unwrap().len(), 3);
        std::fs::write(&path, "x".repeat(70) + "\n" + &"0123456789\n".repeat(2_000)).unwrap();
        let all = tail(&path, 10_000).unwrap();
        assert!(all.len() > 1_000 && all.iter().all(|line| line == "0123456789"));
        assert_eq!(tail(Path::new("/nowhere/log"), 5), None);
    }
}
