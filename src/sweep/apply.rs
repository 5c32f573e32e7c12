//! Doing what a plan says: files first, in parallel by directory, then directories, the deepest first.

use super::fate::Fate;
use super::hand::{self, Parent, Taken, Wanted};
use super::journals::Journal;
use super::quarantine::Quarantine;
use crate::clean::path::split;
use crate::clean::{Did, Entry, Kind, Line, PlanError, Record, in_version_control};
use rustix::fs::{AtFlags, Timespec, statat};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

/// Entries that a thread takes on at once, and lines that are journalled together.
const BATCH: usize = 1024;
/// How many failures are told by name.
const TOLD: usize = 20;

/// How far it is.
#[derive(Debug, Default)]
pub struct Meter {
    /// Entries that were come to.
    pub entries: AtomicU64,
    /// Bytes that were taken away.
    pub bytes: AtomicU64,
}

/// What is needed to apply a plan.
pub struct Apply<'a> {
    /// The tree, open and locked.
    pub root: &'a File,
    /// Where entries are captured.
    pub quarantine: &'a Quarantine,
    /// What is done with them.
    pub fate: &'a Fate,
    /// Where it is written down.
    pub journal: &'a Journal,
    /// Threads; at least one.
    pub threads: usize,
    /// Whether to stop at the first failure.
    pub fail_fast: bool,
    /// Whether to stop at the first entry that is not who it was.
    pub strict: bool,
    /// Whether an earlier try of the same run was cut short.
    pub resumed: bool,
    /// Asked between entries.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// How far it is.
    pub meter: &'a Meter,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Removed for good, directories included.
    pub deleted: u64,
    /// In the quarantine.
    pub quarantined: u64,
    /// In the backup directory.
    pub backup: u64,
    /// In the trash.
    pub trashed: u64,
    /// Left alone: gone, changed, or protected.
    pub skipped: u64,
    /// Could not be taken away.
    pub failed: u64,
    /// Bytes that were taken away.
    pub bytes: u64,
    /// The first of those that were skipped or failed, and why.
    pub why: Vec<(Vec<u8>, String)>,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

struct Batch {
    dir: Vec<u8>,
    first: Arc<OnceLock<Timespec>>,
    entries: Vec<Entry>,
}

struct Shared<'a> {
    apply: &'a Apply<'a>,
    applied: Mutex<Applied>,
    /// Inodes of files with several names of which one was taken: the change time of the others has moved.
    touched: Mutex<HashSet<u64>>,
    halt: AtomicBool,
    broken: Mutex<Option<io::Error>>,
}

impl Apply<'_> {
    /// Takes what `next` yields, whose plan has been found whole before. An `Err` is one of reading the plan or writing the
    /// journal; what was done until then is done, and journalled as far as that was possible.
    pub fn run(
        &self,
        mut next: impl FnMut() -> Result<Option<Entry>, PlanError>,
    ) -> Result<Applied, PlanError> {
        let shared = Shared {
            apply: self,
            applied: Mutex::default(),
            touched: Mutex::default(),
            halt: AtomicBool::new(false),
            broken: Mutex::default(),
        };
        let mut dirs: Vec<Entry> = Vec::new();
        let (send, receive) = mpsc::sync_channel::<Batch>(self.threads * 4);
        let receive = Mutex::new(receive);
        let read = std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let batch = receive.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(batch) = batch else { return };
                        shared.batch(batch);
                    }
                });
            }
            let mut batch = Batch { dir: Vec::new(), first: Arc::default(), entries: Vec::new() };
            let read = loop {
                match next() {
                    Ok(Some(entry)) if entry.kind == Kind::Dir => dirs.push(entry),
                    Ok(Some(entry)) => {
                        let dir = split(&entry.path).0;
                        let same = dir == batch.dir;
                        if !same || batch.entries.len() >= BATCH {
                            let first = if same { batch.first.clone() } else { Arc::default() };
                            let new = Batch { dir: dir.into(), first, entries: Vec::new() };
                            let full = std::mem::replace(&mut batch, new);
                            if !full.entries.is_empty() && send.send(full).is_err() {
                                break Ok(());
                            }
                        }
                        batch.entries.push(entry);
                    }
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
                if shared.is_over() {
                    break Ok(());
                }
            };
            // Every thread that listens has ended only if it panicked.
            let _ = send.send(batch);
            drop(send);
            read
        });
        if read.is_ok() {
            shared.dirs(dirs);
        }
        let broken = shared.broken.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut applied = shared.applied.into_inner().unwrap_or_else(PoisonError::into_inner);
        applied.stopped = shared.halt.into_inner() || (self.stop)();
        read?;
        match broken {
            Some(error) => Err(error.into()),
            None => Ok(applied),
        }
    }
}

impl Shared<'_> {
    fn is_over(&self) -> bool {
        self.halt.load(Ordering::Relaxed) || (self.apply.stop)()
    }

    fn batch(&self, batch: Batch) {
        let apply = self.apply;
        let mut page = Page::default();
        let parent = Parent::open(apply.root, &batch.dir, Some(&batch.first));
        for entry in &batch.entries {
            if self.is_over() {
                break;
            }
            let taken = match &parent {
                Ok(parent) => self.one(parent, entry),
                Err(rustix::io::Errno::NOENT) => Taken::Gone,
                Err(error) => Taken::Left(super::below::why_not(*error)),
            };
            page.note(entry, taken, self);
        }
        self.turn(page);
    }

    fn one(&self, parent: &Parent, entry: &Entry) -> Taken {
        if in_version_control(&entry.path) {
            return Taken::Left("it belongs to a version control system, or to us; left alone".into());
        }
        if parent.is_project() {
            return Taken::Left("its directory holds the manifest of a project; left alone".into());
        }
        let apply = self.apply;
        let lock = || self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        let touched = entry.linked && lock().contains(&entry.stamp.ino);
        let name = split(&entry.path).1;
        let wanted = Wanted { name, kind: Some(entry.kind), stamp: entry.stamp, touched };
        let mut taken = hand::take(parent, apply.quarantine, wanted, apply.fate);
        if taken == Taken::Gone && apply.resumed {
            taken = hand::resume(parent, apply.quarantine, wanted, apply.fate);
        }
        if entry.linked && matches!(taken, Taken::Done(_)) {
            lock().insert(entry.stamp.ino);
        }
        taken
    }

    /// Only empty ones go. Each is written down before it does, with what is needed to make it again.
    fn dirs(&self, mut dirs: Vec<Entry>) {
        let depth = |entry: &Entry| entry.path.iter().filter(|b| **b == b'/').count();
        dirs.sort_by_key(|entry| std::cmp::Reverse(depth(entry)));
        for group in dirs.chunks(BATCH) {
            let mut page = Page::default();
            let mut before = Vec::new();
            for entry in group {
                if let Some(why) = self.how_to_make(entry) {
                    let (path, kind, did, bytes, why) =
                        (entry.path.clone(), Kind::Dir, Did::Deleted, 0, Some(why));
                    Line::Did(Record { path, kind, did, bytes, why }).write(&mut before);
                }
            }
            if !self.append(&before) {
                return;
            }
            for entry in group {
                if self.is_over() {
                    break;
                }
                let (dir, name) = split(&entry.path);
                let taken = match Parent::open(self.apply.root, dir, None) {
                    _ if in_version_control(&entry.path) => Taken::Left("it is protected; left alone".into()),
                    Ok(parent) => hand::take_dir(&parent, name, Some(&entry.stamp)),
                    Err(rustix::io::Errno::NOENT) => Taken::Gone,
                    Err(error) => Taken::Left(super::below::why_not(error)),
                };
                page.note(entry, taken, self);
            }
            self.turn(page);
        }
    }

    fn how_to_make(&self, entry: &Entry) -> Option<String> {
        let (dir, name) = split(&entry.path);
        let parent = super::below::open_below(self.apply.root, dir).ok()?;
        let stat = statat(&parent, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(super::undo::recipe(&stat))
    }

    fn append(&self, lines: &[u8]) -> bool {
        let Err(error) = self.apply.journal.append(lines) else { return true };
        // Nothing is done that cannot be written down.
        self.halt.store(true, Ordering::Relaxed);
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        false
    }

    fn turn(&self, page: Page) {
        self.append(&page.lines);
        self.apply.meter.entries.fetch_add(page.come_to, Ordering::Relaxed);
        self.apply.meter.bytes.fetch_add(page.applied.bytes, Ordering::Relaxed);
        let mut all = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        let one = page.applied;
        all.deleted += one.deleted;
        all.quarantined += one.quarantined;
        all.backup += one.backup;
        all.trashed += one.trashed;
        all.skipped += one.skipped;
        all.failed += one.failed;
        all.bytes += one.bytes;
        all.why.extend(one.why);
        all.why.truncate(TOLD);
    }
}

/// What a thread has done since it last told.
#[derive(Default)]
struct Page {
    lines: Vec<u8>,
    applied: Applied,
    come_to: u64,
}

impl Page {
    fn note(&mut self, entry: &Entry, taken: Taken, shared: &Shared<'_>) {
        self.come_to += 1;
        let applied = &mut self.applied;
        let apply = shared.apply;
        let (did, why) = match taken {
            Taken::Done(did) => {
                applied.bytes += entry.bytes;
                match did {
                    Did::Quarantined => applied.quarantined += 1,
                    Did::Backup => applied.backup += 1,
                    Did::Trashed => applied.trashed += 1,
                    _ => applied.deleted += 1,
                }
                (did, None)
            }
            // The try before has done it.
            Taken::Gone if apply.resumed => return,
            Taken::Gone => {
                applied.skipped += 1;
                (Did::Skipped, Some("it is gone already".to_owned()))
            }
            Taken::Left(why) => {
                applied.skipped += 1;
                if apply.strict {
                    shared.halt.store(true, Ordering::Relaxed);
                }
                (Did::Skipped, Some(why))
            }
            Taken::Failed(why) => {
                applied.failed += 1;
                if apply.fail_fast {
                    shared.halt.store(true, Ordering::Relaxed);
                }
                (Did::Failed, Some(why))
            }
        };
        if let Some(why) = &why
            && applied.why.len() < TOLD
        {
            applied.why.push((entry.path.clone(), why.clone()));
        }
        // A directory that went is written down already.
        if entry.kind != Kind::Dir || did != Did::Deleted {
            let (path, kind, bytes) = (entry.path.clone(), entry.kind, entry.bytes);
            Line::Did(Record { path, kind, did, bytes, why }).write(&mut self.lines);
        }
    }
}
