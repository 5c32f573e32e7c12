//! `STATE/costs.totals.json`: sums over the lines that were removed from `costs.jsonl`, so that counters never fall.

use super::Error;
use super::cost_lines::{older, parsed, path};
use crate::history::stats::CommandTotal;
use crate::platform;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The version of the format. A file of a later version is read but not written.
const VERSION: u64 = 1;
/// Maximum number of attempts of a reader. It starts again when lines were moved meanwhile.
const TRIES: usize = 10;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Totals {
    v: u64,
    /// Hash of the file whose lines were added last. The file exists until another one replaces it, and must not be counted twice.
    last: Option<String>,
    commands: BTreeMap<String, CommandTotal>,
}

fn file(state_dir: &Path) -> PathBuf {
    state_dir.join("costs.totals.json")
}

/// Loads the sums. A file that cannot be parsed counts as empty.
fn load(state_dir: &Path) -> io::Result<Totals> {
    match platform::read_regular(&file(state_dir), platform::OWN) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Totals::default()),
        Err(error) => Err(error),
    }
}

impl Totals {
    fn add(&mut self, lines: &[u8]) {
        for cost in lines.split(|byte| *byte == b'\n').filter_map(parsed) {
            self.commands.entry(cost.command.clone()).or_default().add(&cost);
        }
    }
}

fn lines(path: &Path) -> io::Result<Vec<u8>> {
    match platform::read_regular(path, platform::OWN) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    }
}

fn hash(lines: &[u8]) -> String {
    blake3::hash(lines).to_hex().to_string()
}

/// Adds the lines of the older file, which is about to be replaced. The caller holds the lock.
pub(super) fn fold(state_dir: &Path) -> io::Result<()> {
    let (mut totals, lines) = (load(state_dir)?, lines(&older(state_dir))?);
    let hash = hash(&lines);
    if totals.v > VERSION || lines.is_empty() || totals.last.as_ref() == Some(&hash) {
        return Ok(());
    }
    totals.add(&lines);
    (totals.v, totals.last) = (VERSION, Some(hash));
    let mut new = tempfile::NamedTempFile::new_in(state_dir)?;
    new.write_all(&serde_json::to_vec(&totals)?)?;
    new.as_file().sync_all()?;
    new.persist(file(state_dir))?;
    Ok(())
}

/// Inode and modification time of the files that are replaced as a whole. They show whether lines were moved.
fn marks(state_dir: &Path) -> [Option<(u64, i64)>; 3] {
    let mark = |path: PathBuf, time: bool| {
        let meta = fs::metadata(path).ok()?;
        let nanos = meta.mtime().wrapping_mul(1_000_000_000).wrapping_add(meta.mtime_nsec());
        Some((meta.ino(), if time { nanos } else { 0 }))
    };
    [mark(file(state_dir), true), mark(older(state_dir), true), mark(path(state_dir), false)]
}

/// Returns the sums over everything ever recorded, by command.
pub(crate) fn cost_totals(state_dir: &Path) -> Result<BTreeMap<String, CommandTotal>, Error> {
    let cannot =
        |source| Error::Io { tried: "cannot read the costs of commands in", path: path(state_dir), source };
    let mut found = BTreeMap::new();
    for _ in 0..TRIES {
        let before = marks(state_dir);
        let mut totals = load(state_dir).map_err(cannot)?;
        let old = lines(&older(state_dir)).map_err(cannot)?;
        if totals.last != Some(hash(&old)) {
            totals.add(&old);
        }
        totals.add(&lines(&path(state_dir)).map_err(cannot)?);
        found = totals.commands;
        if marks(state_dir) == before {
            break;
        }
    }
    Ok(found)
}
