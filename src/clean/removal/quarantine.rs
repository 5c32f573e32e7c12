//! Where removed entries lie for a while: `ROOT/.pdb-sync/quarantine/RUN/escaped/tree/…`, under their own paths, so that
//! nothing else has to be known to bring them back. On the mirror's own file system, since renaming is what makes it safe.
//!
//! ```text
//! RUN/info%2Ejson                    what the quarantine says about itself
//! RUN/escaped/tree/                  what was removed
//! RUN/escaped/replaced-N/            what a transfer replaced
//! RUN/escaped/newer-replaced-N/      what an undo put aside
//! RUN/tree/, RUN/replaced-N/, …      the same under their own names: rsync's backups until the transfer ends, and what
//!                                    earlier versions made
//! ```
//!
//! So the place of a tree tells whether its names are escaped ([`crate::clean::escape`]), and an entry that is moved from the
//! one to the other ([`super::escaping`]) is always in exactly one of them.

use super::open_below::open_below;
use super::own_dir::{make_ours, share};
use super::rename::{Target, rename_new};
use super::tree::join;
use super::write_access::WriteAccess;
use crate::clean::path::OURS;
use crate::clean::{NameLimit, escape, escape_path, is_hashed};
use crate::platform::follow;
use crate::retention::{self, Boot, Moment};
use rustix::fs::{AtFlags, Mode, OFlags, fstatvfs, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Where the places of all runs are.
pub(super) const PLACE: &[u8] = b".pdb-sync/quarantine";
/// Where names are escaped, and nowhere else.
pub(super) const ESCAPED: &[u8] = b"escaped";
/// What the name of a tree begins with that an undo has put aside.
pub(super) const ASIDE: &[u8] = b"newer-";
/// What was removed.
pub(super) const TREE: &[u8] = b"tree";
/// `info.json`, escaped as everything is.
pub(super) const INFO: &str = "info%2Ejson";
/// It gets its name when it is whole.
const INFO_PART: &str = "info%2Epart";
/// What earlier versions called it.
const INFO_BEFORE: &str = "info.json";

/// Whether that is a description of a quarantine, and no entry of anybody.
pub fn is_info(name: &[u8]) -> bool {
    [INFO, INFO_PART, INFO_BEFORE].iter().any(|info| info.as_bytes() == name)
}

/// What a quarantine says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The version of the format: since 2, names are escaped.
    pub v: u32,
    /// The run.
    pub run: String,
    /// `clean` or `sync`.
    pub command: String,
    /// When it began, RFC 3339.
    pub time: String,
    /// How long it is kept, in seconds.
    pub keep_s: u64,
    /// When it began in the boot of its machine, where that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Boot>,
}

impl Info {
    /// Since when it is kept; `None` if its time cannot be understood.
    pub fn since(&self) -> Option<Moment> {
        let time: jiff::Timestamp = self.time.parse().ok()?;
        Some(Moment { wall: time.as_second(), boot: self.boot.clone() })
    }
}

/// The place of one run in one tree. Made when it is first needed.
#[derive(Debug)]
pub struct Quarantine {
    access: Arc<WriteAccess>,
    place: Vec<u8>,
    info: Info,
    limit: NameLimit,
    tree: OnceLock<OwnedFd>,
    /// One thread makes the place, the others wait for it.
    making: Mutex<()>,
}

impl Quarantine {
    /// The place of a run; nothing is made yet. `run` must be a plain name.
    pub fn new(access: &Arc<WriteAccess>, run: &str, command: &str, keep: Duration) -> io::Result<Self> {
        if run.is_empty() || !run.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a run"));
        }
        let place = place(run);
        let time = jiff::Timestamp::now().to_string();
        let (boot, keep_s) = (retention::now().boot, keep.as_secs());
        let info = Info { v: 2, run: run.into(), command: command.into(), time, keep_s, boot };
        let (limit, access) = (name_limit(access.root()), access.clone());
        Ok(Quarantine { access, place, info, limit, tree: OnceLock::new(), making: Mutex::default() })
    }

    /// The tree that it is in.
    pub fn access(&self) -> &Arc<WriteAccess> {
        &self.access
    }

    /// Whose it is.
    pub(super) fn run(&self) -> &str {
        &self.info.run
    }

    /// Where it is, relative to the root.
    pub fn place(&self) -> &[u8] {
        &self.place
    }

    /// What an entry is called in it.
    pub(super) fn name<'a>(&self, own: &'a [u8]) -> Cow<'a, [u8]> {
        escape(own, self.limit)
    }

    /// Whether only the journal can tell what an entry of this path was called: it has to say so first.
    pub fn needs_key(&self, path: &[u8]) -> bool {
        is_hashed(path, self.limit)
    }

    /// Makes the place, with its description.
    pub fn prepare(&self) -> Result<&OwnedFd, Errno> {
        if let Some(tree) = self.tree.get() {
            return Ok(tree);
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = self.tree.get() {
            return Ok(tree);
        }
        let root = self.access.root();
        let stat = rustix::fs::fstat(root)?;
        // An earlier version made it for its owner alone.
        share(root);
        let dir = self.access.in_root(|root| make_ours(root, root, &self.place))?;
        // The root's time belongs to the source.
        super::parent::set_mtime(root, super::parent::mtime_of(&stat));
        keep_old_info(&dir);
        if statat(&dir, INFO, AtFlags::SYMLINK_NOFOLLOW).is_err() {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let file = openat(&dir, INFO_PART, flags, Mode::RUSR | Mode::WUSR)?;
            let text = serde_json::to_vec(&self.info).map_err(|_| Errno::INVAL)?;
            let mut file = File::from(file);
            follow(&file, &stat);
            let written = file.write_all(&text);
            written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
            renameat(&dir, INFO_PART, &dir, INFO)?;
        }
        let tree = make_ours(root, &dir, &join(ESCAPED, TREE))?;
        Ok(self.tree.get_or_init(|| tree))
    }

    /// The directory that holds what comes from the directory `path`; made if need be.
    pub fn hold(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        make_ours(self.access.root(), self.prepare()?, &escape_path(path, self.limit))
    }

    /// The same, if it is there.
    pub fn held(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let tree = join(&self.place, &join(ESCAPED, TREE));
        let full = if path.is_empty() { tree } else { join(&tree, &escape_path(path, self.limit)) };
        open_below(self.access.root(), &full)
    }

    /// Removes what is empty of the place, and of our directory.
    pub fn tidy(&self) {
        tidy(&self.access, &self.info.run);
    }
}

/// The longest name in the file system of a tree.
pub(super) fn name_limit(root: &File) -> NameLimit {
    fstatvfs(root).map(|stat| NameLimit::new(stat.f_namemax)).unwrap_or_default()
}

/// Gives a description by an earlier version its present name.
pub(super) fn keep_old_info(dir: impl AsFd) {
    // What does not succeed now may later; it is read under either name.
    let _ = rename_new(&dir, INFO_BEFORE.as_bytes(), &dir, INFO.as_bytes(), Target::Ours);
}

/// `.pdb-sync/quarantine/RUN`.
pub(super) fn place(run: &str) -> Vec<u8> {
    [PLACE, b"/", run.as_bytes()].concat()
}

/// For people, and for rsync's `--backup-dir`.
pub fn place_in(root: &Path, run: &str) -> PathBuf {
    root.join(OsStr::from_bytes(&place(run)))
}

/// Removes the directories of a run's place that are empty, its description if nothing else is left, and then what is
/// empty above.
pub fn tidy(access: &Arc<WriteAccess>, run: &str) {
    let root = access.root();
    let Ok(stat) = rustix::fs::fstat(root) else { return };
    let Ok(dir) = open_below(root, &place(run)) else { return };
    // What cannot be removed is not empty, or does no harm.
    super::tree::prune(&dir, &stat);
    let only_info = super::tree::names(&dir).is_ok_and(|names| names.iter().all(|(name, _)| is_info(name)));
    if only_info {
        for info in [INFO, INFO_PART, INFO_BEFORE] {
            let _ = unlinkat(&dir, info, AtFlags::empty());
        }
        let _ = open_below(root, PLACE).and_then(|parent| unlinkat(parent, run, AtFlags::REMOVEDIR));
        remove_empty(access);
        super::parent::set_mtime(root, super::parent::mtime_of(&stat));
    }
}

/// Removes our directory if no run has a place in it, and with it the marks of those that had.
pub(super) fn remove_empty(access: &Arc<WriteAccess>) {
    let Ok(ours) = open_below(access.root(), OURS) else { return };
    if matches!(unlinkat(&ours, "quarantine", AtFlags::REMOVEDIR), Ok(()) | Err(Errno::NOENT)) {
        retention::forget(&ours);
        let _ = access.in_root(|root| unlinkat(root, OsStr::from_bytes(OURS), AtFlags::REMOVEDIR));
    }
}

/// What the quarantine of a run says about itself; `None` if it says nothing that can be understood.
pub fn info(root: impl AsFd, run: &str) -> Option<Info> {
    let dir = open_below(root, &place(run)).ok()?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = openat(&dir, INFO, flags, Mode::empty());
    let file = File::from(opened.or_else(|_| openat(&dir, INFO_BEFORE, flags, Mode::empty())).ok()?);
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Whose run it was that has a place in a tree, also where it may not be entered.
pub fn made_by(root: impl AsFd, run: &str) -> Option<String> {
    let parent = open_below(root, PLACE).ok()?;
    let stat = statat(parent, run, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(crate::platform::user_name(stat.st_uid))
}

/// What is left of the place of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is there.
    Held,
    /// It is being purged.
    Going,
    /// There is none, or it cannot be opened.
    Gone,
}

/// What is left of the place of a run in a tree.
pub fn place_of(root: impl AsFd, run: &str) -> Place {
    let is_there = |name: &str| open_below(&root, &place(name)).is_ok();
    match () {
        () if is_there(run) => Place::Held,
        () if is_there(&format!("{}{run}", super::purge::GOING)) => Place::Going,
        () => Place::Gone,
    }
}

/// The runs that have a place in a tree, oldest first.
pub fn runs(root: impl AsFd) -> io::Result<Vec<String>> {
    let dir = match open_below(root, PLACE) {
        Ok(dir) => dir,
        Err(Errno::NOENT) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let names = super::tree::names(&dir)?;
    let mut runs: Vec<String> =
        names.into_iter().filter_map(|(name, _)| String::from_utf8(name).ok()).collect();
    runs.sort_unstable();
    Ok(runs)
}
