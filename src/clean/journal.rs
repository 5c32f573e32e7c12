//! The journal of a run: what was done, one line each, appended while it is done. A truncated journal is valid up to its last complete
//! line.

use super::path::{PathText, Spelled};
use super::rule::Kind;
use serde::{Deserialize, Serialize};

/// The outcome for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryOutcome {
    /// It is about to be removed. If no other line about it follows, the run was interrupted there, and the entry may be gone.
    Meant,
    /// It is in the quarantine.
    Quarantined,
    /// It was replaced by a newer version and is in the quarantine.
    Replaced,
    /// It was deleted for good.
    Deleted,
    /// It is in the backup directory.
    Backup,
    /// It is in the trash.
    Trashed,
    /// It was skipped, because it has changed or a guard forbids its removal.
    Skipped,
    /// It could not be removed.
    Failed,
    /// It was restored to its original path.
    Restored,
}

impl EntryOutcome {
    /// The word used in the journal.
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

    /// Whether the entry is no longer at its original path.
    pub fn is_gone(self) -> bool {
        matches!(
            self,
            EntryOutcome::Quarantined | EntryOutcome::Deleted | EntryOutcome::Backup | EntryOutcome::Trashed
        )
    }
}

/// Whether runs of this command transfer files, and so replace some of the mirror. Such a run keeps its journal only if it removed or replaced
/// something.
pub fn transfers(command: &str) -> bool {
    matches!(command, "sync" | "verify")
}

/// A run starts or resumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// The version of the format.
    pub v: u32,
    /// The ID of the run.
    pub run: String,
    /// `clean`, `sync`, or `verify` with --repair; `undo` where an undo of the run starts, `purge` where its quarantine is purged.
    pub command: String,
    /// The name of the job, if there is one.
    pub job: Option<String>,
    /// The root of the tree, as in a plan.
    pub root: super::RootPrint,
    /// The removal mode: `quarantine`, `delete`, `backup` or `trash`.
    pub mode: String,
    /// The hash of the plan, if there is one.
    pub plan: Option<String>,
    /// The start time, RFC 3339.
    pub time: String,
}

/// The outcome for one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Path relative to the root.
    pub path: Vec<u8>,
    /// The kind of the entry.
    pub kind: Kind,
    /// The outcome.
    pub did: EntryOutcome,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of entries: more than one for a directory that was taken as one.
    pub entries: u64,
    /// The reason, where it is not obvious.
    pub why: Option<String>,
}

/// Metadata of a directory before anything in it, or the directory itself, was removed: what is needed to recreate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// Permissions.
    pub mode: u32,
    /// User ID of the owner.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
    /// Modification time, in seconds since 1970.
    pub mtime: i64,
    /// Nanoseconds of the modification time.
    pub nanos: u32,
}

/// The process ended the run itself, that is, it was not killed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The end time, RFC 3339.
    pub time: String,
    /// Whether every planned entry was processed.
    pub whole: bool,
}

/// A line of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A run starts or resumes.
    Begin(Begin),
    /// The metadata of a directory (empty path: the root) before it was changed.
    Was(Vec<u8>, Recipe),
    /// The outcome for an entry.
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
        #[serde(default = "one")]
        entries: u64,
        #[serde(default)]
        why: Option<String>,
    },
}

/// A line with borrowed contents: a run writes two lines for each entry.
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
        #[serde(skip_serializing_if = "is_one")]
        entries: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<&'a str>,
    },
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(entries: &u64) -> bool {
    *entries == 1
}

impl Line {
    /// Appends the line as JSON, with a newline.
    pub fn write(&self, into: &mut Vec<u8>) {
        let written = match self {
            Line::Begin(begin) => Written::Begin(begin),
            Line::End(end) => Written::End(end),
            Line::Was(path, recipe) => Written::Was { path: Spelled(path), recipe },
            Line::Did(Record { path, kind, did, bytes, entries, why }) => Written::Did {
                path: Spelled(path),
                kind: *kind,
                did: *did,
                bytes: *bytes,
                entries: *entries,
                why: why.as_deref(),
            },
        };
        let before = into.len();
        match serde_json::to_writer(&mut *into, &written) {
            Ok(()) => into.push(b'\n'),
            // Serializing strings and numbers cannot fail.
            Err(_) => into.truncate(before),
        }
    }

    /// Parses a line. `None` if it is not a journal line, or if its path leaves the tree.
    pub fn read(line: &[u8]) -> Option<Line> {
        match serde_json::from_slice(line).ok()? {
            OnDisk::Begin(begin) => Some(Line::Begin(begin)),
            OnDisk::End(end) => Some(Line::End(end)),
            OnDisk::Was { path, recipe } => Some(Line::Was(path.bytes_or_root().ok()?, recipe)),
            OnDisk::Did { path, kind, did, bytes, entries, why } => {
                Some(Line::Did(Record { path: path.bytes().ok()?, kind, did, bytes, entries, why }))
            }
        }
    }
}
