//! Before anything is removed or replaced: where it is kept.

use super::attempt::{Ending, Try};
use super::blocking::off_thread;
use super::keep::{Keep, NoKeep};
use crate::model::result::Reason;
use crate::rsync::exit::Class;
use std::io;
use std::sync::Arc;

impl Try<'_> {
    /// What becomes of what is removed or replaced. A job that keeps it goes on without if need be: then nothing is deleted, and
    /// [`Try::cannot_keep`] says why.
    pub(super) async fn prepare_keep(&mut self) -> Result<(), Ending> {
        let wanted = self.keep.is_none() && self.job.keep_deleted.is_some();
        let Some(access) = self.access.cloned().filter(|_| wanted) else { return Ok(()) };
        if let Some(reason) = self.unsure {
            // Whoever escapes names in a quarantine has to be the only one.
            self.cannot_keep = Some(reason.clone());
            return Ok(());
        }
        let (job, state, run) = (self.job.clone(), self.plan.state_dir.clone(), self.plan.run.clone());
        let prepare = move || match Keep::new(&access, &job, &state, &run) {
            Ok(keep) => (Some(keep), None),
            Err(error @ NoKeep::Journal { .. }) => {
                (Keep::without_journal(&access, &job, &state, &run).ok(), Some(error))
            }
            Err(error) => (None, Some(error)),
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
        let Some(access) = self.access.cloned() else {
            return Err(cannot(io::Error::other("the destination is not locked")));
        };
        let (job, state, run) = (self.job.clone(), self.plan.state_dir.clone(), self.plan.run.clone());
        let new = off_thread(&self.voice.stop, move || Keep::new(&access, &job, &state, &run)).await;
        let keep = Arc::new(new.ok_or(Ending::Stopped)?.map_err(refused)?);
        self.keep = Some(keep.clone());
        Ok(keep)
    }
}
