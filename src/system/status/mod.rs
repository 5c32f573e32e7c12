//! The current status: the machine, its disks and processes, commands in progress, and how up to date each mirror is.
//!
//! Each part is read by its own thread, as often as it changes. A snapshot returns the latest known values and never waits. If a disk does
//! not answer, its part is unknown.

mod disks;
mod freshness;
mod gather;
mod processes;
mod system;

pub use disks::Disk;
pub use freshness::{Freshness, Newest};
pub use gather::{Gatherer, Subject};
pub use processes::{Process, Top};
pub use system::System;

use super::running::Seen;
use jiff::Timestamp;
use std::sync::Arc;

/// Everything known at one time. `None`: not known yet, or no answer.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When the snapshot was taken.
    pub time: Timestamp,
    /// The machine as a whole.
    pub system: Option<Arc<System>>,
    /// The processes with the most CPU time, memory or I/O.
    pub top: Option<Arc<Top>>,
    /// The file systems of the destinations.
    pub disks: Option<Arc<Vec<Disk>>>,
    /// Commands in progress.
    pub commands: Option<Arc<Vec<Seen>>>,
    /// The jobs of the configuration, in its order.
    pub jobs: Option<Arc<Vec<Freshness>>>,
    /// Why the history cannot be read; `None` if it can.
    pub trouble: Option<String>,
}
