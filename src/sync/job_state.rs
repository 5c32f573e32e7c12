//! What is remembered of a job from one run to the next: `STATE/listings/JOB.json`. It may be deleted; the next run learns it again.

use super::dir_id::{DirId, Same};
use crate::platform;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

/// So many names are remembered of those that the destination cannot hold.
const MOST_LOST: usize = 10_000;

/// So many destinations of a job are remembered (`--dest` gives it another one).
const MOST_DESTS: usize = 100;

/// What earlier runs have shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct JobState {
    v: u32,
    /// The source of the last complete run.
    #[serde(default)]
    pub(super) usual: Option<String>,
    /// Who served the last runs.
    #[serde(default)]
    served: Option<Served>,
    /// Whether the destination folds names, and which directory was asked (device and inode).
    #[serde(default)]
    pub(super) folds: Option<(u64, u64, bool)>,
    /// Names of the source that the destination cannot hold, and that have been told.
    #[serde(default)]
    pub(super) lost: Vec<String>,
    /// The destinations that have been taken over, or to which everything of the source has come; the last comes last.
    #[serde(default)]
    dests: Vec<String>,
    /// Which directories these were.
    #[serde(default)]
    ids: BTreeMap<String, DirId>,
    /// How many files a destination held when its deletions were refused, until it is what the source is.
    #[serde(default)]
    refused: BTreeMap<String, u64>,
    /// The last run that began at an empty destination.
    #[serde(default)]
    pub(super) begun: Option<String>,
}

/// The source of the last run that brought everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Served {
    source: String,
    /// How many such runs in a row it has served.
    runs: u32,
    /// The last of them.
    run: String,
}

/// Whether the destination, by device and inode, is remembered as one that folds names. Nothing is set aside.
pub(super) fn folds(state_dir: &Path, job: &str, dest: (u64, u64)) -> bool {
    let state = platform::read_regular(&path(state_dir, job), platform::OWN).ok();
    let state: Option<JobState> = state.and_then(|text| serde_json::from_slice(&text).ok());
    state.and_then(|state| state.folds).is_some_and(|(dev, ino, folds)| folds && (dev, ino) == dest)
}

/// Whether an earlier run of the job has filled this destination, or taken it over. Nothing is set aside.
pub(crate) fn has_filled(state_dir: &Path, job: &str, dest: &Path) -> bool {
    let state = platform::read_regular(&path(state_dir, job), platform::OWN).ok();
    let state: Option<JobState> = state.and_then(|text| serde_json::from_slice(&text).ok());
    state.is_some_and(|state| state.dests.contains(&text(dest)))
}

/// Why nothing is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It has never been written.
    New,
    /// It is damaged, and was set aside.
    Damaged(PathBuf),
    /// A newer version wrote it; it stays as it is.
    Newer,
}

fn path(state_dir: &Path, job: &str) -> PathBuf {
    state_dir.join("listings").join(format!("{job}.json"))
}

fn text(dest: &Path) -> String {
    dest.to_string_lossy().into_owned()
}

impl JobState {
    /// What is remembered of the job.
    pub(super) fn load(state_dir: &Path, job: &str) -> Result<Self, Unknown> {
        let path = path(state_dir, job);
        let Ok(text) = platform::read_regular(&path, platform::OWN) else { return Err(Unknown::New) };
        match serde_json::from_slice::<serde_json::Value>(&text).ok().and_then(|value| value["v"].as_u64()) {
            Some(version) if version > u64::from(VERSION) => return Err(Unknown::Newer),
            _ => {}
        }
        serde_json::from_slice(&text).map_err(|_| {
            let aside = path.with_extension("damaged");
            // One that cannot be set aside is replaced.
            let _ = fs::rename(&path, &aside);
            Unknown::Damaged(aside)
        })
    }

    /// Remembers it, in place of what was.
    pub(super) fn save(&mut self, state_dir: &Path, job: &str) -> io::Result<()> {
        self.v = VERSION;
        self.lost.truncate(MOST_LOST);
        let path = path(state_dir, job);
        let dir = path.parent().ok_or(io::ErrorKind::NotFound)?;
        fs::create_dir_all(dir)?;
        let mut file = tempfile::Builder::new().prefix(&format!("{job}.names-")).tempfile_in(dir)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Whether an earlier run has dealt with what this destination holds, or an earlier attempt of `run` has brought all of it.
    pub(super) fn knows(&self, dest: &Path, run: &str) -> bool {
        // Before destinations were remembered, a complete run was.
        let complete = self.dests.is_empty() && self.usual.is_some();
        complete || self.begun.as_deref() == Some(run) || self.dests.iter().any(|known| *known == text(dest))
    }

    /// Whether the directory at `dest` is the one that was there in the last run. What is not remembered does not tell otherwise.
    pub(super) fn is_same(&self, dest: &Path, id: DirId) -> Same {
        self.ids.get(&text(dest)).map_or(Same::Yes, |known| known.is(id))
    }

    /// From now on what this destination holds is this job's.
    pub(super) fn learn(&mut self, dest: &Path, id: Option<DirId>) {
        let dest = text(dest);
        if !self.dests.contains(&dest) {
            self.dests.push(dest.clone());
            let older = self.dests.len().saturating_sub(MOST_DESTS);
            self.dests.drain(..older);
        }
        self.ids.retain(|known, _| self.dests.contains(known));
        if let Some(id) = id {
            self.ids.insert(dest, id);
        }
    }

    /// A guard has refused the deletions at a destination that holds so many files.
    pub(super) fn refused(&mut self, dest: &Path, present: Option<u64>) {
        let Some(present) = present else { return };
        if self.refused.len() < MOST_DESTS || self.refused.contains_key(&text(dest)) {
            let least = self.refused.entry(text(dest)).or_insert(present);
            *least = present.min(*least);
        }
    }

    /// How many files it held then; `None` if it has been what the source is since.
    pub(super) fn refused_at(&self, dest: &Path) -> Option<u64> {
        self.refused.get(&text(dest)).copied()
    }

    /// The destination is what the source is: nothing waits for consent.
    pub(super) fn settle(&mut self, dest: &Path) {
        self.refused.remove(&text(dest));
    }

    /// Counts a run that `source` has served. `complete`: the destination is now what this source is. Another source than the usual one
    /// becomes it when it has served two runs in a row: one that lags and stands in once must not be trusted when it stands in again.
    pub(super) fn served_by(&mut self, source: &str, first: &str, run: &str, complete: bool) {
        let runs = self.runs_before(source, run).saturating_add(1);
        if complete && (runs > 1 || self.is_usual(source, first)) {
            self.usual = Some(source.to_owned());
        }
        if runs > 2 && self.is_usual(source, source) {
            // Nothing new: the file stays as it is.
            return;
        }
        self.served = Some(Served { source: source.to_owned(), runs, run: run.to_owned() });
    }

    /// How many runs in a row `source` has served before this one.
    fn runs_before(&self, source: &str, run: &str) -> u32 {
        let served = self.served.as_ref().filter(|served| served.source == source);
        served.map_or(0, |served| served.runs - u32::from(served.run == run && served.runs > 0))
    }

    /// Whether what `source` does not have may go: it is the usual one (before any complete run, the first listed), or it has served the
    /// run before this one, too.
    pub(super) fn may_delete_from(&self, source: &str, first: &str, run: &str) -> bool {
        self.is_usual(source, first) || self.runs_before(source, run) > 0
    }

    /// Whether it is the usual source.
    pub(super) fn is_usual(&self, source: &str, first: &str) -> bool {
        self.usual.as_deref().unwrap_or(first) == source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_trusted_with_deletions_when_it_serves_the_second_run_in_a_row() {
        let mut state = JobState::default();
        assert!(state.may_delete_from("a", "a", "1") && !state.may_delete_from("b", "a", "1"));
        state.served_by("a", "a", "1", true);
        state.served_by("b", "a", "2", false);
        state.served_by("b", "a", "2", false);
        assert!(!state.may_delete_from("b", "a", "2"), "a second attempt of the same run");
        assert!(!state.is_usual("b", "a") && state.may_delete_from("b", "a", "3"), "its second run");
        state.served_by("c", "a", "3", false);
        assert!(!state.may_delete_from("b", "a", "4"));
        state.served_by("b", "a", "4", true);
        assert!(!state.is_usual("b", "a"), "it has stood in once");
        state.served_by("a", "a", "5", false);
        state.served_by("b", "a", "6", true);
        assert!(!state.is_usual("b", "a") && state.may_delete_from("a", "a", "7"));
        state.served_by("b", "a", "7", true);
        assert!(state.is_usual("b", "a") && !state.may_delete_from("a", "a", "8"));
        // Nor does one become it by standing in for the first run of all.
        let mut state = JobState::default();
        state.served_by("b", "a", "1", true);
        assert!(!state.is_usual("b", "a") && state.may_delete_from("a", "a", "2"));
    }

    #[test]
    fn a_destination_is_known_once_it_was_dealt_with() {
        let mut state = JobState::default();
        assert!(!state.knows(Path::new("/m"), "1"));
        state.learn(Path::new("/m"), None);
        assert!(state.knows(Path::new("/m"), "1") && !state.knows(Path::new("/other"), "1"));
        for n in 0..2 * MOST_DESTS {
            state.learn(Path::new(&format!("/{n}")), None);
        }
        assert!(!state.knows(Path::new("/m"), "1") && state.dests.len() == MOST_DESTS);
        state.begun = Some("7".into());
        assert!(state.knows(Path::new("/m"), "7") && !state.knows(Path::new("/m"), "8"));
        // As earlier versions have left it.
        let old: JobState = serde_json::from_str("{\"v\":1,\"usual\":\"a\"}").unwrap();
        assert!(old.knows(Path::new("/m"), "1"));
    }

    #[test]
    fn what_was_saved_is_loaded_and_what_is_damaged_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(JobState::load(dir.path(), "j"), Err(Unknown::New));
        let mut state = JobState { folds: Some((1, 2, true)), lost: vec!["A".into()], ..JobState::default() };
        state.served_by("a", "a", "1", true);
        state.save(dir.path(), "j").unwrap();
        assert_eq!(JobState::load(dir.path(), "j"), Ok(state));
        let file = path(dir.path(), "j");
        fs::write(&file, "{\"v\":1,\"usual\":7}").unwrap();
        let aside = file.with_extension("damaged");
        assert_eq!(JobState::load(dir.path(), "j"), Err(Unknown::Damaged(aside.clone())));
        assert!(aside.exists() && !file.exists());
        fs::write(&file, "{\"v\":2}").unwrap();
        assert_eq!(JobState::load(dir.path(), "j"), Err(Unknown::Newer));
        assert!(file.exists());
    }
}
