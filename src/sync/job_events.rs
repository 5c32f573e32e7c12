//! The events of a job. Facts are sent in order through one bounded channel; of progress only the latest value is kept.

use super::stop::Stop;
use crate::clean::removal::{Unescaped, WriteAccess};
use crate::model::event::{Event, Level, Lines, Phase, Progress, Stamped, Stream};
use crate::model::part::Part;
use crate::model::sanitize;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Sends the events of one job, or of one part of it.
#[derive(Debug, Clone)]
pub(super) struct JobEvents {
    pub(super) job: Arc<str>,
    /// The part of the job; `None` if the job is one transfer.
    pub(super) part: Option<Part>,
    pub(super) events: mpsc::Sender<Stamped>,
    pub(super) progress: watch::Sender<Option<Progress>>,
    pub(super) stop: Stop,
}

/// Adds the current time to an event.
pub(super) fn stamped(event: Event) -> Stamped {
    Stamped { time: Timestamp::now(), event }
}

impl JobEvents {
    /// Sends a fact. Waits for a slow listener unless the run ends now.
    pub(super) async fn say(&self, event: Event) {
        self.send(stamped(event)).await;
    }

    /// Like [`JobEvents::say`], for an event that has its time.
    pub(super) async fn send(&self, event: Stamped) {
        tokio::select! {
            biased;
            // A closed channel means that there is no listener any more. The result does not depend on it.
            _ = self.events.send(event) => {}
            () = self.stop.hard() => {}
        }
    }

    pub(super) async fn phase(&self, attempt: u32, phase: Phase, argv: &[String]) {
        self.say(Event::Phase {
            job: self.job.clone(),
            part: self.part,
            attempt,
            phase,
            argv: argv.to_vec(),
        })
        .await;
    }

    pub(super) async fn notice(&self, level: Level, text: impl Into<String>) {
        self.say(Event::Notice { job: Some(self.job.clone()), level, text: text.into() }).await;
    }

    /// Reports names in the quarantine that readers of the mirror may find.
    pub(super) async fn unescaped(&self, left: Option<&Unescaped>, dest: &Path) {
        let Some(left) = left else { return };
        // What only another user can do is not worth a warning in each of our runs.
        let level = if left.is_of_others() { Level::Info } else { Level::Warning };
        if let Some(text) = left.text(dest) {
            self.notice(level, text).await;
        }
    }

    /// Reports directories whose modes were not restored.
    pub(super) async fn modes(&self, access: &WriteAccess, dest: &Path) {
        for text in access.take_troubles() {
            self.notice(Level::Warning, format!("{}: {text}", sanitize::path(&dest))).await;
        }
    }

    /// Shows lines of standard error that were held back.
    pub(super) async fn errors(&self, lines: Vec<u8>) {
        if !lines.is_empty() {
            self.send(self.output(Stream::Stderr, lines)).await;
        }
    }

    /// Lines as output of the job.
    pub(super) fn output(&self, stream: Stream, lines: Vec<u8>) -> Stamped {
        stamped(Event::Output { job: self.job.clone(), part: self.part, stream, lines: Lines::new(lines) })
    }
}
