//! One of the two pipes that a child speaks through: read without blocking, cut into lines, told in blocks.

use super::job_events::JobEvents;
use super::line_splitter::LineSplitter;
use super::process::LineHandler;
use crate::model::event::{Stamped, Stream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::OwnedFd;
use tokio::net::unix::pipe::Receiver;

/// The reading end.
pub(super) struct Pipe {
    end: End,
    stream: Stream,
    lines: LineSplitter,
}

enum End {
    Open(Receiver),
    /// Open, but nobody wakes us for it.
    Resting(OwnedFd),
    Closed,
}

impl End {
    fn read(&self, chunk: &mut [u8]) -> io::Result<usize> {
        match self {
            End::Open(pipe) => pipe.try_read(chunk),
            End::Resting(end) => Ok(rustix::io::read(end, chunk)?),
            End::Closed => Ok(0),
        }
    }
}

/// Whether a reading would bring bytes, or the end.
fn has_something(end: &OwnedFd) -> bool {
    let mut asked = [PollFd::new(end, PollFlags::IN)];
    matches!(poll(&mut asked, Some(&Timespec::default())), Ok(1))
}

/// What a reading brought.
pub(super) struct PipeRead {
    /// In bytes.
    pub(super) length: usize,
    /// What is to be told of it, if a line was completed that people should see.
    pub(super) event: Option<Stamped>,
}

impl Pipe {
    /// Takes over an end that the child has the other of.
    pub(super) fn new(end: OwnedFd, stream: Stream) -> io::Result<Self> {
        Ok(Pipe { end: End::Open(Receiver::from_owned_fd(end)?), stream, lines: LineSplitter::default() })
    }

    /// Whether something may still come.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.end, End::Closed)
    }

    /// Lets what comes pile up until [`Pipe::ready`] is called again. A child that writes word by word would wake us for
    /// each of them.
    pub(super) fn rest(&mut self) {
        if let End::Open(_) = self.end
            && let End::Open(pipe) = std::mem::replace(&mut self.end, End::Closed)
            && let Ok(end) = pipe.into_nonblocking_fd()
        {
            self.end = End::Resting(end);
        }
    }

    /// Waits until there is something to read; for ever, when nothing will come.
    pub(super) async fn ready(&mut self) {
        if let End::Resting(end) = &self.end {
            // What has piled up can be read without asking to be woken for it.
            if has_something(end) {
                return;
            }
            if let End::Resting(end) = std::mem::replace(&mut self.end, End::Closed)
                && let Ok(pipe) = Receiver::from_owned_fd_unchecked(end)
            {
                self.end = End::Open(pipe);
            }
        }
        match &self.end {
            // An error is met again by whoever reads.
            End::Open(pipe) => drop(pipe.readable().await),
            End::Resting(_) | End::Closed => std::future::pending().await,
        }
    }

    /// Reads once, and hands the lines that this completes to the handler; at the end of the pipe also what is left.
    pub(super) fn read(&mut self, job_events: &JobEvents, handler: &mut impl LineHandler) -> PipeRead {
        let Pipe { end, stream, lines } = self;
        if let End::Closed = end {
            return PipeRead { length: 0, event: None };
        }
        let mut block = job_events.buffers.block();
        let mut line = |line: &[u8]| handler.line(*stream, line, &mut block);
        let length = job_events.buffers.chunk(|chunk| match end.read(chunk) {
            Ok(length) if length > 0 => {
                lines.feed(&chunk[..length], &mut line);
                Some(length)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Some(0),
            // A pipe that cannot be read is as good as closed; the exit status decides.
            _ => None,
        });
        if length.is_none() {
            lines.finish(&mut line);
            *end = End::Closed;
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
