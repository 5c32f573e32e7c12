//! What a configuration must know about the machine, handed in.

use crate::model::sanitize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Reads a file that holds a secret: its path, and what for.
pub type ReadSecret = fn(&Path, Secret) -> Result<String, Unusable>;

/// What a file that holds a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// rsync reads it, and has rules of its own. The first line that is not empty is the password.
    Password,
    /// An address for notifications. All of it, without white space around it.
    Address,
}

/// Why something of this machine, a file that holds a secret or the place of a destination, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// A lower-case fragment that names its path. Never holds what the file holds.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Facts about the machine. `crate::platform` gathers them.
#[derive(Debug, Clone)]
pub struct HostFacts {
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
    /// Whether a directory is at this path.
    pub is_dir: fn(&Path) -> bool,
    /// What keeps every user from making a directory at a path; `None` if nothing does, or one is there.
    pub obstacle: fn(&Path) -> Option<Unusable>,
    /// Whether the first directory is the second, or holds it, whatever names they have (bind mounts). Both are resolved.
    pub holds: fn(&Path, &Path) -> bool,
    /// Where our own files are, which jobs give their names to; `None` if nobody knows.
    pub state: Option<PathBuf>,
    /// Whether a directory takes names that differ in case alone for one, as far as a look tells.
    pub folds: fn(&Path) -> bool,
    /// Reads a file that holds a secret.
    pub secret: ReadSecret,
    /// Why rsync could not use a file that an option names; `None` if it can.
    pub unusable: fn(&Path, NamedFor) -> Option<String>,
}

/// What an option of rsync names a file for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedFor {
    /// It is read, and has to be there.
    Reading,
    /// It is written, and made if it is missing.
    Writing,
}

impl Default for HostFacts {
    /// Nothing is known, and nothing is a symbolic link.
    fn default() -> Self {
        HostFacts {
            home: None,
            homes: Vec::new(),
            cwd: None,
            mounts: Vec::new(),
            variable: |_| None,
            resolve: |path| path.to_path_buf(),
            is_dir: |_| false,
            obstacle: |_| None,
            holds: |outer, inner| inner.starts_with(outer),
            state: None,
            folds: |_| false,
            secret: |path, _| {
                Err(Unusable { text: format!("{} cannot be read", sanitize::path(&path)), hint: None })
            },
            unusable: |_, _| None,
        }
    }
}
