//! The names that a source holds, as the last complete run of a job saw them: `STATE/listings/JOB.names`. `clean` asks for them, too.
//!
//! Names come in rsync's order, directory by directory, so each is written as the number of bytes that it shares with the one before
//! and the rest: about 8 bytes a name in a PDB tree. The file ends with its counts and a BLAKE3 hash. One that is cut short,
//! damaged or of another version counts as none.

use super::{Listing, keep_first_names};
use crate::platform;
use crate::rsync::output::Count;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

const MAGIC: &[u8; 16] = b"pdb-sync names1\n";
/// Three counts and a hash.
const TAIL: u64 = 3 * 8 + 32;
/// Longest name that is read back.
const LONGEST: usize = 64 * 1024;
/// A source of more names is not kept.
pub(super) const MOST: u64 = 50_000_000;

/// What kind of entry a name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sync) enum NameKind {
    File,
    Dir,
    /// Links, devices and the like.
    Other,
}

/// How many names there are of each kind.
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

    /// Whether they are as many as rsync counted. It counts the root, which has no name, and what it skips, such as links without `-l`.
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

/// Where the names of a job are kept.
pub(super) fn names_path(state_dir: &Path, job: &str) -> PathBuf {
    state_dir.join("listings").join(format!("{job}.names"))
}

/// Writes names to a temporary file, which becomes the kept one by [`NameWriter::keep`].
#[derive(Debug)]
pub(super) struct NameWriter {
    out: BufWriter<NamedTempFile>,
    hash: blake3::Hasher,
    last: Vec<u8>,
    counts: NameCounts,
    /// Whether the file lies where it can be kept.
    keepable: bool,
}

impl NameWriter {
    /// Beside the kept names of the job if possible, else in the directory for temporary files.
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

    /// All names have been added.
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

/// A finished list of names that is not kept yet.
#[derive(Debug)]
pub(in crate::sync) struct Names {
    file: NamedTempFile,
    pub(super) counts: NameCounts,
    keepable: bool,
}

impl Names {
    /// Reads the names from the first to the last.
    pub(super) fn read(&self) -> io::Result<NameReader> {
        let mut file = self.file.reopen()?;
        file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
        Ok(NameReader { input: BufReader::new(file), left: self.counts.total(), last: Vec::new() })
    }

    /// Replaces what was kept before. Too many names, or names that could not be written into the state directory, are not kept.
    pub(super) fn keep(self, state_dir: &Path, job: &str) -> io::Result<()> {
        if !self.keepable || self.counts.total() > MOST {
            forget(state_dir, job);
            return Ok(());
        }
        // After a power cut the hash tells whether it is whole.
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
    /// How many names are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The next name; `None` after the last.
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

/// The names kept of a job, if there are any and they are sound.
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

/// Whether the next listing has to name everything, since no names are kept.
pub(in crate::sync) fn needs_names(state_dir: &Path, job: &str) -> bool {
    kept_counts(state_dir, job).is_none()
}

/// How many names are kept of a job; the names themselves are not read.
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

/// What is kept of a job is not known to be complete any more.
pub(super) fn forget(state_dir: &Path, job: &str) {
    // One that stays is compared with rsync's figures before it is believed.
    let _ = fs::remove_file(names_path(state_dir, job));
}

/// The names that were kept before a transfer: open to be read, and not kept any more.
#[derive(Debug, Default)]
pub(in crate::sync) struct NamesBefore(Option<NameReader>);

impl NamesBefore {
    /// Takes what is kept of the job.
    pub(in crate::sync) fn take(state_dir: &Path, job: &str) -> Self {
        let names = kept(state_dir, job);
        forget(state_dir, job);
        NamesBefore(names)
    }
}

impl Listing {
    /// Keeps the names of the source, after a run that was complete: those of the listing, or else those of `before` with what it lists as
    /// different. They have to be as many as rsync counted; otherwise none are kept.
    pub(in crate::sync) fn keep_names(
        &mut self,
        before: NamesBefore,
        dest: &Path,
        state_dir: &Path,
        job: &str,
    ) -> io::Result<()> {
        let Some(count) = self.stats.files else { return Ok(()) };
        let moved = !self.gone.is_empty() || self.created.files + self.created.dirs > 0;
        let names = match self.names.take() {
            Some(names) => names,
            None if !moved => {
                // Somebody else may have brought what has come and gone at the source since they were kept.
                if !kept_counts(state_dir, job).is_some_and(|counts| counts.are(count)) {
                    keep_first_names(dest, count, state_dir, job)?;
                }
                return Ok(());
            }
            None => {
                let Some(before) = before.0.or_else(|| kept(state_dir, job)) else { return Ok(()) };
                let mut dropped = HashSet::new();
                for entry in self.gone.entries()? {
                    dropped.insert(hash(&entry?.name));
                }
                let mut writer = NameWriter::create(state_dir, job)?;
                let mut added = Vec::new();
                for changed in self.changed.iter()? {
                    let changed = changed?;
                    if changed.created {
                        dropped.insert(hash(&changed.name));
                        added.push((changed.kind, changed.name));
                    }
                }
                apply(before, &mut writer, &dropped, added.iter().map(|(kind, name)| (*kind, &name[..])))?;
                writer.finish()?
            }
        };
        if names.counts.are(count) {
            return names.keep(state_dir, job);
        }
        forget(state_dir, job);
        Ok(())
    }
}

/// The kept names without those of `dropped`, and with those of `added`.
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

/// 64 bits of a name, for sets of many.
pub(super) fn hash(name: &[u8]) -> u64 {
    let hash = blake3::hash(name);
    u64::from_le_bytes(std::array::from_fn(|at| hash.as_bytes()[at]))
}

fn unfinished(job: &str) -> String {
    format!("{job}.names-")
}

/// Removes what a killed run of the job left; the destination's lock keeps others away.
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
