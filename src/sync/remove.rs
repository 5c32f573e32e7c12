//! Applies the plan of a listing: what the source lacks goes, if it is unchanged since it was listed.

use super::keep_deleted::KeepDeleted;
use super::listing::Deletions;
use crate::clean::path::split;
use crate::clean::removal::{Applied, Apply, ApplyProgress, NotRemoved, all_threads};
use crate::clean::{Origin, PlanError};
use std::io;

/// How many refusals are reported by name.
const TOLD: usize = 3;

/// The result of a removal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Removed {
    /// Files, links and other entries that were removed.
    pub(super) files: u64,
    /// Directories that were removed.
    pub(super) dirs: u64,
    /// Entries that could not be removed.
    pub(super) left: u64,
    /// The first few of them, each with the reason.
    pub(super) why: Vec<String>,
    /// The directory of the first of them, relative to the root.
    pub(super) first: Option<Vec<u8>>,
    /// Whether the removal was stopped before its end.
    pub(super) stopped: bool,
}

impl Removed {
    /// The sum of two results.
    pub(super) fn and(mut self, more: Removed) -> Removed {
        self.files += more.files;
        self.dirs += more.dirs;
        self.left += more.left;
        self.why.extend(more.why);
        self.why.truncate(TOLD);
        self.first = self.first.or(more.first);
        self.stopped |= more.stopped;
        self
    }
}

impl From<Applied> for Removed {
    fn from(applied: Applied) -> Self {
        let words = |left: &NotRemoved| format!("{}: {}", String::from_utf8_lossy(&left.path), left.why);
        Removed {
            files: applied.deleted + applied.quarantined - applied.dirs,
            dirs: applied.dirs,
            left: applied.skipped + applied.failed,
            why: applied.why.iter().take(TOLD).map(words).collect(),
            first: applied.why.first().map(|left| split(&left.path).0.to_vec()),
            stopped: applied.stopped,
        }
    }
}

/// Removes the entries of the plan for which `wanted` returns true. `told` gets the path of each removed entry, from any thread. `stop` is
/// checked between entries. After an error, what was removed is in the journal.
pub(super) fn remove(
    keep: &KeepDeleted,
    list: &Deletions,
    wanted: &dyn Fn(&[u8]) -> bool,
    told: &(dyn Fn(&[u8]) + Sync),
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Removed, PlanError> {
    let Some(mut plan) = list.read()? else { return Ok(Removed::default()) };
    let journal = keep.journal().ok_or_else(|| io::Error::other("there is no journal"))?;
    let apply = Apply {
        origin: Origin::Sync,
        root: keep.access().root(),
        quarantine: keep.quarantine(),
        removal_mode: keep.removal_mode(),
        journal,
        threads: all_threads(),
        fail_fast: false,
        strict: false,
        past: None,
        stop,
        told: &|entry| told(&entry.path),
        meter: &ApplyProgress::default(),
    };
    let applied = apply.run(|| {
        loop {
            match plan.entry()? {
                Some(entry) if !wanted(&entry.path) => {}
                other => return Ok(other),
            }
        }
    });
    keep.applied(applied.as_ref().ok());
    applied.map(Removed::from)
}

#[cfg(test)]
#[path = "remove_tests.rs"]
mod tests;
