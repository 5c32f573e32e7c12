//! A full-screen display that is redrawn in place. The terminal is restored afterwards.

use super::{HANG, Text, TextStyle, Ui, streams};
use console::Term;
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use std::io::{self, Read};

/// The full-screen mode of the terminal, which ends on drop.
pub struct Watch {
    /// The previous settings of the terminal on standard input, if it is one.
    before: Option<Termios>,
}

impl Watch {
    /// Enters full-screen mode on standard output; `None` if it is not a terminal. Keys are read without a line end and are not echoed; ^C
    /// still sends a signal.
    pub fn start() -> io::Result<Option<Self>> {
        if !streams::is_terminal() {
            return Ok(None);
        }
        let before = termios::tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut raw = before.clone();
            raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            raw.special_codes[SpecialCodeIndex::VMIN] = 1;
            raw.special_codes[SpecialCodeIndex::VTIME] = 0;
            termios::tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        }
        let watch = Watch { before };
        // Alternate screen, hidden cursor.
        say(b"\x1b[?1049h\x1b[?25l\x1b[2J")?;
        Ok(Some(watch))
    }

    /// Draws lines from the top, as many as fit, in a single write to avoid flicker.
    pub fn draw(&self, lines: &[Text], ui: &Ui) -> io::Result<()> {
        let rows = usize::from(Term::stdout().size().0);
        say(frame(lines, rows, &ui.look()).as_bytes())
    }
}

/// Blocks until `q` is typed; returns `false` if no input is possible.
pub fn quit_typed() -> bool {
    let mut key = [0];
    loop {
        match io::stdin().lock().read(&mut key) {
            Ok(1) if matches!(key[0], b'q' | b'Q') => return true,
            Ok(1) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return false,
        }
    }
}

fn frame(lines: &[Text], rows: usize, look: &TextStyle) -> String {
    let mut frame = String::from("\x1b[H");
    let lines = lines.iter().flat_map(|line| look.lines(&line.clone().one_line(), HANG));
    for (n, line) in lines.take(rows).enumerate() {
        // A line end after the last row would scroll.
        frame += if n == 0 { "" } else { "\r\n" };
        frame += &line.render(look.color);
        frame += "\x1b[K";
    }
    frame + "\x1b[J"
}

fn say(bytes: &[u8]) -> io::Result<()> {
    streams::write(bytes)?;
    streams::finish()
}

impl Drop for Watch {
    fn drop(&mut self) {
        // If the terminal is gone, the failure cannot be reported.
        let _ = say(b"\x1b[?25h\x1b[?1049l");
        if let Some(before) = &self.before {
            let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_fits_the_screen_and_leaves_nothing_behind() {
        let lines = ["one", "a line too long", "three"].map(Text::from);
        let look = TextStyle { color: true, columns: Some(11), ascii: false };
        assert_eq!(frame(&lines, 2, &look), "\x1b[Hone\x1b[K\r\na line too\x1b[K\x1b[J");
        assert_eq!(frame(&lines, 3, &look), "\x1b[Hone\x1b[K\r\na line too\x1b[K\r\n  long\x1b[K\x1b[J");
        assert_eq!(frame(&[], 2, &look), "\x1b[H\x1b[J");
    }
}
