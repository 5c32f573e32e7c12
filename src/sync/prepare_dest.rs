//! The first steps at a locked destination.

use super::Plan;
use super::blocking::off_thread;
use super::job_events::JobEvents;
use super::lock::Lock;
use super::marker_record;
use crate::clean::removal::{self, WriteAccess};
use crate::model::job::Job;
use crate::model::result::Reason;
use crate::model::sanitize;
use std::io;
use std::sync::Arc;

/// Finishes what earlier runs left undone: modes of directories, and names in the quarantine. Returns `None` if the run is to end now.
pub(super) async fn begin(
    lock: &Lock,
    plan: &Plan,
    job: &Job,
    job_events: &JobEvents,
) -> Option<Result<Arc<WriteAccess>, Reason>> {
    let (root, dest) = (lock.directory().try_clone(), job.dest.clone());
    let (state, stop) = (plan.state_dir.clone(), job_events.stop.clone());
    let (sure, repair) = (lock.unsure().is_none(), plan.named_files);
    let work = move || {
        if repair {
            marker_record::void(&state, &dest)?;
        }
        let access = WriteAccess::new(root?, &dest, &state)?;
        // Also if the lock is unsure: no other run uses this state directory for this tree.
        access.put_back();
        // Names in a quarantine may be escaped by one run at a time only.
        let left = sure.then(|| removal::escape_quarantines(&access, &state, &|| stop.is_stopping()));
        Ok::<_, io::Error>((access, left))
    };
    Some(match off_thread(&job_events.stop, work).await? {
        Ok((access, left)) => {
            job_events.unescaped(left.as_ref(), &job.dest).await;
            job_events.modes(&access, &job.dest).await;
            Ok(access)
        }
        Err(error) => {
            Err(Reason::new(format!("cannot look at the destination {}: {error}", sanitize::path(&job.dest))))
        }
    })
}
