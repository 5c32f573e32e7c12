//! Failures of something between us and the source: a proxy, the password file, the local rsync program.

use super::class::{Class, Found, find};
use super::peer::Peer;
use crate::model::result::Reason;
use crate::rsync::version::INSTALL;

/// Failures of the proxy in RSYNC_PROXY.
pub(super) fn proxy(lines: &[&str], talk: &Peer<'_>) -> Found {
    let proxy = talk.proxy.as_deref()?;
    let of = |class, text: String| {
        let hint = "RSYNC_PROXY names it: correct it, or unset it to reach the server without a proxy";
        Some((class, Reason::new(text).hint(hint)))
    };
    if find(lines, "invalid proxy specification").is_some() {
        return of(Class::Fatal, format!("{proxy:?} is not the address of a proxy: rsync expects HOST:PORT"));
    }
    if let Some(line) = find(lines, "bad response from proxy").or_else(|| find(lines, "from proxy")) {
        let host = talk.source.host_label();
        let said = line.rsplit_once("-- ").map_or(line, |(_, said)| said);
        return of(Class::Retry, format!("the proxy {proxy} does not connect to {host}: {said}"));
    }
    if let Some(line) = find(lines, "getaddrinfo: ") {
        let why = line.rsplit_once(": ").map_or(line, |(_, why)| why);
        return of(Class::Retry, format!("the proxy {proxy} could not be resolved: {}", why.to_lowercase()));
    }
    let line = find(lines, "failed to connect to ")?;
    let why = line.rsplit_once(": ").map_or(line, |(_, why)| why);
    let why = why.rsplit_once(" (").map_or(why, |(why, _)| why);
    of(Class::Retry, format!("connecting to the proxy {proxy} failed: {}", why.to_lowercase()))
}

/// Failures with the password file. It is checked before rsync is started; this is for later changes.
pub(super) fn password_file(lines: &[&str], _: &Peer<'_>) -> Found {
    let (line, hint) = [
        ("password file must not be other-accessible", "`chmod 600` it: no other user may read it"),
        ("password file must be owned by root when running as root", "`chown root` it"),
        ("could not open password file ", "correct its path, or make it readable for this user"),
        ("failed to read a password from ", "write the password into it"),
        (
            "The --password-file option may only be used when accessing an rsync daemon",
            "remove it from rsync_args; `password_file` is given to daemons only",
        ),
    ]
    .into_iter()
    .find_map(|(said, hint)| Some((find(lines, said)?, hint)))?;
    Some((Class::Fatal, Reason::new(format!("rsync refuses the password file: {line}")).hint(hint)))
}

/// An option that the local rsync does not support.
pub(super) fn unknown_option(lines: &[&str], talk: &Peer<'_>) -> Found {
    let line = lines.iter().find(|line| {
        ["unknown option", "unrecognized option", "invalid option", "illegal option"]
            .iter()
            .any(|what| line.contains(what))
            && !line.contains("on remote machine")
    })?;
    let option = line.split_whitespace().find(|word| word.trim_start_matches(['`', '\'']).starts_with('-'));
    let option =
        option.unwrap_or_default().trim_matches([':', '`', '\'', '"']).split('=').next().unwrap_or_default();
    let text = format!("this rsync does not know an option: {}", line.trim_start_matches("rsync: "));
    let reason = Reason::new(text);
    Some((
        Class::Fatal,
        match talk.gives(option) {
            true => reason.hint(format!("check {option} in `rsync_args`, or use a newer rsync")),
            false => reason.hint(format!("it is too old, or another program: {INSTALL}")),
        },
    ))
}
