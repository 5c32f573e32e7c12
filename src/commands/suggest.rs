//! Hints for unknown commands and options that have a known equivalent.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Words that users try, and the command line to use instead.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["version"], "`pdb-sync --version` prints it"),
    (&["validate", "lint"], "`pdb-sync config check` checks the configuration"),
    (
        &["check", "test"],
        "`pdb-sync config check` checks the configuration, `pdb-sync doctor` the machine, `pdb-sync verify JOB` files",
    ),
    (
        &[
            "run", "start", "update", "mirror", "pull", "fetch", "download", "get", "copy", "transfer",
            "refresh",
        ],
        "`pdb-sync sync JOB` runs a job, `pdb-sync sync --all` all that are enabled",
    ),
    (&["rerun", "retry"], "`pdb-sync sync --rerun-failed` runs the jobs that did not succeed last time"),
    (&["init", "setup", "new"], "`pdb-sync config init` writes a configuration"),
    (
        &["show"],
        "`pdb-sync list` shows the jobs, `pdb-sync config show` the configuration, `pdb-sync history show last` a run",
    ),
    (&["ls", "jobs"], "`pdb-sync list` shows the jobs"),
    (
        &["undo", "restore", "revert", "rollback"],
        "`pdb-sync clean undo last` brings back what the last run removed",
    ),
    (
        &["plan", "preview", "dry-run"],
        "`pdb-sync sync JOB --plan` says what a sync would change, `pdb-sync clean plan JOB` what is left over",
    ),
    (
        &["diff"],
        "`pdb-sync sync JOB --plan` compares with the source, `pdb-sync scan JOB --diff` with the last scan",
    ),
    (
        &["log", "logs", "runs"],
        "`pdb-sync history` shows past runs and `pdb-sync history show RUN` where their logs are, `pdb-sync clean log` what was removed",
    ),
    (
        &["purge", "prune", "gc", "expire"],
        "`pdb-sync clean purge` removes for good what was kept long enough",
    ),
    (&["rules"], "`pdb-sync clean rules` lists them"),
    (&["explain", "why"], "`pdb-sync clean explain PATH` says which rule decides about a path"),
    (
        &["edit"],
        "`pdb-sync clean edit` decides about a plan; the configuration is the file that `pdb-sync config path` prints",
    ),
    (
        &["delete", "remove", "rm", "cleanup"],
        "`pdb-sync clean plan JOB` finds what is left over, `pdb-sync clean run` removes it",
    ),
    (&["find", "query", "grep", "lookup"], "`pdb-sync search QUERY` looks in the indexes"),
    (&["reindex", "build"], "`pdb-sync index JOB` builds or refreshes an index"),
    (&["repair", "fix"], "`pdb-sync verify JOB --repair` fetches damaged files again"),
    (&["schema"], "`pdb-sync config schema` prints it"),
    (&["path"], "`pdb-sync config path` prints it"),
    (&["ps", "top", "info", "watch", "monitor"], "`pdb-sync status` shows what is going on"),
    (&["du", "size", "count", "inventory"], "`pdb-sync scan JOB` counts what a mirror holds"),
    (&["metrics", "statistics"], "`pdb-sync stats` shows figures about past runs"),
    (&["completion"], "`pdb-sync completions SHELL` prints completions"),
];

/// The same for words after `config`.
const CONFIG: &[(&[&str], &str)] = &[
    (&["validate", "lint", "verify", "test"], "`pdb-sync config check` reports every problem"),
    (
        &["list", "ls", "print", "dump", "get", "view", "cat"],
        "`pdb-sync config show` prints what is resolved",
    ),
    (&["new", "create", "generate", "template", "write"], "`pdb-sync config init` writes one"),
    (
        &["edit", "set", "where", "file", "which"],
        "`pdb-sync config path` prints which file is used; edit that file",
    ),
];

/// The same for words after `clean`.
const CLEAN: &[(&[&str], &str)] = &[
    (
        &["list", "ls", "history", "logs", "runs", "status"],
        "`pdb-sync clean log` shows runs, `pdb-sync clean show` a plan",
    ),
    (&["restore", "revert", "rollback"], "`pdb-sync clean undo RUN` brings back what a run removed"),
    (&["apply", "do", "execute", "delete", "remove", "start"], "`pdb-sync clean run` does what a plan says"),
    (&["check", "diff"], "`pdb-sync clean verify` compares a plan with what is there"),
    (&["scan", "find", "new", "preview", "dry-run"], "`pdb-sync clean plan JOB` finds what is left over"),
    (&["prune", "gc", "expire"], "`pdb-sync clean purge` removes for good what was kept long enough"),
    (&["rule"], "`pdb-sync clean rules` lists them"),
    (&["why"], "`pdb-sync clean explain PATH` says which rule decides"),
];

/// Returns the error and what to write instead. `None` if clap's message is sufficient. `words` are the arguments.
pub(super) fn of(error: &clap::Error, words: &[String]) -> Option<(String, String)> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = text(ContextKind::InvalidSubcommand)?;
            let (known, above) = match before(words, word) {
                Some("config") => (CONFIG, "config "),
                Some("clean") => (CLEAN, "clean "),
                _ => (COMMANDS, ""),
            };
            let wanted = word.to_ascii_lowercase();
            let (_, hint) = known.iter().find(|(names, _)| names.contains(&wanted.as_str()))?;
            Some((format!("there is no command `{above}{word}`"), (*hint).to_owned()))
        }
        ErrorKind::UnknownArgument => {
            let argument = text(ContextKind::InvalidArg)?;
            if argument != "-n" {
                return None;
            }
            let command = words.iter().map(String::as_str).find(|word| {
                ["search", "history", "scan", "index", "verify", "list", "status", "stats", "doctor"]
                    .contains(word)
            });
            let hint = match command? {
                command @ ("search" | "history") => {
                    format!("`{command}` changes nothing; at most so many are shown with -l N (--limit N)")
                }
                "index" => {
                    "an index is made beside the mirror and changes nothing there; there is no dry run of it"
                        .into()
                }
                "verify" => "without --repair it changes nothing".into(),
                command => format!("`{command}` changes nothing"),
            };
            Some(("-n is a dry run, which this command does not have".into(), hint))
        }
        _ => None,
    }
}

/// Returns the command before a word.
fn before<'a>(words: &'a [String], word: &str) -> Option<&'a str> {
    let at = words.iter().position(|known| known == word)?;
    words[..at].iter().map(String::as_str).find(|known| ["config", "clean"].contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::{CommandFactory, Parser};

    fn guess(line: &str) -> Option<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let error =
            Cli::try_parse_from(std::iter::once("pdb-sync".to_owned()).chain(words.clone())).unwrap_err();
        of(&error, &words).map(|(_, hint)| hint)
    }

    #[test]
    fn words_that_people_try_get_a_hint() {
        for (line, hint) in [
            ("version", "--version"),
            ("validate", "config check"),
            ("run a", "sync JOB"),
            ("init", "config init"),
            ("-q undo last", "clean undo"),
            ("config validate", "config check"),
            ("help undo", "clean undo"),
            ("clean restore X", "clean undo"),
            ("search -n 5 x", "--limit N"),
            ("history -n 5", "--limit N"),
        ] {
            let told = guess(line).unwrap_or_default();
            assert!(told.contains(hint), "{line}: {told}");
        }
        assert_eq!(guess("frobnicate"), None);
        assert_eq!(guess("sync --nope"), None);
    }

    /// Every command in the hints must exist.
    #[test]
    fn what_the_hints_name_exists() {
        for (names, hint) in [COMMANDS, CONFIG, CLEAN].concat() {
            for line in hint.split('`').skip(1).step_by(2) {
                let mut command = Cli::command();
                command.build();
                let words: Vec<&str> = line.split(' ').skip(1).collect();
                let mut at = &command;
                for word in &words {
                    match at.find_subcommand(word) {
                        Some(below) => at = below,
                        None if word.starts_with("--") => {
                            let long = word.trim_start_matches("--");
                            let known = at.get_arguments().any(|arg| arg.get_long() == Some(long));
                            assert!(known, "{names:?}: {line}");
                        }
                        None => assert!(at.get_positionals().next().is_some(), "{names:?}: {line}"),
                    }
                }
                assert!(!line.is_empty() && line.starts_with("pdb-sync "), "{names:?}: {line}");
            }
        }
    }
}
