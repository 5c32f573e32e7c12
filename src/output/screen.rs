//! The two streams of the terminal. A stream that fails is no longer written to.

use super::cursor_home::CursorHomeTerminal;
use super::text::prefix_lines;
use crate::model::event::{Stream, Warnings};
use crate::model::sanitize;
use crate::model::summary::Summary;
use crate::output::terminal::{Color, Environment, HANG, Text, TextStyle, columns, streams, warning};
use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};
use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

/// Minimum number of columns beside a prefix.
const NARROW: usize = 20;

/// The streams for the output of a run; tests use their own.
pub struct Streams {
    /// Standard output.
    pub out: Port,
    /// Standard error.
    pub err: Port,
    /// The terminal on which bars can be drawn.
    pub canvas: Option<Canvas>,
}

/// One stream.
pub struct Port {
    /// Takes the bytes; may block.
    pub writer: Box<dyn Write + Send>,
    /// Returns the current width in columns, if the stream is a terminal.
    pub columns: Option<Columns>,
}

/// Returns the width of a terminal.
pub type Columns = Box<dyn Fn() -> usize + Send>;

/// A terminal for bars.
pub struct Canvas {
    target: ProgressDrawTarget,
    size: Box<dyn Fn() -> (u16, u16) + Send>,
}

impl Streams {
    /// The streams of the process.
    pub fn standard() -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let (out_terminal, err_terminal) = (out.is_terminal(), err.is_terminal());
        let width = |term: Term| -> Columns { Box::new(move || columns(&term)) };
        Streams {
            out: Port { writer: Box::new(out), columns: out_terminal.then(|| width(Term::stdout())) },
            err: Port { writer: Box::new(err), columns: err_terminal.then(|| width(Term::stderr())) },
            canvas: err_terminal.then(|| Canvas::new(CursorHomeTerminal(Term::buffered_stderr()))),
        }
    }
}

impl Canvas {
    /// Bars on this terminal, redrawn at most twenty times per second.
    pub fn new<T: TermLike + Clone + 'static>(term: T) -> Self {
        let twin = term.clone();
        Canvas {
            target: ProgressDrawTarget::term_like_with_hz(Box::new(term), 20),
            size: Box::new(move || (twin.height(), twin.width())),
        }
    }

    /// Splits the canvas into the part that draws and a function that returns rows and columns.
    pub(super) fn split(self) -> (MultiProgress, Box<dyn Fn() -> (u16, u16) + Send>) {
        (MultiProgress::with_draw_target(self.target), self.size)
    }
}

/// Both streams, the bars between them, and the output that was lost.
pub struct Screen {
    out: StreamState,
    err: StreamState,
    bars: Option<MultiProgress>,
    /// Whether GitHub's runner reads the output.
    github: bool,
    lost: Vec<String>,
    warnings: Vec<String>,
}

struct StreamState {
    port: Port,
    color: bool,
    /// Whether it is a terminal that shows only ASCII.
    ascii: bool,
    /// Whether writing has failed (the reader is gone, the disk is full). The run continues without this stream.
    dead: bool,
    /// Reused for every block.
    block: Vec<u8>,
}

impl Screen {
    /// Standard output and standard error.
    pub(super) fn new(out: Port, err: Port, color: Color, environment: &Environment) -> Self {
        let state = |port: Port| {
            let look = TextStyle::new(color, port.columns.as_ref().map(|columns| columns()), environment);
            StreamState { port, color: look.color, ascii: look.ascii, dead: false, block: Vec::new() }
        };
        Screen {
            out: state(out),
            err: state(err),
            bars: None,
            github: false,
            lost: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Prints text on a terminal above these bars from now on.
    pub(super) fn put_above(&mut self, bars: MultiProgress) {
        self.bars = Some(bars);
    }

    /// From now on, prevents GitHub's runner from interpreting quoted text as a command.
    pub(super) fn read_by_github(&mut self) {
        self.github = true;
    }

    /// Whether there are bars.
    pub fn has_bars(&self) -> bool {
        self.bars.is_some()
    }

    /// Returns the current style of a stream.
    pub fn look(&self, stream: Stream) -> TextStyle {
        match stream {
            Stream::Stdout => self.out.look(),
            Stream::Stderr => self.err.look(),
        }
    }

    /// Writes whole lines to standard output, in one write. After a failure the stream gets no more output.
    pub fn out(&mut self, text: &Text) {
        self.out.say(text, self.bars.as_ref(), self.github);
    }

    /// Writes a line of ours to standard output as it is, with the control characters that the reader of the output interprets.
    pub(super) fn marker(&mut self, line: &str) {
        self.out.write(line.as_bytes(), self.bars.as_ref(), self.github);
    }

    /// Writes whole lines to standard error, in one write.
    pub fn err(&mut self, text: &Text) {
        self.err.say(text, self.bars.as_ref(), self.github);
    }

    /// Writes whole lines of ours, in one write, each after `prefix`, continuation lines included.
    pub fn told(&mut self, stream: Stream, prefix: &Text, text: &Text) {
        let look = self.look(stream);
        let room = look.columns.map(|columns| columns.saturating_sub(prefix.width()));
        // A very long name leaves no room; then lines are wrapped without regard to the prefix.
        let room = room.filter(|room| *room >= NARROW).unwrap_or(usize::MAX);
        let mut all = Text::new();
        for line in (TextStyle { columns: Some(room), ..look }).lines(text, HANG) {
            all = all.with(prefix).with(line).with("\n");
        }
        self.state_and_bars(stream, |state, bars, github| state.say(&all, bars, github));
    }

    fn state_and_bars(
        &mut self,
        stream: Stream,
        act: impl FnOnce(&mut StreamState, Option<&MultiProgress>, bool),
    ) {
        let state = match stream {
            Stream::Stdout => &mut self.out,
            Stream::Stderr => &mut self.err,
        };
        act(state, self.bars.as_ref(), self.github);
    }

    /// Writes whole lines of a child, in one write, each after `prefix`. They are not wrapped.
    pub fn lines(&mut self, stream: Stream, prefix: &Text, lines: &[u8]) {
        self.state_and_bars(stream, |state, bars, github| {
            let mut block = std::mem::take(&mut state.block);
            block.clear();
            let prefix = prefix.render(state.color);
            let lines = sanitize::lines(lines);
            let lines = if state.ascii { sanitize::ascii(&lines) } else { lines.as_ref().into() };
            prefix_lines(prefix.as_bytes(), lines.as_bytes(), &mut block);
            state.write(&block, bars, github);
            state.block = block;
        });
    }

    /// Writes whole lines of JSON to standard output, in one write.
    pub fn json(&mut self, lines: &[u8]) {
        match self.out.port.columns.is_some() {
            true => {
                let text = String::from_utf8_lossy(lines);
                let text = sanitize::json(&text, self.out.ascii);
                self.out.write(text.as_bytes(), self.bars.as_ref(), false);
            }
            false => self.out.write(lines, self.bars.as_ref(), false),
        }
    }

    /// Prints a warning that requested output will be missing, and records it: the run counts as failed.
    pub fn lose(&mut self, what: String) {
        self.print(&what);
        self.lost.push(what);
    }

    /// Returns the summary with the output that could not be written so far.
    pub(super) fn complete(&self, summary: &Summary) -> Summary {
        Summary { warnings: self.warnings.clone(), unwritten: self.lost.clone(), ..summary.clone() }
    }

    /// Returns the lost output and the warnings.
    pub(super) fn into_told(self) -> (Vec<String>, Vec<String>) {
        (self.lost, self.warnings)
    }
}

impl Warnings for Screen {
    fn print(&mut self, text: &str) {
        self.err(&warning(text).one_line().with("\n"));
    }

    fn remember(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }
}

impl StreamState {
    fn look(&self) -> TextStyle {
        let columns = self.port.columns.as_ref().map(|columns| columns());
        TextStyle { color: self.color, columns, ascii: self.ascii }
    }

    fn say(&mut self, text: &Text, bars: Option<&MultiProgress>, github: bool) {
        self.write(self.look().render(text, HANG).as_bytes(), bars, github);
    }

    fn write(&mut self, bytes: &[u8], bars: Option<&MultiProgress>, github: bool) {
        if self.dead || bytes.is_empty() {
            return;
        }
        let bytes = if github { harmless(bytes) } else { bytes.into() };
        let writer = &mut self.port.writer;
        let mut write = || streams::write_all(writer, &bytes).and_then(|()| streams::flush(writer));
        let done = match bars {
            Some(bars) if self.port.columns.is_some() => bars.suspend(write),
            _ => write(),
        };
        self.dead = done.is_err();
    }
}

/// Returns the same lines without text that GitHub's runner takes for a command at any position.
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
    use crate::output::testing::{Broken, Heard};
    use std::fs::File;

    fn port(writer: impl Write + Send + 'static) -> Port {
        Port { writer: Box::new(writer), columns: None }
    }

    fn screen(out: Port, err: Port) -> Screen {
        Screen::new(out, err, Color::Never, &Environment { utf8: true, ..Environment::default() })
    }

    fn terminal(writer: impl Write + Send + 'static, columns: usize) -> Port {
        Port { writer: Box::new(writer), columns: Some(Box::new(move || columns)) }
    }

    #[test]
    fn a_stream_that_fails_is_silent_and_the_other_goes_on() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        for out in [port(Broken), port(full)] {
            let err = Heard::default();
            let mut screen = screen(out, port(err.clone()));
            screen.out(&"a\n".into());
            screen.json(b"{}\n");
            screen.err(&"still here\n".into());
            assert_eq!(err.text(), "still here\n");
            assert_eq!(screen.into_told(), (vec![], vec![]));
        }
    }

    #[test]
    fn nothing_foreign_steers_a_terminal() {
        for on_terminal in [false, true] {
            let out = Heard::default();
            let stream = if on_terminal { terminal(out.clone(), 80) } else { port(out.clone()) };
            let mut screen = screen(stream, port(Broken));
            screen.out(&"a\u{1b}[1m\n".into());
            screen.lines(Stream::Stdout, &"[\u{202e}] ".into(), b"\xff\x9b\n");
            screen.json("\"\u{202e}\"\n".as_bytes());
            let json = if on_terminal { r"\u202e" } else { "\u{202e}" };
            assert_eq!(out.text(), format!("a\\u{{1b}}[1m\n[\\u{{202e}}] \\xff\\x9b\n\"{json}\"\n"));
        }
    }

    #[test]
    fn a_terminal_without_utf8_gets_ascii_only() {
        let out = Heard::default();
        let mut screen =
            Screen::new(terminal(out.clone(), 80), port(Broken), Color::Never, &Environment::default());
        screen.out(&"…é\n".into());
        screen.told(Stream::Stdout, &"[蛋] ".into(), &"a…".into());
        screen.lines(Stream::Stdout, &"[a] ".into(), "é…\n".as_bytes());
        screen.json("\"é\"\n".as_bytes());
        assert_eq!(out.text(), "...\\u{e9}\n[\\u{86cb}] a...\n[a] \\u{e9}...\n\"\\u00e9\"\n");
    }

    #[test]
    fn what_we_say_fits_and_what_children_say_stays() {
        let out = Heard::default();
        let mut screen = screen(terminal(out.clone(), 30), port(Broken));
        screen.told(Stream::Stdout, &"[mmcif] ".into(), &"there is no room; 25.3 GB are needed".into());
        screen.lines(Stream::Stdout, &"[mmcif] ".into(), b"a line of a child that is long\n");
        screen.out(&"  hint: one that is rather long\n".into());
        assert_eq!(
            out.text(),
            "[mmcif] there is no room;\n[mmcif]   25.3 GB are needed\n[mmcif] a line of a child that is long\n\
             \u{20} hint: one that is rather\n    long\n"
        );
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
        let mut screen = screen(port(Shy(heard.clone(), false)), port(Broken));
        screen.out(&"abc\n".into());
        assert_eq!(heard.text(), "abc\n");
    }
}
