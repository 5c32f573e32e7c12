//! Sources behind a real ssh and a real sshd on loopback.

use crate::support::{Ended, Env, Upstream, eventually, one_job, skipped, tree};
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A server with keys of its own, which lets in whoever has the key `user`. Killed when dropped.
struct Sshd {
    dir: tempfile::TempDir,
    child: Child,
    port: u16,
}

impl Sshd {
    /// `None`, and why is said, where that cannot be had.
    fn start() -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("sshd-").tempdir().unwrap();
        let Some(program) = ["/usr/sbin/sshd", "/usr/bin/sshd"].iter().find(|path| Path::new(path).exists())
        else {
            skipped("there is no sshd");
            return None;
        };
        for name in ["host", "user", "stranger"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.path().join(name));
            if !keygen.stdin(Stdio::null()).status().is_ok_and(|status| status.success()) {
                skipped("ssh-keygen makes no keys");
                return None;
            }
        }
        fs::copy(dir.path().join("user.pub"), dir.path().join("authorized")).unwrap();
        // Where it gives up its rights; a service manager makes it otherwise.
        if rustix::process::geteuid().is_root() {
            let _ = fs::create_dir_all("/run/sshd");
        }
        for _ in 0..10 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let base = dir.path().display();
            let conf = format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {base}/host\nPidFile none\nStrictModes no\n\
                 AuthorizedKeysFile {base}/authorized\nPermitRootLogin prohibit-password\n\
                 PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
            );
            fs::write(dir.path().join("sshd_config"), conf).unwrap();
            let log = fs::File::create(dir.path().join("log")).unwrap();
            let mut sshd = Command::new(program);
            sshd.args(["-D", "-e", "-f"]).arg(dir.path().join("sshd_config"));
            sshd.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let mut child = sshd.spawn().unwrap();
            let mut gone = false;
            eventually("sshd listens", || {
                gone = child.try_wait().unwrap().is_some();
                gone || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            });
            if !gone {
                return Some(Sshd { dir, child, port });
            }
        }
        skipped(&format!(
            "sshd does not start: {}",
            fs::read_to_string(dir.path().join("log")).unwrap().trim()
        ));
        None
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What a person would have in `~/.ssh`: the host `far`, reached on this port with this key.
    fn client(&self, port: u16, key: &str, trusted: bool) {
        let host = fs::read_to_string(self.path("host.pub")).unwrap();
        let known = if trusted { format!("[127.0.0.1]:{port} {host}") } else { String::new() };
        fs::write(self.path("known"), known).unwrap();
        let base = self.dir.path().display();
        let text = format!(
            "Host far\nHostName 127.0.0.1\nPort {port}\nIdentityFile {base}/{key}\nIdentitiesOnly yes\n\
             UserKnownHostsFile {base}/known\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n"
        );
        fs::write(self.path("config"), text).unwrap();
    }

    /// A home whose `ssh` is the real one with that configuration: ssh asks the password file for `~`, not the environment.
    fn env(&self) -> Env {
        let bin = self.path("bin");
        fs::create_dir_all(&bin).unwrap();
        let script = format!("#!/bin/sh\nexec /usr/bin/ssh -F '{}' \"$@\"\n", self.path("config").display());
        fs::write(bin.join("ssh"), script).unwrap();
        fs::set_permissions(bin.join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
        Env::new().with_var("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()))
    }

    /// Whether anybody gets in here at all: accounts may be locked.
    fn lets_in(&self) -> bool {
        self.client(self.port, "user", true);
        let env = self.env();
        let tried = env.program(self.path("bin/ssh"), ["-oBatchMode=yes", "far", "rsync --version"]);
        let ended = crate::support::Running::start(tried).wait();
        if ended.code() != 0 {
            let log = fs::read_to_string(self.path("log")).unwrap();
            skipped(&format!("this account cannot log in by ssh: {}{log}", ended.err()));
        }
        ended.code() == 0
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

fn source(ended: &Ended) -> (String, String) {
    let mut checks = ended.events("check").into_iter().filter(|check| check["area"] == "source");
    let check = checks.next_back().unwrap_or_else(|| panic!("nothing about the source\n{ended}"));
    let text = format!("{}: {}", check["verdict"].as_str().unwrap(), check["text"].as_str().unwrap());
    (text, check["hint"].as_str().unwrap_or_default().into())
}

#[test]
fn doctor_and_sync_reach_a_source_behind_a_real_ssh() {
    let Some(sshd) = Sshd::start().filter(Sshd::lets_in) else { return };
    let upstream = Upstream::new().with_corpus();
    upstream.write("a name/with spaces", "x");
    let env = sshd.env();
    let config =
        one_job(&[&format!("far:{}/", upstream.root().display())], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    let ended = env.run(["doctor", "--json"]).expect_code(0);
    let (text, _) = source(&ended);
    assert_eq!(text, format!("ok: far:{}/ is there", upstream.root().display()), "{ended}");
    env.run(["sync", "j"]).expect_code(0);
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
    fs::remove_file(upstream.root().join("a name/with spaces")).unwrap();
    let again = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(again.finished()["files_deleted"], 1, "{again}");
}

#[test]
fn doctor_says_what_keeps_ssh_from_a_source() {
    let Some(sshd) = Sshd::start().filter(Sshd::lets_in) else { return };
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let root = sshd.path("data");
    fs::create_dir(&root).unwrap();
    let there = format!("far:{}/", root.display());
    for (from, port, key, trusted, words) in [
        ("far:/no/such/directory/", sshd.port, "user", true, "no such file or directory"),
        (&*there, sshd.port, "stranger", true, "could not log in to"),
        (&*there, sshd.port, "user", false, "does not trust the host key"),
        (&*there, closed, "user", true, "refused"),
    ] {
        sshd.client(port, key, trusted);
        let env = sshd.env();
        let config = one_job(&[from], &env.mirror("j"), "retries = 0");
        let env = env.with_config(&config);
        let ended = env.run(["doctor", "--json"]).expect_code(1);
        let (text, hint) = source(&ended);
        assert!(text.starts_with("fail: ") && text.contains(words), "{words}: {ended}");
        assert!(!hint.is_empty(), "{words}: {ended}");
        // A run meets the same, and says the same.
        let run = env.run(["sync", "j", "--json"]).expect_code(1);
        assert!(run.finished()["error"].as_str().unwrap().contains(words), "{words}: {run}");
    }
}
