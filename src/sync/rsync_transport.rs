//! The transport that runs rsync, a process for each request.

use super::Plan;
use super::job_events::JobEvents;
use super::negotiated_checksums::{self, NegotiatedChecksums};
use super::negotiation::Negotiation;
use super::rsync_process::{self, RsyncCommand};
use super::rsync_program::Program;
use super::transport::{OnChange, Ran, Request, Transport};
use super::watchdog::Watchdog;
use crate::model::event::Level;
use crate::model::job::Job;
use crate::model::result::Reason;
use crate::rsync::args::{self, Purpose};
use futures::future::BoxFuture;
use std::time::Duration;

/// Runs rsync.
#[derive(Debug)]
pub(super) struct RsyncTransport {
    program: Program,
    checksums: NegotiatedChecksums,
    /// Time between SIGTERM and SIGKILL.
    grace: Duration,
}

impl RsyncTransport {
    /// The rsync of a run.
    pub(super) fn new(plan: &Plan) -> Self {
        let program = Program::new(&plan.rsync, plan.grace);
        RsyncTransport { program, checksums: NegotiatedChecksums::default(), grace: plan.grace }
    }

    fn argv(&self, request: &Request<'_>, checksum: Option<&str>) -> Vec<String> {
        let Request { job, source, purpose, .. } = *request;
        let mut argv = args::argv(self.program.path(), job, source, purpose);
        args::leave_out(&mut argv, request.left_out);
        args::filter_first(&mut argv, request.filters);
        if request.folds {
            args::protect_every_case(&mut argv);
        }
        if let Some(closed) = request.at_root {
            args::protect_file_system(&mut argv, closed);
        }
        if let Some(layer) = request.keep {
            args::keep_replaced(&mut argv, request.run, layer);
        }
        if self.program.tells_checksum() {
            args::tell_checksum(&mut argv);
        }
        if let Some(name) = checksum {
            args::choose_checksum(&mut argv, name);
        }
        argv
    }

    /// The checksum that a request is given.
    fn chosen(&self, request: &Request<'_>) -> Option<String> {
        self.checksums.of(request.source).filter(|_| args::leaves_checksum(request.job))
    }

    /// Runs one process.
    async fn once(
        &self,
        request: Request<'_>,
        checksum: Option<&str>,
        job_events: &JobEvents,
        changes: &mut OnChange<'_>,
    ) -> (Ran, Negotiation) {
        let argv = self.argv(&request, checksum);
        let Request { job, source, purpose, .. } = request;
        let remote = source.is_remote();
        let min_rate = least_rate(job).filter(|_| remote && purpose == Purpose::Transfer);
        let answer = job.stall.filter(|_| remote).map(|stall| job.connect_timeout.saturating_add(stall));
        let watchdog = Watchdog::new(request.time_left, job.stall)
            .answer(answer)
            .min_rate(min_rate)
            .min_free(job.dest.clone(), request.min_free);
        let (tentative, grace) = (checksum.is_some() || request.several, self.grace);
        let command = RsyncCommand { argv: &argv, request, tentative, min_rate, watchdog, grace };
        rsync_process::run(command, job_events, changes).await
    }
}

impl Transport for RsyncTransport {
    fn refusal<'a>(&'a self, job_events: &'a JobEvents) -> BoxFuture<'a, Option<Reason>> {
        Box::pin(self.program.refusal(job_events))
    }

    fn command(&self, request: &Request<'_>) -> Vec<String> {
        self.argv(request, self.chosen(request).as_deref())
    }

    fn run<'a>(
        &'a self,
        request: Request<'a>,
        job_events: &'a JobEvents,
        changes: &'a mut OnChange<'_>,
    ) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            let source = request.source;
            let chosen = self.chosen(&request);
            let (mut ran, mut negotiation) = self.once(request, chosen.as_deref(), job_events, changes).await;
            if let Some((name, reason)) = chosen.zip(negotiated_checksums::may_be_refused(&ran, &negotiation))
            {
                if self.checksums.give_up(source) {
                    let (host, why) = (source.host_label(), &reason.text);
                    let text = format!(
                        "{host} ended a connection with --checksum-choice={name} ({why}); trying without it"
                    );
                    job_events.notice(Level::Info, text).await;
                }
                (ran, negotiation) = self.once(request, None, job_events, changes).await;
            }
            let errors = std::mem::take(&mut negotiation.errors);
            if request.several && ran.has_no_room() {
                ran.unshown = errors;
            } else {
                job_events.errors(errors).await;
            }
            self.checksums.learn(source, negotiation.checksum);
            ran
        })
    }
}

/// The minimum rate of a transfer, in bytes a second; `None` if there is none. If the bandwidth is limited, at most half of that limit,
/// since rsync spreads it unevenly and a low rate is intended.
fn least_rate(job: &Job) -> Option<u64> {
    let least = job.min_rate?;
    Some(job.bwlimit.map_or(least, |most| least.min(most / 2)))
}
