//! Running the program as a user to whom modes apply: root ignores them.

use super::{Ended, Env, Running};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

/// The user and the group.
pub(crate) const NOBODY: u32 = 65534;

/// An ordinary user, who owns the test's directory: nobody, who runs a copy of the program, or whoever runs the tests.
pub(crate) struct Somebody<'a> {
    env: &'a Env,
    program: Option<PathBuf>,
}

impl<'a> Somebody<'a> {
    /// Everything in the test's directory is theirs.
    pub(crate) fn new(env: &'a Env) -> Self {
        let program = rustix::process::geteuid().is_root().then(|| {
            let program = env.dir().join("pdb-sync");
            fs::copy(super::binary(), &program).unwrap();
            program
        });
        let somebody = Somebody { env, program };
        somebody.own(env.dir());
        somebody
    }

    /// Everything at and below a path is theirs.
    pub(crate) fn own(&self, path: &Path) {
        if self.program.is_none() {
            return;
        }
        lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        if fs::symlink_metadata(path).unwrap().is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| self.own(&entry.unwrap().path()));
        }
    }

    /// Starts `pdb-sync` as them.
    #[track_caller]
    pub(crate) fn spawn<S: AsRef<OsStr>>(&self, args: &[S]) -> Running {
        let args = args.iter().map(AsRef::as_ref);
        let Some(program) = &self.program else { return self.env.spawn(args) };
        let who = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".into()];
        let who = who.iter().map(OsStr::new).chain([program.as_os_str()]);
        Running::start(self.env.program("setpriv", who.chain(args)))
    }

    /// Runs `pdb-sync` as them to its end.
    #[track_caller]
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Ended {
        self.spawn(args).wait()
    }
}

impl Drop for Somebody<'_> {
    fn drop(&mut self) {
        // So that it can be removed by whoever is not root.
        set_dirs(self.env.dir(), 0o755);
    }
}

/// Gives every directory at and below a path this mode.
pub(crate) fn set_dirs(path: &Path, mode: u32) {
    if !fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        return;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o700)).unwrap();
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        set_dirs(&entry.path(), mode);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Permissions of a path.
pub(crate) fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}
