//! Applies a plan, for `clean` and `sync`: files in parallel by directory, and directories when everything before them in the plan is done.
//! Memory does not depend on the number of entries.
//!
//! Entries that will not stay in the quarantine are journalled, and the journal is on disk, before they are changed: nothing is ever gone
//! that the journal does not name.

mod directories;
mod feeder;
mod links;
mod page;
mod parts;
mod whole_dirs;
mod work;

pub use parts::{Applied, Apply, ApplyProgress, NotRemoved, TOLD, all_threads};

use crate::clean::{Entry, PlanError};
use feeder::Feeder;
use work::Shared;

impl Apply<'_> {
    /// Applies the entries that `next` yields. The whole plan must have been verified before. `Err` if the plan cannot be read or the
    /// journal cannot be written; what was done before is done, and journalled as far as possible.
    pub fn run(&self, next: impl FnMut() -> Result<Option<Entry>, PlanError>) -> Result<Applied, PlanError> {
        let shared = Shared::new(self);
        shared.root();
        let read = Feeder::run(&shared, self.threads.max(1), next);
        shared.root();
        let (applied, broken) = shared.end();
        read?;
        match broken {
            Some(error) => Err(error.into()),
            None => Ok(applied),
        }
    }
}
