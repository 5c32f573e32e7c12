//! The state of a job between runs: `STATE/listings/JOB.json`. It may be deleted; the next run builds it again.

use super::dir_id::{DirId, Same};
use crate::platform;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

/// Maximum number of stored names that the destination cannot hold.
const MOST_LOST: usize = 10_000;

/// Maximum number of stored destinations of a job (`--dest` gives it another one).
const MOST_DESTS: usize = 100;

/// The state of a job from earlier runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct JobState {
    v: u32,
    /// The usual source: that of the last complete run.
    #[serde(default)]
    pub(super) usual: Option<String>,
    /// The source of the last runs.
    #[serde(default)]
    served: Option<Served>,
    /// Device and inode of the probed directory, and whether it folds names.
    #[serde(default)]
    pub(super) folds: Option<(u64, u64, bool)>,
    /// Names of the source that the destination cannot hold and that have been reported.
    #[serde(default)]
    pub(super) lost: Vec<String>,
    /// The known destinations: adopted, or filled with everything of the source. The most recent is last.
    #[serde(default)]
    dests: Vec<String>,
    /// The identity of the directory at each known destination.
    #[serde(default)]
    ids: BTreeMap<String, DirId>,
    /// How many files a destination held when its deletions were refused. Removed when the destination is the same as the source.
    #[serde(default)]
    refused: BTreeMap<String, u64>,
    /// The last run that began with an empty destination.
    #[serde(default)]
    begun: Option<String>,
    /// The destination of that run, and its directory.
    #[serde(default)]
    begun_at: Option<(String, DirId)>,
}

/// The source of the last run that brought everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Served {
    source: String,
    /// How many such runs in a row it has served.
    runs: u32,
    /// The last of these runs.
    run: String,
}

/// Whether the destination, by device and inode, is stored as one that folds names. A damaged file is not set aside.
pub(super) fn folds(state_dir: &Path, job: &str, dest: (u64, u64)) -> bool {
    let state = platform::read_regular(&path(state_dir, job), platform::OWN).ok();
    let state: Option<JobState> = state.and_then(|text| serde_json::from_slice(&text).ok());
    state.and_then(|state| state.folds).is_some_and(|(dev, ino, folds)| folds && (dev, ino) == dest)
}

/// Whether an earlier run of the job has filled or adopted this destination. A damaged file is not set aside.
pub(crate) fn has_filled(state_dir: &Path, job: &str, dest: &Path) -> bool {
    let filled = |job: &str| {
        let state = platform::read_regular(&path(state_dir, job), platform::OWN).ok();
        let state: Option<JobState> = state.and_then(|text| serde_json::from_slice(&text).ok());
        state.is_some_and(|state| state.dests.contains(&text(dest)))
    };
    filled(job) || filled(&limited_name(job))
}

/// The name of the state of a job while it is limited to entries (`ids`). What is known of the whole source stays as it is. It is no name
/// of a job.
pub(super) fn limited_name(job: &str) -> String {
    format!("{job}+ids")
}

/// Why there is no state.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// The file does not exist.
    New,
    /// The file is damaged, and was moved to this path.
    Damaged(PathBuf),
    /// A newer version wrote the file. It is not changed.
    Newer,
}

fn path(state_dir: &Path, job: &str) -> PathBuf {
    state_dir.join("listings").join(format!("{job}.json"))
}

fn text(dest: &Path) -> String {
    dest.to_string_lossy().into_owned()
}

impl JobState {
    /// Loads the state of the job.
    pub(super) fn load(state_dir: &Path, job: &str) -> Result<Self, Unknown> {
        let path = path(state_dir, job);
        let Ok(text) = platform::read_regular(&path, platform::OWN) else { return Err(Unknown::New) };
        match serde_json::from_slice::<serde_json::Value>(&text).ok().and_then(|value| value["v"].as_u64()) {
            Some(version) if version > u64::from(VERSION) => return Err(Unknown::Newer),
            _ => {}
        }
        serde_json::from_slice(&text).map_err(|_| {
            let aside = path.with_extension("damaged");
            // If it cannot be set aside, it is overwritten.
            let _ = fs::rename(&path, &aside);
            Unknown::Damaged(aside)
        })
    }

    /// Stores the state, replacing the old file.
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

    /// Whether the destination is known, or was empty when an earlier attempt of `run` began to fill it.
    pub(super) fn knows(&self, dest: &Path, run: &str) -> bool {
        // Earlier versions did not store destinations; there, a complete run makes the destination known.
        let complete = self.dests.is_empty() && self.usual.is_some();
        complete || self.begun.as_deref() == Some(run) || self.dests.iter().any(|known| *known == text(dest))
    }

    /// Whether the directory at `dest` is the one of the last run. `Same::Yes` if no identity is stored.
    pub(super) fn is_same(&self, dest: &Path, id: DirId) -> Same {
        self.ids.get(&text(dest)).map_or(Same::Yes, |known| known.is(id))
    }

    /// The destination is empty, and `run` begins to fill it.
    pub(super) fn begin(&mut self, dest: &Path, id: Option<DirId>, run: &str) {
        self.begun = Some(run.to_owned());
        self.begun_at = id.map(|id| (text(dest), id));
    }

    /// Whether this directory, at this destination, was empty when an earlier run of the job began to fill it.
    pub(super) fn has_begun(&self, dest: &Path, id: DirId) -> bool {
        self.begun_at.as_ref().is_some_and(|(begun, at)| *begun == text(dest) && at.is(id) == Same::Yes)
    }

    /// Makes the destination known to the job.
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

    /// Stores how many files the destination held when a guard refused its deletions.
    pub(super) fn refused(&mut self, dest: &Path, present: Option<u64>) {
        let Some(present) = present else { return };
        if self.refused.len() < MOST_DESTS || self.refused.contains_key(&text(dest)) {
            let least = self.refused.entry(text(dest)).or_insert(present);
            *least = present.min(*least);
        }
    }

    /// How many files the destination held when deletions were refused; `None` if it has been the same as the source since.
    pub(super) fn refused_at(&self, dest: &Path) -> Option<u64> {
        self.refused.get(&text(dest)).copied()
    }

    /// The destination is the same as the source: no refusal is pending.
    pub(super) fn settle(&mut self, dest: &Path) {
        self.refused.remove(&text(dest));
    }

    /// Counts a run that `source` has served. `complete`: the destination is now the same as this source. Another source becomes the usual
    /// one after serving two runs in a row, since a lagging fallback must not be trusted because it served once.
    pub(super) fn served_by(&mut self, source: &str, first: &str, run: &str, complete: bool) {
        let runs = self.runs_before(source, run).saturating_add(1);
        if complete && (runs > 1 || self.is_usual(source, first)) {
            self.usual = Some(source.to_owned());
        }
        if runs > 2 && self.is_usual(source, source) {
            // Nothing new: the file is not changed.
            return;
        }
        self.served = Some(Served { source: source.to_owned(), runs, run: run.to_owned() });
    }

    /// How many runs in a row `source` has served before this one.
    fn runs_before(&self, source: &str, run: &str) -> u32 {
        let served = self.served.as_ref().filter(|served| served.source == source);
        served.map_or(0, |served| served.runs - u32::from(served.run == run && served.runs > 0))
    }

    /// Whether entries that `source` lacks may be deleted: it is the usual source (before any complete run, the first in the list), or it
    /// also served the run before this one.
    pub(super) fn may_delete_from(&self, source: &str, first: &str, run: &str) -> bool {
        self.is_usual(source, first) || self.runs_before(source, run) > 0
    }

    /// Whether `source` is the usual source.
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
        // A fallback does not become the usual source by serving the very first run.
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
        let [dir, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [id, other] = [&dir, &other].map(|dir| DirId::of(&dir.path().metadata().unwrap()));
        state.begin(Path::new("/m"), Some(id), "7");
        assert!(state.knows(Path::new("/m"), "7") && !state.knows(Path::new("/m"), "8"));
        assert!(state.has_begun(Path::new("/m"), id) && !state.has_begun(Path::new("/other"), id));
        assert!(!state.has_begun(Path::new("/m"), other));
        // A file written by an earlier version.
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
