//! Writes down a run while it goes on, from a thread of its own, so that a slow disk slows nobody.

use super::open::set_aside;
use super::write::{Hooks, Start};
use super::{Error, History};
use crate::event::{Event, Phase, Stamped};
use crate::machine::Identity;
use crate::result::{Summary, SyncResult};
use jiff::Timestamp;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is kept of the past. The newest run is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Runs that are older go.
    pub age: Option<Duration>,
    /// Of the others, the newest so many stay.
    pub runs: Option<u64>,
}

/// The writer of one run's history. Clones speak to the same thread, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct Recorder {
    words: Sender<Word>,
    /// What went wrong, each thing once. Only one asks at a time.
    problems: Arc<Mutex<Receiver<Vec<String>>>>,
}

/// What the thread is told.
#[derive(Debug)]
enum Word {
    Start(Start),
    Attempt(Arc<str>, Timestamp),
    Hooks(Arc<str>, Phase, Timestamp),
    Job(Arc<SyncResult>, Timestamp),
    End(Arc<Summary>),
}

impl Recorder {
    /// Starts the thread. An `Err` is a thread that could not be started.
    pub fn start(state_dir: PathBuf, keep: Retention) -> std::io::Result<Recorder> {
        let (words, heard) = channel();
        let (tell, problems) = channel();
        let mut scribe = Scribe {
            state_dir,
            keep,
            history: None,
            start: None,
            hooks: HashMap::new(),
            problems: Vec::new(),
            told: 0,
        };
        thread::Builder::new().name("history".into()).spawn(move || {
            crate::machine::give_way();
            for word in heard {
                let last = matches!(word, Word::End(_));
                scribe.hear(word);
                if last {
                    // Nobody asks any more if the receiver is gone.
                    let _ = tell.send(scribe.untold());
                }
            }
        })?;
        Ok(Recorder { words, problems: Arc::new(Mutex::new(problems)) })
    }

    /// Notes what is worth remembering. Never waits.
    pub fn hear(&self, stamped: &Stamped) {
        let time = stamped.time;
        let word = match &stamped.event {
            Event::RunStarted { run, jobs, parallel, dry_run: false } => Word::Start(Start {
                run: run.clone(),
                time,
                jobs: jobs.clone(),
                parallel: *parallel,
                process: Identity::own(),
            }),
            Event::JobStarted { job, .. } => Word::Attempt(job.clone(), time),
            Event::Phase { job, attempt: 0, phase, .. } => Word::Hooks(job.clone(), *phase, time),
            Event::JobFinished(result) => Word::Job(result.clone(), time),
            Event::RunFinished(summary) => Word::End(summary.clone()),
            _ => return,
        };
        // Without the thread nothing is remembered, which `finish` tells.
        let _ = self.words.send(word);
    }

    /// Waits until the end of the run has been written, at most so long. The answer is what went wrong since the
    /// beginning, in plain words, each thing once.
    pub fn finish(&self, patience: Duration) -> Vec<String> {
        let Ok(problems) = self.problems.lock() else { return Vec::new() };
        problems
            .recv_timeout(patience)
            .unwrap_or_else(|_| vec!["the history did not take the end of this run in time".into()])
    }

    /// The end of a run, for when the listener that passes events on may be stuck. Saying it twice changes nothing.
    pub fn end(&self, summary: &Summary) {
        // As above.
        let _ = self.words.send(Word::End(Arc::new(summary.clone())));
    }
}

/// How long hooks took, and the one that is running.
type Hooking = (Hooks, Option<(Phase, Timestamp)>);

/// The thread's own.
struct Scribe {
    state_dir: PathBuf,
    keep: Retention,
    history: Option<History>,
    start: Option<Start>,
    /// Which hooks a job is running and since when, and how long those before took.
    hooks: HashMap<Arc<str>, Hooking>,
    problems: Vec<String>,
    /// How many of them were told.
    told: usize,
}

impl Scribe {
    fn hear(&mut self, word: Word) {
        match word {
            Word::Start(start) => {
                self.start = Some(start.clone());
                self.write(|history, _| {
                    history.mark_interrupted()?;
                    history.begin(&start)
                });
            }
            Word::Attempt(job, time) => self.close(&job, time),
            Word::Hooks(job, phase, time) => {
                self.close(&job, time);
                self.hooks.entry(job).or_default().1 = Some((phase, time));
            }
            Word::Job(result, time) => {
                self.close(&result.job, time);
                let hooks = self.hooks.remove(&result.job).unwrap_or_default().0;
                if let Some(start) = self.start.clone() {
                    self.write(|history, _| history.job(&start, &result, &hooks));
                }
            }
            Word::End(summary) => {
                if let Some(start) = self.start.clone() {
                    self.write(|history, keep| history.end(&start, &summary, keep));
                }
            }
        }
    }

    /// Hooks last until whatever comes next.
    fn close(&mut self, job: &Arc<str>, time: Timestamp) {
        let Some((done, running)) = self.hooks.get_mut(job) else { return };
        if let Some((phase, since)) = running.take() {
            // A clock that was set back meanwhile measures nothing.
            let took = Duration::try_from(time.duration_since(since)).unwrap_or_default();
            done.push((phase.word(), took));
        }
    }

    /// Writes; a file that turns out to be damaged is replaced once.
    fn write(&mut self, act: impl Fn(&mut History, Retention) -> Result<(), Error>) {
        let keep = self.keep;
        for first in [true, false] {
            match self.open().and_then(|history| act(history, keep)) {
                Ok(()) => return,
                Err(error) if first && error.is_damage() => {
                    self.history = None;
                    match set_aside(&History::path(&self.state_dir), &error) {
                        Ok(told) => told.into_iter().for_each(|told| self.problem(told)),
                        Err(error) => return self.problem(error.to_string()),
                    }
                }
                Err(error) => return self.problem(error.to_string()),
            }
        }
    }

    fn open(&mut self) -> Result<&mut History, Error> {
        if self.history.is_none() {
            let opened = History::write(&self.state_dir)?;
            opened.warnings.into_iter().for_each(|warning| self.problem(warning));
            self.history = Some(opened.history);
        }
        // It was just filled.
        self.history.as_mut().ok_or_else(|| Error::NoSuchRun("no history is open".into()))
    }

    fn problem(&mut self, text: String) {
        if !self.problems.contains(&text) {
            self.problems.push(text);
        }
    }

    fn untold(&mut self) -> Vec<String> {
        let new = self.problems[self.told..].to_vec();
        self.told = self.problems.len();
        new
    }
}
