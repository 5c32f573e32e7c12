//! What the command line limited a run to.

use serde::{Serialize, Serializer};

/// Why a run says nothing about the whole job: the command line gave it other entries, another destination or other files than the
/// configuration. Such a run does not count as the last run of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunScope {
    /// Only the entries of `--ids`.
    Ids,
    /// The destination of `--dest` instead of the configured one.
    Dest,
    /// Only the files that the rsync options after `--` let through.
    Filters,
}

impl RunScope {
    /// All of them.
    pub const ALL: [RunScope; 3] = [RunScope::Ids, RunScope::Dest, RunScope::Filters];

    /// The word used in JSON and in the history.
    pub fn word(self) -> &'static str {
        match self {
            RunScope::Ids => "ids",
            RunScope::Dest => "dest",
            RunScope::Filters => "filters",
        }
    }

    /// Parses the word. One of a later version is read as [`RunScope::Filters`]: it is no run of the whole job either.
    pub fn parse(word: &str) -> RunScope {
        RunScope::ALL.into_iter().find(|scope| scope.word() == word).unwrap_or(RunScope::Filters)
    }

    /// What the command line had, for a table: `with --ids`.
    pub fn text(self) -> &'static str {
        match self {
            RunScope::Ids => "with --ids",
            RunScope::Dest => "with --dest",
            RunScope::Filters => "with filters",
        }
    }
}

impl Serialize for RunScope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
