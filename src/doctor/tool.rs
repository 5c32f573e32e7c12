//! Runs a program to its end or to a limit, and keeps what it said.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How a program ended.
pub(super) struct Ran {
    /// `None`: by a signal.
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: Vec<String>,
    pub(super) took: Duration,
}

/// Runs it with an empty standard input and English messages. An error of kind `TimedOut` is one that did not end in time,
/// and was killed.
pub(super) async fn run(argv: &[String], env: &[(OsString, OsString)], limit: Duration) -> io::Result<Ran> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let begun = Instant::now();
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).env("LC_ALL", "C").envs(env.iter().map(|(key, value)| (key, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = tokio::time::timeout(limit, command.spawn()?.wait_with_output());
    let output = output.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let stderr = String::from_utf8_lossy(&output.stderr);
    Ok(Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: stderr.lines().map(str::to_owned).collect(),
        took: begun.elapsed(),
    })
}
