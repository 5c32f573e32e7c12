//! What jobs with `source_order = "fastest"`, or with several connections, learn of their sources.

use super::Mode;
use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use crate::model::event::{Level, Phase};
use crate::model::job::Source;
use crate::model::job::SourceOrder;
use crate::rsync::exit::{Class, Verdict};
use crate::rsync::probe::{self, Service};
use std::path::Path;
use std::time::Duration;

/// What is smaller or shorter tells more of the number of files and of the connection than of the rate.
const LEAST_BYTES: u64 = 1_000_000;
const LEAST_TIME: Duration = Duration::from_secs(1);

/// The rate of a source over one connection, in bytes per second, by earlier transfers; `None` if unknown.
pub(super) fn rate(state_dir: &Path, source: &Source) -> Option<f64> {
    probe::rate(state_dir, source)
}

impl AttemptRunner<'_> {
    /// Stores the rate of a transfer that succeeded. `before`: the bytes received, and the number of phases, before it.
    pub(super) async fn measured(&self, verdict: &Verdict, (bytes, phases): (Option<u64>, usize)) {
        let Some(received) = self.figures.bytes_received else { return };
        let received = received.saturating_sub(bytes.unwrap_or(0));
        let transfers = self.phases[phases..].iter().filter(|(phase, _)| *phase == Phase::Transfer);
        let took: Duration = transfers.map(|(_, duration)| *duration).sum();
        let succeeded = matches!(verdict, Verdict::Ok | Verdict::Vanished(_));
        if succeeded && received >= LEAST_BYTES && took >= LEAST_TIME {
            let rate = received as f64 / took.as_secs_f64();
            self.learn(Service::Transferred { rate, connections: self.connections }).await;
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
        let wanted = self.job.source_order == SourceOrder::Fastest || self.job.connections.most() > 1;
        if !wanted || self.plan.named_files || self.plan.mode != Mode::Real {
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
