//! Removal of entries, for `clean` and `sync`: one protocol, one quarantine, one undo.
//!
//! ```text
//! planner ── apply ── remove_entry, remove_whole_dir (capture, verify, commit) ── quarantine
//!                └── journals    undo ── escaping ── purge ────────────┘
//!                     write_access (changes a mode for the time of one change)
//! ```
//!
//! **Invariant: nothing is removed that was not captured and compared first; directories are only removed empty, or as a whole
//! that was captured and compared.** Every directory is opened below an open root, without following symlinks or crossing mount points.

mod apply;
mod busy;
mod capture;
mod contents;
mod dir_owner;
mod escaping;
mod find_whole_dirs;
mod journals;
mod judging;
mod landlock_fence;
mod last_run;
mod mode;
mod mode_record;
pub mod open_below;
mod own_dir;
mod parent;
mod place;
mod planner;
mod purge;
mod quarantine;
mod recipe;
mod recreate_dirs;
mod refusal;
mod removal_mode;
mod remove_entry;
mod remove_whole_dir;
mod rename;
mod replaced;
mod stamp;
#[cfg(test)]
mod tests;
mod tree;
mod undo;
mod write_access;

pub use apply::{Applied, Apply, ApplyProgress, NotRemoved, TOLD, all_threads};
pub use capture::is_beside;
pub use contents::has_contents;
pub use dir_owner::{Closed, DirOwner, change_hint, closed_below, group_command, is_group_mirror};
pub use escaping::{Unescaped, escape_quarantines};
pub use journals::{FoundJournal, Journal, find, list, note_purge};
pub use landlock_fence::{Landlock, can_fence, fence};
pub use last_run::{can_undo, find_to_undo};
pub use own_dir::{LOCK, OURS_IN_THE_WAY, make_ours};
pub use parent::Parent;
pub use place::{is_info, place_in};
pub use planner::{Planned, RuleFound, Weighed, explain, plan, print_of, root_of};
pub use purge::{Order, Purge, Purged, cannot_keep, cannot_purge, expired, purge};
pub use quarantine::{Info, Place, Quarantine, info, made_by, place_of, runs, tidy};
pub use recipe::{mtime_of, recipe_of, set_mtime};
pub use refusal::{Refusal, refusal, refusal_of_file, share_command};
pub use removal_mode::{Backup, RemovalMode, Trash};
pub use remove_entry::{ExpectedEntry, RemoveOutcome, take, take_dir};
pub use replaced::{is_any_replaced, replaced};
pub use stamp::{keeps_inodes, look, look_for, stamp_of};
pub use undo::{Undone, undo};
pub use write_access::{NotWritable, WriteAccess};
