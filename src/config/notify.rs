//! Values of `[notify]`: where the result of a run is reported, and when.

use super::value::{Reader, Value, read_text};
use schemars::Schema;
use std::fmt;
use std::str::FromStr;
use toml::Spanned;
use toml::de::DeValue;

/// A web address. Often everybody with the address can post there, so it is a secret: `Display` and `Debug` show only scheme and host.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// Returns the whole address.
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
        // Even an invalid address may contain a secret, so the message does not quote it.
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
        // The part before the `@` is a login.
        let host = host.rsplit('@').next().unwrap_or_default();
        write!(f, "{scheme}://{host}/…")
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The location of an address. The address may be a secret, which need not be in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressee {
    /// In the configuration itself.
    Url(Url),
    /// In an environment variable.
    Env(String),
    /// In a file: its path as configured, or resolved.
    File(String),
}

impl Value for Addressee {
    fn expected() -> String {
        "an address such as \"https://HOST/PATH\", { env = \"NAME\" } or { file = \"PATH\" }".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            return match value.get_ref().as_str().map(str::parse) {
                Some(Ok(url)) => Some(Addressee::Url(url)),
                Some(Err(wrong)) => {
                    reader.problem(value.span(), wrong, None);
                    None
                }
                None => {
                    reader.wrong_type(value, &Self::expected());
                    None
                }
            };
        };
        let said: Vec<_> = table.iter().map(|(key, value)| (key.get_ref().as_ref(), value)).collect();
        let [(key @ ("env" | "file"), value)] = said[..] else {
            reader.problem(
                value.span(),
                "expected one of env and file",
                Some(format!("write {}", Self::expected())),
            );
            return None;
        };
        let text = String::read(value, reader)?;
        if text.trim().is_empty() {
            reader.problem(value.span(), format!("{key} must not be empty"), None);
            return None;
        }
        Some(if key == "env" { Addressee::Env(text) } else { Addressee::File(text) })
    }

    /// The secret part of an address is omitted, so the output cannot be parsed again.
    fn to_toml(&self) -> toml::Value {
        let one = |key: &str, text: &str| {
            toml::Value::Table(toml::Table::from_iter([(key.to_owned(), text.to_owned().into())]))
        };
        match self {
            Addressee::Url(url) => url.to_string().into(),
            Addressee::Env(name) => one("env", name),
            Addressee::File(path) => one("file", path),
        }
    }

    fn schema() -> Schema {
        let one = |key: &str| {
            serde_json::json!({
                "type": "object", "properties": {key: {"type": "string", "minLength": 1}},
                "required": [key], "additionalProperties": false,
            })
        };
        schemars::json_schema!({"anyOf": [
            {"type": "string", "pattern": "^https?://[!-\"$-.0->@-~][!-~]*$"}, one("env"), one("file"),
        ]})
    }
}

/// When notifications are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// After a run with an exit code other than 0.
    Failure,
    /// After a run with exit code 0.
    Success,
    /// After every run.
    Always,
}

impl Occasion {
    const ALL: [(&'static str, Occasion); 3] =
        [("failure", Occasion::Failure), ("success", Occasion::Success), ("always", Occasion::Always)];

    /// Whether a run with this result is reported.
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
    fn an_address_may_stand_elsewhere() {
        let read = |notify: &str| crate::config::tests::load(&format!("[notify]\n{notify}\n")).unwrap();
        let config = read("ping = { file = 'url' }\nwebhook = 'https://h.example/s3cret'");
        let ping = config.notify.ping.clone().unwrap().unwrap();
        assert_eq!(ping.secret(), "https://hooks.example/s3cret");
        assert!(config.unfit.is_empty() && config.notify.is_wanted());
        let shown = crate::config::show(&config, &[], false);
        assert!(!shown.contains("s3cret") && shown.contains("ping = { file = \"/etc/pdb/url\" }"), "{shown}");
        assert!(shown.contains("webhook = \"https://h.example/…\""), "{shown}");
        for (notify, wrong) in [
            ("ping = { env = 'NOPE' }", "ping: the environment has no variable NOPE"),
            ("ping = { env = 'SCRATCH' }", "ping: its value is not an address"),
            ("webhook = { file = 'none' }", "webhook: /etc/pdb/none is not there"),
            ("webhook = { file = '$NOPE' }", "the environment has no variable NOPE"),
        ] {
            let config = read(notify);
            assert!(config.unfit[0].text.contains(wrong), "{:?}", config.unfit);
            assert!(config.unfit[0].place.is_some() && config.notify.is_wanted());
            let told = config.notify.ping.or(config.notify.webhook).unwrap();
            assert!(told.is_err() && !format!("{:?}", config.unfit).contains("/scratch"));
        }
        for bad in
            ["{}", "{ url = 'https://h/x' }", "{ env = 'A', file = 'b' }", "{ env = 1 }", "{ env = '' }", "3"]
        {
            assert!(crate::config::tests::load(&format!("[notify]\nping = {bad}\n")).is_err(), "{bad}");
        }
        let quoted = crate::config::tests::load("notify = 'https://h/s3cret'").unwrap_err().to_string();
        assert!(!quoted.contains("s3cret"), "{quoted}");
    }

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
