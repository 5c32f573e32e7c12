//! Resolves `JOB|PATH`: an argument with a `/`, or `.` or `..`, is a path; anything else is a job's name.

use super::missing_mirror::{MissingMirror, absent};
use super::{Failure, file_locations, settings};
use crate::cli::Global;
use crate::config::{self, Config, Overrides, is_path, nearest};
use crate::model::exit_code::ExitCode;
use crate::model::hint::quoted;
use crate::model::job::Job;
use crate::model::sanitize;
use crate::output::terminal::Ui;
use crate::system::running::Registration;
use serde_json::json;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A tree named on the command line.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Absolute, with symlinks resolved, so that every spelling uses the same cache.
    pub(super) root: PathBuf,
    /// The job of the mirror, if a job was named.
    pub(super) job: Option<Job>,
}

impl Target {
    /// Returns the argument that names the tree on a command line.
    pub(super) fn argument(&self) -> &OsStr {
        match &self.job {
            Some(job) => OsStr::new(&job.name),
            None => self.root.as_os_str(),
        }
    }

    /// Returns the label for display: the job's name or the path.
    pub(super) fn label(&self) -> String {
        match &self.job {
            Some(job) => job.name.clone(),
            None => sanitize::path(&self.root).to_string(),
        }
    }
}

/// Shows other processes that a command works on these trees, until the value is dropped.
pub(super) fn registered<'a>(
    command: &str,
    targets: impl IntoIterator<Item = &'a Target>,
    state_dir: &Path,
) -> Registration {
    let name = |target: &Target| target.argument().to_string_lossy().into_owned();
    Registration::new(state_dir, command, targets.into_iter().map(name).collect())
}

/// The arguments that select trees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen<'a> {
    /// `JOB|PATH`
    pub(super) arguments: &'a [String],
    /// `--all`
    pub(super) all: bool,
    /// `--tag`
    pub(super) tags: &'a [String],
}

/// The selected trees of a command.
pub(super) struct Selected {
    pub(super) config: Config,
    /// In the order of the arguments, without duplicates.
    pub(super) targets: Vec<Target>,
    /// The best exit code that is still possible, since jobs may have been left out.
    pub(super) exit: ExitCode,
}

/// Returns the selected trees. Paths need no configuration, but an existing one is used. Jobs whose mirror is missing are reported and left
/// out.
pub(super) fn targets(chosen: Chosen<'_>, global: &Global, ui: &Ui) -> Result<Selected, Failure> {
    let Chosen { arguments, all, tags } = chosen;
    let opened = settings::open(global)?;
    let by_job = all || !tags.is_empty();
    let only_paths = !by_job && !arguments.is_empty() && arguments.iter().all(|argument| is_path(argument));
    let config = if only_paths { opened.check(&Overrides::default())? } else { opened.load(ui)? };
    if arguments.is_empty() && !by_job {
        let hint = match config.jobs.as_slice() {
            [] => "name a directory, such as ./mirror".to_owned(),
            jobs => {
                let names: Vec<&str> = jobs.iter().take(12).map(|job| job.name.as_str()).collect();
                format!(
                    "name jobs or directories, or give --all or --tag TAG; there are {}",
                    names.join(", ")
                )
            }
        };
        return Err(Failure::usage_hint("nothing is selected", hint));
    }
    no_directory(arguments, config.jobs.iter().map(|job| job.name.as_str()))?;
    if !opened.exists && !only_paths {
        return Err(opened.missing());
    }
    let mut left_out = LeftOut::new(file_locations::state_dir(global)?);
    let mut targets: Vec<Target> = Vec::new();
    let mut add = |target: Target| {
        if !targets.iter().any(|known| known.root == target.root) {
            targets.push(target);
        }
    };
    let (paths, names): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|argument| is_path(argument));
    let names: Vec<String> = names.into_iter().cloned().collect();
    // All names are resolved before anything is reported about one of them.
    let jobs = match names.is_empty() && !by_job {
        true => Vec::new(),
        false => config::select(&config.jobs, &names, all, tags)?,
    };
    let paths: Result<Vec<PathBuf>, Failure> = paths.into_iter().map(|path| resolve(path)).collect();
    let mut paths = paths?.into_iter();
    for argument in arguments {
        if is_path(argument) {
            paths.next().into_iter().for_each(|root| add(Target { root, job: None }));
        } else if let Some(job) = jobs.iter().find(|job| job.name == *argument) {
            left_out.unless_there(job, true).into_iter().for_each(&mut add);
        }
    }
    for job in jobs.iter().filter(|job| !names.contains(&job.name)) {
        left_out.unless_there(job, false).into_iter().for_each(&mut add);
    }
    let exit = left_out.tell(targets.is_empty(), ui)?;
    Ok(Selected { config, targets, exit })
}

/// Jobs that a command leaves out, since their mirrors are missing.
pub(super) struct LeftOut {
    state_dir: PathBuf,
    /// Each with whether it was named on the command line.
    jobs: Vec<(MissingMirror, bool)>,
}

impl LeftOut {
    pub(super) fn new(state_dir: PathBuf) -> Self {
        LeftOut { state_dir, jobs: Vec::new() }
    }

    /// Returns the mirror of the job. If it is missing, records the job and returns `None`.
    pub(super) fn unless_there(&mut self, job: &Job, named: bool) -> Option<Target> {
        let absent = match absent(job, &self.state_dir) {
            Some(absent) => absent,
            None => match job.dest.canonicalize() {
                Ok(root) => return Some(Target { root, job: Some(job.clone()) }),
                Err(error) => MissingMirror {
                    job: job.name.clone(),
                    text: format!(
                        "the mirror of job {:?}: cannot look at {}: {error}",
                        job.name,
                        sanitize::path(&job.dest)
                    ),
                    hint: None,
                    is_new: false,
                },
            },
        };
        if !self.jobs.iter().any(|(known, _)| known.job == absent.job) {
            self.jobs.push((absent, named));
        }
        None
    }

    /// Reports each job that was left out. If nothing else was named, that is a usage error. Otherwise the exit code is partial, except if
    /// all of them are jobs that were not named and have not been synced yet.
    pub(super) fn tell(mut self, nothing_else: bool, ui: &Ui) -> Result<ExitCode, Failure> {
        let named = self.jobs.iter().any(|(_, named)| *named);
        let refused = if named && nothing_else { self.jobs.pop() } else { None };
        let mut exit = ExitCode::Done;
        for (absent, named) in &self.jobs {
            let MissingMirror { job, text, hint, is_new } = absent;
            if refused.is_some() {
                ui.error(text, hint.as_deref());
                continue;
            }
            ui.warning_with_hint(&format!("{text}; it is left out"), hint.as_deref());
            ui.objects("skipped", [json!({"job": job, "text": text, "hint": hint, "named": named})])?;
            if *named || !is_new {
                exit = ExitCode::Partial;
            }
        }
        match refused {
            Some((MissingMirror { text, hint, .. }, _)) => Err(Failure::named(text, hint.as_deref())),
            None => Ok(exit),
        }
    }
}

/// Ends a command that has nothing left to do. `--json` still prints a result.
pub(super) fn nothing_left(exit: ExitCode, ui: &Ui) -> Result<ExitCode, Failure> {
    ui.result(exit, &json!({"trees": 0}))?;
    Ok(exit)
}

/// Rejects a directory that was written like the name of a job, with a hint how to write a directory.
pub(super) fn no_directory<'a>(
    arguments: &[String],
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Result<(), Failure> {
    for name in arguments.iter().filter(|name| !is_path(name)) {
        if known.clone().into_iter().any(|job| job == name) || !Path::new(name).is_dir() {
            continue;
        }
        let near = nearest(name, known.clone()).map(|near| format!("; or did you mean {near:?}?"));
        let hint = format!(
            "for the directory of that name, write {}{}",
            quoted(&format!("./{name}")),
            near.unwrap_or_default()
        );
        return Err(Failure::usage_hint(format!("there is no job {name:?}"), hint));
    }
    Ok(())
}

fn resolve(path: &str) -> Result<PathBuf, Failure> {
    let root = std::fs::canonicalize(path);
    let root = root.map_err(|error| {
        let other = "only directories of this machine can be read";
        Failure::named(
            format!("cannot find {}: {error}", sanitize::name(path.as_bytes())),
            config::local(path).is_err().then_some(other),
        )
    })?;
    if root.is_dir() {
        Ok(root)
    } else {
        Err(Failure::named(format!("{} is not a directory", sanitize::path(&root)), Some("name a directory")))
    }
}
