//! Prepares the place for removed and replaced entries before the first of them, and puts it in order at the end.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::keep_deleted::{KeepDeleted, KeepDeletedError};
use crate::clean::removal::{self, Order, Purge, WriteAccess};
use crate::model::event::Level;
use crate::model::result::Reason;
use crate::model::sanitize;
use crate::retention;
use crate::rsync::exit::Class;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

impl AttemptRunner<'_> {
    /// Prepares `keep`. A job that keeps what it removes continues without it if necessary: then nothing is deleted, and
    /// [`AttemptRunner::cannot_keep`] gives the reason.
    pub(super) async fn prepare_keep(&mut self) -> Result<(), AttemptEnd> {
        let wanted = self.keep.is_none() && self.job.keep_deleted.is_some();
        let Some(access) = self.access.cloned().filter(|_| wanted) else { return Ok(()) };
        if let Some(reason) = self.unsure {
            // Names in a quarantine may be escaped by one run at a time only.
            self.cannot_keep = Some(reason.clone());
            return Ok(());
        }
        let (job, state, run) = (self.job.clone(), self.plan.state_dir.clone(), self.plan.run.clone());
        let (plan, command) = (self.plan_hash.clone(), self.plan.command());
        let prepare = move || match KeepDeleted::new(&access, &job, &state, (command, &run), plan) {
            Ok(keep) => (Some(keep), None),
            Err(error @ KeepDeletedError::Journal { .. }) => {
                (KeepDeleted::without_journal(&access, &job, &state, (command, &run)).ok(), Some(error))
            }
            Err(error) => (None, Some(error)),
        };
        let (keep, error) = off_thread(&self.job_events.stop, prepare).await.ok_or(AttemptEnd::Stopped)?;
        self.keep = keep.map(Arc::new);
        self.cannot_keep = error.map(Reason::from);
        Ok(())
    }

    pub(super) async fn keep(&mut self) -> Result<Arc<KeepDeleted>, AttemptEnd> {
        self.prepare_keep().await?;
        if let Some(keep) = &self.keep {
            return Ok(keep.clone());
        }
        let refused = |error: KeepDeletedError| AttemptEnd::Failed(Class::Fatal, error.into());
        let cannot =
            |source: io::Error| refused(KeepDeletedError::Quarantine { dest: self.job.dest.clone(), source });
        let Some(access) = self.access.cloned() else {
            return Err(cannot(io::Error::other("the destination is not locked")));
        };
        let (job, state, run) = (self.job.clone(), self.plan.state_dir.clone(), self.plan.run.clone());
        let (plan, command) = (self.plan_hash.clone(), self.plan.command());
        let new = move || KeepDeleted::new(&access, &job, &state, (command, &run), plan);
        let new = off_thread(&self.job_events.stop, new).await;
        let keep = Arc::new(new.ok_or(AttemptEnd::Stopped)?.map_err(|error| match error {
            // Everything else is done.
            KeepDeletedError::Journal { .. } => {
                AttemptEnd::Partial(Reason::from(error).and("nothing was deleted"))
            }
            error => refused(error),
        })?);
        self.keep = Some(keep.clone());
        Ok(keep)
    }
}

impl AttemptRunner<'_> {
    /// Ends the attempt: puts what it kept in order, and purges expired quarantines, but only if the attempt ended `well` or something new
    /// was kept.
    pub(super) async fn close(&mut self, well: bool) {
        let kept = self.keep.take();
        let Some(access) = self.access.cloned().filter(|_| !self.plan.mode.is_dry()) else { return };
        // Purges also if there was nothing to do, but only if no other run can be at work.
        let purges = self.job.keep_deleted.is_some() && self.unsure.is_none() && (kept.is_some() || well);
        if kept.is_some() || purges {
            let (dest, state, tree) = (self.job.dest.clone(), self.plan.state_dir.clone(), access.clone());
            // A dead mount must not block the run.
            let told = off_thread(&self.job_events.stop, move || {
                let left = kept.map(|kept| kept.close());
                (left, if purges { purge(&tree, &dest, &state) } else { Vec::new() })
            });
            let (closed, told) = told.await.unwrap_or_default();
            let (left, undoable) = closed.unzip();
            self.job_events.unescaped(left.as_ref(), &self.job.dest).await;
            self.undoable = undoable == Some(true);
            for text in told {
                self.job_events.notice(Level::Warning, text).await;
            }
        }
        self.job_events.modes(&access, &self.job.dest).await;
    }
}

/// Marks expired quarantines of earlier runs in a destination, and purges them. Returns messages for the user.
fn purge(tree: &Arc<WriteAccess>, dest: &Path, state: &Path) -> Vec<String> {
    let begun = |run: &str| removal::note_purge(state, &fs::canonicalize(dest)?, run);
    let (now, order, dry) = (retention::now(), Order::Marked, false);
    if removal::cannot_purge(tree.root(), dest).is_some() {
        // Users who may write there purge. A run that wants to keep something there has been warned already.
        return Vec::new();
    }
    match removal::purge(&Purge {
        tree,
        order,
        now: &now,
        dry,
        begun: &begun,
        stop: &|| false,
        meter: &removal::ApplyProgress::default(),
    }) {
        Ok(purged) => purged.warnings.iter().map(|why| format!("{}: {why}", sanitize::path(&dest))).collect(),
        Err(error) => vec![format!("cannot purge the quarantine of {}: {error}", sanitize::path(&dest))],
    }
}
