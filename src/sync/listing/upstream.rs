//! The names of a job's source at its last complete run, for the rules of `clean`.

use super::brought::add_brought;
use super::folding::key;
use super::names::{MOST, hash, kept};
use crate::clean::SourceNames;
use crate::sync::job_state;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The stored names of the job, 8 bytes each; `None` if there are none. For a destination that folds names, names are compared as the
/// destination compares them.
pub(crate) fn source_names(state_dir: &Path, job: &str, dest: &Path) -> Option<SourceNames> {
    let mut reader = kept(state_dir, job)?;
    let at = fs::metadata(dest).ok().map(|meta| (meta.dev(), meta.ino()));
    let folds = at.is_some_and(|at| job_state::folds(state_dir, job, at));
    let hash = if folds { folded } else { hash };
    let mut hashes = Vec::with_capacity(usize::try_from(reader.left().min(MOST)).ok()?);
    while let Some((_, name)) = reader.next().ok()? {
        hashes.push(hash(name));
    }
    // After its last run for the whole source, the job may have brought more for a list of entries.
    add_brought(state_dir, job, dest, hash, &mut hashes);
    Some(SourceNames::new(hashes, hash))
}

fn folded(name: &[u8]) -> u64 {
    hash(&key(name))
}
