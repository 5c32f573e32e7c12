//! Errors: why a command could not do its own work. A failed job is a result, not an error.

use crate::config::Problems;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::OutputFile;
use crate::output::terminal::{ErrorKind, ErrorObject, Ui};
use std::io;

/// Why a command could not do its own work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line or the configuration is wrong: nothing was started.
    #[error("{text}")]
    Usage {
        /// What is wrong.
        text: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A query that cannot be understood: nothing was started.
    #[error("{text}\n{excerpt}")]
    Query {
        /// What is wrong.
        text: String,
        /// Two lines: the query, and a mark below the mistake.
        excerpt: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// What the command line names is not there, or cannot be used: nothing was started.
    #[error("{text}")]
    Named {
        /// [`ErrorKind::Config`] for the configuration itself, [`ErrorKind::Io`] for everything else.
        kind: ErrorKind,
        /// What was tried, on which path, and why it failed.
        text: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The configuration is wrong: nothing was started.
    #[error("{}", told(.0))]
    Config(Problems),
    /// Something on this machine refused.
    #[error("cannot {tried}: {source}")]
    Io {
        /// What was tried, on which path.
        tried: String,
        /// Why it failed.
        source: io::Error,
        /// What to do about it.
        hint: Option<String>,
    },
    /// Something of ours refused, and says all there is to say.
    #[error("{0}")]
    Other(String),
    /// Standard output took no more, or what was to go there could not be made.
    #[error("cannot write to standard output: {0}")]
    Unwritten(io::Error),
    /// This signal ended the command before it had a result.
    #[error("ended by signal {0}")]
    Signal(i32),
}

impl Failure {
    /// Returns a usage error without a hint.
    pub fn usage(text: impl Into<String>) -> Self {
        Failure::Usage { text: text.into(), hint: None }
    }

    /// Returns a usage error with a hint.
    pub fn usage_hint(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure::Usage { text: text.into(), hint: Some(hint.into()) }
    }

    /// Returns an error for a file or directory of the command line that cannot be used, with a hint.
    pub fn named(text: impl Into<String>, hint: Option<&str>) -> Self {
        Failure::Named { kind: ErrorKind::Io, text: text.into(), hint: hint.map(Into::into) }
    }

    /// Returns an error for a missing or unreadable configuration, with a hint.
    pub fn no_config(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure::Named { kind: ErrorKind::Config, text: text.into(), hint: Some(hint.into()) }
    }

    /// For `map_err`: adds what was tried, on which path.
    pub fn io(tried: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let tried = tried.into();
        move |source| Failure::Io { tried, source, hint: None }
    }

    /// The same, with a hint.
    pub fn io_hint(tried: impl Into<String>, hint: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let (tried, hint) = (tried.into(), Some(hint.into()));
        move |source| Failure::Io { tried, source, hint }
    }

    /// Returns an error for a requested output file that could not be written.
    pub fn written(tried: impl Into<String>, source: io::Error) -> Self {
        let hint = OutputFile::hint(&source).map(Into::into);
        Failure::Io { tried: tried.into(), source, hint }
    }

    /// Returns the hint.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Failure::Usage { hint, .. }
            | Failure::Query { hint, .. }
            | Failure::Named { hint, .. }
            | Failure::Io { hint, .. } => hint.as_deref(),
            Failure::Config(_) | Failure::Other(_) | Failure::Unwritten(_) | Failure::Signal(_) => None,
        }
    }

    /// Prints the error. With `--json`, also prints objects: one per problem for configuration errors.
    pub(super) fn tell(&self, ui: &Ui) {
        let text = self.to_string();
        let kind = match self {
            Failure::Usage { .. } => ErrorKind::Usage,
            Failure::Query { text: what, excerpt, .. } => {
                ui.error_text(&format!("{}\n{excerpt}", sanitize::name(what.as_bytes())), self.hint());
                let (kind, hint) = (ErrorKind::Usage, self.hint());
                return ui.error_object(&ErrorObject { hint, ..ErrorObject::new(kind, &text) });
            }
            Failure::Named { kind, .. } => *kind,
            Failure::Config(problems) => {
                ui.error_text(&text, None);
                for problem in &problems.0 {
                    let place = problem.place.as_ref().map(|place| (place.line, place.column));
                    let hint = problem.hint.as_deref();
                    let file = problem.file.as_deref();
                    let (kind, text) = (ErrorKind::Config, problem.text.as_str());
                    ui.error_object(&ErrorObject { kind, text, hint, file, place });
                }
                return;
            }
            Failure::Io { .. } => ErrorKind::Io,
            Failure::Other(_) | Failure::Unwritten(_) => ErrorKind::Failed,
            // The user has sent it.
            Failure::Signal(_) => return,
        };
        ui.error_of(kind, &text, self.hint());
    }

    /// Returns the exit code.
    pub fn exit(&self) -> ExitCode {
        match self {
            Failure::Usage { .. } | Failure::Query { .. } | Failure::Named { .. } | Failure::Config(_) => {
                ExitCode::Usage
            }
            Failure::Io { .. } | Failure::Other(_) | Failure::Unwritten(_) => ExitCode::Failed,
            Failure::Signal(number) => ExitCode::Signal(*number),
        }
    }
}

/// Returns all problems, each with its own hint.
fn told(problems: &Problems) -> String {
    match problems.0.len() {
        1 => problems.to_string(),
        n => format!("{n} problems\n{problems}"),
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Failure::Config(problems)
    }
}

/// For errors from writing to standard output.
impl From<io::Error> for Failure {
    fn from(source: io::Error) -> Self {
        Failure::Unwritten(source)
    }
}
