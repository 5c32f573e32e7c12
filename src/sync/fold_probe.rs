//! Probes whether a directory treats names that differ in case or Unicode form as equal.

use crate::clean::path::OURS;
use crate::clean::removal::open_below::open_below;
use crate::clean::removal::{WriteAccess, make_ours, mtime_of, set_mtime};
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// Which names a directory treats as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Folding {
    /// Names that differ in case.
    pub(crate) case: bool,
    /// Names that differ in Unicode normal form.
    pub(crate) form: bool,
}

impl Folding {
    /// Whether the directory folds names at all.
    pub(crate) fn any(self) -> bool {
        self.case || self.form
    }
}

/// Creates a file below `root`, looks it up by other spellings, and removes it. Leaves nothing behind, and restores the times of the root.
pub(crate) fn probe(root: &File) -> Result<Folding, Errno> {
    probe_by(root, |act| act(root))
}

/// Like [`probe`], below a root whose mode may forbid writing.
pub(crate) fn probe_with(access: &Arc<WriteAccess>) -> Result<Folding, Errno> {
    probe_by(access.root(), |act| access.in_root(|root| act(root)))
}

/// An action on the root, which may open a directory in it.
type Act<'a> = &'a dyn Fn(&File) -> Result<Option<OwnedFd>, Errno>;

/// `in_root` runs an action on the root.
fn probe_by(
    root: &File,
    in_root: impl Fn(Act<'_>) -> Result<Option<OwnedFd>, Errno>,
) -> Result<Folding, Errno> {
    let stat = rustix::fs::fstat(root)?;
    let made = open_below(root, OURS).is_err_and(|error| error == Errno::NOENT);
    let dir = in_root(&|root| make_ours(root, root, OURS).map(Some))?;
    let dir = dir.ok_or(Errno::NOENT)?;
    // Not every file system accepts non-ASCII letters.
    let answer = ask(&dir, "probe-\u{e9}", "PROBE-\u{e9}", Some("probe-e\u{301}"))
        .or_else(|_| ask(&dir, "probe", "PROBE", None));
    if made {
        // Stays if another process uses it meanwhile.
        let _ = in_root(&|root| unlinkat(root, OsStr::from_bytes(OURS), AtFlags::REMOVEDIR).map(|()| None));
        set_mtime(root, mtime_of(&stat));
    }
    answer
}

/// Creates the file `name`, and returns whether it is found in another case and in another form. A file left by a killed run serves as
/// well.
fn ask(dir: &OwnedFd, name: &str, case: &str, form: Option<&str>) -> Result<Folding, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = |other: &str| statat(dir, other, AtFlags::SYMLINK_NOFOLLOW).is_ok();
    match openat(dir, name, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => drop(file),
        // A file of another user need not be opened to be found.
        Err(Errno::ACCESS | Errno::PERM) if found(name) => {}
        Err(error) => return Err(error),
    }
    let folding = Folding { case: found(case), form: form.is_some_and(found) };
    // Another process may have probed, and removed it, at the same time.
    match unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(folding),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_directory_does_not_and_stays_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        let root = std::fs::File::open(dir.path()).unwrap();
        root.set_modified(time).unwrap();
        assert_eq!(probe(&root), Ok(Folding::default()));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(root.metadata().unwrap().modified().unwrap(), time);
        std::fs::create_dir(dir.path().join(".pdb-sync")).unwrap();
        assert_eq!(probe(&root), Ok(Folding::default()));
        let access = WriteAccess::new(root.try_clone().unwrap(), dir.path(), dir.path()).unwrap();
        assert_eq!(probe_with(&access), Ok(Folding::default()));
        assert!(dir.path().join(".pdb-sync").exists(), "what was there stays");
    }
}
