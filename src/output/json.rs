//! One JSON object per line, as declared in `output/schema/`. An unknown figure is `null`.

use super::listener::ScreenListener;
use super::summary::verdict;
use super::text_listener::leveled;
use super::{Screen, schema};
use crate::model::event::{Event, Level, Stamped, Stream};
use crate::model::part::Part;
use crate::model::result::Status;
use crate::model::time::rfc3339;
use crate::output::terminal::{Text, append_line};
use serde::Serialize;
use std::io;

/// Version of the lines.
const VERSION: u32 = 1;

pub(super) struct Json {
    /// Buffer that is reused for every event.
    block: Vec<u8>,
}

/// A line of a child: the only line that occurs millions of times.
#[derive(Serialize)]
struct OutputLine<'a> {
    job: &'a str,
    stream: Stream,
    line: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
}

impl Json {
    pub(super) fn new() -> Self {
        Json { block: Vec::new() }
    }

    fn write(&mut self, stamped: &Stamped) -> io::Result<()> {
        let time = rfc3339(stamped.time);
        if let Event::Output { job, part, stream, lines } = &stamped.event {
            for line in lines.iter() {
                let line = &String::from_utf8_lossy(line);
                let line = OutputLine { job, stream: *stream, line, part: *part };
                append_line(&mut self.block, "output", &time, &line)?;
            }
            return Ok(());
        }
        let mut event = serde_json::to_value(&stamped.event)?;
        if let Event::RunStarted { .. } = stamped.event {
            event["v"] = VERSION.into();
        }
        let name = event["event"].as_str().unwrap_or_default().to_owned();
        append_line(&mut self.block, &name, &time, &schema::body("sync", &name, &event)?)
    }

    /// Prints on standard error what a person at the terminal should still see.
    fn alarm(&self, event: &Event, screen: &mut Screen) {
        let text = match event {
            Event::Notice { job, level, text } => (*level >= Level::Warning).then(|| {
                let job = job.as_deref().map_or(String::new(), |job| format!("[{job}] "));
                Text::from(job).with(leveled(*level, text))
            }),
            Event::JobFinished(result) => {
                matches!(result.status(), Status::Failed | Status::Blocked | Status::Partial)
                    .then(|| format!("[{}] {}", result.job, verdict(result)).into())
            }
            _ => None,
        };
        if let Some(text) = text {
            screen.err(&text.with("\n"));
        }
    }
}

impl ScreenListener for Json {
    fn name(&self) -> &str {
        "JSON"
    }

    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()> {
        if matches!(event.event, Event::StatusRequested) {
            return Ok(());
        }
        self.block.clear();
        self.write(event)?;
        screen.json(&self.block);
        self.alarm(&event.event, screen);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
