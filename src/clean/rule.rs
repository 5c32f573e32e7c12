//! One rule: which entries it means, and what is to become of them.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is to become of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It goes.
    Delete,
    /// People decide.
    Review,
    /// It stays, whatever later rules say.
    Keep,
}

impl Action {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Action::Delete => "delete",
            Action::Review => "review",
            Action::Keep => "keep",
        }
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory. A rule for directories means everything below them, too.
    Dir,
    /// A symbolic link; never followed.
    Symlink,
    /// A socket, a pipe, a device.
    Other,
}

impl Kind {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Dir => "dir",
            Kind::Symlink => "symlink",
            Kind::Other => "other",
        }
    }
}

/// What patterns and sizes cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// `.NAME.XXXXXX` where NAME is there too, or is called as archives call their files.
    RsyncTemp,
    /// A directory without anything in it.
    EmptyDir,
    /// A name that other systems cannot hold.
    OddName,
    /// What rsync's `--backup-dir` holds. Its age is how long ago it was moved there: its own time is much older.
    Backup,
    /// Upstream did not have it when it was asked last.
    Absent,
    /// A file of an entry that a list calls obsolete.
    Obsolete,
}

/// A rule. The first one that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// How people call it.
    pub name: String,
    /// Globs, relative to the root; one without a slash means names at any depth, one that ends in a slash directories with all
    /// that is in them. Any of them may match.
    pub patterns: Vec<String>,
    /// What the entry must be; `None`: anything but a directory, and for a rule that keeps those, too.
    pub kind: Option<Kind>,
    /// At least so many bytes.
    pub min_size: Option<u64>,
    /// At most so many bytes.
    pub max_size: Option<u64>,
    /// Not modified for at least so long.
    pub min_age: Option<Duration>,
    /// Modified within so long.
    pub max_age: Option<Duration>,
    /// What else must hold.
    pub special: Option<Special>,
    /// What is to become of it.
    pub action: Action,
    /// Why, for people.
    pub reason: String,
    /// Whether it holds unless somebody turns it off.
    pub on: bool,
    /// Whether it is ours.
    pub built_in: bool,
}

impl Rule {
    /// Whether it keeps directories with all that is in them without having to say so: to remove too little is the smaller mistake. With a
    /// limit on sizes, it means files.
    pub fn keeps_dirs(&self) -> bool {
        let sizes = self.min_size.or(self.max_size).is_some();
        self.kind.is_none() && self.action == Action::Keep && !sizes
    }

    /// What entries can be that it decides about; below a directory, everything goes with it.
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
        if of_dirs > 0 || self.keeps_dirs() {
            kinds.push(Kind::Dir);
        }
        kinds
    }
}
