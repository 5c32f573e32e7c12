//! Where indexes lie: `STATE/index/NAME/vN/`, NAME being a job's, or `@` and a path.

use super::SearchError;
use super::read_only_dir::Readable;
use super::schema::{self, Fields, VERSION};
use crate::platform;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tantivy::Index;

/// The directory of one index, which need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPlace {
    /// What people call it: a job's name, or a path.
    pub label: String,
    dir: PathBuf,
}

/// What a commit says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) label: String,
    /// The mirror, as well as can be if it is not UTF-8.
    pub(super) root: String,
    /// The file name of the ledger that belongs to it.
    pub(super) ledger: String,
    /// One more with each commit.
    pub(super) generation: u64,
    /// What was asked for when it was built, in words.
    pub(super) asked: String,
}

/// An index that can be read.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What people call it.
    pub label: String,
    /// The mirror.
    pub root: PathBuf,
    /// One more with each commit.
    pub generation: u64,
    pub(super) index: Index,
    pub(super) dir: PathBuf,
    pub(super) payload: Payload,
}

impl IndexPlace {
    /// The index of a job.
    pub fn of_job(state: &Path, name: &str) -> Self {
        IndexPlace { label: name.into(), dir: state.join("index").join(name) }
    }

    /// The index of any directory, given by its absolute path.
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

    /// Where this version of the index lies.
    pub(super) fn current(&self) -> PathBuf {
        self.dir.join(format!("v{VERSION}"))
    }

    /// A directory beside it, to build another one in.
    pub(super) fn beside(&self) -> PathBuf {
        self.dir.join(format!("v{VERSION}.new"))
    }

    /// Removes what interrupted builds left behind, and, where there is an index of this version, those of earlier ones; that they
    /// cannot be removed only costs room.
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

    /// The newest index of an earlier version, if there is one.
    pub(super) fn earlier(&self) -> Option<PathBuf> {
        let items = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let names = items.filter_map(|item| item.file_name().into_string().ok());
        let older = names.filter(|name| !name.contains('.')).filter_map(|name| version(&name));
        let newest = older.filter(|number| *number < VERSION).max()?;
        Some(self.dir.join(format!("v{newest}"))).filter(|dir| dir.join("meta.json").exists())
    }

    /// Makes its directory and locks it for one builder; the kernel frees it when the process ends.
    pub(super) fn lock(&self) -> Result<File, SearchError> {
        fs::create_dir_all(&self.dir).map_err(SearchError::io("make the directory", &self.dir))?;
        let path = self.dir.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .custom_flags(platform::WITHOUT_WAITING)
            .open(&path);
        let file = file.map_err(SearchError::io("open the lock", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(SearchError::Busy(self.label.clone())),
            Err(TryLockError::Error(error)) => Err(SearchError::io("lock", &path)(error)),
        }
    }

    /// Why nothing can be written where it lies, if that is so.
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

    /// Puts a finished index where readers look for it, in one step where the file system can.
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

    /// Opens it; `None` if there is none of this version.
    pub fn open(&self) -> Result<Option<Opened>, SearchError> {
        let dir = self.current();
        if !dir.join("meta.json").exists() {
            return Ok(None);
        }
        let wrong = SearchError::engine(&dir);
        let directory = Readable::open(&dir).map_err(|error| wrong(error.into()))?;
        let mut index = Index::open(directory).map_err(&wrong)?;
        index.set_tokenizers(schema::tokenizers());
        index.set_fast_field_tokenizers(schema::tokenizers());
        let damaged = |why: &str| SearchError::Damaged { path: dir.clone(), why: why.into() };
        if index.schema() != Fields::new().schema {
            return Err(damaged("its fields are not those of this version"));
        }
        let payload = index.load_metas().map_err(&wrong)?.payload;
        let payload: Payload = serde_json::from_str(&payload.unwrap_or_default())
            .map_err(|_| damaged("its last commit does not say what it holds"))?;
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

/// The version that a directory's name tells: `v3`, `v3.new`.
fn version(name: &str) -> Option<u32> {
    name.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Every index below a state directory, sorted by name; jobs before paths.
pub fn indexes(state: &Path) -> Result<Vec<IndexPlace>, SearchError> {
    places(state, |place| place.current().join("meta.json").exists())
}

/// Those of which there is only one that an earlier version of this program has built, which cannot be searched.
pub fn outdated(state: &Path) -> Result<Vec<IndexPlace>, SearchError> {
    let mut found =
        places(state, |place| !place.current().join("meta.json").exists() && place.earlier().is_some())?;
    for place in &mut found {
        // The name of a directory stands for the path of a mirror; its last commit has the path itself.
        let meta = place
            .earlier()
            .and_then(|dir| platform::read_regular(&dir.join("meta.json"), platform::OWN).ok())
            .unwrap_or_default();
        let meta: serde_json::Value = serde_json::from_slice(&meta).unwrap_or_default();
        let payload = serde_json::from_str(meta["payload"].as_str().unwrap_or_default());
        if let Ok(serde_json::Value::Object(payload)) = payload
            && let Some(label) = payload.get("label").and_then(serde_json::Value::as_str)
        {
            place.label = label.into();
        }
    }
    Ok(found)
}

fn places(state: &Path, is: impl Fn(&IndexPlace) -> bool) -> Result<Vec<IndexPlace>, SearchError> {
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
