//! Builds indexes of mirrors and searches several of them at once.
//!
//! ```text
//! location (where an index lies) ── file_list (what a mirror holds) ── indexed_files (what was indexed) ── build
//! schema, document, stems, entry_key                                                                     │
//! condition (query → terms of the engine) ── single_index ── engine ── cache                      budget
//! ```
//!
//! **Invariant: an index is what its last commit says.** The payload of a commit names its list of indexed files, so the two always match.
//! A killed process leaves the previous commit.

mod budget;
mod build;
mod cache;
mod changes;
mod common_grams;
mod condition;
mod document;
mod engine;
#[cfg(test)]
mod entries_tests;
pub mod entry;
mod entry_count;
mod entry_key;
mod facets;
mod file_list;
mod hit;
mod index_dir;
mod indexed_files;
mod live;
mod location;
pub mod query;
#[cfg(test)]
mod ranking_tests;
mod schema;
mod single_index;
mod stems;
mod stored;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod timeout_tests;
#[cfg(test)]
mod totals_tests;

pub use build::{Built, IndexOptions, Progress, Target, build};
pub use cache::CacheStats;
pub use condition::words;
pub use engine::{EngineOptions, SearchEngine};
pub use facets::FACETS;
pub use hit::{Hit, Outcome, Place as HitPlace, Request, Sort};
pub use location::{IndexPlace, Opened, indexes, outdated};
pub use schema::VERSION;
pub use stored::{IndexState, StoredIndex, stored};

use crate::model::sanitize;
use std::io;
use std::path::{Path, PathBuf};
use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};

/// Why an index could not be built or searched.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A file or directory refused.
    #[error("cannot {tried} {path}: {source}", path = sanitize::path(path))]
    Io {
        /// What was tried.
        tried: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Another process is building this index.
    #[error("another process is building the index of {0}")]
    Busy(String),
    /// The index cannot be read.
    #[error("the index {path} is damaged: {why}", path = sanitize::path(path))]
    Damaged {
        /// Its directory.
        path: PathBuf,
        /// What the engine said.
        why: String,
    },
    /// A glob of `include` or `exclude` cannot be read.
    #[error("{0}")]
    Glob(String),
    /// Somebody asked to stop; the index is as it was.
    #[error("stopped; the index is as it was")]
    Stopped,
}

impl SearchError {
    fn io(tried: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SearchError {
        let path = path.to_owned();
        move |source| SearchError::Io { tried, path, source }
    }

    fn engine(path: &Path) -> impl Fn(TantivyError) -> SearchError {
        let path = path.to_owned();
        move |error| match refused(&error) {
            Some(source) => SearchError::Io { tried: "use the index", path: path.clone(), source },
            None => SearchError::Damaged { path: path.clone(), why: error.to_string() },
        }
    }
}

/// Returns the system error behind an error of tantivy, if there is one. A file without read permission and a full disk are not damage.
fn refused(error: &TantivyError) -> Option<io::Error> {
    let error = match error {
        TantivyError::IoError(error) | TantivyError::LockFailure(LockError::IoError(error), _) => error,
        TantivyError::OpenDirectoryError(OpenDirectoryError::IoError { io_error, .. }) => io_error,
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => io_error,
        TantivyError::OpenWriteError(OpenWriteError::IoError { io_error, .. }) => io_error,
        _ => return None,
    };
    let refusal = matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
    );
    refusal.then(|| io::Error::new(error.kind(), error.to_string()))
}
