//! Does a directory take names that differ in case or Unicode form for one? It is tried out.

use crate::clean::path::OURS;
use crate::sweep::below::open_below;
use crate::sweep::{make_ours, mtime_of, set_mtime};
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

/// Makes a file below `root`, looks for it under other spellings, and removes it. Leaves nothing, and the times of the root.
pub(crate) fn folds(root: &File, run: &str) -> Result<bool, Errno> {
    let stat = rustix::fs::fstat(root)?;
    let made = open_below(root, OURS).is_err_and(|error| error == Errno::NOENT);
    let dir = make_ours(root, root, OURS)?;
    // Not every file system takes other letters than ASCII.
    let answer = [("probe-\u{e9}-", ["PROBE-\u{e9}-", "probe-e\u{301}-"]), ("probe-", ["PROBE-", "Probe-"])]
        .iter()
        .map(|(name, others)| {
            let [name, one, two] = [name, &others[0], &others[1]].map(|start| format!("{start}{run}"));
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            drop(openat(&dir, name.as_str(), flags, Mode::RUSR | Mode::WUSR)?);
            let answers = |other: &str| statat(&dir, other, AtFlags::SYMLINK_NOFOLLOW).is_ok();
            let folds = answers(&one) || answers(&two);
            unlinkat(&dir, name.as_str(), AtFlags::empty())?;
            Ok(folds)
        })
        .find_or_last();
    if made {
        // One that somebody uses meanwhile stays.
        let _ = open_below(root, b"")
            .and_then(|root| unlinkat(root, OsStr::from_bytes(OURS), AtFlags::REMOVEDIR));
        set_mtime(root, mtime_of(&stat));
    }
    answer
}

/// The first answer, or else the last error.
trait FirstAnswer {
    fn find_or_last(self) -> Result<bool, Errno>;
}

impl<I: Iterator<Item = Result<bool, Errno>>> FirstAnswer for I {
    fn find_or_last(self) -> Result<bool, Errno> {
        let mut last = Err(Errno::INVAL);
        for answer in self {
            last = answer;
            if last.is_ok() {
                break;
            }
        }
        last
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
        assert_eq!(folds(&root, "RUN1"), Ok(false));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(root.metadata().unwrap().modified().unwrap(), time);
        std::fs::create_dir(dir.path().join(".pdb-sync")).unwrap();
        assert_eq!(folds(&root, "RUN1"), Ok(false));
        assert!(dir.path().join(".pdb-sync").exists(), "what was there stays");
    }
}
