//! Which servers answer, and how fast: asked directly, without rsync, and remembered.

mod cache;
mod daemon;

pub use cache::{FRESH, Known, load, rank, refresh, save};
pub use daemon::{Endpoint, Probe, Step, probe};
