//! The two streams of the terminal, and what to do when one of them can no longer be written to.

use super::homing::Homing;
use super::text::visible;
use crate::result::Summary;
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Where a run is spoken about; tests hand in their own.
pub struct Streams {
    /// Standard output.
    pub out: Port,
    /// Standard error.
    pub err: Port,
    /// Where bars could be drawn.
    pub canvas: Option<Canvas>,
}

/// One stream.
pub struct Port {
    /// Takes the bytes; may block.
    pub writer: Box<dyn Write + Send>,
    /// Whether people look at it directly.
    pub terminal: bool,
}

/// A terminal for bars.
pub struct Canvas {
    target: ProgressDrawTarget,
    size: Box<dyn Fn() -> (u16, u16) + Send>,
}

impl Streams {
    /// The process's own streams.
    pub fn standard() -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let (out_terminal, err_terminal) = (out.is_terminal(), err.is_terminal());
        Streams {
            out: Port { writer: Box::new(out), terminal: out_terminal },
            err: Port { writer: Box::new(err), terminal: err_terminal },
            canvas: err_terminal.then(|| Canvas::new(Homing(console::Term::buffered_stderr()))),
        }
    }
}

impl Canvas {
    /// Bars on this terminal, redrawn at most twenty times a second.
    pub fn new<T: TermLike + Clone + 'static>(term: T) -> Self {
        let twin = term.clone();
        Canvas {
            target: ProgressDrawTarget::term_like_with_hz(Box::new(term), 20),
            size: Box::new(move || (twin.height(), twin.width())),
        }
    }

    /// The part that draws, and the part that knows rows and columns.
    pub(super) fn split(self) -> (MultiProgress, Box<dyn Fn() -> (u16, u16) + Send>) {
        (MultiProgress::with_draw_target(self.target), self.size)
    }
}

/// Both streams, the bars between them, and what was lost.
pub struct Screen {
    out: Voice,
    err: Voice,
    bars: Option<MultiProgress>,
    /// Whether GitHub's runner reads along.
    github: bool,
    gone: CancellationToken,
    lost: Vec<String>,
    warnings: Vec<String>,
}

struct Voice {
    name: &'static str,
    port: Port,
    color: bool,
    dead: bool,
}

/// How a stream wants its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// People look at it directly: pad, and let nothing steer the terminal.
    pub terminal: bool,
    /// Colours.
    pub color: bool,
}

impl Screen {
    /// `gone` is cancelled when the reader of either stream goes away.
    pub(super) fn new(out: (Port, bool), err: (Port, bool), gone: CancellationToken) -> Self {
        let voice = |name, (port, color)| Voice { name, port, color, dead: false };
        Screen {
            out: voice("standard output", out),
            err: voice("standard error", err),
            bars: None,
            github: false,
            gone,
            lost: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// From now on, text on a terminal goes above these bars.
    pub(super) fn put_above(&mut self, bars: MultiProgress) {
        self.bars = Some(bars);
    }

    /// From now on, nothing that is quoted can be taken for a command by GitHub's runner.
    pub(super) fn read_by_github(&mut self) {
        self.github = true;
    }

    /// Whether there are bars.
    pub fn has_bars(&self) -> bool {
        self.bars.is_some()
    }

    /// How standard output wants its text.
    pub fn out_look(&self) -> Look {
        self.out.look()
    }

    /// How standard error wants its text.
    pub fn err_look(&self) -> Look {
        self.err.look()
    }

    /// Whole lines to standard output, at once. A stream that fails once is silent from then on.
    pub fn out(&mut self, bytes: &[u8]) {
        let bytes = if self.github { harmless(bytes) } else { bytes.into() };
        if let Err(error) = self.out.write(&bytes, self.bars.as_ref()) {
            self.failed(self.out.name, &error);
        }
    }

    /// Whole lines to standard error, at once.
    pub fn err(&mut self, bytes: &[u8]) {
        let bytes = if self.github { harmless(bytes) } else { bytes.into() };
        if let Err(error) = self.err.write(&bytes, self.bars.as_ref()) {
            self.failed(self.err.name, &error);
        }
    }

    /// Tells something that the summary repeats. It changes no exit code.
    pub fn warn(&mut self, what: String) {
        self.err(format!("warning: {what}\n").as_bytes());
        self.remember(what);
    }

    /// The same for what has been told already.
    pub fn remember(&mut self, what: String) {
        if !self.warnings.contains(&what) {
            self.warnings.push(what);
        }
    }

    /// Tells, once, that output which was asked for will be missing, and remembers it for the end: the run counts as failed.
    pub fn lose(&mut self, what: String) {
        self.err(format!("warning: {what}\n").as_bytes());
        self.lost.push(what);
    }

    /// The summary with what is known by now of what could not be written.
    pub(super) fn complete(&self, summary: &Summary) -> Summary {
        Summary { warnings: self.warnings.clone(), unwritten: self.lost.clone(), ..summary.clone() }
    }

    /// What was lost, and the warnings.
    pub(super) fn into_told(self) -> (Vec<String>, Vec<String>) {
        (self.lost, self.warnings)
    }

    fn failed(&mut self, name: &str, error: &io::Error) {
        if error.kind() == io::ErrorKind::BrokenPipe {
            self.gone.cancel();
        } else {
            self.lose(format!("cannot write to {name}: {error}; nothing more is written there"));
        }
    }
}

impl Voice {
    fn look(&self) -> Look {
        Look { terminal: self.port.terminal, color: self.color }
    }

    fn write(&mut self, bytes: &[u8], bars: Option<&MultiProgress>) -> io::Result<()> {
        if self.dead || bytes.is_empty() {
            return Ok(());
        }
        let writer = &mut self.port.writer;
        let done = match bars {
            Some(bars) if self.port.terminal => bars.suspend(|| write_all(writer, bytes)),
            _ => write_all(writer, bytes),
        };
        self.dead = done.is_err();
        done
    }
}

/// Like `Write::write_all` and a flush, but patient with a stream that somebody else has made non-blocking (terminals
/// and pipes are shared with other programs).
fn write_all(writer: &mut dyn Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match writer.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(error) => patience(error)?,
        }
    }
    loop {
        match writer.flush() {
            Ok(()) => return Ok(()),
            Err(error) => patience(error)?,
        }
    }
}

fn patience(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock => {
            thread::sleep(Duration::from_millis(2));
            Ok(())
        }
        _ => Err(error),
    }
}

/// Text that may quote children, ready for a stream with this look.
pub(super) fn safe(bytes: &[u8], look: Look) -> Cow<'_, [u8]> {
    if look.terminal { visible(bytes) } else { bytes.into() }
}

/// The same lines without what GitHub's runner would take for a command wherever it stands.
fn harmless(lines: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(lines, b"##[").is_none() {
        return lines.into();
    }
    let mut out = Vec::with_capacity(lines.len());
    let mut rest = lines;
    while let Some(at) = memchr::memmem::find(rest, b"##[") {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"# #[");
        rest = &rest[at + 3..];
    }
    out.extend_from_slice(rest);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Broken, Heard};
    use std::fs::File;

    fn port(writer: impl Write + Send + 'static) -> (Port, bool) {
        (Port { writer: Box::new(writer), terminal: false }, false)
    }

    #[test]
    fn a_reader_that_goes_away_is_noticed_and_not_bothered_again() {
        let (err, gone) = (Heard::default(), CancellationToken::new());
        let mut screen = Screen::new(port(Broken), port(err.clone()), gone.clone());
        screen.out(b"a\n");
        assert!(gone.is_cancelled());
        screen.out(b"b\n");
        screen.err(b"still here\n");
        assert_eq!(err.text(), "still here\n");
        assert!(screen.into_told().0.is_empty());
    }

    #[test]
    fn a_full_disk_is_told_once() {
        let (err, gone) = (Heard::default(), CancellationToken::new());
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut screen = Screen::new(port(full), port(err.clone()), gone.clone());
        screen.out(b"a\n");
        screen.out(b"b\n");
        assert!(!gone.is_cancelled());
        let (lost, _) = screen.into_told();
        assert_eq!(lost.len(), 1, "{lost:?}");
        assert!(lost[0].contains("standard output: No space left on device"), "{lost:?}");
        assert_eq!(err.text(), format!("warning: {}\n", lost[0]));
    }

    #[test]
    fn a_stream_that_is_not_ready_is_waited_for() {
        struct Shy(Heard, bool);
        impl Write for Shy {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.1 = !self.1;
                if self.1 { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.write(&bytes[..1]) }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let heard = Heard::default();
        let mut screen = Screen::new(port(Shy(heard.clone(), false)), port(Broken), CancellationToken::new());
        screen.out(b"abc\n");
        assert_eq!(heard.text(), "abc\n");
    }
}
