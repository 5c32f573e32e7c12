//! Our own completion scripts, and the format of the answers for each shell.
//!
//! An answer has one candidate per line, `value:TEXT`. After `open:TEXT` the word continues. `files:BEFORE` and `directories:BEFORE` ask
//! the shell to complete a path that follows BEFORE in the word; fish also gets the beginning of the path.

use super::candidates::{DIRECTORIES, FILES};
use super::typed::unquoted;
use clap::Command;
use clap_complete::CompletionCandidate;
use clap_complete::engine::complete;
use clap_complete::env::EnvCompleter;
use std::env;
use std::ffi::OsString;
use std::io::{Error, Write};
use std::path::Path;

/// The shell that requests completions. Set only by the scripts.
pub(super) const VARIABLE: &str = "PDB_SYNC_COMPLETE";

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    /// 3.2 and newer. Before 4, paths are completed without quotes.
    Bash,
    /// 5 and newer.
    Zsh,
    /// 3 and newer.
    Fish,
}

impl EnvCompleter for Shell {
    fn name(&self) -> &'static str {
        match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
        }
    }

    fn is(&self, name: &str) -> bool {
        name == self.name()
    }

    fn write_registration(
        &self,
        variable: &str,
        _name: &str,
        _bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> Result<(), Error> {
        let script = match self {
            Shell::Bash => include_str!("pdb-sync.bash"),
            Shell::Zsh => include_str!("pdb-sync.zsh"),
            Shell::Fish => include_str!("pdb-sync.fish"),
        };
        // All three read single quotes in the same way, except for a single quote and a backslash in fish.
        let completer = match self {
            Shell::Fish => format!("'{}'", completer.replace('\\', "\\\\").replace('\'', "\\'")),
            _ => shell_words::quote(completer).into_owned(),
        };
        buf.write_all(script.replace("@VAR@", variable).replace("@COMPLETER@", &completer).as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> Result<(), Error> {
        let raw: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let Some((current, before)) = raw.split_last() else { return Ok(()) };
        let mut plain: Vec<OsString> = match self {
            // The words before the current one are already unquoted.
            Shell::Zsh | Shell::Fish => before.iter().map(OsString::from).collect(),
            Shell::Bash => before.iter().map(|word| unquoted(word).into()).collect(),
        };
        if takes_the_rest(command, &plain) {
            return Ok(());
        }
        let index = plain.len();
        let meant = unquoted(current);
        plain.push(meant.clone().into());
        let found = complete(command, plain, index, current_dir)?;
        for candidate in wanted(&found, &meant) {
            let value = candidate.get_value().to_string_lossy();
            let kind = match candidate.get_tag().map(ToString::to_string).as_deref() {
                Some(FILES) => "files",
                Some(DIRECTORIES) => "directories",
                _ => "",
            };
            match (kind, self) {
                ("files" | "directories", Shell::Fish) => {
                    let path = meant.strip_prefix(&*value).unwrap_or(&meant);
                    writeln!(buf, "{kind}:{value}\t{path}")?;
                }
                ("files" | "directories", _) => writeln!(buf, "{kind}:{value}")?,
                _ => writeln!(buf, "{}", self.line(candidate, &value, current, &meant))?,
            }
        }
        Ok(())
    }
}

impl Shell {
    fn line(self, candidate: &CompletionCandidate, value: &str, current: &str, meant: &str) -> String {
        let help = candidate.get_help().map(ToString::to_string);
        let help = help.as_deref().and_then(|help| help.lines().next()).filter(|help| !help.is_empty());
        match self {
            Shell::Bash => {
                let replaced = env::var(format!("{}_CURRENT", VARIABLE));
                format!("value:{}", in_bash(value, current, meant, replaced.as_deref().unwrap_or(current)))
            }
            Shell::Zsh => {
                let kind = if value.ends_with(['/', '=', ',']) { "open" } else { "value" };
                let value = value.replace('\\', "\\\\").replace(':', "\\:");
                match help {
                    Some(help) => format!("{kind}:{value}:{}", help.replace('\\', "\\\\")),
                    None => format!("{kind}:{value}"),
                }
            }
            Shell::Fish => match help {
                Some(help) => format!("value:{value}\t{help}"),
                None => format!("value:{value}"),
            },
        }
    }
}

/// Whether the current word is an argument of rsync after `--`, which has no candidates.
fn takes_the_rest(command: &Command, words: &[OsString]) -> bool {
    let mut named = command;
    for word in words.iter().skip(1) {
        if word == "--" {
            return named.get_positionals().any(clap::Arg::is_last_set);
        }
        named = named.find_subcommand(word).unwrap_or(named);
    }
    false
}

/// Filters the candidates. Options are offered only if the word begins with a dash, or if there are no other candidates. Candidates
/// that are not UTF-8 or have control characters are never offered.
fn wanted<'a>(found: &'a [CompletionCandidate], meant: &str) -> Vec<&'a CompletionCandidate> {
    let is_option =
        |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().starts_with('-');
    let only_values = !meant.starts_with('-') && found.iter().any(|candidate| !is_option(candidate));
    let fits = |candidate: &&CompletionCandidate| {
        let value = candidate.get_value().to_str();
        !(only_values && is_option(candidate)) && value.is_some_and(|value| !value.contains(char::is_control))
    };
    found.iter().filter(fits).collect()
}

/// Returns the replacement for `replaced`, the end of the raw word from the last `=`, `:` or opening quote on.
fn in_bash(value: &str, current: &str, meant: &str, replaced: &str) -> String {
    // The part of the word that is not replaced, without its quotes.
    let stays = current.strip_suffix(replaced).unwrap_or_default();
    let quote = stays.chars().last().filter(|last| ['\'', '"'].contains(last));
    let stays = unquoted(stays);
    let rest = if meant.starts_with(&stays) { value.strip_prefix(&stays).unwrap_or(value) } else { value };
    let mut out = String::new();
    for char in rest.chars() {
        match (quote, char) {
            (Some('\''), '\'') => out.push_str("'\\''"),
            (Some('\''), char) => out.push(char),
            (Some(_), '"' | '$' | '`' | '\\' | '!') => out.extend(['\\', char]),
            (Some(_), char) => out.push(char),
            (None, char) if char.is_alphanumeric() || "-_./=,:@%+~".contains(char) => out.push(char),
            (None, char) => out.extend(['\\', char]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bash_replaces_is_quoted_as_it_was_begun() {
        for (value, current, replaced, out) in [
            ("weekly", "we", "we", "weekly"),
            ("big ones", "big", "big", "big\\ ones"),
            ("it's", "", "", "it\\'s"),
            ("big ones", "'big", "big", "big ones"),
            ("it's", "\"it", "it", "it's"),
            ("it's", "'it", "it", "it'\\''s"),
            ("--tag=big ones", "--tag=bi", "bi", "big\\ ones"),
            ("--tag=big ones", "--tag=", "", "big\\ ones"),
            ("--tag=a:b", "--tag=a:", "", "b"),
        ] {
            assert_eq!(in_bash(value, current, &unquoted(current), replaced), out, "{current}");
        }
    }
}
