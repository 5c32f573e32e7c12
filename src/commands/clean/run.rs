//! `clean run`: everything is confirmed and compared before the first entry is removed.

use super::apply_plan::Work;
use super::plan_summary::Fold;
use super::plans::{self, Whole};
use super::removal_modes::{removal_mode, removal_mode_word};
use super::shared;
use super::verify::{PlanVerifier, root};
use crate::clean::removal::{self, RemovalMode};
use crate::clean::{Action, JournalProgress, Limits};
use crate::cli::{Global, RunArgs, RunMode};
use crate::commands::costs::{self, Clock};
use crate::commands::interruption::{CHANGING, interruptible};
use crate::commands::{Failure, file_locations};
use crate::config::{CleanSettings, Size};
use crate::model::exit_code::ExitCode;
use crate::model::hint;
use crate::model::job::MaxEntries;
use crate::model::sanitize;
use crate::output::terminal::{Ui, shown};
use crate::output::units::{bytes, count, grouped};
use crate::platform;
use crate::scan::Stop;
use crate::system::running::Registration;
use serde_json::json;
use std::collections::HashSet;
use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

/// Checks the plan, asks for confirmation, and applies the plan. If it was applied, the cost is recorded.
pub(super) fn run(args: &RunArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let mut clock = Clock::start("clean run");
    let config = shared::config(global)?;
    let mode = mode(args)?;
    let mut plan = plans::open(&args.plan, global)?;
    let decisions = std::mem::take(&mut plan.decisions);
    let state = file_locations::state_dir(global)?;
    if mode != RunMode::DryRun {
        let tried = format!("copy the plan into the state directory {}", sanitize::path(&state));
        plan.pin(&state).map_err(Failure::io_hint(tried, shared::NOTHING_YET))?;
    }
    let (mut fold, mut going, mut size) = (Fold::default(), 0u64, 0u64);
    let whole = plan.read(|_, entry| {
        if decisions.action(&entry) == Action::Delete {
            going += 1;
            size += entry.bytes;
            if mode == RunMode::Interactive {
                fold.add(&entry, Action::Delete);
            }
        }
    });
    costs::reached("read");
    let whole = match whole {
        Ok(whole) => whole,
        Err(error) => {
            return Ok(shared::blocked(ui, &plan.refused(&error), Some(plans::NEW_PLAN)));
        }
    };
    plans::refuse_of_sync(&whole, "which `clean run` does not apply")?;
    plans::judge_decisions(&decisions, &whole.header, ui)?;
    if let Some(expected) = &args.expect
        && !same_hash(expected, &whole.hash)
    {
        let text =
            format!("the plan's hash is {}, not the expected {expected}; nothing was touched", whole.hash);
        return Ok(shared::blocked(
            ui,
            &text,
            Some(&format!("{} shows it", hint::command(["clean", "show", &plans::path_of(&plan.path)]))),
        ));
    }
    let (path, dir) = match root(&whole.header.root) {
        Ok(root) => root,
        Err(why) => return Ok(shared::blocked(ui, &why, Some(&plans::new_plan(&whole.header)))),
    };
    if let Some(why) = crate::config::danger(&path, &platform::host_facts()) {
        let text = format!("{} {why}: nothing there is removed", sanitize::path(&path));
        return Ok(shared::blocked(ui, &text, None));
    }
    let limits = limits(args, &config.clean)?;
    let mut refused = limits.check(going, size, whole.header.tree_entries).err().map(|exceeded| {
        let hint = format!("if that is meant: {}", exceeded.options);
        (exceeded.to_string(), hint)
    });
    if let Some((text, hint)) = refused.as_ref().filter(|_| mode != RunMode::DryRun) {
        return Ok(shared::blocked(ui, text, Some(hint)));
    }
    let mut registered = Registration::new(&state, "clean run", vec![path.to_string_lossy().into_owned()]);
    let drifted = if args.strict || mode == RunMode::DryRun {
        let mut eye = PlanVerifier::new(&dir);
        let read = plan.read(|_, entry| {
            if decisions.action(&entry) == Action::Delete {
                eye.compare(&entry);
            }
        });
        read.map_err(|error| Failure::usage(plan.refused(&error)))?;
        eye.drift.changed + eye.drift.gone
    } else {
        0
    };
    if args.strict && drifted > 0 && refused.is_none() {
        let text =
            format!("{} not as planned; nothing was touched", count(drifted, "entry is", "entries are"));
        let verify = hint::command(["clean", "verify", &plans::path_of(&plan.path)]);
        let hint = format!(
            "{verify} names them, {}; without --strict they are skipped",
            plans::new_plan(&whole.header)
        );
        refused = Some((text, hint));
    }
    if mode == RunMode::DryRun {
        return rehearse(&path, going, size, drifted, refused, ui);
    }
    if let Some((text, hint)) = refused {
        return Ok(shared::blocked(ui, &text, Some(&hint)));
    }
    costs::reached("compare");
    let agreed = match mode {
        RunMode::Interactive => Some(clock.idle(|| ask(fold, ui))?),
        _ => None,
    };
    let word = removal_mode_word(args, &config.clean);
    let (named, _) = which_run(&state, &whole, &path, word)?;
    let locks = match shared::lock(&path, &config, global, &named, ui)? {
        Ok(locks) => locks,
        Err(exit) => return Ok(exit),
    };
    // Read again: only under the lock does no other process write to the run's journal.
    let (run, past) = which_run(&state, &whole, &path, word)?;
    registered.record().run = Some(run.clone());
    registered.publish();
    let removal_mode = removal_mode(args, &config, &path)?;
    // In all modes except `delete`, entries are captured in the quarantine.
    if !matches!(removal_mode, RemovalMode::Delete)
        && let Some(refusal) = removal::cannot_keep(&dir, &path)
    {
        let text = format!(
            "cannot make the quarantine in {}: {refusal}; nothing was touched",
            sanitize::path(&path)
        );
        ui.error(&text, Some(&refusal.hint));
        return Ok(ExitCode::Failed);
    }
    costs::reached("prepare");
    let stop = Stop::default();
    let work = Work {
        plan,
        decisions,
        whole,
        path,
        dir,
        going,
        agreed,
        run,
        past,
        removal_mode,
        keep: config.clean.keep,
        state,
        threads: args.threads.map_or(0, usize::from),
        fail_fast: args.fail_fast,
        strict: args.strict,
        stop: stop.clone(),
        ui: *ui,
    };
    let exit = interruptible(&stop, ui, CHANGING, move || {
        let exit = work.go();
        drop(locks);
        exit
    })?;
    costs::reached("remove");
    clock.note(exit, global, ui);
    Ok(exit)
}

fn mode(args: &RunArgs) -> Result<RunMode, Failure> {
    match args.mode.or(args.dry_run.then_some(RunMode::DryRun)) {
        Some(RunMode::Batch) | None if args.yes => Ok(RunMode::Batch),
        None if io::stdin().is_terminal() => Ok(RunMode::Interactive),
        Some(RunMode::Batch) | None => Err(Failure::usage_hint(
            "cannot ask for confirmation: standard input is not a terminal, and --yes was not given",
            "--yes does it without asking, --dry-run (-n) only shows what would be done, --mode interactive reads the answers",
        )),
        Some(RunMode::Interactive) if args.yes => {
            Err(Failure::usage("--mode interactive does not go with --yes"))
        }
        Some(mode) => Ok(mode),
    }
}

/// Whether `expected` is the hash, or a prefix of it with enough digits.
fn same_hash(expected: &str, hash: &str) -> bool {
    let expected = expected.to_ascii_lowercase();
    expected.len() >= plans::LEAST && hash.starts_with(&expected)
}

fn limits(args: &RunArgs, settings: &CleanSettings) -> Result<Limits, Failure> {
    let wrong = |option: &str| {
        let option = option.to_owned();
        move |why: String| Failure::usage(format!("{option}: {why}"))
    };
    let entries = args.max_delete.as_deref().map(str::parse::<MaxEntries>).transpose();
    let bytes = args.max_bytes.as_deref().map(str::parse::<Size>).transpose();
    Ok(Limits {
        entries: entries.map_err(wrong("--max-delete"))?.unwrap_or(settings.max_delete),
        bytes: bytes.map_err(wrong("--max-bytes"))?.and_then(|size| size.0),
    })
}

/// Reports a dry run. `refused`: the guard that would refuse the run, and a hint.
fn rehearse(
    path: &Path,
    going: u64,
    size: u64,
    drifted: u64,
    refused: Option<(String, String)>,
    ui: &Ui,
) -> Result<ExitCode, Failure> {
    let body = json!({
        "run": null, "root": path.to_string_lossy(), "deleted": 0, "quarantined": 0, "skipped": 0, "failed": 0,
        "bytes": 0, "journal": null, "would_remove": going - drifted, "would_skip": drifted, "bytes_planned": size,
        "blocked": refused.as_ref().map(|(text, _)| text), "hint": refused.as_ref().map(|(_, hint)| hint),
    });
    ui.report(ExitCode::Done, &body, || {
        ui.line(&format!(
            "would remove {} from {}, {}",
            count(going - drifted, "entry", "entries"),
            sanitize::path(&path),
            bytes(size)
        ))?;
        if drifted > 0 {
            ui.line(&format!("would skip {}: not as planned", grouped(drifted)))?;
        }
        Ok(())
    })?;
    Ok(match refused {
        Some((text, hint)) => shared::blocked(ui, &text, Some(&hint)),
        None if drifted > 0 => ExitCode::Partial,
        None => ExitCode::Done,
    })
}

/// Asks for each rule and directory. End of input means "no" to all remaining questions.
fn ask(fold: Fold, ui: &Ui) -> Result<HashSet<(String, Vec<u8>)>, Failure> {
    let mut agreed = HashSet::new();
    let mut input = io::stdin().lock();
    let mut all = false;
    'rows: for (key, sum) in fold.rows() {
        let pair = (key.rule.clone(), key.dir.clone());
        while !all {
            let dir = if key.dir.is_empty() { ".".into() } else { shown(&key.dir) + "/" };
            ui.note(&format!(
                "{} in {dir}: {}, {}. Remove? [y]es, [n]o, [a]ll from here on, [q]uit",
                key.rule,
                count(sum.entries, "entry", "entries"),
                bytes(sum.bytes)
            ));
            let mut answer = String::new();
            input.read_line(&mut answer).map_err(Failure::io("read an answer"))?;
            match answer.trim().to_ascii_lowercase().as_str() {
                "y" | "yes" => break,
                "n" | "no" => continue 'rows,
                "a" | "all" => all = true,
                "q" | "quit" => break 'rows,
                "" if answer.is_empty() => break 'rows,
                _ => {}
            }
        }
        agreed.insert(pair);
    }
    Ok(agreed)
}

/// Returns the interrupted run of the same plan with its progress, or a new run.
fn which_run(
    state: &Path,
    whole: &Whole,
    root: &Path,
    mode: &str,
) -> Result<(String, Option<JournalProgress>), Failure> {
    let cannot = || Failure::io_hint("read the journals", shared::NOTHING_YET);
    let known = removal::list(state).map_err(cannot())?;
    let same = known.into_iter().rev().find(|found| {
        let begin = &found.begin;
        found.end.as_ref().is_none_or(|end| !end.whole)
            && begin.plan.as_deref() == Some(&whole.hash)
            && begin.mode == mode
            && removal::root_of(&begin.root).as_deref() == Some(root)
    });
    if let Some(found) = same {
        let mut past = JournalProgress::default();
        found.read(|line| past.learn(&line)).map_err(cannot())?;
        if !past.undone {
            return Ok((found.begin.run, Some(past)));
        }
    }
    Ok((crate::retention::next_run(state), None))
}
