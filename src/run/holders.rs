//! Who holds which destinations, for messages: `STATE/locks/PID.holders`, a line for each.
//!
//! One file for all locks of a process, written again in place: a file for each lock, made and removed with it, was what
//! starting a job cost most. Its owner has it locked for as long as it lives, so one that stays behind tells by itself.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const ENDING: &str = "holders";

/// The notes of this process.
#[derive(Debug)]
pub struct Holders {
    dir: PathBuf,
    run: String,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    file: Option<File>,
    lines: BTreeMap<String, String>,
}

impl Holders {
    /// For the locks of a run; nothing is written yet.
    pub fn new(state: &Path, run: &str) -> Arc<Self> {
        Arc::new(Holders { dir: state.join("locks"), run: run.into(), held: Mutex::default() })
    }

    /// `STATE/locks`.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn path(&self) -> PathBuf {
        self.dir.join(format!("{}.{ENDING}", std::process::id()))
    }

    /// The destination of this name is ours.
    pub(super) fn add(&self, name: &str) {
        let since = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default();
        let line = format!("{name} {} {} {since}\n", std::process::id(), self.run);
        self.change(|lines| _ = lines.insert(name.into(), line));
    }

    /// It is not ours any more.
    pub(super) fn remove(&self, name: &str) {
        self.change(|lines| _ = lines.remove(name));
    }

    /// Notes only serve messages: that they cannot be written is no reason not to run.
    fn change(&self, act: impl FnOnce(&mut BTreeMap<String, String>)) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut held.lines);
        if held.file.is_none() {
            held.file = self.create().ok();
        }
        if let Some(file) = &held.file {
            let mut text: String = held.lines.values().map(String::as_str).collect();
            // Empty lines cost less than a shorter file.
            let before = file.metadata().map_or(0, |meta| meta.len() as usize);
            text.extend(std::iter::repeat_n('\n', before.saturating_sub(text.len())));
            let _ = file.write_all_at(text.as_bytes(), 0);
        }
    }

    fn create(&self) -> io::Result<File> {
        fs::create_dir_all(&self.dir)?;
        for (path, file) in notes(&self.dir) {
            if file.try_lock().is_ok() {
                // Whoever it was is gone. One that stays does no harm.
                let _ = fs::remove_file(path);
            }
        }
        let file = File::options().create(true).truncate(false).write(true).open(self.path())?;
        // Where files cannot be locked, notes that stay behind are believed.
        let _ = file.try_lock();
        Ok(file)
    }

    /// Who holds the destination of this name: `pid 123, run 01J…, since 2026-…`.
    pub(super) fn holder(&self, name: &str) -> String {
        let line = notes(&self.dir).find_map(|(_, mut file)| {
            if file.try_lock().is_ok() {
                return None;
            }
            let mut text = String::new();
            file.read_to_string(&mut text).ok()?;
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
        });
        let line = line.unwrap_or_default();
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some(pid), Some(run), Some(since)) => format!("pid {pid}, run {run}, since {since}"),
            // It uses another one, or could not write there.
            _ => "another process, of which this state directory has no note".into(),
        }
    }
}

impl Drop for Holders {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        if held.file.is_some() {
            // While it is surely ours.
            let _ = fs::remove_file(self.path());
        }
    }
}

/// The notes of all processes that use this state directory.
fn notes(dir: &Path) -> impl Iterator<Item = (PathBuf, File)> {
    let paths = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
        .filter_map(|path| File::open(&path).ok().map(|file| (path, file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_believed_while_its_writer_lives() {
        let state = tempfile::tempdir().unwrap();
        let ours = Holders::new(state.path(), "RUN1");
        ours.add("fe00-a");
        ours.add("fe00-ab");
        let asked = Holders::new(state.path(), "RUN2");
        let us = format!("pid {}, run RUN1, since ", std::process::id());
        assert!(asked.holder("fe00-a").starts_with(&us), "{}", asked.holder("fe00-a"));
        ours.remove("fe00-a");
        assert!(asked.holder("fe00-a").starts_with("another process"));
        assert!(asked.holder("fe00-ab").starts_with(&us));
        // Left behind by somebody who was killed, and cut short by a full disk.
        let left = state.path().join("locks/1.holders");
        fs::write(&left, "fe00-c 1 RUN0 2026-01-01T00:00:00Z\nfe00-d 1").unwrap();
        for name in ["fe00-c", "fe00-d"] {
            assert!(asked.holder(name).starts_with("another process"), "{}", asked.holder(name));
        }
        drop(ours);
        asked.add("fe00-e");
        assert!(!left.exists());
        drop(asked);
        assert_eq!(fs::read_dir(state.path().join("locks")).unwrap().count(), 0);
    }

    /// As on a file system without locks, where it could not be told from one of a living process.
    #[test]
    fn what_another_of_our_number_left_is_written_over() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("locks").join(format!("{}.holders", std::process::id()));
        fs::create_dir(path.parent().unwrap()).unwrap();
        let left = File::create(&path).unwrap();
        left.lock().unwrap();
        let old = ["a", "b"].map(|name| format!("fe00-{name} 7 RUN0 2026-01-01T00:00:00Z\n")).concat();
        fs::write(&path, old).unwrap();
        let ours = Holders::new(state.path(), "RUN1");
        ours.add("fe00-c");
        assert!(ours.holder("fe00-c").contains("run RUN1"), "{}", ours.holder("fe00-c"));
        assert!(ours.holder("fe00-b").starts_with("another process"), "{}", ours.holder("fe00-b"));
    }
}
