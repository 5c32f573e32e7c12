//! Whether the directory at a destination's path is the one that earlier runs of the job filled. A disk may not be mounted, or the
//! directory may have been replaced.

use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::UNIX_EPOCH;

/// What distinguishes a directory from others, also after a reboot. Device numbers are not used, since they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DirId {
    ino: u64,
    /// Birth time in nanoseconds since 1970; `None` if the file system does not report it.
    #[serde(default)]
    born: Option<u64>,
}

/// Whether two identities are of the same directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Same {
    Yes,
    No,
    /// Inconclusive. Some file systems invent inode numbers or birth times at each mount, the root of every ext4 has the same inode, and
    /// birth times are accurate to some milliseconds only.
    Unsure,
}

impl DirId {
    pub(super) fn of(dir: &Metadata) -> Self {
        let born = dir.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        DirId { ino: dir.ino(), born: born.and_then(|time| u64::try_from(time.as_nanos()).ok()) }
    }

    pub(super) fn is(self, other: DirId) -> Same {
        match (self.ino == other.ino, self.born.zip(other.born)) {
            (true, Some((a, b))) if a == b => Same::Yes,
            (true, None) => Same::Yes,
            (false, Some((a, b))) if a != b => Same::No,
            (true, Some(_)) | (false, _) => Same::Unsure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_inode_and_another_birth_are_another_directory() {
        let id = |ino, born| DirId { ino, born };
        for (a, b, same) in [
            (id(2, Some(7)), id(2, Some(7)), Same::Yes),
            (id(2, Some(7)), id(3, Some(7)), Same::Unsure),
            (id(2, None), id(2, Some(7)), Same::Yes),
            (id(2, Some(7)), id(2, Some(8)), Same::Unsure),
            (id(2, None), id(3, None), Same::Unsure),
            (id(2, Some(7)), id(3, Some(8)), Same::No),
        ] {
            assert_eq!((a.is(b), b.is(a)), (same, same), "{a:?} {b:?}");
        }
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let of = |dir: &tempfile::TempDir| DirId::of(&dir.path().metadata().unwrap());
        assert_eq!(of(&one).is(of(&one)), Same::Yes);
        assert_ne!(of(&one).is(of(&other)), Same::Yes);
        let text = serde_json::to_string(&of(&one)).unwrap();
        assert_eq!(serde_json::from_str::<DirId>(&text).unwrap(), of(&one));
    }
}
