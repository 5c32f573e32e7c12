//! Reads trees: a million files in a second, and changes in milliseconds.
//!
//! ```text
//! roots ── scan ── recheck (what of an earlier inventory is still valid)
//!               └─ walk ── worker… ── directory ── listing
//! cache (inventories on disk)      gzip (checks compressed files)
//! ```
//!
//! **Invariant: nothing is opened by an absolute path below the root, and no directory through a symlink** unless `follow` is set. If a
//! tree changes while it is being read, each part of the result is what existed at some time; this is never an error.

mod cache;
mod cache_limits;
mod device;
mod directory;
mod exclude;
mod gzip;
pub mod inventory;
mod listing;
mod look;
mod open;
mod options;
mod parallel_lookup;
mod progress;
mod queue;
mod recheck;
mod roots;
mod sysfs;
mod walk;
mod worker;

#[cfg(test)]
mod tests;

pub use cache::{Cache, Earlier, Loaded, Saved};
pub use cache_limits::{CacheLimits, CacheTotals, Cached};
pub use device::{Drive, Storage, storage};
pub use exclude::{BadGlob, Excludes};
pub use gzip::{CheckProgress, Checked, Damage, check_gzip, check_gzip_below, is_gzip_name};
pub use options::{Options, Stop};
pub use progress::{Callback, ScanProgress, Snapshot};
pub use roots::{ScanRoot, scan_all};
pub use walk::scan;

use crate::model::sanitize;
use crate::scan::inventory::{Classes, DirId, Inventory};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The result of a scan.
#[derive(Debug)]
pub struct Scan {
    /// The contents of the tree.
    pub inventory: Inventory,
    /// Problems, by path.
    pub troubles: Vec<Trouble>,
    /// Number of problems of each kind; `troubles` may have fewer.
    pub counts: Counts,
    /// Number of directories that were read.
    pub dirs_read: u64,
    /// Number of unchanged directories that were reused from the previous inventory.
    pub dirs_reused: u64,
    /// The duration.
    pub elapsed: Duration,
    /// Set if the scan ended before everything was read.
    pub ended: Option<Ended>,
}

/// Why a scan ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The timeout expired.
    Timeout,
    /// A stop was requested.
    Stopped,
}

/// A problem with an entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// Path relative to the root.
    pub path: Vec<u8>,
    /// The kind of problem.
    pub kind: TroubleKind,
    /// The reason, as a message of the system; empty if the kind says everything.
    pub why: String,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TroubleKind {
    /// A directory or an entry could not be read. Its contents are missing in the totals.
    Unreadable,
    /// It was removed before its metadata could be read.
    Vanished,
    /// A symlink to a directory above it.
    Loop,
}

/// Number of problems of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// See [`TroubleKind::Unreadable`]: these are errors.
    pub unreadable: u64,
    /// See [`TroubleKind::Vanished`].
    pub vanished: u64,
    /// See [`TroubleKind::Loop`].
    pub loops: u64,
}

impl Counts {
    pub(crate) fn note(&mut self, kind: TroubleKind) {
        match kind {
            TroubleKind::Unreadable => self.unreadable += 1,
            TroubleKind::Vanished => self.vanished += 1,
            TroubleKind::Loop => self.loops += 1,
        }
    }
}

/// Why a tree could not be scanned at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot scan {}: {source}", sanitize::path(root))]
pub struct ScanError {
    /// The root of the tree.
    pub root: PathBuf,
    /// The reason.
    pub source: io::Error,
}

/// Classifies the files of an inventory with several threads. `now` is in nanoseconds since 1970.
pub fn classes(inventory: &Inventory, now: i64, threads: usize) -> Classes {
    let dirs = inventory.dir_count() as u32;
    let parts = (threads.max(1) * 8).min(dirs.max(1) as usize) as u32;
    let next = std::sync::atomic::AtomicU32::new(0);
    let count = || {
        let mut classes = Classes::default();
        loop {
            let part = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if part >= parts {
                return classes;
            }
            let bound = |n: u32| (u64::from(dirs) * u64::from(n) / u64::from(parts)) as u32;
            for dir in (bound(part)..bound(part + 1)).filter_map(|n| inventory.dir(DirId(n))) {
                classes.add(&dir, now);
            }
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(count)).collect();
        let mut classes = count();
        for other in others {
            // A thread that panicked has reported it; the counts of the others are still useful.
            classes.merge(other.join().unwrap_or_default());
        }
        classes
    })
}
