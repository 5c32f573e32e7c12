//! `config init | show | check | schema | path`

use super::{Failure, annotate, file_locations, settings};
use crate::cli::{ConfigAction, ConfigArgs, Example, Global};
use crate::config::{self, Problem};
use crate::model::event::Level;
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::terminal::Ui;
use crate::output::{OutputFile, schema};
use serde_json::json;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;

const TEMPLATE: &str = include_str!("../../config-examples/template.toml");
const PDB: &str = include_str!("../../config-examples/pdb.toml");
const ALPHAFOLD: &str = include_str!("../../config-examples/alphafold.toml");
const CI: &str = include_str!("../../config-examples/ci.toml");
const BENCHMARK: &str = include_str!("../../config-examples/benchmark.toml");
const BENCHMARK_IDS: &str = include_str!("../../config-examples/benchmark-ids.txt");

/// Writes, shows or checks the configuration.
pub(super) fn run(args: &ConfigArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    match &args.action {
        ConfigAction::Init { from } => init(*from, global, ui),
        ConfigAction::Show { origin, jobs } => show(jobs, *origin, global, ui),
        ConfigAction::Check => check(global, ui),
        ConfigAction::Schema { events } => schema(*events, ui),
        ConfigAction::Path => path(global, ui),
    }
}

fn init(from: Option<Example>, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let file = file_locations::config_file(global)?.path;
    let text = match from {
        None => TEMPLATE,
        Some(Example::Pdb) => PDB,
        Some(Example::Alphafold) => ALPHAFOLD,
        Some(Example::Ci) => CI,
        Some(Example::Benchmark) => BENCHMARK,
    };
    // The example names the list by this path.
    let list = (from == Some(Example::Benchmark)).then(|| file.with_file_name("benchmark-ids.txt"));
    if let Some(dir) = file.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::create_dir_all(dir)
            .map_err(Failure::io(format!("create the directory {}", sanitize::path(&dir))))?;
    }
    let tried = || format!("write the configuration {}", sanitize::path(&file));
    match OutputFile::create(&file, text.as_bytes()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Failure::usage_hint(
                format!("{} exists already, and is not written over", sanitize::path(&file)),
                "move it away, or give --config FILE for another",
            ));
        }
        Err(error) => return Err(Failure::written(tried(), error)),
    }
    let kept = match list.as_deref().map(|list| OutputFile::create(list, BENCHMARK_IDS.as_bytes())) {
        None | Some(Ok(())) => false,
        Some(Err(error)) if error.kind() == io::ErrorKind::AlreadyExists => true,
        Some(Err(error)) => return Err(Failure::written("write the list of entries beside it", error)),
    };
    let body = json!({
        "file": file.to_string_lossy(), "ids": list.as_ref().map(|list| list.to_string_lossy()),
    });
    ui.report(ExitCode::Done, &body, || {
        ui.note(&format!("wrote {}", sanitize::path(&file)));
        if let Some(list) = &list {
            let how = if kept { "kept the list of entries, which was there:" } else { "wrote" };
            ui.note(&format!("{how} {}", sanitize::path(list)));
        }
        ui.note("next: set root and the jobs that you want, then");
        ui.note("  `pdb-sync config check`       finds every mistake");
        ui.note("  `pdb-sync sync --all --plan`  shows what would be fetched, and changes nothing");
        Ok(())
    })?;
    Ok(ExitCode::Done)
}

fn show(names: &[String], origin: bool, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let config = settings::open(global)?.load(ui)?;
    let jobs = match names {
        [] => config.jobs.clone(),
        names => config::select(&config.jobs, names, false, &[])?,
    };
    let text = config::show(&config, &jobs, origin);
    let raw = || ui.raw(format!("{}\n", text.trim_end()).as_bytes());
    ui.report(ExitCode::Done, &json!({ "toml": text }), raw)?;
    Ok(ExitCode::Done)
}

fn check(global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let file = file_locations::config_file(global)?.path;
    let (exists, found) = match settings::read(global)? {
        Ok(opened) => {
            let found = opened.check(&config::Overrides::default());
            (opened.exists, found)
        }
        Err(problems) => (true, Err(problems)),
    };
    let (jobs, problems, warnings, notes) = match found {
        Ok(config) => {
            let warnings = [config.warnings, config.advice].concat();
            (Some(config.jobs.len()), config.unfit, warnings, config.notes)
        }
        Err(problems) => (None, problems.0, Vec::new(), Vec::new()),
    };
    for (severity, found) in [("error", &problems), ("warning", &warnings), ("note", &notes)] {
        ui.objects("problem", found.iter().map(|problem| as_json(severity, problem)))?;
    }
    let counts = json!({
        "file": file.to_string_lossy(), "ok": problems.is_empty(), "jobs": jobs,
        "problems": problems.len(), "warnings": warnings.len(), "notes": notes.len(),
    });
    ui.report(ExitCode::Done, &counts, || {
        notes.iter().for_each(|note| ui.note_lines(&format!("note: {note}")));
        for warning in &warnings {
            ui.warning_lines(&warning.to_string());
        }
        for problem in &problems {
            ui.error_text(&problem.to_string(), None);
        }
        if let Some(jobs) = jobs.filter(|_| problems.is_empty()) {
            let what = if exists { "ok" } else { "does not exist, which is ok" };
            let s = if jobs == 1 { "" } else { "s" };
            ui.outcome(&format!("{}: {what}, {jobs} job{s}", sanitize::path(&file)))?;
            if !exists {
                ui.note("  hint: `pdb-sync config init` writes one");
            }
        }
        Ok(())
    })?;
    for (level, found) in [(Level::Warning, &warnings), (Level::Error, &problems)] {
        found.iter().for_each(|problem| annotate::problem(level, problem, ui));
    }
    Ok(if problems.is_empty() { ExitCode::Done } else { ExitCode::Usage })
}

fn as_json(severity: &str, problem: &Problem) -> serde_json::Value {
    let place = problem.place.as_ref();
    json!({
        "severity": severity,
        "file": problem.file.as_ref().map(|file| file.to_string_lossy()),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "text": problem.text,
        "hint": problem.hint,
    })
}

/// Prints the schema of the configuration, or of the lines of `--json`. Without `--json` it is printed as it is, for editors and
/// validators; with `--json` it is part of the result.
fn schema(events: bool, ui: &Ui) -> Result<ExitCode, Failure> {
    let schema = if events { schema::of_events() } else { config::schema() };
    ui.report(ExitCode::Done, &json!({ "schema": schema }), || {
        ui.json_lines((serde_json::to_string_pretty(&schema)? + "\n").as_bytes())
    })?;
    Ok(ExitCode::Done)
}

fn path(global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let file = file_locations::config_file(global)?.path;
    let body = json!({ "file": file.to_string_lossy(), "exists": file.exists() });
    ui.report(ExitCode::Done, &body, || {
        ui.raw(&[&*ui.raw_name(file.as_os_str().as_bytes()), b"\n"].concat())
    })?;
    Ok(ExitCode::Done)
}
