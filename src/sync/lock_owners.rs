//! Which process holds which destinations, for messages: `STATE/locks/PID-HOST.holders`, a line for each destination.
//!
//! A process has one file for all its locks, and rewrites it in place. Creating and removing a file for each lock was the main cost of
//! starting a job. The process keeps the file locked while it runs, so a file that a dead process left behind can be recognized.

use super::lock_note::LockNote;
use crate::platform;
use crate::platform::host_name;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const ENDING: &str = "holders";

/// The notes of this process.
#[derive(Debug)]
pub(crate) struct LockOwners {
    dir: PathBuf,
    run: String,
    held: Mutex<LockOwner>,
}

#[derive(Debug, Default)]
struct LockOwner {
    file: Option<File>,
    lines: BTreeMap<String, String>,
}

impl LockOwners {
    /// Creates the notes for the locks of a run. Nothing is written yet.
    pub(crate) fn new(state: &Path, run: &str) -> Arc<Self> {
        Arc::new(LockOwners { dir: state.join("locks"), run: run.into(), held: Mutex::default() })
    }

    /// `STATE/locks`.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The note of this process.
    pub(super) fn note(&self) -> LockNote {
        LockNote::own(&self.run)
    }

    fn path(&self) -> PathBuf {
        // Several hosts may share a state directory.
        self.dir.join(format!("{}-{}.{ENDING}", std::process::id(), host_name().replace('/', "_")))
    }

    /// Notes that we hold the destination of this name.
    pub(super) fn add(&self, name: &str) {
        let line = format!("{name} {}\n", self.note().line());
        self.change(|lines| _ = lines.insert(name.into(), line));
    }

    /// Removes the note of the destination of this name.
    pub(super) fn remove(&self, name: &str) {
        self.change(|lines| _ = lines.remove(name));
    }

    /// Changes the notes. They serve messages only, so a failed write is not an error.
    fn change(&self, act: impl FnOnce(&mut BTreeMap<String, String>)) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut held.lines);
        if held.file.is_none() {
            held.file = self.create().ok();
        }
        if let Some(file) = &held.file {
            let mut text: String = held.lines.values().map(String::as_str).collect();
            // Padding with empty lines is cheaper than truncating the file.
            let before = file.metadata().map_or(0, |meta| meta.len() as usize);
            text.extend(std::iter::repeat_n('\n', before.saturating_sub(text.len())));
            let _ = file.write_all_at(text.as_bytes(), 0);
        }
    }

    fn create(&self) -> io::Result<File> {
        fs::create_dir_all(&self.dir)?;
        for (path, file) in notes(&self.dir) {
            if file.try_lock().is_ok() {
                // The owner has ended. A file that cannot be removed does no harm.
                let _ = fs::remove_file(path);
            }
        }
        let file = File::options().create(true).truncate(false).write(true).open(self.path())?;
        // Where files cannot be locked, leftover notes are assumed to be valid.
        let _ = file.try_lock();
        Ok(file)
    }

    /// The holder of the destination of this name: `pid 123, run 01J…, user alice, host node1, since 2026-…`. `None` if it uses another
    /// state directory, or could not write there.
    pub(super) fn holder(&self, name: &str) -> Option<String> {
        notes(&self.dir).find_map(|(_, mut file)| {
            if file.try_lock().is_ok() {
                return None;
            }
            let mut text = String::new();
            (&mut file).take(platform::OWN).read_to_string(&mut text).ok()?;
            let mut notes = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            // Where files cannot be locked, a leftover note looks the same.
            notes.find_map(LockNote::read).filter(|note| !note.is_gone()).map(|note| note.to_string())
        })
    }
}

impl Drop for LockOwners {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        if held.file.is_some() {
            // Removed while the file is still ours.
            let _ = fs::remove_file(self.path());
        }
    }
}

/// The notes of all processes that use this state directory.
fn notes(dir: &Path) -> impl Iterator<Item = (PathBuf, File)> {
    let paths = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
        .filter_map(|path| platform::open_regular(&path).ok().map(|file| (path, file)))
}

#[cfg(test)]
mod tests {
    use super::super::lock_note;
    use super::*;

    #[test]
    fn a_note_is_believed_while_its_writer_lives() {
        let state = tempfile::tempdir().unwrap();
        let ours = LockOwners::new(state.path(), "RUN1");
        ours.add("fe00-a");
        ours.add("fe00-ab");
        let asked = LockOwners::new(state.path(), "RUN2");
        let us = format!("pid {}, run RUN1, user ", std::process::id());
        let of = |name: &str| asked.holder(name).unwrap_or_default();
        assert!(of("fe00-a").starts_with(&us), "{}", of("fe00-a"));
        assert!(of("fe00-a").contains(&format!(", host {}, since ", host_name())), "{}", of("fe00-a"));
        ours.remove("fe00-a");
        assert_eq!(asked.holder("fe00-a"), None);
        assert!(of("fe00-ab").starts_with(&us));
        // Left behind by a killed process, and truncated by a full disk.
        let left = state.path().join("locks/1.holders");
        let note = lock_note::tests::of("elsewhere").line();
        fs::write(&left, format!("fe00-c {note}\nfe00-d {}", &note[..20])).unwrap();
        for name in ["fe00-c", "fe00-d"] {
            assert_eq!(asked.holder(name), None, "{name}");
        }
        // As on a file system without locks: a process that this host does not have is no holder; processes of other hosts cannot be
        // checked.
        let locked = File::open(&left).unwrap();
        locked.lock().unwrap();
        assert!(of("fe00-c").contains(", host elsewhere, "), "{}", of("fe00-c"));
        assert_eq!(asked.holder("fe00-d"), None);
        fs::write(&left, format!("fe00-c {}", lock_note::tests::of(&host_name()).line())).unwrap();
        assert_eq!(asked.holder("fe00-c"), None);
        drop(locked);
        drop(ours);
        asked.add("fe00-e");
        assert!(!left.exists());
        drop(asked);
        assert_eq!(fs::read_dir(state.path().join("locks")).unwrap().count(), 0);
    }

    /// As on a file system without locks, where it cannot be distinguished from the note of a running process.
    #[test]
    fn what_another_of_our_number_left_is_written_over() {
        let state = tempfile::tempdir().unwrap();
        let path = LockOwners::new(state.path(), "RUN1").path();
        fs::create_dir(path.parent().unwrap()).unwrap();
        let left = File::create(&path).unwrap();
        left.lock().unwrap();
        let note = lock_note::tests::of("elsewhere").line();
        let old = ["a", "b"].map(|name| format!("fe00-{name} {note}\n")).concat();
        fs::write(&path, old).unwrap();
        let ours = LockOwners::new(state.path(), "RUN1");
        ours.add("fe00-c");
        assert!(ours.holder("fe00-c").unwrap().contains("run RUN1"));
        assert_eq!(ours.holder("fe00-b"), None);
    }
}
