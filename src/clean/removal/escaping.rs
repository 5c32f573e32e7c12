//! Escapes names in a quarantine that are not escaped: rsync's backups, once the transfer has ended, and entries that earlier versions
//! removed.
//!
//! An entry is renamed from `RUN/TREE/…` to `RUN/escaped/TREE/…`, and never replaces anything. If the process is killed, each entry is in
//! one of the two, and the next call continues.

use super::journals::{Journal, find};
use super::open_below::{open_below, why_not};
use super::own_dir::{make_ours, share, share_run};
use super::place::{DELETING, ESCAPED, PLACE, WHOLE, place};
use super::quarantine::{keep_old_info, name_limit, runs, tidy};
use super::rename::{Target, rename_new};
use super::tree::{self, join};
use super::write_access::WriteAccess;
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

/// The entries in a quarantine whose names are not escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unescaped {
    /// Number of entries and of directories that could not be opened.
    pub entries: u64,
    /// Number of these in a directory of another user. That user's own runs escape them.
    pub others: u64,
    /// Path of the first of them, relative to the root, and the reason.
    pub why: Option<(Vec<u8>, String)>,
}

impl Unescaped {
    /// A warning; `None` if there are no such entries. The path must be sanitized before it is shown.
    pub fn text(&self, root: &Path) -> Option<String> {
        let (path, why) = self.why.as_ref()?;
        Some(format!(
            "cannot escape the names of {} {} in the quarantine of {}, so that programs which look through the mirror may read \
             what was removed: {}: {why}; {}",
            self.entries,
            if self.entries == 1 { "entry" } else { "entries" },
            sanitize::path(&root),
            sanitize::name(path),
            if self.is_of_others() { "a run of that user tries again" } else { "the next run tries again" },
        ))
    }

    /// Whether this user cannot do anything about it.
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
    /// Whether the entry is in a directory of another user that this user may not change.
    others: bool,
}

impl Why {
    /// For an entry of a directory that is open.
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

/// Escapes the names in every quarantine of `root`, whose lock must be held. Names that are replaced by hashes are written to the journals
/// below `state` first. `stop` is called between entries.
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
        Err(error) => left.note(PLACE.into(), error.to_string().into()),
    }
    left
}

/// Whether the error shows a symlink, another file system or no directory. We would not have stored anything there.
fn is_not_ours(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::XDEV)
}

/// Whether the error shows a directory that another user has closed to us. Users who can open it could find these entries anyway, and the
/// next run of its owner escapes them.
fn is_denied(error: Errno) -> bool {
    matches!(error, Errno::ACCESS | Errno::PERM)
}

struct Escaping<'a> {
    access: &'a Arc<WriteAccess>,
    root: &'a File,
    state: &'a Path,
    run: &'a str,
    limit: NameLimit,
    /// Opened on first use.
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
        let stays = |name: &[u8]| [ESCAPED, WHOLE, DELETING].contains(&name);
        let tops: Vec<_> =
            names.into_iter().filter(|(name, kind)| *kind == Kind::Dir && !stays(name)).collect();
        for (top, _) in &tops {
            self.tree(&dir, top);
        }
        share_run(self.root, self.run);
        if !tops.is_empty() {
            tidy(self.access, self.run);
        }
    }

    /// Escapes everything in one directory of the quarantine.
    fn tree(&mut self, place: &OwnedFd, top: &[u8]) {
        let Ok(above) = fstat(self.root) else { return };
        // Paths relative to `top`; the empty one is `top` itself.
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
            // rsync gives its backup directories the modes of the mirror, which may deny us write access. In the quarantine they are ours
            // to change.
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
        let _ = open_below(place, top).map(|dir| tree::prune(dir, &[], &above));
        // A directory that is not empty stays, and has been reported.
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

    /// The name behind a hash must be on disk before the rename.
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

/// The journal of a run, which holds names that are too long to escape.
struct Key {
    journal: Journal,
    known: Dirs,
    end: Option<End>,
}

impl Key {
    /// Opens the journal of the run (a `sync` has one per job) for this tree; `None` if there is none.
    fn open(root: &File, state: &Path, run: &str) -> io::Result<Option<Self>> {
        let meta = root.metadata()?;
        let mut all = find(state, run)?;
        all.retain(|found| found.begin.run == run && found.begin.root.ino == meta.ino());
        // Compare paths too where there are several: device numbers change with every mount, and two trees may have the same inode number.
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
        let line = Line::Did(Record { path: real.into(), kind, did, bytes: 0, entries: 1, why });
        let mut lines = Vec::new();
        line.write(&mut lines);
        if let Some(end) = &self.end {
            // Repeat the end, so that a finished run stays finished.
            Line::End(end.clone()).write(&mut lines);
        }
        self.journal.append(&lines).and_then(|()| self.journal.sync())?;
        self.known.long.learn(real);
        Ok(())
    }
}
