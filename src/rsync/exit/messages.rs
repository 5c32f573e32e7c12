//! Messages of rsync, its server, ssh and the system that decide how a job continues.

use super::class::{Class, Found, find};
use super::intermediary::{password_file, proxy, unknown_option};
use super::left_out::{lower, path_and_reason};
use super::peer::Peer;
use crate::mirrors::Catalogue;
use crate::model::job::{Address, Source};
use crate::model::result::Reason;
use crate::rsync::args::{self, own_shell};

/// Returns the first known message, by priority.
pub(super) fn known(lines: &[&str], talk: &Peer<'_>) -> Found {
    let rules = [
        server_error,
        refused_option,
        password_file,
        unknown_option,
        here,
        missing_source,
        shell,
        proxy,
        connecting,
    ];
    rules.iter().find_map(|rule| rule(lines, talk))
}

/// Returns the last informative line, before rsync's closing `rsync error: … (code N) at …`.
pub(super) fn last_words<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let telling = lines.iter().rev().find(|line| {
        !line.starts_with("rsync error: ") && !line.starts_with("rsync warning: ") && !line.starts_with("***")
    });
    telling.or(lines.last()).map(|line| line.strip_prefix("rsync: ").unwrap_or(line))
}

/// A daemon's `@ERROR`, or a server that is not an rsync daemon.
fn server_error(lines: &[&str], talk: &Peer<'_>) -> Found {
    let source = talk.source;
    let host = source.host_label();
    if let Some(line) = find(lines, "@ERROR: ") {
        let said = line.trim_start_matches("@ERROR: ");
        let (class, text, hint) = if said.starts_with("max connections") {
            (
                Class::Busy,
                format!("{host} is full: {said}"),
                "the limit counts the connections of all users: run fewer jobs of this host at once, \
                 `[hosts.\"NAME\"] connections = 1`",
            )
        } else if said.starts_with("Unknown module") {
            let module = said.trim_start_matches("Unknown module ").trim_matches('\'');
            let text = format!("{host} has no module {module:?}");
            (
                Class::NextSource,
                text,
                "each mirror has its own port, module and path: check the source's spelling",
            )
        } else if said.starts_with("auth failed") {
            (
                Class::NextSource,
                format!("{host} refused the login: {said}"),
                "check the user in the source (rsync://USER@HOST/…), and the password, which is set by \
                 `password_file = \"FILE\"` or RSYNC_PASSWORD",
            )
        } else if said.starts_with("access denied") {
            (
                Class::NextSource,
                format!("{host} denies access: {said}"),
                "ask its operators, or use another mirror",
            )
        } else if said.starts_with("chdir failed") {
            let text = format!("{host} cannot open the module's own directory ({said})");
            (
                Class::NextSource,
                text,
                "its disk may not be mounted: tell its operators, or use another mirror",
            )
        } else {
            (Class::NextSource, format!("{host} refused: {said}"), "ask its operators, or use another mirror")
        };
        return Some((class, Reason::new(text).hint(hint)));
    }
    if let Some(line) = find(lines, "server sent \"") {
        let reason = Reason::new(format!("what answers at {host} is not an rsync server ({line})"))
            .hint("check host and port; a proxy or a captive portal may be in between");
        return Some((Class::NextSource, reason));
    }
    None
}

/// An option that the other side forbids or does not support.
fn refused_option(lines: &[&str], talk: &Peer<'_>) -> Found {
    let source = talk.source;
    let host = source.host_label();
    if let Some(line) = find(lines, "The server is configured to refuse ") {
        let option = line.trim_start_matches("The server is configured to refuse ");
        let hint = match option {
            o if o.starts_with("--compress") => "set `compress = false` for this job".to_owned(),
            o if o.starts_with("--checksum") => "set `checksum = false` for this job".to_owned(),
            o => format!("do not use {o} for this source"),
        };
        return Some((Class::NextSource, Reason::new(format!("{host} refuses {option}")).hint(hint)));
    }
    let line = find(lines, "on remote machine: ")?;
    let reason =
        Reason::new(format!("the rsync at {host} is older and refused an option ({line})")).hint(match talk
            .rsync_args
        {
            [] => "ask its operators to update it, or use another mirror",
            _ => "leave that option out of `rsync_args` if it is there, or use another mirror",
        });
    Some((Class::NextSource, reason))
}

const READ_ONLY: &str = "Read-only file system";

/// Whether a message is about attributes of an entry. They have their own limits (a quota of another owner, space for extended attributes),
/// which say nothing about contents.
fn sets_attributes(line: &str) -> bool {
    ["chown \"", "chgrp \"", "failed to set ", "setxattr(", "set_acl", "chmod"]
        .iter()
        .any(|what| line.contains(what))
}

/// Problems of this machine that no other source can solve: the disk, programs.
fn here(lines: &[&str], talk: &Peer<'_>) -> Found {
    let fatal = |text: String, hint: &str| Some((Class::Fatal, Reason::new(text).hint(hint)));
    let written = |what: &str| {
        lines
            .iter()
            .filter(|line| line.contains(what) && !line.contains("[sender]"))
            .filter(|line| what == READ_ONLY || !sets_attributes(line))
            .find_map(|line| path_and_reason(line).map(|(path, _)| (*line, path)))
    };
    if let Some((line, path)) = written("No space left on device") {
        // A directory or an empty temporary file needs an inode, but no space.
        return if line.contains("mkdir \"") || line.contains("mkstemp \"") {
            fatal(
                format!("the destination's file system is full, or has no inodes left, at {path}"),
                "make room: `df -h` and `df -i` show which it is",
            )
        } else {
            fatal(
                format!("the disk is full: writing {path} failed"),
                "make room, or move `dest` to a larger disk",
            )
        };
    }
    if let Some((_, path)) = written("Disk quota exceeded") {
        return fatal(
            format!("the disk quota is used up: writing {path} failed"),
            "make room or ask for more",
        );
    }
    if let Some((_, path)) = written(READ_ONLY) {
        return fatal(
            format!("the destination's file system is read-only: {path}"),
            "remount it read-write; after disk errors it is remounted read-only by itself, so look at the system log",
        );
    }
    if let Some(line) = find(lines, "Failed to exec ") {
        let program = line.trim_start_matches("Failed to exec ");
        return fatal(
            format!("the remote shell could not be started: {program}"),
            match (own_shell(talk.rsync_args), &talk.shell) {
                (true, _) => "correct `--rsh` (`-e`) in `rsync_args`",
                (false, Some(_)) => "correct the variable RSYNC_RSH, which names it",
                (false, None) => "install ssh",
            },
        );
    }
    // Only a mkdir at the very beginning is that of the destination itself.
    let line = lines.iter().find(|line| line.contains("[Receiver] mkdir \""))?;
    let (path, why) = path_and_reason(line)?;
    fatal(
        format!("the destination {path} could not be created: {}", lower(why)),
        "create its parent directory, or correct `dest`",
    )
}

/// A source that does not exist, or cannot be entered. rsync's code is "partial" (23), but nothing was done.
fn missing_source(lines: &[&str], talk: &Peer<'_>) -> Found {
    let source = talk.source;
    let found = lines.iter().find_map(|line| {
        // Messages about the destination have `change_dir#1`.
        let (path, why) = path_and_reason(line)?;
        let whole = line.contains(" change_dir \"")
            || (!talk.listed
                && line.contains(" link_stat \"")
                && source.text.trim_end_matches('/').ends_with(path.trim_start_matches('/')));
        whole.then_some((path.into_owned(), why))
    });
    let (path, why) = found?;
    let text = format!("the source {source} cannot be read: {path}: {}", lower(why));
    let hint = match source.address {
        Address::Local(_) if why.starts_with("Permission denied") => {
            "let the user that runs pdb-sync read it and enter the directories above; nothing is deleted meanwhile"
        }
        Address::Local(_) => "is its disk mounted, and the path spelled right? nothing is deleted meanwhile",
        _ => "check the path: each mirror has its own paths",
    };
    Some((Class::NextSource, Reason::new(text).hint(hint)))
}

/// Messages of ssh before rsync is started on the other side.
fn shell(lines: &[&str], talk: &Peer<'_>) -> Found {
    if !talk.by_shell() {
        return None;
    }
    let host = talk.source.host().unwrap_or_default();
    let of = |class, text: String, hint: String| Some((class, Reason::new(text).hint(hint)));
    if find(lines, "Host key verification failed").is_some() {
        return of(
            Class::NextSource,
            format!("ssh does not trust the host key of {host}"),
            format!("log in once by hand, `{}`, and compare the key before you accept it", talk.login("")),
        );
    }
    // rsync's own lines with the same text are about files.
    let own: Vec<&str> = lines.iter().filter(|line| !line.starts_with("rsync: ")).copied().collect();
    if let Some(line) = find(&own, "Permission denied (") {
        return of(
            Class::NextSource,
            format!("ssh could not log in to {host}: {}", lower(line)),
            format!(
                "unattended runs need a key without a passphrase, or an agent; try `{}`",
                talk.login("-o BatchMode=yes")
            ),
        );
    }
    if let Some(line) = find(lines, "Could not resolve hostname ") {
        return of(Class::Retry, format!("{host} could not be resolved: {line}"), unresolved());
    }
    if let Some(line) = find(lines, "connect to host ") {
        let why = line.rsplit_once(": ").map_or(line, |(_, why)| why);
        return of(
            Class::Retry,
            format!("ssh could not connect to {host}: {}", lower(why)),
            format!("is it up, and its ssh port open? try `{}`", talk.login("")),
        );
    }
    let line = ["kex_exchange_identification: ", "Connection closed by ", "Connection reset by "]
        .iter()
        .find_map(|text| find(lines, text))
        .filter(|line| !line.contains("peer (104)"))?;
    of(Class::Retry, format!("ssh lost {host}: {line}"), format!("try `{}`", talk.login("")))
}

/// Messages of the system while connecting to a daemon.
fn connecting(lines: &[&str], talk: &Peer<'_>) -> Found {
    let source = talk.source;
    if let Some(line) = find(lines, "getaddrinfo: ") {
        let why = line.rsplit_once(": ").map_or(line, |(_, why)| why);
        let reason = Reason::new(format!("{} could not be resolved: {}", source.host_label(), lower(why)));
        return Some((Class::Retry, reason.hint(unresolved())));
    }
    let line = find(lines, "failed to connect to ")?;
    let why = line.rsplit_once(": ").map_or(line, |(_, why)| why);
    let why = why.rsplit_once(" (").map_or(why, |(why, _)| why);
    let why = match why {
        "Connection refused" => "was refused".to_owned(),
        "Connection timed out" => "took too long".to_owned(),
        why => format!("failed: {}", lower(why)),
    };
    Some((Class::Retry, unreachable(source, talk.rsync_args, &why)))
}

fn unresolved() -> String {
    "check the name, and whether this machine's DNS works".into()
}

/// A daemon that cannot be reached; `how` completes "connecting to HOST …".
pub(super) fn unreachable(source: &Source, rsync_args: &[String], how: &str) -> Reason {
    let reason = Reason::new(format!("connecting to {} {how}", source.host_label()));
    let Address::Daemon { host, port, .. } = &source.address else {
        return reason.hint("is its server running, and the port open in the firewall?");
    };
    // As in rsync, the port of the source has priority over the option.
    let port = &if *port == 873 { args::port(rsync_args).unwrap_or(873) } else { *port };
    let known = Catalogue::built_in();
    let ports = known.ports(host);
    if let Some(own) = ports.first().filter(|_| !ports.contains(port)) {
        return reason.hint(format!("{host} is known to use port {own}: write rsync://{host}:{own}/…"));
    }
    match port {
        873 => reason.hint("is its server running, and the port open in the firewall?"),
        port if known.is_port(*port) => reason.hint(blocked(source, *port)),
        port => reason.hint(format!(
            "is its server running, port {port} right for this host, and open in the firewall?"
        )),
    }
}

/// The hint about a port that many firewalls block.
fn blocked(source: &Source, port: u16) -> String {
    let known = Catalogue::built_in();
    let question = format!("is port {port} blocked by a firewall?");
    let usual = |other: &Source| matches!(other.address, Address::Daemon { port: 873, .. });
    let others: Vec<String> =
        known.alternatives(source).into_iter().filter(usual).map(|other| other.text).collect();
    match (others.is_empty(), known.place(source)) {
        (false, Some((archive, _, below))) => format!(
            "{question} a mirror on port 873 may be reachable: give it as a second source, such as {}, or write \
             `source = \"{}:{below}\"` for all of them",
            others.join(" or "),
            archive.name
        ),
        _ => question,
    }
}
