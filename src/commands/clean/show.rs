//! `clean show`

use super::plan_summary::Fold;
use super::plans;
use super::shared;
use crate::clean::{Action, Entry, Kind, Origin};
use crate::cli::{Export, Global, ShowArgs};
use crate::commands::Failure;
use crate::commands::scan;
use crate::model::exit_code::ExitCode;
use crate::model::hint;
use crate::model::time::{local_of, rfc3339_of};
use crate::output::terminal::{JsonPath, Ui, shown};
use crate::output::units;
use serde_json::json;
use std::time::Duration;

/// Shows a plan, or exports it.
pub(super) fn run(args: &ShowArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let mut plan = plans::open(&args.plan, global)?;
    let (mut fold, mut deletes, mut bytes, mut files) = (Fold::default(), 0u64, 0u64, 0u64);
    let decisions = std::mem::take(&mut plan.decisions);
    let whole = plan.read(|_, entry| {
        let action = decisions.action(&entry);
        if action == Action::Delete {
            deletes += entry.count();
            bytes += entry.bytes;
            files += u64::from(entry.kind != Kind::Dir);
        }
        fold.add(&entry, action);
    });
    let whole = match whole {
        Ok(whole) => whole,
        Err(error) => {
            return Ok(shared::blocked(ui, &plan.refused(&error), Some(plans::NEW_PLAN)));
        }
    };
    plans::judge_decisions(&decisions, &whole.header, ui)?;
    if let Some(format) = args.export {
        let mut reader = plan.entries().map_err(|error| Failure::usage(error.to_string()))?;
        let mut out = Vec::new();
        if format == Export::Csv {
            out.extend_from_slice(b"path,type,bytes,mtime,rule,action\n");
        }
        while let Some(entry) = reader.entry().map_err(|error| Failure::usage(error.to_string()))? {
            let action = decisions.action(&entry);
            export(format, &entry, action, &mut out);
            if out.len() > 1 << 16 {
                ui.raw(&out)?;
                out.clear();
            }
        }
        ui.raw(&out)?;
        return Ok(ExitCode::Done);
    }
    let age = |time: i64| Duration::from_nanos(u64::try_from(shared::now() - time).unwrap_or(0)).as_secs();
    let header = &whole.header;
    let rows = fold.rows();
    for (key, sum) in &rows {
        let mut row = serde_json::to_value(JsonPath::from(key.dir.clone())).unwrap_or_default();
        row["rule"] = key.rule.clone().into();
        row["action"] = key.action.word().into();
        row["entries"] = sum.entries.into();
        row["bytes"] = sum.bytes.into();
        row["oldest_s"] = sum.oldest.map(age).into();
        ui.objects("group", [row])?;
    }
    let body = json!({
        "plan": plan.path.to_string_lossy(), "root": header.root.path, "job": header.job,
        "origin": header.origin, "source": header.source, "planned": rfc3339_of(&header.time), "hash": whole.hash,
        "entries": whole.footer.entries,
        "bytes": whole.footer.bytes, "to_delete": deletes, "bytes_to_delete": bytes,
    });
    ui.report(ExitCode::Done, &body, || {
        ui.line(&format!("{}, planned {}", shown(header.root.path.as_bytes()), local_of(&header.time)))?;
        if let Some(source) = &header.source {
            let listed = if header.rules.len() > 1 { "no longer in the list of entries, or " } else { "" };
            ui.line(&format!("{listed}not at the source {}", shown(source.as_bytes())))?;
        }
        let mut table =
            vec![["RULE", "ACTION", "ENTRIES", "SIZE", "OLDEST", "WHERE"].map(String::from).to_vec()];
        let left = rows.len().saturating_sub(args.top);
        for (key, sum) in rows.into_iter().take(args.top) {
            let days = sum.oldest.map_or("?".into(), |time| format!("{}d", age(time) / 86_400));
            table.push(vec![
                key.rule,
                key.action.word().into(),
                units::grouped(sum.entries),
                units::bytes(sum.bytes),
                days,
                if key.dir.is_empty() { ".".into() } else { shown(&key.dir) + "/" },
            ]);
        }
        ui.table(&table)?;
        if left > 0 {
            ui.line(&format!("… and {left} more rows (--top)"))?;
        }
        ui.line(&format!(
            "to be removed: {}, {}",
            units::count(deletes, "entry", "entries"),
            units::bytes(bytes)
        ))?;
        ui.line(&format!("hash: {}", whole.hash))?;
        if header.origin == Origin::Sync {
            let job = header.job.as_deref().unwrap_or_default();
            let sync = hint::command(["sync", job, "--expect", plans::short(&whole.hash)]);
            // The header of a plan of `sync` counts the files of the mirror. If all of them go, the source may have none.
            let empty = match files >= header.tree_entries {
                true => "; a source without files needs --allow-empty-source as well",
                false => "",
            };
            ui.note(&format!("if all of it may go: {sync} (--export csv prints every path{empty})"));
        }
        Ok(())
    })?;
    Ok(ExitCode::Done)
}

fn export(format: Export, entry: &Entry, action: Action, out: &mut Vec<u8>) {
    match format {
        Export::Csv => {
            let path = shown(&entry.path).replace('"', "\"\"");
            let (kind, bytes, rule) = (entry.kind.word(), entry.bytes, &entry.rule);
            let mtime = scan::seconds(entry.stamp.mtime);
            let line = format!(
                "\"{path}\",{kind},{bytes},{mtime},\"{}\",{}\n",
                rule.replace('"', "\"\""),
                action.word()
            );
            out.extend_from_slice(line.as_bytes());
        }
        Export::Nul if action == Action::Delete => {
            out.extend_from_slice(&entry.path);
            out.push(0);
        }
        Export::Rsync if action == Action::Delete => {
            out.extend_from_slice(b"- /");
            // rsync treats a backslash literally unless the pattern has a wildcard.
            let wild = entry.path.iter().any(|b| b"*?[\n\r".contains(b));
            for byte in &entry.path {
                match byte {
                    // A line of a filter file cannot contain a line break.
                    b'\n' | b'\r' => out.push(b'?'),
                    b'*' | b'?' | b'[' => out.extend_from_slice(&[b'\\', *byte]),
                    b'\\' if wild => out.extend_from_slice(br"\\"),
                    byte => out.push(*byte),
                }
            }
            if matches!(entry.kind, Kind::Dir | Kind::Tree) {
                out.push(b'/');
            }
            out.push(b'\n');
        }
        Export::Nul | Export::Rsync => {}
    }
}
