//! The user's decisions about a plan: a short TOML file beside the plan. The last decision that matches an entry wins.

use super::plan::Entry;
use super::plan_header::Header;
use super::rule::{Action, Kind};
use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use std::cell::Cell;
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    decide: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    rule: Option<String>,
    glob: Option<String>,
    path: Option<String>,
    action: Action,
}

#[derive(Debug)]
struct Decision {
    rule: Option<String>,
    glob: Option<(String, GlobMatcher)>,
    path: Option<String>,
    action: Action,
    /// Whether the decision has matched an entry, even if a later decision overrode it.
    used: Cell<bool>,
    /// How many directories stay only because it may match something in them.
    spared: Cell<u64>,
}

impl Decision {
    /// Whether the decision is about the entry, or may be about something in a directory that is taken as one, of which a plan does not name the
    /// contents: then the directory stays.
    fn means(&self, entry: &Entry, path: &Path) -> bool {
        let spares = entry.kind == Kind::Tree && self.action != Action::Delete;
        self.matches(entry, path, spares)
    }

    /// `spares`: also if it may match something in the entry.
    fn matches(&self, entry: &Entry, path: &Path, spares: bool) -> bool {
        self.rule.as_ref().is_none_or(|rule| *rule == entry.rule)
            && self.glob.as_ref().is_none_or(|(text, glob)| {
                glob.is_match(path) || spares && may_match_below(text.as_bytes(), &entry.path)
            })
            && self.path.as_ref().is_none_or(|at| {
                // A directory includes everything below it.
                let at = at.trim_end_matches('/').as_bytes();
                is_or_below(&entry.path, at) || spares && is_or_below(at, &entry.path)
            })
    }

    /// The decision as the user wrote it.
    fn text(&self) -> String {
        let named = [
            ("rule", self.rule.as_deref()),
            ("glob", self.glob.as_ref().map(|(text, _)| text.as_str())),
            ("path", self.path.as_deref()),
        ];
        let parts = named.iter().filter_map(|(key, value)| Some(format!("{key} {:?}", (*value)?)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

/// Whether `path` is `dir` or below it.
fn is_or_below(path: &[u8], dir: &[u8]) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// Whether the glob may match something below the directory, judged by the directories that it names.
fn may_match_below(glob: &[u8], dir: &[u8]) -> bool {
    let wild = glob.iter().position(|byte| b"*?[{\\".contains(byte)).unwrap_or(glob.len());
    let named = match glob.contains(&b'/') {
        true => memchr::memrchr(b'/', &glob[..wild]).map_or(&b""[..], |slash| &glob[..slash]),
        false => b"",
    };
    named.is_empty() || is_or_below(named, dir) || is_or_below(dir, named)
}

/// Maximum number of decisions. Each is compared with each entry.
const MOST: usize = 10_000;

/// All decisions, in the order of the file.
#[derive(Debug, Default)]
pub struct Decisions(Vec<Decision>);

impl Decisions {
    /// Parses the file. The error says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        if file.decide.len() > MOST {
            return Err(format!(
                "{} decisions are more than {MOST}: decide by rule, directory or glob",
                file.decide.len()
            ));
        }
        let mut decisions = Vec::new();
        for line in file.decide {
            if line.rule.is_none() && line.glob.is_none() && line.path.is_none() {
                return Err("a decision needs a rule, a glob or a path".into());
            }
            let glob = match &line.glob {
                None => None,
                Some(glob) => {
                    let text = if glob.contains('/') { glob.clone() } else { format!("**/{glob}") };
                    let built = GlobBuilder::new(&text).literal_separator(true).build();
                    let built =
                        built.map_err(|error| format!("{glob:?} is not a pattern: {}", error.kind()))?;
                    Some((glob.clone(), built.compile_matcher()))
                }
            };
            if line.path.as_deref().is_some_and(|path| path.trim_end_matches('/').is_empty()) {
                return Err("an empty path means nothing; `glob = \"**\"` means everything".into());
            }
            let (used, spared) = (Cell::new(false), Cell::new(0));
            decisions.push(Decision {
                rule: line.rule,
                glob,
                path: line.path,
                action: line.action,
                used,
                spared,
            });
        }
        Ok(Decisions(decisions))
    }

    /// Whether there are no decisions.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the first rule that a decision names and the plan does not have.
    pub fn unknown_rule(&self, header: &Header) -> Option<&str> {
        let known = |rule: &str| header.rules.iter().any(|note| note.name == rule);
        self.0.iter().filter_map(|decision| decision.rule.as_deref()).find(|rule| !known(rule))
    }

    /// Returns the action for an entry: that of the last matching decision, or else that of the rule.
    pub fn action(&self, entry: &Entry) -> Action {
        let path = Path::new(OsStr::from_bytes(&entry.path));
        let mut last = None;
        for decision in self.0.iter().rev() {
            // Earlier decisions are only tested until they have matched once; that is needed for `unused`.
            if (last.is_none() || !decision.used.get()) && decision.means(entry, path) {
                decision.used.set(true);
                if last.is_none() {
                    let spares = !decision.matches(entry, path, false);
                    decision.spared.set(decision.spared.get() + u64::from(spares));
                    last = Some(decision.action);
                }
            }
        }
        last.unwrap_or(entry.action)
    }

    /// Returns the decisions that have kept directories that are taken as one, since they may match something in them, and how many.
    pub fn sparing(&self) -> Vec<(String, u64)> {
        let all = self.0.iter().map(|decision| (decision.text(), decision.spared.get()));
        all.filter(|(_, spared)| *spared > 0).collect()
    }

    /// Returns the decisions that matched none of the entries passed to [`Decisions::action`], as the user wrote them.
    pub fn unused(&self) -> Vec<String> {
        self.0.iter().filter(|decision| !decision.used.get()).map(Decision::text).collect()
    }
}

/// Returns a file to edit, with every line commented out. `rows` yields `(rule, directory, action, entries, bytes in words)`.
pub fn template(root: &str, rows: impl Iterator<Item = (String, String, Action, u64, String)>) -> String {
    let mut text = format!(
        "# Decisions about the entries of a plan for {root}\n#\n\
         # Remove the \"#\" from each decision that you make. An action is \"delete\", \"review\" or \"keep\". The last decision\n\
         # that matches an entry applies. Entries without a decision keep the action of their rule. Entries under review are\n\
         # never touched. A decision may name a rule, a path (with everything below it) and a glob; an entry must match all\n\
         # that it names. A rule that the plan does not have is an error. A decision that matches no entry gives a warning.\n\
         # A directory that is taken as one stays if a decision to keep or review something may match anything in it.\n"
    );
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut last = String::new();
    for (rule, dir, action, entries, bytes) in rows {
        if rule != last {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n# {rule}: {}\n", action.word());
            last.clone_from(&rule);
        }
        let noun = if entries == 1 { "entry" } else { "entries" };
        let _ = write!(text, "#[[decide]]  # {entries} {noun}, {bytes}\n#rule = {}\n", quoted(&rule));
        if !dir.is_empty() {
            let _ = writeln!(text, "#path = {}", quoted(&dir));
        }
        let other = if action == Action::Delete { "keep" } else { "delete" };
        let _ = writeln!(text, "#action = \"{other}\"");
    }
    text
}
