//! `pdb-sync` keeps local mirrors of the Protein Data Bank and similar archives in sync, unattended.
//!
//! One folder a subject, with its model, its work and its stored formats. `ARCHITECTURE.md` has the map; `tests/it/structure.rs` holds the
//! code to the rules of imports.

pub mod clean;
pub mod cli;
pub mod commands;
pub mod config;
pub(crate) mod doctor;
pub mod exit;
pub(crate) mod history;
pub mod mirrors;
pub mod model;
pub mod output;
pub mod platform;
pub(crate) mod retention;
pub mod rsync;
pub mod scan;
#[cfg(feature = "search")]
pub mod search;
pub(crate) mod sync;
pub mod system;
