//! What rsync takes and says: arguments, output, exit codes. Pure.

pub mod args;
pub mod exit;
pub mod output;
