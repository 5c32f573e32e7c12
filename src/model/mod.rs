//! What all other modules speak in: jobs, events, results, entry IDs, times and text. Pure; it imports nothing else of ours.

pub mod event;
pub mod exit_code;
pub mod hint;
pub mod host_facts;
pub mod job;
pub mod packed;
pub mod pdb;
pub mod result;
pub mod running;
pub mod sanitize;
pub mod shown;
pub mod system_names;
pub mod time;
