//! Asks the kernel to drop the page cache of a tree's files, chunk by chunk, and measures the result.

use super::kernel;
use super::resident::{Resident, resident};
use crate::platform;
use crate::scan::inventory::Kind;
use crate::scan::{Options, ScanError, Stop, scan};
use rustix::fs::{Mode, OFlags, openat};
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes of files in a chunk without memory pressure.
const LARGE: u64 = 1 << 30;
/// Bytes of files in the smallest chunk, under memory pressure, so that it can stop earlier.
const SMALL: u64 = 64 << 20;
/// The sweep ends after this many chunks in a row that freed almost nothing.
const IN_VAIN: u32 = 3;

/// What to drop, and when to stop.
#[derive(Debug, Clone, Default)]
pub struct ReclaimRequest {
    /// Only files changed since then, in nanoseconds since 1970.
    pub since: Option<i64>,
    /// Stop when this many bytes of memory are available.
    pub target: Option<u64>,
    /// Write dirty pages to the disk first, since the kernel drops clean pages only.
    pub write_first: bool,
    /// Stops the sweep soon.
    pub stop: Stop,
}

/// A chunk of files that was dropped before memory was looked at again. Bytes are of whole pages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chunk {
    /// Number of its files.
    pub files: u64,
    /// Share of the last ten seconds in which some task waited for memory, in percent, which decided its size; `None` if unknown.
    pub pressure: Option<f64>,
    /// Bytes of its files that were in memory; `None` if unknown for any file.
    pub cached: Option<u64>,
    /// Bytes removed from memory.
    pub freed: Option<u64>,
}

/// Returns how many bytes of files are a chunk: the more tasks wait for memory, the fewer.
fn chunk_size(pressure: Option<f64>) -> u64 {
    let pressure = pressure.filter(|share| share.is_finite()).unwrap_or(0.0).max(0.0);
    ((LARGE as f64 / (1.0 + pressure)) as u64).clamp(SMALL, LARGE)
}

/// The result. Bytes are of whole pages.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reclaimed {
    /// Number of files checked.
    pub files: u64,
    /// Number of files that could not be opened.
    pub unreadable: u64,
    /// Bytes removed from memory; `None` if unknown for any file.
    pub freed: Option<u64>,
    /// Bytes still in memory, of the files checked.
    pub kept: Option<u64>,
    /// Bytes of these that are not on the disk yet.
    pub dirty: Option<u64>,
    /// Why it ended before all files were checked; `None` if it did not.
    pub ended: Option<Ended>,
    /// Its chunks, in order.
    pub chunks: Vec<Chunk>,
}

/// Why a sweep ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Enough memory is available.
    Target,
    /// The kernel freed almost nothing.
    InVain,
    /// It was stopped.
    Stopped,
}

/// Sweeps a tree, without following links and without leaving its file system.
pub fn sweep(root: &Path, order: &ReclaimRequest) -> Result<Reclaimed, ScanError> {
    if order.enough() {
        return Ok(Reclaimed { freed: Some(0), ended: Some(Ended::Target), ..Reclaimed::default() });
    }
    let options = Options { one_file_system: true, stop: order.stop.clone(), ..Options::default() };
    let tree = scan(root, &options, None)?.inventory;
    let at = File::open(root).map_err(|source| ScanError { root: root.into(), source })?;
    let mut files = Vec::new();
    for (dir, entry) in tree.entries() {
        let wanted = order.since.is_none_or(|since| entry.stat.ctime >= since);
        if entry.stat.kind == Kind::File && entry.stat.size > 0 && wanted {
            files.push((dir.path_of(entry.name), entry.stat.size));
        }
    }
    let mut sweep = Sweep { at: at.into(), total: Reclaimed::default(), in_vain: 0 };
    sweep.all(&files, order);
    // What was dirty is on the disk by now.
    if order.write_first
        && sweep.total.ended.is_none()
        && sweep.total.kept.is_some_and(|kept| kept > 0)
        && kernel::write_out(&sweep.at)
    {
        let first = std::mem::take(&mut sweep.total);
        sweep.in_vain = 0;
        sweep.all(&files, order);
        sweep.total.freed = sum(first.freed, sweep.total.freed);
        sweep.total.chunks.splice(0..0, first.chunks);
    }
    Ok(sweep.total)
}

impl ReclaimRequest {
    fn enough(&self) -> bool {
        let available = || platform::memory().and_then(|memory| memory.available);
        self.target.is_some_and(|target| available().is_some_and(|available| available >= target))
    }
}

struct Sweep {
    at: OwnedFd,
    total: Reclaimed,
    in_vain: u32,
}

impl Sweep {
    fn all(&mut self, files: &[(Vec<u8>, u64)], order: &ReclaimRequest) {
        let mut rest = files;
        while !rest.is_empty() {
            let ended = match () {
                () if order.stop.is_stopped() => Some(Ended::Stopped),
                () if order.enough() => Some(Ended::Target),
                () if self.in_vain >= IN_VAIN => Some(Ended::InVain),
                () => None,
            };
            if ended.is_some() {
                self.total.ended = ended;
                return;
            }
            let [_, memory, _] = platform::pressure();
            let size = chunk_size(memory);
            let (mut bytes, mut count) = (0, 0);
            for (_, len) in rest {
                bytes += len;
                count += 1;
                if bytes >= size {
                    break;
                }
            }
            let (chunk, after) = rest.split_at(count);
            self.chunk(chunk, memory);
            rest = after;
        }
    }

    fn chunk(&mut self, files: &[(Vec<u8>, u64)], pressure: Option<f64>) {
        let (mut before, mut after, mut known) = (0, 0, true);
        for (path, _) in files {
            self.total.files += 1;
            let Some(file) = open(&self.at, path) else {
                self.total.unreadable += 1;
                continue;
            };
            let was = resident(&file);
            known &= was.is_some();
            if was.is_some_and(|was| was.cached == 0) {
                self.count(was, was);
                continue;
            }
            kernel::forget(&file);
            let is = resident(&file);
            known &= is.is_some();
            before += was.map_or(0, |was| was.cached);
            after += is.map_or(0, |is| is.cached);
            self.count(was, is);
        }
        let of = |bytes: u64| known.then_some(bytes);
        self.total.chunks.push(Chunk {
            files: files.len() as u64,
            pressure,
            cached: of(before),
            freed: of(before.saturating_sub(after)),
        });
        // Less than one per cent.
        let vain = before > 0 && before.saturating_sub(after) < before / 100;
        self.in_vain = if vain { self.in_vain + 1 } else { 0 };
    }

    fn count(&mut self, was: Option<Resident>, is: Option<Resident>) {
        let (Some(was), Some(is)) = (was, is) else { return };
        let total = &mut self.total;
        total.freed = sum(total.freed, Some(was.cached.saturating_sub(is.cached)));
        total.kept = sum(total.kept, Some(is.cached));
        total.dirty = sum(total.dirty, Some(is.dirty));
    }
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

/// Opens a regular file below the root; `None` if another kind of entry has replaced it. Never blocks.
fn open(at: impl AsFd, path: &[u8]) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(at, OsStr::from_bytes(path), flags, Mode::empty()).ok()?);
    file.metadata().is_ok_and(|meta| meta.is_file()).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A tree on a disk: pages of a tmpfs cannot be dropped.
    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        for name in ["a", "sub/b"] {
            let path = dir.path().join(name);
            fs::write(&path, vec![1; 1 << 20]).unwrap();
            File::open(&path).unwrap().sync_all().unwrap();
        }
        dir
    }

    fn cached(dir: &Path) -> Option<u64> {
        let of = |name: &str| {
            let file = File::open(dir.join(name)).unwrap();
            resident(&file).map(|resident| resident.cached)
        };
        Some(of("a")? + of("sub/b")?)
    }

    #[test]
    fn what_was_cached_is_given_back_and_counted() {
        let dir = tree();
        let Some(before) = cached(dir.path()) else { return };
        assert_eq!(before, 2 << 20, "what was just written is in memory");
        let swept = sweep(dir.path(), &ReclaimRequest::default()).unwrap();
        assert_eq!((swept.files, swept.unreadable, swept.ended), (2, 0, None));
        assert_eq!(cached(dir.path()), Some(0));
        assert_eq!((swept.freed, swept.kept), (Some(2 << 20), Some(0)));
        let again = sweep(dir.path(), &ReclaimRequest::default()).unwrap();
        assert_eq!(again.freed, Some(0), "nothing is claimed twice");
    }

    #[test]
    fn what_is_not_on_the_disk_is_written_first_if_that_is_wanted() {
        let dir = tree();
        fs::write(dir.path().join("a"), vec![2; 1 << 20]).unwrap();
        let order = ReclaimRequest { write_first: true, ..ReclaimRequest::default() };
        let swept = sweep(dir.path(), &order).unwrap();
        if cached(dir.path()).is_some() {
            assert_eq!(swept.kept, Some(0));
            assert_eq!(cached(dir.path()), Some(0));
        }
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), vec![2; 1 << 20]);
    }

    #[test]
    fn old_files_are_left_alone_and_enough_is_enough() {
        let dir = tree();
        let before = cached(dir.path());
        let later = ReclaimRequest { since: Some(i64::MAX), ..ReclaimRequest::default() };
        assert_eq!(sweep(dir.path(), &later).unwrap().files, 0);
        let enough = ReclaimRequest { target: Some(1), ..ReclaimRequest::default() };
        if platform::memory().is_some() {
            assert_eq!(sweep(dir.path(), &enough).unwrap().ended, Some(Ended::Target));
        }
        assert_eq!(cached(dir.path()), before);
    }

    #[test]
    fn chunks_are_smaller_under_pressure_and_each_is_told() {
        assert_eq!([None, Some(0.0), Some(f64::NAN), Some(-1.0)].map(chunk_size), [LARGE; 4]);
        assert_eq!(chunk_size(Some(1.0)), LARGE / 2);
        assert_eq!([Some(15.0), Some(99.0), Some(f64::MAX)].map(chunk_size), [SMALL; 3]);
        let dir = tree();
        let swept = sweep(dir.path(), &ReclaimRequest::default()).unwrap();
        let [chunk] = &swept.chunks[..] else { panic!("{swept:?}") };
        assert_eq!((chunk.files, chunk.freed), (2, swept.freed));
    }

    #[test]
    fn a_link_is_not_followed() {
        let (dir, other) = (tree(), tree());
        std::os::unix::fs::symlink(other.path().join("a"), dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink(other.path(), dir.path().join("links")).unwrap();
        let before = cached(other.path());
        assert_eq!(sweep(dir.path(), &ReclaimRequest::default()).unwrap().files, 2);
        assert_eq!(cached(other.path()), before);
    }
}
