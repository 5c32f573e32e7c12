//! The commands in progress, of all processes that use a state directory: `STATE/running/PID-HOST.json`, a file for each process.
//!
//! A process keeps its file locked while it runs. So a file that a killed process left behind is recognized, also by another host.

use crate::model::running::{RunningCommand, RunningSync, directory, record_path};
use crate::platform::{self, Identity, host_name};
use jiff::Timestamp;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// How often a record is read that is being written.
const TRIES: usize = 5;

/// The record of this process. Dropping it removes the file.
#[derive(Debug)]
pub struct Registration {
    record: RunningCommand,
    path: PathBuf,
    /// Locked. `None` if it could not be created, which is no error of the command.
    file: Option<File>,
}

impl Registration {
    /// Records a command. `targets`: names of jobs, and directories.
    pub fn new(state_dir: &Path, command: &str, targets: Vec<String>) -> Self {
        Registration::of_run(state_dir, command, targets, None, None)
    }

    /// Records a command that has a run ID. `sync`: its jobs, for a `sync`.
    pub fn of_run(
        state_dir: &Path,
        command: &str,
        targets: Vec<String>,
        run: Option<String>,
        sync: Option<RunningSync>,
    ) -> Self {
        let (Identity { pid, started: process }, host, now) = (Identity::own(), host_name(), now());
        let path = record_path(state_dir, pid, &host);
        let (command, host) = (command.into(), Some(host));
        let record =
            RunningCommand { v: 1, command, run, pid, process, host, started: now, told: now, targets, sync };
        let file = create(&path, &record).ok();
        Registration { record, path, file }
    }

    /// Changes the record in memory.
    pub fn record(&mut self) -> &mut RunningCommand {
        &mut self.record
    }

    /// Writes the record for others. The next call repeats a write that failed.
    pub fn publish(&mut self) {
        self.record.told = now();
        if let Some(file) = &self.file {
            let _ = rewrite(file, &self.record);
        }
    }
}

/// The time to the millisecond, as the record has it.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            remove(&self.path, file);
        }
    }
}

/// The file gets its name when it is locked and complete.
fn create(path: &Path, record: &RunningCommand) -> io::Result<File> {
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir)?;
    let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
    // Where files cannot be locked, readers judge by the identity of the process.
    let _ = new.as_file().try_lock();
    new.write_all(&serde_json::to_vec(record)?)?;
    new.persist(path).map_err(|error| error.error)
}

/// Writes in place, since another file would not be locked. Padding with empty lines is cheaper than truncating the file, and leaves no
/// moment at which it is empty.
fn rewrite(file: &File, record: &RunningCommand) -> io::Result<()> {
    let mut text = serde_json::to_vec(record)?;
    let before = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    text.resize(before.max(text.len()), b'\n');
    file.write_all_at(&text, 0)
}

/// Removes a file, unless another one has its name by now.
fn remove(path: &Path, file: &File) {
    let id = |meta: fs::Metadata| (meta.dev(), meta.ino());
    let (there, ours) = (fs::symlink_metadata(path).map(id), file.metadata().map(id));
    if there.is_ok_and(|there| ours.is_ok_and(|ours| there == ours)) {
        // Another process may have removed it meanwhile.
        let _ = fs::remove_file(path);
    }
}

/// The record of a command, and whether the command still runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The contents of the file.
    pub command: RunningCommand,
    /// Whether its process has ended without removing the file.
    pub gone: bool,
}

/// All commands with a record, the oldest first. The record of a killed process is reported once and removed. One that cannot be read is
/// removed if no process has locked it.
pub fn commands(state_dir: &Path) -> Vec<Seen> {
    let mut seen = Vec::new();
    for entry in fs::read_dir(directory(state_dir)).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let Ok(file) = platform::open_regular(&path) else { continue };
        // Shared, so that several readers find the same.
        let locked = match file.try_lock_shared() {
            Ok(()) => Some(false),
            Err(TryLockError::WouldBlock) => Some(true),
            Err(TryLockError::Error(_)) => None,
        };
        let Some(command) = read(&path) else {
            if locked == Some(false) {
                remove(&path, &file);
            }
            continue;
        };
        let gone = is_gone(&command, locked);
        if gone {
            remove(&path, &file);
        }
        seen.push(Seen { command, gone });
    }
    seen.sort_by_key(|seen| (seen.command.started, seen.command.pid));
    seen
}

/// Whether the process has ended. `locked`: whether it has locked its record; `None` if locks are not possible there. Without locks, a
/// process of another host counts as running, since nobody can ask there.
fn is_gone(command: &RunningCommand, locked: Option<bool>) -> bool {
    let here = command.host.as_ref().is_none_or(|host| *host == host_name());
    match locked.filter(|_| command.host.is_some()) {
        Some(locked) => !locked,
        None => here && Identity { pid: command.pid, started: command.process.clone() }.is_gone(),
    }
}

/// Reads a record, again if it is just being written.
fn read(path: &Path) -> Option<RunningCommand> {
    (0..TRIES).find_map(|_| {
        let mut text = Vec::new();
        platform::open_regular(path).ok()?.take(platform::OWN).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::running::RunningJob;

    fn names(state: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory(state))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn of(seen: Vec<Seen>) -> Vec<(String, Option<String>, bool)> {
        seen.into_iter().map(|seen| (seen.command.command, seen.command.run, seen.gone)).collect()
    }

    #[test]
    fn a_command_is_seen_from_its_start_to_its_end() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(commands(state.path()), []);
        let mut scan = Registration::new(state.path(), "clean run", vec!["a".into(), "/srv/b".into()]);
        assert_eq!(of(commands(state.path())), [("clean run".into(), None, false)]);
        scan.record().run = Some("01X".into());
        scan.record().targets = vec!["a".into()];
        scan.publish();
        let seen = commands(state.path());
        assert_eq!((&seen[0].command, &seen[0].command.sync), (&*scan.record(), &None));
        assert_eq!(of(seen), [("clean run".into(), Some("01X".into()), false)]);
        drop(scan);
        assert!(names(state.path()).is_empty());
    }

    #[test]
    fn what_a_killed_process_left_is_reported_once() {
        let state = tempfile::tempdir().unwrap();
        let jobs = vec![RunningJob::waiting("a")];
        let sync = RunningSync { parallel: 1, dry_run: false, jobs };
        let mut killed = Registration::of_run(state.path(), "sync", vec![], Some("01X".into()), Some(sync));
        let record = killed.record().clone();
        let path = killed.path.clone();
        // The kernel frees its lock.
        killed.file = None;
        drop(killed);
        fs::write(directory(state.path()).join("1-torn.json"), "{").unwrap();
        let seen = commands(state.path());
        assert_eq!((&seen[0].command, seen.len()), (&record, 1));
        assert_eq!(of(seen), [("sync".into(), Some("01X".into()), true)]);
        assert!(names(state.path()).is_empty());

        // A later process of the same number writes over it and keeps its own record.
        fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
        let next = Registration::new(state.path(), "scan", vec![]);
        assert_eq!(of(commands(state.path())), [("scan".into(), None, false)]);
        let after = Registration::new(state.path(), "index", vec![]);
        drop(next);
        assert_eq!(of(commands(state.path())), [("index".into(), None, false)]);
        drop(after);
    }

    #[test]
    fn records_of_earlier_versions_and_of_other_hosts_are_judged_by_what_is_known() {
        let state = tempfile::tempdir().unwrap();
        fs::create_dir(directory(state.path())).unwrap();
        let own = Identity::own();
        for (pid, process) in [(own.pid, own.started), (i32::MAX as u32, Some("another boot:1".into()))] {
            let record = serde_json::json!({
                "v": 1, "run": format!("RUN{pid}"), "pid": pid, "process": process, "parallel": 1, "dry_run": false,
                "started": "2026-01-01T00:00:00Z", "told": "2026-01-01T00:00:00Z",
                "jobs": [RunningJob::waiting("a")],
            });
            fs::write(directory(state.path()).join(format!("{pid}.json")), record.to_string()).unwrap();
        }
        let seen = commands(state.path());
        let sync = seen[0].command.sync.as_ref().map(|sync| sync.jobs.len());
        assert_eq!((seen[0].command.command.as_str(), sync), ("sync", Some(1)));
        let gone: Vec<_> = seen.iter().map(|seen| (seen.command.pid, seen.gone)).collect();
        assert_eq!(gone, [(own.pid, false), (i32::MAX as u32, true)]);
        assert_eq!(commands(state.path()).len(), 1);

        let mut record = seen[0].command.clone();
        (record.host, record.process) = (Some("elsewhere".into()), Some("another boot:1".into()));
        assert!(!is_gone(&record, None), "nobody can ask there");
        assert!(is_gone(&record, Some(false)) && !is_gone(&record, Some(true)));
        record.host = Some(host_name());
        assert!(is_gone(&record, None));
    }
}
