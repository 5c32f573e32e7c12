//! A part of a job: one of several transfers that together bring what the job mirrors.

use crate::model::wire;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// One of several transfers of a job. A job with one transfer has no parts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Part {
    /// Its number, from 1.
    pub index: u32,
    /// How many parts the job has, at least 2.
    pub of: u32,
}

impl fmt::Display for Part {
    /// `2/4`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// What became of a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartResult {
    /// The attempt of the job that it belongs to, from 1.
    pub attempt: u32,
    /// Which part it is.
    pub part: Part,
    /// Files whose contents it had to transfer.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Whether it brought everything.
    pub done: bool,
    /// Its transfers, in order; empty if it was not started.
    pub tries: Vec<PartTry>,
}

/// One transfer of a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartTry {
    /// The connection that it used, from 1.
    pub connection: u32,
    /// When it started.
    #[serde(serialize_with = "wire::time")]
    pub started: Timestamp,
    /// How long it took.
    #[serde(rename = "duration_s", serialize_with = "wire::seconds")]
    pub duration: Duration,
    /// rsync's exit code; `None` if a signal ended rsync or it did not run.
    pub exit_code: Option<i32>,
    /// Why it failed; `None` if it succeeded.
    pub error: Option<String>,
}
