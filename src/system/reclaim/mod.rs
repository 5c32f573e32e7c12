//! Gives back the memory that mirroring has filled, and claims nothing that cannot be shown.

mod kernel;
mod resident;
mod sweep;

pub use kernel::{compact, drop_slab};
pub use resident::{Resident, resident};
pub use sweep::{Ended, Order, Swept, sweep};
