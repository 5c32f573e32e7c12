//! An index that a search keeps open, and its newest commit.

use super::SearchError;
use super::location::Opened;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tantivy::{IndexReader, ReloadPolicy, Searcher};

/// Inode and modification time of the file of the last commit.
type Stamp = (u64, i64, i64);

/// An index that is reloaded when it has a new commit.
pub(super) struct Live {
    pub(super) label: String,
    meta: PathBuf,
    reader: IndexReader,
    /// The stamp of the file of the last commit when it was read, and how often it has changed.
    seen: Mutex<(Option<Stamp>, u64)>,
}

impl Live {
    pub(super) fn new(opened: Opened) -> Result<Self, SearchError> {
        let meta = opened.dir.join("meta.json");
        let seen = stamp(&meta);
        let reader = opened.index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        let reader = reader.map_err(SearchError::engine(&opened.dir))?;
        Ok(Live { label: opened.label, meta, reader, seen: Mutex::new((seen, 0)) })
    }

    /// Returns the newest commit and a number that changes with it. If the newest commit cannot be read, the previous one stays.
    pub(super) fn current(&self) -> (Searcher, u64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.meta);
        if now.is_some() && now != seen.0 && self.reader.reload().is_ok() {
            *seen = (now, seen.1 + 1);
        }
        (self.reader.searcher(), seen.1)
    }
}

fn stamp(meta: &Path) -> Option<Stamp> {
    let meta = fs::metadata(meta).ok()?;
    Some((meta.ino(), meta.mtime(), meta.mtime_nsec()))
}
