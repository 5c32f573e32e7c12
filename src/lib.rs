//! `pdb-sync` keeps local mirrors of the Protein Data Bank and similar archives true, unattended.
//!
//! The modules stand on floors; a module imports only from its own floor or from below (`tests/it/floors.rs`
//! holds the code to it):
//!
//! 0. words: [`job`], [`event`], [`result`], [`exit`], [`running`], [`packed`], [`sanitize`], [`shown`], [`hint`], [`time`]
//! 1. thought (pure): [`config`], [`rsync`], [`pdb`], [`inventory`], [`entry`], [`query`], [`stats`], [`clean`]
//! 2. deeds: [`run`], [`history`], [`notify`], [`machine`], [`expiry`], [`scan`], [`mirrors`], [`doctor`], [`reclaim`], [`search`], [`status`], [`sweep`]
//! 3. speech: [`ui`], [`report`]
//! 4. glue: [`cli`], [`commands`]

pub mod clean;
pub mod cli;
pub mod commands;
pub mod config;
pub mod doctor;
#[cfg(feature = "search")]
pub mod entry;
pub mod event;
pub mod exit;
pub mod expiry;
pub mod hint;
pub mod history;
pub mod inventory;
pub mod job;
pub mod machine;
pub mod mirrors;
pub mod notify;
pub mod packed;
pub mod pdb;
#[cfg(feature = "search")]
pub mod query;
pub mod reclaim;
pub mod report;
pub mod result;
pub mod rsync;
pub mod run;
pub mod running;
pub mod sanitize;
pub mod scan;
#[cfg(feature = "search")]
pub mod search;
pub mod shown;
pub mod stats;
pub mod status;
pub mod sweep;
pub mod time;
pub mod ui;
