//! When a run of a job is complete. The only definition, used for deletions, stored names and the state of the job.

use crate::model::result::Reason;

/// What an attempt has shown so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Evidence {
    /// The listing ended with rsync's own figures and named everything.
    pub(super) listed: bool,
    /// All listed contents arrived: as many files were transferred as were listed, or a second listing shows no difference of contents.
    pub(super) arrived: bool,
    /// Entries that the source lacks and that are still here although the job deletes.
    pub(super) not_deleted: u64,
}

impl Evidence {
    /// Whether everything of the source is here, so that what the source lacks may be deleted.
    pub(super) fn has_everything(self) -> bool {
        self.listed && self.arrived
    }

    /// Whether the destination is the same as the source.
    pub(super) fn is_complete(self) -> bool {
        self.has_everything() && self.not_deleted == 0
    }
}

/// The result of a transfer.
pub(super) struct Transfer {
    /// A warning about it.
    pub(super) warned: Option<Reason>,
    /// Whether all listed contents are here.
    pub(super) arrived: bool,
}
