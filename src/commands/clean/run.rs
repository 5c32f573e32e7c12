//! `clean run`: everything is confirmed and compared before the first entry is removed.

use super::apply_plan::Work;
use super::dry_run::Rehearsal;
use super::plan_summary::Fold;
use super::plans::{self, Whole};
use super::removal_modes::{removal_mode, removal_mode_word};
use super::run_result::Started;
use super::shared;
use super::verify::root;
use crate::clean::removal::{self, RemovalMode};
use crate::clean::{Action, JournalProgress, Limits};
use crate::cli::{Global, RunArgs, RunMode};
use crate::commands::costs::{self, Clock};
use crate::commands::interruption::{CHANGING, interruptible};
use crate::commands::settings::switch;
use crate::commands::{Failure, file_locations};
use crate::config::{CleanRunMode, CleanSettings, Size};
use crate::model::exit_code::ExitCode;
use crate::model::hint;
use crate::model::job::MaxEntries;
use crate::model::sanitize;
use crate::output::terminal::{Ui, shown};
use crate::output::units::{bytes, count};
use crate::platform;
use crate::scan::Stop;
use crate::system::running::Registration;
use std::collections::HashSet;
use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

/// Checks the plan, asks for confirmation, and applies the plan. If it was applied, the cost is recorded.
pub(super) fn run(args: &RunArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let (mut clock, started) = (Clock::start("clean run"), Started::now());
    let config = shared::config(global)?;
    let mode = mode(args, config.clean.run_mode)?;
    let strict = switch(args.strict, args.no_strict, config.clean.strict);
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
            going += entry.count();
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
    let word = removal_mode_word(args, &config.clean);
    if strict || mode == RunMode::DryRun {
        let listed = mode == RunMode::DryRun && ui.verbose;
        let mut rehearsal = Rehearsal::new(&whole.header, &dir, word, listed.then_some(ui));
        plan.read(|_, entry| {
            let action = decisions.action(&entry);
            rehearsal.look_at(&entry, action);
        })
        .map_err(|error| Failure::usage(plan.refused(&error)))?;
        let found = rehearsal.end()?;
        if strict && found.drifted() > 0 && refused.is_none() {
            let entries = count(found.drifted(), "entry is", "entries are");
            let verify = hint::command(["clean", "verify", &plans::path_of(&plan.path)]);
            let new = plans::new_plan(&whole.header);
            let hint = format!("{verify} names them, {new}; without --strict they are skipped");
            refused = Some((format!("{entries} not as planned; nothing was touched"), hint));
        }
        if mode == RunMode::DryRun {
            return found.tell(&path, size, started, refused, ui);
        }
    }
    if let Some((text, hint)) = refused {
        return Ok(shared::blocked(ui, &text, Some(&hint)));
    }
    costs::reached("compare");
    let agreed = match mode {
        RunMode::Interactive => Some(clock.idle(|| ask(fold, ui))?),
        _ => None,
    };
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
        threads: args.threads.map_or(config.clean.threads, usize::from),
        fail_fast: switch(args.fail_fast, args.no_fail_fast, config.clean.fail_fast),
        strict,
        started,
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

/// Returns the mode: of the options, else of `[clean] run_mode`.
fn mode(args: &RunArgs, configured: Option<CleanRunMode>) -> Result<RunMode, Failure> {
    let chosen = args.mode.or(args.dry_run.then_some(RunMode::DryRun));
    match (chosen, configured) {
        (Some(RunMode::Interactive), _) if args.yes => {
            Err(Failure::usage("--mode interactive does not go with --yes"))
        }
        (Some(mode), _) => Ok(mode),
        (None, _) if args.yes => Ok(RunMode::Batch),
        (None, Some(CleanRunMode::Batch)) => Ok(RunMode::Batch),
        (None, Some(CleanRunMode::DryRun)) => Ok(RunMode::DryRun),
        (None, Some(CleanRunMode::Interactive)) => Ok(RunMode::Interactive),
        (None, None) if io::stdin().is_terminal() => Ok(RunMode::Interactive),
        (None, None) => Err(Failure::usage_hint(
            "cannot ask for confirmation: standard input is not a terminal, and --yes was not given",
            "--yes does it without asking, --dry-run (-n) only shows what would be done, --mode interactive reads the answers",
        )),
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
        bytes: bytes.map_err(wrong("--max-bytes"))?.map_or(settings.max_bytes, |size| size.0),
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
