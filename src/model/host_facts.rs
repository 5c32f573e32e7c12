//! Facts about the machine that the configuration needs. The caller passes them in.

use crate::model::sanitize;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Reads a file with a secret. Arguments: its path and its purpose.
pub type ReadSecret = fn(&Path, Secret) -> Result<String, Unusable>;

/// Reads a list of entry IDs, of at most [`crate::model::entry_ids::LARGEST_LIST`] bytes.
pub type ReadIdList = fn(&Path) -> Result<Vec<u8>, String>;

/// The purpose of a file with a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// A password file for rsync, which has its own rules. The first non-empty line is the password.
    Password,
    /// An address for notifications: the whole contents, without surrounding white space.
    Address,
}

/// Why a file with a secret or the location of a destination cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// A lower-case fragment that names the path. Never contains the contents of the file.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Facts about the machine. `crate::platform` collects them.
#[derive(Debug, Clone)]
pub struct HostFacts {
    /// The directory that `~` stands for; `None` if unknown.
    pub home: Option<PathBuf>,
    /// Home directories of users, except `home`.
    pub homes: Vec<PathBuf>,
    /// The working directory; `None` if it no longer exists.
    pub cwd: Option<PathBuf>,
    /// All mount points, including pseudo file systems.
    pub mounts: Vec<PathBuf>,
    /// Returns the value of an environment variable.
    pub variable: fn(&str) -> Option<OsString>,
    /// Resolves the symbolic links in a path. The last components of the path need not exist.
    pub resolve: fn(&Path) -> PathBuf,
    /// Whether the path is a directory.
    pub is_dir: fn(&Path) -> bool,
    /// What prevents every user from creating a directory at a path; `None` if nothing does, or the directory exists.
    pub obstacle: fn(&Path) -> Option<Unusable>,
    /// Whether the first directory is the second one or contains it, even under other names (bind mounts). Both paths are resolved.
    pub holds: fn(&Path, &Path) -> bool,
    /// The state directory, where file names contain job names; `None` if unknown.
    pub state: Option<PathBuf>,
    /// Whether a directory treats names that differ only in case as equal, as far as can be determined without a change.
    pub folds: fn(&Path) -> bool,
    /// Reads a file with a secret.
    pub secret: ReadSecret,
    /// Reads a file with entry IDs.
    pub id_list: ReadIdList,
    /// Why rsync could not use a file that an option names; `None` if it can.
    pub unusable: fn(&Path, NamedFor) -> Option<String>,
}

/// How rsync uses a file that an option names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedFor {
    /// rsync reads it; it must exist.
    Reading,
    /// rsync writes it, and creates it if it is missing.
    Writing,
}

impl Default for HostFacts {
    /// Facts of an unknown machine without symbolic links.
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
            id_list: |_| Err("it cannot be read".into()),
            unusable: |_, _| None,
        }
    }
}
