//! How to continue after a failure.

use crate::model::result::Reason;

/// How to continue after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Temporary: back off, retry, then use the next source.
    Retry,
    /// The server is full: back off for long, retry, then use the next source.
    Busy,
    /// Unexpected: retry once, then use the next source.
    Once,
    /// Temporary, and specific to this source: use the next source at once; without one, back off and retry.
    Slow,
    /// Temporary, and specific to this machine: back off and retry. Another source would not help.
    Here,
    /// This source is unusable; the next one may work.
    NextSource,
    /// No source can help (disk full, invalid option, rsync missing …).
    Fatal,
    /// Ended by a signal that we did not send: retry.
    Signalled,
}

/// The result of a rule: `None` if it knows no message among the lines.
pub(super) type Found = Option<(Class, Reason)>;

/// Returns the rest of the first line that contains `text`, from `text` on.
pub(super) fn find<'a>(lines: &[&'a str], text: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| line.find(text).map(|at| &line[at..]))
}
