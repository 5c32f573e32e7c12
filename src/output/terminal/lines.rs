//! Writes many lines in blocks, and formats paths for terminals and scripts.

use super::{Ui, append_line};
use crate::model::sanitize;
use crate::model::time::rfc3339;
use base64::Engine;
use jiff::Timestamp;
use serde::Serialize;
use std::io;

/// The size of a block in bytes.
const BLOCK: usize = 64 * 1024;

/// Collects lines and writes them in blocks, so that a million lines do not need a million writes.
#[derive(Debug)]
pub struct Lines<'a> {
    ui: &'a Ui,
    text: Vec<u8>,
    /// The time of the lines in `text`.
    time: String,
}

impl<'a> Lines<'a> {
    /// Collects lines for standard output.
    pub fn new(ui: &'a Ui) -> Self {
        Lines { ui, text: Vec::new(), time: String::new() }
    }

    /// Adds one of the things that a command lists: with `--json` as an object, otherwise as a line of text. All objects of a block have
    /// the same time.
    pub fn item<B: Serialize>(
        &mut self,
        event: &str,
        body: impl FnOnce() -> B,
        text: impl FnOnce() -> String,
    ) -> io::Result<()> {
        if self.ui.json {
            if self.text.is_empty() {
                self.time = rfc3339(Timestamp::now());
            }
            append_line(&mut self.text, event, &self.time, &body())?;
        } else {
            self.text.extend_from_slice(text().as_bytes());
            self.text.push(b'\n');
        }
        if self.text.len() < BLOCK { Ok(()) } else { self.flush() }
    }

    /// Adds a heading, which only text has.
    pub fn heading(&mut self, line: &str) {
        if !self.ui.json {
            self.text.extend_from_slice(line.as_bytes());
            self.text.push(b'\n');
        }
    }

    /// Writes the remaining lines.
    pub fn flush(&mut self) -> io::Result<()> {
        if !self.text.is_empty() {
            match self.ui.json {
                true => self.ui.json_lines(&self.text)?,
                false => self.ui.lines(&self.text)?,
            }
            self.text.clear();
        }
        Ok(())
    }
}

/// Returns a path for display.
pub fn shown(path: &[u8]) -> String {
    sanitize::name(path).into_owned()
}

/// A path in JSON: `path`, or `path_base64` if it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsonPath {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
}

impl From<Vec<u8>> for JsonPath {
    fn from(path: Vec<u8>) -> Self {
        match String::from_utf8(path) {
            Ok(path) => JsonPath { path: Some(path), path_base64: None },
            Err(error) => {
                let path = base64::engine::general_purpose::STANDARD.encode(error.as_bytes());
                JsonPath { path: None, path_base64: Some(path) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_safe_to_show_and_exact_in_json() {
        assert_eq!(shown(b"a/\xffb\x1b[31m\n"), "a/\\xffb\\u{1b}[31m\\n");
        assert_eq!(shown("é".as_bytes()), "é");
        assert_eq!(shown("a\u{202e}gpj.exe\u{2028}".as_bytes()), "a\\u{202e}gpj.exe\\u{2028}");
        let json = |path: &[u8]| serde_json::to_string(&JsonPath::from(path.to_vec())).unwrap();
        assert_eq!(json(b"a\nb"), r#"{"path":"a\nb"}"#);
        assert_eq!(json(b"\xff\x00"), r#"{"path_base64":"/wA="}"#);
    }
}
