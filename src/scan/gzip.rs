//! Checks that compressed files are complete. Each file is decompressed to its end, which verifies its checksum.

use super::Stop;
use super::device::storage;
use crate::model::compression::{packed_by, packed_name};
use crate::platform::{self, Through};
use crate::scan::inventory::{Inventory, Kind};
use flate2::bufread::GzDecoder;
use rustix::fs::{Mode, OFlags, openat};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
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

/// The progress of checking files.
#[derive(Debug, Default)]
pub struct CheckProgress {
    /// Number of files that have been checked.
    pub files: AtomicU64,
    /// Number of compressed bytes that have been read.
    pub bytes: AtomicU64,
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
        Checked::names(inventory).collect()
    }

    /// Like [`Checked::paths`], one after another.
    pub fn names(inventory: &Inventory) -> impl Iterator<Item = Vec<u8>> {
        let of_gzip = |kind: Kind, name: &[u8]| kind == Kind::File && is_gzip_name(name);
        let files = inventory.entries().filter(move |(_, entry)| of_gzip(entry.stat.kind, entry.name));
        files.map(|(dir, entry)| dir.path_of(entry.name))
    }

    /// Returns the regular files whose names show another compression than gzip, and which one. They are not checked.
    pub fn others(inventory: &Inventory) -> Vec<(Vec<u8>, &'static str)> {
        let files = inventory.entries().filter(|(_, entry)| entry.stat.kind == Kind::File);
        files.filter_map(|(dir, entry)| Some((dir.path_of(entry.name), packed_name(entry.name)?))).collect()
    }
}

/// Whether the name at the end of this path is that of a gzip file.
pub fn is_gzip_name(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    name.len() > 3 && name[name.len() - 3..].eq_ignore_ascii_case(b".gz")
}

/// Decompresses files below `root`, several at the same time. `progress` counts finished files, and bytes as they are read. With 0 `threads`, their number depends
/// on the drive.
/// Fails if the root cannot be opened.
pub fn check_gzip(
    root: &Path,
    paths: &[Vec<u8>],
    threads: usize,
    stop: &Stop,
    progress: &CheckProgress,
) -> io::Result<Checked> {
    let drive = if threads == 0 { storage(root) } else { None };
    let threads = drive.map_or(threads, |storage| storage.read_threads(cores()));
    let root = platform::open_child(rustix::fs::CWD, root.as_os_str().as_bytes(), true)?;
    check_gzip_below(&root, paths.iter().map(|path| Ok(path.clone())), threads, stop, progress)
}

/// Like [`check_gzip`], below an open directory, for files whose paths are read one after another. Fails with the first error of `paths`.
pub fn check_gzip_below(
    root: impl AsFd + Sync,
    paths: impl Iterator<Item = io::Result<Vec<u8>>> + Send,
    threads: usize,
    stop: &Stop,
    progress: &CheckProgress,
) -> io::Result<Checked> {
    let most = paths.size_hint().1.unwrap_or(usize::MAX);
    let threads = if threads == 0 { cores() } else { threads }.clamp(1, most.max(1));
    let (looked, paths, bytes) = (AtomicU64::new(0), Mutex::new(paths.enumerate()), &progress.bytes);
    let bytes_before = bytes.load(Ordering::Relaxed);
    let next = || paths.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let (mut damaged, mut buffer) = (Vec::new(), vec![0; BUFFER]);
        while !stop.is_stopped() {
            let Some((n, path)) = next() else { break };
            let path = path?;
            let checked = open_file(&root, &path)
                .map_err(|e| Damage::Unreadable(e.to_string()))
                .and_then(|file| check(file, &mut buffer, bytes, stop));
            if stop.is_stopped() && checked != Ok(true) {
                // The result for this file is unknown.
                return Ok((damaged, false));
            }
            looked.fetch_add(1, Ordering::Relaxed);
            if let Err(damage) = checked {
                damaged.push((n, path, damage));
            }
            progress.files.fetch_add(1, Ordering::Relaxed);
        }
        Ok((damaged, true))
    };
    let work = &work;
    let ended: Vec<io::Result<_>> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = others.into_iter().map(|other| match other.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        [own].into_iter().chain(others).collect()
    });
    let (mut damaged, mut whole) = (Vec::new(), true);
    for ended in ended {
        let (more, finished) = ended?;
        damaged.extend(more);
        whole &= finished;
    }
    damaged.sort_unstable();
    Ok(Checked {
        files: looked.into_inner(),
        bytes: bytes.load(Ordering::Relaxed) - bytes_before,
        damaged: damaged.into_iter().map(|(_, path, damage)| (path, damage)).collect(),
        whole: whole && next().is_none(),
    })
}

fn cores() -> usize {
    thread::available_parallelism().map_or(2, |cores| cores.get())
}

fn open_file(root: impl AsFd, path: &[u8]) -> io::Result<File> {
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
        for (begin, name) in [
            (&b"\x28\xb5\x2f\xfd"[..], "zstd"),
            (b"\x1f\x9d", "compress (.Z)"),
            (b"BZh9", "bzip2"),
            (b"\xfd7zXZ\0", "xz"),
            (b"PK\x03\x04", "zip"),
            (b"PK\x05\x06", "zip"),
            (b"7z\xbc\xaf\x27\x1c", "7z"),
            (b"LZIP\x01", "lzip"),
            (b"\x5d\0\0\x80", "lzma"),
            (b"\x89LZO\0", "lzop"),
            (b"Rar!\x1a\x07", "rar"),
            (b"\x04\x22\x4d\x18", "lz4"),
        ] {
            let told = of(&[begin, b" rest"].concat()).unwrap_err().to_string();
            assert_eq!(told, format!("not gzip but {name}"));
        }
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

    #[test]
    fn a_list_that_cannot_be_read_to_its_end_has_no_result() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.gz"), ENTRY).unwrap();
        let root = File::open(dir.path()).unwrap();
        let check = |names: Vec<io::Result<Vec<u8>>>| {
            check_gzip_below(&root, names.into_iter(), 2, &Stop::default(), &CheckProgress::default())
        };
        let name = || Ok(b"a.gz".to_vec());
        let checked = check(vec![name(), name()]).unwrap();
        assert_eq!((checked.files, checked.whole, checked.damaged.len()), (2, true, 0));
        assert!(check(vec![name(), Err(io::ErrorKind::InvalidData.into()), name()]).is_err());
        let stopped = Stop::default();
        stopped.stop();
        let checked =
            check_gzip_below(&root, [name()].into_iter(), 1, &stopped, &CheckProgress::default()).unwrap();
        assert_eq!((checked.files, checked.whole), (0, false));
    }

    #[test]
    fn a_gzip_file_has_a_name_before_the_dot() {
        for (path, is) in
            [("a.gz", true), ("d/a.GZ", true), ("d/.gz", false), ("d.gz/a", false), ("agz", false)]
        {
            assert_eq!(is_gzip_name(path.as_bytes()), is, "{path}");
        }
    }
}
