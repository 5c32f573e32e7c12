//! One integration binary; the real rsync wherever it can be made to do what the test needs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod clean;
mod clocks;
mod command_costs;
mod completions;
mod config;
mod config_files;
#[cfg(feature = "search")]
mod differential;
mod docs;
mod doctor;
mod ease;
mod extended_ids;
mod history;
#[cfg(feature = "search")]
mod index_ends;
#[cfg(feature = "search")]
mod indexes;
mod interrupts;
mod json;
mod left_out;
mod machine;
mod man;
mod million_files;
mod mirrors;
mod mistakes;
mod no_file;
#[cfg(not(feature = "notify"))]
mod no_notify;
#[cfg(feature = "notify")]
mod notify;
mod output;
mod output_files;
mod package;
mod prometheus;
mod recipes;
mod rsync_args;
mod rsync_list;
#[cfg(target_os = "linux")]
mod sandbox;
mod scan;
mod scan_hard;
#[cfg(feature = "search")]
mod search;
mod silence;
mod snapshot;
mod ssh;
mod stats;
mod status;
mod structure;
mod support;
#[cfg(target_os = "linux")]
mod support_fuse;
mod support_tests;
mod sync;
mod terminal;
