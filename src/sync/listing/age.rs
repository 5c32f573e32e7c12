//! Whether the source is older than the mirror. A lagging fallback, or an upstream restored from a backup, would replace new files by old
//! ones.

use super::{Changed, ChangedKind};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How many names are stored for messages.
const TOLD: usize = 3;

/// Files of the mirror that are newer than those of the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sync) struct OlderFiles {
    /// Their number.
    pub(in crate::sync) files: u64,
    /// The first few names.
    pub(in crate::sync) names: Vec<Vec<u8>>,
}

impl OlderFiles {
    /// Checks an entry that differs. It counts if the mirror has a file of another size that is newer by more than `window` seconds. Equal
    /// sizes prove nothing: a file may have been copied here without its time.
    pub(super) fn look(&mut self, dest: &Path, changed: &Changed, window: i64) {
        if changed.kind != ChangedKind::File || !changed.resized || changed.created {
            return;
        }
        let Some(theirs) = changed.mtime else { return };
        let Ok(ours) = std::fs::symlink_metadata(dest.join(OsStr::from_bytes(&changed.name))) else { return };
        if ours.is_file() && ours.size() != changed.size && ours.mtime().saturating_sub(theirs) > window {
            self.files += 1;
            if self.names.len() < TOLD {
                self.names.push(changed.name.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn another_size_and_an_older_time_make_a_file_older() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("f"), "12345").unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 999_999_999);
        for name in ["f", "d"] {
            std::fs::File::open(dir.path().join(name)).unwrap().set_modified(time).unwrap();
        }
        let changed = |name: &[u8], size, mtime| Changed {
            name: name.into(),
            kind: ChangedKind::File,
            created: false,
            contents: true,
            resized: true,
            size,
            mtime: Some(mtime),
        };
        let older = |changed: Changed, window| {
            let mut older = OlderFiles::default();
            older.look(dir.path(), &changed, window);
            older.files == 1
        };
        assert!(older(changed(b"f", 4, 999_999_999), 0));
        assert!(!older(changed(b"f", 4, 1_000_000_000), 0), "the same second");
        assert!(!older(changed(b"f", 4, 999_999_999), 1), "within the modify window");
        assert!(older(changed(b"f", 4, 999_999_998), 1));
        assert!(!older(changed(b"f", 5, 1), 0), "the same size");
        assert!(!older(changed(b"gone", 4, 1), 0));
        assert!(!older(changed(b"d", 4, 1), 0));
        assert!(!older(Changed { mtime: None, ..changed(b"f", 4, 1) }, 0));
        assert!(!older(Changed { resized: false, ..changed(b"f", 4, 1) }, 0));
    }
}
