//! What this machine is like.

mod load;
mod memory;
mod mounts;
mod surroundings;

pub use load::{Load, Meter, pressure};
pub use memory::{Memory, memory};
pub use mounts::{Mount, expected_mounts, mount_of};
pub use surroundings::{resolve, surroundings};
