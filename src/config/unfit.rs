//! Jobs whose options for rsync do not go with `delete`: each of them fails when it is run, and the others run.

use super::draft::DraftJob;
use super::layer::{Given, Origin};
use super::resolve::Resolver;
use crate::rsync::args;

impl Resolver<'_> {
    /// Notes why the job cannot be run with these options, if that is so. It is a problem of the file that does not stop other jobs, unless
    /// the command line has brought it about.
    pub(super) fn check_with_delete(&mut self, job: &DraftJob, delete: &Given<bool>, rsync_args: &[String]) {
        // What is wrong with them in any case has been told.
        if !delete.value || args::check(rsync_args).is_err() {
            return;
        }
        let Err(refused) = args::check_with_delete(rsync_args) else { return };
        let typed = delete.origin == Origin::CommandLine
            || self.over.applies_to(&job.name) && !self.over.rsync_args.is_empty();
        let before = self.problems.len();
        self.about(delete.origin, job, refused.text, Some(refused.hint));
        if !typed {
            self.unfit.extend(self.problems.drain(before..));
        }
    }
}
