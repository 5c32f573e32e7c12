//! The words typed so far, as far as they say which configuration and state are meant.

use crate::cli::{Cli, Global};
use crate::config;
use crate::platform;
use clap::Parser;
use std::ffi::OsString;

/// A command line that is being typed.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    /// Its words without quotes; the first is the program.
    pub(super) words: Vec<String>,
}

impl Typed {
    /// The words follow a `--` among the program's own arguments.
    pub(super) fn of(arguments: impl Iterator<Item = OsString>) -> Self {
        let words = arguments.skip_while(|word| word != "--").skip(1);
        Typed { words: words.map(|word| unquoted(&word.to_string_lossy())).collect() }
    }

    /// The options that say where the configuration and the state are; from the environment where they were not typed.
    pub(super) fn global(&self) -> Option<Global> {
        let mut words = vec!["pdb-sync".to_owned()];
        // The last word is not finished.
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

/// What the shell will have made of it when the command runs.
fn expanded(path: &str) -> String {
    config::expand(path, &platform::host_facts()).unwrap_or_else(|_| path.to_owned())
}

/// A word without its quotes, the last of which may be missing.
pub(super) fn unquoted(word: &str) -> String {
    // A backslash at the end has nothing to stand before yet.
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
