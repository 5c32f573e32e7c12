//! What an attempt reads from earlier runs of its job, and stores for later ones.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::dir_id::DirId;
use super::fold_probe;
use super::guard;
use super::job_state::{JobState, Unknown};
use super::listing::{self, Listing, NamesBefore};
use super::remove::Removed;
use crate::model::event::Level;
use crate::model::sanitize;
use crate::model::system_names::is_of_a_file_system;
use crate::platform;
use rustix::fs::Access;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

impl AttemptRunner<'_> {
    /// Loads the state of the job, and checks whether its destination is the root of a file system.
    pub(super) async fn recall(&mut self) -> Result<(), AttemptEnd> {
        let (state_dir, job, dest) = (self.plan.state_dir.clone(), self.state_name(), self.job.dest.clone());
        self.remembers &= !self.is_single_run();
        let load = move || (JobState::load(&state_dir, &job), closed_at_root(&dest));
        let (memory, at_root) = off_thread(&self.job_events.stop, load).await.ok_or(AttemptEnd::Stopped)?;
        self.at_root = at_root;
        match memory {
            Ok(memory) => self.memory = memory,
            Err(Unknown::New) => {}
            Err(Unknown::Newer) => self.remembers = false,
            Err(Unknown::Damaged(aside)) => {
                let text = format!(
                    "the record of earlier runs is damaged and was set aside: {}",
                    sanitize::path(&aside)
                );
                self.job_events.notice(Level::Warning, text).await;
            }
        }
        self.note_empty_dest().await
    }

    /// Stores at once that this run begins with an empty destination, for a second attempt of the run, and for the next run if this one is
    /// killed.
    async fn note_empty_dest(&mut self) -> Result<(), AttemptEnd> {
        if self.may_remember() && !self.is_known() && self.dest_is_empty().await? {
            let id = self.dir_id();
            self.memory.begin(&self.job.dest, id, &self.plan.run);
            self.save_memory().await;
        }
        Ok(())
    }

    fn may_remember(&self) -> bool {
        !self.plan.named_files && !self.plan.mode.is_dry() && self.access.is_some() && self.remembers
    }

    /// The identity of the destination's directory.
    fn dir_id(&self) -> Option<DirId> {
        self.access.and_then(|access| access.root().metadata().ok()).map(|dir| DirId::of(&dir))
    }

    /// Fails if files at the source are older than here: the source lags, or was restored from a backup.
    pub(super) fn judge_age(&self, listing: &Listing) -> Result<(), AttemptEnd> {
        let usual = self.memory.is_usual(&self.source.text, &self.job.sources[0].text);
        if self.adopting.is_some() && usual {
            // A copy made without times makes all files look newer. The report of the adoption counts them instead.
            return Ok(());
        }
        match guard::age(self.job, &self.plan.again, self.source, usual, listing) {
            Some(reason) => Err(AttemptEnd::Older(reason)),
            None => Ok(()),
        }
    }

    /// Stores for the next run what this one has learnt.
    pub(super) async fn remember(&mut self) {
        if !self.may_remember() {
            return;
        }
        if self.evidence.has_everything() {
            let first = &self.job.sources[0].text;
            let complete = self.evidence.is_complete();
            self.memory.served_by(&self.source.text, first, &self.plan.run, complete);
            if complete {
                self.memory.settle(&self.job.dest);
            }
        }
        if self.dealt_with || self.evidence.has_everything() {
            let id = self.dir_id();
            self.memory.learn(&self.job.dest, id);
        }
        self.save_memory().await;
    }

    async fn save_memory(&self) {
        let (state_dir, job, mut memory) =
            (self.plan.state_dir.clone(), self.state_name(), self.memory.clone());
        let save = move || {
            if JobState::load(&state_dir, &job).as_ref() == Ok(&memory) {
                Ok(())
            } else {
                memory.save(&state_dir, &job)
            }
        };
        if let Some(Err(error)) = off_thread(&self.job_events.stop, save).await {
            let text =
                format!("cannot write the record of the job's runs: {error}; the next run builds it again");
            let level = if self.adopting.is_some() { Level::Warning } else { Level::Debug };
            self.job_events.notice(level, text).await;
        }
    }

    /// Whether the destination folds names that differ in case or Unicode normal form. Probed once for each destination.
    pub(super) async fn folds(&mut self) -> Result<bool, AttemptEnd> {
        let Some(access) = self.access.cloned() else { return Ok(false) };
        let known = self.memory.folds;
        let ask = move || {
            let meta = access.root().metadata().ok()?;
            let (dev, ino) = (meta.dev(), meta.ino());
            match known {
                Some((d, i, folds)) if (d, i) == (dev, ino) => Some((dev, ino, folds)),
                // If the probe file cannot be created, the answer is unknown. Names to delete are checked one by one in any case.
                _ => Some((dev, ino, fold_probe::probe_with(&access).ok()?.any())),
            }
        };
        let answer = off_thread(&self.job_events.stop, ask).await.ok_or(AttemptEnd::Stopped)?;
        self.memory.folds = answer.or(self.memory.folds);
        Ok(answer.is_some_and(|(_, _, folds)| folds))
    }

    /// Takes the stored names. From here on they are not those of a complete run, until the next complete run stores new ones.
    pub(super) async fn take_names(&mut self, listing: &Listing) -> NamesBefore {
        if self.job.only.is_some() || listing.created.files + listing.created.dirs == 0 {
            return NamesBefore::default();
        }
        let (state_dir, job) = (self.plan.state_dir.clone(), self.job.name.clone());
        off_thread(&self.job_events.stop, move || NamesBefore::take(&state_dir, &job))
            .await
            .unwrap_or_default()
    }

    /// Drops the stored names.
    pub(super) async fn forget_names(&mut self) {
        let (state_dir, job) = (self.plan.state_dir.clone(), self.job.name.clone());
        off_thread(&self.job_events.stop, move || drop(NamesBefore::take(&state_dir, &job))).await;
    }

    /// Stores the names of the source after a complete run.
    pub(super) async fn remember_names(&mut self, mut listing: Listing) {
        if !self.evidence.is_complete() {
            return;
        }
        if self.job.only.is_some() {
            return self.settle_names(listing).await;
        }
        let (dest, state_dir, job) =
            (self.job.dest.clone(), self.plan.state_dir.clone(), self.job.name.clone());
        let before = std::mem::take(&mut self.names_before);
        let keep = move || listing.keep_names(before, &dest, &state_dir, &job);
        if let Some(Err(error)) = off_thread(&self.job_events.stop, keep).await {
            self.job_events
                .notice(Level::Debug, format!("the names of the source cannot be stored: {error}"))
                .await;
        }
    }

    /// Stores the names that arrived, after a first transfer that was complete.
    pub(super) async fn remember_first_names(&mut self) {
        let Some(count) = self.counted.filter(|_| self.evidence.is_complete()) else { return };
        let (dest, state_dir, job) =
            (self.job.dest.clone(), self.plan.state_dir.clone(), self.job.name.clone());
        let keep = move || listing::keep_first_names(&dest, count, &state_dir, &job);
        if let Some(Err(error)) = off_thread(&self.job_events.stop, keep).await {
            self.job_events
                .notice(Level::Debug, format!("the names of the source cannot be stored: {error}"))
                .await;
        }
    }

    /// Makes rsync fetch again what was held under the spelling of another file until now. Returns whether there is any.
    pub(super) async fn renew(&mut self, listing: &mut Listing) -> Result<bool, AttemptEnd> {
        let Some(access) = self.access.cloned().filter(|_| !listing.stale.is_empty()) else {
            return Ok(false);
        };
        let stale = listing.stale.clone();
        let renewed =
            off_thread(&self.job_events.stop, move || listing::make_old(access.root(), &stale)).await;
        if let Err(error) = renewed.ok_or(AttemptEnd::Stopped)? {
            let text = format!("cannot set the time of entries that must be fetched again: {error}");
            self.job_events.notice(Level::Warning, text).await;
        }
        listing.contents += listing.stale.len() as u64;
        Ok(true)
    }

    /// Renames entries that the destination holds under another spelling to the source's spelling.
    pub(super) async fn respell(&mut self, listing: &Listing) -> Result<Removed, AttemptEnd> {
        let Some(access) = self.access.cloned().filter(|_| !listing.respelled.is_empty()) else {
            return Ok(Removed::default());
        };
        let (respelled, run) = (listing.respelled.clone(), self.plan.run.clone());
        let stop = self.job_events.stop.clone();
        let rename = move || listing::rename(&access, &run, &respelled, || stop.is_stopping());
        let (done, why) = off_thread(&self.job_events.stop, rename).await.ok_or(AttemptEnd::Stopped)?;
        if done > 0 {
            let text = format!("{done} names were changed to the source's spelling");
            self.job_events.notice(Level::Info, text).await;
        }
        Ok(Removed { left: why.len() as u64, why, ..Removed::default() })
    }
}

/// If a destination is the root of a file system: the names that the file system keeps there and that this user may not write to.
pub(super) fn closed_at_root(dest: &Path) -> Option<Vec<String>> {
    if !platform::is_root_of_a_file_system(dest) {
        return None;
    }
    let names = std::fs::read_dir(dest).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let all = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    let is_closed = |name: &String| {
        let path = dest.join(name);
        let needed = if path.is_dir() { all } else { Access::WRITE_OK };
        is_of_a_file_system(name.as_bytes()) && rustix::fs::access(path, needed).is_err()
    };
    Some(names.filter(is_closed).collect())
}
