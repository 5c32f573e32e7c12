//! The thread that writes the history. It collects messages for a moment, since ten rows cost little more than one.

use super::open::set_aside;
use super::write::{Finished, Hooks, Retention, Start};
use super::{Error, History};
use crate::model::event::Phase;
use crate::model::result::SyncResult;
use crate::model::summary::Summary;
use jiff::Timestamp;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// How long a result waits for others, to be written together. One by one, the results of a hundred small jobs took 40 ms of CPU time,
/// together 11 ms. A killed run may lack the results of the last such period.
const GATHER: Duration = Duration::from_millis(200);

/// The durations of finished hooks, and the running hook with its start.
type Hooking = (Hooks, Option<(Phase, Timestamp)>);

/// Messages to the thread.
#[derive(Debug)]
pub(super) enum Message {
    Start(Start),
    Attempt(Arc<str>, Timestamp),
    Hooks(Arc<str>, Phase, Timestamp),
    Job(Arc<SyncResult>, Timestamp),
    End(Arc<Summary>),
}

/// The state of the thread.
pub(super) struct HistoryWriter {
    state_dir: PathBuf,
    keep: Retention,
    history: Option<History>,
    start: Option<Start>,
    /// The hooks of each job: see [`Hooking`].
    hooks: HashMap<Arc<str>, Hooking>,
    /// Results not written yet.
    finished: Vec<Finished>,
    /// When they must be written.
    due: Option<Instant>,
    /// Whether the row of the run was written, perhaps without all of its results.
    begun: bool,
    /// The error of the last write; `None` if it succeeded. Rows that were not written are written with the next, so that only the last
    /// error matters.
    failed: Option<String>,
    problems: Vec<String>,
    /// Number of problems already reported.
    told: usize,
}

impl HistoryWriter {
    pub(super) fn new(state_dir: PathBuf, keep: Retention) -> HistoryWriter {
        HistoryWriter {
            state_dir,
            keep,
            history: None,
            start: None,
            hooks: HashMap::new(),
            finished: Vec::new(),
            due: None,
            begun: false,
            failed: None,
            problems: Vec::new(),
            told: 0,
        }
    }

    /// Writes messages until all senders are dropped. Reports problems after the end of a run.
    pub(super) fn listen(mut self, heard: &Receiver<Message>, tell: &Sender<Vec<String>>) {
        loop {
            let word = match self.due.map(|due| due.saturating_duration_since(Instant::now())) {
                None => heard.recv().map_err(RecvTimeoutError::from),
                // A constant flow of messages must not prevent writing.
                Some(Duration::ZERO) => Err(RecvTimeoutError::Timeout),
                Some(left) => heard.recv_timeout(left),
            };
            match word {
                Ok(word) => {
                    let last = matches!(word, Message::End(_));
                    self.hear(word);
                    if last {
                        // If the receiver is gone, the problems are no longer wanted.
                        let _ = tell.send(self.untold());
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.write_down(None),
                Err(RecvTimeoutError::Disconnected) => return self.write_down(None),
            }
        }
    }

    fn hear(&mut self, word: Message) {
        match word {
            Message::Start(start) => {
                self.start = Some(start.clone());
                self.write(|history| {
                    history.mark_interrupted()?;
                    history.begin(&start)
                });
            }
            Message::Attempt(job, time) => self.close(&job, time),
            Message::Hooks(job, phase, time) => {
                self.close(&job, time);
                self.hooks.entry(job).or_default().1 = Some((phase, time));
            }
            Message::Job(result, time) => {
                self.close(&result.job, time);
                let hooks = self.hooks.remove(&result.job).unwrap_or_default().0;
                self.finished.push(Finished { result, hooks });
                self.due.get_or_insert_with(|| Instant::now() + GATHER);
            }
            Message::End(summary) => self.write_down(Some(&summary)),
        }
    }

    /// Ends the running hook of a job: hooks last until the next event.
    fn close(&mut self, job: &Arc<str>, time: Timestamp) {
        let Some((done, running)) = self.hooks.get_mut(job) else { return };
        if let Some((phase, since)) = running.take() {
            // If the clock was set back meanwhile, the duration counts as zero.
            let took = Duration::try_from(time.duration_since(since)).unwrap_or_default();
            done.push((phase, took));
        }
    }

    /// Writes the collected results, and the end of the run if it has come. Results that cannot be written are kept for the next write.
    fn write_down(&mut self, end: Option<&Summary>) {
        self.due = None;
        let Some(start) = self.start.clone() else { return };
        let (keep, finished) = (self.keep, std::mem::take(&mut self.finished));
        if end.is_none() && finished.is_empty() {
            return;
        }
        let odd = RefCell::new(None);
        let note = |history: &mut History| {
            let noted = history.note(&start, &finished, end.map(|summary| (summary, keep)))?;
            odd.replace(noted);
            Ok(())
        };
        if !self.write(note) {
            self.finished = finished;
        }
        odd.into_inner().into_iter().for_each(|odd| self.problem(odd));
    }

    /// Writes. Returns whether it succeeded.
    fn write(&mut self, act: impl Fn(&mut History) -> Result<(), Error>) -> bool {
        self.failed = self.try_to(act).err().map(|error| error.to_string());
        self.begun |= self.failed.is_none();
        self.failed.is_none()
    }

    /// Replaces a file that turns out to be damaged, once.
    fn try_to(&mut self, act: impl Fn(&mut History) -> Result<(), Error>) -> Result<(), Error> {
        match self.open().and_then(&act) {
            Err(error) if error.is_damage() => {
                self.history = None;
                let told = set_aside(&History::path(&self.state_dir), &error)?;
                told.into_iter().for_each(|told| self.problem(told));
                self.open().and_then(&act)
            }
            done => done,
        }
    }

    fn open(&mut self) -> Result<&mut History, Error> {
        if self.history.is_none() {
            let opened = History::write(&self.state_dir)?;
            opened.warnings.into_iter().for_each(|warning| self.problem(warning));
            self.history = Some(opened.history);
        }
        // It was set just before.
        self.history.as_mut().ok_or_else(|| Error::NoSuchRun("no history is open".into()))
    }

    fn problem(&mut self, text: String) {
        if !self.problems.contains(&text) {
            self.problems.push(text);
        }
    }

    fn untold(&mut self) -> Vec<String> {
        if let Some(failed) = &self.failed {
            let what = if self.begun { "the end of this run" } else { "this run" };
            self.problem(format!("{failed}; {what} is missing from it"));
        }
        let new = self.problems[self.told..].to_vec();
        self.told = self.problems.len();
        new
    }
}
