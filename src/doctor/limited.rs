//! Runs checks with a time limit: those that block in a thread, and other programs.

use super::report::{Area, Finding, Verdict};
use crate::model::time;
use crate::sync::helper::{self, Helper, HelperOutcome};
use std::ffi::OsString;
use std::io;
use std::time::Duration;

/// Time limit of a check of this machine. A dead network file system holds it forever.
const LOCAL_LIMIT: Duration = Duration::from_secs(10);

/// Runs a check that a dead file system can hold forever, off the runtime's thread.
pub(super) async fn blocking(
    area: Area,
    job: Option<String>,
    work: impl FnOnce() -> Vec<Finding> + Send + 'static,
) -> Vec<Finding> {
    match tokio::time::timeout(LOCAL_LIMIT, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(findings)) => findings,
        Ok(Err(_)) => {
            vec![Finding { job, ..Finding::new(area, Verdict::Warn, "could not be checked: internal error") }]
        }
        Err(_) => {
            let text = format!("does not answer within {}", time::span(LOCAL_LIMIT));
            let hint = "is the server of a network file system gone? `findmnt` shows where the file system comes from";
            vec![Finding { job, ..Finding::new(area, Verdict::Fail, text).hint(hint) }]
        }
    }
}

/// Runs a program with English messages and an empty standard input. Returns an error of kind `TimedOut` if it reached the limit and was
/// ended.
pub(super) async fn run_program(
    argv: &[String],
    env: &[(OsString, OsString)],
    limit: Duration,
) -> io::Result<HelperOutcome> {
    let mut all = vec![("LC_ALL".into(), "C".into())];
    all.extend_from_slice(env);
    helper::run(Helper { argv, env: &all, without: &[], input: None, limit }).await
}
