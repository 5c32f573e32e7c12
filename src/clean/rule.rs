//! A rule: which entries it matches, and what is done with them.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is done with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is removed.
    Delete,
    /// The user decides.
    Review,
    /// It stays, whatever later rules say.
    Keep,
}

impl Action {
    /// The word used in plans and the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Action::Delete => "delete",
            Action::Review => "review",
            Action::Keep => "keep",
        }
    }
}

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory. A rule for directories also applies to everything below them.
    Dir,
    /// A symbolic link. It is never followed.
    Symlink,
    /// A socket, a FIFO or a device.
    Other,
    /// A directory with all its contents, which is moved as one.
    Tree,
}

impl Kind {
    /// The word used in plans and the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Dir => "dir",
            Kind::Symlink => "symlink",
            Kind::Other => "other",
            Kind::Tree => "tree",
        }
    }
}

/// Conditions other than patterns, sizes and ages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// `.NAME.XXXXXX`, if NAME exists beside it or has an ending that archives use.
    RsyncTemp,
    /// An empty directory.
    EmptyDir,
    /// A name that other systems do not support.
    OddName,
    /// A file in rsync's `--backup-dir`. Its age is the time since it was moved there; its modification time is much older.
    Backup,
    /// A path that upstream did not have at the last query.
    Absent,
    /// A file of an entry that is in a list of obsolete entries.
    Obsolete,
}

/// A rule. The first rule that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The name of the rule.
    pub name: String,
    /// Globs relative to the root; one must match. A glob without a slash matches names at any depth; one that ends in a slash matches
    /// directories with all their contents, and so does one that ends in `/**`, if the rule deletes whatever is there.
    pub patterns: Vec<String>,
    /// The kind that the entry must have. `None` for anything but a directory; if the rule keeps entries, directories too.
    pub kind: Option<Kind>,
    /// Minimum size in bytes.
    pub min_size: Option<u64>,
    /// Maximum size in bytes.
    pub max_size: Option<u64>,
    /// Minimum time since the last modification.
    pub min_age: Option<Duration>,
    /// Maximum time since the last modification.
    pub max_age: Option<Duration>,
    /// An additional condition.
    pub special: Option<Special>,
    /// The action for matching entries.
    pub action: Action,
    /// The reason, in words.
    pub reason: String,
    /// Whether the rule is enabled.
    pub on: bool,
    /// Whether the rule is built in.
    pub built_in: bool,
}

impl Rule {
    /// Whether the rule keeps directories with all their contents, even if it does not name the kind: removing too little is safer than
    /// removing too much. A rule with a size limit applies to files only.
    pub fn keeps_dirs(&self) -> bool {
        let sizes = self.min_size.or(self.max_size).is_some();
        self.kind.is_none() && self.action == Action::Keep && !sizes
    }

    /// For a pattern `DIR/**` of a rule that deletes everything below a directory: `DIR`, which is deleted with its contents. A rule with a size
    /// limit applies to files only.
    pub fn whole_dir<'a>(&self, pattern: &'a str) -> Option<&'a str> {
        let everything = self.kind.is_none()
            && self.action == Action::Delete
            && self.special.is_none()
            && self.min_size.or(self.max_size).is_none();
        pattern.strip_suffix("/**").filter(|dir| everything && !dir.trim_start_matches('/').is_empty())
    }

    /// Returns the kinds of entries that the rule can match. Everything below a matching directory is included with it.
    pub fn kinds(&self) -> Vec<Kind> {
        if let Some(kind) = self.kind {
            return vec![kind];
        }
        let of_dirs = self.patterns.iter().filter(|pattern| pattern.ends_with('/')).count();
        let others = self.patterns.is_empty() || of_dirs < self.patterns.len();
        let mut kinds = match others {
            true => vec![Kind::File, Kind::Symlink, Kind::Other],
            false => Vec::new(),
        };
        let whole = self.patterns.iter().any(|pattern| self.whole_dir(pattern).is_some());
        if of_dirs > 0 || whole || self.keeps_dirs() {
            kinds.push(Kind::Dir);
        }
        kinds
    }
}
