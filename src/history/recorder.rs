//! Records a run while it is going on, in its own thread, so that a slow disk delays nothing.

use super::write::Start;
use super::writer::HistoryWriter;
use crate::model::event::{Event, Listener, Phase, Stamped, Warnings};
use crate::model::result::{Summary, SyncResult};
use crate::platform::Identity;
use jiff::Timestamp;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The time limit for the end of a run. A disk that takes longer for a row has other problems.
const PATIENCE: Duration = Duration::from_secs(10);

/// Limits on the recorded runs. The newest run is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Maximum age. Older runs are removed.
    pub age: Option<Duration>,
    /// Maximum number of the others. The newest ones are kept.
    pub runs: Option<u64>,
}

/// Records one run. Clones send to the same thread, which ends with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    words: Sender<Message>,
    /// Receives problems, each once. Only one caller waits at a time.
    problems: Arc<Mutex<Receiver<Vec<String>>>>,
}

/// Messages to the thread.
#[derive(Debug)]
pub(super) enum Message {
    Start(Start),
    Attempt(Arc<str>, Timestamp),
    Hooks(Arc<str>, Phase, Timestamp),
    Job(Arc<SyncResult>, Timestamp),
    End(Arc<Summary>),
}

impl Recorder {
    /// Starts the thread. `Err` if the thread could not be started.
    pub(crate) fn start(state_dir: PathBuf, keep: Retention) -> io::Result<Recorder> {
        let (words, heard) = channel();
        let (tell, problems) = channel();
        let writer = HistoryWriter::new(state_dir, keep);
        thread::Builder::new().name("history".into()).spawn(move || {
            crate::platform::give_way();
            writer.listen(&heard, &tell);
        })?;
        Ok(Recorder { words, problems: Arc::new(Mutex::new(problems)) })
    }

    /// Sends an event to the thread if it is to be recorded. Never blocks.
    pub(crate) fn hear(&self, stamped: &Stamped) {
        let time = stamped.time;
        let word = match &stamped.event {
            Event::RunStarted { run, jobs, parallel, dry_run: false } => Message::Start(Start {
                run: run.clone(),
                time,
                jobs: jobs.clone(),
                parallel: *parallel,
                process: Identity::own(),
            }),
            Event::JobStarted { job, .. } => Message::Attempt(job.clone(), time),
            Event::Phase { job, attempt: 0, phase, .. } => Message::Hooks(job.clone(), *phase, time),
            Event::JobFinished(result) => Message::Job(result.clone(), time),
            Event::RunFinished(summary) => Message::End(summary.clone()),
            _ => return,
        };
        // Without the thread nothing is recorded, which `finish` reports.
        let _ = self.words.send(word);
    }

    /// Waits, at most for `patience`, until the end of the run was written. Returns the problems since the start, as messages, each once.
    pub(crate) fn finish(&self, patience: Duration) -> Vec<String> {
        let Ok(problems) = self.problems.lock() else { return Vec::new() };
        problems
            .recv_timeout(patience)
            .unwrap_or_else(|_| vec!["the history did not take the end of this run in time".into()])
    }

    /// Ends a run, for when the listener that passes events on may be stuck. A repeated call has no effect.
    pub(crate) fn end(&self, summary: &Summary) {
        // As in `hear`.
        let _ = self.words.send(Message::End(Arc::new(summary.clone())));
    }
}

/// What could not be recorded is a warning before the summary, never an error of the run.
impl Listener for Recorder {
    fn name(&self) -> &str {
        "the history"
    }

    fn hear(&mut self, event: &Stamped, warnings: &mut dyn Warnings) -> io::Result<()> {
        Recorder::hear(self, event);
        if matches!(event.event, Event::RunFinished(_)) {
            Recorder::finish(self, PATIENCE).into_iter().for_each(|problem| warnings.warn(problem));
        }
        Ok(())
    }
}
