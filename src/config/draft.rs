//! The parsed file before it is resolved: every key is known and every value has the right type, or there is a problem.

use super::clean_layer::CleanLayer;
use super::config_files::patterns;
use super::layer::{
    AlertLayer, HostLayer, IndexLayer, Layer, MirrorLayer, NotifyLayer, Origin, ScanLayer, SearchLayer, Span,
    StatsLayer, SyncLayer, Table,
};
use super::problem::{Problem, Text};
use super::suggestion::did_you_mean;
use super::unknown_key::{hint_for, owner};
use super::value::{Reader, integer};
use crate::mirrors::check_archive_name;
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The contents of a file, without defaults.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// `[sync]`
    pub sync: SyncLayer,
    /// `[index]`
    pub index: IndexLayer,
    /// `[hosts."NAME"]`, by lower-case name, and the position of the name.
    pub hosts: BTreeMap<String, (HostLayer, Span)>,
    /// `[mirrors.NAME]`, and the position of the name.
    pub mirrors: BTreeMap<String, (MirrorLayer, Span)>,
    /// `[stats]`
    pub stats: StatsLayer,
    /// `[[stats.alerts]]`, and the position of each.
    pub alerts: Vec<(AlertLayer, Span)>,
    /// `[notify]`
    pub notify: NotifyLayer,
    /// `[defaults]`
    pub defaults: Layer,
    /// `[jobs.NAME]` in the order of the file.
    pub jobs: Vec<DraftJob>,
    /// `[scan]`
    pub scan: ScanLayer,
    /// `[search]`
    pub search: SearchLayer,
    /// `[clean]`
    pub clean: CleanLayer,
    /// `config_files`: each pattern and its position.
    pub config_files: Vec<(String, Span)>,
    /// The positions of the sections.
    pub(super) sections: BTreeMap<String, Span>,
    /// Whether the file is invalid TOML. Values that seem to be missing may then only be unreadable.
    pub broken: bool,
}

/// `[jobs.NAME]`
#[derive(Debug, Clone)]
pub struct DraftJob {
    /// The name. It is valid, or there is a problem.
    pub name: String,
    /// The position of the name.
    pub span: Span,
    /// Its values.
    pub layer: Layer,
    /// Keys whose values could not be read. Each has a problem.
    pub unread: Vec<String>,
}

type Entry<'t, 'i> = (&'t Spanned<toml::de::DeString<'i>>, &'t Spanned<DeValue<'i>>);

const SECTIONS: [&str; 13] = [
    "version",
    "config_files",
    "sync",
    "hosts",
    "mirrors",
    "defaults",
    "jobs",
    "scan",
    "clean",
    "index",
    "search",
    "stats",
    "notify",
];
const LONGEST_NAME: usize = 64;

/// A job takes about 6 KB of memory.
pub(super) const MOST_JOBS: usize = 10_000;

impl Draft {
    /// Parses a file; never fails. The problems are in the order of the file.
    pub fn parse(text: &str, file: &Path) -> (Draft, Vec<Problem>) {
        Draft::parse_file(0, Text { file, text })
    }

    /// The same for one of several files.
    pub(super) fn parse_file(number: usize, text: Text<'_>) -> (Draft, Vec<Problem>) {
        let (document, errors) = DeTable::parse_recoverable(text.text);
        let mut reader = Reader::of_file(number, text);
        let mut draft = Draft { broken: !errors.is_empty(), ..Draft::default() };
        for (key, value) in in_order(document.get_ref()) {
            draft.section(key, value, &mut reader);
        }
        let place = |problem: &Problem| problem.place.as_ref().map(|place| (place.line, place.column));
        let line = |problem: &Problem| problem.place.as_ref().map(|place| place.line);
        let mut problems: Vec<Problem> = Vec::new();
        for error in &errors {
            let span = error.span().unwrap_or(text.text.len()..text.text.len());
            reader.text.next_problem(
                &mut problems,
                span,
                format!("not valid TOML: {}", error.message()),
                None,
            );
        }
        // Other problems on a line that is not valid TOML are consequences of that, so they are left out.
        let broken_lines: Vec<_> = problems.iter().map(line).collect();
        problems.extend(reader.problems.into_iter().filter(|problem| !broken_lines.contains(&line(problem))));
        // Problems that are only counted come last.
        problems.sort_by_key(|problem| (problem.text.is_empty(), place(problem)));
        problems.dedup_by(|a, b| !a.text.is_empty() && a == b);
        (draft, problems)
    }

    fn section(
        &mut self,
        key: &Spanned<toml::de::DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        reader: &mut Reader<'_>,
    ) {
        let name = key.get_ref().as_ref();
        match name {
            "version" => version(value, reader),
            "config_files" => self.config_files = patterns(key, value, reader),
            "sync" | "hosts" | "mirrors" | "defaults" | "jobs" | "scan" | "clean" | "index" | "search"
            | "stats" | "notify" => {
                let Some(table) = value.get_ref().as_table() else {
                    return reader.wrong_type(value, &format!("a table, [{name}]"));
                };
                self.sections.insert(name.to_owned(), reader.span(key.span()));
                match name {
                    "sync" => drop(read(&mut self.sync, "[sync]", in_order(table), Origin::Section, reader)),
                    "index" => {
                        drop(read(&mut self.index, "[index]", in_order(table), Origin::Section, reader))
                    }
                    "scan" => drop(read(&mut self.scan, "[scan]", in_order(table), Origin::Section, reader)),
                    "search" => {
                        drop(read(&mut self.search, "[search]", in_order(table), Origin::Section, reader))
                    }
                    "clean" => {
                        drop(read(&mut self.clean, "[clean]", in_order(table), Origin::Section, reader))
                    }
                    "notify" => {
                        drop(read(&mut self.notify, "[notify]", in_order(table), Origin::Section, reader))
                    }
                    "hosts" => self.hosts(table, reader),
                    "mirrors" => self.mirrors(table, reader),
                    "defaults" => self.defaults(table, reader),
                    "stats" => self.stats(table, reader),
                    _ => self.jobs(table, reader),
                }
            }
            _ => {
                let hint = owner(name)
                    .filter(|_| !value.get_ref().is_table())
                    .map(|owner| format!("{name} belongs in {owner}"))
                    .or_else(|| did_you_mean(name, SECTIONS));
                let what = if value.get_ref().is_table() { "section" } else { "key" };
                reader.problem(key.span(), format!("unknown {what} {name:?}"), hint);
            }
        }
    }

    fn stats(&mut self, table: &DeTable<'_>, reader: &mut Reader<'_>) {
        let (alerts, rest): (Vec<_>, Vec<_>) =
            in_order(table).into_iter().partition(|(key, _)| key.get_ref() == "alerts");
        for (_, value) in alerts {
            self.alerts(value, reader);
        }
        read(&mut self.stats, "[stats]", rest, Origin::Section, reader);
    }

    fn alerts(&mut self, value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) {
        let Some(list) = value.get_ref().as_array() else {
            return reader.wrong_type(value, "a list of tables, [[stats.alerts]]");
        };
        for value in list {
            let Some(table) = value.get_ref().as_table() else {
                reader.wrong_type(value, "a table, [[stats.alerts]]");
                continue;
            };
            let before = reader.problems.len();
            let mut layer = AlertLayer::default();
            read(&mut layer, "[[stats.alerts]]", in_order(table), Origin::Section, reader);
            // A value that could not be read is not missing, so no second problem is added.
            if reader.problems.len() == before {
                self.alerts.push((layer, reader.span(value.span())));
            }
        }
    }

    fn hosts(&mut self, table: &DeTable<'_>, reader: &mut Reader<'_>) {
        for (key, value) in in_order(table) {
            let name = key.get_ref().to_ascii_lowercase();
            let Some(table) = value.get_ref().as_table() else {
                reader.wrong_type(value, &format!("a table, [hosts.{:?}]", key.get_ref()));
                continue;
            };
            if name.matches(':').count() == 1 {
                let hint = name.split(':').next().map(|host| format!("write [hosts.{host:?}]"));
                reader.problem(key.span(), format!("the host {name:?} must be named without a port"), hint);
            }
            if table.is_empty() && !self.broken {
                let hint = Some("write connections = N".into());
                reader.problem(key.span(), format!("[hosts.{name:?}] is empty"), hint);
            }
            if let Some((_, first)) = self.hosts.get(&name) {
                let text = format!("the host {name:?} has two sections: the first is on line {}", first.line);
                reader.problem(key.span(), text, Some("write all its keys into one section".into()));
            }
            let mut layer = HostLayer::default();
            read(&mut layer, &format!("[hosts.{name:?}]"), in_order(table), Origin::Section, reader);
            let span = reader.span(key.span());
            self.hosts.insert(name, (layer, span));
        }
    }

    fn mirrors(&mut self, table: &DeTable<'_>, reader: &mut Reader<'_>) {
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            if let Err(wrong) = check_archive_name(name) {
                let hint = "use letters, digits, '-' and '_', at most 64 of them";
                reader.problem(key.span(), format!("the archive name {name:?} {wrong}"), Some(hint.into()));
            }
            let Some(table) = value.get_ref().as_table() else {
                reader.wrong_type(value, &format!("a table, [mirrors.{name}]"));
                continue;
            };
            if table.is_empty() && !self.broken {
                let hint = Some("write first = \"rsync://HOST/MODULE/\"".into());
                reader.problem(key.span(), format!("[mirrors.{name}] is empty"), hint);
            }
            let mut layer = MirrorLayer::default();
            read(&mut layer, &format!("[mirrors.{name}]"), in_order(table), Origin::Section, reader);
            self.mirrors.insert(name.into(), (layer, reader.span(key.span())));
        }
    }

    fn defaults(&mut self, table: &DeTable<'_>, reader: &mut Reader<'_>) {
        let of_jobs = |key: &str| matches!(key, "source" | "dest" | "description");
        let (misplaced, rest): (Vec<_>, Vec<_>) =
            in_order(table).into_iter().partition(|(key, _)| of_jobs(key.get_ref()));
        for (key, _) in misplaced {
            let name = key.get_ref().as_ref();
            let hint = match name {
                "dest" => "set root: relative destinations are below it",
                _ => "write it into [jobs.NAME]",
            };
            let text = format!("{name} is not allowed in [defaults]: every job needs its own");
            reader.problem(key.span(), text, Some(hint.into()));
        }
        read(&mut self.defaults, "[defaults]", rest, Origin::Defaults, reader);
    }

    fn jobs(&mut self, table: &DeTable<'_>, reader: &mut Reader<'_>) {
        for (n, (key, value)) in in_order(table).into_iter().enumerate() {
            let name = key.get_ref().as_ref();
            if n == MOST_JOBS {
                let text = format!("the file has {} jobs, more than {MOST_JOBS}", table.len());
                return reader.problem(key.span(), text, Some("divide it into several files".into()));
            }
            if let Err(wrong) = check_name(name) {
                let hint = "use letters, digits, '-', '_' and '.', at most 64 of them";
                reader.problem(key.span(), format!("the job name {name:?} {wrong}"), Some(hint.into()));
            }
            let Some(table) = value.get_ref().as_table() else {
                reader.wrong_type(value, &format!("a table, [jobs.{name}]"));
                continue;
            };
            let mut layer = Layer::default();
            let unread =
                read(&mut layer, &format!("[jobs.{name}]"), in_order(table), Origin::Section, reader);
            self.jobs.push(DraftJob { name: name.into(), span: reader.span(key.span()), layer, unread });
        }
    }
}

/// Reads the keys of a section. Returns those whose values could not be read.
fn read<T: Table>(
    layer: &mut T,
    section: &str,
    entries: Vec<Entry<'_, '_>>,
    origin: fn(Span) -> Origin,
    reader: &mut Reader<'_>,
) -> Vec<String> {
    let mut unread = Vec::new();
    for (key, value) in entries {
        let before = reader.problems.len();
        if !layer.set(key.get_ref(), value, origin(reader.span(key.span())), reader) {
            let name = key.get_ref().as_ref();
            // Finding a hint takes time, and this problem is only counted.
            let hint = if reader.only_counts() { None } else { hint_for(name, section, T::KEYS) };
            reader.problem(key.span(), format!("unknown key {name:?} in {section}"), hint);
        } else if reader.problems.len() > before {
            unread.push(key.get_ref().to_string());
        }
    }
    unread
}

/// Returns the entries by position; the table itself is sorted by name.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<Entry<'t, 'i>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn version(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) {
    match integer(value.get_ref()) {
        Some(1) => {}
        Some(n) if n > 1 => {
            let hint = Some("use a newer pdb-sync, or write version = 1".into());
            reader.problem(
                value.span(),
                format!("version {n} is newer than this pdb-sync, which reads 1"),
                hint,
            );
        }
        _ => reader.wrong_type(value, "version = 1"),
    }
}

/// Checks a job name. The name becomes part of file names and of `[NAME] ` prefixes.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("is empty");
    }
    if name.starts_with(['-', '.']) {
        return Err("must not start with '-' or '.'");
    }
    if name.len() > LONGEST_NAME {
        return Err("is too long");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return Err("has a character that is not allowed");
    }
    Ok(())
}
