//! The directories of indexes: `STATE/index/NAME/vN/`. NAME is the name of a job, or `@` and a path.

use super::SearchError;
use super::index_dir::IndexDir;
use super::schema::{self, Fields, VERSION};
use crate::platform::{self, FileLock};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use tantivy::Index;

/// The directory of one index. It need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPlace {
    /// The label of the index: a job's name or a path.
    pub label: String,
    dir: PathBuf,
}

/// The payload of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) label: String,
    /// The root of the mirror; lossy if it is not UTF-8.
    pub(super) root: String,
    /// The file name of the list of indexed files that belongs to the commit.
    pub(super) ledger: String,
    /// Increased by one with each commit.
    pub(super) generation: u64,
    /// A text of the options of the build.
    pub(super) asked: String,
}

/// An open index.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The label of the index: a job's name or a path.
    pub label: String,
    /// The root of the mirror.
    pub root: PathBuf,
    /// Increased by one with each commit.
    pub generation: u64,
    pub(super) index: Index,
    pub(super) dir: PathBuf,
    pub(super) payload: Payload,
}

impl IndexPlace {
    /// Returns the place of a job's index.
    pub fn of_job(state: &Path, name: &str) -> Self {
        IndexPlace { label: name.into(), dir: state.join("index").join(name) }
    }

    /// Returns the place of the index of any directory, given by its absolute path.
    pub fn of_path(state: &Path, path: &Path) -> Self {
        let label = path.to_string_lossy().into_owned();
        let mut name = String::from("@");
        for byte in std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()) {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(char::from(*byte)),
                byte => name.push_str(&format!("%{byte:02X}")),
            }
        }
        if name.len() > 200 {
            let sum = crc32fast::hash(name.as_bytes());
            name.truncate(190);
            name.push_str(&format!("+{sum:08x}"));
        }
        IndexPlace { label, dir: state.join("index").join(name) }
    }

    /// Returns the directory of the index, with one directory below it for each version.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether there is an index of any version.
    pub fn exists(&self) -> bool {
        self.current().join("meta.json").exists() || self.earlier().is_some()
    }

    /// Returns the directory of the index of this version.
    pub(super) fn current(&self) -> PathBuf {
        self.dir.join(format!("v{VERSION}"))
    }

    /// Returns a directory beside it, in which to build a new index.
    pub(super) fn beside(&self) -> PathBuf {
        self.dir.join(format!("v{VERSION}.new"))
    }

    /// Removes the remains of interrupted builds and, if there is an index of this version, the indexes of earlier versions. Errors are
    /// ignored, since leftovers only use space.
    pub(super) fn tidy(&self) {
        let keep = self.current();
        let built = keep.join("meta.json").exists();
        for item in fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let name = item.file_name();
            let old = name.to_str().and_then(version).is_some_and(|number| {
                number < VERSION && built || number == VERSION && name.to_string_lossy().contains('.')
            });
            if old && item.path() != keep {
                let _ = fs::remove_dir_all(item.path());
            }
        }
    }

    /// Returns the newest index of an earlier version; `None` if there is none.
    pub(super) fn earlier(&self) -> Option<PathBuf> {
        let items = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let names = items.filter_map(|item| item.file_name().into_string().ok());
        let older = names.filter(|name| !name.contains('.')).filter_map(|name| version(&name));
        let newest = older.filter(|number| *number < VERSION).max()?;
        Some(self.dir.join(format!("v{newest}"))).filter(|dir| dir.join("meta.json").exists())
    }

    /// Creates the directory and locks it for one builder. The kernel releases the lock when the process ends.
    pub(super) fn lock(&self) -> Result<FileLock, SearchError> {
        let path = self.dir.join("lock");
        loop {
            fs::create_dir_all(&self.dir).map_err(SearchError::io("make the directory", &self.dir))?;
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .custom_flags(platform::WITHOUT_WAITING)
                .open(&path);
            let file = match file {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && !self.dir.exists() => continue,
                file => file.map_err(SearchError::io("open the lock", &path))?,
            };
            match FileLock::new(file) {
                // If the index was removed before we had the lock, others do not see it.
                Ok(lock) if is_at(&lock, &path) => return Ok(lock),
                Ok(_) => {}
                Err(TryLockError::WouldBlock) => return Err(SearchError::Busy(self.label.clone())),
                Err(TryLockError::Error(error)) => return Err(SearchError::io("lock", &path)(error)),
            }
        }
    }

    /// Returns the error that prevents writing to the directory; `None` if it is writable.
    pub fn refusal(&self) -> Option<std::io::Error> {
        let probe = || {
            fs::create_dir_all(&self.dir)?;
            let mut file = tempfile::tempfile_in(&self.dir)?;
            // A full disk may have room for an empty file.
            std::io::Write::write_all(&mut file, &[1; 4096])?;
            file.sync_data()
        };
        probe().err()
    }

    /// Moves a finished index to the place where readers look for it, in one step if the file system supports that.
    pub(super) fn put(&self, fresh: &Path) -> Result<(), SearchError> {
        let current = &self.current();
        let failed = || SearchError::io("replace the index", current);
        if !current.exists() {
            return fs::rename(fresh, current).map_err(failed());
        }
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            if renameat_with(CWD, fresh, CWD, current, RenameFlags::EXCHANGE).is_ok() {
                let _ = fs::remove_dir_all(fresh);
                return Ok(());
            }
        }
        let old = current.with_extension("old");
        let _ = fs::remove_dir_all(&old);
        fs::rename(current, &old).map_err(failed())?;
        fs::rename(fresh, current).map_err(failed())?;
        let _ = fs::remove_dir_all(&old);
        Ok(())
    }

    /// Opens the index; `None` if there is none of this version.
    pub fn open(&self) -> Result<Option<Opened>, SearchError> {
        let dir = self.current();
        if !dir.join("meta.json").exists() {
            return Ok(None);
        }
        let wrong = SearchError::engine(&dir);
        let directory = IndexDir::open(&dir).map_err(|error| wrong(error.into()))?;
        let mut index = Index::open(directory).map_err(&wrong)?;
        index.set_tokenizers(schema::tokenizers());
        index.set_fast_field_tokenizers(schema::tokenizers());
        let damaged = |why: &str| SearchError::Damaged { path: dir.clone(), why: why.into() };
        if index.schema() != Fields::new().schema {
            return Err(damaged("its fields are not those of this version"));
        }
        let payload = index.load_metas().map_err(&wrong)?.payload;
        let payload: Payload = serde_json::from_str(&payload.unwrap_or_default())
            .map_err(|_| damaged("its last commit has no description of its contents"))?;
        Ok(Some(Opened {
            label: payload.label.clone(),
            root: payload.root.clone().into(),
            generation: payload.generation,
            index,
            dir: dir.clone(),
            payload,
        }))
    }
}

impl Opened {
    /// Returns the number of documents.
    pub fn count(&self) -> Result<u64, SearchError> {
        let metas = self.index.load_metas().map_err(SearchError::engine(&self.dir))?;
        Ok(metas.segments.iter().map(|segment| u64::from(segment.num_docs())).sum())
    }
}

/// Whether this file is at this path.
fn is_at(file: &File, path: &Path) -> bool {
    let same = || Some(file.metadata().ok()?.ino() == fs::metadata(path).ok()?.ino());
    same().unwrap_or(false)
}

/// Returns the version in the name of a directory: `v3`, `v3.new`.
pub(super) fn version(name: &str) -> Option<u32> {
    name.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Returns every index below a state directory, sorted by name, jobs before paths.
pub fn indexes(state: &Path) -> Result<Vec<IndexPlace>, SearchError> {
    places(state, |place| place.current().join("meta.json").exists())
}

/// Returns the indexes that exist only in an earlier version's format, which cannot be searched.
pub fn outdated(state: &Path) -> Result<Vec<IndexPlace>, SearchError> {
    let mut found =
        places(state, |place| !place.current().join("meta.json").exists() && place.earlier().is_some())?;
    for place in &mut found {
        // The directory's name is derived from the path of the mirror; the last commit has the path itself.
        if let Some(Committed { label, .. }) = place.earlier().as_deref().and_then(committed) {
            place.label = label;
        }
    }
    Ok(found)
}

/// What the last commit of an index says, whatever its version.
pub(super) struct Committed {
    pub(super) label: String,
    pub(super) root: Option<String>,
}

/// Returns what the last commit in the directory of a version says; `None` if it cannot be read.
pub(super) fn committed(dir: &Path) -> Option<Committed> {
    let meta = platform::read_regular(&dir.join("meta.json"), platform::OWN).ok()?;
    let meta: serde_json::Value = serde_json::from_slice(&meta).ok()?;
    let payload: serde_json::Value = serde_json::from_str(meta["payload"].as_str()?).ok()?;
    let text = |key: &str| payload[key].as_str().map(str::to_owned);
    Some(Committed { label: text("label")?, root: text("root") })
}

pub(super) fn places(state: &Path, is: impl Fn(&IndexPlace) -> bool) -> Result<Vec<IndexPlace>, SearchError> {
    let dir = state.join("index");
    let items = match fs::read_dir(&dir) {
        Ok(items) => items,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(SearchError::io("read", &dir)(error)),
    };
    let mut found = Vec::new();
    for item in items.flatten() {
        let Some(name) = item.file_name().to_str().map(str::to_owned) else { continue };
        let place = IndexPlace { label: name, dir: item.path() };
        if is(&place) {
            found.push(place);
        }
    }
    found.sort_by(|a, b| (a.label.starts_with('@'), &a.label).cmp(&(b.label.starts_with('@'), &b.label)));
    Ok(found)
}
