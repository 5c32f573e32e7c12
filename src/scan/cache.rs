//! Inventories on disk: one file per root and set of options, memory-mapped, with a checksum, and replaced as a whole.

use super::cache_limits::{CacheLimits, CacheTotals, Cached, settle, totals, touch};
use super::{Options, Scan, ScanError, storage};
use crate::model::sanitize;
use crate::platform;
use crate::scan::inventory::{self, Bytes, FormatError, Header, Inventory};
use std::fs;
use std::io::{self, BufWriter};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const BUFFER: usize = 1 << 20;
const SUFFIX: &str = "inv";
/// Suffix of the name of a damaged file, which is kept for inspection.
const SET_ASIDE: &str = "bad";

/// The directory of inventories.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
    limits: CacheLimits,
}

/// The result of loading the inventory of a tree.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The inventory of the last scan, if it is valid.
    pub inventory: Option<Inventory>,
    /// A warning about the file, which has been dealt with.
    pub warning: Option<String>,
    /// Whether the file must not be replaced, since a newer version wrote it.
    pub keep: bool,
}

/// How the previous inventory is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// Unchanged directories are reused.
    TakeOver,
    /// Everything is read; the previous inventory is returned for comparison.
    Compare,
    /// Everything is read; the previous inventory is not loaded.
    Ignore,
}

/// The result of a scan with a cache.
#[derive(Debug)]
pub struct Saved {
    /// The scan.
    pub scan: Scan,
    /// The previous inventory, if there was one and it was not to be ignored.
    pub before: Option<Inventory>,
    /// Warnings that do not affect the result of the scan.
    pub warnings: Vec<String>,
    /// How often inventories were of use, with this scan.
    pub totals: CacheTotals,
}

impl Cache {
    /// The inventories in this state directory, which need not exist. Without limits.
    pub fn new(state_dir: &Path) -> Self {
        Cache { dir: state_dir.join("inventory"), limits: CacheLimits::default() }
    }

    /// The same with limits, which a scan enforces.
    #[must_use]
    pub fn within(self, limits: CacheLimits) -> Self {
        Cache { limits, ..self }
    }

    #[cfg(test)]
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns how often inventories were of use.
    pub fn totals(&self) -> CacheTotals {
        totals(&self.dir)
    }

    /// Returns the path of the inventory for this root and these options.
    pub fn path(&self, root: &Path, options: &Options) -> PathBuf {
        let mut hash = blake3::Hasher::new();
        hash.update(root.as_os_str().as_bytes()).update(b"\0").update(&options.fingerprint());
        let name = hash.finalize().to_hex();
        self.dir.join(&name[..32]).with_extension(SUFFIX)
    }

    /// Loads the inventory of the last scan of this root with these options, if it is valid.
    pub fn load(&self, root: &Path, options: &Options) -> Loaded {
        let path = self.path(root, options);
        let loaded = match map(&path) {
            Ok(bytes) => inventory::decode(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Loaded::default(),
            Err(error) => {
                let warning = Some(format!(
                    "cannot read the inventory {}: {error}; scanning in full",
                    sanitize::path(&path)
                ));
                return Loaded { warning, ..Loaded::default() };
            }
        };
        match loaded {
            Ok((header, inventory)) if header.root == root && header.options == options.fingerprint() => {
                Loaded { inventory: Some(inventory), ..Loaded::default() }
            }
            // The inventory of another root or other options whose hash is the same.
            Ok(_) => Loaded::default(),
            Err(FormatError::Newer(version)) => {
                let text = format!(
                    "the inventory {} has the newer format {version}: not used, and not replaced",
                    sanitize::path(&path)
                );
                Loaded { warning: Some(text), keep: true, ..Loaded::default() }
            }
            Err(error) => {
                let aside = path.with_extension(SET_ASIDE);
                let done = match fs::rename(&path, &aside) {
                    Ok(()) => format!("set aside as {}", sanitize::path(&aside)),
                    Err(error) => format!("it cannot be set aside ({error})"),
                };
                let text =
                    format!("the inventory {} is {error}: {done}; scanning in full", sanitize::path(&path));
                Loaded { warning: Some(text), ..Loaded::default() }
            }
        }
    }

    /// Returns the number of entries in the last scan of this root, if known. Changes and reports nothing.
    fn known(&self, root: &Path, options: &Options) -> Option<u64> {
        let (header, inventory) = inventory::decode(map(&self.path(root, options)).ok()?).ok()?;
        (header.root == root).then(|| inventory.totals().entries())
    }

    /// Saves the result of a scan. The file is replaced by a rename. It is not flushed to disk, which would take longer than a scan: after
    /// a power failure it may be damaged, and is then set aside.
    pub fn save(&self, scan: &Scan, options: &Options) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let header = Header {
            root: scan.inventory.root().into(),
            options: options.fingerprint(),
            started: scan.inventory.started(),
            dirs_read: scan.dirs_read,
            dirs_reused: scan.dirs_reused,
            elapsed: u64::try_from(scan.elapsed.as_nanos()).unwrap_or(u64::MAX),
        };
        let file = tempfile::Builder::new().prefix(".inventory").tempfile_in(&self.dir)?;
        inventory::encode(&scan.inventory, &header, BufWriter::with_capacity(BUFFER, file.as_file()))?;
        file.persist(self.path(scan.inventory.root(), options)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Scans the tree at an absolute path, and saves the result. Nothing is reused if the tree is on a network file system: clock and times
    /// of another machine are not reliable.
    pub fn scan(&self, root: &Path, options: &Options, earlier: Earlier) -> Result<Saved, ScanError> {
        let Loaded { inventory: before, warning, keep } = match earlier {
            Earlier::Ignore => Loaded { keep: self.is_newer(root, options), ..Loaded::default() },
            Earlier::TakeOver | Earlier::Compare => self.load(root, options),
        };
        let mut warnings: Vec<String> = warning.into_iter().collect();
        if options.meter.is_watched() {
            let known = before.as_ref().map(|before| before.totals().entries());
            known
                .or_else(|| self.known(root, options))
                .into_iter()
                .for_each(|total| options.meter.expect(total));
        }
        let trusted =
            earlier == Earlier::TakeOver && storage(root).is_none_or(|storage| !storage.is_network());
        let scan = super::scan(root, options, before.as_ref().filter(|_| trusted))?;
        let changed = before.is_none() || scan.dirs_read > 0;
        let mut saved = false;
        if !keep && scan.ended.is_none() {
            let path = self.path(root, options);
            let done = if changed { self.save(&scan, options) } else { touch(&path) };
            saved = changed && done.is_ok();
            if let Err(error) = done {
                warnings.push(format!(
                    "cannot keep the inventory {}: {error}; the next scan will read everything",
                    sanitize::path(&path)
                ));
            }
        }
        let used = if !trusted || options.follow {
            // Everything is read, whatever is cached.
            CacheTotals::default()
        } else {
            CacheTotals {
                hits: before.is_some().into(),
                misses: before.is_none().into(),
                dirs_reused: scan.dirs_reused,
                dirs_read: scan.dirs_read,
                evicted: 0,
            }
        };
        let (totals, warning) = settle(&self.dir, &self.limits, used, saved.then_some(|| self.list()));
        warnings.extend(warning);
        Ok(Saved { scan, before, warnings, totals })
    }

    fn is_newer(&self, root: &Path, options: &Options) -> bool {
        let header = map(&self.path(root, options)).map(|bytes| inventory::header((*bytes).as_ref()));
        matches!(header, Ok(Err(FormatError::Newer(_))))
    }

    /// Returns every file, including those set aside, by path.
    pub fn list(&self) -> io::Result<Vec<Cached>> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let ours = path.extension().is_some_and(|e| e == SUFFIX || e == SET_ASIDE);
            // Files that have been removed since or cannot be read are skipped.
            let (true, Ok(meta)) = (ours, fs::metadata(&path)) else { continue };
            let aside = path.extension().is_some_and(|e| e == SET_ASIDE);
            let header = match map(&path) {
                _ if aside => Err(FormatError::Damaged("set aside")),
                Ok(bytes) => inventory::header((*bytes).as_ref()),
                Err(_) => Err(FormatError::Damaged("it cannot be read")),
            };
            files.push(Cached { bytes: meta.len(), used: meta.modified().ok(), header, path });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Removes a file that [`Cache::list`] returned.
    pub fn evict(&self, cached: &Cached) -> io::Result<()> {
        fs::remove_file(&cached.path)
    }
}

#[expect(
    unsafe_code,
    reason = "mapping a file; it is only ever replaced as a whole, by a rename, and never cut short"
)]
fn map(path: &Path) -> io::Result<Bytes> {
    let file = platform::open_regular(path)?;
    if file.metadata()?.len() == 0 {
        // An empty file cannot be mapped, and contains nothing valid.
        return Ok(Arc::new(Vec::new()));
    }
    // SAFETY: this program never changes a mapped file in place, see above.
    let map = unsafe { memmap2::Mmap::map(&file) }?;
    Ok(Arc::new(map))
}
