//! The parameters and the results of a build.

use crate::search::IndexPlace;
use crate::search::entry;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// What to index.
#[derive(Debug, Clone)]
pub struct Target {
    /// The directory of the index.
    pub place: IndexPlace,
    /// The root of the mirror; absolute.
    pub root: PathBuf,
}

/// How to index.
#[derive(Debug, Clone)]
pub struct IndexOptions {
    /// Threads that read files. 0 means one per core.
    pub threads: usize,
    /// Bytes that the writer may fill before it writes a segment.
    pub memory: usize,
    /// What to read from each file.
    pub read: entry::Options,
    /// Globs of paths below the mirror. Empty means all files.
    pub include: Vec<String>,
    /// Globs of paths to leave out.
    pub exclude: Vec<String>,
    /// Rebuild the index even if it could be updated.
    pub rebuild: bool,
}

impl Default for IndexOptions {
    fn default() -> Self {
        IndexOptions {
            threads: 0,
            memory: 64 << 20,
            read: entry::Options::default(),
            include: Vec::new(),
            exclude: Vec::new(),
            rebuild: false,
        }
    }
}

/// The progress of a build. The builder writes it; other threads may read it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files to read. 0 until that is known.
    pub files: AtomicU64,
    /// Files that were read.
    pub done: AtomicU64,
    /// Bytes of the files that were read, as stored on disk.
    pub bytes: AtomicU64,
}

/// The results of a build.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Built {
    /// Files of the mirror that are selected for the index.
    pub files_seen: u64,
    /// Files that were new or changed.
    pub files_read: u64,
    /// Bytes of the files that were read, as stored on disk.
    pub bytes_read: u64,
    /// Documents written.
    pub documents: u64,
    /// Those of the written documents that say why a file could not be read.
    pub errors: u64,
    /// Files that no longer exist in the mirror.
    pub removed: u64,
    /// Directories that could not be read, each with the error message. Their documents stay in the index.
    pub unreadable: Vec<(PathBuf, String)>,
    /// The number of all documents in the index, and the number of error documents among them.
    pub total: (u64, u64),
    /// Files that the system did not let us read, in this run or an earlier one. Files that were read and are broken do not count.
    pub unread_files: u64,
    /// The first of these files.
    pub unread: Vec<PathBuf>,
    /// Why the index was rebuilt; `None` if it was not.
    pub anew: Option<String>,
    /// Whether there is a new commit.
    pub committed: bool,
    /// The time that it took to find what has changed, before files were read.
    pub compared: Duration,
    /// The time that the build took.
    pub elapsed: Duration,
}

impl IndexOptions {
    /// Returns a text of all options that decide which documents an index has. An index with another text must be rebuilt.
    pub(super) fn asked(&self) -> String {
        let IndexOptions { read, include, exclude, .. } = self;
        format!(
            "sequences {} fasta {} text {} include {include:?} exclude {exclude:?}",
            read.sequences, read.fasta, read.text_limit
        )
    }
}
