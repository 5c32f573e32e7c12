//! What is asked of a build, and what it tells.

use crate::search::IndexPlace;
use crate::search::entry;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// What to index.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where the index goes.
    pub place: IndexPlace,
    /// The mirror; absolute.
    pub root: PathBuf,
}

/// How to index.
#[derive(Debug, Clone)]
pub struct IndexOptions {
    /// Threads that read files; 0: one a core.
    pub threads: usize,
    /// Bytes that the writer may fill before it writes a segment.
    pub memory: usize,
    /// What is read of a file.
    pub read: entry::Options,
    /// Globs of paths below the mirror; empty: all.
    pub include: Vec<String>,
    /// Globs of those that are left out.
    pub exclude: Vec<String>,
    /// Build anew, although the index could be brought up to date.
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

/// How far it is; written by the builder, read by whoever wants to know.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files that have to be read; 0 until that is known.
    pub files: AtomicU64,
    /// Files that were read.
    pub done: AtomicU64,
    /// Bytes of these, as they lie on disk.
    pub bytes: AtomicU64,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Built {
    /// Files of the mirror that are to be indexed.
    pub files_seen: u64,
    /// Files that were new or changed.
    pub files_read: u64,
    /// Bytes of these, as they lie on disk.
    pub bytes_read: u64,
    /// Documents written.
    pub documents: u64,
    /// Documents among these that say why a file could not be read.
    pub errors: u64,
    /// Files that are gone.
    pub removed: u64,
    /// Directories that could not be read, with what was said; what was known of them stays in the index.
    pub unreadable: Vec<(PathBuf, String)>,
    /// All documents of the index, and those of them that are errors.
    pub total: (u64, u64),
    /// Files that the system did not let us read, in this run or an earlier one. What was read and is broken is none of them.
    pub unread_files: u64,
    /// The first of them.
    pub unread: Vec<PathBuf>,
    /// Why it was built anew, if it was.
    pub anew: Option<String>,
    /// Whether there is a new commit.
    pub committed: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl IndexOptions {
    /// What decides which documents an index has; another choice is another index.
    pub(super) fn asked(&self) -> String {
        let IndexOptions { read, include, exclude, .. } = self;
        format!(
            "sequences {} fasta {} text {} include {include:?} exclude {exclude:?}",
            read.sequences, read.fasta, read.text_limit
        )
    }
}
