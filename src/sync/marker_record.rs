//! The stored marker of a job: `STATE/listings/JOB.marker.json`. It exists only while the mirror is known to be complete.

use super::dir_id::DirId;
use crate::platform;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const VERSION: u32 = 1;
const ENDING: &str = ".marker.json";

/// A marker as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fetched {
    /// BLAKE3 hash of its contents.
    hash: String,
    /// Modification time at the source, in seconds since 1970.
    mtime: i64,
}

impl Fetched {
    /// Reads a fetched file. An error if it is none.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut file = platform::open_regular(path)?;
        let mut hash = blake3::Hasher::new();
        io::copy(&mut Read::by_ref(&mut file), &mut hash)?;
        Ok(Fetched { hash: hash.finalize().to_hex().to_string(), mtime: file.metadata()?.mtime() })
    }

    /// When it was changed at the source.
    pub(super) fn time(&self) -> SystemTime {
        let since = Duration::from_secs(self.mtime.unsigned_abs());
        let time = if self.mtime < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(since)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(since)
        };
        time.unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// What the last complete run has stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    v: u32,
    pub(super) marker: Fetched,
    /// The source that was read.
    pub(super) source: String,
    /// A hash of the job's options, filters and sources.
    pub(super) print: String,
    /// A hash of the directories of the mirror.
    pub(super) shape: String,
    dest: PathBuf,
    pub(super) dir: DirId,
    /// When that run ended.
    pub(super) full: Timestamp,
}

impl Record {
    /// The record of a run that ends now.
    pub(super) fn new(
        marker: Fetched,
        print: String,
        shape: String,
        source: &str,
        dest: &Path,
        dir: DirId,
    ) -> Self {
        let (source, dest) = (source.to_owned(), dest.to_owned());
        Record { v: VERSION, marker, source, print, shape, dest, dir, full: Timestamp::now() }
    }
}

fn dir(state_dir: &Path) -> PathBuf {
    state_dir.join("listings")
}

fn path(state_dir: &Path, job: &str) -> PathBuf {
    dir(state_dir).join(format!("{job}{ENDING}"))
}

/// Loads the record of a job; `None` if there is none, or it is damaged or of another version.
pub(super) fn load(state_dir: &Path, job: &str) -> Option<Record> {
    read(&path(state_dir, job))
}

fn read(path: &Path) -> Option<Record> {
    let text = platform::read_regular(path, platform::OWN).ok()?;
    serde_json::from_slice(&text).ok().filter(|record: &Record| record.v == VERSION)
}

/// Stores the record of a job, atomically.
pub(super) fn save(state_dir: &Path, job: &str, record: &Record) -> io::Result<()> {
    fs::create_dir_all(dir(state_dir))?;
    let mut new = tempfile::NamedTempFile::new_in(dir(state_dir))?;
    serde_json::to_writer(&mut new, record)?;
    new.flush()?;
    new.persist(path(state_dir, job)).map_err(|error| error.error)?;
    Ok(())
}

/// Removes the record of a job.
pub(super) fn forget(state_dir: &Path, job: &str) -> io::Result<()> {
    match fs::remove_file(path(state_dir, job)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the stored markers of all mirrors at, above or below a path, since their contents are being changed. Errors are those of a state
/// directory that cannot be written; then the markers stay.
pub(crate) fn void(state_dir: &Path, changed: &Path) -> io::Result<()> {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let changed = real(changed);
    let entries = match fs::read_dir(dir(state_dir)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().ends_with(ENDING) {
            continue;
        }
        // A record that cannot be read is of no use either.
        let touched = read(&entry.path()).is_none_or(|record| {
            let dest = real(&record.dest);
            dest.starts_with(&changed) || changed.starts_with(&dest)
        });
        if touched {
            fs::remove_file(entry.path())?;
        }
    }
    // A rename or removal that is lost with the power would bring the marker back.
    File::open(dir(state_dir))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_voids_the_markers_of_what_it_touches() {
        let state = tempfile::tempdir().unwrap();
        let here = DirId::of(&state.path().metadata().unwrap());
        let file = state.path().join("file");
        fs::write(&file, "release 7").unwrap();
        let marker = Fetched::read(&file).unwrap();
        let record =
            |dest: &str| Record::new(marker.clone(), "p".into(), "s".into(), "h::m/", Path::new(dest), here);
        for (job, dest) in [("a", "/srv/a"), ("b", "/srv/a/b"), ("c", "/srv/c"), ("d", "/srv/ab")] {
            save(state.path(), job, &record(dest)).unwrap();
            assert_eq!(load(state.path(), job).unwrap().marker, marker);
        }
        let left = || ["a", "b", "c", "d"].map(|job| load(state.path(), job).is_some());
        void(state.path(), Path::new("/srv/a/x")).unwrap();
        assert_eq!(left(), [false, true, true, true]);
        void(state.path(), Path::new("/srv/a")).unwrap();
        assert_eq!(left(), [false, false, true, true]);
        void(state.path(), Path::new("/srv")).unwrap();
        assert_eq!(left(), [false; 4]);
        void(&state.path().join("none"), Path::new("/srv")).unwrap();
    }

    #[test]
    fn a_directory_or_a_link_is_no_marker() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Fetched::read(dir.path()).is_err());
        assert!(Fetched::read(&dir.path().join("none")).is_err());
    }
}
