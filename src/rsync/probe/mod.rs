//! Probes servers directly, without rsync, and stores how fast they respond.

mod cache;
mod daemon;

pub use cache::{FRESH, Known, load, rank, refresh, save};
pub use daemon::{Endpoint, Probe, Step, probe};
