//! Text for people, in parts with or without a colour.

use super::excerpt;
use crate::model::sanitize;
use console::{Alignment, Style, measure_text_width, pad_str};
use std::fmt;
use std::ops::AddAssign;

/// Text that is safe for a terminal. Input is sanitized when it is added (see [`sanitize`]), so every escape sequence in the result of
/// [`Text::render`] is one of our colours.
#[derive(Debug, Clone, Default)]
pub struct Text(Vec<(String, Option<Style>)>);

impl Text {
    /// Creates an empty text.
    pub fn new() -> Self {
        Text::default()
    }

    /// Creates text with a colour, which is used if the stream gets colours.
    pub fn styled(text: &str, style: Style) -> Self {
        Text(vec![(sanitize::lines(text.as_bytes()).into_owned(), Some(style))])
    }

    /// Creates text from the bytes of a child or a file, with any number of lines.
    pub fn bytes(bytes: &[u8]) -> Self {
        Text(vec![(sanitize::lines(bytes).into_owned(), None)])
    }

    /// Appends more text.
    #[must_use]
    pub fn with(mut self, more: impl Into<Text>) -> Self {
        self += more;
        self
    }

    /// Joins the text to one line: line ends become spaces.
    #[must_use]
    pub fn one_line(mut self) -> Self {
        for (part, _) in &mut self.0 {
            if part.contains(['\n', '\t']) {
                *part = part.replace(['\n', '\t'], " ");
            }
        }
        self
    }

    /// Returns the width in terminal columns.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(part, _)| measure_text_width(part)).sum()
    }

    /// Returns the parts and their colours.
    pub(super) fn parts(&self) -> &[(String, Option<Style>)] {
        &self.0
    }

    /// Converts the text for a terminal that shows only ASCII ([`sanitize::ascii`]).
    #[must_use]
    pub fn ascii(mut self) -> Self {
        for (part, _) in &mut self.0 {
            if !part.is_ascii() {
                *part = excerpt::ascii(part);
            }
        }
        self
    }

    /// Pads the text with spaces to this many columns.
    #[must_use]
    pub fn pad(mut self, width: usize) -> Self {
        let fill = width.saturating_sub(self.width());
        if fill > 0 {
            self.0.push((pad_str("", fill, Alignment::Left, None).into_owned(), None));
        }
        self
    }

    /// Removes spaces and line ends at the end.
    #[must_use]
    pub fn trim_end(mut self) -> Self {
        while let Some((part, _)) = self.0.last_mut() {
            part.truncate(part.trim_end().len());
            if !part.is_empty() {
                break;
            }
            self.0.pop();
        }
        self
    }

    /// Renders the text for a stream.
    pub fn render(&self, colored: bool) -> String {
        let mut out = String::new();
        for (part, style) in &self.0 {
            match style {
                Some(style) if colored => {
                    out += &style.clone().force_styling(true).apply_to(part).to_string();
                }
                _ => out += part,
            }
        }
        out
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text::bytes(text.as_bytes())
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&Text> for Text {
    fn from(text: &Text) -> Self {
        text.clone()
    }
}

impl<T: Into<Text>> AddAssign<T> for Text {
    fn add_assign(&mut self, more: T) {
        self.0.extend(more.into().0);
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        *self += text;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn red(text: &str) -> Text {
        Text::styled(text, Style::new().red())
    }

    #[test]
    fn our_colours_survive_and_those_of_others_do_not() {
        let text = Text::from("a\u{1b}[1m ").with(red("b\u{1b}]0;t\u{7}")).with(String::from("\tc\r\n"));
        assert_eq!(text.render(false), "a\\u{1b}[1m b\\u{1b}]0;t\\u{7}\tc\\r\n");
        assert_eq!(text.render(true), "a\\u{1b}[1m \u{1b}[31mb\\u{1b}]0;t\\u{7}\u{1b}[0m\tc\\r\n");
        assert_eq!(text.one_line().trim_end().render(false), "a\\u{1b}[1m b\\u{1b}]0;t\\u{7} c\\r");
    }

    #[test]
    fn widths_are_those_of_what_is_shown() {
        let text = Text::from("蛋白").with(red("\u{202e}x"));
        assert_eq!(text.width(), 4 + "\\u{202e}x".len());
        assert_eq!(text.ascii().render(false), "\\u{86cb}\\u{767d}\\u{202e}x");
        assert_eq!(Text::from("a").with("b").pad(4).render(false), "ab  ");
        assert_eq!(Text::from("a").pad(4).trim_end().render(false), "a");
    }
}
