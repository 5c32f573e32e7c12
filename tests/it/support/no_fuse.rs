//! Where there is no `/dev/fuse`: the tests that need such a file system are skipped.

use super::skipped;
use std::path::Path;

/// Never mounted.
pub(crate) enum Fuse {}

impl Fuse {
    /// Says that the test is skipped.
    pub(crate) fn mounted(_options: &str) -> Option<Self> {
        skipped("FUSE file systems are mounted on Linux only");
        None
    }

    /// Of none.
    pub(crate) fn path(&self) -> &Path {
        match *self {}
    }
}
