//! The record of past runs: `STATE/history.db`, an SQLite database that several processes may read and write at the same time.
//!
//! It must never fail or delay a run: [`Recorder`] writes in its own thread, and errors are only reported. A run has a row from its start;
//! if its process ends without completing the row, the run counts as interrupted.

mod cost_lines;
mod cost_totals;
mod costs;
#[cfg(test)]
mod keep_tests;
mod migrations;
mod open;
mod query;
#[cfg(test)]
mod query_tests;
mod recorder;
mod run_process;
mod runs;
mod schema;
pub(crate) mod stats;
#[cfg(test)]
mod tests;
mod totals;
mod write;
mod writer;

pub(crate) use cost_totals::cost_totals;
pub(crate) use costs::{costs, note_cost};
pub(crate) use open::History;
pub(crate) use query::{Latest, Query};
pub(crate) use recorder::Recorder;
pub(crate) use runs::{Run, RunState};
pub(crate) use write::Retention;

use crate::model::sanitize;
use std::path::PathBuf;

/// Why the history could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error("{tried} the history {}: {source}", sanitize::path(path))]
    Database {
        /// `cannot read`, `cannot write`.
        tried: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file system refused.
    #[error("{tried} the history {}: {source}", sanitize::path(path))]
    Io {
        /// `cannot open`, `cannot set aside`.
        tried: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It was written by a newer program.
    #[error(
        "the history {} is of version {found}, newer than this pdb-sync ({known}): it is read, but not written",
        sanitize::path(path)
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// No run is meant, or more than one.
    #[error("{0}")]
    NoSuchRun(String),
}

impl Error {
    /// Whether the file could not be opened.
    fn is_unopened(&self) -> bool {
        let Error::Database { source, .. } = self else { return false };
        source.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen)
    }

    /// Whether the file is damaged or not a database.
    pub fn is_damage(&self) -> bool {
        let Error::Database { source, .. } = self else { return false };
        matches!(
            source.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
        )
    }
}
