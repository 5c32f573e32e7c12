//! Stores the names of a source after a first transfer into an empty destination. No listing is needed, since everything there came from
//! the source.

use super::names::{NameKind, NameWriter, forget};
use crate::rsync::output::Count;
use crate::scan::inventory::Kind;
use crate::scan::{self, Options};
use std::io;
use std::path::Path;

/// Stores the names if their number equals rsync's count at the source. Otherwise none are stored, and the next listing names everything.
pub(in crate::sync) fn keep_first_names(
    dest: &Path,
    count: Count,
    state_dir: &Path,
    job: &str,
) -> io::Result<()> {
    let scan = scan::scan(dest, &Options::default(), None).map_err(|error| error.source)?;
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
