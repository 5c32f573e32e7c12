//! The use of the machine: what is running (`status`), and how much page cache mirrors occupy (`reclaim`).

pub mod reclaim;
pub mod status;
