//! One integration binary; the real rsync wherever it can be made to do what the test needs.

mod rsync_args;
mod rsync_list;
mod support;
mod support_tests;
