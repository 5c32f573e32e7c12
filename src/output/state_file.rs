//! Shows other processes the progress of the run, in a small file that is replaced at most once per second and removed at the end.

use crate::model::event::{Event, Listener, Stamped, Warnings};
use crate::model::running::{RunningJob, RunningRun, directory};
use jiff::Timestamp;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Minimum time between two replacements of the file.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes `STATE/running/PID.json`.
pub struct StateFile {
    dir: PathBuf,
    pid: u32,
    process: Option<String>,
    run: Option<RunningRun>,
    written: Option<Instant>,
    stale: bool,
    /// Whether writing has failed. This is not reported here: the logs and the history report an unwritable state directory.
    failed: bool,
}

impl StateFile {
    /// Creates the state file for the run of process `pid`; `process` distinguishes it from later processes with the same ID.
    pub fn new(state_dir: &std::path::Path, pid: u32, process: Option<String>) -> Self {
        let dir = directory(state_dir);
        StateFile { dir, pid, process, run: None, written: None, stale: false, failed: false }
    }

    fn file(&self) -> PathBuf {
        self.dir.join(format!("{}.json", self.pid))
    }

    fn note(&mut self, stamped: &Stamped) {
        let time = stamped.time;
        if let Event::RunStarted { run, jobs, parallel, dry_run } = &stamped.event {
            self.run = Some(RunningRun {
                v: 1,
                run: run.clone(),
                pid: self.pid,
                process: self.process.clone(),
                started: time,
                told: time,
                parallel: *parallel,
                dry_run: *dry_run,
                jobs: jobs.iter().map(|job| RunningJob::waiting(job)).collect(),
            });
        }
        let Some(run) = &mut self.run else { return };
        let name: &str = match &stamped.event {
            Event::JobStarted { job, .. }
            | Event::Phase { job, .. }
            | Event::Progress { job, .. }
            | Event::Retry { job, .. } => job,
            Event::JobFinished(result) => &result.job,
            Event::RunStarted { .. } => {
                self.stale = true;
                return;
            }
            Event::Output { .. }
            | Event::Planned { .. }
            | Event::Adopted { .. }
            | Event::Notice { .. }
            | Event::RunFinished(_) => {
                return;
            }
        };
        let Some(job) = run.jobs.iter_mut().find(|job| job.job == name) else { return };
        advance(job, stamped);
        self.stale = true;
    }

    fn publish(&mut self) {
        let due = self.written.is_none_or(|written| written.elapsed() >= PAUSE);
        if !self.stale || !due || self.failed {
            return;
        }
        let Some(run) = &mut self.run else { return };
        run.told = Timestamp::now();
        self.failed = write(&self.dir, &self.file(), self.run.as_ref()).is_err();
        (self.written, self.stale) = (Some(Instant::now()), false);
    }
}

/// Applies an event to the state of its job.
fn advance(job: &mut RunningJob, stamped: &Stamped) {
    match &stamped.event {
        Event::JobStarted { attempt, source, .. } => {
            (job.attempt, job.source) = (*attempt, Some(source.clone()));
            job.advance(None);
        }
        Event::Phase { phase, .. } => job.state = phase.word().into(),
        Event::Progress { progress, .. } => job.advance(Some(progress)),
        Event::Retry { .. } => {
            job.state = "retrying".into();
            job.advance(None);
        }
        Event::JobFinished(result) => (job.state, job.ended) = (result.status().word().into(), true),
        _ => return,
    }
    job.started.get_or_insert(stamped.time);
}

/// Writes atomically, but not durably: after a crash of the machine there are no runs.
fn write(dir: &std::path::Path, file: &std::path::Path, run: Option<&RunningRun>) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
    new.write_all(&serde_json::to_vec(&run)?)?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

impl Listener for StateFile {
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
        self.failed = true;
        // If the file remains, readers detect that its process is gone.
        let _ = fs::remove_file(self.file());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{Phase, Progress};
    use crate::model::result::Outcome;
    use crate::output::testing::{at, result, started};
    use std::path::Path;
    use std::sync::Arc;

    fn read(state: &Path) -> RunningRun {
        serde_json::from_slice(&fs::read(directory(state).join("7.json")).unwrap()).unwrap()
    }

    #[test]
    fn a_run_is_told_as_far_as_it_is() {
        let state = tempfile::tempdir().unwrap();
        let mut published = StateFile::new(state.path(), 7, Some("boot:1".into()));
        let tell = |published: &mut StateFile, event: Event| {
            published.note(&Stamped { time: at(0), event });
            published.written = None;
            published.publish();
        };
        tell(&mut published, started(&["a", "b"]));
        let run = read(state.path());
        assert_eq!((run.pid, run.process.as_deref(), run.jobs.len()), (7, Some("boot:1"), 2));
        assert_eq!(run.jobs[0], RunningJob::waiting("a"));
        let job: Arc<str> = "a".into();
        let source = "rsync://h/m/".to_owned();
        tell(&mut published, Event::JobStarted { job: job.clone(), attempt: 1, source, argv: vec![] });
        tell(
            &mut published,
            Event::Phase { job: job.clone(), attempt: 1, phase: Phase::Transfer, argv: vec![] },
        );
        let progress = Progress { bytes: 5, percent: Some(50.0), ..Progress::default() };
        tell(&mut published, Event::Progress { job, progress });
        let run = read(state.path());
        assert_eq!((run.jobs[0].state.as_str(), run.jobs[0].percent), ("transfer", Some(50.0)));
        tell(&mut published, Event::JobFinished(Arc::new(result("a", Outcome::Ok))));
        let run = read(state.path());
        assert_eq!((run.jobs[0].state.as_str(), run.jobs[0].ended, run.jobs[1].ended), ("ok", true, false));
    }

    #[test]
    fn it_is_written_once_a_second_at_most() {
        let state = tempfile::tempdir().unwrap();
        let mut published = StateFile::new(state.path(), 7, None);
        published.note(&Stamped { time: at(0), event: started(&["a"]) });
        published.publish();
        let first = read(state.path());
        for _ in 0..100 {
            published.note(&Stamped { time: at(1), event: started(&["a", "b"]) });
            published.publish();
        }
        assert_eq!(read(state.path()), first);
    }
}
