//! One integration binary; the real rsync wherever it can be made to do what the test needs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod clean;
mod config;
mod docs;
mod floors;
mod man;
mod rsync_args;
mod rsync_list;
mod support;
mod support_tests;
mod sync;
