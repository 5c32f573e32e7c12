//! `pdb-sync` keeps local mirrors of the Protein Data Bank and similar archives true, unattended.
//!
//! The modules stand on floors; a module imports only from its own floor or from below (`tests/it/floors.rs`
//! holds the code to it):
//!
//! 0. words: [`job`], [`event`], [`result`], [`exit`]
//! 1. thought (pure): [`config`], [`rsync`], [`entry`], [`query`]
//! 2. deeds: [`run`], [`machine`], [`search`]
//! 3. speech: [`ui`], [`report`]
//! 4. glue: [`cli`], [`commands`]

pub mod cli;
pub mod commands;
pub mod config;
#[cfg(feature = "search")]
pub mod entry;
pub mod event;
pub mod exit;
pub mod job;
pub mod machine;
#[cfg(feature = "search")]
pub mod query;
pub mod report;
pub mod result;
pub mod rsync;
pub mod run;
#[cfg(feature = "search")]
pub mod search;
pub mod ui;
