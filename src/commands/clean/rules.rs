//! `clean rules` and `clean explain`

use super::plans;
use super::rulebook;
use super::shared;
use crate::clean::removal::{self, Weighed};
use crate::clean::{Action, Kind, Rule, Special, Verdict, Why};
use crate::cli::{ExplainArgs, Global};
use crate::commands::{Failure, file_locations};
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::terminal::{Ui, shown};
use crate::output::units::{bytes, grouped};
use crate::scan::Options;
use serde_json::json;
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// From this number of columns on, a terminal shows everything about a rule in one or two lines.
const WHOLE: usize = 200;

/// Lists the rules in their order, with what the last plan found for each.
pub(super) fn list(global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let config = shared::config(global)?;
    let rules = rulebook::all_rules(&config, &[], &[])?;
    // Without a complete plan, the figures are unknown.
    let last: Option<HashMap<String, Weighed>> =
        plans::alone(Path::new("last"), global).ok().and_then(|mut plan| {
            let mut sums: HashMap<String, Weighed> = HashMap::new();
            plan.read(|_, entry| {
                let sum = sums.entry(entry.rule).or_default();
                sum.entries += 1;
                sum.bytes += entry.bytes;
            })
            .ok()
            .map(|_| sums)
        });
    // With patterns, each rule would take three lines.
    let brief = !ui.verbose && ui.look().columns.is_some_and(|columns| columns < WHOLE);
    let mut rows =
        vec![["RULE", "ACTION", "LAST PLAN", "PATTERNS", "MEANS", "REASON"].map(String::from).to_vec()];
    for rule in &rules {
        let found = last.as_ref().map(|last| last.get(&rule.name).copied().unwrap_or_default());
        let special = rule.special.map(special_word);
        let types: Vec<_> = rule.kinds().into_iter().map(Kind::word).collect();
        let body = json!({
            "name": rule.name, "on": rule.on, "built_in": rule.built_in, "patterns": rule.patterns,
            "type": rule.kind.map(Kind::word), "types": types, "action": rule.action.word(),
            "min_size": rule.min_size, "max_size": rule.max_size,
            "min_age_s": rule.min_age.map(|age| age.as_secs()), "max_age_s": rule.max_age.map(|age| age.as_secs()),
            "special": special, "reason": rule.reason,
            "last_entries": found.map(|sum| sum.entries), "last_bytes": found.map(|sum| sum.bytes),
        });
        ui.objects("rule", [body])?;
        let action = if rule.on { rule.action.word() } else { "off" };
        let found = found.map_or("?".into(), |sum| match sum.entries {
            0 => "-".into(),
            n => format!("{} ({})", grouped(n), bytes(sum.bytes)),
        });
        let mut means: Vec<String> = types.into_iter().map(Into::into).collect();
        means.extend(rule.min_age.map(|age| format!("older than {}", crate::model::time::span(age))));
        means.extend(rule.max_age.map(|age| format!("younger than {}", crate::model::time::span(age))));
        means.extend(rule.min_size.map(|size| format!("at least {}", bytes(size))));
        means.extend(rule.max_size.map(|size| format!("at most {}", bytes(size))));
        means.extend(special.map(Into::into));
        // The directory of the backups depends on the job.
        let patterns = if rule.patterns.is_empty() { "-".into() } else { rule.patterns.join(" ") };
        let name = rule.name.clone();
        rows.push(vec![name, action.into(), found, patterns, means.join(", "), rule.reason.clone()]);
    }
    ui.report(ExitCode::Done, &json!({"rules": rules.len()}), || {
        if brief {
            rows.iter_mut().for_each(|row| drop(row.drain(3..5)));
        }
        ui.table(&rows)?;
        if brief {
            ui.note("-v shows which names each rule looks for, and its other conditions");
        }
        Ok(())
    })?;
    Ok(ExitCode::Done)
}

fn special_word(special: Special) -> &'static str {
    match special {
        Special::RsyncTemp => "whose file is there, or has a known ending",
        Special::EmptyDir => "without anything in it",
        Special::OddName => "whose name is odd",
        Special::Backup => "in the job's --backup-dir, counted from when it was moved there",
        Special::Absent => "on the list of what the last run did not delete",
        Special::Obsolete => "whose entry is on a list, and not below obsolete/",
    }
}

/// Reports which rule decides about a path.
pub(super) fn explain(args: &ExplainArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let config = shared::config(global)?;
    let wrong = |path: &Path, error: std::io::Error| {
        Failure::named(format!("cannot find {}: {error}", sanitize::path(&path)), None)
    };
    // A symlink as the last component is not followed.
    let name = args.path.file_name();
    let path = match (args.path.parent(), name) {
        (Some(parent), Some(name)) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            parent.canonicalize().map_err(|error| wrong(parent, error))?.join(name)
        }
        _ => args.path.canonicalize().map_err(|error| wrong(&args.path, error))?,
    };
    let root: PathBuf = match &args.root {
        Some(root) => root.canonicalize().map_err(|error| wrong(root, error))?,
        None => {
            let dests = config.jobs.iter().filter_map(|job| job.dest.canonicalize().ok());
            let holds = dests
                .filter(|dest| path.starts_with(dest) && path != *dest)
                .max_by_key(|dest| dest.as_os_str().len());
            holds.or_else(|| path.parent().map(Path::to_path_buf)).unwrap_or_else(|| "/".into())
        }
    };
    let below = path.strip_prefix(&root).ok().map(|below| below.as_os_str().as_bytes().to_vec());
    let below = below.ok_or_else(|| {
        Failure::usage(format!("{} does not lie in {}", sanitize::path(&path), sanitize::path(&root)))
    })?;
    let job = rulebook::job_at(&config, &root);
    let state = file_locations::state_dir(global)?;
    let lists = rulebook::lists(job, &root, &args.obsolete, &state, ui)?;
    let rules = rulebook::all_rules(&config, &[], &[])?;
    let judge = rulebook::judge(rules, &config, job, &root, lists, &state)?;
    let options = Options { one_file_system: true, ..Options::default() };
    let scan = crate::scan::scan(&root, &options, None)
        .map_err(|error| Failure::io(format!("scan {}", sanitize::path(&root)))(error.source))?;
    let Some((verdict, why)) = removal::explain(&scan.inventory, &judge, &below) else {
        return Err(Failure::named(
            format!("there is no {} in {}", shown(&below), sanitize::path(&root)),
            None,
        ));
    };
    let decision = match verdict {
        Verdict::Nothing if why.contains(&Why::Upstream) => "upstream has it: it stays".to_owned(),
        Verdict::Nothing => "no rule matches it: it stays".to_owned(),
        Verdict::Protected(why) => format!("protected: {why}"),
        Verdict::Rule(n, action) => {
            let rule = &judge.rules()[n];
            let word = match action {
                Action::Delete => "to be removed",
                Action::Review => "up for review",
                Action::Keep => "to be kept",
            };
            let unknown = match action == rule.action {
                true => "",
                false => "; not to be removed, since it is not known yet whether upstream has it",
            };
            format!("{word} by the rule {}: {}{unknown}", rule.name, rule.reason)
        }
    };
    let rows = judge.rules().iter().zip(&why);
    let (action, rule) = match verdict {
        Verdict::Rule(n, action) => (Some(action.word()), Some(&judge.rules()[n].name)),
        _ => (None, None),
    };
    let says = |(rule, why): (&Rule, &Why)| json!({"name": rule.name, "says": ui.addressed(why.text())});
    let rules: Vec<_> = rows.clone().map(says).collect();
    let body =
        json!({"path": shown(&below), "decision": decision, "rule": rule, "action": action, "rules": rules});
    ui.report(ExitCode::Done, &body, || {
        ui.line(&format!("{}: {decision}", shown(&below)))?;
        let rows: Vec<Vec<String>> = rows
            .filter(|(_, why)| ui.verbose || !matches!(why, Why::Pattern | Why::Off))
            .map(|(rule, why)| vec![format!("  {}", rule.name), ui.addressed(why.text()).into_owned()])
            .collect();
        ui.columns(&rows)
    })?;
    Ok(ExitCode::Done)
}
