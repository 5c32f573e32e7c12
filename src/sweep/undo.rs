//! Bringing back what a run took: from the quarantine to its old place, never over anything.

use super::below::{make_below, open_below};
use super::hand::{Parent, look, rename_new, set_mtime};
use super::quarantine::{place, tidy};
use super::tree;
use crate::clean::path::split;
use crate::clean::{Did, Kind, Line, Record};
use rustix::fs::{AtFlags, Gid, Mode, RenameFlags, Stat, Timespec, Uid, chownat, fchmod, renameat_with};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;

/// How many conflicts are told by name.
const TOLD: usize = 20;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// Entries that are back.
    pub restored: u64,
    /// Entries that stay in the quarantine, since something else has their place.
    pub conflicts: u64,
    /// Entries that could not be brought back.
    pub failed: u64,
    /// The first of those, and why.
    pub why: Vec<(Vec<u8>, String)>,
    /// Lines for the journal.
    pub lines: Vec<u8>,
}

/// What it takes to make a directory again: mode, owner and group, seconds and nanoseconds of its time.
pub fn recipe(stat: &Stat) -> String {
    format!(
        "dir {:o} {} {} {} {}",
        stat.st_mode & 0o7777,
        stat.st_uid,
        stat.st_gid,
        stat.st_mtime,
        stat.st_mtime_nsec
    )
}

#[derive(Debug, Clone, Copy)]
struct Recipe {
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: Timespec,
}

fn read_recipe(text: &str) -> Option<Recipe> {
    let mut words = text.strip_prefix("dir ")?.split(' ');
    let mode = u32::from_str_radix(words.next()?, 8).ok()?;
    let (uid, gid) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let mtime = Timespec { tv_sec: words.next()?.parse().ok()?, tv_nsec: words.next()?.parse().ok()? };
    Some(Recipe { mode, uid, gid, mtime })
}

/// Brings back what the run has in the quarantine of `root`. `records` are those of its journal, of which only directories
/// matter: files tell by themselves where they belong. `stop` is asked between entries.
pub fn undo(
    root: &File,
    run: &str,
    records: impl IntoIterator<Item = Record>,
    stop: &dyn Fn() -> bool,
) -> io::Result<Undone> {
    let mut undone = Undone::default();
    let mut dirs: BTreeMap<Vec<u8>, Recipe> = BTreeMap::new();
    for record in records {
        if record.kind == Kind::Dir
            && record.did == Did::Deleted
            && let Some(recipe) = record.why.as_deref().and_then(read_recipe)
        {
            dirs.insert(record.path, recipe);
        }
    }
    // Parents first, as a sorted map has them.
    let mut made: Vec<Vec<u8>> = Vec::new();
    for path in dirs.keys() {
        match make_below(root, path, Mode::RWXU, |path| made.push(path.into())) {
            Ok(_) => {}
            Err(error) => undone.fail(path, Did::Failed, super::below::why_not(error)),
        }
    }
    let mut tops = Vec::new();
    match open_below(root, &place(run)) {
        Ok(dir) => {
            let names = tree::names(&dir)?;
            // What was replaced last comes first.
            let replaced = |name: &Vec<u8>| {
                name.strip_prefix(b"replaced-").and_then(|n| std::str::from_utf8(n).ok()?.parse::<u32>().ok())
            };
            let mut layers: Vec<_> =
                names.iter().filter_map(|(name, _)| Some((replaced(name)?, name.clone()))).collect();
            layers.sort_unstable();
            tops.extend(layers.into_iter().rev().map(|(_, name)| (name, true)));
            tops.push((b"tree".to_vec(), false));
            for (name, exchange) in tops {
                match open_below(&dir, &name) {
                    Ok(top) => {
                        back(root, &dir, &top, exchange.then_some(&name[..]), &mut made, stop, &mut undone)?
                    }
                    Err(Errno::NOENT) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    // Times last, the deepest first, since what is put into a directory moves them.
    made.sort_unstable();
    for path in made.iter().rev() {
        let Ok(dir) = open_below(root, path) else { continue };
        if let Some(recipe) = dirs.get(path) {
            // As far as we may.
            let (above, name) = split(path);
            let owner = (Some(Uid::from_raw(recipe.uid)), Some(Gid::from_raw(recipe.gid)));
            let _ = open_below(root, above).and_then(|above| {
                chownat(above, OsStr::from_bytes(name), owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)
            });
            let _ = fchmod(&dir, Mode::from_raw_mode(recipe.mode));
            set_mtime(&dir, recipe.mtime);
            undone.restored += 1;
        }
    }
    tidy(root, run);
    Ok(undone)
}

impl Undone {
    fn fail(&mut self, path: &[u8], did: Did, why: String) {
        self.failed += u64::from(did == Did::Failed);
        self.conflicts += u64::from(did == Did::Skipped);
        if self.why.len() < TOLD {
            self.why.push((path.into(), why.clone()));
        }
        let (path, kind) = (path.to_vec(), Kind::File);
        Line::Did(Record { path, kind, did, bytes: 0, why: Some(why) }).write(&mut self.lines);
    }
}

fn back(
    root: &File,
    place: impl std::os::fd::AsFd,
    top: impl std::os::fd::AsFd,
    exchange: Option<&[u8]>,
    made: &mut Vec<Vec<u8>>,
    stop: &dyn Fn() -> bool,
    undone: &mut Undone,
) -> io::Result<()> {
    tree::walk(&top, |path, hold, names| {
        if !names.iter().any(|(_, kind)| *kind != Kind::Dir) {
            return !stop();
        }
        let opened =
            make_below(root, path, Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH, |path| {
                made.push(path.into());
            });
        let parent = opened.and_then(|_| Parent::open(root, path, None));
        for (name, kind) in names.iter().filter(|(_, kind)| *kind != Kind::Dir) {
            if stop() {
                return false;
            }
            let full = tree::join(path, name);
            let parent = match &parent {
                Ok(parent) => parent,
                Err(error) => {
                    undone.fail(&full, Did::Failed, super::below::why_not(*error));
                    continue;
                }
            };
            parent.moves();
            let done = match rename_new(hold, parent.fd(), name, name) {
                Err(Errno::EXIST) if exchange.is_some() => {
                    swap(&place, exchange.unwrap_or_default(), hold, parent, path, name)
                }
                other => other,
            };
            match done {
                Ok(()) => {
                    undone.restored += 1;
                    let (did, bytes) = (Did::Restored, 0);
                    Line::Did(Record { path: full, kind: *kind, did, bytes, why: None })
                        .write(&mut undone.lines);
                }
                Err(Errno::EXIST) => {
                    let why = "something else has its place; it stays in the quarantine";
                    undone.fail(&full, Did::Skipped, why.into());
                }
                Err(error) => undone.fail(&full, Did::Failed, io::Error::from(error).to_string()),
            }
        }
        true
    })?;
    Ok(())
}

/// The old version takes the place of the new one, which is kept beside the quarantine's tree.
fn swap(
    place: impl std::os::fd::AsFd,
    layer: &[u8],
    hold: impl std::os::fd::AsFd,
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
    let file = OsStr::from_bytes(name);
    renameat_with(&hold, file, parent.fd(), file, RenameFlags::EXCHANGE)?;
    // Apart from what was replaced, so that a second undo does not bring it back.
    rename_new(&hold, newer, name, name)
}
