//! What rsync takes and says: arguments, output, exit codes, versions, greetings. Pure.

pub mod args;
pub mod daemon;
pub mod exit;
mod given;
pub mod mirrors;
mod options;
pub mod output;
pub mod pick;
pub mod probe;
pub mod version;
