//! The marker of a job: a small file that the source changes with each release.

use super::source::Source;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Where the marker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marker {
    /// A path relative to the source; it may begin with `../`.
    Below(String),
    /// A file at an address of its own.
    At(Source),
}

impl FromStr for Marker {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("must not be empty: name a file, or leave the key out".into());
        }
        if text.contains(['\0', '\n']) {
            return Err("must be a path without line breaks".into());
        }
        if text.ends_with('/') {
            return Err(format!("{text:?} names a directory: name a file"));
        }
        if text.starts_with("rsync://") {
            let source = Source::parse(text, Path::new("/")).map_err(|error| error.to_string())?;
            return Ok(Marker::At(source));
        }
        let first = text.split('/').next().unwrap_or(text);
        if text.contains("://") || first.contains(':') {
            return Err(format!("{text:?} is neither a path below the source nor an rsync:// address"));
        }
        if text.starts_with('/') {
            return Err(format!(
                "{text:?} is not relative to the source: leave out the slash at its beginning"
            ));
        }
        let mut below = text;
        while let Some(rest) = below.strip_prefix("../") {
            below = rest;
        }
        if below.split('/').any(|name| matches!(name, "" | "." | "..")) {
            return Err(format!(
                "{text:?} must not contain empty components or `.`, and `..` only at its beginning"
            ));
        }
        Ok(Marker::Below(text.into()))
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Marker::Below(path) => f.write_str(path),
            Marker::At(source) => f.write_str(&source.text),
        }
    }
}
