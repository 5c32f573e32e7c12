//! The types of `[clean]` other than plain values: the removal mode, and rules of users.

use super::clean_run_mode::CleanRunMode;
use super::units::{Period, Size, TimeLimit};
use super::value::{Reader, Value};
use crate::clean::{Action, Kind, Rule};
use crate::model::job::MaxEntries;
use schemars::Schema;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

/// The removal mode: what happens to removed entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CleanMode {
    /// They are kept in the quarantine for a time and can be restored.
    #[default]
    Quarantine,
    /// They are deleted.
    Delete,
    /// They are moved to a backup directory.
    Backup,
    /// They are moved to the desktop's trash.
    Trash,
}

const MODES: [(&str, CleanMode); 4] = [
    ("quarantine", CleanMode::Quarantine),
    ("delete", CleanMode::Delete),
    ("backup", CleanMode::Backup),
    ("trash", CleanMode::Trash),
];

impl Value for CleanMode {
    fn expected() -> String {
        "\"quarantine\", \"delete\", \"backup\" or \"trash\"".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = value.get_ref().as_str();
        let mode = text.and_then(|text| MODES.iter().find(|(name, _)| *name == text));
        if mode.is_none() {
            reader.wrong_type(value, &Self::expected());
        }
        mode.map(|(_, mode)| *mode)
    }

    fn to_toml(&self) -> toml::Value {
        MODES.iter().find(|(_, mode)| mode == self).map_or("quarantine", |(name, _)| name).into()
    }

    fn schema() -> Schema {
        schemars::json_schema!({"enum": MODES.map(|(name, _)| name)})
    }
}

/// Rules of users, in the order of the file. All patterns are valid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CleanRules(pub Vec<Rule>);

/// Far more than anybody writes by hand. The limits exist because all patterns together are compiled into one matcher.
const MOST_RULES: usize = 1000;
const MOST_PATTERNS: usize = 10_000;

const KEYS: [&str; 9] =
    ["name", "pattern", "action", "reason", "type", "min_size", "max_size", "min_age", "max_age"];

impl Value for CleanRules {
    fn expected() -> String {
        "a list of rules, [[clean.rules]]".into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(list) = value.get_ref().as_array() else {
            reader.wrong_type(value, &Self::expected());
            return None;
        };
        if list.len() > MOST_RULES {
            let text = format!("{} rules are more than {MOST_RULES}", list.len());
            let hint = "each rule is compared with each entry: a rule may have several patterns, and a pattern alternatives, {a,b}";
            reader.problem(value.span(), text, Some(hint.into()));
            return None;
        }
        let read: Vec<Option<Rule>> = list.iter().map(|element| rule(element, reader)).collect();
        names(list, reader);
        let patterns: usize = read.iter().flatten().map(|rule| rule.patterns.len()).sum();
        if patterns > MOST_PATTERNS {
            let text = format!("{patterns} patterns of all rules are more than {MOST_PATTERNS}");
            reader.problem(value.span(), text, None);
            return None;
        }
        read.into_iter().collect::<Option<_>>().map(CleanRules)
    }

    fn to_toml(&self) -> toml::Value {
        toml::Value::Array(self.0.iter().map(|rule| toml::Value::Table(table(rule))).collect())
    }

    fn schema() -> Schema {
        let text = || schemars::json_schema!({"type": "string", "pattern": "[^/]"});
        schemars::json_schema!({"type": "array", "items": {
            "description": "A rule of your own. The built-in rules come after it.",
            "type": "object",
            "required": ["name", "pattern", "action"],
            "additionalProperties": false,
            "properties": {
                "name": {
                    "title": String::expected(), "type": "string", "pattern": r"\S",
                    "description": "The name of the rule, for --with, --without and decisions.",
                },
                "pattern": {
                    "title": "a pattern or a list of patterns",
                    "description": "Which entries the rule is about. Without a slash, names at any depth; with a slash at its end, \
                                    directories with all that is in them.",
                    "anyOf": [text(), {"type": "array", "minItems": 1, "items": text()}],
                },
                "action": {
                    "title": "\"delete\", \"review\" or \"keep\"", "enum": ["delete", "review", "keep"],
                    "description": "Whether entries are deleted, put up for review, or kept.",
                },
                "reason": String::described("Why; shown in plans."),
                "type": {
                    "title": "\"file\", \"dir\", \"symlink\" or \"other\"", "enum": ["file", "dir", "symlink", "other"],
                    "description": "Only entries of this type.",
                },
                "min_size": Size::described("Only files of at least this size."),
                "max_size": Size::described("Only files of at most this size."),
                "min_age": TimeLimit::described("Only entries that changed at least so long ago."),
                "max_age": TimeLimit::described("Only entries that changed at most so long ago."),
            },
            // A pattern with a trailing slash matches directories only.
            "if": {"required": ["type"], "properties": {"type": {"enum": ["file", "symlink", "other"]}}},
            "then": {"properties": {"pattern": {
                "not": {"type": "string", "pattern": "/$"},
                "items": {"not": {"type": "string", "pattern": "/$"}},
            }}}
        }})
    }
}

/// Reports rules with equal names. Names must be unique, since decisions, `--with` and `--without` refer to rules by name.
fn names(list: &[Spanned<DeValue<'_>>], reader: &mut Reader<'_>) {
    let mut lines = HashMap::new();
    for rule in list {
        let value = rule.get_ref().as_table().and_then(|table| table.get("name"));
        let Some((value, name)) = value.and_then(|value| Some((value, value.get_ref().as_str()?))) else {
            continue;
        };
        let line = reader.span(value.span()).line;
        if let Some(first) = lines.get(name) {
            let text = format!("two rules are called {name:?}: the first is on line {first}");
            reader.problem(value.span(), text, Some("give each rule a name of its own".into()));
        } else {
            lines.insert(name, line);
        }
    }
}

fn rule(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Rule> {
    let Some(table) = value.get_ref().as_table() else {
        reader.wrong_type(value, "a rule, [[clean.rules]]");
        return None;
    };
    let before = reader.problems.len();
    let mut rule = Rule {
        name: String::new(),
        patterns: Vec::new(),
        kind: None,
        min_size: None,
        max_size: None,
        min_age: None,
        max_age: None,
        special: None,
        action: Action::Review,
        reason: String::new(),
        on: true,
        built_in: false,
    };
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "name" => {
                let read = String::read(value, reader);
                if read.as_ref().is_some_and(|name| name.trim().is_empty()) {
                    reader.problem(value.span(), "the name of a rule must not be empty", None);
                }
                rule.name = read.unwrap_or_default();
            }
            "reason" => rule.reason = String::read(value, reader).unwrap_or_default(),
            "pattern" => rule.patterns = patterns(value, reader),
            "min_size" => rule.min_size = Size::read(value, reader).and_then(|size| size.0),
            // A maximum size of zero is a limit too.
            "max_size" => rule.max_size = Size::read(value, reader).map(|size| size.0.unwrap_or(0)),
            "min_age" => rule.min_age = TimeLimit::read(value, reader).and_then(|age| age.0),
            "max_age" => {
                rule.max_age = TimeLimit::read(value, reader).map(|age| age.0.unwrap_or(Duration::ZERO));
            }
            "action" => match value.get_ref().as_str() {
                Some("delete") => rule.action = Action::Delete,
                Some("review") => rule.action = Action::Review,
                Some("keep") => rule.action = Action::Keep,
                _ => reader.wrong_type(value, "\"delete\", \"review\" or \"keep\""),
            },
            "type" => match value.get_ref().as_str() {
                Some("file") => rule.kind = Some(Kind::File),
                Some("dir") => rule.kind = Some(Kind::Dir),
                Some("symlink") => rule.kind = Some(Kind::Symlink),
                Some("other") => rule.kind = Some(Kind::Other),
                _ => reader.wrong_type(value, "\"file\", \"dir\", \"symlink\" or \"other\""),
            },
            unknown => {
                let hint = super::nearest(unknown, KEYS).map(|known| format!("did you mean {known:?}?"));
                let text = format!("unknown key {unknown:?} in [[clean.rules]]");
                reader.problem(key.span(), text, hint);
            }
        }
    }
    for (key, missing) in [
        ("name", !table.contains_key("name")),
        ("pattern", !table.contains_key("pattern")),
        ("action", !table.contains_key("action")),
    ] {
        if missing {
            reader.problem(value.span(), format!("a rule has no {key}"), None);
        }
    }
    if let Some(kind) = rule.kind
        && kind != Kind::Dir
        && rule.patterns.iter().any(|pattern| pattern.ends_with('/'))
    {
        let text = format!("a pattern that ends in a slash means directories, and the rule {}s", kind.word());
        reader.problem(value.span(), text, Some("remove the slash, or the type".into()));
    }
    (reader.problems.len() == before).then_some(rule)
}

fn patterns(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Vec<String> {
    let read = match value.get_ref() {
        DeValue::Array(_) => Vec::<String>::read(value, reader),
        _ => String::read(value, reader).map(|one| vec![one]),
    };
    let Some(read) = read else { return Vec::new() };
    if read.len() > MOST_PATTERNS {
        let text = format!("{} patterns of one rule are more than {MOST_PATTERNS}", read.len());
        reader.problem(value.span(), text, None);
        return Vec::new();
    }
    if read.is_empty() || read.iter().any(|pattern| pattern.trim_end_matches('/').is_empty()) {
        reader.problem(value.span(), "a pattern must not be empty", None);
    }
    for pattern in &read {
        if let Err(error) = globset::Glob::new(pattern) {
            reader.problem(value.span(), format!("{pattern:?} is not a pattern: {}", error.kind()), None);
        }
    }
    read
}

fn table(rule: &Rule) -> toml::Table {
    let mut table = toml::Table::new();
    let mut add = |key: &str, value: Option<toml::Value>| {
        if let Some(value) = value {
            table.insert(key.into(), value);
        }
    };
    add("name", Some(rule.name.to_toml()));
    add("pattern", Some(rule.patterns.to_toml()));
    add("action", Some(rule.action.word().into()));
    add("reason", (!rule.reason.is_empty()).then(|| rule.reason.to_toml()));
    add("type", rule.kind.map(|kind| kind.word().into()));
    add("min_size", rule.min_size.map(|size| Size(Some(size)).to_toml()));
    add("max_size", rule.max_size.map(|size| Size((size > 0).then_some(size)).to_toml()));
    add("min_age", rule.min_age.map(|age| TimeLimit(Some(age)).to_toml()));
    add("max_age", rule.max_age.map(|age| TimeLimit((!age.is_zero()).then_some(age)).to_toml()));
    table
}

/// `[clean]`, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanSettings {
    /// The removal mode.
    pub mode: CleanMode,
    /// How long removed entries can be restored.
    pub keep: Duration,
    /// The directory for `mode = "backup"`; absolute.
    pub backup_dir: Option<Result<PathBuf, String>>,
    /// The maximum number of entries that one run may remove.
    pub max_delete: MaxEntries,
    /// The maximum size that one run may remove in bytes; `None`: no limit.
    pub max_bytes: Option<u64>,
    /// How `clean run` applies a plan, unless the command line says.
    pub run_mode: Option<CleanRunMode>,
    /// Whether nothing is changed if any file differs from the plan.
    pub strict: bool,
    /// Whether a run stops at the first failure.
    pub fail_fast: bool,
    /// Number of threads; 0: automatic.
    pub threads: usize,
    /// Rules of users.
    pub rules: Vec<Rule>,
}

/// The default of `keep`.
pub(super) const KEEP: Period = Period(Duration::from_secs(30 * 24 * 3600));

impl Default for CleanSettings {
    fn default() -> Self {
        CleanSettings {
            mode: CleanMode::Quarantine,
            keep: KEEP.0,
            backup_dir: None,
            max_delete: MaxEntries::Default,
            max_bytes: None,
            run_mode: None,
            strict: false,
            fail_fast: false,
            threads: 0,
            rules: Vec::new(),
        }
    }
}
