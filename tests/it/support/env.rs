//! A home of one's own to run `pdb-sync` in, and what became of the run.

use super::fake::Fake;
use super::process::{PATIENCE, eventually, heed_signals};
use super::upstream::Upstream;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;
use tempfile::TempDir;

/// A temporary home with a config, a state directory and room for mirrors; nothing of the caller's environment gets in.
pub(crate) struct Env {
    dir: TempDir,
    vars: Vec<(OsString, OsString)>,
    path: Vec<PathBuf>,
}

impl Env {
    /// Without a config; `PATH` holds the system's programs.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("pdb-sync-test-").tempdir().unwrap();
        for sub in ["home", "mirror"] {
            fs::create_dir(dir.path().join(sub)).unwrap();
        }
        Env { dir, vars: vec![], path: vec!["/usr/local/bin".into(), "/usr/bin".into(), "/bin".into()] }
    }

    /// With the config of [`Env::config`].
    pub(crate) fn with_config(self, toml: &str) -> Self {
        fs::write(self.config(), toml).unwrap();
        self
    }

    /// With the upstream at the other end of every daemon source.
    pub(crate) fn with_pipe(self, upstream: &Upstream) -> Self {
        let (key, value) = upstream.pipe();
        self.with_var(key, value)
    }

    /// With the scripted rsync instead of the real one.
    pub(crate) fn with_fake(mut self, fake: &Fake) -> Self {
        self.path.insert(0, fake.bin());
        let (key, value) = fake.var();
        self.with_var(key, value)
    }

    /// With a variable in the environment.
    pub(crate) fn with_var(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.vars.push((key.into(), value.into()));
        self
    }

    /// The temporary directory: no other process has it in its command line.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The config file, whether it exists or not.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir().join("config.toml")
    }

    /// The state directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir().join("state")
    }

    /// As after a first run of that job at [`Env::mirror`], which tells what it finds there and deletes nothing.
    pub(crate) fn taken_over(&self, job: &str) {
        let dir = self.state().join("listings");
        std::fs::create_dir_all(&dir).unwrap();
        let state = serde_json::json!({ "v": 1, "dests": [self.mirror(job)] });
        std::fs::write(dir.join(format!("{job}.json")), state.to_string()).unwrap();
    }

    /// A destination; the directory above it exists.
    pub(crate) fn mirror(&self, name: &str) -> PathBuf {
        self.dir().join("mirror").join(name)
    }

    /// `pdb-sync` with these arguments, in this environment and nothing else, standard input empty.
    pub(crate) fn command(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        self.program(binary(), args)
    }

    /// Any program, in the same way.
    pub(crate) fn program(
        &self,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Command {
        heed_signals();
        let mut command = Command::new(program);
        command.args(args).env_clear().current_dir(self.dir()).stdin(Stdio::null());
        command.env("PATH", std::env::join_paths(&self.path).unwrap());
        command.env("HOME", self.dir().join("home"));
        command.env("PDB_SYNC_STATE_DIR", self.state());
        // Where a coverage build leaves what it counted.
        if let Some(file) = std::env::var_os("LLVM_PROFILE_FILE") {
            command.env("LLVM_PROFILE_FILE", file);
        }
        if self.config().exists() {
            command.env("PDB_SYNC_CONFIG", self.config());
        }
        command.envs(self.vars.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Runs `pdb-sync` to its end.
    #[track_caller]
    pub(crate) fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
        self.spawn(args).wait()
    }

    /// Starts `pdb-sync`.
    #[track_caller]
    pub(crate) fn spawn(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Running {
        Running::start(self.command(args))
    }
}

/// The program under test: `PDB_SYNC_TEST_BINARY` names another build of it than cargo's, such as the static one.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("PDB_SYNC_TEST_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_pdb-sync").into(), Into::into)
}

/// A program at work, its output being collected. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    line: String,
    stdout: Collector,
    stderr: Collector,
}

struct Collector {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    fn start(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let thread = std::thread::spawn(move || {
            let mut chunk = vec![0; 1 << 16];
            while let Ok(n @ 1..) = pipe.read(&mut chunk) {
                sink.lock().unwrap().extend_from_slice(&chunk[..n]);
            }
        });
        Collector { bytes, thread: Some(thread) }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    fn finish(&mut self) -> Vec<u8> {
        if let Some(thread) = self.thread.take() {
            eventually("the output is closed by everybody who holds it", || thread.is_finished());
            thread.join().unwrap();
        }
        std::mem::take(&mut self.bytes.lock().unwrap())
    }
}

impl Running {
    /// Starts any command, with both outputs collected.
    #[track_caller]
    pub(crate) fn start(mut command: Command) -> Self {
        let line = format!("{command:?}");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        let stdout = Collector::start(child.stdout.take().unwrap());
        let stderr = Collector::start(child.stderr.take().unwrap());
        Running { child, line, stdout, stderr }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Standard output and standard error so far.
    pub(crate) fn so_far(&self) -> (String, String) {
        (self.stdout.so_far(), self.stderr.so_far())
    }

    /// Until it has said something on either stream.
    #[track_caller]
    pub(crate) fn until_said(&self, text: &str) {
        eventually(&format!("{} says {text:?}", self.line), || {
            let (out, err) = self.so_far();
            out.contains(text) || err.contains(text)
        });
    }

    /// Until its end, and the end of what holds its outputs; panics with everything it said if that takes too long.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ended {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > PATIENCE {
                let (out, err) = self.so_far();
                panic!("{} did not end\n--- stdout\n{out}\n--- stderr\n{err}", self.line);
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        };
        let line = std::mem::take(&mut self.line);
        Ended { line, status, stdout: self.stdout.finish(), stderr: self.stderr.finish() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What became of a run. `Display` shows all of it.
pub(crate) struct Ended {
    line: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Ended {
    /// Of a program whose outputs were one.
    pub(super) fn new(line: String, status: ExitStatus, stdout: Vec<u8>) -> Self {
        Ended { line, status, stdout, stderr: Vec::new() }
    }

    /// As the shell has it: 128 + N when ended by signal N.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().or_else(|| self.status.signal().map(|n| 128 + n)).unwrap()
    }

    /// Panics with everything unless it ended so.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert!(self.code() == code, "expected exit code {code}\n{self}");
        self
    }

    /// Standard output as text.
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Standard output as lines of `--json`; panics with everything if a line is none, or is not as the schema has it.
    #[track_caller]
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        let parsed = super::lines::parse(&self.out()).unwrap_or_else(|fault| panic!("{fault}\n{self}"));
        parsed.into_iter().map(|(line, _)| line).collect()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ended { line, status, .. } = self;
        write!(f, "{line}\n{status}\n--- stdout\n{}\n--- stderr\n{}", self.out(), self.err())
    }
}
