//! Two users of one group, and a third one: who keeps a mirror together, and who does not.

use super::{Ended, Env, Running};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::Command;

/// The group of the first two users.
pub(crate) const GROUP: u32 = 4000;

/// A user with a state directory of its own, and a umask. Only root can make use of one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    pub(crate) uid: u32,
    groups: &'static str,
    umask: &'static str,
}

/// Of the group, with a umask that shuts everybody out.
pub(crate) const ALICE: User = User { uid: 3001, groups: "4000", umask: "077" };
/// Of the group.
pub(crate) const BOB: User = User { uid: 3002, groups: "4000", umask: "022" };
/// Of no group but an own one.
pub(crate) const CAROL: User = User { uid: 3003, groups: "3003", umask: "022" };

impl User {
    /// Its state directory.
    pub(crate) fn state(self, env: &Env) -> PathBuf {
        env.dir().join(format!("state-{}", self.uid))
    }

    /// `pdb-sync`, run by it.
    pub(crate) fn command(self, env: &Env, args: &[&str]) -> Command {
        // A copy of the program, since its directory need not be for everybody.
        let program = env.dir().join("pdb-sync");
        if !program.exists() {
            fs::copy(super::binary(), &program).unwrap();
            for dir in [env.dir().to_owned(), env.mirror("")] {
                fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        let state = self.state(env);
        fs::create_dir_all(&state).unwrap();
        chown(&state, Some(self.uid), Some(self.uid)).unwrap();
        let script = format!("umask {}; exec setpriv \"$@\"", self.umask);
        let all = ["-c", &script, "sh", &format!("--reuid={}", self.uid), &format!("--regid={}", self.uid)]
            .map(OsString::from)
            .into_iter()
            .chain([format!("--groups={}", self.groups).into(), program.into_os_string()])
            .chain(args.iter().map(OsString::from));
        let mut command = env.program("sh", all);
        if std::env::var_os("LLVM_PROFILE_FILE").is_some() {
            // It cannot write where the others leave what a coverage build counts, and would say so on standard error.
            command.env("LLVM_PROFILE_FILE", state.join("counts.profraw"));
        }
        command.env("PDB_SYNC_STATE_DIR", state);
        command
    }

    /// The same, to its end.
    #[track_caller]
    pub(crate) fn run(self, env: &Env, args: &[&str]) -> Ended {
        Running::start(self.command(env, args)).wait()
    }
}
