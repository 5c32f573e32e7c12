//! The result of `scan --json`.

use super::summary::{Found, largest};
use crate::cli::ScanArgs;
use crate::commands::targets::Target;
use crate::output::terminal::JsonPath;
use crate::scan::inventory::{AGES, Classes, SIZES, Tally};
use crate::scan::{Ended, Scan};
use serde_json::{Map, Value, json};
use std::os::unix::ffi::OsStrExt;

/// Returns the keys of the result of one tree.
pub(super) fn body(target: &Target, scan: &Scan, found: &Found, args: &ScanArgs) -> Map<String, Value> {
    let totals = scan.inventory.totals();
    let elapsed = scan.elapsed.as_secs_f64();
    let round = |n: f64, digits: f64| (n * digits).round() / digits;
    let mut body = Map::new();
    match scan.inventory.root().to_str() {
        Some(root) => body.insert("root".into(), root.into()),
        None => {
            let root = JsonPath::from(scan.inventory.root().as_os_str().as_bytes().to_vec());
            let root = serde_json::to_value(root).unwrap_or_default();
            body.insert("root_base64".into(), root["path_base64"].clone())
        }
    };
    let mut add = |key: &str, value: Value| body.insert(key.into(), value);
    add("job", json!(target.job.as_ref().map(|job| &job.name)));
    for (key, n) in [
        ("files", totals.files),
        ("dirs", totals.dirs),
        ("symlinks", totals.symlinks),
        ("other", totals.other),
        ("bytes", totals.bytes),
        ("disk_bytes", totals.disk),
        ("errors", scan.counts.unreadable),
    ] {
        add(key, n.into());
    }
    add("elapsed_s", round(elapsed, 1e6).into());
    add("duration_s", round(elapsed, 1e6).into());
    add("entries_per_s", (elapsed > 0.0).then(|| (totals.entries() as f64 / elapsed).round()).into());
    add("dirs_read", scan.dirs_read.into());
    add("dirs_reused", scan.dirs_reused.into());
    add("complete", scan.inventory.is_complete().into());
    add(
        "ended",
        match scan.ended {
            Some(Ended::Timeout) => "timeout".into(),
            Some(Ended::Stopped) => "stopped".into(),
            None => Value::Null,
        },
    );
    add("vanished", scan.counts.vanished.into());
    add("loops", scan.counts.loops.into());
    add("not_utf8", totals.odd.into());
    if args.diff {
        add("added", found.changes.map(|changes| changes.added).into());
        add("removed", found.changes.map(|changes| changes.removed).into());
        add("changed", found.changes.map(|changes| changes.changed).into());
    }
    if let Some(names) = found.names {
        add("names", names.into());
    }
    if let Some(gzip) = &found.gzip {
        add("gzip_checked", gzip.files.into());
        add("gzip_damaged", gzip.damaged.len().into());
    }
    if let Some(n) = args.top {
        let top = largest(&scan.inventory, n).into_iter().map(|dir| {
            let totals = dir.totals();
            let mut row = serde_json::to_value(JsonPath::from(dir.path())).unwrap_or_default();
            row["files"] = totals.files.into();
            row["bytes"] = totals.bytes.into();
            row["disk_bytes"] = totals.disk.into();
            row
        });
        let top: Vec<Value> = top.collect();
        add("top", top.into());
    }
    if let Some(classes) = &found.classes {
        groups(classes, args, &mut add);
    }
    body
}

fn groups(classes: &Classes, args: &ScanArgs, mut add: impl FnMut(&str, Value) -> Option<Value>) {
    let tally = |tally: &Tally| json!({"files": tally.files, "bytes": tally.bytes});
    if args.by_extension {
        let rows =
            classes.extensions.iter().map(|(e, t)| (String::from_utf8_lossy(e).into_owned(), tally(t)));
        add("by_extension", rows.collect::<Map<_, _>>().into());
    }
    if args.by_age {
        let rows = AGES.iter().zip(&classes.ages).map(|((name, _), t)| ((*name).to_owned(), tally(t)));
        add("by_age", rows.collect::<Map<_, _>>().into());
    }
    if args.by_size {
        let rows = SIZES.iter().zip(&classes.sizes).map(|((name, _), t)| ((*name).to_owned(), tally(t)));
        add("by_size", rows.collect::<Map<_, _>>().into());
    }
    if !classes.entries.is_empty() {
        let rows = classes.entries.iter();
        let rows = rows
            .map(|((format, form), n)| json!({"format": format.word(), "ids": form.word(), "entries": n}));
        add("pdb_entries", rows.collect::<Vec<_>>().into());
    }
}
