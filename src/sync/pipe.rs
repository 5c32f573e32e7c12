//! One of the two output pipes of a child: read without blocking, split into lines, sent in blocks.

use super::job_events::JobEvents;
use super::line_splitter::LineSplitter;
use super::process::LineHandler;
use crate::model::event::{Stamped, Stream};
use std::io;
use std::os::fd::OwnedFd;
use tokio::net::unix::pipe::Receiver;

/// The reading end.
pub(super) struct Pipe {
    /// `None` once it is closed.
    end: Option<Receiver>,
    stream: Stream,
    lines: LineSplitter,
}

/// The result of a read.
pub(super) struct PipeRead {
    /// Bytes read.
    pub(super) length: usize,
    /// The output to send; `None` if no visible line was completed.
    pub(super) event: Option<Stamped>,
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

    /// Reads once, and passes completed lines to the handler; at the end of the pipe also the rest.
    pub(super) fn read(&mut self, job_events: &JobEvents, handler: &mut impl LineHandler) -> PipeRead {
        let Pipe { end, stream, lines } = self;
        let Some(open) = end else { return PipeRead { length: 0, event: None } };
        let mut block = job_events.buffers.block();
        let mut line = |line: &[u8]| handler.line(*stream, line, &mut block);
        let length = job_events.buffers.chunk(|chunk| match open.try_read(chunk) {
            Ok(length) if length > 0 => {
                lines.feed(&chunk[..length], &mut line);
                Some(length)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(0),
            // A pipe that cannot be read counts as closed; the exit status decides.
            _ => None,
        });
        if length.is_none() {
            lines.finish(&mut line);
            *end = None;
        } else if !lines.begun().is_empty() {
            handler.begun(*stream, lines.begun());
        }
        let length = length.unwrap_or(0);
        if block.is_empty() {
            job_events.buffers.take_back(block);
            return PipeRead { length, event: None };
        }
        PipeRead { length, event: Some(job_events.output(*stream, block)) }
    }
}
