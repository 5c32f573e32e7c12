//! Paths in plans and journals: bytes relative to a root, always checked before use.

use crate::model::system_names;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// The name of our directory in a mirror.
pub const OURS: &[u8] = system_names::OURS.as_bytes();

/// The prefix of the name that an entry has between its capture and its deletion; the run and a hash follow. It is hidden, and does not
/// contain `.pdb`, which readers of mirrors look for.
pub const BESIDE: &[u8] = b".%pdb-sync-";

/// The prefix used by earlier versions, so that entries left by them are found.
pub const BESIDE_BEFORE: &[u8] = b".pdb-sync-";

/// Why a path is not a valid path below the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// It begins with a slash.
    #[error("is absolute")]
    Absolute,
    /// It has an empty, `.` or `..` component.
    #[error("has a component that is ., .. or empty")]
    Leads,
    /// It has a NUL.
    #[error("has a NUL character")]
    Nul,
    /// A component is longer than a file system takes.
    #[error("has a component of more than 255 bytes")]
    Long,
    /// It lies in the quarantine.
    #[error("lies in the quarantine")]
    Ours,
    /// It is not what JSON should hold: neither `path` nor `path_base64`, or both.
    #[error("is written in an unknown form")]
    Unreadable,
}

/// Checks that a path is plain and stays below the root.
pub fn check(path: &[u8]) -> Result<(), BadPath> {
    if path.is_empty() {
        return Err(BadPath::Empty);
    }
    if path[0] == b'/' {
        return Err(BadPath::Absolute);
    }
    if path.contains(&0) {
        return Err(BadPath::Nul);
    }
    for (n, part) in path.split(|b| *b == b'/').enumerate() {
        match part {
            b"" | b"." | b".." => return Err(BadPath::Leads),
            _ if part.len() > 255 => return Err(BadPath::Long),
            _ if n == 0 && part == OURS => return Err(BadPath::Ours),
            _ => {}
        }
    }
    Ok(())
}

/// Splits a path into its parent (empty for the root) and its name.
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// A path as in JSON: `path`, or `path_base64` if it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub(super) struct PathText {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    path_base64: Option<String>,
}

/// A path to be written as [`PathText`].
pub(super) struct Spelled<'a>(pub(super) &'a [u8]);

impl Serialize for Spelled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match std::str::from_utf8(self.0) {
            Ok(text) => map.serialize_entry("path", text)?,
            Err(_) => map.serialize_entry("path_base64", &STANDARD.encode(self.0))?,
        }
        map.end()
    }
}

impl From<&[u8]> for PathText {
    fn from(path: &[u8]) -> Self {
        match std::str::from_utf8(path) {
            Ok(text) => PathText { path: Some(text.into()), path_base64: None },
            Err(_) => PathText { path: None, path_base64: Some(STANDARD.encode(path)) },
        }
    }
}

impl PathText {
    pub(super) fn of(path: Option<String>, path_base64: Option<String>) -> Self {
        PathText { path, path_base64 }
    }

    /// Returns `path` and `path_base64`; exactly one of them is `Some`.
    pub(super) fn parts(self) -> (Option<String>, Option<String>) {
        (self.path, self.path_base64)
    }

    /// Returns the checked bytes, or an empty path for the root.
    pub(super) fn bytes_or_root(self) -> Result<Vec<u8>, BadPath> {
        let root = self.path.as_deref() == Some("") && self.path_base64.is_none();
        if root { Ok(Vec::new()) } else { self.bytes() }
    }

    /// Returns the checked bytes.
    pub(super) fn bytes(self) -> Result<Vec<u8>, BadPath> {
        let bytes = match (self.path, self.path_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => STANDARD.decode(text).map_err(|_| BadPath::Unreadable)?,
            _ => return Err(BadPath::Unreadable),
        };
        check(&bytes)?;
        Ok(bytes)
    }
}
