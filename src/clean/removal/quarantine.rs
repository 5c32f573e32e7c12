//! The place of removed entries until they expire: `ROOT/.pdb-sync/quarantine/RUN/escaped/tree/…`, under their own paths, so that they can
//! be restored without any record. It is on the file system of the mirror, since removal is safe because it is a rename.
//!
//! ```text
//! RUN/info%2Ejson                    what the quarantine says about itself
//! RUN/escaped/tree/                  what was removed
//! RUN/escaped/replaced-N/            what a transfer replaced
//! RUN/escaped/newer-replaced-N/      what an undo put aside
//! RUN/whole/                         directories that were removed as one, each under its whole path; names in them are not
//!                                    escaped, so no plan takes a directory as one if readers look for files like those in it
//! RUN/deleting/                      the same, compared and about to be deleted
//! RUN/tree/, RUN/replaced-N/, …      the same under their own names: rsync's backups until the transfer ends, and what
//!                                    earlier versions made
//! ```
//!
//! So the directory of an entry shows whether names in it are escaped ([`crate::clean::escape`]). An entry that is moved from one to the
//! other ([`super::escaping`]) is always in exactly one of them.

use super::open_below::open_below;
use super::own_dir::{make_ours, share};
use super::place::{
    DELETING, ESCAPED, GOING, INFO, INFO_BEFORE, INFO_PART, PLACE, TREE, WHOLE, is_info, place,
};
use super::recipe::{mtime_of, set_mtime};
use super::rename::{Target, rename_new};
use super::tree::{join, names, prune};
use super::write_access::WriteAccess;
use crate::clean::path::OURS;
use crate::clean::{Kind, NameLimit, escape, escape_flat, escape_path, is_hashed, is_hashed_flat};
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
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The description of a quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The version of the format. Names are escaped since version 2.
    pub v: u32,
    /// The ID of the run.
    pub run: String,
    /// `clean`, `sync` or `verify`.
    pub command: String,
    /// The start of the run, RFC 3339.
    pub time: String,
    /// The retention time in seconds.
    pub keep_s: u64,
    /// The start of the run by the boot clock of its machine, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Boot>,
}

impl Info {
    /// Returns the time of the start; `None` if it cannot be parsed.
    pub fn since(&self) -> Option<Moment> {
        let time: jiff::Timestamp = self.time.parse().ok()?;
        Some(Moment { wall: time.as_second(), boot: self.boot.clone() })
    }
}

/// The quarantine of one run in one tree. Created on first use.
#[derive(Debug)]
pub struct Quarantine {
    access: Arc<WriteAccess>,
    place: Vec<u8>,
    info: Info,
    limit: NameLimit,
    tree: OnceLock<OwnedFd>,
    /// Held by the thread that creates the directory; the others wait.
    making: Mutex<()>,
}

impl Quarantine {
    /// Creates nothing yet. `run` must be a plain name.
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

    /// The tree of the quarantine.
    pub fn access(&self) -> &Arc<WriteAccess> {
        &self.access
    }

    /// The ID of the run.
    pub(super) fn run(&self) -> &str {
        &self.info.run
    }

    /// The directory of the run, relative to the root.
    pub fn place(&self) -> &[u8] {
        &self.place
    }

    /// Returns the name of an entry in the quarantine.
    pub(super) fn name<'a>(&self, own: &'a [u8]) -> Cow<'a, [u8]> {
        escape(own, self.limit)
    }

    /// Whether only the journal has the original name of an entry of this path, so that it must be written there first.
    pub fn needs_key(&self, path: &[u8]) -> bool {
        is_hashed(path, self.limit)
    }

    /// Returns the name in the quarantine of a directory that is moved as one.
    pub(super) fn flat_name(&self, path: &[u8]) -> Vec<u8> {
        escape_flat(path, self.limit)
    }

    /// Whether only the journal has the original path of an entry, so that it must be written there first.
    pub(super) fn needs_key_of(&self, path: &[u8], kind: Kind) -> bool {
        match kind {
            Kind::Tree => is_hashed_flat(path, self.limit),
            _ => self.needs_key(path),
        }
    }

    /// Opens the directory of directories that are moved as one, and creates it if necessary.
    pub(super) fn whole(&self) -> Result<OwnedFd, Errno> {
        self.of_run(WHOLE)
    }

    /// Opens it, if it exists.
    pub(super) fn whole_if_any(&self) -> Result<OwnedFd, Errno> {
        open_below(self.access.root(), &join(&self.place, WHOLE))
    }

    /// Opens the directory of directories that were compared and are being deleted, and creates it if necessary.
    pub(super) fn deleting(&self) -> Result<OwnedFd, Errno> {
        self.of_run(DELETING)
    }

    /// Opens it, if it exists.
    pub(super) fn deleting_if_any(&self) -> Result<OwnedFd, Errno> {
        open_below(self.access.root(), &join(&self.place, DELETING))
    }

    fn of_run(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        self.prepare()?;
        make_ours(self.access.root(), self.access.root(), &join(&self.place, name))
    }

    /// Creates the directory of the run and its description.
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
        // An earlier version created it for its owner only.
        share(root);
        let dir = self.access.in_root(|root| make_ours(root, root, &self.place))?;
        // The modification time of the root is that of the source.
        set_mtime(root, mtime_of(&stat));
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

    /// Opens the counterpart of the directory `path`, and creates it if necessary.
    pub fn hold(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        make_ours(self.access.root(), self.prepare()?, &escape_path(path, self.limit))
    }

    /// Opens the counterpart of the directory `path`, if it exists.
    pub fn held(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let tree = join(&self.place, &join(ESCAPED, TREE));
        let full = if path.is_empty() { tree } else { join(&tree, &escape_path(path, self.limit)) };
        open_below(self.access.root(), &full)
    }

    /// Removes empty directories of the run, and our directory if it is empty.
    pub fn tidy(&self) {
        tidy(&self.access, &self.info.run);
    }
}

/// The maximum length of a name in the file system of a tree.
pub(super) fn name_limit(root: &File) -> NameLimit {
    fstatvfs(root).map(|stat| NameLimit::new(stat.f_namemax)).unwrap_or_default()
}

/// Gives the description from an earlier version its present name.
pub(super) fn keep_old_info(dir: impl AsFd) {
    // If this fails, a later run may succeed; the description is read under either name.
    let _ = rename_new(&dir, INFO_BEFORE.as_bytes(), &dir, INFO.as_bytes(), Target::Ours);
}

/// Removes the empty directories of a run's quarantine, then its description if nothing else is left, then empty directories above.
pub fn tidy(access: &Arc<WriteAccess>, run: &str) {
    let root = access.root();
    let Ok(stat) = rustix::fs::fstat(root) else { return };
    let Ok(dir) = open_below(root, &place(run)) else { return };
    // A directory that cannot be removed is not empty, or is harmless.
    prune(&dir, &[WHOLE, DELETING], &stat);
    let only_info = names(&dir).is_ok_and(|names| names.iter().all(|(name, _)| is_info(name)));
    if only_info {
        for info in [INFO, INFO_PART, INFO_BEFORE] {
            let _ = unlinkat(&dir, info, AtFlags::empty());
        }
        let _ = open_below(root, PLACE).and_then(|parent| unlinkat(parent, run, AtFlags::REMOVEDIR));
        remove_empty(access);
        set_mtime(root, mtime_of(&stat));
    }
}

/// Removes our directory, with the marks in it, if it has no quarantine of any run.
pub(super) fn remove_empty(access: &Arc<WriteAccess>) {
    let Ok(ours) = open_below(access.root(), OURS) else { return };
    if matches!(unlinkat(&ours, "quarantine", AtFlags::REMOVEDIR), Ok(()) | Err(Errno::NOENT)) {
        retention::forget(&ours);
        let _ = access.in_root(|root| unlinkat(root, OsStr::from_bytes(OURS), AtFlags::REMOVEDIR));
    }
}

/// Reads the description of the quarantine of a run; `None` if it is missing or cannot be parsed.
pub fn info(root: impl AsFd, run: &str) -> Option<Info> {
    let dir = open_below(root, &place(run)).ok()?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = openat(&dir, INFO, flags, Mode::empty());
    let file = File::from(opened.or_else(|_| openat(&dir, INFO_BEFORE, flags, Mode::empty())).ok()?);
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Returns the owner of the quarantine of a run, even if the directory cannot be opened.
pub fn made_by(root: impl AsFd, run: &str) -> Option<String> {
    let parent = open_below(root, PLACE).ok()?;
    let stat = statat(parent, run, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(crate::platform::user_name(stat.st_uid))
}

/// The state of the quarantine of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It exists.
    Held,
    /// It is being purged.
    Going,
    /// It does not exist, or cannot be opened.
    Gone,
}

/// Returns the state of the quarantine of a run in a tree.
pub fn place_of(root: impl AsFd, run: &str) -> Place {
    let is_there = |name: &str| open_below(&root, &place(name)).is_ok();
    match () {
        () if is_there(run) => Place::Held,
        () if is_there(&format!("{}{run}", GOING)) => Place::Going,
        () => Place::Gone,
    }
}

/// Returns the runs that have a quarantine in a tree, oldest first.
pub fn runs(root: impl AsFd) -> io::Result<Vec<String>> {
    let dir = match open_below(root, PLACE) {
        Ok(dir) => dir,
        Err(Errno::NOENT) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let names = names(&dir)?;
    let mut runs: Vec<String> =
        names.into_iter().filter_map(|(name, _)| String::from_utf8(name).ok()).collect();
    runs.sort_unstable();
    Ok(runs)
}
