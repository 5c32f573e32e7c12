//! Bringing back what a run took: from the quarantine to its old place, never over anything.
//!
//! Every step can be the last one, and the next undo goes on: what is back is back, a directory is written down before it is
//! made, and what directories were like is set at the end.

use super::below::{make_below, open_below, why_not};
use super::capture::{Captured, give_back, is_beside};
use super::hand::look;
use super::journals::Journal;
use super::parent::Parent;
use super::quarantine::{place, tidy};
use super::remake::Maker;
use super::tree;
use crate::clean::path::split;
use crate::clean::{Begin, Did, Dirs, End, Kind, Line, Record, UNDO};
use rustix::fs::Mode;
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

/// How many conflicts are told by name.
const TOLD: usize = 20;
/// Lines that are journalled together.
const PAGE: usize = 256;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// Entries that are back.
    pub restored: u64,
    /// Entries that stay where the run put them, since something else has their place.
    pub conflicts: u64,
    /// Entries that could not be brought back.
    pub failed: u64,
    /// The first of those, and why.
    pub why: Vec<(Vec<u8>, String)>,
}

/// Brings back what the run that began so has in the quarantine of `root`. `dirs` is what its journal, which is appended to, says about
/// directories: files in the quarantine tell by themselves where they belong. `open` are entries of which the journal does not
/// say that they are gone, though the run had come to them. `stop` is asked between entries. Memory is taken for directories, not
/// for files.
pub fn undo(
    root: &File,
    begin: &Begin,
    dirs: &Dirs,
    open: &[Record],
    journal: &Journal,
    stop: &dyn Fn() -> bool,
) -> io::Result<Undone> {
    let time = jiff::Timestamp::now().to_string();
    journal.line(&Line::Begin(Begin { command: UNDO.into(), time, ..begin.clone() }))?;
    let mut undoing = Undoing {
        maker: Maker::new(root, dirs, journal),
        journal,
        stop,
        undone: Undone::default(),
        lines: Vec::new(),
        waiting: 0,
    };
    // Parents first, as a sorted set has them.
    for path in &dirs.gone {
        if let Err(error) = undoing.maker.open(path) {
            undoing.fail(path, Kind::Dir, Did::Failed, error.to_string())?;
        }
    }
    for record in open.iter().filter(|record| record.kind != Kind::Dir) {
        if stop() {
            break;
        }
        undoing.beside(&begin.run, record)?;
    }
    match open_below(root, &place(&begin.run)) {
        Ok(dir) => undoing.layers(&dir)?,
        Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    undoing.flush()?;
    let Undoing { maker, mut undone, .. } = undoing;
    undone.restored += maker.finish();
    tidy(root, &begin.run);
    if !stop() {
        // It is over, whatever it was: nobody goes on with it, and a later undo begins anew.
        journal.line(&Line::End(End { time: jiff::Timestamp::now().to_string(), whole: true }))?;
    }
    journal.sync()?;
    Ok(undone)
}

struct Undoing<'a> {
    maker: Maker<'a>,
    journal: &'a Journal,
    stop: &'a dyn Fn() -> bool,
    undone: Undone,
    lines: Vec<u8>,
    waiting: usize,
}

impl Undoing<'_> {
    fn note(&mut self, record: Record) -> io::Result<()> {
        Line::Did(record).write(&mut self.lines);
        self.waiting += 1;
        if self.waiting < PAGE { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.waiting = 0;
        self.journal.append(&std::mem::take(&mut self.lines))
    }

    fn fail(&mut self, path: &[u8], kind: Kind, did: Did, why: String) -> io::Result<()> {
        self.undone.failed += u64::from(did == Did::Failed);
        self.undone.conflicts += u64::from(did == Did::Skipped);
        if self.undone.why.len() < TOLD {
            self.undone.why.push((path.into(), why.clone()));
        }
        // A directory that could not be made is still to be made.
        if kind == Kind::Dir {
            return Ok(());
        }
        self.note(Record { path: path.to_vec(), kind, did, bytes: 0, why: Some(why) })
    }

    /// What was captured in its own directory when the run was killed.
    fn beside(&mut self, run: &str, record: &Record) -> io::Result<()> {
        let (dir, name) = split(&record.path);
        // Where the directory went as well, nothing was left in it.
        if !is_beside(self.maker.root(), run, &record.path) {
            return Ok(());
        }
        let parent = match self.maker.open(dir) {
            Ok(parent) => parent,
            Err(error) => return self.fail(&record.path, record.kind, Did::Failed, error.to_string()),
        };
        let hold = Captured::beside(&parent, run, name);
        parent.moves();
        match hold.give_back(parent.fd()) {
            Ok(()) => self.restored(record.path.clone(), record.kind),
            Err(Errno::EXIST) => {
                let why = format!("something else has its place; it {}", hold.lies());
                self.fail(&record.path, record.kind, Did::Skipped, why)
            }
            Err(error) => self.fail(&record.path, record.kind, Did::Failed, why_not(error)),
        }
    }

    fn restored(&mut self, path: Vec<u8>, kind: Kind) -> io::Result<()> {
        self.undone.restored += 1;
        self.note(Record { path, kind, did: Did::Restored, bytes: 0, why: None })
    }

    /// What a run of `sync` replaced, the last first; then what was removed.
    fn layers(&mut self, place: &impl AsFd) -> io::Result<()> {
        let replaced = |name: &[u8]| {
            name.strip_prefix(b"replaced-").and_then(|n| std::str::from_utf8(n).ok()?.parse::<u32>().ok())
        };
        let names = tree::names(place)?;
        let mut layers: Vec<_> =
            names.into_iter().filter_map(|(name, _)| Some((replaced(&name)?, name))).collect();
        layers.sort_unstable();
        let mut tops: Vec<(Vec<u8>, bool)> = layers.into_iter().rev().map(|(_, name)| (name, true)).collect();
        tops.push((b"tree".to_vec(), false));
        for (name, swaps) in tops {
            match open_below(place, &name) {
                Ok(top) => self.back(place, &top, swaps.then_some(&name[..]))?,
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn back(&mut self, place: &impl AsFd, top: &impl AsFd, layer: Option<&[u8]>) -> io::Result<()> {
        let mut broken = Ok(());
        tree::walk(top, |path, hold, names| {
            if (self.stop)() || broken.is_err() {
                return false;
            }
            if names.iter().any(|(_, kind)| *kind != Kind::Dir) {
                broken = self.directory(place, layer, path, hold, names);
            }
            broken.is_ok()
        })?;
        broken
    }

    fn directory(
        &mut self,
        place: &impl AsFd,
        layer: Option<&[u8]>,
        path: &[u8],
        hold: &impl AsFd,
        names: &[(Vec<u8>, Kind)],
    ) -> io::Result<()> {
        let parent = self.maker.open(path);
        for (name, kind) in names.iter().filter(|(_, kind)| *kind != Kind::Dir) {
            if (self.stop)() {
                break;
            }
            let full = tree::join(path, name);
            let parent = match &parent {
                Ok(parent) => parent,
                Err(error) => {
                    self.fail(&full, *kind, Did::Failed, error.to_string())?;
                    continue;
                }
            };
            parent.moves();
            let done = match (give_back(hold, name, parent.fd(), name), layer) {
                (Err(Errno::EXIST), Some(layer)) => swap(place, layer, hold, parent, path, name),
                (other, _) => other,
            };
            match done {
                Ok(()) => self.restored(full, *kind)?,
                Err(Errno::EXIST) => {
                    let why = "something else has its place; it stays in the quarantine";
                    self.fail(&full, *kind, Did::Skipped, why.into())?;
                }
                Err(error) => self.fail(&full, *kind, Did::Failed, why_not(error))?,
            }
        }
        Ok(())
    }
}

/// The old version takes the place of the new one, which is kept beside the quarantine's tree. In two steps, each of which
/// can be the last: in between, the place is free, and the next undo just puts the old version there.
fn swap(
    place: impl AsFd,
    layer: &[u8],
    hold: impl AsFd,
    parent: &Parent,
    path: &[u8],
    name: &[u8],
) -> Result<(), Errno> {
    if look(parent.fd(), name)?.0 == Kind::Dir {
        return Err(Errno::EXIST);
    }
    let top = [b"newer-", layer].concat();
    let newer = if path.is_empty() { top } else { tree::join(&top, path) };
    let newer = make_below(place, &newer, Mode::RWXU, |_| ())?;
    // Apart from what was replaced, so that a second undo does not bring it back.
    give_back(parent.fd(), name, newer, name)?;
    give_back(hold, name, parent.fd(), name)
}
