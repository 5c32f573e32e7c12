//! `clean log`

use crate::clean::removal::{self, FoundJournal};
use crate::clean::{Begin, Dirs, EntryOutcome, LongNames, Record, Tally, transfers};
use crate::cli::{Global, LogArgs};
use crate::commands::history::{SHORT_ID, WIDE};
use crate::commands::history_lookup;
use crate::commands::{Failure, file_locations};
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::model::time::{local_of, minute, offset, rfc3339_of};
use crate::output::terminal::{JsonPath, Lines, Ui, shown};
use crate::output::units::count;
use crate::retention;
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;

/// Shows runs, newest first, or the entries of one run.
pub(super) fn run(args: &LogArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let state = file_locations::state_dir(global)?;
    if let Some(run) = &args.run {
        return one(&state, run, ui);
    }
    let mut all = removal::list(&state).map_err(Failure::io("read the journals"))?;
    all.reverse();
    let narrow = !ui.verbose && ui.look().columns.is_some_and(|columns| columns < WIDE);
    let known = if narrow {
        history_lookup::known_runs(&state, history_lookup::open(global).ok().flatten().as_ref())?
    } else {
        Vec::new()
    };
    let times: Vec<_> = all.iter().map(|found| found.begin.time.parse::<Timestamp>().ok()).collect();
    let common = common_offset(&times).filter(|_| narrow);
    let started = common.as_ref().map_or("STARTED".into(), |offset| format!("STARTED {offset}"));
    let mut rows = vec![["RUN", &started, "BY", "MODE", "WHAT", "ROOT"].map(String::from).to_vec()];
    for (found, time) in all.iter().zip(times) {
        let mut tally = Tally::default();
        outcomes(found, |record| {
            tally.add(&record);
        })?;
        let counts: BTreeMap<&'static str, u64> = tally.counts().map(|(did, n)| (did.word(), n)).collect();
        let begin = &found.begin;
        let whole = found.end.as_ref().map(|end| end.whole);
        let body = json!({
            "run": begin.run, "command": begin.command, "job": begin.job, "root": begin.root.path, "mode": begin.mode,
            "started": rfc3339_of(&begin.time), "whole": whole, "counts": counts,
            "purged": found.purged.as_deref().and_then(rfc3339_of), "journal": found.path.to_string_lossy(),
        });
        ui.objects("run", [body])?;
        let mut what: Vec<String> = counts.iter().map(|(word, n)| format!("{n} {word}")).collect();
        if whole != Some(true) && !counts.contains_key(EntryOutcome::Restored.word()) {
            what.push("cut short".into());
        }
        if let Some(time) = &found.purged {
            what.push(if narrow { "purged".into() } else { format!("purged on {}", local_of(time)) });
        }
        rows.push(vec![
            if narrow { retention::short(&begin.run, &known, SHORT_ID) } else { &begin.run }.to_owned(),
            time.filter(|_| common.is_some()).map_or_else(|| local_of(&begin.time), minute),
            begin.command.clone(),
            begin.mode.clone(),
            what.join(", "),
            sanitize::line(&begin.root.path).into_owned(),
        ]);
    }
    ui.report(ExitCode::Done, &json!({"runs": all.len()}), || {
        if all.is_empty() {
            ui.note("no run is known");
            return Ok(());
        }
        ui.table(&ui.with_short_paths(rows))
    })?;
    Ok(ExitCode::Done)
}

/// Returns the offset that all these times have in the reader's time zone. It is then shown once, in the heading.
fn common_offset(times: &[Option<Timestamp>]) -> Option<String> {
    let mut offsets = times.iter().map(|time| time.map(offset));
    let first = offsets.next()??;
    offsets.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

fn one(state: &std::path::Path, run: &str, ui: &Ui) -> Result<ExitCode, Failure> {
    let meant = match run {
        "last" => "last".to_owned(),
        wanted => history_lookup::run_meant(state, wanted)?.ok_or_else(|| history_lookup::no_run(wanted))?,
    };
    let found = removal::find(state, &meant).map_err(Failure::io("read the journals"))?;
    if found.is_empty() {
        let text = match run {
            "last" => "no run has removed anything yet".to_owned(),
            _ => {
                format!("run {meant} has no journal: it kept nothing of what it removed, or removed nothing")
            }
        };
        return Err(Failure::usage_hint(text, "`pdb-sync clean log` lists the runs that have one"));
    }
    let mut entries = 0u64;
    for found in &found {
        let (mut lines, mut tally) = (Lines::new(ui), Tally::default());
        let mut told = Ok(());
        outcomes(found, |record| {
            if tally.add(&record) {
                entries += 1;
                if told.is_ok() {
                    told = entry(&record, &found.begin, &mut lines);
                }
            }
        })?;
        told?;
        lines.flush()?;
    }
    ui.result(ExitCode::Done, &json!({"entries": entries}))?;
    Ok(ExitCode::Done)
}

/// Calls `each` with every recorded outcome of every entry.
fn outcomes(found: &FoundJournal, mut each: impl FnMut(Record)) -> Result<(), Failure> {
    let open = found.outcomes(&mut each);
    let open = open.map_err(Failure::io(format!("read the journal {}", sanitize::path(&found.path))))?;
    open.into_iter().for_each(&mut each);
    if let Some((root, long)) = cut_short(found) {
        removal::replaced(&root, &found.begin.run, &long, each);
    }
    Ok(())
}

/// Returns the tree of a run that was killed while it transferred, before it could record what it had replaced. The replaced entries are in
/// the quarantine.
fn cut_short(found: &FoundJournal) -> Option<(File, LongNames)> {
    if found.end.is_some() || !transfers(&found.begin.command) {
        return None;
    }
    let (_, root) = super::verify::root_of_run(&found.begin).ok()?;
    let mut dirs = Dirs::default();
    found.read(|line| dirs.learn(&line)).ok()?;
    Some((root, dirs.long))
}

fn entry(record: &Record, begin: &Begin, lines: &mut Lines<'_>) -> io::Result<()> {
    let body = || {
        let mut row = serde_json::to_value(JsonPath::from(record.path.clone())).unwrap_or_default();
        row["run"] = begin.run.as_str().into();
        row["started"] = rfc3339_of(&begin.time).into();
        row["type"] = record.kind.word().into();
        row["did"] = record.did.word().into();
        row["bytes"] = record.bytes.into();
        row["entries"] = record.entries.into();
        row["why"] = record.why.as_deref().into();
        row
    };
    let text = || {
        let why = match record.did {
            EntryOutcome::Meant => Some("the run was cut short there"),
            _ => record.why.as_deref(),
        };
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        let holds = match record.entries {
            0 | 1 => String::new(),
            n => format!("/ ({})", count(n, "entry", "entries")),
        };
        format!("{:<11} {}{holds}{why}", record.did.word(), shown(&record.path))
    };
    lines.item("entry", body, text)
}
