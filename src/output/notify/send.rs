//! Sends notifications by HTTP and commands, with time limits.

use crate::config::{NotifySettings, Url};
use crate::model::job::{FOR_RSYNC_ONLY, Hook};
use crate::platform;
use crate::sync::helper::{self, Helper};
use std::ffi::OsString;
use std::io;
use std::thread;
use std::time::Duration;

/// Pause before the first retry; it doubles with every retry.
const PAUSE: Duration = Duration::from_millis(500);

/// Time limit and number of retries.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Time limit of one attempt.
    pub(super) timeout: Duration,
    /// Number of retries for an address.
    pub(super) retries: u32,
}

impl Patience {
    pub(super) fn of(settings: &NotifySettings) -> Self {
        Patience { timeout: settings.timeout, retries: settings.retries }
    }
}

/// Why it failed, and whether a retry may succeed.
struct Refusal {
    text: String,
    passing: bool,
}

/// Requests the address with this word appended to its path. Returns the error, if any.
pub(super) fn ping(url: &Url, word: &str, patience: Patience) -> Option<String> {
    let address = below(url.secret(), word);
    patiently(url, "ping", patience, || http(&address, None, patience.timeout))
}

/// Posts JSON to the address. Returns the error, if any.
pub(super) fn post(url: &Url, body: &str, patience: Patience) -> Option<String> {
    patiently(url, "notify", patience, || http(url.secret(), Some(body), patience.timeout))
}

fn patiently(
    url: &Url,
    verb: &str,
    patience: Patience,
    mut act: impl FnMut() -> Result<(), Refusal>,
) -> Option<String> {
    let mut tries = 0;
    loop {
        let refusal = act().err()?;
        if !refusal.passing || tries >= patience.retries {
            let times = if tries == 0 { String::new() } else { format!(" ({} tries)", tries + 1) };
            return Some(format!("cannot {verb} {url}: {}{times}", refusal.text));
        }
        thread::sleep(PAUSE.saturating_mul(2u32.saturating_pow(tries)));
        tries += 1;
    }
}

/// Appends the word to the path, before a query.
fn below(url: &str, word: &str) -> String {
    if word.is_empty() {
        return url.into();
    }
    let end = url.find(['?', '#']).unwrap_or(url.len());
    format!("{}/{word}{}", url[..end].trim_end_matches('/'), &url[end..])
}

#[cfg(feature = "notify")]
fn http(address: &str, body: Option<&str>, timeout: Duration) -> Result<(), Refusal> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .user_agent(concat!("pdb-sync/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let answer = match body {
        None => agent.get(address).call(),
        Some(body) => agent.post(address).header("content-type", "application/json").send(body),
    };
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => {
            let code = answer.status().as_u16();
            let passing = code >= 500 || code == 408 || code == 429;
            Err(Refusal { text: format!("it answered {code}"), passing })
        }
        Err(error) => {
            let text = without_secrets(&error.to_string(), address);
            let passing = !matches!(error, ureq::Error::BadUri(_) | ureq::Error::Http(_));
            Err(Refusal { text, passing })
        }
    }
}

/// Removes the address, which some errors quote in whole or in part.
#[cfg(feature = "notify")]
fn without_secrets(text: &str, address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let login = rest[..end].rsplit_once('@').map_or("", |(login, _)| login);
    let behind = rest[end..].strip_prefix('/').unwrap_or(&rest[end..]);
    let mut text = text.to_owned();
    for part in [behind, login].iter().filter(|part| !part.is_empty()) {
        text = text.replace(part, "…");
    }
    text
}

#[cfg(not(feature = "notify"))]
fn http(_address: &str, _body: Option<&str>, _timeout: Duration) -> Result<(), Refusal> {
    let text = "this pdb-sync was built without the feature `notify`, which is needed for HTTP".into();
    Err(Refusal { text, passing: false })
}

/// The result of a command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// The error, if any.
    pub(super) problem: Option<String>,
    /// Lines that it wrote to its standard error.
    pub(super) complaints: Vec<String>,
}

/// Runs a command with the JSON on its standard input. Its standard output is discarded, since ours may be a stream of JSON.
pub(super) fn command(
    command: &Hook,
    body: &str,
    environment: &[(&str, String)],
    patience: Patience,
) -> Answer {
    let failed = |why: String| Some(format!("the notification command {command} {why}"));
    let argv = command.argv();
    // A reason may quote any output of rsync; with a NUL in it the command could not be started.
    let env: Vec<(OsString, OsString)> =
        environment.iter().map(|(name, value)| (name.into(), value.replace('\0', "").into())).collect();
    let (input, limit) = (Some(body.as_bytes()), patience.timeout);
    let helper = Helper { argv: &argv, env: &env, without: &FOR_RSYNC_ONLY, input, limit };
    let runtime = platform::runtime();
    let ran = match runtime.and_then(|runtime| runtime.block_on(helper::run(helper))) {
        Ok(ran) => ran,
        Err(error) => {
            let problem = failed(match error.kind() {
                io::ErrorKind::TimedOut => {
                    let limit = crate::model::time::span(patience.timeout);
                    format!("ran longer than {limit} and was ended")
                }
                _ => format!("could not be run: {error}"),
            });
            return Answer { problem, complaints: Vec::new() };
        }
    };
    let ended = (ran.code() != Some(0)).then(|| format!("did not succeed: {}", ran.status()));
    // The command may have succeeded, but a process that it started did not end in time.
    let problem = match (ended, ran.left) {
        (Some(ended), Some(left)) => failed(format!("{ended}, and {left}")),
        (Some(why), None) | (None, Some(why)) => failed(why),
        (None, None) => None,
    };
    Answer { problem, complaints: ran.stderr }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Patience = Patience { timeout: Duration::from_millis(200), retries: 0 };
    const LONG: Patience = Patience { timeout: Duration::from_secs(60), retries: 0 };

    #[test]
    fn words_go_behind_the_path() {
        assert_eq!(below("https://h/x", "start"), "https://h/x/start");
        assert_eq!(below("https://h/x/", "fail"), "https://h/x/fail");
        assert_eq!(below("https://h/x?a=b", "fail"), "https://h/x/fail?a=b");
        assert_eq!(below("https://h/x?a=b", ""), "https://h/x?a=b");
    }

    #[cfg(feature = "notify")]
    #[test]
    fn what_an_error_quotes_of_an_address_is_left_out() {
        for (address, text) in [
            ("https://h/s3cret/x", "bad uri https://h/s3cret/x"),
            ("https://h?s3cret", "bad query ?s3cret"),
            ("https://me:s3cret@h/", "bad authority me:s3cret@h"),
        ] {
            let told = without_secrets(text, address);
            assert!(!told.contains("s3cret") && told.contains("bad "), "{told}");
        }
    }

    #[test]
    fn commands_get_the_body_and_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("told");
        let line =
            format!("printf '%s ' \"$WHO\" >{0}; cat >>{0}", shell_words::quote(file.to_str().unwrap()));
        let body = "{\"a\":1}".repeat(20_000);
        assert_eq!(command(&Hook::Shell(line), &body, &[("WHO", "me".into())], LONG), Answer::default());
        assert_eq!(std::fs::read_to_string(file).unwrap(), format!("me {body}"));
        let read = command(&Hook::Argv(vec!["true".into()]), &body, &[], LONG);
        assert_eq!(read, Answer::default(), "it need not read");
    }

    #[test]
    fn commands_that_fail_say_how() {
        let run =
            |line: &str, patience| command(&Hook::Shell(line.into()), "", &[], patience).problem.unwrap();
        assert_eq!(run("exit 3", LONG), "the notification command `exit 3` did not succeed: exit status 3");
        assert_eq!(
            run("exec sleep 60", SHORT),
            "the notification command `exec sleep 60` ran longer than 200ms and was ended"
        );
        let missing = command(&Hook::Argv(vec!["/nowhere/x".into()]), "", &[], LONG).problem.unwrap();
        assert!(missing.contains("could not be run"), "{missing}");
    }
}
