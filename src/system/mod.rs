//! The use of the machine: which commands are running, what `status` shows, and how much page cache mirrors occupy (`reclaim`).

pub mod reclaim;
pub mod running;
pub mod status;
