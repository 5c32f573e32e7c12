//! A part of a job: one of several transfers that together bring what the job mirrors.

use serde::Serialize;
use std::fmt;

/// One of several transfers of a job. A job with one transfer has no parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
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
