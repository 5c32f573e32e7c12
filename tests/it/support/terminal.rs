//! A real terminal, by tmux.

use super::env::Env;
use super::process::eventually;
use super::skip::skipped;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A terminal of some size; gone when dropped.
pub(crate) struct Terminal<'a> {
    env: &'a Env,
}

impl<'a> Terminal<'a> {
    /// Runs a shell line in it, or says why not and returns nothing. The terminal stays when the line has ended.
    pub(crate) fn start(env: &'a Env, columns: u32, line: &str) -> Option<Self> {
        if !["/usr/bin/tmux", "/usr/local/bin/tmux", "/bin/tmux"].iter().any(|path| Path::new(path).exists())
        {
            skipped("tmux is not installed");
            return None;
        }
        let terminal = Terminal { env };
        let size = columns.to_string();
        // A handler of its own, so that the shell outlives a ^C.
        let line = format!("trap : INT; {line}; echo \"code $?\" >code; exec cat");
        let started = terminal.tmux([
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &size,
            "-y",
            "30",
            "sh",
            "-c",
            &line,
        ]);
        assert!(started.status.success(), "{started:?}");
        Some(terminal)
    }

    pub(crate) fn tmux(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let mut command: Command = self.env.program("tmux", ["-S"]);
        command
            .arg(self.env.dir().join("tmux.socket"))
            .args(args)
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8");
        command.output().unwrap()
    }

    /// What is on the screen, without empty lines.
    pub(crate) fn screen(&self) -> Vec<String> {
        let shown = self.tmux(["capture-pane", "-p"]);
        assert!(shown.status.success(), "{shown:?}");
        String::from_utf8(shown.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .filter(|line| !line.is_empty())
            .collect()
    }

    /// All lines that were ever shown, without empty ones. One that the terminal had to break is still one.
    pub(crate) fn lines(&self) -> Vec<String> {
        let shown = self.tmux(["capture-pane", "-p", "-J", "-S", "-"]);
        assert!(shown.status.success(), "{shown:?}");
        let text = String::from_utf8(shown.stdout).unwrap();
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// Until the screen is so; the screen.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut screen = Vec::new();
        eventually(what, || {
            screen = self.screen();
            is(&screen)
        });
        screen
    }

    /// What the shell line ended with.
    pub(crate) fn code(&self) -> String {
        let mut code = String::new();
        eventually("the program ends", || {
            code = fs::read_to_string(self.env.dir().join("code")).unwrap_or_default();
            !code.is_empty()
        });
        code
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        let _ = self.tmux(["kill-server"]);
    }
}
