//! Finds the configuration and the state directory in the words typed so far.

use crate::cli::{Cli, Global};
use crate::config;
use crate::platform;
use clap::Parser;
use std::ffi::OsString;

/// An incomplete command line.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    /// The words without quotes. The first is the program.
    pub(super) words: Vec<String>,
}

impl Typed {
    /// Reads the words, which follow a `--` in the program's own arguments.
    pub(super) fn of(arguments: impl Iterator<Item = OsString>) -> Self {
        let words = arguments.skip_while(|word| word != "--").skip(1);
        Typed { words: words.map(|word| unquoted(&word.to_string_lossy())).collect() }
    }

    /// Returns the options for configuration and state directory. The environment is used for those that were not typed.
    pub(super) fn global(&self) -> Option<Global> {
        let mut words = vec!["pdb-sync".to_owned()];
        // The last word is still being typed.
        let finished = self.words.split_last().map_or(&[][..], |(_, finished)| finished);
        let mut rest = finished.iter().skip(1).take_while(|word| *word != "--");
        while let Some(word) = rest.next() {
            let given = match word.as_str() {
                "-c" | "--config" | "--state-dir" => rest.next().map(|value| (word.as_str(), value.as_str())),
                _ => [("--config", "--config="), ("--state-dir", "--state-dir="), ("-c", "-c=")]
                    .into_iter()
                    .find_map(|(option, prefix)| Some((option, word.strip_prefix(prefix)?)))
                    .or_else(|| Some(("-c", word.strip_prefix("-c")?))),
            };
            if let Some((option, value)) = given {
                words.extend([option.to_owned(), expanded(value)]);
            }
        }
        words.push("list".into());
        Cli::try_parse_from(words).ok().map(|cli| cli.global)
    }
}

/// Expands a path as the shell will when the command runs.
fn expanded(path: &str) -> String {
    config::expand(path, &platform::host_facts()).unwrap_or_else(|_| path.to_owned())
}

/// Removes the quotes of a word. The last quote may be missing.
pub(super) fn unquoted(word: &str) -> String {
    // A backslash at the end escapes nothing yet.
    let backslashes = word.bytes().rev().take_while(|byte| *byte == b'\\').count();
    let word = &word[..word.len() - backslashes % 2];
    let ends = ["", "'", "\""];
    let whole =
        ends.iter().find_map(|end| match shell_words::split(&format!("{word}{end}")).ok()?.as_slice() {
            [] => Some(String::new()),
            [whole] => Some(whole.clone()),
            _ => None,
        });
    whole.unwrap_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str]) -> Typed {
        Typed::of(["pdb-sync", "--"].iter().chain(words).map(OsString::from))
    }

    #[test]
    fn quotes_need_not_be_closed() {
        for (word, meant) in [
            ("plain", "plain"),
            ("", ""),
            ("'big on", "big on"),
            ("\"it's", "it's"),
            ("big\\ on", "big on"),
            ("it\\'s", "it's"),
            ("big\\", "big"),
            ("--tag='big on", "--tag=big on"),
        ] {
            assert_eq!(unquoted(word), meant, "{word}");
        }
    }

    #[test]
    fn the_configuration_may_be_named_in_any_way() {
        for words in [
            &["pdb-sync", "-c", "/a b.toml", "sync", ""][..],
            &["pdb-sync", "sync", "--config=/a b.toml", ""],
            &["pdb-sync", "sync", "-c/a\\ b.toml", "--all", "m"],
            &["pdb-sync", "sync", "--config", "'/a b.toml'", "--", "--config=x"],
        ] {
            let global = typed(words).global().unwrap();
            assert_eq!(global.config.unwrap().to_str(), Some("/a b.toml"), "{words:?}");
        }
        assert_eq!(typed(&["pdb-sync", "--config"]).global().unwrap().config, None);
    }
}
