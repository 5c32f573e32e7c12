//! One try of a job on one source: list, guard, transfer, delete.
//!
//! **Invariant: rsync never gets a live `--delete`.** A dry run lists what would go, the guard decides on the whole list,
//! and after a transfer that was complete exactly the listed entries are removed, if they are still who they were.

use super::Plan;
use super::blocking::off_thread;
use super::complete::Evidence;
use super::guard::{self, DeletionVerdict};
use super::job_events::JobEvents;
use super::job_state::JobState;
use super::keep_deleted::KeepDeleted;
use super::listing::{Deletions, Listing, Mark, NamesBefore, list_path};
use super::phases::unreadable;
use super::remove::Removed;
use super::transfer::Transfer;
use crate::clean::path::OURS;
use crate::clean::removal::{self, WriteAccess};
use crate::model::event::{Phase, Takeover};
use crate::model::job::{Job, Source};
use crate::model::result::{Attempt, Figures, Reason};
use crate::rsync::args;
use crate::rsync::exit::Class;
use crate::rsync::output::Count;
use jiff::Timestamp;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AttemptEnd {
    /// All is done; perhaps with a warning.
    Done(Option<Reason>),
    /// Something was left out.
    Partial(Reason),
    /// A guard refused.
    Blocked(Reason),
    /// The source holds no file; another one may.
    Empty(Reason),
    /// The source is older than the mirror; another one may be newer.
    Older(Reason),
    /// It failed, and may be tried again according to the class.
    Failed(Class, Reason),
    /// The run is being stopped.
    Stopped,
}

impl AttemptEnd {
    /// Whether the source has been asked for everything, whatever came of it.
    fn is_final(&self) -> bool {
        matches!(self, AttemptEnd::Done(_) | AttemptEnd::Partial(_) | AttemptEnd::Blocked(_))
    }
}

/// An attempt in progress.
pub(super) struct AttemptRunner<'a> {
    pub(super) plan: &'a Plan,
    pub(super) job: &'a Job,
    pub(super) source: &'a Source,
    pub(super) number: u32,
    pub(super) job_events: &'a JobEvents,
    /// `None` where nothing will be written.
    pub(super) access: Option<&'a Arc<WriteAccess>>,
    /// Why others may write there too: nothing may be removed.
    pub(super) unsure: Option<&'a Reason>,
    pub(super) started: Instant,
    pub(super) announced: bool,
    pub(super) phases: Vec<(Phase, Duration)>,
    pub(super) figures: Figures,
    pub(super) code: Option<i32>,
    /// What becomes of what is removed; made when it is first needed.
    pub(super) keep: Option<Arc<KeepDeleted>>,
    /// Whether it has kept something of what it removed or replaced.
    pub(super) undoable: bool,
    /// Why a job that keeps what it removes cannot do so in this run.
    pub(super) cannot_keep: Option<Reason>,
    /// How many files the transfer has to bring, if that is known.
    pub(super) awaited: Option<u64>,
    /// How many transfers there have been.
    pub(super) transfers: u32,
    /// What is remembered of earlier runs of the job.
    pub(super) memory: JobState,
    /// Whether it may be written: a newer version's is only read.
    pub(super) remembers: bool,
    /// The names of the source as they were kept before the transfer.
    pub(super) names_before: NamesBefore,
    /// Whether some directory of the destination folds names, although its root does not.
    pub(super) folds_below: bool,
    /// If the destination is the root of a file system: what that keeps there and we may not write to.
    pub(super) at_root: Option<Vec<String>>,
    /// What the last transfer found at the source.
    pub(super) counted: Option<Count>,
    /// What this attempt has shown.
    pub(super) evidence: Evidence,
    /// Why it takes over a destination that somebody else has filled, if it does.
    pub(super) adopting: Option<Takeover>,
    /// Whether what the destination holds is the job's from now on.
    pub(super) dealt_with: bool,
}

impl<'a> AttemptRunner<'a> {
    /// Nothing happens before [`AttemptRunner::run`].
    pub(super) fn new(
        plan: &'a Plan,
        job: &'a Job,
        source: &'a Source,
        number: u32,
        job_events: &'a JobEvents,
        access: Option<&'a Arc<WriteAccess>>,
        unsure: Option<&'a Reason>,
    ) -> Self {
        AttemptRunner {
            plan,
            job,
            source,
            number,
            job_events,
            access,
            unsure,
            started: Instant::now(),
            announced: false,
            phases: Vec::new(),
            // Until something is.
            figures: Figures { files_transferred: Some(0), files_deleted: Some(0), ..Figures::default() },
            code: None,
            keep: None,
            undoable: false,
            cannot_keep: None,
            awaited: None,
            transfers: 0,
            memory: JobState::default(),
            remembers: true,
            names_before: NamesBefore::default(),
            folds_below: false,
            at_root: None,
            counted: None,
            evidence: Evidence::default(),
            adopting: None,
            dealt_with: false,
        }
    }

    /// Makes the attempt. The last value is whether something is kept for an undo.
    pub(super) async fn run(mut self) -> (Attempt, AttemptEnd, Figures, bool) {
        let time = Timestamp::now();
        let ending = match self.go().await {
            Ok(ending) | Err(ending) => ending,
        };
        let ending = self.explain_empty(ending).await;
        let ending = self.explain_sizes(ending).await;
        let error = match &ending {
            AttemptEnd::Done(_) => None,
            AttemptEnd::Partial(r)
            | AttemptEnd::Blocked(r)
            | AttemptEnd::Empty(r)
            | AttemptEnd::Older(r)
            | AttemptEnd::Failed(_, r) => Some(r.clone()),
            AttemptEnd::Stopped => {
                Some(Reason::new(self.job_events.stop.why().map_or("stopped".into(), |w| w.text())))
            }
        };
        self.dealt_with |= self.adopting.is_some() && self.evidence.listed && ending.is_final();
        let list = list_path(&self.plan.state_dir, &self.job.name, &self.plan.run);
        let waits = self.adopting.is_some() && std::fs::metadata(&list).is_ok_and(|list| list.len() > 0);
        if !(self.job.delete && (waits || matches!(ending, AttemptEnd::Blocked(_) | AttemptEnd::Empty(_)))) {
            // Nobody is told of the list of deletions. One that stays behind does no harm.
            let _ = std::fs::remove_file(list);
        }
        self.remember().await;
        self.close(matches!(ending, AttemptEnd::Done(_))).await;
        let attempt = Attempt {
            number: self.number,
            source: self.source.text.clone(),
            started: time,
            duration: self.started.elapsed(),
            phases: self.phases,
            exit_code: self.code,
            error,
        };
        (attempt, ending, self.figures, self.undoable)
    }

    /// An `Err` ends the attempt early.
    async fn go(&mut self) -> Result<AttemptEnd, AttemptEnd> {
        if self.plan.named_files {
            self.prepare_keep().await?;
            return Ok(AttemptEnd::Done(self.transfer(None, &[]).await?.warned));
        }
        self.recall().await?;
        if self.plan.mode.is_dry() {
            return self.rehearse().await;
        }
        let folds = self.folds().await?;
        // Where nothing is, nothing can be lost. Filters from files may let the source's `.pdb-sync` through, which a listing tells.
        if self.dest_is_empty().await? && !folds && !args::filters_from_files(&self.job.rsync_args) {
            return self.first_transfer().await;
        }
        let mut listing = self.list(folds).await?;
        if listing.folds_below {
            self.folds_below = true;
            listing = self.list(true).await?;
        }
        if listing.reserved.theirs > 0 {
            return Err(AttemptEnd::Failed(Class::Fatal, guard::reserved(&listing.reserved)));
        }
        if self.source_is_empty() && !self.job.delete {
            return Err(AttemptEnd::Empty(guard::empty_source(self.job, None)));
        }
        self.judge_age(&listing)?;
        self.tell_adopted(&listing).await;
        self.prepare_keep().await?;
        let refused = if self.job.delete {
            match self.judge_deletions(&listing) {
                DeletionVerdict::Go => self.not_yet(&listing),
                DeletionVerdict::TransferOnly(reason) => {
                    self.memory.refused(&self.job.dest, listing.present());
                    Some(AttemptEnd::Blocked(reason))
                }
                DeletionVerdict::Empty(reason) => return Err(AttemptEnd::Empty(reason)),
            }
        } else {
            None
        };
        self.mirror(listing, refused).await
    }

    /// Into an empty destination: whatever comes is new, and nothing can go.
    async fn first_transfer(&mut self) -> Result<AttemptEnd, AttemptEnd> {
        self.forget_names().await;
        // For a second attempt of this run: nobody else has put anything there.
        self.memory.begun = Some(self.plan.run.clone());
        let transfer = self.transfer(None, &[]).await?;
        if self.source_is_empty() {
            return Ok(AttemptEnd::Empty(guard::empty_source(self.job, None)));
        }
        self.evidence = Evidence { listed: true, arrived: transfer.arrived, not_deleted: 0 };
        self.remember_first_names().await;
        Ok(AttemptEnd::Done(transfer.warned))
    }

    /// Brings what differs, and removes what is to go unless that is `refused`.
    async fn mirror(
        &mut self,
        mut listing: Listing,
        refused: Option<AttemptEnd>,
    ) -> Result<AttemptEnd, AttemptEnd> {
        self.evidence.listed = listing.warned.is_none();
        let delete = self.job.delete && !(listing.gone.is_empty() && listing.respelled.is_empty());
        let mut bring = !listing.brings_nothing() || self.job.checksum;
        let going = if self.job.delete { listing.gone.tally.files + listing.gone.tally.dirs } else { 0 };
        self.evidence.not_deleted = going;
        let mut removed = Removed::default();
        let mut stamps = Vec::new();
        if delete && refused.is_none() {
            (stamps, _) = self.stamps(&listing.gone).await?;
            bring |= self.renew(&mut listing).await?;
            if bring && !listing.gone.make_room.is_empty() {
                removed = self.delete(&listing.gone, &stamps, true).await?;
            }
        }
        let mut warned = listing.warned.take().or_else(|| self.cannot_keep.clone());
        // A transfer that ends the attempt has shown nothing.
        self.evidence.arrived = !bring;
        if bring {
            self.names_before = self.take_names(&listing).await;
            let lost: Vec<_> =
                listing.lost.iter().filter(|lost| !lost.dir).map(|lost| lost.name.clone()).collect();
            let expected = self.compare_same_size(&mut listing).await?;
            let came = match self.transfer(Some(expected), &lost).await {
                Err(AttemptEnd::Partial(reason))
                    if matches!(refused, None | Some(AttemptEnd::Done(_))) && going > removed.files =>
                {
                    // What stood in the way is gone already.
                    let what = if removed.files == 0 { "nothing" } else { "nothing else" };
                    let text = format!("{what} was deleted, since the transfer was not complete");
                    return Err(AttemptEnd::Partial(reason.and(&text)));
                }
                // What a guard refused weighs more.
                Err(AttemptEnd::Partial(_)) if matches!(refused, Some(AttemptEnd::Blocked(_))) => {
                    Transfer { warned: None, arrived: false }
                }
                came => came?,
            };
            self.evidence.arrived = came.arrived;
            warned = came.warned.or(warned);
            if self.source_is_empty() {
                // It was not when it was listed. Whatever happens there, this is no time to delete.
                return Err(AttemptEnd::Blocked(guard::empty_source(self.job, listing.gone.listed())));
            }
        }
        let mut ending = match refused {
            Some(AttemptEnd::Done(Some(reason))) => AttemptEnd::Done(Some(match warned {
                Some(warned) => reason.and(&warned.text),
                None => reason,
            })),
            Some(ending) => ending,
            None if !delete => AttemptEnd::Done(warned),
            None if !self.evidence.has_everything() => {
                let reason = warned.unwrap_or_else(|| Reason::new("not everything came"));
                AttemptEnd::Done(Some(
                    reason.and("nothing was deleted, since not everything that was listed came"),
                ))
            }
            None => self.remove(&listing, &stamps, removed, warned).await?,
        };
        let mut listing = Some(listing);
        if let Some(told) = self.tell_lost(&mut listing).await? {
            ending = told.over(ending);
        }
        self.remember_names(listing).await;
        Ok(ending)
    }

    /// All of the source is here: what it does not have goes.
    async fn remove(
        &mut self,
        listing: &Listing,
        stamps: &[Option<Mark>],
        before: Removed,
        warned: Option<Reason>,
    ) -> Result<AttemptEnd, AttemptEnd> {
        let mut removed = before.and(self.delete(&listing.gone, stamps, false).await?);
        if removed.stopped {
            return Err(AttemptEnd::Stopped);
        }
        removed = removed.and(self.respell(listing).await?);
        self.evidence.not_deleted = removed.left;
        if removed.left > 0 {
            let entries = if removed.left == 1 { "entry" } else { "entries" };
            let text = format!("{} {entries} could not be deleted: {}", removed.left, removed.why.join("; "));
            let hint = removed.first.and_then(|dir| self.change_hint(&dir));
            let hint = hint.unwrap_or_else(|| "the next run counts and tries them again".into());
            return Ok(AttemptEnd::Partial(Reason::new(text).hint(hint)));
        }
        Ok(AttemptEnd::Done(warned))
    }

    /// What lets this user change a directory of the destination, where permissions are in the way.
    pub(super) fn change_hint(&self, dir: &[u8]) -> Option<String> {
        removal::change_hint(self.access?.root(), &self.job.dest, dir)
    }

    /// Files that are older at the source than here: it lags, or was restored from a backup.
    pub(super) fn judge_age(&self, listing: &Listing) -> Result<(), AttemptEnd> {
        let usual = self.memory.is_usual(&self.source.text, &self.job.sources[0].text);
        if self.adopting.is_some() && usual {
            // Who copies without times makes everything newer. It is told instead.
            return Ok(());
        }
        match guard::age(self.job, &self.plan.again, self.source, usual, listing) {
            Some(reason) => Err(AttemptEnd::Older(reason)),
            None => Ok(()),
        }
    }

    /// A source without a file deserves at least a word, even where nothing could be lost.
    pub(super) fn source_is_empty(&self) -> bool {
        self.figures.total_files == Some(0) && !self.job.allow_empty_source
    }

    /// Nothing there that could be deleted. In doubt there is.
    async fn dest_is_empty(&self) -> Result<bool, AttemptEnd> {
        let dest = self.job.dest.clone();
        let empty = move || match std::fs::read_dir(dest) {
            // What is ours cannot be deleted.
            Ok(mut entries) => entries.all(|entry| {
                let ours = |entry: std::fs::DirEntry| {
                    entry.file_name().as_bytes() == OURS && entry.file_type().is_ok_and(|kind| kind.is_dir())
                };
                entry.is_ok_and(ours)
            }),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        off_thread(&self.job_events.stop, empty).await.ok_or(AttemptEnd::Stopped)
    }

    /// Who the counted entries are now, and how many bytes they hold.
    pub(super) async fn stamps(&self, gone: &Deletions) -> Result<(Vec<Option<Mark>>, u64), AttemptEnd> {
        let (list, dest) = (gone.clone(), self.job.dest.clone());
        let stamps =
            off_thread(&self.job_events.stop, move || list.stamps(&dest)).await.ok_or(AttemptEnd::Stopped)?;
        stamps.map_err(|e| unreadable(gone, e))
    }
}
