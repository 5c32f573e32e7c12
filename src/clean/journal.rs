//! What was done, a line each, appended while it is done. A journal that was cut short is good up to its last whole line.

use super::path::{PathText, Spelled};
use super::rule::Kind;
use serde::{Deserialize, Serialize};

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryOutcome {
    /// It is about to be taken. If nothing follows, the run was cut short there, and it may be gone.
    Meant,
    /// It lies in the quarantine.
    Quarantined,
    /// A newer version has its place, and it lies in the quarantine.
    Replaced,
    /// It is gone for good.
    Deleted,
    /// It lies in the backup directory.
    Backup,
    /// It lies in the trash.
    Trashed,
    /// It was left alone, because it is not who it was, or a guard said so.
    Skipped,
    /// It was left alone against our will.
    Failed,
    /// It is back where it was.
    Restored,
}

impl EntryOutcome {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            EntryOutcome::Meant => "meant",
            EntryOutcome::Quarantined => "quarantined",
            EntryOutcome::Replaced => "replaced",
            EntryOutcome::Deleted => "deleted",
            EntryOutcome::Backup => "backup",
            EntryOutcome::Trashed => "trashed",
            EntryOutcome::Skipped => "skipped",
            EntryOutcome::Failed => "failed",
            EntryOutcome::Restored => "restored",
        }
    }

    /// Whether it is not where it was.
    pub fn is_gone(self) -> bool {
        matches!(
            self,
            EntryOutcome::Quarantined | EntryOutcome::Deleted | EntryOutcome::Backup | EntryOutcome::Trashed
        )
    }
}

/// A run begins, or goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// The version of the format.
    pub v: u32,
    /// The run.
    pub run: String,
    /// `clean` or `sync`; `undo` where an undo of the run begins, `purge` where its quarantine is removed for good.
    pub command: String,
    /// The job, if there is one.
    pub job: Option<String>,
    /// The tree, as in a plan.
    pub root: super::RootPrint,
    /// `quarantine`, `delete`, `backup`, `trash`.
    pub mode: String,
    /// The hash of the plan, if there is one.
    pub plan: Option<String>,
    /// When, RFC 3339.
    pub time: String,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Relative to the root.
    pub path: Vec<u8>,
    /// What it was.
    pub kind: Kind,
    /// What became of it.
    pub did: EntryOutcome,
    /// Its bytes.
    pub bytes: u64,
    /// Why, where that is not plain.
    pub why: Option<String>,
}

/// A directory as it was before anything was taken from it, or it went itself: what it takes to make it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Permissions.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Modification time, seconds since 1970.
    pub mtime: i64,
    /// Its nanoseconds.
    pub nanos: u32,
}

/// A run ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// When, RFC 3339.
    pub time: String,
    /// Whether everything that was planned was come to.
    pub whole: bool,
}

/// A line of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A run begins.
    Begin(Begin),
    /// A directory (empty: the root) before it was touched.
    Was(Vec<u8>, Recipe),
    /// An entry.
    Did(Record),
    /// A run ended.
    End(End),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum OnDisk {
    Begin(Begin),
    End(End),
    Was {
        #[serde(flatten)]
        path: PathText,
        #[serde(flatten)]
        recipe: Recipe,
    },
    Did {
        #[serde(flatten)]
        path: PathText,
        kind: Kind,
        did: EntryOutcome,
        bytes: u64,
        #[serde(default)]
        why: Option<String>,
    },
}

/// The same, borrowed: a run writes two lines for each entry.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Written<'a> {
    Begin(&'a Begin),
    End(&'a End),
    Was {
        #[serde(flatten)]
        path: Spelled<'a>,
        #[serde(flatten)]
        recipe: &'a Recipe,
    },
    Did {
        #[serde(flatten)]
        path: Spelled<'a>,
        kind: Kind,
        did: EntryOutcome,
        bytes: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<&'a str>,
    },
}

impl Line {
    /// As it is appended, newline included.
    pub fn write(&self, into: &mut Vec<u8>) {
        let written = match self {
            Line::Begin(begin) => Written::Begin(begin),
            Line::End(end) => Written::End(end),
            Line::Was(path, recipe) => Written::Was { path: Spelled(path), recipe },
            Line::Did(Record { path, kind, did, bytes, why }) => Written::Did {
                path: Spelled(path),
                kind: *kind,
                did: *did,
                bytes: *bytes,
                why: why.as_deref(),
            },
        };
        let before = into.len();
        match serde_json::to_writer(&mut *into, &written) {
            Ok(()) => into.push(b'\n'),
            // Strings and numbers always become JSON.
            Err(_) => into.truncate(before),
        }
    }

    /// Reads a line; `None` if it is none, or names a path that leads elsewhere.
    pub fn read(line: &[u8]) -> Option<Line> {
        match serde_json::from_slice(line).ok()? {
            OnDisk::Begin(begin) => Some(Line::Begin(begin)),
            OnDisk::End(end) => Some(Line::End(end)),
            OnDisk::Was { path, recipe } => Some(Line::Was(path.bytes_or_root().ok()?, recipe)),
            OnDisk::Did { path, kind, did, bytes, why } => {
                Some(Line::Did(Record { path: path.bytes().ok()?, kind, did, bytes, why }))
            }
        }
    }
}
