//! A file system in memory, mounted through `/dev/fuse`, that lacks what the file systems of other machines lack: exFAT, SMB, NFS,
//! macOS. It needs nothing but `/dev/fuse` and root, or `fusermount3` for other users.
//!
//! A child serves it, since a process that waits for its own file system cannot be killed. The child is this test binary
//! (`server.rs`); it ends with the test process, and takes the mount with it.

mod memory;
mod mount;
mod rename;
mod server;
mod wire;

use super::skipped;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// What the file system lacks or does in its own way. Each field is a word of [`Fuse::mounted`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Options {
    /// One entry whatever the case of its name.
    fold_case: bool,
    /// One entry whatever the Unicode normalisation form of its name.
    fold_form: bool,
    /// Modes are ignored, and another owner is refused.
    nochmod: bool,
    /// No symbolic links, hard links or special files.
    nolinks: bool,
    /// Times in steps of two seconds, rounded down.
    gran2: bool,
    /// Names with control characters or any of `:*?"<>|\` are refused.
    chars: bool,
    /// Another inode number whenever somebody asks.
    inodes: bool,
    /// `renameat2` with flags is refused.
    noflags: bool,
    /// Locks on files are refused. Linux never asks a FUSE file system about locks on directories; see
    /// [`super::without_flock`].
    noflock: bool,
    /// A rename to another spelling of the same name succeeds and changes nothing.
    norespell: bool,
    /// Each part of a listing, which has a few names, each rename and each removal takes a moment.
    slow: bool,
}

impl Options {
    /// Panics on an unknown word.
    fn parse(words: &str) -> Self {
        let mut options = Options::default();
        for word in words.split(',').filter(|word| !word.is_empty()) {
            match word {
                "fold" => (options.fold_case, options.fold_form) = (true, true),
                "fold-case" => options.fold_case = true,
                "fold-form" => options.fold_form = true,
                "nochmod" => options.nochmod = true,
                "nolinks" => options.nolinks = true,
                "gran2" => options.gran2 = true,
                "chars" => options.chars = true,
                "inodes" => options.inodes = true,
                "noflags" => options.noflags = true,
                "noflock" => options.noflock = true,
                "norespell" => options.norespell = true,
                "slow" => options.slow = true,
                _ => panic!("unknown option of the file system: {word}"),
            }
        }
        options
    }
}

/// A mounted file system. Unmounted when dropped, also by a panic; what is still open there fails from then on.
pub(crate) struct Fuse {
    // Fields are dropped in this order, after `drop`.
    server: Child,
    dir: TempDir,
}

impl Fuse {
    /// Mounts an empty one. `options` are words with commas between them: `fold` (`fold-case` and `fold-form`), `nochmod`,
    /// `nolinks`, `gran2`, `chars`, `inodes`, `noflags`, `noflock`, `norespell`, `slow`; see [`Options`]. Says that the test is skipped, and
    /// why, where nothing can be mounted.
    pub(crate) fn mounted(options: &str) -> Option<Self> {
        match Self::try_mounted(options, mount::mount) {
            Ok(fuse) => Some(fuse),
            Err(why) => {
                skipped(&format!("no FUSE file system can be mounted: {why}"));
                None
            }
        }
    }

    /// The same by `fusermount3`, as for users who are not root.
    pub(crate) fn mounted_by_helper(options: &str) -> Option<Self> {
        match Self::try_mounted(options, mount::by_helper) {
            Ok(fuse) => Some(fuse),
            Err(why) => {
                skipped(&why);
                None
            }
        }
    }

    fn try_mounted(
        options: &str,
        mount: impl Fn(&Path) -> Result<std::os::fd::OwnedFd, String>,
    ) -> Result<Self, String> {
        Options::parse(options);
        let dir = tempfile::Builder::new().prefix("pdb-sync-fuse-").tempdir().map_err(|e| e.to_string())?;
        let device = mount(dir.path())?;
        let server = Command::new(std::env::current_exe().map_err(|e| e.to_string())?)
            .args(["--exact", server::NAME, "--nocapture", "--test-threads=1"])
            .env(server::MOUNT, dir.path())
            .env(server::OPTIONS, options)
            // What a terminal sends to the tests is not for it: it ends when they do.
            .process_group(0)
            .stdin(Stdio::from(device))
            // It ends when nobody holds the other end any more.
            .stdout(Stdio::piped())
            .spawn();
        match server {
            Ok(server) => Ok(Fuse { server, dir }),
            Err(error) => {
                mount::unmount(dir.path());
                Err(error.to_string())
            }
        }
    }

    /// Its root.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The process that serves it.
    pub(crate) fn pid(&self) -> u32 {
        self.server.id()
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        mount::unmount(self.path());
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
