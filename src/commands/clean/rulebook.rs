//! The rules for a tree, and the lists that they use.

use super::shared;
use crate::clean::{BACKUPS, Judge, Lists, Mirror, PlanError, Reader, Rule, built_in};
use crate::commands::Failure;
use crate::config::Config;
use crate::history::History;
use crate::model::job::Job;
use crate::model::sanitize;
use crate::output::terminal::Ui;
use crate::platform;
use crate::sync::{plan_path, source_names};
use std::io::{self, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The lists of a PDB mirror, relative to its root.
const OWN: [&str; 2] = ["status/obsolete.dat", "status/latest/obsolete.pdb"];

/// Returns all rules, the user's before the built-in ones. `with` and `without` turn rules on and off by name.
pub(super) fn all_rules(config: &Config, with: &[String], without: &[String]) -> Result<Vec<Rule>, Failure> {
    let mut rules = config.clean.rules.clone();
    rules.extend(built_in());
    for (names, on) in [(with, true), (without, false)] {
        for name in names {
            let mut known = false;
            for rule in rules.iter_mut().filter(|rule| rule.name == *name) {
                (rule.on, known) = (on, true);
            }
            if !known {
                let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
                return Err(Failure::usage_hint(
                    format!("there is no rule {name:?}"),
                    format!("there are {}", names.join(", ")),
                ));
            }
        }
    }
    Ok(rules)
}

/// Returns the job whose mirror is this tree.
pub(super) fn job_at<'a>(config: &'a Config, root: &Path) -> Option<&'a Job> {
    config.jobs.iter().find(|job| job.dest.canonicalize().is_ok_and(|dest| dest == root))
}

/// Returns the mirrors that are this tree, are in it or contain it, with the names that their sources have.
fn mirrors(config: &Config, root: &Path, state: &Path) -> Vec<Mirror> {
    let mirror = |job: &Job| {
        let dest = job.dest.canonicalize().ok()?;
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
        let (at, below) = match (dest.strip_prefix(root), root.strip_prefix(&dest)) {
            (Ok(at), _) => (bytes(at), Vec::new()),
            (_, Ok(below)) => (Vec::new(), bytes(below)),
            _ => return None,
        };
        let names = source_names(state, &job.name, &dest);
        Some(Mirror { job: job.name.clone(), at, below, names })
    };
    config.jobs.iter().filter_map(mirror).collect()
}

/// Returns the judge of the rules, with the job's backup directory, the upstream names and the lists.
pub(super) fn judge(
    mut rules: Vec<Rule>,
    config: &Config,
    job: Option<&Job>,
    root: &Path,
    lists: Lists,
    state: &Path,
) -> Result<Judge, Failure> {
    for rule in rules.iter_mut().filter(|rule| rule.built_in && rule.name == BACKUPS) {
        rule.min_age = Some(config.clean.keep);
        rule.patterns = job.and_then(|job| backups(job, root)).into_iter().collect();
    }
    let judge = Judge::new(rules, shared::now());
    let judge = judge.map_err(|error| Failure::usage(format!("a rule's pattern cannot be used: {error}")))?;
    let at_root = platform::is_root_of_a_file_system(root);
    Ok(judge.with(lists).at_root(at_root).of_mirrors(mirrors(config, root, state)))
}

/// Returns a pattern for everything in the directory that the job's `--backup-dir` names, if it is in the mirror.
fn backups(job: &Job, root: &Path) -> Option<String> {
    let mut args = job.rsync_args.iter();
    let mut dir = None;
    while let Some(arg) = args.next() {
        if let Some(value) = arg.strip_prefix("--backup-dir=") {
            dir = Some(value);
        } else if arg == "--backup-dir" {
            dir = args.next().map(String::as_str);
        }
    }
    let dir = Path::new(dir?);
    let below = if dir.is_absolute() { dir.strip_prefix(root).ok()? } else { dir };
    let mut plain = PathBuf::new();
    for component in below.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    let text = plain.to_str().filter(|text| !text.is_empty())?;
    Some(format!("{}/**", globset::escape(text)))
}

/// The maximum size of a list of names in bytes. The list of all entries that were ever in the archive has a few megabytes.
const LONGEST: u64 = 256 << 20;

/// Returns what is known to be removed from the archive: from lists in the mirror, from lists named on the command line, and from what the
/// job's last run would have deleted if it had been allowed to.
pub(super) fn lists(
    job: Option<&Job>,
    root: &Path,
    named: &[PathBuf],
    state: &Path,
    ui: &Ui,
) -> Result<Lists, Failure> {
    let mut lists = Lists::default();
    for path in OWN.map(|path| root.join(path)) {
        if let Ok(text) = platform::read_regular(&path, LONGEST) {
            lists.add_obsolete(&text);
        }
    }
    for path in named {
        let text = platform::read_named(path, LONGEST).map_err(|error| {
            let hint = "`--obsolete FILE` names a list of entries, one a line, that this user may read";
            Failure::named(format!("cannot read the list {}: {error}", sanitize::path(&path)), Some(hint))
        })?;
        if lists.add_obsolete(&text) == 0 {
            ui.warning(&format!("{} names no entry that is not known already", sanitize::path(&path)));
        }
    }
    if let Some(list) = job.and_then(|job| last_list(job, state)) {
        let mut read = || -> Result<(), PlanError> {
            let mut plan = Reader::new(BufReader::new(platform::open_regular(&list)?))?;
            while let Some(entry) = plan.entry()? {
                lists.add_absent(entry.path);
            }
            Ok(())
        };
        read().map_err(|error| {
            Failure::io(format!("read the plan {}", sanitize::path(&list)))(io::Error::other(
                error.to_string(),
            ))
        })?;
    }
    Ok(lists)
}

/// Returns the plan of what the job's last run counted for deletion and did not delete. Plans of earlier runs are not used, since they do
/// not have what upstream added later.
fn last_list(job: &Job, state: &Path) -> Option<PathBuf> {
    let history = History::read(state).ok()??;
    let run = history.latest(jiff::Timestamp::now()).ok()?.remove(&job.name)?.last.run;
    let list = plan_path(state, &job.name, &run);
    list.is_file().then_some(list)
}
