//! How an attempt ended.

use crate::model::part::PartResult;
use crate::model::pdb::EntryId;
use crate::model::result::{Attempt, Figures, Reason};
use crate::rsync::exit::Class;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AttemptEnd {
    /// Everything is done, perhaps with a warning.
    Done(Option<Reason>),
    /// Something was left out.
    Partial(Reason),
    /// A guard refused the attempt or its deletions.
    Blocked(Reason),
    /// The source holds no file; another source may.
    Empty(Reason),
    /// The source is older than the mirror; another source may be newer.
    Older(Reason),
    /// The source has changed its layout; another source may still have that of the mirror.
    Moved(Reason),
    /// The attempt failed. The class decides whether it is repeated.
    Failed(Class, Reason),
    /// The run is being stopped.
    Stopped,
}

impl AttemptEnd {
    /// Whether the source was asked for everything, regardless of the result.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, AttemptEnd::Done(_) | AttemptEnd::Partial(_) | AttemptEnd::Blocked(_))
    }
}

/// An attempt that has ended.
pub(super) struct Attempted {
    pub(super) attempt: Attempt,
    pub(super) ending: AttemptEnd,
    /// Whether there was trouble that is not rsync's: damaged files, removals that failed, names that cannot be stored.
    pub(super) own_trouble: bool,
    pub(super) figures: Figures,
    /// Whether something is kept for `clean undo`.
    pub(super) undoable: bool,
    /// The entries that the job is limited to and that have no file at the source; `None` if unknown.
    pub(super) missing: Option<Vec<EntryId>>,
    /// How many connections it had at the same time, at most.
    pub(super) connections: u32,
    /// What became of its parts.
    pub(super) parts: Vec<PartResult>,
    /// How often a part was tried again, at most.
    pub(super) part_retries: u32,
}

/// Sums the figures of all attempts. The size of the source is that of the last attempt.
pub(super) fn total(before: Figures, now: Figures, number: u32) -> Figures {
    if number == 1 {
        return now;
    }
    let sum = |a: Option<u64>, b: Option<u64>| Some(a? + b?);
    let verified = sum(before.files_verified, now.files_verified);
    Figures {
        files_transferred: sum(before.files_transferred, now.files_transferred),
        files_deleted: sum(before.files_deleted, now.files_deleted),
        bytes_received: sum(before.bytes_received, now.bytes_received),
        total_files: now.total_files.or(before.total_files),
        total_bytes: now.total_bytes.or(before.total_bytes),
        // An attempt that failed before its check has checked nothing.
        files_verified: verified.or(now.files_verified).or(before.files_verified),
        files_damaged: now.files_damaged.or(before.files_damaged),
    }
}
