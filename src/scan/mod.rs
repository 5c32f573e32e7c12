//! Reading trees: a million files in a second, and what changed in milliseconds.
//!
//! ```text
//! roots ── scan ── recheck (what an earlier inventory still knows)
//!               └─ walk ── worker… ── directory ── listing
//! cache (inventories on disk)      gzip (are compressed files whole?)
//! ```
//!
//! **Invariant: nothing is opened by an absolute path below the root, and no directory through a symlink** unless
//! `follow` asks for it. A tree that changes while it is read yields what was there at some time, and never an error.

mod cache;
mod device;
mod directory;
mod exclude;
mod gzip;
pub mod inventory;
mod listing;
mod open;
mod options;
mod parallel_lookup;
mod progress;
mod recheck;
mod roots;
mod walk;
mod worker;

#[cfg(test)]
mod tests;

pub use cache::{Cache, Cached, Earlier, Loaded, Saved};
pub use device::{Storage, storage};
pub use exclude::{BadGlob, Excludes};
pub use gzip::{Checked, Damage, check_gzip};
pub use options::{Options, Stop};
pub use progress::{Callback, ScanProgress, Snapshot};
pub use roots::{ScanRoot, scan_all};
pub use walk::scan;

use crate::model::sanitize;
use crate::scan::inventory::{Classes, DirId, Inventory};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Where our own quarantine lies in a mirror; scans pass it by.
pub const QUARANTINE: &[u8] = b".pdb-sync";

/// What a scan brought.
#[derive(Debug)]
pub struct Scan {
    /// What the tree holds.
    pub inventory: Inventory,
    /// What went wrong, by path.
    pub troubles: Vec<Trouble>,
    /// How many troubles there were of each kind; `troubles` may hold fewer.
    pub counts: Counts,
    /// Directories that were read.
    pub dirs_read: u64,
    /// Directories that were taken over from the inventory before, since they had not changed.
    pub dirs_reused: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Why it ended before everything was read.
    pub ended: Option<Ended>,
}

/// Why a scan ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its timeout was over.
    Timeout,
    /// Somebody asked it to stop.
    Stopped,
}

/// Something in a tree that could not be taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// Relative to the root.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: TroubleKind,
    /// Why, in the system's words; empty where the kind says all.
    pub why: String,
}

/// Kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TroubleKind {
    /// A directory or an entry could not be read: what it holds is missing in the totals.
    Unreadable,
    /// It was gone before it could be looked at.
    Vanished,
    /// A symlink that leads to a directory above it.
    Loop,
}

/// How many troubles of each kind.
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
    /// The tree's root.
    pub root: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// The files of an inventory by classes, counted by several threads. `now` is in nanoseconds since 1970.
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
            // A thread that panicked has said so; what the others counted is better than nothing.
            classes.merge(other.join().unwrap_or_default());
        }
        classes
    })
}
