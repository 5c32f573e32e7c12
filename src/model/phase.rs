//! The phases of a job.

use serde::Serialize;

/// The phases of a job, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The `before` hooks.
    Before,
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
    const ALL: [Phase; 6] =
        [Phase::Before, Phase::List, Phase::Transfer, Phase::Verify, Phase::Delete, Phase::After];

    /// Parses the name used in JSON.
    pub fn parse(word: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|phase| phase.word() == word)
    }

    /// Returns the name used in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Before => "before",
            Phase::List => "list",
            Phase::Transfer => "transfer",
            Phase::Verify => "verify",
            Phase::Delete => "delete",
            Phase::After => "after",
        }
    }
}
