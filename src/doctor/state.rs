//! The state directory: can it be made, written to and locked?

use super::{Area, Finding, Verdict};
use std::fs::{self, TryLockError};
use std::path::Path;

pub(super) fn examine(dir: &Path) -> Vec<Finding> {
    let fail = |what: &str, error: std::io::Error| {
        let text = format!("cannot {what} {}: {error}", dir.display());
        vec![Finding::new(Area::State, Verdict::Fail, text).hint(
            "logs, lists of deletions and notes on locks go there: make it writable, or give --state-dir another",
        )]
    };
    // What a run would do anyway.
    if let Err(error) = fs::create_dir_all(dir) {
        return fail("make the directory", error);
    }
    let file = match tempfile::tempfile_in(dir) {
        Ok(file) => file,
        Err(error) => return fail("write in", error),
    };
    let mut findings = Vec::new();
    match file.try_lock() {
        Ok(()) => {
            let text = format!("{} is writable, and files can be locked there", dir.display());
            findings.push(Finding::new(Area::State, Verdict::Ok, text));
        }
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => {
            let text = format!("files in {} cannot be locked: {error}", dir.display());
            let hint = "two runs could write to one destination: keep the state on a local file system";
            findings.push(Finding::new(Area::State, Verdict::Warn, text).hint(hint));
        }
    }
    if let Ok(stat) = rustix::fs::statvfs(dir) {
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free < 50_000_000 {
            let text = format!("only {} are free for logs at {}", bytesize::ByteSize(free), dir.display());
            findings.push(
                Finding::new(Area::State, Verdict::Warn, text).hint("make room, or give --state-dir another"),
            );
        }
    }
    findings
}
