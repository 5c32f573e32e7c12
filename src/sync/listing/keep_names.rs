//! Stores the names of a source after a complete run.

use super::Listing;
use super::names::{NameKind, NameWriter, NamesBefore, apply, forget, hash, kept, kept_counts};
use crate::rsync::output::Count;
use crate::scan::inventory::Kind;
use crate::scan::{self, Options};
use std::collections::HashSet;
use std::io;
use std::path::Path;

/// Maximum number of deletions that are applied to the stored names, since their hashes are in memory.
const MOST_DROPPED: u64 = 1_000_000;

impl Listing {
    /// Stores the names of the source after a complete run: those of the listing, or else those of `before` with the listed differences
    /// applied. They are stored only if their number equals rsync's count.
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
                // Another run may have transferred other changes of the source since the names were stored.
                if !kept_counts(state_dir, job).is_some_and(|counts| counts.are(count)) {
                    keep_first_names(dest, count, state_dir, job)?;
                }
                return Ok(());
            }
            None if self.gone.tally.files + self.gone.tally.dirs > MOST_DROPPED => {
                // The next run lists all names.
                forget(state_dir, job);
                return Ok(());
            }
            None => {
                let Some(before) = before.0.or_else(|| kept(state_dir, job)) else { return Ok(()) };
                let mut dropped = HashSet::new();
                for entry in self.gone.names()? {
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

/// Fewer entries than this are read by one thread: to look at the drive and to start more takes longer.
const FEW: u64 = 5_000;

/// Stores the names after a first transfer into an empty destination. No listing is needed, since everything there came from the source.
/// They are stored if their number equals rsync's count at the source; otherwise none are, and the next listing names everything.
pub(in crate::sync) fn keep_first_names(
    dest: &Path,
    count: Count,
    state_dir: &Path,
    job: &str,
) -> io::Result<()> {
    let options = Options { threads: usize::from(count.total < FEW), ..Options::default() };
    let scan = scan::scan(dest, &options, None).map_err(|error| error.source)?;
    let mut writer = NameWriter::create(state_dir, job)?;
    for dir in scan.inventory.dirs() {
        let path = dir.path();
        if !path.is_empty() {
            writer.push(NameKind::Dir, &path)?;
        }
        for entry in dir.entries() {
            let kind = if entry.stat.kind == Kind::File { NameKind::File } else { NameKind::Other };
            writer.push(kind, &dir.path_of(entry.name))?;
        }
    }
    let names = writer.finish()?;
    if scan.inventory.is_complete() && names.counts.are(count) {
        return names.keep(state_dir, job);
    }
    forget(state_dir, job);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::listing::needs_names;

    #[test]
    fn names_are_kept_if_they_are_as_many_as_were_counted() {
        let (state, dest) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(dest.path().join("d")).unwrap();
        std::fs::write(dest.path().join("d/f"), "").unwrap();
        std::os::unix::fs::symlink("f", dest.path().join("d/l")).unwrap();
        for (regular, kept) in [(2, false), (1, true), (0, false)] {
            let count = Count { regular, dirs: 2, total: regular + 3 };
            keep_first_names(dest.path(), count, state.path(), "j").unwrap();
            assert_eq!(needs_names(state.path(), "j"), !kept, "{regular}");
        }
    }
}
