//! From TOML to jobs. Pure: files, environment and mounts are handed in.

use crate::job::Job;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A configuration with every value resolved and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file that it was read from; `None` where there was none.
    pub file: Option<PathBuf>,
    /// `[sync]`
    pub sync: SyncSettings,
    /// `[hosts."NAME"] connections`, by lower-case host name.
    pub hosts: BTreeMap<String, usize>,
    /// The jobs in the order of the file.
    pub jobs: Vec<Job>,
}

/// `[sync]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncSettings {
    /// Up to so many jobs at a time, 1..=100.
    pub parallel: usize,
    /// Stop at the first failure.
    pub fail_fast: bool,
    /// Between SIGTERM and SIGKILL for children.
    pub grace: Duration,
    /// Log files kept for each job.
    pub log_keep: usize,
    /// The rsync program: a name to look up in `PATH`, or a path.
    pub rsync: String,
}

impl Default for SyncSettings {
    fn default() -> Self {
        SyncSettings {
            parallel: 1,
            fail_fast: false,
            grace: Duration::from_secs(10),
            log_keep: 10,
            rsync: "rsync".into(),
        }
    }
}
