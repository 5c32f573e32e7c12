//! How far a run is, on standard error, whenever the user asks: by SIGUSR1, or by Enter at the terminal.

use super::listener::ScreenListener;
use super::{Screen, units};
use crate::model::event::{Event, Progress, Stamped};
use crate::model::running::RunningJob;
use crate::model::time;
use jiff::Timestamp;
use std::collections::HashMap;
use std::io;
use std::time::Duration;

/// Maximum number of waiting jobs that are named.
const NAMED: usize = 5;

/// Follows the jobs, and prints their states on request.
#[derive(Default)]
pub(super) struct StatusBlock {
    started: Option<Timestamp>,
    jobs: Vec<RunningJob>,
    places: HashMap<String, usize>,
}

impl StatusBlock {
    fn job(&mut self, name: &str) -> Option<&mut RunningJob> {
        self.jobs.get_mut(*self.places.get(name)?)
    }

    fn text(&self, now: Timestamp) -> String {
        let is_waiting = |job: &&RunningJob| !job.ended && job.started.is_none();
        let running: Vec<_> = self.jobs.iter().filter(|job| !job.ended && job.started.is_some()).collect();
        let waiting: Vec<_> = self.jobs.iter().filter(is_waiting).map(|job| job.job.as_str()).collect();
        let since = self.started.map_or(Duration::ZERO, |started| {
            Duration::try_from(now.duration_since(started)).unwrap_or_default()
        });
        let ended = self.jobs.len() - running.len() - waiting.len();
        let mut text = format!(
            "status after {}: {} running, {} waiting, {ended} of {} ended\n",
            time::span(Duration::from_secs(since.as_secs())),
            running.len(),
            waiting.len(),
            units::count(self.jobs.len() as u64, "job", "jobs"),
        );
        for job in running {
            text += &format!("  [{}] {}\n", job.job, told(job, now));
        }
        if !waiting.is_empty() {
            let more = waiting.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            text += &format!("  waiting: {}{more}\n", waiting[..waiting.len().min(NAMED)].join(", "));
        }
        text
    }
}

/// Returns phase, attempt and progress of a running job, as far as known.
fn told(job: &RunningJob, now: Timestamp) -> String {
    let Progress { bytes, percent, files, rate, eta } = job.progress;
    let mut words = vec![job.state.clone()];
    if job.attempt > 1 {
        words.push(format!("try {}", job.attempt));
    }
    words.extend(percent.map(|percent| format!("{percent:.0}%")));
    words.extend(bytes.map(units::bytes));
    words.extend(files.map(|files| units::count(files, "file", "files")));
    words.extend(rate.and_then(units::rate));
    words.extend(eta.map(|eta| format!("{} left", units::whole(eta))));
    if let Some(started) = job.started {
        let spent = Duration::try_from(now.duration_since(started)).unwrap_or_default();
        words.push(format!("since {}", units::whole(spent)));
    }
    words.join(", ")
}

impl ScreenListener for StatusBlock {
    fn name(&self) -> &str {
        "the status of the run"
    }

    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()> {
        let name: &str = match &event.event {
            Event::RunStarted { jobs, .. } => {
                self.started = Some(event.time);
                self.jobs = jobs.iter().map(|job| RunningJob::waiting(job)).collect();
                self.places = jobs.iter().cloned().zip(0..).collect();
                return Ok(());
            }
            Event::StatusRequested => {
                screen.err(&self.text(event.time).into());
                return Ok(());
            }
            Event::JobStarted { job, .. }
            | Event::Phase { job, .. }
            | Event::Progress { job, .. }
            | Event::Retry { job, .. } => job,
            Event::JobFinished(result) => &result.job,
            _ => return Ok(()),
        };
        if let Some(job) = self.job(name) {
            job.advance(event);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Phase;
    use crate::model::result::Outcome;
    use crate::output::testing::{finished, job_started, result, started, told};

    fn story() -> Vec<Event> {
        let progress = Progress {
            bytes: Some(12_300_000),
            percent: Some(42.0),
            files: Some(7),
            rate: Some(1_500_000.0),
            eta: Some(Duration::from_secs(90)),
        };
        let phase =
            |job: &str, phase| Event::Phase { job: job.into(), part: None, attempt: 1, phase, argv: vec![] };
        let mut events = vec![
            Event::StatusRequested,
            started(&["a", "b", "c", "d", "e", "f", "g", "h", "i"]),
            job_started("a", 1),
            phase("a", Phase::Transfer),
            Event::Progress { job: "a".into(), part: None, progress },
            job_started("b", 2),
            phase("b", Phase::List),
            Event::StatusRequested,
        ];
        events.extend(finished(vec![result("a", Outcome::Ok)]));
        events
    }

    #[test]
    fn a_request_is_answered_on_standard_error() {
        for json in [false, true] {
            let (out, err) = told(|options| (options.quiet, options.json) = (true, json), story());
            insta::allow_duplicates! {
                insta::assert_snapshot!(err, @r"
                status after 0s: 0 running, 0 waiting, 0 of 0 jobs ended
                status after 6s: 2 running, 7 waiting, 0 of 9 jobs ended
                  [a] transfer, 42%, 12.3 MB, 7 files, 1.5 MB/s, 1m 30s left, since 5s
                  [b] list, try 2, since 2s
                  waiting: c, d, e, f, g and 2 more
                ");
            }
            assert!(!out.contains("status_requested"), "{out}");
        }
    }
}
