//! One integration binary; the real rsync wherever it can be made to do what the test needs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod clean;
mod config;
mod docs;
mod doctor;
mod floors;
mod history;
mod machine;
mod man;
mod notify;
mod rsync_args;
mod rsync_list;
mod scan;
mod scan_hard;
#[cfg(feature = "search")]
mod search;
mod status;
mod support;
mod support_tests;
mod sync;
