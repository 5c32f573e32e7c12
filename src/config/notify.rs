//! `[notify]`: who is told how a run went.

use super::layer::NotifyLayer;
use super::value::{Reader, Value, read_text};
use crate::job::Hook;
use schemars::Schema;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

/// `[notify]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifySettings {
    /// Asked for at the start, and after success or failure, as healthchecks.io has it.
    pub ping: Option<Url>,
    /// Gets JSON by POST.
    pub webhook: Option<Url>,
    /// Commands that get the same JSON on standard input.
    pub commands: Vec<Hook>,
    /// When webhook and commands are told.
    pub on: Occasion,
    /// How long one try may take.
    pub timeout: Duration,
    /// How often one that failed is tried again.
    pub retries: u32,
    /// So many last lines of the log of each job that did not go well.
    pub log_tail: usize,
}

impl Default for NotifySettings {
    fn default() -> Self {
        NotifySettings::of(NotifyLayer::default())
    }
}

impl NotifySettings {
    pub(super) fn of(layer: NotifyLayer) -> Self {
        let notify = layer.fill();
        NotifySettings {
            ping: notify.ping.map(|given| given.value),
            webhook: notify.webhook.map(|given| given.value),
            commands: notify.command.value.0,
            on: notify.on.value,
            timeout: notify.timeout.value.0,
            // The ranges of the keys are far smaller than the types.
            retries: u32::try_from(notify.retries.value.get()).unwrap_or(0),
            log_tail: usize::try_from(notify.log_tail.value.get()).unwrap_or(0),
        }
    }

    /// Whether anybody is to be told anything.
    pub fn is_wanted(&self) -> bool {
        self.ping.is_some() || self.webhook.is_some() || !self.commands.is_empty()
    }
}

/// An address of the web. Whoever knows it may often write there, so it is a secret: `Display` and `Debug` leave out all
/// but scheme and host.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// All of it.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        let sound = !host.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        // What it holds may be a secret even if it cannot be read.
        if sound {
            Ok(Url(text.into()))
        } else {
            Err("expected \"https://HOST/…\" or \"http://HOST/…\"".into())
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // What stands before the @ is a login.
        let host = host.rsplit('@').next().unwrap_or_default();
        write!(f, "{scheme}://{host}/…")
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Value for Url {
    fn expected() -> String {
        "an address such as \"https://HOST/PATH\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        self.0.as_str().into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"type": "string", "pattern": "^https?://[!-\"$-.0->@-~][!-~]*$"})
    }
}

/// When somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// When a run did not end with 0.
    Failure,
    /// When it did.
    Success,
    /// After every run.
    Always,
}

impl Occasion {
    const ALL: [(&'static str, Occasion); 3] =
        [("failure", Occasion::Failure), ("success", Occasion::Success), ("always", Occasion::Always)];

    /// Whether this is one, for a run that went so.
    pub fn covers(self, success: bool) -> bool {
        match self {
            Occasion::Failure => !success,
            Occasion::Success => success,
            Occasion::Always => true,
        }
    }
}

impl FromStr for Occasion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Occasion::ALL.into_iter().find(|(word, _)| *word == text);
        found
            .map(|(_, occasion)| occasion)
            .ok_or_else(|| format!("{text:?} is not one of failure, success, always"))
    }
}

impl Value for Occasion {
    fn expected() -> String {
        "\"failure\", \"success\" or \"always\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        read_text(value, reader)
    }

    fn to_toml(&self) -> toml::Value {
        let word = Occasion::ALL.into_iter().find(|(_, occasion)| occasion == self);
        word.map_or("", |(word, _)| word).into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"enum": Occasion::ALL.map(|(word, _)| word)})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_secrets() {
        let url: Url = "https://me:pw@hc.example:8443/ping/0123-secret?x=y".parse().unwrap();
        assert_eq!(
            (url.to_string(), format!("{url:?}")),
            ("https://hc.example:8443/…".into(), "https://hc.example:8443/…".into())
        );
        assert!(url.secret().ends_with("x=y"));
        for bad in ["", "hc.example/x", "ftp://h/", "https://", "https:///x", "https://h/a b", "https://h/\n"]
        {
            assert!(bad.parse::<Url>().is_err(), "{bad}");
        }
    }
}
