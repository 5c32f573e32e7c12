//! Checks that compressed files are complete. Each file is decompressed to its end, which verifies its checksum.

use super::Stop;
use crate::model::compression::{packed_by, packed_name};
use crate::platform::{self, Through};
use crate::scan::inventory::{Inventory, Kind};
use flate2::bufread::GzDecoder;
use rustix::fs::{Mode, OFlags, openat};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

const BUFFER: usize = 128 * 1024;

/// What is wrong with a compressed file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Damage {
    /// It holds nothing.
    #[error("empty")]
    Empty,
    /// Its end is missing.
    #[error("truncated")]
    Truncated,
    /// It is a web page, as proxies and error handlers send them.
    #[error("a web page, not gzip")]
    Html,
    /// It begins like no gzip file, but like one that was compressed in the way that is named.
    #[error("not gzip{}", .0.map(|other| format!(" but {other}")).unwrap_or_default())]
    NotGzip(Option<&'static str>),
    /// Its contents are not what was compressed.
    #[error("damaged: {0}")]
    Corrupt(String),
    /// Something else follows its end.
    #[error("something else follows its end")]
    Trailing,
    /// It could not be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
}

impl Damage {
    /// The word used in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Damage::Empty => "empty",
            Damage::Truncated => "truncated",
            Damage::Html => "html",
            Damage::NotGzip(_) => "not_gzip",
            Damage::Corrupt(_) => "corrupt",
            Damage::Trailing => "trailing",
            Damage::Unreadable(_) => "unreadable",
        }
    }
}

/// The result of checking files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Number of files checked.
    pub files: u64,
    /// Their compressed size in bytes.
    pub bytes: u64,
    /// Damaged files, by path relative to the root.
    pub damaged: Vec<(Vec<u8>, Damage)>,
    /// Whether all files were checked.
    pub whole: bool,
}

impl Checked {
    /// Returns the paths of the regular files whose names end in `.gz`.
    pub fn paths(inventory: &Inventory) -> Vec<Vec<u8>> {
        let gz = |name: &[u8]| name.len() > 3 && name[name.len() - 3..].eq_ignore_ascii_case(b".gz");
        let files = inventory.entries().filter(|(_, entry)| entry.stat.kind == Kind::File && gz(entry.name));
        files.map(|(dir, entry)| dir.path_of(entry.name)).collect()
    }

    /// Returns the regular files whose names show another compression than gzip, and which one. They are not checked.
    pub fn others(inventory: &Inventory) -> Vec<(Vec<u8>, &'static str)> {
        let files = inventory.entries().filter(|(_, entry)| entry.stat.kind == Kind::File);
        files.filter_map(|(dir, entry)| Some((dir.path_of(entry.name), packed_name(entry.name)?))).collect()
    }

    /// Checks the compressed files of an inventory; see [`check_gzip`].
    pub fn of(
        inventory: &Inventory,
        threads: usize,
        stop: &Stop,
        progress: &AtomicU64,
    ) -> io::Result<Checked> {
        check_gzip(inventory.root(), &Checked::paths(inventory), threads, stop, progress)
    }
}

/// Decompresses files below `root`, several at the same time. `progress` counts finished files. With 0 `threads`, there is one per core.
/// Fails if the root cannot be opened.
pub fn check_gzip(
    root: &Path,
    paths: &[Vec<u8>],
    threads: usize,
    stop: &Stop,
    progress: &AtomicU64,
) -> io::Result<Checked> {
    let root = platform::open_child(rustix::fs::CWD, root.as_os_str().as_bytes(), true)?;
    let cores = thread::available_parallelism().map_or(2, |cores| cores.get());
    let threads = if threads == 0 { cores } else { threads }.clamp(1, paths.len().max(1));
    let (next, looked, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU64::new(0));
    let work = || {
        let (mut damaged, mut buffer) = (Vec::new(), vec![0; BUFFER]);
        while !stop.is_stopped() {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(n) else { break };
            let checked = open_file(&root, path)
                .map_err(|e| Damage::Unreadable(e.to_string()))
                .and_then(|file| check(file, &mut buffer, &bytes, stop));
            if stop.is_stopped() && checked != Ok(true) {
                // The result for this file is unknown.
                break;
            }
            looked.fetch_add(1, Ordering::Relaxed);
            if let Err(damage) = checked {
                damaged.push((n, damage));
            }
            progress.fetch_add(1, Ordering::Relaxed);
        }
        damaged
    };
    let work = &work;
    let mut damaged = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut damaged = work();
        for other in others {
            match other.join() {
                Ok(more) => damaged.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        damaged
    });
    damaged.sort_unstable();
    let files = looked.into_inner();
    Ok(Checked {
        files: files as u64,
        bytes: bytes.into_inner(),
        damaged: damaged.into_iter().map(|(n, damage)| (paths[n].clone(), damage)).collect(),
        whole: files == paths.len(),
    })
}

fn open_file(root: &std::os::fd::OwnedFd, path: &[u8]) -> io::Result<File> {
    let (dir, name) = match memchr::memrchr(b'/', path) {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&b""[..], path),
    };
    let dir = platform::open_through(root, dir, Through::Mounts)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    Ok(File::from(openat(dir, OsStr::from_bytes(name), flags, Mode::empty())?))
}

/// Returns whether the end of the file was reached; the error is damage in the file.
fn check(file: impl Read, buffer: &mut [u8], bytes: &AtomicU64, stop: &Stop) -> Result<bool, Damage> {
    let unreadable = |error: io::Error| Damage::Unreadable(error.to_string());
    let mut file = BufReader::with_capacity(BUFFER, Counting { file, bytes });
    let begin = file.fill_buf().map_err(unreadable)?;
    match begin {
        [] => return Err(Damage::Empty),
        [0x1f, 0x8b, ..] | [0x1f] => {}
        _ if packed_by(begin).is_some() => return Err(Damage::NotGzip(packed_by(begin))),
        _ if begin.trim_ascii_start().starts_with(b"<") => return Err(Damage::Html),
        _ => return Err(Damage::NotGzip(packed_by(begin))),
    }
    loop {
        let mut member = GzDecoder::new(&mut file);
        loop {
            if stop.is_stopped() {
                return Ok(false);
            }
            match member.read(buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(Damage::Truncated),
                Err(error) if error.raw_os_error().is_some() => return Err(unreadable(error)),
                Err(error) => return Err(Damage::Corrupt(error.to_string())),
            }
        }
        // Some writers pad with zeros; another gzip member may follow.
        loop {
            let rest = file.fill_buf().map_err(unreadable)?;
            let zeros = rest.iter().take_while(|b| **b == 0).count();
            match rest {
                [] => return Ok(true),
                _ if zeros > 0 => file.consume(zeros),
                [0x1f, 0x8b, ..] => break,
                _ => return Err(Damage::Trailing),
            }
        }
    }
}

struct Counting<'a, R> {
    file: R,
    bytes: &'a AtomicU64,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &[u8] = include_bytes!("../../tests/corpus/1pfe.cif.gz");

    fn of(bytes: &[u8]) -> Result<bool, Damage> {
        check(bytes, &mut vec![0; BUFFER], &AtomicU64::new(0), &Stop::default())
    }

    #[test]
    fn whole_files_are_whole() {
        assert_eq!(of(ENTRY), Ok(true));
        assert_eq!(of(&[ENTRY, ENTRY].concat()), Ok(true));
        assert_eq!(of(&[ENTRY, &[0; 300]].concat()), Ok(true));
    }

    #[test]
    fn damage_is_told_apart() {
        assert_eq!(of(b""), Err(Damage::Empty));
        assert_eq!(of(b"  <!DOCTYPE html><html>"), Err(Damage::Html));
        assert_eq!(of(b"data_1ABC"), Err(Damage::NotGzip(None)));
        assert_eq!(of(b"\x28\xb5\x2f\xfd rest").unwrap_err().to_string(), "not gzip but zstd");
        assert_eq!(of(b"\x1f\x9d rest").unwrap_err().to_string(), "not gzip but compress (.Z)");
        assert_eq!(of(&[ENTRY, b"junk"].concat()), Err(Damage::Trailing));
        for cut in [1, 5, 12, ENTRY.len() / 2, ENTRY.len() - 9, ENTRY.len() - 8, ENTRY.len() - 1] {
            assert_eq!(of(&ENTRY[..cut]), Err(Damage::Truncated), "cut at {cut}");
        }
        for at in [ENTRY.len() / 3, ENTRY.len() / 2, ENTRY.len() - 8, ENTRY.len() - 1] {
            let mut bad = ENTRY.to_vec();
            bad[at] ^= 0x10;
            assert!(of(&bad).is_err(), "byte {at}");
        }
    }
}
