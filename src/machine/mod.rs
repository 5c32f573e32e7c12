//! What this machine is like.

mod process;
mod surroundings;

pub use process::Identity;
pub use surroundings::{resolve, surroundings};
