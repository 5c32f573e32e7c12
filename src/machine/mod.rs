//! What this machine is like.

mod surroundings;

pub use surroundings::{resolve, surroundings};
