//! A tokenizer for CIF. It returns tokens for any bytes.
//!
//! The grammar is CIF 1.1's: blank-separated words; `'…'` and `"…"` end at a quote before a blank; a `;` at the start of a line opens
//! a text that the next one closes; `#` starts a comment. Lines end in LF; CR is a blank, so that CRLF needs no care.

use memchr::{memchr, memchr_iter};

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// `data_NAME`: the name, which may be empty.
    Data(&'a [u8]),
    /// `save_NAME`, which begins a save frame, or `save_` alone, which ends one.
    Save(&'a [u8]),
    /// `loop_`
    Loop,
    /// `_category.item`, with the underscore.
    Name(&'a [u8]),
    /// A value without its quotes. `None` for the bare words `?` ("unknown") and `.` ("not applicable").
    Value(Option<&'a [u8]>),
}

/// The tokens of a text, in order.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether a text field or a quoted string had no end. A quoted string then ends with its line. For a text field, the `;` that begins
    /// the next one was taken for its end.
    pub unterminated: bool,
}

fn blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0
}

/// Returns the position of the first byte from `at` on that may begin anything but a bare value, or the end. It checks 32 bytes per step.
fn next_special(bytes: &[u8], mut at: usize) -> usize {
    let special = |byte: u8| {
        [b'_', b'\'', b'"', b';', b'#'].iter().fold(0, |any, known| any | u8::from(byte == *known))
    };
    while let Some(some) = bytes[at..].first_chunk::<32>() {
        if some.iter().fold(0, |any, byte| any | special(*byte)) != 0 {
            break;
        }
        at += some.len();
    }
    bytes[at..].iter().position(|byte| special(*byte) != 0).map_or(bytes.len(), |n| at + n)
}

impl<'a> Tokens<'a> {
    /// Starts at the beginning of `bytes`, which is the beginning of a line.
    pub fn new(bytes: &'a [u8]) -> Self {
        Tokens { bytes, at: 0, unterminated: false }
    }

    /// Skips blanks and comments.
    fn skip_blanks(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte == b'#' {
                self.at = memchr(b'\n', &self.bytes[self.at..]).map_or(self.bytes.len(), |n| self.at + n);
            } else if blank(byte) {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    fn starts_line(&self) -> bool {
        self.at == 0 || self.bytes[self.at - 1] == b'\n'
    }

    /// Reads a text field. The position is at the opening `;`.
    fn text(&mut self) -> &'a [u8] {
        let body = self.at + 1;
        let rest = &self.bytes[body..];
        match memchr_iter(b'\n', rest).find(|end| rest.get(end + 1) == Some(&b';')) {
            Some(n) => {
                self.at = body + n + 2;
                self.bytes[body..body + n].strip_suffix(b"\r").unwrap_or(&self.bytes[body..body + n])
            }
            None => {
                self.unterminated = true;
                self.at = self.bytes.len();
                &self.bytes[body..]
            }
        }
    }

    /// Reads a quoted string. The position is at the opening quote. The string ends at the end of its line at the latest.
    fn quoted(&mut self, quote: u8) -> &'a [u8] {
        let body = self.at + 1;
        let line = memchr(b'\n', &self.bytes[body..]).map_or(self.bytes.len(), |n| body + n);
        let mut from = body;
        while let Some(n) = memchr(quote, &self.bytes[from..line]) {
            let end = from + n;
            if self.bytes.get(end + 1).is_none_or(|next| blank(*next)) {
                self.at = end + 1;
                return &self.bytes[body..end];
            }
            from = end + 1;
        }
        self.unterminated = true;
        self.at = line;
        let rest = &self.bytes[body..line];
        rest.strip_suffix(b"\r").unwrap_or(rest)
    }

    /// Skips values and returns the token after them. The result is the same as from calling [`Iterator::next`] until it returns no value,
    /// but bare values are not split.
    pub(super) fn behind_values(&mut self) -> Option<Token<'a>> {
        // A token begins here, whatever the byte before it.
        let mut free = self.at;
        let mut from = free;
        loop {
            let at = next_special(self.bytes, from);
            let begins = |at: usize| at == free || at > free && blank(self.bytes[at - 1]);
            // The keywords contain an underscore as their fifth byte.
            let keyword = at.checked_sub(4).filter(|start| {
                self.bytes.get(at) == Some(&b'_')
                    && begins(*start)
                    && [b"loop", b"data", b"save"]
                        .iter()
                        .any(|word| self.bytes[*start..at].eq_ignore_ascii_case(*word))
            });
            self.at = match keyword {
                Some(start) => start,
                None if at == self.bytes.len() || begins(at) => at,
                None => {
                    from = at + 1;
                    continue;
                }
            };
            match self.next() {
                Some(Token::Value(_)) => (free, from) = (self.at, self.at),
                other => return other,
            }
        }
    }

    fn bare(&mut self) -> &'a [u8] {
        let start = self.at;
        let rest = &self.bytes[start..];
        self.at = rest.iter().position(|b| blank(*b)).map_or(self.bytes.len(), |n| start + n);
        &self.bytes[start..self.at]
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let first = *self.bytes.get(self.at)?;
        match first {
            b';' if self.starts_line() => return Some(Token::Value(Some(self.text()))),
            b'\'' | b'"' => return Some(Token::Value(Some(self.quoted(first)))),
            _ => {}
        }
        let word = self.bare();
        Some(match word {
            [b'_', ..] => Token::Name(word),
            b"?" | b"." => Token::Value(None),
            _ if word.eq_ignore_ascii_case(b"loop_") => Token::Loop,
            _ => match word.split_at_checked(5) {
                Some((keyword, name)) if keyword.eq_ignore_ascii_case(b"data_") => Token::Data(name),
                Some((keyword, name)) if keyword.eq_ignore_ascii_case(b"save_") => Token::Save(name),
                _ => Token::Value(Some(word)),
            },
        })
    }
}
