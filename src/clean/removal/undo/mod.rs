//! Restores what a run removed: from the quarantine to its original path. Never replaces anything.
//!
//! An undo may be killed at any step, and the next one continues: restored entries stay restored, a directory is journalled before it is
//! created, and metadata of directories is set at the end.

mod whole;

use super::apply::ApplyProgress;
use super::capture::{Captured, is_beside};
use super::journals::Journal;
use super::open_below::{open_below, why_not};
use super::own_dir::make_ours;
use super::parent::Parent;
use super::place::{ASIDE, ESCAPED, TREE, place};
use super::quarantine::{name_limit, tidy};
use super::recreate_dirs::DirRecreator;
use super::rename::{Target, rename_new};
use super::stamp::look;
use super::tree;
use super::tree::join;
use super::write_access::WriteAccess;
use crate::clean::path::{check, split};
use crate::clean::{
    Begin, Dirs, End, EntryOutcome, Kind, Line, LongNames, NameLimit, Record, UNDO, escape, escape_path,
    is_hashed,
};
use rustix::fs::fstat;
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Maximum number of conflicts reported by name.
const TOLD: usize = 20;
/// Number of lines journalled together.
const PAGE: usize = 256;

/// The result of an undo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// Entries restored, with directories that were made again.
    pub restored: u64,
    /// Entries that came from the quarantine.
    pub returned: u64,
    /// Entries that stay where the run put them, since something else has their path.
    pub conflicts: u64,
    /// Entries that could not be restored.
    pub failed: u64,
    /// The first of these, with the reason.
    pub why: Vec<(Vec<u8>, String)>,
}

/// Restores what the run with this start has in the quarantine of a tree. `dirs` is what its journal says about directories; files in the
/// quarantine need no record. The journal is appended to. `open` are entries that the run was processing and whose outcome is not in the
/// journal. `stop` is called between entries; `meter` counts them. Takes memory for directories, not for files.
pub fn undo(
    access: &Arc<WriteAccess>,
    begin: &Begin,
    dirs: &Dirs,
    open: &[Record],
    journal: &Journal,
    stop: &dyn Fn() -> bool,
    meter: &ApplyProgress,
) -> io::Result<Undone> {
    let root = access.root();
    let time = jiff::Timestamp::now().to_string();
    journal.line(&Line::Begin(Begin { command: UNDO.into(), time, ..begin.clone() }))?;
    let mut undoing = Undoing {
        maker: DirRecreator::new(access, dirs, journal),
        place: place(&begin.run),
        long: &dirs.long,
        limit: name_limit(root),
        journal,
        stop,
        meter,
        undone: Undone::default(),
        lines: Vec::new(),
        waiting: 0,
    };
    // Parents first, in the order of the sorted set.
    for path in &dirs.gone {
        if let Err(error) = undoing.maker.open(path) {
            undoing.fail(path, Kind::Dir, EntryOutcome::Failed, error.to_string())?;
        }
    }
    for record in open.iter().filter(|record| record.kind != Kind::Dir) {
        if stop() {
            break;
        }
        undoing.beside(&begin.run, record)?;
    }
    match open_below(root, &place(&begin.run)) {
        Ok(dir) => {
            undoing.whole(&dir)?;
            undoing.layers(&dir)?;
        }
        Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    undoing.flush()?;
    let Undoing { maker, mut undone, .. } = undoing;
    undone.restored += maker.finish();
    tidy(access, &begin.run);
    if !stop() {
        // The undo ends here, whatever its result: it is not resumed, and a later undo starts anew.
        journal.line(&Line::End(End { time: jiff::Timestamp::now().to_string(), whole: true }))?;
    }
    journal.sync()?;
    Ok(undone)
}

struct Undoing<'a> {
    maker: DirRecreator<'a>,
    /// The quarantine of the run, relative to the root.
    place: Vec<u8>,
    long: &'a LongNames,
    limit: NameLimit,
    journal: &'a Journal,
    stop: &'a dyn Fn() -> bool,
    meter: &'a ApplyProgress,
    undone: Undone,
    lines: Vec<u8>,
    waiting: usize,
}

impl Undoing<'_> {
    fn note(&mut self, record: Record) -> io::Result<()> {
        self.meter.entries.fetch_add(record.entries, Ordering::Relaxed);
        Line::Did(record).write(&mut self.lines);
        self.waiting += 1;
        if self.waiting < PAGE { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.waiting = 0;
        self.journal.append(&std::mem::take(&mut self.lines))
    }

    fn fail(&mut self, path: &[u8], kind: Kind, did: EntryOutcome, why: String) -> io::Result<()> {
        self.fail_all(path, (kind, 1), did, why)
    }

    /// For a path that stands for so many entries.
    fn fail_all(
        &mut self,
        path: &[u8],
        (kind, entries): (Kind, u64),
        did: EntryOutcome,
        why: String,
    ) -> io::Result<()> {
        self.undone.failed += if did == EntryOutcome::Failed { entries } else { 0 };
        self.undone.conflicts += if did == EntryOutcome::Skipped { entries } else { 0 };
        if self.undone.why.len() < TOLD {
            self.undone.why.push((path.into(), why.clone()));
        }
        // A directory that could not be created must be created by a later undo.
        if kind == Kind::Dir {
            return Ok(());
        }
        self.note(Record { path: path.to_vec(), kind, did, bytes: 0, entries, why: Some(why) })
    }

    /// Restores an entry that was captured in its own directory when the run was killed.
    fn beside(&mut self, run: &str, record: &Record) -> io::Result<()> {
        let (dir, name) = split(&record.path);
        // If the directory was removed too, nothing was left in it.
        if !is_beside(self.maker.root(), run, &record.path) {
            return Ok(());
        }
        let parent = match self.maker.open(dir) {
            Ok(parent) => parent,
            Err(error) => {
                return self.fail(&record.path, record.kind, EntryOutcome::Failed, error.to_string());
            }
        };
        let hold = Captured::left_beside(&parent, run, name);
        if let Err(why) = parent.changes() {
            return self.fail(&record.path, record.kind, EntryOutcome::Failed, why.to_string());
        }
        match hold.give_back(parent.fd()) {
            Ok(()) => self.restored(record.path.clone(), record.kind, 1),
            Err(Errno::EXIST) => {
                let why = format!("another entry is in its place; it {}", hold.lies());
                self.fail(&record.path, record.kind, EntryOutcome::Skipped, why)
            }
            Err(error) => self.fail(&record.path, record.kind, EntryOutcome::Failed, why_not(error)),
        }
    }

    fn restored(&mut self, path: Vec<u8>, kind: Kind, entries: u64) -> io::Result<()> {
        self.undone.restored += entries;
        self.undone.returned += entries;
        self.note(Record { path, kind, did: EntryOutcome::Restored, bytes: 0, entries, why: None })
    }

    /// Restores entries that `sync` replaced, the last ones first, then removed entries. Entries of one transfer whose names are not
    /// escaped are newer than those that are: earlier ones have been escaped.
    fn layers(&mut self, place: &impl AsFd) -> io::Result<()> {
        let number = |name: &[u8]| {
            let digits = name.strip_prefix(b"replaced-")?;
            std::str::from_utf8(digits).ok()?.parse::<u32>().ok().map(|number| (number, name.to_vec()))
        };
        let mut layers = BTreeSet::new();
        let mut inside = tree::names(place)?;
        match open_below(place, ESCAPED) {
            Ok(escaped) => inside.extend(tree::names(&escaped)?),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        layers.extend(inside.iter().filter_map(|(name, _)| number(name)));
        let replaced = layers.into_iter().rev().map(|(_, name)| Top { swaps: true, escaped: false, name });
        let removed = Top { swaps: false, escaped: false, name: TREE.to_vec() };
        for top in replaced.chain([removed]) {
            self.top(place, &top)?;
            self.top(place, &Top { escaped: true, ..top })?;
        }
        Ok(())
    }

    fn top(&mut self, place: &impl AsFd, top: &Top) -> io::Result<()> {
        match open_below(place, &top.path()) {
            Ok(dir) => self.back(place, &dir, top),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn back(&mut self, place: &impl AsFd, dir: &impl AsFd, top: &Top) -> io::Result<()> {
        let (mut broken, mut closed) = (Ok(()), Vec::new());
        let above = fstat(self.maker.root())?;
        let mut each = |path: &[u8], hold: &OwnedFd, names: &[(Vec<u8>, Kind)]| {
            if (self.stop)() || broken.is_err() {
                return false;
            }
            if names.iter().any(|(_, kind)| *kind != Kind::Dir) {
                tree::open_up(hold, &above);
                broken = self.directory(place, top, path, hold, names);
            }
            broken.is_ok()
        };
        tree::walk(dir, &mut each, |path, error| closed.push((path.to_vec(), error)));
        broken?;
        // The entries of these directories stay in the quarantine; all others are restored.
        for (path, error) in closed {
            let why = format!("its directory in the quarantine cannot be opened: {}", why_not(error));
            self.stays(top, &path, why);
        }
        Ok(())
    }

    /// Returns the original path of a path in the quarantine.
    fn real(&self, top: &Top, stored: &[u8]) -> Result<Vec<u8>, String> {
        if top.escaped {
            return self.long.unescape(stored).map_err(|why| why.to_string());
        }
        check(stored).map_err(|why| format!("its path {why}"))?;
        Ok(stored.to_vec())
    }

    fn directory(
        &mut self,
        place: &impl AsFd,
        top: &Top,
        stored: &[u8],
        hold: &impl AsFd,
        names: &[(Vec<u8>, Kind)],
    ) -> io::Result<()> {
        let mut parent = None;
        for (name, kind) in names.iter().filter(|(_, kind)| *kind != Kind::Dir) {
            if (self.stop)() {
                break;
            }
            let full = match self.real(top, &join(stored, name)) {
                Ok(full) => full,
                Err(why) => {
                    self.nameless(top, &join(stored, name), &why);
                    continue;
                }
            };
            let (dir, own) = split(&full);
            let parent = match parent.get_or_insert_with(|| self.maker.open(dir)) {
                Ok(parent) => &*parent,
                Err(error) => {
                    let why = error.to_string();
                    self.fail(&full, *kind, EntryOutcome::Failed, why)?;
                    continue;
                }
            };
            if let Err(why) = parent.changes() {
                self.fail(&full, *kind, EntryOutcome::Failed, why.to_string())?;
                continue;
            }
            let done = match rename_new(hold, name, parent.fd(), own, Target::Shared) {
                Err(Errno::EXIST) if top.swaps => {
                    if is_hashed(&full, self.limit) {
                        write_key(self.journal, &full, *kind)?;
                    }
                    let (root, path) = (self.maker.root(), top.newer(dir, self.limit));
                    swap(|| make_ours(root, place, &path), hold, name, parent, own, self.limit)
                }
                other => other,
            };
            match done {
                Ok(()) => self.restored(full, *kind, 1)?,
                Err(Errno::EXIST) => {
                    let why = "another entry is in its place; it stays in the quarantine";
                    self.fail(&full, *kind, EntryOutcome::Skipped, why.into())?;
                }
                Err(error) => self.fail(&full, *kind, EntryOutcome::Failed, why_not(error))?,
            }
        }
        Ok(())
    }

    fn nameless(&mut self, top: &Top, stored: &[u8], why: &str) {
        self.stays(top, stored, format!("its original name is unknown ({why}); it stays there"));
    }

    /// Notes that an entry stays in the quarantine. It has no known path, so the journal cannot have a line about it.
    fn stays(&mut self, top: &Top, stored: &[u8], why: String) {
        self.undone.failed += 1;
        if self.undone.why.len() < TOLD {
            self.undone.why.push((join(&self.place, &join(&top.path(), stored)), why));
        }
    }
}

/// A directory of the quarantine.
#[derive(Debug, Clone)]
struct Top {
    name: Vec<u8>,
    /// Whether its entries are exchanged with newer ones in the mirror.
    swaps: bool,
    /// Whether names in it are escaped.
    escaped: bool,
}

impl Top {
    fn path(&self) -> Vec<u8> {
        if self.escaped { join(ESCAPED, &self.name) } else { self.name.clone() }
    }

    /// Returns where the newer entries of a directory of the mirror are put. This is a separate directory, so that a second undo does not
    /// restore them.
    fn newer(&self, dir: &[u8], limit: NameLimit) -> Vec<u8> {
        let newer = join(ESCAPED, &[ASIDE, &self.name[..]].concat());
        if dir.is_empty() { newer } else { join(&newer, &escape_path(dir, limit)) }
    }
}

/// The name behind a hash must be on disk before the rename.
fn write_key(journal: &Journal, path: &[u8], kind: Kind) -> io::Result<()> {
    let (did, bytes) = (EntryOutcome::Meant, 0);
    journal.line(&Line::Did(Record { path: path.into(), kind, did, bytes, entries: 1, why: None }))?;
    journal.sync()
}

/// Puts the old version in the place of the new one, which is kept in the directory `newer`. This takes two renames, and the process may be
/// killed after either: in between, the place is free, and the next undo only puts the old version there.
fn swap(
    newer: impl FnOnce() -> Result<OwnedFd, Errno>,
    hold: impl AsFd,
    name: &[u8],
    parent: &Parent,
    own: &[u8],
    limit: NameLimit,
) -> Result<(), Errno> {
    if look(parent.fd(), own)?.0 == Kind::Dir {
        return Err(Errno::EXIST);
    }
    let newer = newer()?;
    rename_new(parent.fd(), own, newer, &escape(own, limit), Target::Ours)?;
    rename_new(hold, name, parent.fd(), own, Target::Shared)
}
