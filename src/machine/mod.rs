//! What this machine is like.

mod load;
mod memory;
mod mounts;
mod process;
mod surroundings;

pub use load::{Load, Meter, pressure};
pub use memory::{Memory, memory};
pub use mounts::{Mount, expected_mounts, mount_of};
pub use process::Identity;
pub use surroundings::{resolve, surroundings};
