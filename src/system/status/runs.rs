//! Runs in progress, from their state files.

use crate::model::running::{RunningRun, directory};
use crate::platform;
use crate::platform::Identity;
use std::fs;
use std::path::Path;

/// The state file of a run, and whether the run still exists.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Seen {
    /// The contents of the file.
    #[serde(flatten)]
    pub run: RunningRun,
    /// Whether its process has ended without removing the file.
    pub gone: bool,
}

/// All runs with a state file, the oldest first. Invalid files are skipped. The file of a run that was killed is reported once and removed.
pub fn runs(state_dir: &Path) -> Vec<Seen> {
    let mut seen = Vec::new();
    for entry in fs::read_dir(directory(state_dir)).into_iter().flatten().flatten() {
        if entry.path().extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let Ok(text) = platform::read_regular(&entry.path(), platform::OWN) else { continue };
        let Ok(run) = serde_json::from_slice::<RunningRun>(&text) else { continue };
        let gone = Identity { pid: run.pid, started: run.process.clone() }.is_gone();
        if gone {
            // Another process may have removed it meanwhile.
            let _ = fs::remove_file(entry.path());
        }
        seen.push(Seen { run, gone });
    }
    seen.sort_by_key(|seen| (seen.run.started, seen.run.pid));
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::running::RunningJob;
    use jiff::Timestamp;

    fn write(state: &Path, pid: u32, process: Option<String>) {
        let run = RunningRun {
            v: 1,
            run: format!("RUN{pid}"),
            pid,
            process,
            started: Timestamp::UNIX_EPOCH,
            told: Timestamp::UNIX_EPOCH,
            parallel: 1,
            dry_run: false,
            jobs: vec![RunningJob::waiting("a")],
        };
        fs::create_dir_all(directory(state)).unwrap();
        fs::write(directory(state).join(format!("{pid}.json")), serde_json::to_vec(&run).unwrap()).unwrap();
    }

    #[test]
    fn who_ended_without_a_word_is_told_once() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(runs(state.path()), []);
        let own = Identity::own();
        write(state.path(), own.pid, own.started);
        write(state.path(), i32::MAX as u32, Some("another boot:1".into()));
        fs::write(directory(state.path()).join("1.json"), "{").unwrap();
        let of = |seen: Vec<Seen>| seen.iter().map(|seen| (seen.run.pid, seen.gone)).collect::<Vec<_>>();
        assert_eq!(of(runs(state.path())), [(own.pid, false), (i32::MAX as u32, true)]);
        assert_eq!(of(runs(state.path())), [(own.pid, false)]);
    }
}
