//! The files `costs.jsonl` and `costs.old.jsonl`, and the format of their lines.

use crate::history::stats::{Cost, Queries};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The version of the format. Lines of a later version may have another meaning.
const VERSION: u64 = 1;

pub(super) fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("costs.jsonl")
}

pub(super) fn older(state_dir: &Path) -> PathBuf {
    state_dir.join("costs.old.jsonl")
}

pub(super) fn line(cost: &Cost) -> String {
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let mut body = json!({
        "v": VERSION,
        "command": cost.command,
        "started": cost.started.as_millisecond(),
        "duration_us": micros(cost.duration),
        "cpu_us": cost.cpu.map(micros),
        "memory_bytes": cost.memory,
        "exit_code": cost.exit_code,
    });
    // Lines of commands without them stay short, and earlier versions skip what they do not know.
    if !cost.checkpoints.is_empty() {
        body["parts_us"] = cost.checkpoints.iter().map(|(name, took)| json!([name, micros(*took)])).collect();
    }
    if let Some(Queries { count, cached, took }) = &cost.queries {
        let took: Vec<u64> = took.iter().copied().map(micros).collect();
        body["queries"] = json!({"count": count, "cached": cached, "took_us": took});
    }
    format!("{body}\n")
}

pub(super) fn parsed(line: &[u8]) -> Option<Cost> {
    let body: Value = serde_json::from_slice(line).ok()?;
    let span = |key: &str| body[key].as_u64().map(Duration::from_micros);
    Some(Cost {
        command: (body["v"] == VERSION).then(|| body["command"].as_str())??.into(),
        started: Timestamp::from_millisecond(body["started"].as_i64()?).ok()?,
        duration: span("duration_us")?,
        cpu: span("cpu_us"),
        memory: body["memory_bytes"].as_u64(),
        exit_code: i32::try_from(body["exit_code"].as_i64()?).ok()?,
        checkpoints: body["parts_us"].as_array().into_iter().flatten().filter_map(part).collect(),
        queries: queries(&body["queries"]),
    })
}

fn part(value: &Value) -> Option<(String, Duration)> {
    Some((value[0].as_str()?.to_owned(), Duration::from_micros(value[1].as_u64()?)))
}

fn queries(value: &Value) -> Option<Queries> {
    let took = value["took_us"].as_array()?.iter();
    Some(Queries {
        count: value["count"].as_u64()?,
        cached: value["cached"].as_u64()?,
        took: took.filter_map(Value::as_u64).map(Duration::from_micros).collect(),
    })
}
