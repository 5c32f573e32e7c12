//! rsync's own options: which of them a job may use.

mod files;
mod filtered;
mod keys;
mod refuse;

pub(super) use files::{named_files, with_files};
pub use filtered::{ADD_FILES, Filters, LetsIn, ShutsOut, leaves_out, lets_in, shuts_out};
pub(super) use filtered::{size_limits, without_filters};
pub use keys::hint_for_key;
pub use refuse::{Refused, check, check_with_delete};

use crate::model::system_names::ours;

/// Filters before those of the job: our directory, whatever its type, and leftovers of an interrupted rsync (`.~tmp~` is from
/// `--delay-updates`). They exclude these names at the source and protect them at the destination. They are perishable (`p`), so that they
/// do not preserve a directory that is gone upstream. They are repeated after every option by which a job can clear the list of filters
/// (`!`).
pub(super) const PROTECTED: [&str; 3] =
    [concat!("--exclude=/", ours!()), "--filter=-p .~tmp~", "--filter=-p .~partial~"];

/// Short options that take a value (the rest of the cluster, or the next argument), rsync 3.5.0.
const SHORT_VALUED: &str = "@BMTef";

/// Long options that take a value (after `=`, or the next argument), rsync 3.5.0. The last few are refused, but must be parsed correctly
/// for the message.
pub(super) const LONG_VALUED: [&str; 64] = [
    "address",
    "backup-dir",
    "block-size",
    "bwlimit",
    "cc",
    "checksum-choice",
    "checksum-seed",
    "chmod",
    "chown",
    "compare-dest",
    "compress-choice",
    "compress-level",
    "compress-threads",
    "confine-root",
    "contimeout",
    "copy-as",
    "copy-dest",
    "debug",
    "early-input",
    "exclude",
    "exclude-from",
    "files-from",
    "filter",
    "groupmap",
    "iconv",
    "include",
    "include-from",
    "info",
    "link-dest",
    "log-file",
    "log-file-format",
    "max-alloc",
    "max-size",
    "min-size",
    "modify-window",
    "outbuf",
    "partial-dir",
    "password-file",
    "port",
    "protocol",
    "remote-option",
    "rsh",
    "rsync-path",
    "skip-compress",
    "sockopts",
    "stop-after",
    "stop-at",
    "suffix",
    "temp-dir",
    "time-limit",
    "timeout",
    "usermap",
    "zc",
    "zl",
    "zt",
    "stderr",
    "dparam",
    "config",
    "only-write-batch",
    "write-batch",
    "read-batch",
    "out-format",
    "log-format",
    "max-delete",
];

/// A parsed element of a job's options.
enum Item<'a> {
    /// `--name` or `--name=value`.
    Long(&'a str, Option<&'a str>),
    /// One letter of a cluster, with its value if it takes one.
    Short(char, Option<&'a str>),
    /// Neither an option nor the value of one.
    Operand(&'a str),
}

/// Parses the options like rsync's parser (popt).
fn items(args: &[String]) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut rest = args.iter().map(String::as_str);
    while let Some(arg) = rest.next() {
        if let Some(long) = arg.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v)));
            let value = match value {
                None if LONG_VALUED.contains(&name) => rest.next(),
                value => value,
            };
            items.push(Item::Long(name, value));
        } else if let Some(cluster) = arg.strip_prefix('-').filter(|c| !c.is_empty() && *c != "-") {
            for (at, letter) in cluster.char_indices() {
                if !SHORT_VALUED.contains(letter) {
                    items.push(Item::Short(letter, None));
                    continue;
                }
                let value = &cluster[at + letter.len_utf8()..];
                let value = if value.is_empty() { rest.next() } else { Some(value.trim_start_matches('=')) };
                items.push(Item::Short(letter, value));
                break;
            }
        } else {
            items.push(Item::Operand(arg));
        }
    }
    items
}

/// Whether an option is given, by its letter (if it has one) or its name.
pub(super) fn names(args: &[String], letter: Option<char>, name: &str) -> bool {
    items(args).iter().any(|item| match item {
        Item::Long(long, _) => *long == name,
        Item::Short(short, _) => Some(*short) == letter,
        Item::Operand(_) => false,
    })
}

/// Options that prevent differing files from being replaced or transferred. Files excluded by size are still in rsync's figures: a listing
/// with such a limit would count them as files of the destination.
const HIDING: [&str; 6] =
    ["update", "existing", "ignore-non-existing", "ignore-existing", "max-size", "min-size"];

/// Returns the same options without those that hide differences.
pub(super) fn without_hiding(args: &[String]) -> Vec<String> {
    let mut kept = Vec::with_capacity(args.len());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if let Some(long) = arg.strip_prefix("--").filter(|long| !long.is_empty()) {
            let name = long.split_once('=').map_or(long, |(name, _)| name);
            let value =
                (name.len() == long.len() && LONG_VALUED.contains(&name)).then(|| rest.next()).flatten();
            if !HIDING.contains(&name) {
                kept.push(arg.clone());
                kept.extend(value.cloned());
            }
            continue;
        }
        let Some(cluster) = arg.strip_prefix('-').filter(|cluster| !cluster.is_empty()) else {
            kept.push(arg.clone());
            continue;
        };
        let value = cluster.find(|letter| SHORT_VALUED.contains(letter)).unwrap_or(cluster.len());
        let (flags, valued) = cluster.split_at(value);
        let flags: String = flags.chars().filter(|letter| *letter != 'u').collect();
        if !(flags.is_empty() && valued.is_empty()) {
            kept.push(format!("-{flags}{valued}"));
        }
        if valued.chars().count() == 1 {
            kept.extend(rest.next().cloned());
        }
    }
    kept
}

/// Whether a filter pattern or rule clears all earlier rules.
pub(super) fn clears_filters(rule: &str) -> bool {
    let rule = rule.trim();
    rule == "!" || rule == "clear"
}

/// Returns the same options with our filters repeated after each option that may have cleared the list: a `!`, or rules from a file.
pub(super) fn protected(args: &[String]) -> Vec<String> {
    let mut out = Vec::with_capacity(args.len());
    for (option, value, words) in filters(args) {
        let clears = match option {
            Some("filter" | "include" | "exclude") => {
                value.is_some_and(|rule| clears_filters(rule) || is_merge(rule))
            }
            Some(_) => true,
            None => false,
        };
        out.extend(words.iter().cloned());
        if clears {
            out.extend(PROTECTED.map(str::to_owned));
        }
    }
    out
}

/// Whether some rules come from files, which are not read here.
pub(super) fn filters_from_files(args: &[String]) -> bool {
    filters(args).any(|(option, value, _)| match option {
        Some("filter") => value.is_some_and(is_merge),
        Some("include-from" | "exclude-from") => true,
        _ => false,
    })
}

/// Whether a rule is `merge FILE` or `. FILE`. Rules in per-directory files (`:`) only clear each other.
fn is_merge(rule: &str) -> bool {
    rule.starts_with("merge") || rule.starts_with('.')
}

/// Options about the connection to a server.
const CONNECTION: [&str; 12] = [
    "rsh",
    "rsync-path",
    "port",
    "address",
    "ipv4",
    "ipv6",
    "sockopts",
    "contimeout",
    "timeout",
    "password-file",
    "protocol",
    "remote-option",
];
/// Their letters.
const CONNECTION_LETTERS: [char; 4] = ['e', '4', '6', 'M'];

/// Returns the options about the connection to a server alone.
pub(super) fn of_connection(args: &[String]) -> Vec<String> {
    let with = |option: String, value: Option<&str>, between: &str| match value {
        Some(value) => format!("{option}{between}{value}"),
        None => option,
    };
    let own = items(args).into_iter().filter_map(|item| match item {
        Item::Long(name, value) if CONNECTION.contains(&name) => Some(with(format!("--{name}"), value, "=")),
        Item::Short(letter, value) if CONNECTION_LETTERS.contains(&letter) => {
            Some(with(format!("-{letter}"), value, ""))
        }
        _ => None,
    });
    own.collect()
}

/// Options that are filters, or name files of filters.
const FILTERS: [&str; 5] = ["filter", "include", "exclude", "include-from", "exclude-from"];

/// Iterates over the options with their arguments (a separate value stays with its option). The first two values are the long name and the
/// value of a filter option; the name is `None` for other options.
fn filters(args: &[String]) -> impl Iterator<Item = (Option<&str>, Option<&str>, &[String])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        let (name, value, takes_value) = split(args.get(at)?);
        at += 1;
        let value = match value {
            None if takes_value && at < args.len() => {
                at += 1;
                Some(args[at - 1].as_str())
            }
            value => value,
        };
        Some((name.filter(|name| FILTERS.contains(name)), value, &args[start..at]))
    })
}

/// Splits one argument: the long name of the option that takes the value, the value if it is in the same argument, and whether the option
/// takes a value.
fn split(arg: &str) -> (Option<&str>, Option<&str>, bool) {
    if let Some(long) = arg.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        return (Some(name), value, LONG_VALUED.contains(&name));
    }
    let cluster = arg.strip_prefix('-').unwrap_or("");
    let Some(at) = cluster.find(|letter| SHORT_VALUED.contains(letter)) else { return (None, None, false) };
    let value = cluster[at + 1..].trim_start_matches('=');
    let name = cluster[at..].starts_with('f').then_some("filter");
    (name, Some(value).filter(|value| !value.is_empty()), true)
}

/// Returns a pattern that matches exactly this name. In a pattern with a wildcard, a backslash escapes the next character.
pub(super) fn literal(name: &str) -> String {
    if !name.contains(['*', '?', '[']) {
        return name.to_owned();
    }
    name.chars().flat_map(|c| "*?[\\".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// Returns the last value of a long option, `--name=VALUE` or `--name VALUE`.
pub(super) fn value<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    value_of(args, None, name)
}

/// Like [`value`], for an option that also has a letter.
pub(super) fn value_of<'a>(args: &'a [String], letter: Option<char>, name: &str) -> Option<&'a str> {
    let mut values = items(args).into_iter().filter_map(|item| match item {
        Item::Long(long, value) if long == name => value,
        Item::Short(short, value) if Some(short) == letter => value,
        _ => None,
    });
    values.next_back()
}

#[cfg(test)]
mod tests;
