//! What happens before a job may write: its destination is locked, and the quarantine in it is put in order.

use super::JobRunner;
use crate::clean::removal::WriteAccess;
use crate::model::event::Level;
use crate::model::result::{Outcome, Reason, Skip};
use crate::model::sanitize;
use crate::platform::in_the_way;
use crate::sync::blocking::off_thread;
use crate::sync::job_context::JobContext;
use crate::sync::lock::{self, Lock, Tried};
use crate::sync::prepare_dest;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a busy lock is tried again.
const LOCK_POLL: Duration = Duration::from_millis(100);

impl JobRunner<'_> {
    /// Creates the destination and locks it. Waits as long as requested, without a slot.
    pub(super) async fn lock(&mut self) -> Result<Lock, Outcome> {
        let JobContext { plan, job, job_events, lock_owners, .. } = self.context;
        let deadline = Instant::now() + plan.wait_lock;
        loop {
            let (dest, lock_owners) = (job.dest.clone(), lock_owners.clone());
            let tried = move || lock::try_lock(&dest, &lock_owners);
            let tried = off_thread(&job_events.stop, tried).await.ok_or_else(|| self.stopped())?;
            let holder = match tried {
                Ok(Tried::Held(lock)) => {
                    if let Some(text) = lock.news() {
                        job_events.notice(Level::Info, text).await;
                    }
                    if self.slot.is_none() {
                        self.take_slot(job.sources.first().and_then(|s| s.host())).await?;
                    }
                    return Ok(lock);
                }
                Ok(Tried::Busy(holder)) => holder,
                Err(error) => {
                    let text = format!(
                        "cannot make and lock the destination {}: {error}",
                        sanitize::path(&job.dest)
                    );
                    let dest = job.dest.clone();
                    let denied = error.kind() == io::ErrorKind::PermissionDenied;
                    let why = move || (lock::who_may(&dest).filter(|_| denied), in_the_way(&dest));
                    // The obstacle appeared after the configuration was read.
                    let reason =
                        match off_thread(&job_events.stop, why).await.ok_or_else(|| self.stopped())? {
                            (Some(who), _) => Reason::new(text).hint(who),
                            (None, Some(found)) => {
                                Reason::new(format!("cannot make the destination: {}", found.text))
                                    .hint(found.hint)
                            }
                            (None, None) => {
                                Reason::new(text).hint("does it lie on a disk that is mounted and writable?")
                            }
                        };
                    return Err(Outcome::Failed(reason));
                }
            };
            if Instant::now() >= deadline {
                let dest = sanitize::path(&job.dest);
                return Err(Outcome::Skipped(Skip::Locked(format!("{dest} is locked by {holder}"))));
            }
            if self.slot.take().is_some() {
                let text = format!("waiting for the lock of {}, held by {holder}", sanitize::path(&job.dest));
                job_events.notice(Level::Info, text).await;
            }
            tokio::select! {
                () = tokio::time::sleep(LOCK_POLL) => {}
                () = job_events.stop.gentle() => return Err(self.stopped()),
            }
        }
    }

    /// Finishes what earlier runs left undone, before the transfer.
    pub(super) async fn begin(&self, lock: &Lock) -> Result<Arc<WriteAccess>, Outcome> {
        let JobContext { plan, job, job_events, .. } = self.context;
        let access = prepare_dest::begin(lock, plan, job, job_events).await.ok_or_else(|| self.stopped())?;
        access.map_err(Outcome::Failed)
    }
}
