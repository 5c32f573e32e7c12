//! The output of `--json`: one object per line, `event` and `time` first; the result of the command is last.

use super::Ui;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::model::time::rfc3339;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Appends a line: an object with the name of the event, the time in the form of [`rfc3339`], and the keys of `body`.
pub fn append_line(block: &mut Vec<u8>, event: &str, time: &str, body: &impl Serialize) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a, T> {
        event: &'a str,
        time: &'a str,
        #[serde(flatten)]
        body: T,
    }
    serde_json::to_writer(&mut *block, &Line { event, time, body })?;
    block.push(b'\n');
    Ok(())
}

/// The kind of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorKind {
    /// The command line is invalid.
    Usage,
    /// The configuration is wrong.
    Config,
    /// An error of the system; the text has the operation and the path.
    Io,
    /// An operation failed.
    Failed,
    /// A guard refused.
    Blocked,
    /// Another run has the lock.
    Locked,
}

/// An error, and its position if it is in a file.
#[derive(Debug, Clone, Copy)]
pub struct ErrorObject<'a> {
    /// The kind of error.
    pub kind: ErrorKind,
    /// What was attempted, on what, and why it failed.
    pub text: &'a str,
    /// What to do next.
    pub hint: Option<&'a str>,
    /// The file with the error.
    pub file: Option<&'a Path>,
    /// Line and column in the file, from 1.
    pub place: Option<(usize, usize)>,
}

impl<'a> ErrorObject<'a> {
    /// Creates an error without a file and without a hint.
    pub fn new(kind: ErrorKind, text: &'a str) -> Self {
        ErrorObject { kind, text, hint: None, file: None, place: None }
    }
}

/// A delayed result. It is printed when something else is printed or the command ends: only then it is known whether it is the last line,
/// which has the exit code of the whole command.
struct Held {
    exit: ExitCode,
    command: &'static str,
    time: String,
    body: Value,
}

static HELD: Mutex<Option<Held>> = Mutex::new(None);
/// Whether the lines are those of a run, whose last line is `run_finished`.
static OF_A_RUN: AtomicBool = AtomicBool::new(false);

fn held() -> MutexGuard<'static, Option<Held>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    fn line(self, exit: ExitCode) -> io::Result<Vec<u8>> {
        let mut body = json!({ "command": self.command, "exit_code": exit.code() });
        if let (Value::Object(all), Value::Object(own)) = (&mut body, self.body) {
            all.extend(own);
        }
        line("result", &self.time, &body)
    }
}

fn line(event: &str, time: &str, body: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    append_line(&mut line, event, time, body)?;
    Ok(line)
}

impl Ui {
    /// Prints the result of a command, or of one of its parts: with `--json` as an object, otherwise as text.
    pub fn report(
        &self,
        exit: ExitCode,
        body: &impl Serialize,
        text: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        if self.json { self.result(exit, body) } else { text() }
    }

    /// Prints one of the things that a command reports: with `--json` as an object, otherwise as text.
    pub fn item(
        &self,
        event: &str,
        body: &impl Serialize,
        text: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        if self.json { self.object(event, body) } else { text() }
    }

    /// Prints an object for each of the things that a command lists; nothing without `--json`. Their text is a table, which the command
    /// prints with its result.
    pub fn objects<B: Serialize>(&self, event: &str, bodies: impl IntoIterator<Item = B>) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        bodies.into_iter().try_for_each(|body| self.object(event, &body))
    }

    /// Prints an object as a line on standard output. `event` is its name; `time` is added.
    fn object(&self, event: &str, body: &impl Serialize) -> io::Result<()> {
        let mut value = serde_json::to_value(body)?;
        for key in ["hint", "text"] {
            if let Some(Value::String(text)) = value.get_mut(key) {
                *text = self.addressed(text).into_owned();
            }
        }
        self.json_lines(&line(event, &rfc3339(Timestamp::now()), &value)?)
    }

    /// Prints the result of a command, or of one of its parts, with its exit code; nothing without `--json`. The output is delayed.
    pub fn result(&self, exit: ExitCode, body: &impl Serialize) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        self.release()?;
        let (command, time) = (self.command, rfc3339(Timestamp::now()));
        *held() = Some(Held { exit, command, time, body: serde_json::to_value(body)? });
        Ok(())
    }

    /// Prints the delayed result now, for a reader that waits for it.
    pub fn release(&self) -> io::Result<()> {
        let Some(held) = held().take() else { return Ok(()) };
        let exit = held.exit;
        self.json_text(&held.line(exit)?)
    }

    /// Prints the last line, with the exit code of the command. It is added if the command had no other result.
    pub fn end_of_json(&self, exit: ExitCode) -> io::Result<()> {
        if !self.json || OF_A_RUN.load(Ordering::Relaxed) {
            return Ok(());
        }
        let none = || Held { exit, command: self.command, time: rfc3339(Timestamp::now()), body: json!({}) };
        let held = held().take().unwrap_or_else(none);
        self.json_text(&held.line(exit)?)
    }

    /// Leaves the output of lines to the listeners of a run from now on.
    pub fn hand_over(&self) {
        OF_A_RUN.store(true, Ordering::Relaxed);
    }

    /// Prints whole lines of JSON on standard output.
    pub fn json_lines(&self, lines: &[u8]) -> io::Result<()> {
        self.release()?;
        self.json_text(lines)
    }

    /// Prints an error as an object, in addition to the text for people. It precedes a delayed result, which stays the last line.
    pub fn error_object(&self, error: &ErrorObject<'_>) {
        if !self.json || OF_A_RUN.load(Ordering::Relaxed) {
            return;
        }
        let body = json!({
            "kind": error.kind, "text": self.addressed(error.text),
            "hint": error.hint.map(|hint| self.addressed(hint)),
            "file": error.file.map(Path::to_string_lossy),
            "line": error.place.map(|place| place.0), "column": error.place.map(|place| place.1),
        });
        // A failure to write is reported at the end of the command.
        let _ = line("error", &rfc3339(Timestamp::now()), &body).and_then(|line| self.json_text(&line));
    }

    fn json_text(&self, lines: &[u8]) -> io::Result<()> {
        let look = self.look();
        match look.is_terminal() {
            true => self.write(sanitize::json(&String::from_utf8_lossy(lines), look.ascii).as_bytes()),
            false => self.write(lines),
        }
    }
}
