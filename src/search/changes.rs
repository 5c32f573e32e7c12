//! Finds the differences between a mirror and the last commit of its index.

use super::SearchError;
use super::file_list::{self, Listed, Stamp};
use super::indexed_files::Record;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::HashSet;
use std::path::Path;

/// Selects files by the include and exclude globs.
pub(super) struct FileFilter {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl FileFilter {
    pub(super) fn new(include: &[String], exclude: &[String]) -> Result<Self, SearchError> {
        Ok(FileFilter {
            include: if include.is_empty() { None } else { Some(globs(include)?) },
            exclude: globs(exclude)?,
        })
    }

    pub(super) fn has(&self, path: &[u8]) -> bool {
        let path = file_list::absolute(Path::new(""), path);
        self.include.as_ref().is_none_or(|set| set.is_match(&path)) && !self.exclude.is_match(&path)
    }
}

/// Compiles the globs. A glob without a `/` matches names at any depth, as in rsync and git.
fn globs(patterns: &[String]) -> Result<GlobSet, SearchError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let deep = if pattern.contains('/') {
            pattern.trim_start_matches('/').to_owned()
        } else {
            format!("**/{pattern}")
        };
        let glob = GlobBuilder::new(&deep).literal_separator(true).build();
        set.add(glob.map_err(|error| SearchError::Glob(format!("{pattern:?} is not a glob: {error}")))?);
    }
    set.build().map_err(|error| SearchError::Glob(error.to_string()))
}

/// The differences since the last commit.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// All files, sorted.
    pub(super) files: Vec<Listed>,
    /// Files to read: their positions in `files`, and whether the index has documents of an earlier state of the file.
    pub(super) read: Vec<(usize, bool)>,
    /// Paths whose documents must be deleted.
    pub(super) gone: Vec<Vec<u8>>,
    /// Records that stay unchanged: those of unchanged files, by position in `files`, and others.
    pub(super) kept: Vec<Option<Record>>,
    pub(super) beyond: Vec<Record>,
}

impl Change {
    /// Compares both sides, which are sorted by path. `is_closed` returns whether a file that could not be opened still cannot be.
    pub(super) fn between(
        records: &[Record],
        files: Vec<Listed>,
        unreadable: &[(Vec<u8>, String)],
        is_closed: impl Fn(&[u8]) -> bool,
    ) -> Self {
        let mut change = Change { kept: vec![None; files.len()], ..Change::default() };
        let closed: HashSet<&[u8]> = unreadable.iter().map(|(dir, _)| dir.as_slice()).collect();
        let hidden = |path: &[u8]| {
            let above = memchr::memchr_iter(b'/', path).map(|slash| &path[..slash]);
            above.chain([&b""[..]]).any(|dir| closed.contains(dir))
        };
        let mut old = records.iter().peekable();
        let pass = |change: &mut Change, record: &Record| {
            if hidden(&record.path) {
                change.beyond.push(record.clone());
            } else {
                change.gone.push(record.path.clone());
            }
        };
        for (at, file) in files.iter().enumerate() {
            while let Some(record) = old.next_if(|record| record.path < file.path) {
                pass(&mut change, record);
            }
            match old.next_if(|record| record.path == file.path) {
                Some(record) if record.stamp == file.stamp => change.kept[at] = Some(record.clone()),
                Some(record) if record.stamp == Stamp::NEVER && is_closed(&file.path) => {
                    change.kept[at] = Some(record.clone());
                }
                known => change.read.push((at, known.is_some())),
            }
        }
        for record in old {
            pass(&mut change, record);
        }
        change.files = files;
        change
    }
}
