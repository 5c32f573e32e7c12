//! Records a run while it is going on, in its own thread, so that a slow disk delays nothing.

use super::run_process::RunProcess;
use super::write::{Retention, Start};
use super::writer::{HistoryWriter, Message};
use crate::model::event::{Event, Listener, Stamped, Warnings};
use crate::model::summary::Summary;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The time limit for the end of a run. A disk that takes longer for a row has other problems.
const PATIENCE: Duration = Duration::from_secs(10);

/// Records one run. Clones send to the same thread, which ends with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    words: Sender<Message>,
    /// Receives problems, each once. Only one caller waits at a time.
    problems: Arc<Mutex<Receiver<Vec<String>>>>,
}

impl Recorder {
    /// Starts the thread. `Err` if the thread could not be started.
    pub(crate) fn start(state_dir: PathBuf, keep: Retention) -> io::Result<Recorder> {
        let (words, heard) = channel();
        let (tell, problems) = channel();
        let writer = HistoryWriter::new(state_dir, keep);
        thread::Builder::new().name("history".into()).spawn(move || writer.listen(&heard, &tell))?;
        Ok(Recorder { words, problems: Arc::new(Mutex::new(problems)) })
    }

    /// Sends an event to the thread if it is to be recorded. Never blocks.
    pub(crate) fn hear(&self, stamped: &Stamped) {
        let time = stamped.time;
        let word = match &stamped.event {
            Event::RunStarted { run, jobs, parallel, dry_run: false, scope } => Message::Start(Start {
                run: run.clone(),
                time,
                jobs: jobs.clone(),
                parallel: *parallel,
                process: RunProcess::own(),
                scope: *scope,
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
            .unwrap_or_else(|_| vec!["the history did not record the end of this run in time".into()])
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
