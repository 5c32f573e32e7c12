//! Which servers answer, and how fast: asked directly, without rsync, and remembered.

mod cache;
mod probe;

pub use cache::{FRESH, Known, load, rank, refresh, save};
pub use probe::{Endpoint, Probe, Step, probe};
