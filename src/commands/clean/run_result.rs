//! What the results of `clean run` and of its dry run have in common.

use crate::model::time;
use crate::output::terminal::JsonPath;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;

/// When a command started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Started {
    time: Timestamp,
    instant: Instant,
}

impl Started {
    pub(super) fn now() -> Self {
        Started { time: Timestamp::now(), instant: Instant::now() }
    }

    /// The start time for machines.
    pub(super) fn time(&self) -> String {
        time::rfc3339(self.time)
    }

    /// The time since then, for machines.
    pub(super) fn duration_s(&self) -> f64 {
        time::seconds(self.instant.elapsed())
    }
}

/// The number of entries by what is done with them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ByMode(pub(super) BTreeMap<&'static str, u64>);

impl ByMode {
    /// `entries`: what the removal mode is for. Directories are deleted in every mode.
    pub(super) fn of(mode: &'static str, entries: u64, deleted: u64) -> Self {
        let counts = [("delete", deleted), (mode, entries)];
        ByMode(counts.into_iter().filter(|(_, entries)| *entries > 0).collect())
    }
}

/// Returns an error about an entry. `action`: what was to be done; `did`: what was done instead.
pub(super) fn error(path: Vec<u8>, action: &str, did: &str, reason: &str) -> Value {
    let mut error = serde_json::to_value(JsonPath::from(path)).unwrap_or_default();
    error["action"] = action.into();
    error["did"] = did.into();
    error["reason"] = reason.into();
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_deleted_in_every_mode() {
        let counts =
            |mode, entries, deleted| ByMode::of(mode, entries, deleted).0.into_iter().collect::<Vec<_>>();
        assert_eq!(counts("quarantine", 7, 2), [("delete", 2), ("quarantine", 7)]);
        assert_eq!(counts("delete", 9, 9), [("delete", 9)]);
        assert_eq!(counts("trash", 0, 0), []);
    }
}
