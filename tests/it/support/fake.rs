//! The scripted rsync; see `tests/fakes/rsync.rs` for its language.

use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A script and a directory for `PATH` in which `rsync` is the fake.
pub(crate) struct Fake {
    dir: TempDir,
}

impl Fake {
    /// A fake that plays this script.
    pub(crate) fn new(script: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("fake-").tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_fake-rsync"), dir.path().join("bin/rsync")).unwrap();
        fs::write(dir.path().join("script"), script).unwrap();
        Fake { dir }
    }

    /// For the front of `PATH`.
    pub(crate) fn bin(&self) -> PathBuf {
        self.dir.path().join("bin")
    }

    /// For the environment.
    pub(crate) fn var(&self) -> (&'static str, String) {
        ("FAKE_RSYNC_SCRIPT", self.script().display().to_string())
    }

    /// The script; its path marks the fake's grandchildren.
    pub(crate) fn script(&self) -> PathBuf {
        self.dir.path().join("script")
    }

    /// A path for `touch` and `wait-file` to meet at.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The arguments of every invocation so far, without the program.
    pub(crate) fn calls(&self) -> Vec<Vec<String>> {
        let calls: &Path = &self.dir.path().join("script.calls");
        let text = fs::read_to_string(calls).unwrap_or_default();
        text.lines().map(|line| shell_words::split(line).unwrap()).collect()
    }
}
