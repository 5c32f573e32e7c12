//! What rsync takes and says: arguments, output, exit codes, versions, greetings. Pure.

pub mod args;
pub mod daemon;
pub mod exit;
pub mod fetch_files;
mod job_options;
pub mod known_mirrors;
mod options;
pub mod output;
pub mod probe;
pub mod version;
