//! Gives back the memory that mirroring has filled, and claims nothing that cannot be shown.

mod drop_pages;
mod kernel;
mod resident;

pub use drop_pages::{Ended, ReclaimRequest, Reclaimed, sweep};
pub use kernel::{compact, drop_slab};
pub use resident::{Resident, resident};
