//! Lines of output.

use serde::{Serialize, Serializer};

/// One or more lines as bytes, each ended by `\n` (added if the child omitted it). Contains no `\r` and no other framing. Any other byte
/// may occur, since names on disk need not be UTF-8.
#[derive(Clone, PartialEq, Eq)]
pub struct Lines(Vec<u8>);

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        String::from_utf8_lossy(&self.0).fmt(f)
    }
}

impl Lines {
    /// Takes whole lines; appends `\n` if the last line has none.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        if bytes.last().is_some_and(|b| *b != b'\n') {
            bytes.push(b'\n');
        }
        Lines(bytes)
    }

    /// Returns all lines with their line ends.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the lines without their line ends.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let body = self.0.strip_suffix(b"\n").unwrap_or(&self.0);
        let lines = (!self.0.is_empty()).then(|| body.split(|b| *b == b'\n'));
        lines.into_iter().flatten()
    }
}

/// A list of text, one item for each line; U+FFFD stands for what is not UTF-8.
impl Serialize for Lines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(String::from_utf8_lossy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole() {
        let lines = |text: &str| Lines::new(text.into()).iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(lines("a\nb"), [b"a", b"b"]);
        assert_eq!(lines("a\n\n"), [b"a".to_vec(), b"".to_vec()]);
        assert_eq!(lines("\n"), [b""]);
        assert!(lines("").is_empty());
    }
}
