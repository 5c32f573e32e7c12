//! Sorts names to delete into the order of a plan. Memory is bounded: what does not fit goes to unnamed files in the state directory, which
//! are merged when the names are read.

use crate::clean::plan_order;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Bytes of names that are sorted in memory.
const IN_MEMORY: usize = 16 << 20;
/// Bytes of a name's length and kind, before the name.
const HEAD: usize = 5;
/// Bytes that are read from each file at once.
const BUFFER: usize = 1 << 16;

/// A name to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sync) struct Deletion {
    /// Relative to the destination, as on disk.
    pub(in crate::sync) name: Vec<u8>,
    /// Whether it is a directory.
    pub(in crate::sync) dir: bool,
}

/// Collects names.
#[derive(Debug)]
pub(super) struct NameSorter {
    /// Directory for unnamed files.
    dir: PathBuf,
    most: usize,
    names: SortedNames,
    failed: Option<io::Error>,
}

/// Names in the order of a plan.
#[derive(Debug, Default)]
pub(in crate::sync) struct SortedNames {
    arena: Vec<u8>,
    /// Where in the arena each name begins; sorted, except while names are added.
    at: Vec<u32>,
    /// Sorted names that did not fit.
    files: Vec<File>,
}

impl NameSorter {
    pub(super) fn new(dir: PathBuf) -> Self {
        NameSorter { dir, most: IN_MEMORY, names: SortedNames::default(), failed: None }
    }

    /// Adds a name. Errors are returned by [`NameSorter::finish`].
    pub(super) fn push(&mut self, name: &[u8], dir: bool) {
        let SortedNames { arena, at, .. } = &self.names;
        if !at.is_empty() && arena.len() + at.len() * size_of::<u32>() + HEAD + name.len() > self.most {
            let spilled = self.spill();
            self.failed = self.failed.take().or(spilled.err());
        }
        let SortedNames { arena, at, .. } = &mut self.names;
        at.push(arena.len() as u32);
        arena.extend((name.len() as u32).to_le_bytes());
        arena.push(u8::from(dir));
        arena.extend(name);
    }

    fn spill(&mut self) -> io::Result<()> {
        self.names.sort();
        fs::create_dir_all(&self.dir)?;
        let mut out = BufWriter::new(tempfile::tempfile_in(&self.dir)?);
        let written = self.names.at.iter().try_for_each(|at| out.write_all(self.names.record(*at)));
        // After an error nothing is deleted, so these names are not needed.
        self.names.arena.clear();
        self.names.at.clear();
        written?;
        self.names.files.push(out.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }

    /// Sorts the names. Returns the first error of a write.
    pub(super) fn finish(mut self) -> io::Result<SortedNames> {
        self.names.sort();
        self.failed.map_or(Ok(self.names), Err)
    }
}

impl SortedNames {
    fn record(&self, at: u32) -> &[u8] {
        let from = at as usize;
        let length = u32::from_le_bytes(std::array::from_fn(|byte| self.arena[from + byte])) as usize;
        &self.arena[from..from + HEAD + length]
    }

    fn key(&self, at: u32) -> (&[u8], bool) {
        let record = self.record(at);
        (&record[HEAD..], record[HEAD - 1] != 0)
    }

    fn sort(&mut self) {
        let mut at = std::mem::take(&mut self.at);
        at.sort_unstable_by(|a, b| plan_order(self.key(*a), self.key(*b)));
        self.at = at;
    }

    /// The names, in order. May be called repeatedly.
    pub(super) fn iter(&self) -> impl Iterator<Item = io::Result<Deletion>> + '_ {
        let file = |file| Names::InFile(BufReader::with_capacity(BUFFER, FileFrom { file, at: 0 }));
        let sources: Vec<Names<'_>> =
            self.files.iter().map(file).chain([Names::InMemory(self, self.at.iter())]).collect();
        let mut merge = Merge { heads: BinaryHeap::with_capacity(sources.len()), sources, failed: None };
        (0..merge.sources.len()).for_each(|source| merge.advance(source));
        std::iter::from_fn(move || merge.next())
    }
}

/// A file that is read from a position of its own.
#[derive(Debug)]
pub(in crate::sync) struct FileFrom<'a> {
    pub(super) file: &'a File,
    pub(super) at: u64,
}

impl Read for FileFrom<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

enum Names<'a> {
    InMemory(&'a SortedNames, std::slice::Iter<'a, u32>),
    InFile(BufReader<FileFrom<'a>>),
}

impl Names<'_> {
    fn next(&mut self) -> io::Result<Option<Deletion>> {
        match self {
            Names::InMemory(names, at) => Ok(at.next().map(|at| {
                let (name, dir) = names.key(*at);
                Deletion { name: name.into(), dir }
            })),
            Names::InFile(file) => {
                let mut head = [0; HEAD];
                // The end of the file between two names is the end of the names.
                if file.read(&mut head[..1])? == 0 {
                    return Ok(None);
                }
                file.read_exact(&mut head[1..])?;
                let mut name = vec![0; u32::from_le_bytes(std::array::from_fn(|byte| head[byte])) as usize];
                file.read_exact(&mut name)?;
                Ok(Some(Deletion { name, dir: head[HEAD - 1] != 0 }))
            }
        }
    }
}

/// Merges sorted names.
struct Merge<'a> {
    sources: Vec<Names<'a>>,
    heads: BinaryHeap<Head>,
    failed: Option<io::Error>,
}

impl Merge<'_> {
    fn advance(&mut self, source: usize) {
        match self.sources[source].next() {
            Ok(Some(deletion)) => self.heads.push(Head { deletion, source }),
            Ok(None) => {}
            Err(error) => self.failed = Some(error),
        }
    }

    fn next(&mut self) -> Option<io::Result<Deletion>> {
        if let Some(error) = self.failed.take() {
            self.heads.clear();
            return Some(Err(error));
        }
        let Head { deletion, source } = self.heads.pop()?;
        self.advance(source);
        Some(Ok(deletion))
    }
}

/// The next name of a source. The heap returns the largest, which is the first in the order of a plan.
struct Head {
    deletion: Deletion,
    source: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, two) = (&other.deletion, &self.deletion);
        plan_order((&one.name, one.dir), (&two.name, two.dir))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_in_order_whether_they_fit_or_not() {
        let dir = tempfile::tempdir().unwrap();
        let all: Vec<(String, bool)> = (0..3_000u32)
            .map(|n| n.wrapping_mul(2_654_435_761) % 997)
            .map(|n| (format!("{}/{n}", n % 7), n % 3 == 0))
            .collect();
        let sorted = |most: usize| {
            let mut sorter = NameSorter { most, ..NameSorter::new(dir.path().join("new")) };
            all.iter().for_each(|(name, dir)| sorter.push(name.as_bytes(), *dir));
            let names = sorter.finish().unwrap();
            assert_eq!(names.files.is_empty(), most == IN_MEMORY);
            let first: Vec<Deletion> = names.iter().map(Result::unwrap).collect();
            assert!(names.iter().map(Result::unwrap).eq(first.iter().cloned()), "a second time");
            first
        };
        let names = sorted(IN_MEMORY);
        assert!(names.is_sorted_by(|a, b| plan_order((&a.name, a.dir), (&b.name, b.dir)).is_le()));
        assert_eq!((names.len(), &sorted(1_000)), (all.len(), &names));
    }

    #[test]
    fn names_that_cannot_be_stored_are_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let mut sorter = NameSorter { most: 10, ..NameSorter::new(dir.path().join("file")) };
        (0..9).for_each(|n| sorter.push(&[n], false));
        assert!(sorter.finish().is_err());
    }
}
