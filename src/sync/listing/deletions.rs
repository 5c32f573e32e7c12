//! The entries that the source lacks: names while rsync lists them, then a plan in the format of `clean`, which the guards judge, users read,
//! and [`crate::clean::removal`] applies. Memory does not depend on the number of entries.

use super::folding;
use super::names::hash;
use super::sorted_names::{Deletion, FileFrom, NameSorter, SortedNames};
use crate::clean::{Footer, PlanError, Reader};
use crate::model::event::Tally;
use crate::model::job::OnlyEntries;
use crate::model::sanitize;
use crate::rsync::output::{Change, unescape};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Collects the names that rsync lists.
#[derive(Debug)]
pub(in crate::sync) struct DeletionWriter {
    path: PathBuf,
    names: NameSorter,
    tally: Tally,
    temporary: u64,
    /// Hashes of directories that are not listed themselves but hold a listed entry.
    emptied: HashSet<u64>,
    folds: bool,
    make_room: HashSet<Vec<u8>>,
}

/// The key of a name: equal for names that the destination treats as equal.
fn key(name: &[u8], folds: bool) -> Cow<'_, [u8]> {
    if folds { folding::key(name).into() } else { name.into() }
}

/// Whether the name is that of a temporary file of rsync: `.NAME.XXXXXX`.
fn is_temporary(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    let Some((name, end)) = name.strip_prefix(b".").and_then(|name| name.split_last_chunk::<7>()) else {
        return false;
    };
    !name.is_empty() && end[0] == b'.' && end[1..].iter().all(u8::is_ascii_alphanumeric)
}

impl DeletionWriter {
    /// For a plan at `path`. `folds`: whether the destination folds names.
    pub(in crate::sync) fn new(path: &Path, folds: bool) -> Self {
        DeletionWriter {
            path: path.into(),
            names: NameSorter::new(path.parent().unwrap_or(path).into()),
            tally: Tally::default(),
            temporary: 0,
            emptied: HashSet::new(),
            folds,
            make_room: HashSet::new(),
        }
    }

    /// Adds an entry that the source lacks. Contents come before their directory.
    pub(in crate::sync) fn push(&mut self, change: &Change<'_>) {
        self.add(&unescape(change.name), change.dir);
    }

    /// The same, by the name on disk.
    pub(in crate::sync) fn add(&mut self, name: &[u8], dir: bool) {
        *if dir { &mut self.tally.dirs } else { &mut self.tally.files } += 1;
        self.temporary += u64::from(!dir && is_temporary(name));
        self.names.push(name, dir);
        if dir {
            self.emptied.remove(&hash(&key(name, self.folds)));
        }
        if let Some(at) = memchr::memrchr(b'/', name) {
            self.emptied.insert(hash(&key(&name[..at], self.folds)));
        }
    }

    /// Records a new entry of the source that is no directory. If it replaces a directory, rsync lists the directory's contents as deleted
    /// before it reaches the new entry, but not the directory itself.
    pub(in crate::sync) fn created(&mut self, name: &[u8]) {
        if self.emptied.is_empty() {
            return;
        }
        let name = unescape(name);
        let key = key(&name, self.folds);
        if self.emptied.contains(&hash(&key)) {
            self.make_room.insert(key.into_owned());
        }
    }

    /// Ends the list.
    pub(in crate::sync) fn finish(self) -> Deletions {
        let DeletionWriter { path, names, mut tally, temporary, make_room, folds, .. } = self;
        if tally.files == 0 && tally.dirs == 0 {
            tally.bytes = Some(0);
        }
        let (names, unwritten) = match names.finish() {
            Ok(names) => (names, None),
            Err(error) => (SortedNames::default(), Some(format!("{}: {error}", sanitize::path(&path)))),
        };
        let (names, left_out) = (Arc::new(names), HashSet::new());
        Deletions {
            path,
            unwritten,
            tally,
            temporary,
            make_room,
            folds,
            names,
            left_out,
            only: None,
            plan: None,
        }
    }
}

/// A complete list.
#[derive(Debug, Clone, Default)]
pub(in crate::sync) struct Deletions {
    /// Path of the plan.
    pub(in crate::sync) path: PathBuf,
    /// Why the plan could not be written; then only the tally is known.
    pub(in crate::sync) unwritten: Option<String>,
    /// The number of entries, and the bytes of the files as soon as there is a plan.
    pub(in crate::sync) tally: Tally,
    /// How many of the files have names of rsync's temporary files. A run that was ended at once leaves them.
    pub(in crate::sync) temporary: u64,
    /// Keys of directories that must be removed before the transfer because a file replaces them.
    make_room: HashSet<Vec<u8>>,
    folds: bool,
    pub(super) names: Arc<SortedNames>,
    /// Names that are not to be deleted after all.
    pub(super) left_out: HashSet<Vec<u8>>,
    /// The list of entries of the job, if it has one: it decides why an entry is to be deleted.
    pub(in crate::sync) only: Option<OnlyEntries>,
    pub(super) plan: Option<Arc<WrittenPlan>>,
}

/// A plan that this run has written.
#[derive(Debug)]
pub(super) struct WrittenPlan {
    /// The file as it was created. Nobody can put another one in its place.
    pub(super) file: File,
    pub(super) footer: Footer,
}

/// Reads the entries of a plan, and verifies at its end that they are those that were written.
pub(in crate::sync) type PlanReader<'a> = Reader<BufReader<FileFrom<'a>>>;

impl Deletions {
    /// Whether nothing is to be deleted.
    pub(in crate::sync) fn is_empty(&self) -> bool {
        self.tally.files == 0 && self.tally.dirs == 0
    }

    /// The hash that approves the plan; `None` without one.
    pub(in crate::sync) fn hash(&self) -> Option<&str> {
        self.plan.as_ref()?.footer.content.as_deref()
    }

    /// The entries of the plan; `None` without one.
    pub(in crate::sync) fn read(&self) -> Result<Option<PlanReader<'_>>, PlanError> {
        let Some(plan) = &self.plan else { return Ok(None) };
        Reader::new(BufReader::with_capacity(1 << 16, FileFrom { file: &plan.file, at: 0 })).map(Some)
    }

    /// The names that rsync listed, contents before their directories. An error if there are too many for memory and they could not be
    /// stored.
    pub(super) fn names(&self) -> io::Result<impl Iterator<Item = io::Result<Deletion>> + '_> {
        match &self.unwritten {
            Some(why) => Err(io::Error::other(why.clone())),
            None => Ok(self.names.iter()),
        }
    }

    /// Leaves out the `stays`, unless they are directories of which `blocks` is true: these must be removed before the transfer.
    pub(super) fn leave_out(
        &mut self,
        mut stays: HashSet<Vec<u8>>,
        blocks: impl Fn(&Deletion) -> bool,
    ) -> io::Result<()> {
        let (mut tally, mut temporary) = (Tally::default(), 0);
        let names = self.names.clone();
        for entry in names.iter() {
            let entry = entry?;
            if blocks(&entry) {
                stays.remove(&entry.name);
                self.make_room.insert(key(&entry.name, self.folds).into_owned());
            } else if stays.contains(&entry.name) {
                continue;
            }
            *if entry.dir { &mut tally.dirs } else { &mut tally.files } += 1;
            temporary += u64::from(!entry.dir && is_temporary(&entry.name));
        }
        (self.tally, self.temporary, self.left_out) = (tally, temporary, stays);
        Ok(())
    }

    /// Whether something must be removed before the transfer.
    pub(in crate::sync) fn make_room(&self) -> bool {
        !self.make_room.is_empty()
    }

    /// Whether this entry, or a directory above it, blocks a file of the source.
    pub(in crate::sync) fn is_in_the_way(&self, name: &[u8]) -> bool {
        let above = memchr::memchr_iter(b'/', name).map(|at| &name[..at]);
        let blocks = |dir: &[u8]| self.make_room.contains(&*key(dir, self.folds));
        self.make_room() && above.chain([name]).any(blocks)
    }
}
