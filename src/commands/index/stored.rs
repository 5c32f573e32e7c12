//! `index list`, `index where` and `index remove`.

use crate::cli::{Global, IndexAction};
use crate::commands::{Failure, settings};
use crate::config::{Config, Overrides, is_path, nearest};
use crate::model::exit_code::ExitCode;
use crate::model::hint::{self, quoted};
use crate::model::sanitize;
use crate::model::time::{self, rfc3339};
use crate::output::terminal::{ErrorKind, Ui};
use crate::output::units;
use crate::search::{IndexPlace, IndexState, SearchError, StoredIndex, stored};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::io::{self, BufRead, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

pub(super) fn run(action: &IndexAction, state: &Path, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    match action {
        IndexAction::List => list(state, known(global).as_ref(), ui),
        IndexAction::Where { indexes } => whereabouts(indexes, state, global, ui),
        IndexAction::Remove { indexes, yes } => remove(indexes, *yes, state, ui),
    }
}

/// Returns the configuration; `None` if there is none or it has errors. Then it is not known which jobs there are.
fn known(global: &Global) -> Option<Config> {
    let opened = settings::open(global).ok().filter(|opened| opened.exists)?;
    opened.check(&Overrides::default()).ok()
}

fn all(state: &Path) -> Result<Vec<StoredIndex>, Failure> {
    stored(state).map_err(|error| Failure::named(error.to_string(), Some("make it readable for this user")))
}

fn list(state: &Path, config: Option<&Config>, ui: &Ui) -> Result<ExitCode, Failure> {
    let found = all(state)?;
    let lost: Vec<Option<String>> = found.iter().map(|index| orphan(index, config)).collect();
    let both = || found.iter().zip(&lost);
    ui.objects("index", both().map(|(index, lost)| as_json(index, lost.as_deref())))?;
    let body = json!({
        "dir": state.join("index").to_string_lossy(), "indexes": found.len(), "orphans": lost.iter().flatten().count(),
        "bytes": found.iter().map(|index| index.bytes).sum::<u64>(),
    });
    ui.report(ExitCode::Done, &body, || {
        if found.is_empty() {
            ui.note(&format!("there is no index below {}", sanitize::path(&state.join("index"))));
            ui.note("  hint: `pdb-sync index --all` builds those of all jobs, `pdb-sync index DIR` that of any directory");
            return Ok(());
        }
        ui.table(&rows(&found))?;
        for (index, lost) in both() {
            let label = &index.place.label;
            if let IndexState::Damaged(why) = &index.state {
                ui.note(&format!("{label}: {why}; {} rebuilds it", hint::command(["index", label, "--rebuild"])));
            }
            if let Some(lost) = lost {
                ui.note(&format!("{label}: {lost}; {} removes the index", hint::command(["index", "remove", label])));
            }
        }
        Ok(())
    })?;
    Ok(ExitCode::Done)
}

/// Returns what an index has lost: its job, or its mirror. `None` if neither, or if that is not known.
fn orphan(index: &StoredIndex, config: Option<&Config>) -> Option<String> {
    let mut root = index.root.as_deref();
    if index.of_job {
        let job = config?.jobs.iter().find(|job| job.name == index.place.label);
        let Some(job) = job else { return Some("no job has this name any more".into()) };
        root = job.known_dest();
    }
    let missing = |path: &&Path| {
        std::fs::metadata(path).is_err_and(|error| {
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        })
    };
    root.filter(missing).map(|root| format!("its mirror {} is not there", sanitize::path(&root)))
}

fn age(index: &StoredIndex) -> Option<Duration> {
    SystemTime::now().duration_since(index.updated?).ok()
}

fn as_json(index: &StoredIndex, lost: Option<&str>) -> Value {
    let label = &index.place.label;
    json!({
        "job": index.of_job.then_some(label), "index": label, "dir": index.place.dir().to_string_lossy(),
        "root": index.root.as_ref().map(|root| root.to_string_lossy()),
        "state": index.state.word(),
        "error": if let IndexState::Damaged(why) = &index.state { Some(why) } else { None },
        "documents": index.documents, "bytes": index.bytes,
        "updated": index.updated.and_then(|time| Timestamp::try_from(time).ok()).map(rfc3339),
        "age_s": age(index).map(time::seconds),
        "in_use": index.is_built, "orphan": lost,
    })
}

/// Returns a heading and one row per index.
fn rows(found: &[StoredIndex]) -> Vec<Vec<String>> {
    let mut rows =
        vec![["STATE", "DOCUMENTS", "SIZE", "UPDATED", "INDEX", "DIRECTORY"].map(String::from).to_vec()];
    for index in found {
        rows.push(vec![
            if index.is_built {
                format!("{}, in use", index.state.word())
            } else {
                index.state.word().into()
            },
            index.documents.map_or("?".into(), units::grouped),
            units::bytes(index.bytes),
            age(index).map_or("?".into(), |age| format!("{} ago", units::whole(age))),
            index.place.label.clone(),
            sanitize::path(index.place.dir()).into_owned(),
        ]);
    }
    rows
}

fn whereabouts(names: &[String], state: &Path, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let jobs: Vec<String> =
        known(global).map(|config| config.jobs.into_iter().map(|job| job.name).collect()).unwrap_or_default();
    let mut places = Vec::new();
    for name in names {
        let place = if is_path(name) {
            IndexPlace::of_path(state, &absolute(name))
        } else {
            IndexPlace::of_job(state, name)
        };
        // The index of a job that is gone may still be there.
        if !is_path(name) && !jobs.contains(name) && !place.exists() {
            return Err(unknown(name, jobs.iter().map(String::as_str)));
        }
        places.push(place);
    }
    let dir = state.join("index");
    ui.objects(
        "place",
        places.iter().map(|place| {
            json!({
                "job": (!is_path(&place.label)).then_some(&place.label), "index": place.label,
                "dir": place.dir().to_string_lossy(), "exists": place.exists(),
            })
        }),
    )?;
    ui.report(ExitCode::Done, &json!({"dir": dir.to_string_lossy()}), || {
        let dirs = if places.is_empty() { vec![&*dir] } else { places.iter().map(IndexPlace::dir).collect() };
        for dir in dirs {
            ui.raw(&[&*ui.raw_name(dir.as_os_str().as_bytes()), b"\n"].concat())?;
        }
        for IndexPlace { label, .. } in places.iter().filter(|place| !place.exists()) {
            ui.note(&format!(
                "{label}: there is no index yet; {} builds it",
                hint::command(["index", label])
            ));
        }
        Ok(())
    })?;
    Ok(ExitCode::Done)
}

/// Returns the path of an argument without symlinks, or as it is written if the directory is gone.
fn absolute(name: &str) -> PathBuf {
    Path::new(name).canonicalize().unwrap_or_else(|_| {
        let path = std::path::absolute(name).unwrap_or_else(|_| name.into());
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => drop(plain.pop()),
                part => plain.push(part),
            }
        }
        plain
    })
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let hint = match nearest(name, known) {
        _ if !is_path(name) && Path::new(name).is_dir() => {
            format!("for the directory of that name, write {}", quoted(&format!("./{name}")))
        }
        Some(near) => format!("did you mean {near:?}?"),
        None => "`pdb-sync index list` lists the indexes".into(),
    };
    Failure::usage_hint(format!("there is no index of {name:?}"), hint)
}

fn remove(names: &[String], yes: bool, state: &Path, ui: &Ui) -> Result<ExitCode, Failure> {
    let found = all(state)?;
    let mut chosen: Vec<&StoredIndex> = Vec::new();
    // All names are resolved before anything is removed.
    for name in names {
        let label = if is_path(name) { absolute(name).to_string_lossy().into_owned() } else { name.clone() };
        let is = |index: &&StoredIndex| {
            index.place.label == label && index.of_job != is_path(&label) || index.place.label == *name
        };
        match found.iter().find(is) {
            Some(index) if chosen.iter().any(|known| known.place == index.place) => {}
            Some(index) => chosen.push(index),
            None => return Err(unknown(name, found.iter().map(|index| index.place.label.as_str()))),
        }
    }
    if !yes {
        chosen = agreed(chosen, ui)?;
    }
    let (mut removed, mut failed, mut freed) = (Vec::new(), Vec::new(), 0);
    let mut exit = ExitCode::Done;
    for index in chosen {
        let label = &index.place.label;
        match index.place.remove() {
            Ok(()) => {
                removed.push(label);
                freed += index.bytes;
            }
            Err(error @ SearchError::Busy(_)) => {
                ui.error_of(ErrorKind::Locked, &error.to_string(), Some("wait for it; the index stays"));
                failed.push(label);
                exit = exit.worst(ExitCode::Locked);
            }
            Err(error) => {
                let hint = "look into the directory, and repeat the command: it removes the rest";
                ui.error(&format!("the index of {label} was not removed: {error}"), Some(hint));
                failed.push(label);
                exit = exit.worst(ExitCode::Failed);
            }
        }
    }
    ui.report(exit, &json!({"removed": removed, "bytes": freed, "failed": failed}), || {
        ui.outcome(&format!(
            "{} removed, {} freed",
            units::count(removed.len() as u64, "index", "indexes"),
            units::bytes(freed)
        ))
    })?;
    Ok(exit)
}

/// Asks for each index. End of input means "no" to all remaining questions.
fn agreed<'a>(chosen: Vec<&'a StoredIndex>, ui: &Ui) -> Result<Vec<&'a StoredIndex>, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage_hint(
            "cannot ask for confirmation: standard input is not a terminal, and --yes was not given",
            "--yes does it without asking, `pdb-sync index list` shows what there is",
        ));
    }
    let mut agreed = Vec::new();
    let mut input = io::stdin().lock();
    'indexes: for index in chosen {
        loop {
            ui.note(&format!(
                "{}: {}. Remove the index? [y]es, [n]o",
                index.place.label,
                units::bytes(index.bytes)
            ));
            let mut answer = String::new();
            input.read_line(&mut answer).map_err(Failure::io("read an answer"))?;
            match answer.trim().to_ascii_lowercase().as_str() {
                "y" | "yes" => break agreed.push(index),
                "n" | "no" => break,
                "" if answer.is_empty() => break 'indexes,
                _ => {}
            }
        }
    }
    Ok(agreed)
}
