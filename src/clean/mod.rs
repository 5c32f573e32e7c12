//! Rules, plans, decisions, limits and journals of cleaning. Pure; [`crate::clean::removal`] does the work.
//!
//! ```text
//! rules ── judge (which rule decides) ── plan (entries, hashed) ── decisions (of the user) ── limits
//!                                                                              journal (what was done)
//! ```
//!
//! **Invariant: a path from a plan or a journal is relative, plain and outside `.pdb-sync`** before anything is done with it.
//! [`path::check`] is the only check.

mod builtin;
mod contents;
mod decisions;
mod escape;
mod journal;
mod journal_progress;
mod judge;
mod limits;
mod lists;
mod mode_lines;
pub mod path;
mod plan;
mod plan_content;
mod plan_header;
mod plan_order;
mod protect;
pub mod removal;
mod rule;
mod tally;
#[cfg(test)]
mod tests;
mod upstream;

pub use builtin::{BACKUPS, built_in, is_of_a_transfer};
pub use contents::{Contents, ContentsHasher};
pub use decisions::{Decisions, template};
pub use escape::{
    LongNames, NameLimit, Nameless, escape, escape_flat, escape_path, is_hashed, is_hashed_flat,
};
pub use journal::{Begin, End, EntryOutcome, Line, Recipe, Record, transfers};
pub use journal_progress::{Dirs, JournalProgress, PURGE, UNDO};
pub use judge::{Candidate, Judge, Verdict, Why};
pub use limits::{LimitExceeded, Limits};
pub use lists::Lists;
pub use mode_lines::{ModeLine, ModesLeft, OldMode};
pub use plan::{Entry, Footer, PlanError, Reader, Writer, footer_of, hash_of};
pub use plan_header::{Header, Origin, RootPrint, RuleNote};
pub use plan_order::plan_order;
pub use protect::{MANIFESTS, in_version_control, is_version_control};
pub use rule::{Action, Kind, Rule, Special};
pub use tally::Tally;
pub use upstream::{Mirror, SourceNames};

/// The identity of an entry when it was examined. `rsync -t` preserves the modification time, so only the change time reveals a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// Device number.
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Size in bytes; 0 for a directory, whose size depends on the file system.
    pub size: u64,
    /// Modification time, nanoseconds since 1970; 0 for a directory.
    pub mtime: i64,
    /// Change time, nanoseconds since 1970; 0 for a directory, where it changes with the contents.
    pub ctime: i64,
}

impl Stamp {
    /// Whether all but the change time is the same. A rename changes the change time.
    pub fn same_but_ctime(&self, other: &Stamp) -> bool {
        Stamp { ctime: 0, ..*self } == Stamp { ctime: 0, ..*other }
    }
}
