//! When is a run of a job complete? One answer for everybody who asks: deletions, the kept names, and what is remembered of the job.

/// What an attempt has shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Evidence {
    /// The listing ended with rsync's own figures, and named everything.
    pub(super) listed: bool,
    /// Every content that was listed came: as many files were transferred as were listed, or a second listing names no difference of
    /// contents.
    pub(super) arrived: bool,
    /// Entries that the source does not have, and that are still here although the job deletes.
    pub(super) not_deleted: u64,
}

impl Evidence {
    /// Whether all of the source is here, so that what it does not have may go.
    pub(super) fn has_everything(self) -> bool {
        self.listed && self.arrived
    }

    /// Whether the destination is what the source is.
    pub(super) fn is_complete(self) -> bool {
        self.has_everything() && self.not_deleted == 0
    }
}
