//! One of the two output pipes of a child: read without blocking, split into lines, sent in blocks.

use super::child::LineHandler;
use super::job_events::JobEvents;
use super::line_splitter::LineSplitter;
use crate::model::event::{Stamped, Stream};
use std::io;
use std::os::fd::OwnedFd;
use tokio::net::unix::pipe::Receiver;

/// Bytes read at once. The output of a read is little longer, which bounds the memory of the events that wait.
const CHUNK: usize = 64 * 1024;

/// The reading end.
pub(super) struct Pipe {
    /// `None` once it is closed.
    end: Option<Receiver>,
    stream: Stream,
    lines: LineSplitter,
}

impl Pipe {
    /// Takes the reading end of the child's pipe.
    pub(super) fn new(end: OwnedFd, stream: Stream) -> io::Result<Self> {
        Ok(Pipe { end: Some(Receiver::from_owned_fd(end)?), stream, lines: LineSplitter::default() })
    }

    /// Whether the pipe is open.
    pub(super) fn is_open(&self) -> bool {
        self.end.is_some()
    }

    /// Waits until there is something to read; forever if the pipe is closed.
    pub(super) async fn ready(&self) {
        match &self.end {
            // An error appears again at the read.
            Some(end) => drop(end.readable().await),
            None => std::future::pending().await,
        }
    }

    /// Reads once, and passes completed lines to the handler; at the end of the pipe also the rest. Returns the output to send; `None` if no
    /// visible line was completed.
    pub(super) fn read(&mut self, job_events: &JobEvents, handler: &mut impl LineHandler) -> Option<Stamped> {
        let Pipe { end, stream, lines } = self;
        let open = end.as_ref()?;
        let (mut chunk, mut block) = ([0; CHUNK], Vec::new());
        let mut line = |line: &[u8]| handler.line(*stream, line, &mut block);
        let more = match open.try_read(&mut chunk) {
            Ok(length) if length > 0 => {
                lines.feed(&chunk[..length], &mut line);
                true
            }
            // A pipe that cannot be read counts as closed; the exit status decides.
            other => other.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock),
        };
        if !more {
            lines.finish(&mut line);
            *end = None;
        } else if !lines.begun().is_empty() {
            handler.begun(*stream, lines.begun());
        }
        (!block.is_empty()).then(|| job_events.output(*stream, block))
    }
}
