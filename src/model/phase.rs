//! The phases of a job.

use serde::Serialize;

/// The phases of a job, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The `before` hooks.
    Before,
    /// The fetch of the marker, which may show that nothing is new.
    Marker,
    /// A dry run that counts what would be deleted.
    List,
    /// The transfer itself; it never deletes.
    Transfer,
    /// The check of the compressed files that came.
    Verify,
    /// Deletion of exactly the counted entries.
    Delete,
    /// The `after` or `on_failure` hooks.
    After,
}

impl Phase {
    const ALL: [Phase; 7] = [
        Phase::Before,
        Phase::Marker,
        Phase::List,
        Phase::Transfer,
        Phase::Verify,
        Phase::Delete,
        Phase::After,
    ];

    /// Whether these phases are those of a job whose marker showed that nothing was new.
    pub fn only_marker(phases: impl IntoIterator<Item = Phase>) -> bool {
        let mut asked = false;
        for phase in phases {
            match phase {
                Phase::Marker => asked = true,
                Phase::List | Phase::Transfer => return false,
                Phase::Before | Phase::Verify | Phase::Delete | Phase::After => {}
            }
        }
        asked
    }

    /// Parses the name used in JSON.
    pub fn parse(word: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|phase| phase.word() == word)
    }

    /// Returns the name used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Before => "before",
            Phase::Marker => "marker",
            Phase::List => "list",
            Phase::Transfer => "transfer",
            Phase::Verify => "verify",
            Phase::Delete => "delete",
            Phase::After => "after",
        }
    }
}
