//! Opens the indexes of mirrors, searches them, and prints the hits.

use super::options::Options;
use crate::cli::{Global, SearchArgs};
use crate::commands::{Failure, costs, file_locations, settings};
use crate::config::{self, Overrides, SearchSettings, is_path, nearest};
use crate::model::exit_code::ExitCode;
use crate::model::hint::{self, quoted};
use crate::model::sanitize;
use crate::model::time;
use crate::output::hits::{self, Answered, Row};
use crate::output::terminal::Ui;
use crate::search::query::{Field, Node};
use crate::search::{
    EngineOptions, IndexPlace, Opened, Outcome, Request, SearchEngine, SearchError, Sort, indexes, outdated,
    words,
};
use std::collections::BTreeMap;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The indexes to search.
pub(super) struct Searched {
    pub(super) engine: SearchEngine,
    roots: BTreeMap<String, PathBuf>,
    /// The time limit of `[search]`.
    timeout: Option<Duration>,
}

impl Searched {
    /// Opens the indexes. Also returns whether an index could not be opened.
    pub(super) fn open(args: &SearchArgs, global: &Global, ui: &Ui) -> Result<(Self, bool), Failure> {
        let state = &file_locations::state_dir(global)?;
        let failure = |error: crate::search::SearchError| Failure::usage(error.to_string());
        let mut opened: Vec<Opened> = Vec::new();
        let mut damaged = false;
        for place in indexes(state).map_err(failure)? {
            match place.open() {
                Ok(found) => opened.extend(found),
                Err(error) => {
                    ui.warning(&format!("{error}; it is left out"));
                    ui.note(&match error {
                        SearchError::Io { .. } => "  hint: check that this user may read it".into(),
                        _ => format!("  hint: {} rebuilds it", rebuild(&place.label)),
                    });
                    damaged = true;
                }
            }
        }
        let mut names = args.job.clone();
        let settings = if args.tag.is_empty() {
            // A search needs no configuration, but an existing one is used.
            let opened = settings::open(global);
            let config = opened.and_then(|opened| Ok(opened.check(&Overrides::default())?));
            config.map(|config| config.search).unwrap_or_else(|failure| {
                if ui.verbose {
                    ui.note(&format!("the configuration is not used: {failure}"));
                }
                SearchSettings::default()
            })
        } else {
            let config = settings::open(global)?.load(ui)?;
            let settings = config.search.clone();
            let jobs = config::select(&config.jobs, &[], false, &args.tag)?;
            names.extend(jobs.into_iter().map(|job| job.name));
            settings
        };
        let outdated = outdated(state).map_err(failure)?;
        let wanted = |place: &&IndexPlace| {
            names.is_empty()
                || names.iter().any(|name| path_of(name).as_deref().unwrap_or(name) == place.label)
        };
        for place in outdated.iter().filter(wanted) {
            ui.warning(&format!(
                "the index of {} was built by an earlier version of pdb-sync; it is left out",
                place.label
            ));
            ui.note(&format!("  hint: {} rebuilds it", hint::command(["index", &place.label])));
            damaged = true;
        }
        if !names.is_empty() {
            let old: Vec<&str> = outdated.iter().map(|place| place.label.as_str()).collect();
            opened = chosen(opened, &names, &old)?;
        }
        if opened.is_empty() {
            return Err(Failure::usage_hint(
                format!("there is no index to search below {}", sanitize::path(&state.join("index"))),
                "`pdb-sync index --all` builds those of all jobs, `pdb-sync index DIR` that of any directory",
            ));
        }
        let roots = opened.iter().map(|index| (index.label.clone(), index.root.clone())).collect();
        let SearchSettings { timeout, cache_entries, cache_bytes } = settings;
        let options = EngineOptions { cache_entries, cache_bytes, ..EngineOptions::default() };
        let engine = SearchEngine::new(opened, &options).map_err(failure)?;
        Ok((Searched { engine, roots, timeout }, damaged))
    }

    /// Runs a query and prints the answer.
    pub(super) fn answer(
        &self,
        text: &str,
        query: Node,
        options: &Options,
        ui: &Ui,
    ) -> Result<ExitCode, Failure> {
        let start = Instant::now();
        let timeout = options.request.timeout.or(self.timeout);
        let request = Request { query, timeout, ..options.request.clone() };
        let outcome = self.engine.search(&request).map_err(|error| Failure::Io {
            tried: "search".into(),
            source: std::io::Error::other(error.to_string()),
            hint: None,
        })?;
        let elapsed = start.elapsed();
        costs::queried(elapsed, outcome.cached);
        costs::reached("search");
        if !outcome.late.is_empty() {
            let (limit, hint) = match (options.request.timeout, self.timeout) {
                (Some(limit), _) => {
                    (format!(" (--timeout {})", time::span(limit)), "give a longer --timeout")
                }
                (None, Some(limit)) => (
                    format!(" (timeout of [search]: {})", time::span(limit)),
                    "give a longer --timeout, or set timeout in [search]",
                ),
                (None, None) => (String::new(), "search again"),
            };
            let text =
                format!("no answer in time from {}{limit}; no hits are shown", outcome.late.join(", "));
            ui.warning_with_hint(&text, Some(hint));
        }
        self.print(text, &request, &outcome, elapsed, options, ui)?;
        for (label, why) in &outcome.failed {
            ui.error(
                &format!("the index of {label} could not be searched: {why}"),
                Some(&format!("{} rebuilds it", rebuild(label))),
            );
        }
        Ok(options.exit(&outcome))
    }

    fn print(
        &self,
        text: &str,
        request: &Request,
        outcome: &Outcome,
        elapsed: Duration,
        options: &Options,
        ui: &Ui,
    ) -> Result<(), Failure> {
        let rows: Vec<Row> = outcome.hits.iter().map(|hit| self.row(hit)).collect();
        let answered = Answered {
            total: outcome.total,
            documents: outcome.documents,
            elapsed,
            timed_out: !outcome.late.is_empty(),
            late: &outcome.late,
            facets: outcome.facets.iter().map(|(name, values)| (*name, values.as_slice())).collect(),
            words: words(&request.query),
            offset: request.offset,
        };
        hits::print(&rows, &answered, &options.layout, options.exit(outcome), ui)?;
        let labels = self.engine.labels();
        let answered: Vec<&str> = labels
            .iter()
            .map(AsRef::as_ref)
            .filter(|label: &&str| !outcome.late.iter().any(|late| late == label))
            .collect();
        // Indexes that did not answer may have hits.
        if outcome.total == 0 && outcome.failed.is_empty() && !answered.is_empty() && !ui.json {
            ui.note(&format!("nothing matches {text:?} in {}", answered.join(", ")));
            for field in self.blind(&request.query) {
                let how = how(field, &answered);
                ui.note(&format!("  hint: nothing that is indexed has a value for {field}{how}"));
            }
        }
        Ok(())
    }

    fn row(&self, hit: &crate::search::Hit) -> Row {
        let absolute = |place: &crate::search::HitPlace| {
            let path = std::ffi::OsString::from_vec(place.path.clone());
            self.roots
                .get(&place.index)
                .map_or_else(|| path.clone().into(), |root| root.join(&path))
                .into_os_string()
                .into_vec()
        };
        Row {
            shown: hit.shown.clone(),
            score: hit.score,
            places: hit
                .places
                .iter()
                .map(|place| (place.index.clone(), place.path.clone(), absolute(place)))
                .collect(),
        }
    }

    /// Returns the fields of a query for which no document has a value, to explain why there are no hits.
    fn blind(&self, node: &Node) -> Vec<&'static str> {
        let mut fields = Vec::new();
        named(node, &mut fields);
        let nothing = |field: &Field| {
            let request = Request {
                query: Node::Exists(*field),
                sort: Sort::Score,
                limit: 1,
                offset: 0,
                facets: Vec::new(),
                timeout: Some(Duration::from_secs(1)),
            };
            self.engine.search(&request).is_ok_and(|outcome| outcome.total == 0 && outcome.late.is_empty())
        };
        fields.into_iter().filter(nothing).map(Field::name).collect()
    }
}

/// Returns how to get values for a field in these indexes.
fn how(field: &str, labels: &[&str]) -> String {
    if field != "sequence" {
        return String::new();
    }
    let words = ["index"].iter().chain(labels).chain(&["--sequences"]);
    format!("; {} indexes sequences", hint::command(words))
}

/// Returns the command that rebuilds an index.
fn rebuild(label: &str) -> String {
    hint::command(["index", label, "--rebuild"])
}

fn named(node: &Node, fields: &mut Vec<Field>) {
    let field = match node {
        Node::And(nodes) | Node::Or(nodes) => return nodes.iter().for_each(|node| named(node, fields)),
        // For a negated condition, a field without values is no problem.
        Node::All | Node::Not(_) => None,
        Node::Word(field, _)
        | Node::Fuzzy(field, ..)
        | Node::Prefix(field, _)
        | Node::Phrase { field, .. } => *field,
        Node::Run(field, _)
        | Node::Is(field, _)
        | Node::OneOf(field, _)
        | Node::StartsWith(field, _)
        | Node::Range(field, ..)
        | Node::Exists(field) => Some(*field),
        Node::Residues(_) => Some(Field::Sequence),
    };
    fields.extend(field.filter(|field| !fields.contains(field)));
}

/// Returns the absolute path of an argument; `None` if it is not a path.
fn path_of(name: &str) -> Option<String> {
    let path = is_path(name).then(|| Path::new(name).canonicalize().unwrap_or_else(|_| name.into()))?;
    Some(path.to_string_lossy().into_owned())
}

/// Returns the indexes named by the options, except those that are `outdated`.
fn chosen(opened: Vec<Opened>, names: &[String], outdated: &[&str]) -> Result<Vec<Opened>, Failure> {
    let mut chosen: Vec<Opened> = Vec::new();
    for name in names {
        let path = is_path(name).then(|| Path::new(name).canonicalize().unwrap_or_else(|_| name.into()));
        // A warning that these must be rebuilt has been printed already.
        if outdated.contains(&path_of(name).as_deref().unwrap_or(name)) {
            continue;
        }
        let is = |index: &&Opened| match &path {
            Some(path) => index.label.as_bytes() == path.as_os_str().as_bytes() || index.root == *path,
            None => index.label == *name,
        };
        match opened.iter().find(is) {
            Some(index) if chosen.iter().any(|known| known.label == index.label) => {}
            Some(index) => chosen.push(index.clone()),
            None => {
                let near = nearest(name, opened.iter().map(|index| index.label.as_str()));
                let hint = match near {
                    _ if path.is_none() && Path::new(name).is_dir() => {
                        format!("for the directory of that name, write {}", quoted(&format!("./{name}")))
                    }
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("{} builds it", hint::command(["index", name])),
                };
                return Err(Failure::usage_hint(format!("there is no index of {name:?}"), hint));
            }
        }
    }
    Ok(chosen)
}
