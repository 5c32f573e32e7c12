//! The state that the threads applying a plan share, and the work of each thread.

use super::links::Links;
use super::page::Page;
use super::parts::{Applied, Apply, Batch};
use crate::clean::path::split;
use crate::clean::removal::busy::is_being_written;
use crate::clean::removal::parent::Parent;
use crate::clean::removal::removal_mode::RemovalMode;
use crate::clean::removal::remove_entry::{self, ExpectedEntry, RemoveOutcome};
use crate::clean::removal::stamp::{look_for, stamp_by_other_names};
use crate::clean::{
    Entry, EntryOutcome, Kind, Line, Origin, Recipe, Record, in_version_control, is_of_a_transfer,
};
use crate::model::system_names::is_of_a_file_system;
use crate::platform;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Maximum number of directories whose metadata is in memory, unless an earlier attempt has more.
const KNOWN: usize = 1 << 16;

pub(super) struct Shared<'a> {
    pub(super) apply: &'a Apply<'a>,
    applied: Mutex<Applied>,
    links: Links,
    /// Metadata of directories before their first change; all of it is in the journal. What an earlier attempt journalled precedes it.
    was: Mutex<BTreeMap<Vec<u8>, Recipe>>,
    /// Number of directories in `was`.
    known: AtomicUsize,
    halt: AtomicBool,
    /// The error of a journal that cannot be written. It ends the run.
    broken: Mutex<Option<io::Error>>,
    /// Whether the tree is the root of a file system.
    at_root: bool,
}

impl<'a> Shared<'a> {
    pub(super) fn new(apply: &'a Apply<'a>) -> Self {
        Shared {
            apply,
            applied: Mutex::default(),
            links: Links::new(),
            was: Mutex::default(),
            known: AtomicUsize::new(0),
            halt: AtomicBool::new(false),
            broken: Mutex::default(),
            at_root: platform::is_root(apply.root).unwrap_or(true),
        }
    }

    /// Whether `sync` made the plan. Such a plan has only what the source lacks, so nothing of it is protected.
    pub(super) fn is_of_sync(&self) -> bool {
        self.apply.origin == Origin::Sync
    }

    /// Returns the outcome for a path that must not be changed, whatever the plan says: another version may have made the plan.
    pub(super) fn protected(&self, path: &[u8]) -> Option<RemoveOutcome> {
        let why = if !self.is_of_sync() && in_version_control(path) {
            "it belongs to a version control system or to pdb-sync; left alone"
        } else if self.at_root && is_of_a_file_system(path) {
            "it belongs to the file system; left alone"
        } else {
            return None;
        };
        Some(RemoveOutcome::Left(why.into()))
    }

    pub(super) fn is_over(&self) -> bool {
        self.halt.load(Ordering::Relaxed) || (self.apply.stop)()
    }

    fn halt(&self) {
        self.halt.store(true, Ordering::Relaxed);
    }

    /// Whether entries do not stay in the quarantine.
    pub(super) fn destroys(&self) -> bool {
        !matches!(self.apply.removal_mode, RemovalMode::Quarantine)
    }

    pub(super) fn end(self) -> (Applied, Option<io::Error>) {
        let mut applied = self.applied.into_inner().unwrap_or_else(PoisonError::into_inner);
        applied.stopped = self.halt.into_inner() || (self.apply.stop)();
        (applied, self.broken.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts an entry that an earlier attempt has processed and journalled. Returns whether it has.
    pub(super) fn is_done(&self, entry: &Entry) -> bool {
        let done = self.apply.past.is_some_and(|past| past.is_gone(&entry.path));
        if done {
            let did =
                if entry.kind == Kind::Dir { EntryOutcome::Deleted } else { self.apply.removal_mode.did() };
            self.applied.lock().unwrap_or_else(PoisonError::into_inner).count(did, entry);
            self.apply.meter.entries.fetch_add(entry.count(), Ordering::Relaxed);
        }
        done
    }

    /// Journals entries that are about to be destroyed, or to get a name that only the journal explains. Returns false if the journal
    /// cannot be written; then they must not be changed.
    pub(super) fn mean<'e>(&self, entries: impl Iterator<Item = &'e Entry>) -> bool {
        let mut lines = Vec::new();
        for entry in entries.filter(|entry| self.is_meant(entry)) {
            self.mean_one(entry, &mut lines);
        }
        lines.is_empty() || self.append(&lines, true)
    }

    /// Whether an entry is journalled before it is changed.
    pub(super) fn is_meant(&self, entry: &Entry) -> bool {
        entry.kind == Kind::Dir
            || self.destroys()
            || self.apply.quarantine.needs_key_of(&entry.path, entry.kind)
    }

    /// Notes the outcome of an entry. Stops the run if its options ask for it.
    pub(super) fn note(&self, page: &mut Page, entry: &Entry, taken: RemoveOutcome) {
        if self.is_of_sync() && taken == RemoveOutcome::Gone {
            return page.gone(entry, self.is_meant(entry));
        }
        let strict = self.apply.strict && matches!(taken, RemoveOutcome::Left(_));
        let fail_fast = self.apply.fail_fast && matches!(taken, RemoveOutcome::Failed(_));
        if strict || fail_fast {
            self.halt();
        }
        if matches!(taken, RemoveOutcome::Done(_)) {
            (self.apply.told)(entry);
        }
        page.note(entry, taken, self.is_meant(entry), self.apply.past);
    }

    pub(super) fn mean_one(&self, entry: &Entry, lines: &mut Vec<u8>) {
        if !self.apply.past.is_some_and(|past| past.is_meant(&entry.path)) {
            let (path, kind, bytes, entries) = (entry.path.clone(), entry.kind, entry.bytes, entry.count());
            Line::Did(Record { path, kind, did: EntryOutcome::Meant, bytes, entries, why: None })
                .write(lines);
        }
    }

    pub(super) fn batch(&self, mut batch: Batch) {
        let mut page = Page::default();
        let parent = self.parent(&batch.dir);
        // Usually the order of entries in the directory, so that the kernel finds each near the beginning.
        batch.entries.sort_unstable_by_key(|entry| entry.stamp.ino);
        for entry in &batch.entries {
            if self.is_over() {
                break;
            }
            let taken = match &parent {
                Ok(parent) => self.one(parent, entry),
                Err(taken) => self.or_before(entry, taken.clone()),
            };
            self.note(&mut page, entry, taken);
        }
        // The modification time of the directory is restored before the outcomes are reported.
        drop(parent);
        self.turn(page);
    }

    /// Restores the modification time of the root, which changes when our own directory is created and removed. The original time is
    /// journalled first; after a killed attempt it is restored here.
    pub(super) fn root(&self) {
        // A root that cannot be opened is reported when an entry is removed from it.
        drop(self.parent(b""));
    }

    /// Opens a directory to remove entries from it, and journals its metadata first.
    pub(super) fn parent(&self, dir: &[u8]) -> Result<Parent, RemoveOutcome> {
        let mut parent =
            Parent::open_to_change(self.apply.quarantine.access(), dir).map_err(RemoveOutcome::unopened)?;
        let mut was = self.was.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recipe) = self.before(&was, dir) {
            parent.was_really(recipe);
            if self.apply.past.is_some() {
                // An earlier, killed attempt may have changed its modification time.
                parent.moves();
            }
            return Ok(parent);
        }
        let mut line = Vec::new();
        Line::Was(dir.into(), parent.was()).write(&mut line);
        if !self.append(&line, false) {
            return Err(RemoveOutcome::Failed("the journal cannot be written; left alone".into()));
        }
        was.insert(dir.into(), parent.was());
        self.known.store(was.len(), Ordering::Relaxed);
        Ok(parent)
    }

    /// Returns the metadata of a directory before the run.
    fn before(&self, was: &BTreeMap<Vec<u8>, Recipe>, dir: &[u8]) -> Option<Recipe> {
        was.get(dir).or_else(|| self.apply.past?.dirs.was.get(dir)).copied()
    }

    /// Stores the metadata of a directory, unless it is known.
    pub(super) fn learn(&self, dir: &[u8], recipe: Recipe) -> bool {
        let mut was = self.was.lock().unwrap_or_else(PoisonError::into_inner);
        let new = self.before(&was, dir).is_none();
        if new {
            was.insert(dir.into(), recipe);
            self.known.store(was.len(), Ordering::Relaxed);
        }
        new
    }

    /// Whether the metadata of so many directories is in memory that it should be dropped.
    pub(super) fn knows_many(&self) -> bool {
        self.known.load(Ordering::Relaxed) >= KNOWN
    }

    /// Drops the metadata of directories if there is much. No thread may have a directory open: each restores the time of its directory
    /// when it closes it, and from then on the metadata can be read again.
    pub(super) fn forget(&self) {
        if self.knows_many() {
            self.was.lock().unwrap_or_else(PoisonError::into_inner).clear();
            self.known.store(0, Ordering::Relaxed);
        }
    }

    fn one(&self, parent: &Parent, entry: &Entry) -> RemoveOutcome {
        if let Some(left) = self.protected(&entry.path) {
            return left;
        }
        if !self.is_of_sync() && parent.is_project() {
            return RemoveOutcome::Left("its directory holds the manifest of a project; left alone".into());
        }
        let apply = self.apply;
        let name = split(&entry.path).1;
        // A transfer by another process may have been stuck for longer than the minimum age of the rule.
        if is_of_a_transfer(&entry.rule)
            && entry.kind == Kind::File
            && is_being_written(parent.fd(), name) == Some(true)
        {
            return RemoveOutcome::Left("a process is writing it; left alone".into());
        }
        let mut wanted = ExpectedEntry { name, kind: Some(entry.kind), stamp: entry.stamp, touched: false };
        let mut taken;
        if entry.linked && self.is_of_sync() {
            // The transfer may have replaced or linked another name of the file, or changed the file by that name: its times, or its contents
            // in place. What it is now stays there.
            let _hold = self.links.hold(entry.stamp.ino);
            wanted.touched = true;
            wanted.stamp = stamp_by_other_names(parent.fd(), name, &entry.stamp).unwrap_or(entry.stamp);
            taken = remove_entry::take(parent, apply.quarantine, wanted, apply.removal_mode);
        } else if entry.linked {
            let mut touched = self.links.hold(entry.stamp.ino);
            // An earlier attempt may have removed another name.
            wanted.touched = apply.past.is_some() || touched.contains(&entry.stamp.ino);
            if look_for(parent.fd(), name, &entry.stamp).is_ok_and(|(_, stamp)| stamp == entry.stamp) {
                // From here on the change time may change, whatever the outcome for this name.
                touched.insert(entry.stamp.ino);
            }
            taken = remove_entry::take(parent, apply.quarantine, wanted, apply.removal_mode);
        } else {
            taken = remove_entry::take(parent, apply.quarantine, wanted, apply.removal_mode);
        }
        if taken == RemoveOutcome::Gone && apply.past.is_some() {
            taken = remove_entry::resume(parent, apply.quarantine, wanted, apply.removal_mode);
        }
        self.or_before(entry, taken)
    }

    /// If an earlier, interrupted attempt was about to destroy an entry that is now gone, that attempt removed it.
    pub(super) fn or_before(&self, entry: &Entry, taken: RemoveOutcome) -> RemoveOutcome {
        let meant = || self.apply.past.is_some_and(|past| past.is_meant(&entry.path));
        if taken != RemoveOutcome::Gone || !meant() {
            return taken;
        }
        if entry.kind == Kind::Dir {
            return RemoveOutcome::Done(EntryOutcome::Deleted);
        }
        if self.apply.removal_mode.has(entry) {
            RemoveOutcome::Done(self.apply.removal_mode.did())
        } else {
            taken
        }
    }

    /// Appends to the journal. Returns false, and stops the run, if this fails. With `safe`, flushes the journal to disk.
    pub(super) fn append(&self, lines: &[u8], safe: bool) -> bool {
        let journal = self.apply.journal;
        let done = journal.append(lines).and_then(|()| if safe { journal.sync() } else { Ok(()) });
        let Err(error) = done else { return true };
        self.halt();
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        false
    }

    pub(super) fn turn(&self, page: Page) {
        self.append(&page.lines, false);
        self.apply.meter.entries.fetch_add(page.come_to, Ordering::Relaxed);
        self.apply.meter.bytes.fetch_add(page.applied.bytes, Ordering::Relaxed);
        self.applied.lock().unwrap_or_else(PoisonError::into_inner).add(page.applied);
    }
}
