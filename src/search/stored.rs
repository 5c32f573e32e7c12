//! Which indexes a state directory holds, whatever their state, and their removal.

use super::location::{Committed, IndexPlace, committed, places, version};
use super::{SearchError, VERSION};
use crate::platform;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The state of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexState {
    /// It can be searched.
    Ok,
    /// It is of an earlier version of the program.
    Outdated,
    /// It is of a later version of the program.
    Newer,
    /// It cannot be read, for this reason.
    Damaged(String),
    /// There are only remains of a build that was interrupted.
    Unfinished,
}

impl IndexState {
    /// Returns its word in JSON and tables.
    pub fn word(&self) -> &'static str {
        match self {
            IndexState::Ok => "ok",
            IndexState::Outdated => "outdated",
            IndexState::Newer => "newer",
            IndexState::Damaged(_) => "damaged",
            IndexState::Unfinished => "unfinished",
        }
    }
}

/// A directory of an index.
#[derive(Debug, Clone)]
pub struct StoredIndex {
    /// Its label, and where it lies.
    pub place: IndexPlace,
    /// Whether it is the index of a job, not of a directory.
    pub of_job: bool,
    /// The root of the mirror at the last commit.
    pub root: Option<PathBuf>,
    /// Its state.
    pub state: IndexState,
    /// The number of its documents; `None` if it cannot be read.
    pub documents: Option<u64>,
    /// The size of all of its files.
    pub bytes: u64,
    /// The time of the last commit.
    pub updated: Option<SystemTime>,
    /// Whether a process of this host is building it.
    pub is_built: bool,
}

/// Returns all indexes of a state directory, jobs before directories. Changes nothing.
pub fn stored(state: &Path) -> Result<Vec<StoredIndex>, SearchError> {
    Ok(places(state, |place| place.dir().is_dir())?.into_iter().map(look).collect())
}

fn look(mut place: IndexPlace) -> StoredIndex {
    let of_job = !place.label.starts_with('@');
    let newest = versions(place.dir()).into_iter().filter(|dir| dir.join("meta.json").exists());
    let newest = newest.filter_map(|dir| Some((version(dir.file_name()?.to_str()?)?, dir))).max();
    let current = place.current().join("meta.json").exists();
    let mut documents = None;
    let state = match (&newest, current) {
        (_, true) => match place.open().and_then(|opened| opened.map(|index| index.count()).transpose()) {
            Ok(count) => {
                documents = count;
                IndexState::Ok
            }
            Err(SearchError::Damaged { why, .. }) => IndexState::Damaged(why),
            Err(error) => IndexState::Damaged(error.to_string()),
        },
        (Some((number, _)), false) if *number > VERSION => IndexState::Newer,
        (Some(_), false) => IndexState::Outdated,
        (None, false) => IndexState::Unfinished,
    };
    let newest = if current { Some(place.current()) } else { newest.map(|(_, dir)| dir) };
    let updated = newest.as_ref().and_then(|dir| fs::metadata(dir.join("meta.json")).ok()?.modified().ok());
    let found = newest.as_deref().and_then(committed);
    let (label, root) = found.map_or((None, None), |Committed { label, root }| (Some(label), root));
    let decoded = if of_job { None } else { decoded(&place.label) };
    let root = root.map(PathBuf::from).or_else(|| decoded.clone().map(PathBuf::from));
    // The directory of a job has its name; one of a path may have a name that cannot be read back.
    if let Some(label) = label.filter(|_| !of_job).or(decoded) {
        place.label = label;
    }
    let lock = platform::open_regular(&place.dir().join("lock")).ok();
    let is_built = lock.is_some_and(|lock| platform::flock_holder(&lock).is_some());
    StoredIndex { of_job, root, state, documents, bytes: size(place.dir()), updated, is_built, place }
}

/// Returns the directories `vN` and what interrupted builds have left beside them.
fn versions(dir: &Path) -> Vec<PathBuf> {
    let items = fs::read_dir(dir).into_iter().flatten().flatten();
    items
        .filter(|item| item.file_name().to_str().is_some_and(|name| version(name).is_some()))
        .map(|item| item.path())
        .collect()
}

/// Returns the size of the files below a directory, as far as they can be read.
fn size(dir: &Path) -> u64 {
    let items = fs::read_dir(dir).into_iter().flatten().flatten();
    items
        .filter_map(|item| Some((item.path(), item.metadata().ok()?)))
        .map(|(path, meta)| if meta.is_dir() { size(&path) } else { meta.len() })
        .sum()
}

/// Reads the path back from the name of a directory; `None` if the name was too long for that.
fn decoded(name: &str) -> Option<String> {
    let name = name.strip_prefix('@').filter(|name| !name.contains('+'))?;
    let mut parts = name.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

impl IndexPlace {
    /// Removes the index, unless a process is building it. Searches in progress have its files open and go on. A killed removal leaves no
    /// index, and the next one removes the rest.
    pub fn remove(&self) -> Result<(), SearchError> {
        let _lock = self.lock()?;
        let gone = |path: &Path, removed: io::Result<()>| match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(SearchError::io("remove", path)(error))
            }
            _ => Ok(()),
        };
        let versions = versions(self.dir());
        // Without this file there is no index, so that no search finds half of one.
        for meta in versions.iter().map(|dir| dir.join("meta.json")) {
            gone(&meta, fs::remove_file(&meta))?;
        }
        for dir in &versions {
            gone(dir, fs::remove_dir_all(dir))?;
        }
        let lock = self.dir().join("lock");
        gone(&lock, fs::remove_file(&lock))?;
        gone(self.dir(), fs::remove_dir(self.dir()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Stop;
    use crate::search::query::parse;
    use crate::search::{EngineOptions, IndexOptions, Progress, Request, SearchEngine, Sort, Target, build};

    fn indexed(state: &Path, place: IndexPlace) -> IndexPlace {
        let root = state.join("mirror");
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("a.txt"), "words").unwrap();
        let target = Target { place, root };
        build(&target, &IndexOptions::default(), &Progress::default(), &Stop::default()).unwrap();
        target.place
    }

    #[test]
    fn every_state_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path();
        assert!(stored(state).unwrap().is_empty());
        for name in ["damaged", "newer", "ok", "outdated"] {
            indexed(state, IndexPlace::of_job(state, name));
        }
        let at = |name: &str, version: u32| state.join("index").join(name).join(format!("v{version}"));
        fs::write(at("damaged", VERSION).join("meta.json"), "{").unwrap();
        fs::rename(at("newer", VERSION), at("newer", VERSION + 1)).unwrap();
        fs::rename(at("outdated", VERSION), at("outdated", VERSION - 1)).unwrap();
        fs::create_dir_all(at("unfinished", VERSION).with_extension("new")).unwrap();
        let found = stored(state).unwrap();
        let words: Vec<_> =
            found.iter().map(|index| (index.place.label.as_str(), index.state.word())).collect();
        let same = ["damaged", "newer", "ok", "outdated", "unfinished"].map(|word| (word, word));
        assert_eq!(words, same);
        let [_, newer, ok, outdated, _] = &found[..] else { panic!() };
        assert_eq!((ok.documents, outdated.documents), (Some(1), None));
        for index in [newer, ok, outdated] {
            assert_eq!(index.root.as_deref(), Some(&*state.join("mirror")));
            assert!(index.bytes > 0 && index.updated.is_some() && index.of_job && !index.is_built);
        }
    }

    #[test]
    fn the_index_of_a_directory_has_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path();
        let long = format!("/{}", "ä/".repeat(100));
        for path in ["/srv/a b%", &long] {
            let place = indexed(state, IndexPlace::of_path(state, Path::new(path)));
            let [found] = &stored(state).unwrap()[..] else { panic!() };
            assert_eq!((&*found.place.label, found.of_job), (path, false));
            // Without a commit, the name of the directory has to do.
            fs::remove_dir_all(place.current()).unwrap();
            let [found] = &stored(state).unwrap()[..] else { panic!() };
            assert_eq!(found.place.label == path, path != long, "{found:?}");
            found.place.remove().unwrap();
        }
    }

    #[test]
    fn what_is_removed_is_gone_and_what_is_built_stays() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path();
        let place = indexed(state, IndexPlace::of_job(state, "a"));
        let lock = place.lock().unwrap();
        assert!(matches!(place.remove(), Err(SearchError::Busy(_))));
        assert!(cfg!(not(target_os = "linux")) || stored(state).unwrap()[0].is_built);
        assert!(place.open().unwrap().is_some());
        drop(lock);
        let opened = vec![place.open().unwrap().unwrap()];
        let engine = SearchEngine::new(opened, &EngineOptions::default()).unwrap();
        place.remove().unwrap();
        let request = Request {
            query: parse("words").unwrap(),
            sort: Sort::Score,
            limit: 1,
            offset: 0,
            facets: Vec::new(),
            timeout: None,
        };
        assert_eq!(engine.search(&request).unwrap().hits.len(), 1, "an open index can still be searched");
        assert!(!state.join("index/a").exists() && stored(state).unwrap().is_empty());
        // It can be built again.
        indexed(state, place);
        assert_eq!(stored(state).unwrap()[0].documents, Some(1));
    }

    #[test]
    fn what_is_not_ours_stays_and_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let place = indexed(dir.path(), IndexPlace::of_job(dir.path(), "a"));
        fs::write(place.dir().join("notes"), "mine").unwrap();
        let error = place.remove().unwrap_err().to_string();
        assert!(error.starts_with("cannot remove ") && error.contains("not empty"), "{error}");
        assert!(place.dir().join("notes").exists() && place.open().unwrap().is_none());
    }
}
