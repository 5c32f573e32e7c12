//! Deeds of removal, for `clean` and for `sync` alike: one protocol, one quarantine, one undo.
//!
//! ```text
//! planner ── apply ── hand (capture, verify, commit) ── quarantine
//!                └── journals    undo ── escaping ── purge ──┘
//!                     write access (modes for a moment)
//! ```
//!
//! **Invariant: nothing is removed that was not captured and compared first; directories are only removed empty.** Every
//! directory is opened below a held root without passing a symlink or a mount point.

mod apply;
pub mod below;
mod busy;
mod capture;
mod escaping;
mod fate;
mod hand;
mod journals;
mod last;
mod mode_record;
mod ours;
mod parent;
mod planner;
mod purge;
mod quarantine;
mod refusal;
mod remake;
mod rename;
mod replaced;
mod sandbox;
#[cfg(test)]
mod tests;
mod tree;
mod undo;
mod whose;
mod write_access;

pub use apply::{Applied, Apply, Meter};
pub use capture::is_beside;
pub use escaping::{Unescaped, escape_quarantines};
pub use fate::{Backup, Fate, Trash};
pub use hand::{Taken, Wanted, look, look_for, stamp_of, take, take_dir};
pub use journals::{Found, Journal, find, list, note_purge};
pub use last::{can_undo, find_to_undo};
pub use ours::{LOCK, OURS_IN_THE_WAY, make_ours};
pub use parent::{Parent, mtime_of, recipe_of, set_mtime};
pub use planner::{Planned, RuleFound, Weighed, explain, plan, print_of, root_of};
pub use purge::{Order, Purge, Purged, cannot_keep, cannot_purge, expired, purge};
pub use quarantine::{Info, Place, Quarantine, info, is_info, made_by, place_in, place_of, runs, tidy};
pub use refusal::{Refusal, refusal, refusal_of_file, share_command};
pub use replaced::replaced;
pub use sandbox::{Fence, can_fence, fence};
pub use undo::{Undone, undo};
pub use whose::{Closed, Whose, change_hint, closed_below, group_command, is_group_mirror};
pub use write_access::{NotWritable, WriteAccess};
