//! Probes servers directly, without rsync, and stores how fast they respond.

mod all;
mod cache;
mod daemon;

pub use all::{Probes, RESOLVER, probe_all, through};
pub use cache::{FRESH, Known, Measured, Service, load, note, rank, rate, refresh, save};
pub use daemon::{Endpoint, Probe, Step, probe};
