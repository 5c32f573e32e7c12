//! What no rule may touch.

use super::path::OURS;

/// Directories of version control systems: everything in them is protected.
const VERSION_CONTROL: [&[u8]; 8] = [b".git", b".hg", b".svn", b".bzr", b".jj", b".pijul", b"_darcs", b"CVS"];

/// A directory with one of these is somebody's project: neither it nor what lies directly in it is touched.
pub const MANIFESTS: [&str; 12] = [
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "setup.py",
    "go.mod",
    "CMakeLists.txt",
    "Makefile",
    "pom.xml",
    "build.gradle",
    "Gemfile",
    "composer.json",
    "Snakefile",
];

/// Whether a directory of this name belongs to a version control system.
pub fn is_version_control(name: &[u8]) -> bool {
    VERSION_CONTROL.contains(&name)
}

/// Whether a path lies in, or is, such a directory, or one of ours at any depth.
pub fn in_version_control(path: &[u8]) -> bool {
    path.split(|b| *b == b'/').any(|part| is_version_control(part) || part == OURS)
}
