//! One of the two output pipes of a child: read without blocking, split into lines, sent in blocks.

use super::child::LineHandler;
use super::job_events::JobEvents;
use super::line_splitter::LineSplitter;
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
    /// Open, but not registered with the runtime.
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

/// Whether a read would return bytes or the end of the pipe.
fn has_something(end: &OwnedFd) -> bool {
    let mut asked = [PollFd::new(end, PollFlags::IN)];
    matches!(poll(&mut asked, Some(&Timespec::default())), Ok(1))
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
        Ok(Pipe { end: End::Open(Receiver::from_owned_fd(end)?), stream, lines: LineSplitter::default() })
    }

    /// Whether the pipe is open.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.end, End::Closed)
    }

    /// Lets output accumulate until [`Pipe::ready`] is called again. Otherwise, a child that writes word by word would wake us for each
    /// word.
    pub(super) fn rest(&mut self) {
        if let End::Open(_) = self.end
            && let End::Open(pipe) = std::mem::replace(&mut self.end, End::Closed)
            && let Ok(end) = pipe.into_nonblocking_fd()
        {
            self.end = End::Resting(end);
        }
    }

    /// Waits until there is something to read; forever if the pipe is closed.
    pub(super) async fn ready(&mut self) {
        if let End::Resting(end) = &self.end {
            // Accumulated output can be read without registering with the runtime.
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
            // An error appears again at the read.
            End::Open(pipe) => drop(pipe.readable().await),
            End::Resting(_) | End::Closed => std::future::pending().await,
        }
    }

    /// Reads once, and passes completed lines to the handler; at the end of the pipe also the rest.
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
            // A pipe that cannot be read counts as closed; the exit status decides.
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
