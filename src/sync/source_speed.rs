//! What jobs with `source_order = "fastest"` learn of their sources.

use super::Mode;
use super::attempt::{AttemptEnd, AttemptRunner};
use super::blocking::off_thread;
use crate::model::event::{Level, Phase};
use crate::model::job::SourceOrder;
use crate::rsync::exit::{Class, Verdict};
use crate::rsync::probe::{self, Service};
use std::time::Duration;

/// What is smaller or shorter tells more of the number of files and of the connection than of the rate.
const LEAST_BYTES: u64 = 1_000_000;
const LEAST_TIME: Duration = Duration::from_secs(1);

impl AttemptRunner<'_> {
    /// Stores the rate of a transfer that succeeded. `before`: the bytes received, and the number of phases, before it.
    pub(super) async fn measured(&self, verdict: &Verdict, (bytes, phases): (Option<u64>, usize)) {
        let Some(received) = self.figures.bytes_received else { return };
        let received = received.saturating_sub(bytes.unwrap_or(0));
        let transfers = self.phases[phases..].iter().filter(|(phase, _)| *phase == Phase::Transfer);
        let took: Duration = transfers.map(|(_, duration)| *duration).sum();
        let succeeded = matches!(verdict, Verdict::Ok | Verdict::Vanished(_));
        if succeeded && received >= LEAST_BYTES && took >= LEAST_TIME {
            self.learn(Service::Transferred(received as f64 / took.as_secs_f64())).await;
        }
    }

    /// Stores whether the source has failed.
    pub(super) async fn judge_source(&self, ending: &AttemptEnd) {
        match ending {
            AttemptEnd::Failed(Class::Retry | Class::Busy | Class::Slow | Class::NextSource, _) => {
                self.learn(Service::Failed).await;
            }
            AttemptEnd::Done(_) | AttemptEnd::Partial(_) => self.learn(Service::Served).await,
            // Of other ends, the source is not the cause, or its speed is not what matters.
            _ => {}
        }
    }

    async fn learn(&self, service: Service) {
        let wanted = self.job.source_order == SourceOrder::Fastest && !self.plan.named_files;
        if !wanted || self.plan.mode != Mode::Real {
            return;
        }
        let (state_dir, source) = (self.plan.state_dir.clone(), self.source.clone());
        let note = move || probe::note(&state_dir, &source, service);
        if let Some(Err(error)) = off_thread(&self.job_events.stop, note).await {
            let text = format!("cannot store how fast the source is: {error}");
            self.job_events.notice(Level::Debug, text).await;
        }
    }
}
