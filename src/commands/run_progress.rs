//! Makes the registry of running commands a listener of a run: other processes see how far each job is, at most once per second.

use crate::model::event::{Event, Listener, Stamped, Warnings};
use crate::model::running::{RunningJob, RunningSync};
use crate::system::running::Registration;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Minimum time between two changes of the record.
const PAUSE: Duration = Duration::from_secs(1);

/// Registers the run from its first event to its end.
pub(super) struct RunProgress {
    state_dir: PathBuf,
    registration: Option<Registration>,
    written: Option<Instant>,
    stale: bool,
}

impl RunProgress {
    pub(super) fn new(state_dir: &Path) -> Self {
        RunProgress { state_dir: state_dir.into(), registration: None, written: None, stale: false }
    }

    fn note(&mut self, stamped: &Stamped) {
        let name: &str = match &stamped.event {
            Event::RunStarted { run, jobs, parallel, dry_run, .. } => {
                let waiting = jobs.iter().map(|job| RunningJob::waiting(job)).collect();
                let sync = RunningSync { parallel: *parallel, dry_run: *dry_run, jobs: waiting };
                let (run, targets) = (Some(run.clone()), jobs.clone());
                let registration = Registration::of_run(&self.state_dir, "sync", targets, run, Some(sync));
                (self.registration, self.written) = (Some(registration), Some(Instant::now()));
                return;
            }
            Event::JobStarted { job, .. }
            | Event::Phase { job, .. }
            | Event::Progress { job, .. }
            | Event::Retry { job, .. } => job,
            Event::JobFinished(result) => &result.job,
            Event::Output { .. }
            | Event::Planned { .. }
            | Event::Adopted { .. }
            | Event::Notice { .. }
            | Event::StatusRequested
            | Event::RunFinished(_) => return,
        };
        let Some(sync) = self.registration.as_mut().and_then(|entry| entry.record().sync.as_mut()) else {
            return;
        };
        let Some(job) = sync.jobs.iter_mut().find(|job| job.job == name) else { return };
        job.advance(stamped);
        self.stale = true;
    }

    fn publish(&mut self) {
        let due = self.written.is_none_or(|written| written.elapsed() >= PAUSE);
        if let Some(registration) = self.registration.as_mut().filter(|_| self.stale && due) {
            registration.publish();
            (self.written, self.stale) = (Some(Instant::now()), false);
        }
    }
}

impl Listener for RunProgress {
    fn name(&self) -> &str {
        "the state of the run"
    }

    fn hear(&mut self, event: &Stamped, _warnings: &mut dyn Warnings) -> io::Result<()> {
        self.note(event);
        self.publish();
        Ok(())
    }

    fn tick(&mut self) {
        self.publish();
    }

    fn wants_ticks(&self) -> bool {
        true
    }

    fn finish(&mut self) -> io::Result<()> {
        self.registration = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Phase, Progress};
    use crate::system::running::commands;
    use jiff::Timestamp;
    use std::sync::Arc;

    fn read(state: &Path) -> RunningSync {
        let mut seen = commands(state);
        assert_eq!((seen.len(), seen[0].gone, seen[0].command.run.as_deref()), (1, false, Some("01X")));
        seen.remove(0).command.sync.unwrap()
    }

    fn tell(progress: &mut RunProgress, event: Event) {
        progress.note(&Stamped { time: Timestamp::UNIX_EPOCH, event });
        progress.publish();
    }

    fn started(jobs: &[&str]) -> Event {
        let jobs = jobs.iter().map(|job| job.to_string()).collect();
        Event::RunStarted { run: "01X".into(), jobs, parallel: 3, dry_run: false, scope: None }
    }

    fn phase(phase: Phase) -> Event {
        Event::Phase { job: "a".into(), part: None, attempt: 1, phase, argv: vec![] }
    }

    #[test]
    fn a_run_is_told_as_far_as_it_is() {
        let state = tempfile::tempdir().unwrap();
        let mut run = RunProgress::new(state.path());
        let mut tell = |event| {
            run.written = None;
            tell(&mut run, event);
        };
        tell(started(&["a", "b"]));
        assert_eq!(read(state.path()).jobs, ["a", "b"].map(RunningJob::waiting));
        let (job, source): (Arc<str>, _) = ("a".into(), "rsync://h/m/".to_owned());
        tell(Event::JobStarted { job: job.clone(), part: None, attempt: 1, source, argv: vec![] });
        tell(phase(Phase::Transfer));
        let progress = Progress { bytes: Some(5), percent: Some(50.0), ..Progress::default() };
        tell(Event::Progress { job: job.clone(), part: None, progress });
        let jobs = read(state.path()).jobs;
        assert_eq!((jobs[0].state.as_str(), jobs[0].progress.percent), ("transfer", Some(50.0)));
        let (exit_code, reason, delay) = (None, String::new(), Duration::ZERO);
        let source = String::new();
        tell(Event::Retry { job, part: None, attempt: 1, exit_code, reason, delay, source });
        let jobs = read(state.path()).jobs;
        assert_eq!(
            (jobs[0].state.as_str(), jobs[0].progress.percent, jobs[0].ended),
            ("retrying", None, false)
        );
        assert_eq!(jobs[1], RunningJob::waiting("b"));
        drop(run);
        assert_eq!(commands(state.path()), []);
    }

    #[test]
    fn it_is_written_once_a_second_at_most() {
        let state = tempfile::tempdir().unwrap();
        let mut run = RunProgress::new(state.path());
        let begun = Instant::now();
        tell(&mut run, started(&["a"]));
        let first = read(state.path());
        for _ in 0..100 {
            tell(&mut run, phase(Phase::List));
        }
        // A machine that is this slow proves nothing.
        assert!(read(state.path()) == first || begun.elapsed() >= PAUSE);
        run.written = None;
        run.publish();
        assert_eq!(read(state.path()).jobs[0].state, "list");
    }
}
