//! What a configuration must know about the machine, handed in.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Facts about the machine. `crate::machine` gathers them.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// What `~` means; `None` if nobody knows.
    pub home: Option<PathBuf>,
    /// Home directories of people, `home` aside.
    pub homes: Vec<PathBuf>,
    /// The working directory; `None` if it is gone.
    pub cwd: Option<PathBuf>,
    /// Every mount point, pseudo file systems included.
    pub mounts: Vec<PathBuf>,
    /// The value of a variable of the environment.
    pub variable: fn(&str) -> Option<OsString>,
    /// Resolves the symbolic links of a path, of which only the beginning may exist.
    pub resolve: fn(&Path) -> PathBuf,
}

impl Default for Surroundings {
    /// Nothing is known, and nothing is a symbolic link.
    fn default() -> Self {
        Surroundings {
            home: None,
            homes: Vec::new(),
            cwd: None,
            mounts: Vec::new(),
            variable: |_| None,
            resolve: |path| path.to_path_buf(),
        }
    }
}
