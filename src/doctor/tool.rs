//! Runs a program with English messages, and returns its output.

use crate::sync::helper::{self, Helper, HelperOutcome};
use std::ffi::OsString;
use std::io;
use std::time::Duration;

/// Runs it with an empty standard input. Returns an error of kind `TimedOut` if it reached the limit and was ended.
pub(super) async fn run(
    argv: &[String],
    env: &[(OsString, OsString)],
    limit: Duration,
) -> io::Result<HelperOutcome> {
    let mut all = vec![("LC_ALL".into(), "C".into())];
    all.extend_from_slice(env);
    helper::run(Helper { argv, env: &all, without: &[], input: None, limit }).await
}
