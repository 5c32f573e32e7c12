//! What is going on: the machine, its disks and processes, runs in progress, and how fresh every mirror is.
//!
//! Each part is looked at by a thread of its own, as often as it changes; whoever asks gets the latest that is known, and
//! waits for nobody. A disk that does not answer is a part that is not known.

mod disks;
mod freshness;
mod gather;
mod processes;
mod runs;
mod system;

pub use disks::Disk;
pub use freshness::{Freshness, Newest};
pub use gather::{Gatherer, Subject};
pub use processes::{Process, Top};
pub use runs::{Seen, runs};
pub use system::System;

use jiff::Timestamp;
use std::sync::Arc;

/// Everything that is known at one time. `None` is not known yet, or did not answer.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When it was asked for.
    pub time: Timestamp,
    /// The machine as a whole.
    pub system: Option<Arc<System>>,
    /// The processes that have or move the most.
    pub top: Option<Arc<Top>>,
    /// The file systems of the destinations.
    pub disks: Option<Arc<Vec<Disk>>>,
    /// Runs in progress.
    pub runs: Option<Arc<Vec<Seen>>>,
    /// The jobs of the configuration, in its order.
    pub jobs: Option<Arc<Vec<Freshness>>>,
    /// Why the history cannot be read.
    pub trouble: Option<String>,
}
