//! Names and paths that a scan skips.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns of names and paths.
#[derive(Debug, Clone, Default)]
pub struct Excludes {
    patterns: Vec<String>,
    names: GlobSet,
    paths: GlobSet,
    any_path: bool,
}

/// An invalid pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is not a pattern: {why}")]
pub struct BadGlob {
    /// The pattern as given.
    pub pattern: String,
    /// The reason.
    pub why: String,
}

impl Excludes {
    /// Parses patterns: `*`, `?`, `[…]`, `{a,b}`, `**`. A pattern without a slash matches names at any depth, one with a slash matches
    /// paths from the root (a leading slash is allowed). A trailing slash is ignored.
    pub fn new(patterns: &[String]) -> Result<Self, BadGlob> {
        let bad = |pattern: &str, error: globset::Error| BadGlob {
            pattern: pattern.into(),
            why: error.kind().to_string(),
        };
        let (mut names, mut paths) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let mut any_path = false;
        for pattern in patterns {
            let text = pattern.strip_suffix('/').unwrap_or(pattern);
            let of_path = text.contains('/');
            let text = text.strip_prefix('/').unwrap_or(text);
            let glob = GlobBuilder::new(text).literal_separator(true).build().map_err(|e| bad(pattern, e))?;
            if of_path {
                paths.add(glob);
                any_path = true;
            } else {
                names.add(glob);
            }
        }
        let build = |set: GlobSetBuilder| set.build().map_err(|e| bad("", e));
        Ok(Excludes { patterns: patterns.to_vec(), names: build(names)?, paths: build(paths)?, any_path })
    }

    /// The patterns as given.
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether there are no patterns.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether a pattern matches paths from the root.
    pub fn is_about_paths(&self) -> bool {
        self.any_path
    }

    /// Whether this name in the directory at `dir` (relative to the root) is excluded.
    pub(super) fn holds(&self, dir: &[u8], name: &[u8]) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let as_path = |bytes: &[u8]| {
            std::path::PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes))
        };
        if self.names.is_match(as_path(name)) {
            return true;
        }
        self.any_path && self.paths.is_match(as_path(dir).join(as_path(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_anywhere_and_paths_from_the_root() {
        let set = |patterns: &[&str]| {
            Excludes::new(&patterns.iter().map(|p| (*p).into()).collect::<Vec<_>>()).unwrap()
        };
        let names = set(&["*.tmp", "cache/"]);
        assert!(names.holds(b"a/b", b"x.tmp") && names.holds(b"", b"cache") && !names.holds(b"x.tmp", b"y"));
        let paths = set(&["/a/*", "b/**/c"]);
        assert!(paths.holds(b"a", b"x") && !paths.holds(b"a/x", b"y") && !paths.holds(b"z/a", b"x"));
        assert!(paths.holds(b"b/1/2", b"c") && paths.holds(b"b", b"c") && !paths.holds(b"", b"c"));
        assert!(set(&["/top"]).holds(b"", b"top") && !set(&["/top"]).holds(b"a", b"top"));
        assert_eq!(Excludes::new(&["a[".into()]).unwrap_err().pattern, "a[");
        assert!(!set(&[]).holds(b"", b"x"));
    }
}
