//! What rsync takes and says: arguments, output, exit codes. Pure.

pub mod args;
pub mod exit;
mod options;
pub mod output;
pub mod pick;
