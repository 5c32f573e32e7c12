//! Compares a listing with the destination: which files are older at the source, and which names the destination holds under another
//! spelling. This reads the destination, so it runs off the runtime's thread.

use super::folding::{self, Held, Spelling};
use super::names::NameKind;
use super::{Changed, ChangedKind, Listing, LostName, OlderFiles};
use crate::clean::Header;
use crate::clean::path::{BESIDE, split};
use crate::clean::removal::open_below::open_below;
use crate::clean::removal::{Parent, WriteAccess};
use rustix::fs::{AtFlags, Timespec, Timestamps, renameat, utimensat};
use rustix::io::Errno;
use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// An entry that gets the source's spelling. Ordered so that directories come before their contents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sync) struct Respelling {
    depth: usize,
    /// The directory, in the source's spelling.
    dir: Vec<u8>,
    /// The name at the destination.
    from: Vec<u8>,
    /// The name at the source.
    to: Vec<u8>,
}

impl Listing {
    /// Compares the listing with the destination, and writes the plan of its deletions with this `header`. `window`: by how many seconds a file may be older; `None` if times prove nothing. `lost`:
    /// names that the destination could not hold beside another one until now.
    pub(in crate::sync) fn examine(
        &mut self,
        dest: &Path,
        window: Option<i64>,
        lost: &[String],
        header: Header,
    ) -> io::Result<()> {
        let root = match File::open(dest) {
            Ok(root) => root,
            // A dry run of a job that has never run.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if self.folds {
            self.settle_spellings(&root, lost)?;
        } else if self.gone.unwritten.is_none() {
            self.folds_below = self.folds_somewhere(&root)?;
        }
        let lost: HashSet<Vec<u8>> = self.lost.iter().map(|lost| lost.name.clone()).collect();
        let (mut older, mut refused) = (OlderFiles::default(), Vec::new());
        for changed in self.changed.iter()? {
            let changed = changed?;
            if lost.contains(&changed.name) {
                refused.push(changed);
            } else if let Some(window) = window {
                older.look(dest, &changed, window);
            }
        }
        self.older = older;
        self.moved = self.moved_entries(dest)?;
        refused.iter().for_each(|changed| self.discount(changed));
        if !self.folds_below {
            // Otherwise the listing is repeated.
            let present = self.present();
            self.gone.write_plan(dest, header, present);
        }
        Ok(())
    }

    /// Subtracts a name that cannot be held: it is not transferred.
    fn discount(&mut self, changed: &Changed) {
        let tally = if changed.created { &mut self.created } else { &mut self.updated };
        let bytes = if changed.contents { changed.size } else { 0 };
        tally.discount(changed.kind == ChangedKind::Dir, bytes);
        self.contents -= u64::from(changed.contents);
        if !changed.created && changed.kind != ChangedKind::Dir {
            let same_size = changed.contents && !changed.resized;
            let count = if same_size { &mut self.same_size } else { &mut self.different };
            *count = count.saturating_sub(1);
        }
    }

    /// Whether a directory with listed deletions accepts other spellings of its names.
    fn folds_somewhere(&self, root: &File) -> io::Result<bool> {
        let mut spelling = Spelling::new(root);
        let mut last: Option<Vec<u8>> = None;
        for entry in self.gone.names()? {
            let name = entry?.name;
            let dir = split(&name).0;
            if last.as_deref() != Some(dir) {
                if spelling.folds_at(&name) {
                    return Ok(true);
                }
                last = Some(dir.to_vec());
            }
        }
        Ok(false)
    }

    /// Compares the names to delete with the names of the source.
    fn settle_spellings(&mut self, root: &File, lost_before: &[String]) -> io::Result<()> {
        let Some(names) = &self.names else { return Ok(()) };
        // If the list could not be written, nothing is deleted.
        let written = self.gone.unwritten.is_none();
        let gone = if written { Some(self.gone.names()?) } else { None };
        let gone = gone.into_iter().flatten().map(|entry| entry.map(|entry| entry.name));
        let folded = folding::compare(|| names.read(), gone)?;
        let mut spelling = Spelling::new(root);
        let grouped: HashSet<&[u8]> = folded.groups.iter().flatten().map(|(_, name)| &name[..]).collect();
        let (mut stays, mut respelled, mut in_the_way) = (HashSet::new(), BTreeSet::new(), HashSet::new());
        for (name, (kind, source)) in &folded.respelled {
            // They are two entries only if the destination holds both names exactly as spelt. (rsync looks for deletions below every
            // directory of the source, so a name to delete may also have another spelling here.)
            let two =
                spelling.held_path(source) == Held::Exactly && spelling.held_path(name) == Held::Exactly;
            if !two && spelling.held_path(source) != Held::Not {
                stays.insert(name.clone());
                if *kind == NameKind::File && lost_before.iter().any(|lost| lost.as_bytes() == source) {
                    self.stale.push(source.to_vec());
                }
                respellings(name, source, &grouped, &mut respelled);
            }
            in_the_way.extend((*kind != NameKind::Dir).then(|| name.clone()));
        }
        if !folded.respelled.is_empty() {
            self.gone.leave_out(stays, |entry| entry.dir && in_the_way.contains(&entry.name))?;
        }
        self.respelled = respelled.into_iter().collect();
        self.lost = folded.groups.iter().flat_map(|group| lost(group, &mut spelling)).collect();
        self.groups = folded.groups;
        Ok(())
    }

    /// Names of the source that the destination holds under another name's spelling, after the transfer.
    pub(in crate::sync) fn lost_now(&self, dest: &Path) -> io::Result<Vec<LostName>> {
        if self.groups.is_empty() {
            return Ok(Vec::new());
        }
        let root = File::open(dest)?;
        let mut spelling = Spelling::new(&root);
        Ok(self.groups.iter().flat_map(|group| lost(group, &mut spelling)).collect())
    }
}

/// Names of a group that are held under another name's spelling. One name of a group is always held: the one with its own spelling, or else
/// the first.
fn lost(group: &[(NameKind, Vec<u8>)], spelling: &mut Spelling<'_>) -> Vec<LostName> {
    let held: Vec<_> = group.iter().map(|(_, name)| spelling.held_path(name)).collect();
    let winner = held.iter().position(|held| *held == Held::Exactly).unwrap_or(0);
    let others = group.iter().zip(&held).enumerate().filter(|(at, _)| *at != winner);
    let lost = others.filter(|(_, (_, held))| **held == Held::Otherwise);
    let (kind, holder) = &group[winner];
    let holder = (*kind == NameKind::File).then_some(holder);
    lost.map(|(_, ((kind, name), _))| LostName {
        name: name.clone(),
        dir: *kind == NameKind::Dir,
        holder: holder.cloned(),
    })
    .collect()
}

/// Adds the path components in which the two spellings differ. A component stays if its spelling here is also a name of the source.
fn respellings(here: &[u8], source: &[u8], grouped: &HashSet<&[u8]>, out: &mut BTreeSet<Respelling>) {
    let mut at = (0, 0);
    for (depth, (from, to)) in here.split(|b| *b == b'/').zip(source.split(|b| *b == b'/')).enumerate() {
        let above = source[..at.1].strip_suffix(b"/").unwrap_or(&source[..at.1]);
        at = (at.0 + from.len() + 1, at.1 + to.len() + 1);
        let whole = &source[..(at.1 - 1).min(source.len())];
        if from != to && !grouped.contains(whole) {
            out.insert(Respelling { depth, dir: above.into(), from: from.into(), to: to.into() });
        }
    }
}

/// Sets the times of files to 0, so that rsync fetches them again.
pub(in crate::sync) fn make_old(root: &File, names: &[Vec<u8>]) -> io::Result<()> {
    for path in names {
        let (dir, name) = split(path);
        let dir = open_below(root, dir)?;
        let old = Timespec { tv_sec: 0, tv_nsec: 0 };
        let times = Timestamps { last_access: old, last_modification: old };
        utimensat(&dir, OsStr::from_bytes(name), &times, AtFlags::SYMLINK_NOFOLLOW)?;
    }
    Ok(())
}

/// Renames entries to the source's spelling. Returns how many have it now, and why the others do not.
pub(in crate::sync) fn rename(
    access: &Arc<WriteAccess>,
    run: &str,
    respelled: &[Respelling],
    stop: impl Fn() -> bool,
) -> (u64, Vec<String>) {
    let (mut done, mut why) = (0, Vec::new());
    let mut spelling = Spelling::new(access.root());
    for Respelling { dir, from, to, .. } in respelled {
        if stop() {
            why.push("the run was stopped".into());
            break;
        }
        spelling.forget(dir);
        if spelling.held(dir, to) != Held::Otherwise || spelling.held(dir, from) != Held::Exactly {
            continue;
        }
        let renamed = Parent::open_to_change(access, dir).map_err(io::Error::from).and_then(|parent| {
            parent.changes().map_err(io::Error::other)?;
            let fd = parent.fd();
            renameat(fd, OsStr::from_bytes(from), fd, OsStr::from_bytes(to))?;
            spelling.forget(dir);
            // Some file systems treat the two names as equal and do nothing.
            let held = spelling.held(dir, to) == Held::Exactly;
            if held { Ok(()) } else { Ok(by_another_name(fd, run, from, to)?) }
        });
        match renamed {
            Ok(()) => done += 1,
            Err(error) => why.push(format!(
                "{}: cannot be renamed to {}: {}",
                String::from_utf8_lossy(&[dir, &b"/"[..], from].concat()).trim_start_matches('/'),
                String::from_utf8_lossy(to),
                error
            )),
        }
        spelling.forget(dir);
    }
    (done, why)
}

/// Renames in two steps. If we are killed in between, the next run fetches the entry again from the source.
fn by_another_name(dir: &OwnedFd, run: &str, from: &[u8], to: &[u8]) -> Result<(), Errno> {
    let hash = blake3::hash(to).to_hex();
    let between = [BESIDE, run.as_bytes(), b"-", &hash.as_bytes()[..16]].concat();
    let between = OsStr::from_bytes(&between);
    renameat(dir, OsStr::from_bytes(from), dir, between)?;
    renameat(dir, between, dir, OsStr::from_bytes(to)).inspect_err(|_| {
        // Restores the old name; the first error is reported.
        let _ = renameat(dir, between, dir, OsStr::from_bytes(from));
    })
}
