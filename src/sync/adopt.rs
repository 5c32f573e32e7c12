//! The first run of a job at a destination that already holds files, from another tool, another user or an earlier state directory. This
//! run reports what it finds and deletes nothing; the next run deletes.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::dir_id::{DirId, Same};
use super::guard;
use super::listing::{self, Listing};
use super::name_list::NameList;
use super::two_stages::is_below;
use crate::model::event::{Event, Found, Level, Takeover, Tally};
use crate::model::job::Adopt;
use crate::model::result::Reason;
use crate::model::sanitize;
use crate::rsync::args;
use crate::rsync::exit::{Class, Verdict};

impl AttemptRunner<'_> {
    /// Decides, after a listing, whether this run adopts the destination.
    pub(super) fn look_who_filled(&mut self, listing: &Listing) {
        let holds = listing.held(args::brings_links(self.job)) != Some(0) || !listing.gone.is_empty();
        self.adopting = match self.is_known() {
            _ if !holds => None,
            false if self.has_begun() => Some(Takeover::Unfinished),
            false => Some(Takeover::First),
            true if self.is_another(listing) => Some(Takeover::OtherDirectory),
            true => self.job.adopt_again.then_some(Takeover::Again),
        };
    }

    pub(super) fn is_known(&self) -> bool {
        // A newer version's state file cannot be read, but it exists, so the job is known.
        self.memory.knows(&self.job.dest, &self.plan.run) || !self.remembers
    }

    /// Whether this run adopts the destination if it holds anything, as far as this can be determined before the listing.
    pub(super) fn takes_over(&self) -> bool {
        !self.is_known() || self.job.adopt_again || self.is_same() == Same::No
    }

    fn is_same(&self) -> Same {
        self.present_dir().map_or(Same::Yes, |dir| self.memory.is_same(&self.job.dest, dir))
    }

    /// Whether an earlier run of the job began to fill this directory when it was empty. That run did not bring everything, since the
    /// destination would be known. What others have put there since cannot be told apart, so nothing is deleted either.
    fn has_begun(&self) -> bool {
        self.present_dir().is_some_and(|dir| self.memory.has_begun(&self.job.dest, dir))
    }

    fn present_dir(&self) -> Option<DirId> {
        let dir = match self.access {
            Some(access) => access.root().metadata(),
            None => self.job.dest.metadata(),
        };
        dir.ok().map(|dir| DirId::of(&dir))
    }

    /// Whether the directory is another one than in the last run. If its identity is inconclusive, it is another one if most of the stored
    /// names of the source are missing.
    fn is_another(&self, listing: &Listing) -> bool {
        match self.is_same() {
            Same::Yes => false,
            Same::No => true,
            Same::Unsure => {
                let known = listing::kept_counts(&self.plan.state_dir, &self.names_key());
                known.is_none_or(|known| listing.created.files > known.total() / 2)
            }
        }
    }

    /// Reports in one event what a run that adopts the destination has found.
    pub(super) async fn tell_adopted(&self, listing: &Listing) {
        let Some(why) = self.adopting else { return };
        // `same`: what the destination holds, less the files that would be deleted and those that differ.
        let differ = listing.gone.tally.files + listing.same_size + listing.different;
        let held = listing.held(args::brings_links(self.job));
        let found = Found {
            dest: self.job.dest.clone(),
            same: held.map(|held| held.saturating_sub(differ)),
            same_size: listing.same_size,
            different: listing.different,
            missing: listing.created.files,
            foreign: self.job.delete.then_some(Tally { bytes: None, ..listing.gone.tally }),
            older: listing.older.files,
            checksum: self.compares(),
            why,
        };
        self.job_events.say(Event::Adopted { job: self.job_events.job.clone(), found }).await;
    }

    /// Whether files of the same size are compared by checksum before anything is fetched.
    fn compares(&self) -> bool {
        self.job.adopt == Adopt::Checksum || self.job.checksum
    }

    /// Why the deletions are deferred; `None` if this run does not adopt the destination or nothing would be deleted.
    pub(super) fn first_run_waits(&self, listing: &Listing) -> Option<Reason> {
        let takeover = self.adopting.filter(|_| self.job.delete && !listing.gone.is_empty())?;
        let dest = sanitize::path(&self.job.dest);
        let why = match takeover {
            Takeover::First => format!("since this is the first run at {dest}, which held files already"),
            Takeover::Unfinished => format!("since no run has brought everything to {dest} yet"),
            Takeover::Again => format!("since this run takes {dest} over again"),
            Takeover::OtherDirectory => format!("since {dest} is another directory than in the last run"),
        };
        let text = format!("{}, {why}", guard::waiting(listing.gone.tally));
        let what = match self.job.only {
            None => "what the source does not have",
            Some(_) => "what is no longer in the list of entries, or not at the source",
        };
        let rule = format!("a run that takes a mirror over deletes nothing; the next run deletes {what}");
        Some(Reason::new(text).hint(match listing.gone.hash() {
            Some(_) => format!("{rule}; {} shows it", guard::shows(self.job, &self.plan.again)),
            None => rule,
        }))
    }

    /// With `adopt = "checksum"`: fetches files of the same size only if their checksums differ, and gives the others the source's time, so
    /// that the transfer does not fetch them. Returns how many files the transfer must bring to be complete. After such a comparison that
    /// number is unknown (`u64::MAX`), and only a second listing can prove completeness.
    pub(super) async fn compare_same_size(&mut self, listing: &mut Listing) -> Result<u64, AttemptEnd> {
        let Some(mut names) = self.same_size(listing) else { return Ok(listing.contents) };
        let Some(picked) = names.comparing_job(self.job) else {
            self.not_compared("their names cannot be written to a temporary file").await;
            return Ok(listing.contents);
        };
        let (_, verdict) = self.bring((&picked, &picked.sources[0]), &[]).await?;
        match verdict {
            // What is missing here is also missing after the transfer.
            Verdict::Ok | Verdict::Vanished(_) | Verdict::Partial(_) => {}
            // A server may refuse to compute checksums.
            Verdict::Failed(Class::NextSource, reason) => self.not_compared(&reason.text).await,
            Verdict::Failed(class, reason) => return Err(AttemptEnd::Failed(class, reason)),
        }
        Ok(u64::MAX)
    }

    /// Like [`Self::compare_same_size`], for a run that changes nothing. Returns how many files would be transferred; `None` if unknown.
    pub(super) async fn would_come(&mut self, listing: &mut Listing) -> Result<Option<u64>, AttemptEnd> {
        let Some(mut names) = self.same_size(listing) else { return Ok(Some(listing.contents)) };
        let others = self.other_contents(&mut names).await?;
        Ok(others.map(|others| listing.contents.saturating_sub(names.len()) + others))
    }

    /// The files to compare; `None` if there are none.
    fn same_size(&self, listing: &mut Listing) -> Option<NameList> {
        // A job that always compares by checksum does so in its transfer.
        if self.adopting.is_none() || self.job.adopt != Adopt::Checksum || self.job.checksum {
            return None;
        }
        let mut names = NameList::new(self.source);
        // Comparing transfers what differs, which comes later for these paths.
        let held = if self.plan.mode.is_dry() { Vec::new() } else { self.held_back() };
        for name in listing.same_size_names().ok()? {
            let name = name.ok()?;
            if !is_below(&name, &held) {
                names.push(&name);
            }
        }
        (names.len() > 0).then_some(names)
    }

    async fn not_compared(&self, why: &str) {
        let text =
            format!("files of the same size cannot be compared by checksum, and are fetched again: {why}");
        self.job_events.notice(Level::Warning, text).await;
    }
}
