//! One try of a job on one source: list, guard, transfer, delete.
//!
//! **Invariant: rsync never gets a live `--delete`.** A dry run lists what would go, the guard decides on the whole list,
//! and after a transfer that was complete exactly the listed entries are removed, if they are still who they were.

use super::blocking::off_thread;
use super::deletions::{Counted, Mark};
use super::guard::{self, Say};
use super::keep::{self, Keep};
use super::lock::Lock;
use super::phases::unreadable;
use super::remove::Removed;
use super::voice::Voice;
use super::{Plan, list_path};
use crate::event::{Event, Level, Phase};
use crate::job::{Job, Source};
use crate::result::{Attempt, Figures, Reason};
use crate::rsync::args::Purpose;
use crate::rsync::exit::Class;
use crate::rsync::output::Stats;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// All is done; perhaps with a warning.
    Done(Option<Reason>),
    /// Something was left out.
    Partial(Reason),
    /// A guard refused.
    Blocked(Reason),
    /// The source holds no file; another one may.
    Empty(Reason),
    /// It failed, and may be tried again according to the class.
    Failed(Class, Reason),
    /// The run is being stopped.
    Stopped,
}

/// An attempt in progress.
pub(super) struct Try<'a> {
    pub(super) plan: &'a Plan,
    pub(super) job: &'a Job,
    pub(super) source: &'a Source,
    pub(super) number: u32,
    pub(super) voice: &'a Voice,
    /// `None` where nothing will be written.
    pub(super) lock: Option<&'a Lock>,
    pub(super) started: Instant,
    pub(super) announced: bool,
    pub(super) phases: Vec<(Phase, Duration)>,
    pub(super) figures: Figures,
    pub(super) code: Option<i32>,
    /// What becomes of what is removed; made when it is first needed.
    pub(super) keep: Option<Arc<Keep>>,
    /// How many transfers there have been.
    pub(super) transfers: u32,
}

/// A dry run that is complete.
pub(super) struct Listed {
    pub(super) counted: Counted,
    pub(super) stats: Stats,
    /// Something worth knowing about it.
    pub(super) warned: Option<Reason>,
}

impl<'a> Try<'a> {
    /// Nothing happens before [`Try::run`].
    pub(super) fn new(
        plan: &'a Plan,
        job: &'a Job,
        source: &'a Source,
        number: u32,
        voice: &'a Voice,
        lock: Option<&'a Lock>,
    ) -> Self {
        Try {
            plan,
            job,
            source,
            number,
            voice,
            lock,
            started: Instant::now(),
            announced: false,
            phases: Vec::new(),
            // Until something is.
            figures: Figures { files_transferred: Some(0), files_deleted: Some(0), ..Figures::default() },
            code: None,
            keep: None,
            transfers: 0,
        }
    }

    /// Makes the attempt.
    pub(super) async fn run(mut self) -> (Attempt, Ending, Figures) {
        let time = Timestamp::now();
        let ending = match self.go().await {
            Ok(ending) | Err(ending) => ending,
        };
        let error = match &ending {
            Ending::Done(_) => None,
            Ending::Partial(r) | Ending::Blocked(r) | Ending::Empty(r) | Ending::Failed(_, r) => {
                Some(r.clone())
            }
            Ending::Stopped => {
                Some(Reason::new(self.voice.stop.why().map_or("stopped".into(), |w| w.text())))
            }
        };
        if !(self.job.delete && matches!(ending, Ending::Blocked(_) | Ending::Empty(_))) {
            // Nobody is told of the list of deletions. One that stays behind does no harm.
            let _ = std::fs::remove_file(list_path(&self.plan.state_dir, &self.job.name, &self.plan.run));
        }
        let kept = self.keep.take();
        // Also where there was nothing to do. What is over-age only goes while all is well, or something new was kept.
        let purges = self.job.keep_deleted.is_some()
            && self.lock.is_some()
            && !self.plan.mode.is_dry()
            && (kept.is_some() || matches!(ending, Ending::Done(_)));
        if kept.is_some() || purges {
            let (dest, state) = (self.job.dest.clone(), self.plan.state_dir.clone());
            // A mount that is dead must not hold the run.
            let told = off_thread(&self.voice.stop, move || {
                kept.iter().for_each(|kept| kept.close());
                if purges { keep::purge(&dest, &state) } else { Vec::new() }
            });
            for text in told.await.unwrap_or_default() {
                self.voice.notice(Level::Warning, text).await;
            }
        }
        let attempt = Attempt {
            number: self.number,
            source: self.source.text.clone(),
            started: time,
            duration: self.started.elapsed(),
            phases: self.phases,
            exit_code: self.code,
            error,
        };
        (attempt, ending, self.figures)
    }

    /// An `Err` ends the attempt early.
    async fn go(&mut self) -> Result<Ending, Ending> {
        if self.plan.mode.is_dry() {
            return self.rehearse().await;
        }
        if !self.job.delete || self.dest_is_empty().await? {
            let warned = self.transfer().await?;
            if self.source_is_empty() {
                return Ok(Ending::Empty(guard::empty_source(self.job, Path::new(""))));
            }
            return Ok(Ending::Done(warned));
        }
        let listed = self.list(Purpose::List).await?;
        let refused = match guard::deletions(self.job, &self.plan.again, &listed.stats, &listed.counted) {
            Say::Go => None,
            Say::TransferOnly(reason) => Some(reason),
            Say::Empty(reason) => return Err(Ending::Empty(reason)),
        };
        if listed.counted.is_nothing() && !self.job.checksum && refused.is_none() {
            return Ok(Ending::Done(listed.warned));
        }
        if let Some(reason) = refused {
            // Keep what is new and changed coming, whatever becomes of the rest.
            return match self.transfer().await {
                Ok(_) | Err(Ending::Partial(_)) => Err(Ending::Blocked(reason)),
                Err(ending) => Err(ending),
            };
        }
        self.transfer_and_delete(listed).await
    }

    async fn transfer_and_delete(&mut self, listed: Listed) -> Result<Ending, Ending> {
        let Listed { counted, warned, .. } = listed;
        let (stamps, _) = self.stamps(&counted).await?;
        let mut removed = Removed::default();
        if !counted.make_room.is_empty() {
            removed = self.delete(&counted, &stamps, true).await?;
        }
        let late = match self.transfer().await {
            Err(Ending::Partial(reason)) if counted.deleted.files > removed.files => {
                // What stood in the way is gone already.
                let what = if removed.files == 0 { "nothing" } else { "nothing else" };
                let text = format!("{what} was deleted, since the transfer was not complete");
                return Err(Ending::Partial(reason.and(&text)));
            }
            other => other?,
        };
        if self.source_is_empty() {
            // It was not when it was listed. Whatever happens there, this is no time to delete.
            return Err(Ending::Blocked(guard::empty_source(self.job, &counted.path)));
        }
        let removed = removed.and(self.delete(&counted, &stamps, false).await?);
        if removed.stopped {
            return Err(Ending::Stopped);
        }
        if removed.left > 0 {
            let entries = if removed.left == 1 { "entry" } else { "entries" };
            let text = format!("{} {entries} could not be deleted: {}", removed.left, removed.why.join("; "));
            return Ok(Ending::Partial(Reason::new(text).hint("the next run counts and tries them again")));
        }
        Ok(Ending::Done(late.or(warned)))
    }

    /// `--dry-run` and `--plan`: the same judgement, and nothing else. The figures are those that would be.
    async fn rehearse(&mut self) -> Result<Ending, Ending> {
        let plan = matches!(self.plan.mode, super::Mode::Plan { .. });
        let purpose = if plan { Purpose::Plan } else { Purpose::DryRun };
        let mut listed = self.list(purpose).await?;
        let Listed { counted, stats, .. } = &mut listed;
        if !plan {
            counted.take_figures(stats);
        }
        if self.source_is_empty() {
            // Nothing of what was listed would happen.
            (self.figures.files_transferred, self.figures.files_deleted) = (Some(0), Some(0));
            return Ok(Ending::Empty(guard::empty_source(self.job, &counted.path)));
        }
        if plan {
            counted.deleted.bytes = self.stamps(counted).await.ok().map(|(_, bytes)| bytes);
            let limit = guard::present(stats, counted).filter(|_| self.job.delete);
            let limit = limit.map(|present| self.job.max_delete.of(present));
            let (created, updated, deleted) = (counted.created, counted.updated, counted.deleted);
            self.voice
                .say(Event::Planned { job: self.voice.job.clone(), created, updated, deleted, limit })
                .await;
        }
        // As rsync does with `-n`: what would be.
        self.figures.files_transferred = listed.stats.transferred;
        self.figures.files_deleted = Some(listed.counted.deleted.files);
        if self.job.delete {
            match guard::deletions(self.job, &self.plan.again, &listed.stats, &listed.counted) {
                Say::Go => {}
                Say::TransferOnly(reason) => return Ok(Ending::Blocked(reason)),
                Say::Empty(reason) => return Ok(Ending::Empty(reason)),
            }
        }
        // What a real run would have moved.
        self.figures.files_transferred = listed.stats.transferred;
        self.figures.files_deleted = Some(if self.job.delete { listed.counted.deleted.files } else { 0 });
        Ok(Ending::Done(listed.warned))
    }

    /// A source without a file deserves at least a word, even where nothing could be lost.
    fn source_is_empty(&self) -> bool {
        self.figures.total_files == Some(0) && !self.job.allow_empty_source
    }

    /// Nothing there that could be deleted. In doubt there is.
    async fn dest_is_empty(&self) -> Result<bool, Ending> {
        let dest = self.job.dest.clone();
        let empty = move || match std::fs::read_dir(dest) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        off_thread(&self.voice.stop, empty).await.ok_or(Ending::Stopped)
    }

    /// Who the counted entries are now, and how many bytes they hold.
    async fn stamps(&self, counted: &Counted) -> Result<(Vec<Option<Mark>>, u64), Ending> {
        let (list, dest) = (counted.clone(), self.job.dest.clone());
        let stamps = off_thread(&self.voice.stop, move || list.stamps(&dest)).await.ok_or(Ending::Stopped)?;
        stamps.map_err(|e| unreadable(counted, e))
    }
}
