//! Reads other text, up to a limit.

use super::model::{Entry, Kind};
use std::io::{self, Read};

/// A file with a NUL in this number of first bytes is not text.
const PROBE: usize = 8 << 10;

/// Returns the first `limit` bytes as text, or only the name if the file is not text.
pub(super) fn entry(reader: impl Read, limit: usize) -> io::Result<Entry> {
    let mut bytes = Vec::new();
    reader.take(limit as u64).read_to_end(&mut bytes)?;
    let probe = &bytes[..bytes.len().min(PROBE)];
    if limit == 0 || memchr::memchr(0, probe).is_some() {
        return Ok(Entry { kind: Kind::Name, ..Entry::default() });
    }
    let text = String::from_utf8(bytes).unwrap_or_else(|error| {
        // A character that is cut by the limit does not make the text Latin-1.
        let (valid, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
        if bytes.len() - valid < 4 {
            String::from_utf8_lossy(&bytes[..valid]).into_owned()
        } else {
            bytes.iter().map(|b| char::from(*b)).collect()
        }
    });
    let title = text.lines().map(str::trim).find(|line| !line.is_empty());
    let title = title.map(|line| line.chars().filter(|c| !c.is_control()).take(200).collect());
    Ok(Entry { kind: Kind::Text, title, text: Some(text), ..Entry::default() })
}
