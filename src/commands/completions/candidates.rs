//! Candidates for each argument: names from the configuration and the state directory, read only when completions are requested.

use super::kinds::Kind;
use super::typed::Typed;
use crate::clean::built_in;
use crate::clean::removal;
use crate::commands::{file_locations, settings};
use crate::config::{Draft, DraftJob, check_name, is_path};
use crate::history::{History, Query};
use crate::mirrors::{Archive, Catalogue, check_archive_name};
use crate::model::record::State;
use clap::{Arg, Command, ValueHint};
use clap_complete::{ArgValueCompleter, CompletionCandidate, PathCompleter, engine::ValueCompleter};
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

/// The tag of a candidate for paths. The shell itself completes them, since it does so better. The candidate's text before the current word
/// is the part that the option requires (`--dest=`).
pub(super) const FILES: &str = "pdb-sync:files";
/// The same tag for directories.
pub(super) const DIRECTORIES: &str = "pdb-sync:directories";

/// The maximum number of past runs to offer, newest first.
const RUNS: usize = 50;
/// The number of jobs to read for them. A run has several jobs.
const JOBS_OF_RUNS: usize = 2_000;

/// Attaches candidates to every argument. `own`: the request is from our own scripts, which let their shells complete paths.
pub(super) fn attach(command: Command, typed: &Typed, own: bool) -> Command {
    below(command, &[], typed, own)
}

fn below(command: Command, path: &[String], typed: &Typed, own: bool) -> Command {
    let command = command.mut_args(|argument| of(argument, path, typed, own));
    command.mut_subcommands(|child| {
        let path = [path, &[child.get_name().to_owned()]].concat();
        below(child, &path, typed, own)
    })
}

fn of(argument: Arg, path: &[String], typed: &Typed, own: bool) -> Arg {
    let value = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let kind = value.and_then(|value| Kind::of(&value, path)).unwrap_or(Kind::Free);
    match (kind, own) {
        (Kind::Free, _) => argument,
        (Kind::File, false) => argument.value_hint(ValueHint::FilePath),
        (Kind::Directory, false) => argument.value_hint(ValueHint::DirPath),
        _ => argument.add(ArgValueCompleter::new(CandidateFilter { kind, own, typed: typed.clone() })),
    }
}

struct CandidateFilter {
    kind: Kind,
    own: bool,
    typed: Typed,
}

impl ValueCompleter for CandidateFilter {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let text = current.to_string_lossy();
        let paths = match self.kind {
            Kind::File | Kind::Plan | Kind::PlanOrJob => Some(FILES),
            Kind::Directory | Kind::Tree | Kind::Index => Some(DIRECTORIES),
            _ => None,
        };
        let path = is_path(&text) || text.starts_with(['~', '$']) || self.kind.takes_paths();
        if let (Some(tag), true, true) = (paths, path, self.own) {
            return vec![CompletionCandidate::new("").tag(Some(tag.into()))];
        }
        let mut found = if path { Vec::new() } else { self.words() };
        found.retain(|candidate| candidate.get_value().to_string_lossy().starts_with(&*text));
        match paths {
            Some(FILES) => found.extend(PathCompleter::file().complete(current)),
            Some(_) => found.extend(PathCompleter::dir().complete(current).into_iter().filter(has_slash)),
            None => {}
        }
        found
    }
}

/// Without a slash, the argument would be the name of a job.
fn has_slash(candidate: &CompletionCandidate) -> bool {
    candidate.get_value().to_string_lossy().contains('/')
}

impl CandidateFilter {
    fn words(&self) -> Vec<CompletionCandidate> {
        match self.kind {
            Kind::Job | Kind::Tree => self.jobs(),
            Kind::Index => self.indexes(),
            Kind::Tag => self.tags(),
            Kind::Run => self.runs().unwrap_or_default(),
            Kind::Journal => self.journals().unwrap_or_default(),
            Kind::Status => State::all().map(|state| state.word().into()).collect(),
            Kind::Rule => self.rules(),
            Kind::Plan => vec![last("the newest plan")],
            Kind::PlanOrJob => [last("the newest plan")].into_iter().chain(self.jobs()).collect(),
            #[cfg(feature = "search")]
            Kind::Facet => crate::search::FACETS.iter().map(|facet| (*facet).into()).collect(),
            #[cfg(not(feature = "search"))]
            Kind::Facet => Vec::new(),
            Kind::Archive => self.archives(),
            Kind::File | Kind::Directory | Kind::Free => Vec::new(),
        }
    }

    fn archives(&self) -> Vec<CompletionCandidate> {
        let named = |archive: &Archive| {
            CompletionCandidate::new(&archive.name).help(Some(archive.about.clone().into()))
        };
        let built_in = Catalogue::built_in();
        let own = self.draft().mirrors.into_keys();
        let own = own.filter(|name| check_archive_name(name).is_ok() && built_in.archive(name).is_none());
        built_in.archives.iter().map(named).chain(own.map(CompletionCandidate::new)).collect()
    }

    /// Returns the configuration as far as it can be parsed, whatever its problems.
    fn draft(&self) -> Draft {
        let read = || {
            let global = self.typed.global()?;
            // Opening a FIFO would block.
            fs::metadata(file_locations::config_file(&global).ok()?.path)
                .ok()
                .filter(fs::Metadata::is_file)?;
            let opened = settings::read(&global).ok()?.ok()?;
            Some(Draft::parse(&opened.text, &opened.file).0)
        };
        read().unwrap_or_default()
    }

    fn state_dir(&self) -> Option<PathBuf> {
        file_locations::state_dir(&self.typed.global()?).ok()
    }

    fn jobs(&self) -> Vec<CompletionCandidate> {
        let named = |job: DraftJob| {
            let about = job.layer.description.map(|given| given.value).filter(|about| !about.is_empty());
            CompletionCandidate::new(job.name).help(about.map(Into::into))
        };
        let jobs = self.draft().jobs.into_iter().filter(|job| check_name(&job.name).is_ok());
        jobs.map(named).collect()
    }

    /// Returns jobs, and indexes whose jobs no longer exist.
    fn indexes(&self) -> Vec<CompletionCandidate> {
        let mut found = self.jobs();
        let dir = self.state_dir().and_then(|dir| fs::read_dir(dir.join("index")).ok());
        for entry in dir.into_iter().flatten().filter_map(Result::ok) {
            let name = entry.file_name();
            let known = found.iter().any(|candidate| candidate.get_value() == name);
            if !known && name.to_str().is_some_and(|name| check_name(name).is_ok()) {
                found.push(CompletionCandidate::new(name));
            }
        }
        found
    }

    fn tags(&self) -> Vec<CompletionCandidate> {
        let draft = self.draft();
        let layers = draft.jobs.into_iter().map(|job| job.layer).chain([draft.defaults]);
        let mut tags: Vec<String> =
            layers.filter_map(|layer| layer.tags).flat_map(|tags| tags.value).collect();
        tags.sort_unstable();
        tags.dedup();
        tags.into_iter().map(CompletionCandidate::new).collect()
    }

    fn runs(&self) -> Option<Vec<CompletionCandidate>> {
        let history = History::read(&self.state_dir()?).ok()??;
        let jobs = history.jobs(&Query { limit: Some(JOBS_OF_RUNS), ..Query::default() }).ok()?;
        let mut found = vec![last("the newest run")];
        for past in jobs {
            if found.len() > RUNS {
                break;
            }
            if found.iter().all(|known| *known.get_value() != *past.run) {
                let started = past.started.strftime("%Y-%m-%d %H:%M UTC").to_string();
                found.push(CompletionCandidate::new(past.run).help(Some(started.into())));
            }
        }
        Some(found)
    }

    fn journals(&self) -> Option<Vec<CompletionCandidate>> {
        let mut runs: Vec<String> =
            removal::list(&self.state_dir()?).ok()?.into_iter().map(|found| found.begin.run).collect();
        runs.dedup();
        let runs = runs.into_iter().rev().take(RUNS).map(CompletionCandidate::new);
        Some([last("the newest that removed something")].into_iter().chain(runs).collect())
    }

    fn rules(&self) -> Vec<CompletionCandidate> {
        let own = self.draft().clean.rules.map(|rules| rules.value.0).unwrap_or_default();
        let mut found: Vec<CompletionCandidate> = Vec::new();
        for rule in own.into_iter().chain(built_in()) {
            if found.iter().all(|known| *known.get_value() != *rule.name) {
                found.push(CompletionCandidate::new(rule.name).help(Some(rule.reason.into())));
            }
        }
        found
    }
}

fn last(what: &'static str) -> CompletionCandidate {
    CompletionCandidate::new("last").help(Some(what.into()))
}
