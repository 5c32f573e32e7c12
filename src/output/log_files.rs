//! The log files of a run. Each is created when its job first logs something, or when its path is requested.
//!
//! A result must not name a log that does not exist, and results come from another thread than the one that writes logs. So both threads
//! use this module, and the first one creates the file.

use crate::model::result::{Logs, log_path};
use crate::model::sanitize;
use crate::model::time::local_exact;
use jiff::Timestamp;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The log files of one run.
#[derive(Debug)]
pub struct LogFiles {
    dir: PathBuf,
    run: String,
    dry_run: bool,
    files: Mutex<HashMap<String, Arc<OnceLock<Made>>>>,
}

/// A created log, until its writer takes it; or why it could not be created.
type Made = Result<Mutex<Option<File>>, String>;

impl LogFiles {
    /// Creates nothing yet. `dir` has a directory for each job, and is created if it is missing.
    pub fn new(dir: PathBuf, run: &str, dry_run: bool) -> Self {
        LogFiles { dir, run: run.into(), dry_run, files: Mutex::default() }
    }

    /// Returns the log of a job, with its first line, to its only writer; or why there is none.
    pub(super) fn take(&self, job: &str, time: Timestamp) -> Result<Option<File>, String> {
        let made = self.entry(job);
        match made.get_or_init(|| self.make(job, time)) {
            Ok(file) => Ok(file.lock().unwrap_or_else(PoisonError::into_inner).take()),
            Err(why) => Err(why.clone()),
        }
    }

    /// Returns the entry of a job, so that only threads that need the same log wait for the disk.
    fn entry(&self, job: &str) -> Arc<OnceLock<Made>> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.entry(job.into()).or_default().clone()
    }

    /// Returns the path of a job's log.
    pub(super) fn path(&self, job: &str) -> PathBuf {
        log_path(&self.dir, job, &self.run)
    }

    fn make(&self, job: &str, time: Timestamp) -> Made {
        let path = self.path(job);
        let kind = if self.dry_run { "dry run" } else { "run" };
        let line = format!("{} --- job {job}, {kind} {}\n", local_exact(time), self.run);
        debug_assert_eq!(is_of_dry_run(line.as_bytes()), self.dry_run);
        let file = create(&path, line.as_bytes())
            .map_err(|error| format!("cannot write the log {}: {error}", sanitize::path(&path)));
        file.map(|file| Mutex::new(Some(file)))
    }
}

/// Whether a log is that of a dry run, by its first line; `log` may end behind it.
pub fn is_of_dry_run(log: &[u8]) -> bool {
    let first = log.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // No name of a job has a comma.
    memchr::memmem::find(first, b", dry run ").is_some()
}

impl Logs for LogFiles {
    fn of(&self, job: &str) -> Option<PathBuf> {
        let made = self.entry(job);
        made.get_or_init(|| self.make(job, Timestamp::now())).is_ok().then(|| self.path(job))
    }
}

/// Writes the first line too, since a full disk may have space for an empty file, which would not be a log.
fn create(path: &Path, first: &[u8]) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut file = File::options().append(true).create(true).open(path)?;
    if let Err(error) = file.write_all(first) {
        // The first error is returned.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(file)
}
