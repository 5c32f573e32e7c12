//! What an exit code of rsync means, together with what it said on standard error.

use crate::job::Source;
use crate::result::Reason;

/// What follows from the end of a run of rsync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// 0.
    Ok,
    /// 24: files vanished while they were read. One quick rerun, then a warning.
    Vanished(Reason),
    /// Some files were left out; the rest is done.
    Partial(Reason),
    /// It failed; [`Class`] says what to do.
    Failed(Class, Reason),
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Passing: back off, try again, then the next source.
    Retry,
    /// The server is full: a long back-off, try again, then the next source.
    Busy,
    /// Odd: one retry, then the next source.
    Once,
    /// This source will not do; the next one may.
    NextSource,
    /// No source can help (disk full, bad option, no rsync …).
    Fatal,
    /// Ended by a signal that was not ours: try again.
    Signalled,
}

/// Judges the end of an rsync: its exit code (`None`: ended by a signal) and the last lines of its standard error.
pub fn judge(code: Option<i32>, stderr: &[String], source: &Source) -> Verdict {
    let _ = source;
    match code {
        Some(0) => Verdict::Ok,
        code => Verdict::Failed(Class::Fatal, Reason::new(format!("rsync ended with {code:?}: {stderr:?}"))),
    }
}
