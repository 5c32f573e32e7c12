//! One log file for each job and run: everything its children printed, with the time and the stream of each line.

use super::summary::{figures, verdict};
use super::text::{one_line, prefix_lines};
use super::{Listener, Screen, units};
use crate::event::{Event, Lines, Stamped, Stream};
use crate::result::{SyncResult, log_path};
use jiff::Timestamp;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where logs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// Holds a directory for each job. Made if missing.
    pub dir: PathBuf,
}

pub(super) struct Logs {
    options: LogOptions,
    run: String,
    dry_run: bool,
    /// `None`: it could not be written, which has been told.
    files: HashMap<Arc<str>, Option<File>>,
    /// Reused for every block.
    block: Vec<u8>,
}

impl Logs {
    pub(super) fn new(options: LogOptions) -> Self {
        Logs { options, run: String::new(), dry_run: false, files: HashMap::new(), block: Vec::new() }
    }

    /// Opens the job's log if it is not open yet.
    fn open(&mut self, job: &Arc<str>, time: Timestamp, screen: &mut Screen) {
        if self.files.contains_key(job) || self.run.is_empty() {
            return;
        }
        let path = log_path(&self.options.dir, job, &self.run);
        let file = create(&path);
        if let Err(error) = &file {
            screen.lose(format!("cannot write the log {}: {error}", path.display()));
        }
        self.files.insert(job.clone(), file.ok());
        let kind = if self.dry_run { "dry run" } else { "run" };
        let header = format!("job {job}, {kind} {}", self.run);
        self.write(job, time, "--- ", header.as_bytes(), screen);
    }

    /// Lines with time and mark, in one write, if the job's log is open.
    fn write(&mut self, job: &Arc<str>, time: Timestamp, mark: &str, lines: &[u8], screen: &mut Screen) {
        let Some(Some(file)) = self.files.get_mut(job) else { return };
        self.block.clear();
        prefix_lines(format!("{time:.3} {mark}").as_bytes(), lines, &mut self.block);
        if self.block.last() != Some(&b'\n') {
            self.block.push(b'\n');
        }
        // Straight to the file: what was written survives whatever happens to us.
        if let Err(error) = file.write_all(&self.block) {
            let path = log_path(&self.options.dir, job, &self.run);
            screen.lose(format!("cannot write the log {}: {error}; it ends here", path.display()));
            self.files.insert(job.clone(), None);
        }
    }

    fn say(&mut self, job: &Arc<str>, time: Timestamp, text: &str, screen: &mut Screen) {
        let line = one_line(text).into_owned();
        self.write(job, time, "--- ", line.as_bytes(), screen);
    }

    fn finished(&mut self, result: &SyncResult, time: Timestamp, screen: &mut Screen) {
        let job = &result.job;
        let moved = figures(result, self.dry_run);
        if !moved.is_empty() {
            self.say(job, time, &moved, screen);
        }
        if let Some(hint) = result.outcome.hint() {
            self.say(job, time, &format!("hint: {hint}"), screen);
        }
        self.say(job, time, &verdict(result), screen);
        self.files.remove(job);
    }
}

impl Listener for Logs {
    fn name(&self) -> &str {
        "the logs"
    }

    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()> {
        let time = event.time;
        match &event.event {
            Event::RunStarted { run, dry_run, .. } => {
                self.run.clone_from(run);
                self.dry_run = *dry_run;
            }
            // The command comes with the phase.
            Event::JobStarted { job, attempt, source, .. } => {
                self.open(job, time, screen);
                self.say(job, time, &format!("try {attempt}, source {source}"), screen);
            }
            Event::Phase { job, phase, argv, .. } => {
                self.open(job, time, screen);
                self.say(job, time, super::human::phase_words(*phase), screen);
                if !argv.is_empty() {
                    self.say(job, time, &format!("runs {}", shell_words::join(argv)), screen);
                }
            }
            Event::Output { job, stream, lines } => {
                self.open(job, time, screen);
                self.write(job, time, mark(*stream), Lines::as_bytes(lines), screen);
            }
            Event::Retry { job, reason, delay, source, .. } => {
                let text = format!("failed: {reason}; next in {}: {source}", units::duration(*delay));
                self.say(job, time, &text, screen);
            }
            Event::Planned { job, created, updated, deleted, limit } => {
                self.say(job, time, &super::human::planned(created, updated, deleted, *limit), screen);
            }
            Event::Notice { job: Some(job), text, .. } => self.say(job, time, text, screen),
            Event::JobFinished(result) => self.finished(result, time, screen),
            Event::Notice { job: None, .. } | Event::Progress { .. } | Event::RunFinished(_) => {}
        }
        Ok(())
    }
}

fn mark(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "out ",
        Stream::Stderr => "err ",
    }
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    File::options().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{
        Heard, RUN, failure, finished, job_started, options, output, result, run, started, told,
    };
    use crate::result::Outcome;
    use std::os::unix::fs::symlink;

    fn logging(dir: &Path) -> Option<LogOptions> {
        Some(LogOptions { dir: dir.into() })
    }

    #[test]
    fn a_log_tells_the_whole_story() {
        let dir = tempfile::tempdir().unwrap();
        let mut events = vec![
            started(&["a"]),
            job_started("a", 1),
            output("a", Stream::Stdout, b"one\ncaf\xe9\n"),
            output("a", Stream::Stderr, b"oh"),
        ];
        events.extend(finished(vec![failure("a")]));
        told(|options| options.logs = logging(dir.path()), events);
        let log = fs::read(log_path(dir.path(), "a", RUN)).unwrap();
        assert!(log.windows(5).any(|w| w == b"caf\xe9\n"), "raw bytes are kept");
        insta::assert_snapshot!(String::from_utf8_lossy(&log), @r"
        2027-01-15T08:00:01.000Z --- job a, run 01KAM5T7Z0ABCDEFGHJKMNPQRS
        2027-01-15T08:00:01.000Z --- try 1, source rsync://host/a/
        2027-01-15T08:00:02.000Z out one
        2027-01-15T08:00:02.000Z out caf�
        2027-01-15T08:00:03.000Z err oh
        2027-01-15T08:00:04.000Z --- hint: is port 873 open?
        2027-01-15T08:00:04.000Z --- failed after 2 tries in 1.50s: cannot connect to host: connection refused
        ");
    }

    #[test]
    fn a_job_that_never_began_has_no_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut events = vec![started(&["a"])];
        events.extend(finished(vec![result("a", Outcome::Ok)]));
        told(|options| options.logs = logging(dir.path()), events);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_full_disk_is_told_once_and_the_other_jobs_go_on() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        symlink("/dev/full", log_path(dir.path(), "a", RUN)).unwrap();
        let (out, err) = (Heard::default(), Heard::default());
        let mut options = options(out.clone(), err.clone());
        options.logs = logging(dir.path());
        let mut events = vec![started(&["a", "b"])];
        for job in ["a", "b"] {
            events.extend([job_started(job, 1), output(job, Stream::Stdout, b"x\n")]);
        }
        let outcome = run(options, events);
        assert_eq!(outcome.lost.len(), 1, "{outcome:?}");
        assert!(outcome.lost[0].contains("No space left"), "{outcome:?}");
        assert_eq!(err.text().matches("warning: cannot write the log").count(), 1);
        assert!(out.text().contains("[a] x\n[b] x\n"));
        assert!(fs::read_to_string(log_path(dir.path(), "b", RUN)).unwrap().ends_with("out x\n"));
    }
}
