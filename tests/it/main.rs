//! One integration binary; the real rsync wherever it can be made to do what the test needs.

mod config;
