//! What brings a job's files. Attempts, guards, retries and fail-over know this trait only; [`super::rsync_transport`] runs rsync.

use super::job_events::JobEvents;
use crate::model::event::Progress;
use crate::model::job::{Job, Source};
use crate::model::result::Reason;
use crate::rsync::args::Purpose;
use crate::rsync::exit::{Class, Verdict};
use crate::rsync::output::{Change, Stats};
use futures::future::BoxFuture;
use std::time::Duration;

/// Gets every change of a listing. Returns whether it counts.
pub(super) type OnChange<'a> = dyn FnMut(&Change<'_>) -> bool + Send + 'a;

/// Lists and fetches what a source has. It never deletes.
pub(super) trait Transport: Send + Sync {
    /// Why it cannot be used here, before anything is written; `None` if it can, or if that is unknown.
    fn refusal<'a>(&'a self, job_events: &'a JobEvents) -> BoxFuture<'a, Option<Reason>>;

    /// The command line of a request, for events. Empty if no process is started.
    fn command(&self, request: &Request<'_>) -> Vec<String>;

    /// Does what is requested, until it has ended or the run stops. Reports output and progress as events of the job.
    fn run<'a>(
        &'a self,
        request: Request<'a>,
        job_events: &'a JobEvents,
        changes: &'a mut OnChange<'_>,
    ) -> BoxFuture<'a, Ran>;
}

/// One listing or one transfer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// ID of the run.
    pub(super) run: &'a str,
    /// The job, or one derived from it, for some of its files.
    pub(super) job: &'a Job,
    pub(super) source: &'a Source,
    pub(super) purpose: Purpose,
    /// Names that are passed over.
    pub(super) left_out: &'a [Vec<u8>],
    /// Filters of a part of a listing, before all others.
    pub(super) filters: &'a [String],
    /// Whether the destination folds names, so that our own directory has several spellings.
    pub(super) folds: bool,
    /// If the destination is the root of a file system: names there that this user may not write to.
    pub(super) at_root: Option<&'a [String]>,
    /// Number of the directory in the quarantine that gets what is replaced; `None` if nothing is kept.
    pub(super) keep: Option<u64>,
    /// How many files bring contents; `None` if unknown.
    pub(super) expected: Option<u64>,
    /// What is left of the timeout of the attempt.
    pub(super) time_left: Option<Duration>,
    /// The transfer ends if fewer bytes are free at the destination.
    pub(super) min_free: Option<u64>,
    /// Whether only entries are named that a listing has shown a moment before: one that is missing has vanished.
    pub(super) listed: bool,
    /// Whether names are given of which the source need not have each: what it does not have is passed over in silence.
    pub(super) optional: bool,
    /// Whether the job may go on over fewer connections if the server has no room for this one. What rsync says of that is then returned, not
    /// shown.
    pub(super) several: bool,
    pub(super) show: Show,
}

/// What users see of the standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// Everything but the progress and the figures.
    Lines,
    /// Each change with a verb: `create a/b`.
    Changes {
        /// Whether deletions are deferred to the next run.
        later: bool,
    },
    /// Nothing.
    Nothing,
}

/// The outcome of a request.
#[derive(Debug, Clone)]
pub(super) struct Ran {
    /// The exit code of the process; `None` if there was none, or if a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) verdict: Ended,
    pub(super) stats: Stats,
    /// The last progress; `None` if there was none.
    pub(super) progress: Option<Progress>,
    /// rsync's errors about a server that has no room, which have not been shown.
    pub(super) unshown: Vec<u8>,
}

impl Ran {
    /// Whether the server has refused the connection since it has too many.
    pub(super) fn has_no_room(&self) -> bool {
        matches!(self.verdict, Ended::Judged(Verdict::Failed(Class::Busy, _)))
    }
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself.
    Judged(Verdict),
    /// By us, since the run is being stopped.
    Stopped,
    /// By us, since the disk is nearly full; bytes left.
    DiskLow(u64),
}

/// Bytes received. In a local copy our own rsync is the sender.
pub(super) fn came(stats: &Stats, remote: bool) -> Option<u64> {
    if remote { stats.received } else { stats.sent }
}
