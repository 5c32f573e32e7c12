//! Finds the kind of an argument's values by their name in the help.

/// The kind of candidates for an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Names of jobs.
    Job,
    /// Names of jobs, and directories.
    Tree,
    /// Names of indexes, and directories.
    Index,
    /// Tags of jobs.
    Tag,
    /// Runs of the history.
    Run,
    /// Runs with a journal of deletions.
    Journal,
    /// Final states of jobs.
    Status,
    /// Rules of `clean`.
    Rule,
    /// `last`, and files of plans.
    Plan,
    /// The same, and names of jobs.
    PlanOrJob,
    /// Facets of `search`.
    Facet,
    /// Archives of `mirrors`.
    Archive,
    /// Files.
    File,
    /// Directories.
    Directory,
    /// Values without candidates: numbers, durations, patterns.
    Free,
}

impl Kind {
    /// Returns the kind of a value name. `command` has the words of the command without the program: `["clean", "log"]`. `None` if the name
    /// is not in this table.
    pub(super) fn of(value: &str, command: &[String]) -> Option<Kind> {
        let first = command.first().map_or("", String::as_str);
        Some(match (value, first) {
            ("JOB", _) => Kind::Job,
            ("JOB|PATH", "search") | ("INDEX", _) => Kind::Index,
            ("JOB|PATH", _) => Kind::Tree,
            ("TAG", _) => Kind::Tag,
            ("RUN", "clean") => Kind::Journal,
            ("RUN", _) => Kind::Run,
            ("STATUS", _) => Kind::Status,
            ("RULE", _) => Kind::Rule,
            ("PLAN", _) => Kind::Plan,
            ("PLAN|JOB", _) => Kind::PlanOrJob,
            ("FIELDS", _) => Kind::Facet,
            ("ARCHIVE", _) => Kind::Archive,
            ("FILE" | "PATH", _) => Kind::File,
            ("DIR", _) => Kind::Directory,
            (
                "JOB.KEY=VALUE" | "N" | "N|P%" | "SIZE|P%" | "DUR" | "RATE" | "SIZE" | "HASH" | "GLOB"
                | "QUERY" | "TEMPLATE" | "RSYNC_ARGS",
                _,
            ) => Kind::Free,
            _ => return None,
        })
    }

    /// Whether only paths are valid.
    pub(super) fn takes_paths(self) -> bool {
        matches!(self, Kind::File | Kind::Directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, CommandFactory};

    fn walk(command: &Command, path: &[String], unknown: &mut Vec<String>) {
        for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
            // clap itself completes arguments with fixed values.
            if argument.get_possible_values().is_empty() {
                let values = argument.get_value_names().unwrap_or_default();
                unknown.extend(
                    values
                        .iter()
                        .filter(|value| Kind::of(value, path).is_none())
                        .map(|value| format!("{path:?} {} {value}", argument.get_id())),
                );
            }
        }
        for child in command.get_subcommands() {
            walk(child, &[path, &[child.get_name().to_owned()]].concat(), unknown);
        }
    }

    #[test]
    fn every_argument_is_of_a_kind() {
        let mut command = crate::cli::Cli::command();
        command.build();
        let mut unknown = Vec::new();
        walk(&command.disable_help_subcommand(true), &[], &mut unknown);
        unknown.retain(|argument| !argument.starts_with("[\"help\""));
        assert!(unknown.is_empty(), "say in kinds.rs what these values are: {unknown:#?}");
    }
}
