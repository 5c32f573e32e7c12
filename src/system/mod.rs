//! The machine as pdb-sync uses it: what is going on (`status`) and how much page cache mirrors take (`reclaim`).

pub mod reclaim;
pub mod status;
