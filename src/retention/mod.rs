//! When data that is kept for a while may be removed, on a machine whose clock may be wrong.
//!
//! **Invariant: nothing is removed because of a single look at the clock.** A run that finds an expired item writes a mark. A later run
//! purges the item if at least [`WAIT`] has passed since the mark by wall time and, within one boot, also by boot time. Marks are dropped
//! if wall time goes backwards, or steps against boot time: the wait begins again, and nothing is lost. An item dated in the future is not
//! kept forever: it is marked as well, and waits for as long as it would be kept.
//!
//! [`prune`] handles what is kept by number, not by age. There the order of runs decides: [`next_run`] gives each run a name that sorts
//! after the names of all earlier runs, regardless of the clock.

mod clock;
mod expiry;
mod marks;
mod run_names;

pub(crate) use clock::now;
pub(crate) use expiry::{Age, Boot, Item, Moment, age_of};
pub(crate) use marks::forget;
pub(crate) use marks::{FILE, look};
pub(crate) use run_names::{NoRun, meant, next_run, prune, prune_apart, short};
