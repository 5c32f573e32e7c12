//! The names of quarantines, and what lies in them.

use crate::model::system_names;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The directory of the quarantines of all runs.
pub(super) const PLACE: &[u8] = system_names::QUARANTINE.as_bytes();
/// The only directory in which names are escaped.
pub(super) const ESCAPED: &[u8] = b"escaped";
/// Prefix of the directories of entries that an undo has put aside.
pub(super) const ASIDE: &[u8] = b"newer-";
/// The directory of removed entries.
pub(super) const TREE: &[u8] = b"tree";
/// The directory of directories that were moved as one. Each has its whole path as its name; the names in it are not escaped.
pub(super) const WHOLE: &[u8] = b"whole";
/// The directory of those that are being deleted: they were compared, and are not restored.
pub(super) const DELETING: &[u8] = b"deleting";
/// `info.json`, escaped like all names.
pub(super) const INFO: &str = "info%2Ejson";
/// The temporary name of the description until it is complete.
pub(super) const INFO_PART: &str = "info%2Epart";
/// The name in earlier versions.
pub(super) const INFO_BEFORE: &str = "info.json";
/// Prefix of the name of a run that is being purged. Such a run cannot be undone.
pub(super) const GOING: &str = "purging-";

/// Whether this is the name of a description of a quarantine.
pub fn is_info(name: &[u8]) -> bool {
    [INFO, INFO_PART, INFO_BEFORE].iter().any(|info| info.as_bytes() == name)
}

/// `.pdb-sync/quarantine/RUN`.
pub(super) fn place(run: &str) -> Vec<u8> {
    [PLACE, b"/", run.as_bytes()].concat()
}

/// The absolute path, for messages and for rsync's `--backup-dir`.
pub fn place_in(root: &Path, run: &str) -> PathBuf {
    root.join(OsStr::from_bytes(&place(run)))
}
