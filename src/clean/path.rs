//! Paths in plans and journals: bytes relative to a root, and never believed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// The directory of ours in a mirror.
pub const OURS: &[u8] = b".pdb-sync";

/// How the names begin that entries have between their capture and their deletion; the run and a hash follow. Hidden, and
/// without the `.pdb` that readers of mirrors look for.
pub const BESIDE: &[u8] = b".%pdb-sync-";

/// The same as earlier versions had it: what they left is still found.
pub const BESIDE_BEFORE: &[u8] = b".pdb-sync-";

/// Why a path is no path below the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// It begins with a slash.
    #[error("is absolute")]
    Absolute,
    /// It has an empty, `.` or `..` component.
    #[error("has a component that leads elsewhere (., .. or nothing)")]
    Leads,
    /// It has a NUL.
    #[error("has a NUL character")]
    Nul,
    /// A component is longer than a file system takes.
    #[error("has a component of more than 255 bytes")]
    Long,
    /// It lies in our own quarantine.
    #[error("lies in our own quarantine")]
    Ours,
    /// It is not what JSON should hold: neither `path` nor `path_base64`, or both.
    #[error("is written in a way that nobody can read")]
    Unreadable,
}

/// Whether a path is plain and stays below the root.
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

/// The path above (empty: the root) and the name.
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// As JSON has it: `path`, or `path_base64` for one that is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub(super) struct PathText {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    path_base64: Option<String>,
}

/// The same for writing.
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

    /// `path` and `path_base64`, exactly one of which is there.
    pub(super) fn parts(self) -> (Option<String>, Option<String>) {
        (self.path, self.path_base64)
    }

    /// The same, or nothing for the root itself.
    pub(super) fn bytes_or_root(self) -> Result<Vec<u8>, BadPath> {
        let root = self.path.as_deref() == Some("") && self.path_base64.is_none();
        if root { Ok(Vec::new()) } else { self.bytes() }
    }

    /// The bytes, checked.
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
