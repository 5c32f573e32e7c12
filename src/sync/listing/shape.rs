//! A hash of the directories of a mirror, to find out cheaply whether something else has changed it.

use super::names::{self, NameKind};
use crate::clean::path::OURS;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Returns a hash of the names at the top of the mirror, and of the modification times of the directories that the stored names of the job have:
/// whoever adds, removes or renames an entry changes one of them. The time of the top itself does not count, since our own files change
/// it. Files whose contents change in place are not noticed.
pub(in crate::sync) fn shape(state_dir: &Path, job: &str, dest: &Path) -> String {
    let mut hash = blake3::Hasher::new();
    let mut top: Vec<_> =
        fs::read_dir(dest).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    top.retain(|name| name.as_bytes() != OURS);
    top.sort_unstable();
    for name in top {
        hash.update(name.as_bytes()).update(&[0]);
    }
    let mut stored = names::kept(state_dir, job);
    while let Some(Ok(Some((kind, name)))) = stored.as_mut().map(names::NameReader::next) {
        if kind != NameKind::Dir {
            continue;
        }
        hash.update(name);
        // A directory that is gone has no time.
        if let Ok(dir) = fs::symlink_metadata(dest.join(OsStr::from_bytes(name))) {
            hash.update(&dir.mtime().to_le_bytes()).update(&dir.mtime_nsec().to_le_bytes());
        }
    }
    hash.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::super::names::NameWriter;
    use super::*;

    #[test]
    fn whoever_adds_or_removes_an_entry_changes_it_and_we_do_not() {
        let (state, dest) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(dest.path().join("a/b")).unwrap();
        fs::write(dest.path().join("a/b/file"), "x").unwrap();
        let mut writer = NameWriter::create(state.path(), "j").unwrap();
        for (kind, name) in [(NameKind::Dir, "a"), (NameKind::Dir, "a/b"), (NameKind::File, "a/b/file")] {
            writer.push(kind, name.as_bytes()).unwrap();
        }
        writer.finish().unwrap().keep(state.path(), "j").unwrap();
        let now = || shape(state.path(), "j", dest.path());
        let first = now();
        fs::create_dir(dest.path().join(".pdb-sync")).unwrap();
        assert_eq!(now(), first);
        fs::remove_file(dest.path().join("a/b/file")).unwrap();
        let second = now();
        assert_ne!(second, first);
        fs::write(dest.path().join("new"), "x").unwrap();
        let third = now();
        assert!(third != first && third != second);
        fs::remove_dir(dest.path().join("a/b")).unwrap();
        assert_ne!(now(), third);
    }
}
