//! A terminal whose cursor rests at the start of the last line.

use indicatif::TermLike;
use std::io;

/// The same terminal, except for the position of the cursor. Lines of bars are padded to the last column. A `^C` that the terminal echoes
/// there would start a line that is not counted, and one bar would remain when the bars are cleared.
#[derive(Debug, Clone)]
pub(super) struct CursorHomeTerminal<T>(pub(super) T);

impl<T: TermLike> TermLike for CursorHomeTerminal<T> {
    fn width(&self) -> u16 {
        self.0.width()
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.write_str("\r")?;
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::{InMemoryTerm, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

    #[test]
    fn an_echo_does_not_leave_a_bar_behind() {
        let term = InMemoryTerm::new(10, 30);
        let target = ProgressDrawTarget::term_like(Box::new(CursorHomeTerminal(term.clone())));
        let multi = MultiProgress::with_draw_target(target);
        let bars = ["one", "two"].map(|text| {
            let bar = multi
                .add(ProgressBar::new(1).with_style(ProgressStyle::with_template("{wide_msg}").unwrap()));
            bar.set_message(text);
            bar.tick();
            bar
        });
        let shown = term.contents();
        assert_eq!(shown.lines().map(str::trim_end).collect::<Vec<_>>(), ["one", "two"]);
        term.write_str("^C").unwrap();
        multi.suspend(|| term.write_line("a notice")).unwrap();
        bars.iter().for_each(ProgressBar::finish_and_clear);
        assert_eq!(term.contents().trim_end(), "a notice");
    }
}
