//! Keeps the directory of inventories within its limits, the least recently used ones going first, and counts how often they are of use.
//!
//! An inventory that is removed costs a full scan, so its date may decide about the order. What is over-age is marked first, as everything
//! that is kept for a time ([`crate::retention`]).

use crate::platform::{self, FileLock};
use crate::retention::{self, Item, Moment};
use crate::scan::inventory::{FormatError, Header};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The limits of the directory of inventories; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheLimits {
    /// Maximum number of inventories.
    pub entries: Option<u64>,
    /// Maximum size of all together in bytes.
    pub bytes: Option<u64>,
    /// How long an inventory is kept after it was used last.
    pub age: Option<Duration>,
}

/// How often inventories were of use, over all scans that this state directory remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheTotals {
    /// Scans that found an inventory of the tree.
    pub hits: u64,
    /// Scans that looked for one and found none.
    pub misses: u64,
    /// Directories that were reused.
    pub dirs_reused: u64,
    /// Directories that were read, although an inventory would have been used.
    pub dirs_read: u64,
    /// Inventories removed by the limits.
    pub evicted: u64,
}

/// A file of the cache.
#[derive(Debug)]
pub struct Cached {
    /// The path.
    pub path: PathBuf,
    /// The size in bytes.
    pub bytes: u64,
    /// When it was last used.
    pub used: Option<SystemTime>,
    /// The header of the file.
    pub header: Result<Header, FormatError>,
}

/// The file of the totals, beside the inventories.
pub(super) const TOTALS: &str = "totals.json";

/// One thread of this process at a time; other processes are kept away by a lock on the directory.
static SETTLING: Mutex<()> = Mutex::new(());

impl CacheTotals {
    fn add(&mut self, other: &CacheTotals) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.dirs_reused += other.dirs_reused;
        self.dirs_read += other.dirs_read;
        self.evicted += other.evicted;
    }
}

/// Returns the totals of a directory of inventories. A record that cannot be read counts as none: it decides nothing.
pub(super) fn totals(dir: &Path) -> CacheTotals {
    let text = platform::read_regular(&dir.join(TOTALS), platform::OWN).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Adds the use of a scan to the totals of a directory. If the scan has saved an inventory, `list` returns all of them, and what exceeds the
/// limits is removed. Returns the totals, and a warning about what could not be removed. While another process does the same, nothing
/// happens: the next scan does it.
pub(super) fn settle(
    path: &Path,
    limits: &CacheLimits,
    mut used: CacheTotals,
    list: Option<impl FnOnce() -> io::Result<Vec<Cached>>>,
) -> (CacheTotals, Option<String>) {
    let _alone = SETTLING.lock().unwrap_or_else(PoisonError::into_inner);
    let Ok(dir) = File::open(path) else { return (CacheTotals::default(), None) };
    let Ok(dir) = FileLock::new(dir) else { return (totals(path), None) };
    let mut warning = None;
    if let Some(list) = list.filter(|_| *limits != CacheLimits::default()) {
        match list().and_then(|files| trim(&dir, files, limits)) {
            Ok(evicted) => used.evicted += evicted,
            Err(error) => warning = Some(format!("cannot remove old inventories: {error}")),
        }
    }
    let mut totals = totals(path);
    totals.add(&used);
    // The totals are for information only; a directory that cannot be written has been reported by the inventory itself.
    let _ = save(path, &totals);
    (totals, warning)
}

/// Removes what exceeds the limits; returns the number of inventories. The one that was used last goes last.
fn trim(dir: &File, mut files: Vec<Cached>, limits: &CacheLimits) -> io::Result<u64> {
    // Those of a newer version are its own.
    files.retain(|file| !matches!(file.header, Err(FormatError::Newer(_))));
    files.sort_by_key(|file| file.used);
    let over_age = limits.age.map(|age| over_age(dir, &files, age)).unwrap_or_default();
    let (mut left, mut bytes) = (files.len() as u64, files.iter().map(|file| file.bytes).sum::<u64>());
    let mut evicted = 0;
    for file in &files {
        let too_many = limits.entries.is_some_and(|most| left > most);
        let too_large = limits.bytes.is_some_and(|most| bytes > most);
        if too_many || too_large || over_age.iter().any(|name| file.path.ends_with(name)) {
            match fs::remove_file(&file.path) {
                Ok(()) => evicted += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            (left, bytes) = (left - 1, bytes - file.bytes);
        }
    }
    Ok(evicted)
}

/// Returns the names of the files that an earlier scan has marked as over-age and whose wait has passed, and marks others.
fn over_age(dir: &File, files: &[Cached], age: Duration) -> Vec<String> {
    let items = files.iter().filter_map(|file| {
        let name = file.path.file_name()?.to_str()?.to_owned();
        let used = file.used?.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let since = Some(Moment::dated(i64::try_from(used).unwrap_or(i64::MAX)));
        Some(Item { name, since, keep: age })
    });
    // Marks that cannot be written only delay a removal.
    retention::look(dir, &items.collect::<Vec<_>>(), &retention::now(), false).purge
}

fn save(dir: &Path, totals: &CacheTotals) -> io::Result<()> {
    let file = tempfile::Builder::new().prefix(".totals").tempfile_in(dir)?;
    fs::write(file.path(), serde_json::to_vec(totals)?)?;
    file.persist(dir.join(TOTALS)).map_err(|error| error.error)?;
    Ok(())
}

/// Sets the time when an inventory was used.
pub(super) fn touch(path: &Path) -> io::Result<()> {
    File::options().append(true).open(path)?.set_modified(SystemTime::now())
}
