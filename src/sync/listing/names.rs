//! The names of a source at the last complete run of a job: `STATE/listings/JOB.names`. `clean` also uses them.
//!
//! Names are in rsync's order, directory by directory. Each is written as the number of bytes shared with the name before, and the rest:
//! about 8 bytes a name in a PDB tree. The file ends with its counts and a BLAKE3 hash. A truncated or damaged file, or one of another
//! version, counts as missing.

use crate::platform;
use crate::rsync::output::Count;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

const MAGIC: &[u8; 16] = b"pdb-sync names1\n";
/// Length of three counts and a hash, in bytes.
const TAIL: u64 = 3 * 8 + 32;
/// Maximum length of a name that is read back, in bytes.
const LONGEST: usize = 64 * 1024;
/// If a source has more names, they are not stored.
pub(super) const MOST: u64 = 50_000_000;

/// The kind of the entry of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sync) enum NameKind {
    File,
    Dir,
    /// Links, devices and other entries.
    Other,
}

/// The number of names of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::sync) struct NameCounts {
    pub(super) files: u64,
    pub(super) dirs: u64,
    pub(super) others: u64,
}

impl NameCounts {
    fn add(&mut self, kind: NameKind) {
        *match kind {
            NameKind::File => &mut self.files,
            NameKind::Dir => &mut self.dirs,
            NameKind::Other => &mut self.others,
        } += 1;
    }

    /// Whether the counts match those of rsync. rsync also counts the root, which has no name, and entries that it skips, such as links
    /// without `-l`.
    pub(super) fn are(self, count: Count) -> bool {
        let others = count.files().saturating_sub(count.regular);
        self.files == count.regular
            && (self.dirs == count.dirs || self.dirs + 1 == count.dirs)
            && (self.others == others || self.others == 0)
    }

    pub(in crate::sync) fn total(self) -> u64 {
        self.files + self.dirs + self.others
    }
}

/// Path of the stored names of a job.
pub(super) fn names_path(state_dir: &Path, job: &str) -> PathBuf {
    state_dir.join("listings").join(format!("{job}.names"))
}

/// Writes names to a temporary file. [`NameWriter::keep`] makes it the stored one.
#[derive(Debug)]
pub(super) struct NameWriter {
    out: BufWriter<NamedTempFile>,
    hash: blake3::Hasher,
    last: Vec<u8>,
    counts: NameCounts,
    /// Whether the file is where it can be stored by a rename.
    keepable: bool,
}

impl NameWriter {
    /// Creates the file beside the stored names of the job if possible, else in the directory for temporary files.
    pub(super) fn create(state_dir: &Path, job: &str) -> io::Result<Self> {
        let path = names_path(state_dir, job);
        let beside = path.parent().ok_or(io::ErrorKind::NotFound).map_err(io::Error::from).and_then(|dir| {
            fs::create_dir_all(dir)?;
            forget_unfinished(dir, job);
            tempfile::Builder::new().prefix(&unfinished(job)).tempfile_in(dir)
        });
        let keepable = beside.is_ok();
        let file = beside.or_else(|_| NamedTempFile::new())?;
        let mut writer = NameWriter {
            out: BufWriter::new(file),
            hash: blake3::Hasher::new(),
            last: Vec::new(),
            counts: NameCounts::default(),
            keepable,
        };
        writer.write(MAGIC)?;
        Ok(writer)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes)
    }

    /// Adds a name, relative to the root of the mirror.
    pub(super) fn push(&mut self, kind: NameKind, name: &[u8]) -> io::Result<()> {
        let shared = self.last.iter().zip(name).take(255).take_while(|(a, b)| a == b).count();
        let rest = &name[shared..];
        let length = u16::try_from(rest.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let [low, high] = length.to_le_bytes();
        self.write(&[kind as u8, shared as u8, low, high])?;
        self.write(rest)?;
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
        self.counts.add(kind);
        Ok(())
    }

    /// Ends the list.
    pub(super) fn finish(mut self) -> io::Result<Names> {
        for count in [self.counts.files, self.counts.dirs, self.counts.others] {
            self.write(&count.to_le_bytes())?;
        }
        let hash = *self.hash.finalize().as_bytes();
        self.out.write_all(&hash)?;
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Names { file, counts: self.counts, keepable: self.keepable })
    }
}

/// A finished list of names that is not stored yet.
#[derive(Debug)]
pub(in crate::sync) struct Names {
    file: NamedTempFile,
    pub(super) counts: NameCounts,
    /// Whether [`Names::keep`] can store it.
    pub(super) keepable: bool,
}

impl Names {
    /// Reads the names from the first to the last.
    pub(super) fn read(&self) -> io::Result<NameReader> {
        let mut file = self.file.reopen()?;
        file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
        Ok(NameReader { input: BufReader::new(file), left: self.counts.total(), last: Vec::new() })
    }

    /// Replaces the stored names. A list that is too long, or that is not in the state directory, is not stored.
    pub(super) fn keep(self, state_dir: &Path, job: &str) -> io::Result<()> {
        if !self.keepable || self.counts.total() > MOST {
            forget(state_dir, job);
            return Ok(());
        }
        // No fsync is needed: after a power failure the hash shows whether the file is complete.
        self.file.persist(names_path(state_dir, job)).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Reads names one after another.
#[derive(Debug)]
pub(in crate::sync) struct NameReader {
    input: BufReader<File>,
    left: u64,
    last: Vec<u8>,
}

impl NameReader {
    /// Number of names left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Reads the next name; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<(NameKind, &[u8])>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut head = [0; 4];
        self.input.read_exact(&mut head)?;
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "the list of names is damaged");
        let kind = match head[0] {
            0 => NameKind::File,
            1 => NameKind::Dir,
            2 => NameKind::Other,
            _ => return Err(bad()),
        };
        let (shared, rest) = (usize::from(head[1]), usize::from(u16::from_le_bytes([head[2], head[3]])));
        if shared > self.last.len() || shared + rest > LONGEST {
            return Err(bad());
        }
        self.last.resize(shared + rest, 0);
        self.input.read_exact(&mut self.last[shared..])?;
        Ok(Some((kind, &self.last)))
    }
}

/// Opens the stored names of a job; `None` if there are none or the file is damaged.
pub(super) fn kept(state_dir: &Path, job: &str) -> Option<NameReader> {
    let mut file = platform::open_regular(&names_path(state_dir, job)).ok()?;
    let length = file.metadata().ok()?.len();
    let body = length.checked_sub(TAIL).filter(|body| *body >= MAGIC.len() as u64)?;
    let mut hash = blake3::Hasher::new();
    io::copy(&mut (&file).take(body + 3 * 8), &mut hash).ok()?;
    let mut said = [0; 32];
    file.read_exact(&mut said).ok()?;
    if *hash.finalize().as_bytes() != said {
        return None;
    }
    let counts = counts(&mut file, body)?;
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic).ok()?;
    (magic == *MAGIC).then(|| NameReader {
        input: BufReader::new(file),
        left: counts.total(),
        last: Vec::new(),
    })
}

/// Whether the next listing must name everything because no names are stored.
pub(in crate::sync) fn needs_names(state_dir: &Path, job: &str) -> bool {
    kept_counts(state_dir, job).is_none()
}

/// The number of stored names of a job. The names themselves are not read.
pub(in crate::sync) fn kept_counts(state_dir: &Path, job: &str) -> Option<NameCounts> {
    let mut file = platform::open_regular(&names_path(state_dir, job)).ok()?;
    let body = file.metadata().ok()?.len().checked_sub(TAIL)?;
    counts(&mut file, body)
}

fn counts(file: &mut File, body: u64) -> Option<NameCounts> {
    file.seek(SeekFrom::Start(body)).ok()?;
    let mut numbers = [0; 3 * 8];
    file.read_exact(&mut numbers).ok()?;
    let number = |at: usize| numbers[at..at + 8].try_into().map(u64::from_le_bytes).ok();
    Some(NameCounts { files: number(0)?, dirs: number(8)?, others: number(16)? })
}

/// Removes the stored names, which are no longer known to be complete.
pub(super) fn forget(state_dir: &Path, job: &str) {
    // A file that cannot be removed is compared with rsync's figures before it is used.
    let _ = fs::remove_file(names_path(state_dir, job));
}

/// The names stored before a transfer: open for reading, and no longer stored.
#[derive(Debug, Default)]
pub(in crate::sync) struct NamesBefore(pub(super) Option<NameReader>);

impl NamesBefore {
    /// Takes the stored names of the job.
    pub(in crate::sync) fn take(state_dir: &Path, job: &str) -> Self {
        let names = kept(state_dir, job);
        forget(state_dir, job);
        NamesBefore(names)
    }
}

/// Writes the stored names without those of `dropped` and with those of `added`.
pub(super) fn apply<'a>(
    mut kept: NameReader,
    writer: &mut NameWriter,
    dropped: &HashSet<u64>,
    added: impl Iterator<Item = (NameKind, &'a [u8])>,
) -> io::Result<()> {
    while let Some((kind, name)) = kept.next()? {
        if !dropped.contains(&hash(name)) {
            writer.push(kind, name)?;
        }
    }
    for (kind, name) in added {
        writer.push(kind, name)?;
    }
    Ok(())
}

/// A 64-bit hash of a name, for large sets.
pub(super) fn hash(name: &[u8]) -> u64 {
    let hash = blake3::hash(name);
    u64::from_le_bytes(std::array::from_fn(|at| hash.as_bytes()[at]))
}

fn unfinished(job: &str) -> String {
    format!("{job}.names-")
}

/// Removes temporary files of a killed run of the job. The lock of the destination excludes other runs.
fn forget_unfinished(dir: &Path, job: &str) {
    let start = unfinished(job);
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&start) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
