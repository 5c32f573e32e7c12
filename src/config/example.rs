//! A job for tests.

use super::Settings;
use crate::model::job::{Indexing, Job, Source};
use std::path::{Path, PathBuf};
use std::time::Duration;

impl Job {
    /// A job with only the built-in guards and without waiting times.
    pub(crate) fn example(name: &str, source: &str, dest: impl Into<PathBuf>) -> Job {
        let sources = vec![Source::parse(source, Path::new("/base")).unwrap()];
        let index = Indexing { enabled: true, ..Indexing::default() };
        Job {
            retries: 0,
            retry_delay: Duration::ZERO,
            busy_delay: Duration::ZERO,
            stall: Some(Duration::from_secs(60)),
            connect_timeout: Duration::from_secs(10),
            hook_timeout: Duration::from_secs(60),
            ..Settings::default().job(name, sources, dest.into(), index)
        }
    }
}
