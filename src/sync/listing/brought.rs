//! The names that a job with a list of entries has brought: `STATE/listings/JOB+ids-DEST.names`, for each destination. Only these may be
//! deleted when the list or the source does not have them any more. What was at the destination before, stays.
//!
//! New names are added before the transfer, so that a killed run does not leave files that no later run knows. Names that are neither at the
//! source nor at the destination are dropped after a complete run.

use super::Listing;
use super::names::{NameKind, NameReader, NameWriter, apply, forget, hash, kept, names_path};
use super::sorted_names::Deletion;
use crate::sync::job_state;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The name under which the names at a destination are stored. It is no name of a job.
pub(in crate::sync) fn brought_key(job: &str, dest: &Path) -> String {
    let dest = fs::canonicalize(dest).unwrap_or_else(|_| dest.into());
    format!("{}-{:016x}", job_state::limited_name(job), hash(dest.as_os_str().as_bytes()))
}

/// Adds the names that the job has brought to `dest`, as hashes.
pub(super) fn add_brought(
    state_dir: &Path,
    job: &str,
    dest: &Path,
    hash: fn(&[u8]) -> u64,
    hashes: &mut Vec<u64>,
) {
    let Some(mut names) = kept(state_dir, &brought_key(job, dest)) else { return };
    // A damaged end was found by `kept` already.
    while let Ok(Some((_, name))) = names.next() {
        hashes.push(hash(name));
    }
}

/// The hash by which names are compared with those of a listing.
pub(in crate::sync) fn hash_of(name: &[u8]) -> u64 {
    hash(name)
}

/// The entries at the destination that the job has brought and that are not among `now`, the hashes of the names that it has to have. A
/// directory is among them if all its contents are.
pub(in crate::sync) fn left_over(
    state_dir: &Path,
    key: &str,
    dest: &Path,
    now: &HashSet<u64>,
) -> io::Result<Vec<Deletion>> {
    let Some(mut names) = kept(state_dir, key) else { return Ok(Vec::new()) };
    let (mut gone, mut dirs, mut known) = (Vec::new(), Vec::new(), HashSet::new());
    while let Some((kind, name)) = names.next()? {
        if now.contains(&hash(name)) {
            continue;
        }
        let Ok(meta) = fs::symlink_metadata(dest.join(OsStr::from_bytes(name))) else { continue };
        match (kind, meta.is_dir()) {
            (NameKind::Dir, true) => dirs.push(name.to_vec()),
            (NameKind::File | NameKind::Other, false) => {
                known.insert(hash(name));
                gone.push(Deletion { name: name.to_vec(), dir: false });
            }
            // Somebody has put something else there.
            _ => {}
        }
    }
    // A directory comes after those in it.
    dirs.sort_unstable_by(|a, b| b.cmp(a));
    for name in dirs {
        let holds_only = |entry: io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| {
                known.contains(&hash(&[&name, &b"/"[..], entry.file_name().as_bytes()].concat()))
            })
        };
        if fs::read_dir(dest.join(OsStr::from_bytes(&name))).is_ok_and(|mut entries| entries.all(holds_only))
        {
            known.insert(hash(&name));
            gone.push(Deletion { name, dir: true });
        }
    }
    Ok(gone)
}

impl Listing {
    /// Adds the names that a transfer is about to bring to those that are stored under `key`.
    pub(in crate::sync) fn add_new(&mut self, state_dir: &Path, key: &str) -> io::Result<()> {
        let mut added = Vec::new();
        for changed in self.changed.iter()? {
            let changed = changed?;
            if changed.created && changed.name != b"." {
                added.push((changed.kind, changed.name));
            }
        }
        if added.is_empty() {
            return Ok(());
        }
        let again: HashSet<u64> = added.iter().map(|(_, name)| hash(name)).collect();
        let mut writer = NameWriter::create(state_dir, key)?;
        let added = added.iter().map(|(kind, name)| (*kind, &name[..]));
        match kept(state_dir, key) {
            Some(before) => apply(before, &mut writer, &again, added)?,
            None => added.into_iter().try_for_each(|(kind, name)| writer.push(kind, name))?,
        }
        writer.finish()?.keep(state_dir, key)
    }

    /// After a complete run: drops the stored names that are neither at the source nor at the destination. If something was deleted, the
    /// names of the whole source (`job`) are not those of the mirror any more.
    pub(in crate::sync) fn settle_brought(
        &self,
        dest: &Path,
        state_dir: &Path,
        key: &str,
        job: &str,
    ) -> io::Result<()> {
        if !self.gone.is_empty() {
            forget(state_dir, job);
        }
        let (Some(names), Some(mut before)) = (&self.names, kept(state_dir, key)) else { return Ok(()) };
        let now = hashes(names.read()?)?;
        let mut writer = NameWriter::create(state_dir, key)?;
        while let Some((kind, name)) = before.next()? {
            if now.contains(&hash(name)) || fs::symlink_metadata(dest.join(OsStr::from_bytes(name))).is_ok() {
                writer.push(kind, name)?;
            }
        }
        let names = writer.finish()?;
        match names.counts.total() {
            0 => fs::remove_file(names_path(state_dir, key)),
            _ => names.keep(state_dir, key),
        }
    }
}

fn hashes(mut names: NameReader) -> io::Result<HashSet<u64>> {
    let mut hashes = HashSet::new();
    while let Some((_, name)) = names.next()? {
        hashes.insert(hash(name));
    }
    Ok(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(state: &Path, names: &[(NameKind, &str)]) {
        let mut writer = NameWriter::create(state, "k").unwrap();
        names.iter().for_each(|(kind, name)| writer.push(*kind, name.as_bytes()).unwrap());
        writer.finish().unwrap().keep(state, "k").unwrap();
    }

    #[test]
    fn only_what_was_brought_is_left_over() {
        let (state, dest) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for file in ["ab/1abc", "ab/2abd", "cd/1cde", "ef/1efg", "ef/mine", "gh/1ghi/x"] {
            let path = dest.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let none = left_over(state.path(), "k", dest.path(), &HashSet::new()).unwrap();
        assert_eq!(none, []);
        let (file, dir) = (NameKind::File, NameKind::Dir);
        store(
            state.path(),
            &[
                (dir, "ab"),
                (file, "ab/1abc"),
                (dir, "cd"),
                (file, "cd/1cde"),
                (file, "cd/not-there"),
                (dir, "ef"),
                (file, "ef/1efg"),
                (dir, "gh"),
                // A directory is there now.
                (file, "gh/1ghi"),
            ],
        );
        let now = HashSet::from([hash(b"ab"), hash(b"ab/2abd")]);
        let gone = left_over(state.path(), "k", dest.path(), &now).unwrap();
        let mut names: Vec<_> = gone.iter().map(|gone| String::from_utf8_lossy(&gone.name)).collect();
        names.sort_unstable();
        // `ef` holds a file of somebody else.
        assert_eq!(names, ["ab/1abc", "cd", "cd/1cde", "ef/1efg"]);
    }
}
