//! The types that all other modules share: jobs, events, results, entry IDs, times and text. Pure; it imports no other module of ours.

pub mod bandwidth;
pub mod compression;
pub mod document_summary;
pub mod entry_ids;
pub mod event;
pub mod exit_code;
pub mod hint;
pub mod host_facts;
pub mod job;
mod lines;
pub mod part;
pub mod pdb;
mod phase;
pub mod record;
pub mod result;
pub mod run_scope;
pub mod running;
pub mod sanitize;
pub mod summary;
pub mod system_names;
pub mod time;
mod wire;
