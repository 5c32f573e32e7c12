//! `JOB|PATH`: an argument with a `/`, or `.` or `..`, is a path; anything else is a job's name.

use super::{Failure, settings};
use crate::cli::Global;
use crate::config::{self, Config, Overrides};
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

/// Whether an argument means a path.
pub(super) fn is_path(argument: &str) -> bool {
    argument.contains('/') || argument == "." || argument == ".."
}

/// What the arguments mean, in their order, each tree once. `None` is returned if nothing was said at all. Paths need no
/// configuration, but one that is there counts.
pub(super) fn targets(
    arguments: &[String],
    all: bool,
    global: &Global,
    ui: &Ui,
) -> Result<(Config, Vec<Target>), Failure> {
    let opened = settings::open(global)?;
    let only_paths = !all && !arguments.is_empty() && arguments.iter().all(|argument| is_path(argument));
    let config = if only_paths { opened.check(&Overrides::default())? } else { opened.load(ui)? };
    if arguments.is_empty() && !all {
        let hint = match config.jobs.as_slice() {
            [] => "name a directory, such as ./mirror".to_owned(),
            jobs => {
                let names: Vec<&str> = jobs.iter().take(12).map(|job| job.name.as_str()).collect();
                format!("name jobs or directories, or give --all; there are {}", names.join(", "))
            }
        };
        return Err(Failure::usage_hint("nothing is selected", hint));
    }
    if !opened.exists && !only_paths {
        return Err(opened.missing());
    }
    let mut targets: Vec<Target> = Vec::new();
    let mut add = |target: Target| {
        if !targets.iter().any(|known| known.root == target.root) {
            targets.push(target);
        }
    };
    if all {
        for job in config::select(&config.jobs, &[], true, &[])? {
            add(of_job(job)?);
        }
    }
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
    Ok((config, targets))
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
