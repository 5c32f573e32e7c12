//! `JOB|PATH`: an argument with a `/`, or `.` or `..`, is a path; anything else is a job's name.

use super::{Failure, settings};
use crate::cli::Global;
use crate::config::{self, Config, Overrides, is_path, nearest};
use crate::hint::quoted;
use crate::job::Job;
use crate::ui::Ui;
use std::path::{Path, PathBuf};

/// A tree that somebody means.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Absolute, with symbolic links resolved, so that every spelling meets the same cache.
    pub(super) root: PathBuf,
    /// Whose mirror it is, if a job was named.
    pub(super) job: Option<Job>,
}

impl Target {
    /// For people: the job's name, or the path.
    pub(super) fn label(&self) -> String {
        match &self.job {
            Some(job) => job.name.clone(),
            None => self.root.display().to_string(),
        }
    }
}

/// What the command line says about trees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen<'a> {
    /// `JOB|PATH`
    pub(super) arguments: &'a [String],
    /// `--all`
    pub(super) all: bool,
    /// `--tag`
    pub(super) tags: &'a [String],
}

/// What the command line means, the arguments in their order, each tree once. Paths need no configuration, but one that is there
/// counts.
pub(super) fn targets(
    chosen: Chosen<'_>,
    global: &Global,
    ui: &Ui,
) -> Result<(Config, Vec<Target>), Failure> {
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
    let mut targets: Vec<Target> = Vec::new();
    let mut add = |target: Target| {
        if !targets.iter().any(|known| known.root == target.root) {
            targets.push(target);
        }
    };
    for argument in arguments {
        if is_path(argument) {
            add(Target { root: resolve(Path::new(argument), argument)?, job: None });
        } else {
            let chosen = config::select(&config.jobs, std::slice::from_ref(argument), false, &[])?;
            for job in chosen {
                add(of_job(job)?);
            }
        }
    }
    if by_job {
        for job in config::select(&config.jobs, &[], all, tags)? {
            add(of_job(job)?);
        }
    }
    Ok((config, targets))
}

/// Somebody who names a directory as if it were a job is told how to write a directory.
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

/// Refuses a job whose destination is not known, with the words of `config check`.
pub(super) fn is_somewhere(job: &Job) -> Result<(), Failure> {
    match job.unfit.as_ref().filter(|unfit| unfit.nowhere) {
        Some(unfit) => Err(Failure::Usage {
            text: format!("job {:?}: {}", job.name, unfit.text),
            hint: unfit.hint.clone(),
        }),
        None => Ok(()),
    }
}

fn of_job(job: Job) -> Result<Target, Failure> {
    is_somewhere(&job)?;
    let root =
        resolve(&job.dest, &format!("the mirror of {}", job.name)).map_err(|failure| match failure {
            Failure::Usage { text, .. } => {
                Failure::usage_hint(text, format!("`pdb-sync sync {}` makes it", job.name))
            }
            other => other,
        })?;
    Ok(Target { root, job: Some(job) })
}

fn resolve(path: &Path, what: &str) -> Result<PathBuf, Failure> {
    let root = std::fs::canonicalize(path);
    let root =
        root.map_err(|error| Failure::usage(format!("cannot find {what} ({}): {error}", path.display())))?;
    if root.is_dir() {
        Ok(root)
    } else {
        Err(Failure::usage(format!("{} is not a directory", root.display())))
    }
}
