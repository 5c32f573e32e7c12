//! Before anything is removed or replaced: where it is kept.

use super::attempt::{Ending, Try};
use super::blocking::off_thread;
use super::keep::{Keep, NoKeep};
use crate::result::Reason;
use crate::rsync::exit::Class;
use std::io;
use std::sync::Arc;

impl Try<'_> {
    /// What becomes of what is removed or replaced. A job that keeps it goes on without if need be: then nothing is deleted, and
    /// [`Try::cannot_keep`] says why.
    pub(super) async fn prepare_keep(&mut self) -> Result<(), Ending> {
        let Some(lock) = self.lock.filter(|_| self.keep.is_none() && self.job.keep_deleted.is_some()) else {
            return Ok(());
        };
        if let Some(reason) = lock.unsure() {
            // Whoever escapes names in a quarantine has to be the only one.
            self.cannot_keep = Some(reason.clone());
            return Ok(());
        }
        let cannot = |source| NoKeep::Quarantine { dest: self.job.dest.clone(), source };
        let (job, state, run) = (self.job.clone(), self.plan.state_dir.clone(), self.plan.run.clone());
        let root = lock.directory().try_clone().map_err(cannot);
        let prepare = move || {
            let root = match root {
                Ok(root) => root,
                Err(error) => return (None, Some(error)),
            };
            let again = root.try_clone();
            match (Keep::new(root, &job, &state, &run), again) {
                (Ok(keep), _) => (Some(keep), None),
                (Err(error @ NoKeep::Journal { .. }), Ok(root)) => {
                    (Keep::without_journal(root, &job, &state, &run).ok(), Some(error))
                }
                (Err(error), _) => (None, Some(error)),
            }
        };
        let (keep, error) = off_thread(&self.voice.stop, prepare).await.ok_or(Ending::Stopped)?;
        self.keep = keep.map(Arc::new);
        self.cannot_keep = error.map(Reason::from);
        Ok(())
    }

    pub(super) async fn keep(&mut self) -> Result<Arc<Keep>, Ending> {
        self.prepare_keep().await?;
        if let Some(keep) = &self.keep {
            return Ok(keep.clone());
        }
        let refused = |error: NoKeep| Ending::Failed(Class::Fatal, error.into());
        let cannot = |source: io::Error| refused(NoKeep::Quarantine { dest: self.job.dest.clone(), source });
        let Some(lock) = self.lock else {
            return Err(cannot(io::Error::other("the destination is not locked")));
        };
        let root = lock.directory().try_clone().map_err(cannot)?;
        let (job, state, run) = (self.job.clone(), self.plan.state_dir.clone(), self.plan.run.clone());
        let new = off_thread(&self.voice.stop, move || Keep::new(root, &job, &state, &run)).await;
        let keep = Arc::new(new.ok_or(Ending::Stopped)?.map_err(refused)?);
        self.keep = Some(keep.clone());
        Ok(keep)
    }
}
