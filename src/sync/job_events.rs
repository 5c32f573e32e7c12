//! How a job speaks: facts in order through one bounded channel, progress by the latest value.

use super::buffers::Buffers;
use super::stop::Stop;
use crate::clean::removal::{Unescaped, WriteAccess};
use crate::model::event::{Event, Level, Phase, Progress, Stamped, Stream};
use crate::model::sanitize;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Sends the events of one job.
#[derive(Debug, Clone)]
pub(super) struct JobEvents {
    pub(super) job: Arc<str>,
    pub(super) events: mpsc::Sender<Stamped>,
    pub(super) progress: watch::Sender<Option<Progress>>,
    pub(super) stop: Stop,
    pub(super) buffers: Buffers,
}

/// Stamps an event with the time.
pub(super) fn stamped(event: Event) -> Stamped {
    Stamped { time: Timestamp::now(), event }
}

impl JobEvents {
    /// Tells a fact, and waits for a slow listener; only a run that ends now does not wait.
    pub(super) async fn say(&self, event: Event) {
        tokio::select! {
            biased;
            // A closed channel: nobody listens any more, and the result does not depend on it.
            _ = self.events.send(stamped(event)) => {}
            () = self.stop.hard() => {}
        }
    }

    pub(super) async fn phase(&self, attempt: u32, phase: Phase, argv: &[String]) {
        self.say(Event::Phase { job: self.job.clone(), attempt, phase, argv: argv.to_vec() }).await;
    }

    pub(super) async fn notice(&self, level: Level, text: impl Into<String>) {
        self.say(Event::Notice { job: Some(self.job.clone()), level, text: text.into() }).await;
    }

    /// Tells of names in the quarantine that readers of the mirror may find.
    pub(super) async fn unescaped(&self, left: Option<&Unescaped>, dest: &Path) {
        let Some(left) = left else { return };
        // What nobody but another user can do is no warning in each run of ours.
        let level = if left.is_of_others() { Level::Info } else { Level::Warning };
        if let Some(text) = left.text(dest) {
            self.notice(level, text).await;
        }
    }

    /// Tells of directories that did not get their modes back.
    pub(super) async fn modes(&self, access: &WriteAccess, dest: &Path) {
        for text in access.take_troubles() {
            self.notice(Level::Warning, format!("{}: {text}", sanitize::path(&dest))).await;
        }
    }

    /// Lines in the job's name; the block is one of our buffers.
    pub(super) fn output(&self, stream: Stream, block: Vec<u8>) -> Stamped {
        stamped(Event::Output { job: self.job.clone(), stream, lines: self.buffers.lines(block) })
    }
}
