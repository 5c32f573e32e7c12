//! Entries that no rule may change.

use super::path::OURS;

/// Directories of version control systems. Everything in them is protected.
const VERSION_CONTROL: [&[u8]; 8] = [b".git", b".hg", b".svn", b".bzr", b".jj", b".pijul", b"_darcs", b"CVS"];

/// Names that mark a directory as a project. Neither the directory nor its direct contents are changed.
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

/// Whether this is the name of a directory of a version control system.
pub fn is_version_control(name: &[u8]) -> bool {
    VERSION_CONTROL.contains(&name)
}

/// Whether a path is or lies in a directory of a version control system or of ours, at any depth.
pub fn in_version_control(path: &[u8]) -> bool {
    path.split(|b| *b == b'/').any(|part| is_version_control(part) || part == OURS)
}
