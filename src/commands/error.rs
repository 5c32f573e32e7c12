//! Why a command could not do its own work. (A job that failed is a result, not one of these.)

use crate::config::Problems;
use crate::exit::Exit;
use crate::ui::{ErrorKind, ErrorObject, Ui};
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
}

impl Failure {
    /// A usage error without a hint.
    pub fn usage(text: impl Into<String>) -> Self {
        Failure::Usage { text: text.into(), hint: None }
    }

    /// A usage error and what to do about it.
    pub fn usage_hint(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure::Usage { text: text.into(), hint: Some(hint.into()) }
    }

    /// For `map_err`: what was tried, on which path.
    pub fn io(tried: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let tried = tried.into();
        move |source| Failure::Io { tried, source, hint: None }
    }

    /// The same with what to do about it.
    pub fn io_hint(tried: impl Into<String>, hint: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let (tried, hint) = (tried.into(), Some(hint.into()));
        move |source| Failure::Io { tried, source, hint }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Failure::Usage { hint, .. } | Failure::Io { hint, .. } => hint.as_deref(),
            Failure::Config(_) | Failure::Other(_) | Failure::Unwritten(_) => None,
        }
    }

    /// Tells it; with `--json` also as objects, of the configuration one a problem.
    pub(super) fn tell(&self, ui: &Ui) {
        let text = self.to_string();
        let kind = match self {
            Failure::Usage { .. } => ErrorKind::Usage,
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
        };
        ui.error_of(kind, &text, self.hint());
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Usage { .. } | Failure::Config(_) => Exit::Usage,
            Failure::Io { .. } | Failure::Other(_) | Failure::Unwritten(_) => Exit::Failed,
        }
    }
}

/// Each problem carries its own hint.
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

/// For writes to standard output.
impl From<io::Error> for Failure {
    fn from(source: io::Error) -> Self {
        Failure::Unwritten(source)
    }
}
