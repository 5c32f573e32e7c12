//! The interface of the rsync program: arguments, output, exit codes, versions, daemon greetings. Pure, except `probe`.

pub mod args;
pub mod daemon;
pub mod exit;
pub mod fetch_files;
mod job_options;
mod options;
pub mod output;
pub mod probe;
pub mod version;
