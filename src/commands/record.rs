//! Makes the history a listener of a run.

use crate::history::Recorder;
use crate::model::event::{Event, Stamped};
use crate::output::{Listener, Screen};
use std::io;
use std::time::Duration;

/// The time limit for the history at the end of a run. A disk that takes longer for a row has other problems.
const PATIENCE: Duration = Duration::from_secs(10);

/// Passes events to the history and reports before the summary what could not be recorded. This is never an error of the run.
pub(super) struct Record {
    recorder: Recorder,
}

impl Record {
    pub(super) fn boxed(recorder: Recorder) -> Box<dyn Listener> {
        Box::new(Record { recorder })
    }
}

impl Listener for Record {
    fn name(&self) -> &str {
        "the history"
    }

    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()> {
        self.recorder.hear(event);
        if matches!(event.event, Event::RunFinished(_)) {
            for problem in self.recorder.finish(PATIENCE) {
                screen.warn(problem);
            }
        }
        Ok(())
    }
}
