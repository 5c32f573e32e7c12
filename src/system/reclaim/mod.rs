//! Frees the memory that mirroring has filled, and reports only measured results.

mod drop_pages;
mod kernel;
mod resident;

pub use drop_pages::{Chunk, Ended, ReclaimRequest, Reclaimed, sweep};
pub use kernel::{compact, drop_slab};
pub use resident::{Resident, resident};
