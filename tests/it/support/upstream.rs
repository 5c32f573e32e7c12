//! An upstream: a tree that a real rsync daemon serves, over a pipe or on loopback.

use super::process::eventually;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fmt::Write;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A tree and the daemon's configuration for it. The module `m` is the whole of [`Upstream::root`].
pub(crate) struct Upstream {
    dir: TempDir,
    modules: String,
    daemon: Option<(Child, u16)>,
}

impl Upstream {
    /// An empty tree, served read-only as module `m`.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("upstream-").tempdir().unwrap();
        fs::create_dir(dir.path().join("files")).unwrap();
        Upstream { dir, modules: String::new(), daemon: None }.module("m", &[])
    }

    /// One more module, of the whole tree unless an option says otherwise (`("path", …)`, `("max connections", "1")`,
    /// `("auth users", "someone")` …). The password of `someone` is `secret`.
    pub(crate) fn module(mut self, name: &str, options: &[(&str, &str)]) -> Self {
        writeln!(self.modules, "[{name}]\npath = {}", self.root().display()).unwrap();
        for (key, value) in options {
            writeln!(self.modules, "{key} = {value}").unwrap();
        }
        let base = self.dir.path().display();
        let mut conf = format!(
            "use chroot = no\nlock file = {base}/lock\nsecrets file = {base}/secrets\npid file = {base}/pid\n"
        );
        // Started by root, a daemon becomes `nobody`, who may not enter a temporary directory.
        if rustix::process::geteuid().is_root() {
            conf.push_str("uid = 0\ngid = 0\n");
        }
        fs::write(self.dir.path().join("rsyncd.conf"), conf + &self.modules).unwrap();
        let secrets = self.dir.path().join("secrets");
        fs::write(&secrets, "someone:secret\n").unwrap();
        fs::set_permissions(&secrets, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        self
    }

    /// The real entries, in the real layout.
    pub(crate) fn with_corpus(self) -> Self {
        super::corpus::lay_out(&self.root());
        self
    }

    /// Serves on a free port of loopback until dropped.
    pub(crate) fn listen(mut self) -> Self {
        // Between finding a free port and taking it somebody else may take it: then once more.
        for _ in 0..10 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let mut daemon = Command::new("rsync")
                .args(["--daemon", "--no-detach", "--address=127.0.0.1", &format!("--port={port}")])
                .arg(format!("--config={}", self.config().display()))
                .process_group(0)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut gone = false;
            eventually("the daemon listens", || {
                gone = daemon.try_wait().unwrap().is_some();
                gone || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            });
            if !gone {
                self.daemon = Some((daemon, port));
                return self;
            }
        }
        panic!("no port to listen on");
    }

    /// The directory that is served.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("files")
    }

    /// The daemon's configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("rsyncd.conf")
    }

    /// For the environment of whoever reads over a pipe: rsync then starts this daemon instead of connecting.
    pub(crate) fn pipe(&self) -> (&'static str, String) {
        ("RSYNC_CONNECT_PROG", format!("rsync --config={} --daemon", self.config().display()))
    }

    /// The address of a path in a module; of the loopback daemon if there is one.
    pub(crate) fn url(&self, module_and_path: &str) -> String {
        match &self.daemon {
            Some((_, port)) => format!("rsync://127.0.0.1:{port}/{module_and_path}"),
            None => format!("rsync://upstream.invalid/{module_and_path}"),
        }
    }

    /// Process id of the loopback daemon; its connections are served by processes of its group.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(|(child, _)| child.id())
    }

    /// Stops the loopback daemon and everybody that it serves, who then say nothing while their connections stay: a stalled
    /// peer.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets everybody go on whom [`Upstream::freeze`] stopped.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills the processes that serve connections; the daemon stays.
    pub(crate) fn drop_connections(&self) {
        let serving = super::with_marker(&self.config().display().to_string());
        for pid in serving.into_iter().filter(|pid| Some(*pid) != self.pid()) {
            // Only those of our own daemon: whoever reads over a pipe has it in their environment.
            let _ = rustix::process::kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.pid().and_then(|pid| Pid::from_raw(pid as i32)) {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Writes a file below the root, with the directories above it.
    pub(crate) fn write(&self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// Removes everything below the root, as a disk that is not mounted would.
    pub(crate) fn empty(&self) {
        fs::remove_dir_all(self.root()).unwrap();
        fs::create_dir(self.root()).unwrap();
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if let Some((daemon, _)) = &mut self.daemon {
            let _ = daemon.wait();
        }
    }
}
