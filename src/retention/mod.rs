//! When something of ours that is kept for a while may be removed, on a machine whose clock may be wrong.
//!
//! **Invariant: nothing is removed because of a single look at the clock.** A run that finds something over-age writes a mark. A
//! later run purges it, if at least [`WAIT`] has passed since the mark by wall time and, within one boot, also by boot time.
//! Wall time that goes backwards, or that steps against boot time, drops the marks: the wait begins again, and nothing is
//! lost. What is dated in the future is not young for ever: it is marked as well, and waits for as long as it would be kept.
//!
//! What is kept by number and not by age is in [`prune`]: there the order of runs decides, and [`next_run`] gives each run a
//! name that sorts after the names of all runs before it, whatever the clock says.

mod clock;
mod expiry;
mod marks;
mod run_names;

pub(crate) use clock::now;
pub(crate) use expiry::{Age, Boot, Item, Moment, age_of};
pub(crate) use marks::forget;
pub(crate) use marks::{FILE, look};
pub(crate) use run_names::{NoRun, meant, next_run, prune, short};
