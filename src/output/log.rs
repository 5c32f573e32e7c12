//! Writes one log file for each job and run: all output of its children, with the time and the stream of each line.

use super::summary::{figures, served, verdict};
use super::text::prefix_lines;
use super::{LogFiles, units};
use crate::model::event::{Event, Lines, Listener, Stamped, Stream, Warnings};
use crate::model::hint;
use crate::model::part::Part;
use crate::model::result::SyncResult;
use crate::model::sanitize;
use crate::model::time::local_exact;
use jiff::Timestamp;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

/// Maximum number of jobs without a log that are named; the others are counted.
const NAMED: usize = 5;

pub(super) struct Logs {
    files: Arc<LogFiles>,
    open: HashMap<Arc<str>, Option<File>>,
    /// The jobs without a log, in order, and why the first has none.
    without: Vec<Arc<str>>,
    why: String,
    /// The part of the job that the current event is about.
    part: Option<Part>,
    /// Buffer that is reused for every block.
    block: Vec<u8>,
}

impl Logs {
    pub(super) fn new(files: Arc<LogFiles>) -> Self {
        Logs {
            files,
            open: HashMap::new(),
            without: Vec::new(),
            why: String::new(),
            part: None,
            block: Vec::new(),
        }
    }

    /// Opens the job's log if it is not open yet.
    fn open(&mut self, job: &Arc<str>, time: Timestamp, warnings: &mut dyn Warnings) {
        if self.open.contains_key(job) {
            return;
        }
        let file = match self.files.take(job, time) {
            Ok(file) => file,
            Err(why) => {
                // A full or read-only disk is reported once; the end of the run names all jobs.
                if self.without.is_empty() {
                    warnings.print(&why);
                    self.why = why;
                }
                self.without.push(job.clone());
                None
            }
        };
        self.open.insert(job.clone(), file);
    }

    /// Writes lines with time and mark, in one write, if the job has a log.
    fn write(
        &mut self,
        job: &Arc<str>,
        time: Timestamp,
        mark: &str,
        lines: &[u8],
        warnings: &mut dyn Warnings,
    ) {
        let Some(Some(file)) = self.open.get_mut(job) else { return };
        self.block.clear();
        let part = self.part.map(|part| format!("{part} ")).unwrap_or_default();
        prefix_lines(format!("{} {mark}{part}", local_exact(time)).as_bytes(), lines, &mut self.block);
        if self.block.last() != Some(&b'\n') {
            self.block.push(b'\n');
        }
        // Unbuffered, so that a crash loses nothing.
        if let Err(error) = file.write_all(&self.block) {
            let path = self.files.path(job);
            warnings
                .warn(format!("the log {} is not complete: cannot write it: {error}", sanitize::path(&path)));
            self.open.insert(job.clone(), None);
        }
    }

    fn say(&mut self, job: &Arc<str>, time: Timestamp, text: &str, warnings: &mut dyn Warnings) {
        let line = sanitize::line(text);
        self.write(job, time, "--- ", line.as_bytes(), warnings);
    }

    fn finished(&mut self, result: &SyncResult, time: Timestamp, warnings: &mut dyn Warnings) {
        let job = &result.job;
        let moved = figures(result);
        if !moved.is_empty() {
            self.say(job, time, &moved, warnings);
        }
        if let Some(served) = served(result) {
            self.say(job, time, &served, warnings);
        }
        if let Some(hint) = result.outcome.hint() {
            self.say(job, time, &format!("hint: {hint}"), warnings);
        }
        self.say(job, time, &verdict(result), warnings);
        self.open.remove(job);
    }

    /// Returns the text of the summary about jobs without a log.
    fn missing(&self) -> Option<String> {
        let named = self.without.iter().take(NAMED).map(|job| &**job).collect::<Vec<_>>().join(", ");
        let more = match self.without.len().saturating_sub(NAMED) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let jobs = if self.without.len() == 1 { "the job" } else { "the jobs" };
        (!named.is_empty()).then(|| format!("{jobs} {named}{more} left no log: {}", self.why))
    }
}

impl Listener for Logs {
    fn name(&self) -> &str {
        "the logs"
    }

    fn hear(&mut self, event: &Stamped, warnings: &mut dyn Warnings) -> io::Result<()> {
        let time = event.time;
        self.part = event.event.part();
        match &event.event {
            // The command is logged with the phase.
            Event::JobStarted { job, attempt, source, .. } => {
                self.open(job, time, warnings);
                self.say(job, time, &format!("try {attempt}, source {source}"), warnings);
            }
            Event::Phase { job, phase, argv, .. } => {
                self.open(job, time, warnings);
                self.say(job, time, super::text_listener::phase_words(*phase), warnings);
                if !argv.is_empty() {
                    self.say(job, time, &format!("runs {}", hint::joined(argv)), warnings);
                }
            }
            Event::Output { job, stream, lines, .. } => {
                self.open(job, time, warnings);
                self.write(job, time, mark(*stream), Lines::as_bytes(lines), warnings);
            }
            Event::Retry { job, reason, delay, source, .. } => {
                let text = format!("failed: {reason}; next in {}: {source}", units::duration(*delay));
                self.say(job, time, &text, warnings);
            }
            Event::Planned {
                job,
                created,
                updated,
                deleted,
                limit,
                waiting,
                respelt,
                left_out,
                plan_hash,
            } => {
                let tallies = [created, updated, deleted, waiting];
                let text = super::text_listener::planned(
                    tallies,
                    *limit,
                    *respelt,
                    left_out.as_ref(),
                    plan_hash.as_deref(),
                );
                self.say(job, time, &text, warnings);
            }
            Event::Adopted { job, found } => {
                for line in super::adoption::lines(found) {
                    self.say(job, time, &line, warnings);
                }
            }
            Event::Notice { job: Some(job), text, .. } => self.say(job, time, text, warnings),
            Event::JobFinished(result) => self.finished(result, time, warnings),
            Event::RunFinished(_) => self.missing().into_iter().for_each(|text| warnings.remember(text)),
            Event::RunStarted { .. }
            | Event::Notice { job: None, .. }
            | Event::Progress { .. }
            | Event::StatusRequested => {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::result::{Logs as _, Outcome, log_path};
    use crate::output::testing::{
        Heard, RUN, failure, finished, job_started, options, output, result, run, started, told,
    };
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    fn logging(dir: &Path) -> Option<Arc<LogFiles>> {
        Some(Arc::new(LogFiles::new(dir.into(), RUN, false)))
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
        // In the local time zone of the test.
        let first = crate::model::time::local_exact("2027-01-15T08:00:01Z".parse().unwrap());
        let log = String::from_utf8_lossy(&log);
        assert!(log.starts_with(&first), "{log}");
        let bare: Vec<&str> = log.lines().map(|line| line.get(first.len() + 1..).unwrap_or(line)).collect();
        insta::assert_snapshot!(bare.join("\n"), @r"
        --- job a, run 01KAM5T7Z0ABCDEFGHJKMNPQRS
        --- try 1, source rsync://host/a/
        out one
        out caf�
        err oh
        --- hint: is port 873 open?
        --- failed after 2 tries in 1.50s: cannot connect to host: connection refused
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
    fn a_full_disk_is_told_once_and_is_no_failure() {
        let dir = tempfile::tempdir().unwrap();
        for job in ["a", "b"] {
            fs::create_dir(dir.path().join(job)).unwrap();
            symlink("/dev/full", log_path(dir.path(), job, RUN)).unwrap();
        }
        let (out, err) = (Heard::default(), Heard::default());
        let mut options = options(out.clone(), err.clone());
        let files = logging(dir.path());
        options.logs = files.clone();
        let mut events = vec![started(&["a", "b", "c"])];
        for job in ["a", "b", "c"] {
            events.extend([job_started(job, 1), output(job, Stream::Stdout, b"x\n")]);
        }
        events.extend(finished(vec![]));
        let outcome = run(options, events);
        assert!(outcome.lost.is_empty(), "{outcome:?}");
        let told = &outcome.warnings;
        assert!(
            told.len() == 1 && told[0].starts_with("the jobs a, b left no log: cannot write"),
            "{told:?}"
        );
        assert!(told[0].contains("No space left"), "{told:?}");
        assert_eq!(err.text().matches("warning: cannot write the log").count(), 1);
        assert!(out.text().contains("[a] x\n[b] x\n[c] x\n"), "{}", out.text());
        assert!(out.text().contains(&format!("warning: {}\n", told[0])), "{}", out.text());
        assert!(fs::read_to_string(log_path(dir.path(), "c", RUN)).unwrap().ends_with("out x\n"));
        // A log that does not exist is not named.
        let files = files.unwrap();
        assert_eq!((files.of("a"), files.of("c")), (None, Some(log_path(dir.path(), "c", RUN))));
        assert!(!log_path(dir.path(), "a", RUN).exists());
    }

    #[test]
    fn a_log_that_somebody_asked_for_first_is_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let files = logging(dir.path());
        let path = files.as_ref().unwrap().of("a").unwrap();
        assert!(fs::read_to_string(&path).unwrap().ends_with(&format!("job a, run {RUN}\n")));
        let events = vec![started(&["a"]), job_started("a", 1), output("a", Stream::Stdout, b"x\n")];
        told(|options| options.logs = files, events);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.matches("--- job a, run").count() == 1 && text.ends_with("out x\n"), "{text}");
    }
}
