//! Writes down a run while it goes on, from a thread of its own, so that a slow disk slows nobody.

use super::write::Start;
use super::writer::HistoryWriter;
use crate::model::event::{Event, Phase, Stamped};
use crate::model::result::{Summary, SyncResult};
use crate::platform::Identity;
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What is kept of the past. The newest run is always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Runs that are older go.
    pub age: Option<Duration>,
    /// Of the others, the newest so many stay.
    pub runs: Option<u64>,
}

/// The writer of one run's history. Clones speak to the same thread, which ends with the last of them.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    words: Sender<Message>,
    /// What went wrong, each thing once. Only one asks at a time.
    problems: Arc<Mutex<Receiver<Vec<String>>>>,
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Message {
    Start(Start),
    Attempt(Arc<str>, Timestamp),
    Hooks(Arc<str>, Phase, Timestamp),
    Job(Arc<SyncResult>, Timestamp),
    End(Arc<Summary>),
}

impl Recorder {
    /// Starts the thread. An `Err` is a thread that could not be started.
    pub(crate) fn start(state_dir: PathBuf, keep: Retention) -> std::io::Result<Recorder> {
        let (words, heard) = channel();
        let (tell, problems) = channel();
        let writer = HistoryWriter::new(state_dir, keep);
        thread::Builder::new().name("history".into()).spawn(move || {
            crate::platform::give_way();
            writer.listen(&heard, &tell);
        })?;
        Ok(Recorder { words, problems: Arc::new(Mutex::new(problems)) })
    }

    /// Notes what is worth remembering. Never waits.
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
        // Without the thread nothing is remembered, which `finish` tells.
        let _ = self.words.send(word);
    }

    /// Waits until the end of the run has been written, at most so long. The answer is what went wrong since the
    /// beginning, in plain words, each thing once.
    pub(crate) fn finish(&self, patience: Duration) -> Vec<String> {
        let Ok(problems) = self.problems.lock() else { return Vec::new() };
        problems
            .recv_timeout(patience)
            .unwrap_or_else(|_| vec!["the history did not take the end of this run in time".into()])
    }

    /// The end of a run, for when the listener that passes events on may be stuck. Saying it twice changes nothing.
    pub(crate) fn end(&self, summary: &Summary) {
        // As above.
        let _ = self.words.send(Message::End(Arc::new(summary.clone())));
    }
}
