//! File systems that are mounted for one run.

use super::{Ended, Env, Running};
use std::ffi::OsString;
use std::process::{Command, Stdio};

/// Runs a shell script where file systems may be mounted; they go with it. In it `$0` is the state directory, `$1` the
/// program and the rest `args`. `None` where no mount is permitted.
pub(crate) fn with_mounts(env: &Env, script: &str, args: &[&str]) -> Option<Ended> {
    let way = ["-m", "-rm"].into_iter().find(|way| {
        let mut probe = Command::new("unshare");
        probe.args([way, "mount", "-t", "tmpfs", "none", "/mnt"]).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    })?;
    std::fs::create_dir_all(env.state()).unwrap();
    let words = [way, "sh", "-c", script].map(OsString::from).into_iter();
    let words = words.chain([env.state().into(), super::binary().into()]);
    Some(Running::start(env.program("unshare", words.chain(args.iter().map(OsString::from)))).wait())
}
