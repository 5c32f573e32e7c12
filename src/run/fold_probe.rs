//! Does a directory take names that differ in case or Unicode form for one? It is tried out.

use crate::clean::path::OURS;
use crate::sweep::below::{make_below, open_below};
use crate::sweep::{mtime_of, set_mtime};
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// Which names a directory takes for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Folding {
    /// Those that differ in case.
    pub(crate) case: bool,
    /// Those that differ in Unicode normal form.
    pub(crate) form: bool,
}

impl Folding {
    /// Whether there are such names at all.
    pub(crate) fn any(self) -> bool {
        self.case || self.form
    }
}

/// Makes a file below `root`, looks for it under other spellings, and removes it. Leaves nothing, and the times of the root.
pub(crate) fn probe(root: &File) -> Result<Folding, Errno> {
    let stat = rustix::fs::fstat(root)?;
    let mut made = false;
    let dir = make_below(root, OURS, Mode::RWXU, |_| made = true)?;
    // Not every file system takes other letters than ASCII.
    let answer = ask(&dir, "probe-\u{e9}", "PROBE-\u{e9}", Some("probe-e\u{301}"))
        .or_else(|_| ask(&dir, "probe", "PROBE", None));
    if made {
        // One that somebody uses meanwhile stays.
        let _ = open_below(root, b"")
            .and_then(|root| unlinkat(root, OsStr::from_bytes(OURS), AtFlags::REMOVEDIR));
        set_mtime(root, mtime_of(&stat));
    }
    answer
}

/// Makes the file `name`, and says whether it is found in another case and in another form. One that a killed run left is as good.
fn ask(dir: &OwnedFd, name: &str, case: &str, form: Option<&str>) -> Result<Folding, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    drop(openat(dir, name, flags, Mode::RUSR | Mode::WUSR)?);
    let found = |other: &str| statat(dir, other, AtFlags::SYMLINK_NOFOLLOW).is_ok();
    let folding = Folding { case: found(case), form: form.is_some_and(found) };
    // Somebody else may have asked at the same time.
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
        let root = File::open(dir.path()).unwrap();
        root.set_modified(time).unwrap();
        assert_eq!(probe(&root), Ok(Folding::default()));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(root.metadata().unwrap().modified().unwrap(), time);
        std::fs::create_dir(dir.path().join(".pdb-sync")).unwrap();
        assert_eq!(probe(&root), Ok(Folding::default()));
        assert!(dir.path().join(".pdb-sync").exists(), "what was there stays");
    }
}
