//! Lines of output, in memory that can be lent.

use serde::{Serialize, Serializer};
use std::sync::Arc;

/// One or more lines as bytes, each ended by `\n` (added if the child omitted it). Contains no `\r` and no other framing. Any other byte
/// may occur, since names on disk need not be UTF-8.
pub struct Lines {
    bytes: Vec<u8>,
    owner: Option<Arc<dyn BufferOwner>>,
}

/// Owner of the memory of lines. It takes the memory back when the lines are dropped.
pub trait BufferOwner: Send + Sync {
    /// Takes the memory back. Its contents are irrelevant.
    fn take_back(&self, memory: Vec<u8>);
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        String::from_utf8_lossy(&self.bytes).fmt(f)
    }
}

impl PartialEq for Lines {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Lines {}

/// A copy has its own memory.
impl Clone for Lines {
    fn clone(&self) -> Self {
        Lines { bytes: self.bytes.clone(), owner: None }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some(owner) = &self.owner {
            owner.take_back(std::mem::take(&mut self.bytes));
        }
    }
}

impl Lines {
    /// Takes whole lines; appends `\n` if the last line has none.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        if bytes.last().is_some_and(|b| *b != b'\n') {
            bytes.push(b'\n');
        }
        Lines { bytes, owner: None }
    }

    /// Like [`Lines::new`], in memory that is returned to `owner` on drop.
    pub fn lent(bytes: Vec<u8>, owner: Arc<dyn BufferOwner>) -> Self {
        let mut lines = Lines::new(bytes);
        lines.owner = Some(owner);
        lines
    }

    /// Returns all lines with their line ends.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the lines without their line ends.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let body = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let lines = (!self.bytes.is_empty()).then(|| body.split(|b| *b == b'\n'));
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
