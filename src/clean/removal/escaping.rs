//! Escapes what lies in a quarantine under its own names: what rsync backed up, once the transfer is over, and what earlier
//! versions removed.
//!
//! An entry is renamed from `RUN/TREE/…` to `RUN/escaped/TREE/…`, never over anything. Whoever is killed leaves each entry in
//! one of the two, and the next call goes on.

use super::journals::{Journal, find};
use super::open_below::{open_below, why_not};
use super::own_dir::{make_ours, share, share_run};
use super::quarantine::{ESCAPED, keep_old_info, name_limit, place, runs, tidy};
use super::rename::{Target, rename_new};
use super::tree::{self, join};
use super::write_access::WriteAccess;
use crate::clean::path::OURS;
use crate::clean::{Dirs, End, EntryOutcome, Kind, Line, NameLimit, Record, escape, escape_path, is_hashed};
use crate::model::sanitize;
use crate::platform::{follow, user_name};
use rustix::fs::{AtFlags, fstat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

/// What still has its own name in the quarantine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unescaped {
    /// Entries, or directories that could not be opened.
    pub entries: u64,
    /// Those of them that lie in a directory of another user, whose own runs escape them.
    pub others: u64,
    /// Where the first of them is, relative to the root, and why.
    pub why: Option<(Vec<u8>, String)>,
}

impl Unescaped {
    /// In words; `None` if there is nothing to say. The path is to be shown as names of others are.
    pub fn text(&self, root: &Path) -> Option<String> {
        let (path, why) = self.why.as_ref()?;
        Some(format!(
            "cannot escape the names of {} {} in the quarantine of {}, so that programs which look through the mirror may read \
             what was removed: {}: {why}; {}",
            self.entries,
            if self.entries == 1 { "entry" } else { "entries" },
            sanitize::path(&root),
            sanitize::name(path),
            if self.is_of_others() { "a run of that user does" } else { "the next run tries again" },
        ))
    }

    /// Whether there is nothing that this user could do about it.
    pub fn is_of_others(&self) -> bool {
        self.others == self.entries
    }

    fn note(&mut self, path: Vec<u8>, why: Why) {
        self.entries += 1;
        self.others += u64::from(why.others);
        self.why.get_or_insert((path, why.text));
    }
}

/// Why an entry keeps its name.
struct Why {
    text: String,
    /// Whether it lies in a directory of another user, who does not let us.
    others: bool,
}

impl Why {
    /// Of something in a directory that is open.
    fn within(dir: &OwnedFd, error: Errno) -> Self {
        let owner = rustix::fs::fstat(dir).map(|stat| stat.st_uid).ok();
        match owner.filter(|owner| is_denied(error) && *owner != rustix::process::geteuid().as_raw()) {
            Some(owner) => {
                let text = format!("{}, in a directory of {}", why_not(error), user_name(owner));
                Why { text, others: true }
            }
            None => Why { text: why_not(error), others: false },
        }
    }
}

impl From<String> for Why {
    fn from(text: String) -> Self {
        Why { text, others: false }
    }
}

/// Does so for every run that has a quarantine in `root`, whose lock must be held. Names that become hashes are written into
/// the journals below `state` before. `stop` is asked between entries.
pub fn escape_quarantines(tree: &Arc<WriteAccess>, state: &Path, stop: &dyn Fn() -> bool) -> Unescaped {
    let root = tree.root();
    let mut left = Unescaped::default();
    share(root);
    match runs(root) {
        Ok(runs) => {
            let limit = name_limit(root);
            for run in runs {
                Escaping { access: tree, root, state, run: &run, limit, key: None, left: &mut left, stop }
                    .run();
            }
        }
        Err(error)
            if Errno::from_io_error(&error).is_some_and(|error| is_not_ours(error) || is_denied(error)) => {}
        Err(error) => left.note(join(OURS, b"quarantine"), error.to_string().into()),
    }
    left
}

/// A link, another file system or no directory at all: nothing of ours is in it, since we would not have gone there.
fn is_not_ours(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::XDEV)
}

/// Of a directory that another user has closed to us: those to whom it is open find nothing in it that they could not find without
/// us, and the next run of that user goes through it.
fn is_denied(error: Errno) -> bool {
    matches!(error, Errno::ACCESS | Errno::PERM)
}

struct Escaping<'a> {
    access: &'a Arc<WriteAccess>,
    root: &'a File,
    state: &'a Path,
    run: &'a str,
    limit: NameLimit,
    /// Opened when it is first needed.
    key: Option<Key>,
    left: &'a mut Unescaped,
    stop: &'a dyn Fn() -> bool,
}

impl Escaping<'_> {
    fn run(&mut self) {
        let opened = open_below(self.root, &place(self.run)).and_then(|dir| Ok((tree::names(&dir)?, dir)));
        let (names, dir) = match opened {
            Ok(opened) => opened,
            Err(error) if is_not_ours(error) || is_denied(error) => return,
            Err(error) => return self.left.note(place(self.run), why_not(error).into()),
        };
        keep_old_info(&dir);
        let tops: Vec<_> =
            names.into_iter().filter(|(name, kind)| *kind == Kind::Dir && name != ESCAPED).collect();
        for (top, _) in &tops {
            self.tree(&dir, top);
        }
        share_run(self.root, self.run);
        if !tops.is_empty() {
            tidy(self.access, self.run);
        }
    }

    /// Everything in one directory of the quarantine.
    fn tree(&mut self, place: &OwnedFd, top: &[u8]) {
        let Ok(above) = fstat(self.root) else { return };
        // Paths in it; the empty one is itself.
        let mut todo = vec![Vec::new()];
        while let Some(path) = todo.pop() {
            let full = if path.is_empty() { top.to_vec() } else { join(top, &path) };
            let opened = open_below(place, &full).and_then(|dir| Ok((tree::names(&dir)?, dir)));
            let (names, dir) = match opened {
                Ok(opened) => opened,
                Err(error) if is_denied(error) => continue,
                Err(error) => {
                    self.note(&full, why_not(error).into());
                    continue;
                }
            };
            // rsync gives its backups the modes of the mirror, where we may not be allowed to write. It is ours.
            follow(&dir, &above);
            let mut to = None;
            for (name, kind) in names {
                if (self.stop)() {
                    return;
                }
                if kind == Kind::Dir {
                    todo.push(join(&path, &name));
                } else if let Err(why) = self.entry(place, top, &path, &dir, &mut to, (&name, kind)) {
                    self.note(&join(&full, &name), why);
                }
            }
        }
        let _ = open_below(place, top).map(|dir| tree::prune(dir, &above));
        // One that is not empty stays, and has been told of.
        let _ = unlinkat(place, OsStr::from_bytes(top), AtFlags::REMOVEDIR);
    }

    fn entry(
        &mut self,
        place: &OwnedFd,
        top: &[u8],
        path: &[u8],
        dir: &OwnedFd,
        to: &mut Option<OwnedFd>,
        (name, kind): (&[u8], Kind),
    ) -> Result<(), Why> {
        let real = join(path, name);
        if is_hashed(&real, self.limit) {
            self.write_key(&real, kind)?;
        }
        let to = match to {
            Some(to) => to,
            None => {
                let top = join(ESCAPED, &escape(top, self.limit));
                let path = if path.is_empty() { top } else { join(&top, &escape_path(path, self.limit)) };
                to.insert(make_ours(self.root, place, &path).map_err(|error| Why::within(place, error))?)
            }
        };
        match rename_new(dir, name, &*to, &escape(name, self.limit), Target::Ours) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(Why::within(dir, error)),
        }
    }

    fn note(&mut self, path: &[u8], why: Why) {
        self.left.note(join(&place(self.run), path), why);
    }

    /// What a hash will stand for has to be on the disk before.
    fn write_key(&mut self, real: &[u8], kind: Kind) -> Result<(), String> {
        let key = match &mut self.key {
            Some(key) => key,
            None => {
                let key = Key::open(self.root, self.state, self.run);
                let key = key.map_err(|error| format!("cannot read its journal: {error}"))?;
                self.key.insert(key.ok_or_else(|| {
                    format!(
                        "its name is too long to be escaped, and no journal of run {} is in {}",
                        self.run,
                        sanitize::path(&self.state)
                    )
                })?)
            }
        };
        key.write(real, kind).map_err(|error| format!("cannot write its journal: {error}"))
    }
}

/// The journal of a run, for names that are too long.
struct Key {
    journal: Journal,
    known: Dirs,
    end: Option<End>,
}

impl Key {
    /// Of the run's journals (a `sync` has one for each job) the one that is about this tree; `None` if there is none.
    fn open(root: &File, state: &Path, run: &str) -> io::Result<Option<Self>> {
        let meta = root.metadata()?;
        let mut all = find(state, run)?;
        all.retain(|found| found.begin.run == run && found.begin.root.ino == meta.ino());
        // Device numbers are given anew at every mount; but two trees may have the same inode number.
        if all.len() > 1 {
            all.retain(|found| found.begin.root.dev == meta.dev());
        }
        let [found] = &all[..] else { return Ok(None) };
        let mut known = Dirs::default();
        found.read(|line| known.learn(&line))?;
        Ok(Some(Key { journal: Journal::open(state, &found.name)?, known, end: found.end.clone() }))
    }

    fn write(&mut self, real: &[u8], kind: Kind) -> io::Result<()> {
        if self.known.long.knows(real) {
            return Ok(());
        }
        let (did, why) = (EntryOutcome::Quarantined, Some("replaced by a transfer, or removed".to_owned()));
        let line = Line::Did(Record { path: real.into(), kind, did, bytes: 0, why });
        let mut lines = Vec::new();
        line.write(&mut lines);
        if let Some(end) = &self.end {
            // A run that has ended has still ended.
            Line::End(end.clone()).write(&mut lines);
        }
        self.journal.append(&lines).and_then(|()| self.journal.sync())?;
        self.known.long.learn(real);
        Ok(())
    }
}
