//! `--cache`: lists and removes cached inventories.

use crate::cli::{CacheAction, Global, ScanArgs};
use crate::commands::Failure;
use crate::commands::targets::{Chosen, targets};
use crate::model::exit_code::ExitCode;
use crate::model::sanitize;
use crate::output::terminal::{Ui, shown};
use crate::output::units::{self, bytes, count, grouped};
use crate::scan::inventory::FormatError;
use crate::scan::{Cache, CacheTotals, Cached};
use serde_json::{Value, json};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Lists or removes caches. Without a name, all are listed, and only unusable ones are removed.
pub(super) fn run(
    action: CacheAction,
    args: &ScanArgs,
    cache: &Cache,
    global: &Global,
    ui: &Ui,
) -> Result<ExitCode, Failure> {
    let mut kept = cache.list().map_err(Failure::io("read the directory of inventories"))?;
    let mut exit = ExitCode::Done;
    let named = !args.targets.is_empty() || args.all || !args.tag.is_empty();
    if named {
        let chosen = Chosen { arguments: &args.targets, all: args.all, tags: &args.tag };
        let selected = targets(chosen, global, ui)?;
        exit = selected.exit;
        let roots: Vec<PathBuf> = selected.targets.into_iter().map(|target| target.root).collect();
        kept.retain(|file| file.header.as_ref().is_ok_and(|header| roots.contains(&header.root)));
    }
    let done = match action {
        CacheAction::Show => show(&kept, &cache.totals(), ui),
        CacheAction::Evict => {
            // Caches of a newer version are removed only by name.
            let useless = |file: &Cached| match &file.header {
                Ok(header) => !header.root.is_dir(),
                Err(error) => !matches!(error, FormatError::Newer(_)),
            };
            kept.retain(|file| named || useless(file));
            evict(&kept, cache, ui)
        }
    };
    Ok(done?.worst(exit))
}

fn age(file: &Cached) -> Option<Duration> {
    SystemTime::now().duration_since(file.used?).ok()
}

/// Prints how often inventories were of use.
pub(super) fn tell_use(totals: &CacheTotals, ui: &Ui) -> io::Result<()> {
    let (scans, dirs) = (totals.hits + totals.misses, totals.dirs_reused + totals.dirs_read);
    if scans == 0 {
        return Ok(());
    }
    let share = |part: u64, all: u64| (part * 100).checked_div(all).unwrap_or(0);
    ui.line(&format!(
        "inventories: {} of {} found one, {}% of all directories were reused, {} removed by the limits",
        grouped(totals.hits),
        count(scans, "scan", "scans"),
        share(totals.dirs_reused, dirs),
        grouped(totals.evicted)
    ))
}

fn show(kept: &[Cached], totals: &CacheTotals, ui: &Ui) -> Result<ExitCode, Failure> {
    ui.objects("inventory", kept.iter().map(as_json))?;
    let body = json!({
        "inventories": kept.len(), "bytes": kept.iter().map(|f| f.bytes).sum::<u64>(),
        "hits": totals.hits, "misses": totals.misses, "dirs_reused": totals.dirs_reused,
        "dirs_read": totals.dirs_read, "evicted": totals.evicted,
    });
    ui.report(ExitCode::Done, &body, || {
        if kept.is_empty() {
            ui.note("no inventory is kept");
            return Ok(());
        }
        ui.table(&rows(kept))?;
        tell_use(totals, ui)
    })?;
    Ok(ExitCode::Done)
}

fn as_json(file: &Cached) -> Value {
    let header = file.header.as_ref();
    let elapsed = header.ok().map(|header| header.elapsed as f64 / 1e9);
    json!({
        "file": file.path.to_string_lossy(),
        "root": header.ok().map(|header| header.root.to_string_lossy()),
        "bytes": file.bytes,
        "age_s": age(file).map(|age| age.as_secs()),
        "dirs_read": header.ok().map(|header| header.dirs_read),
        "dirs_reused": header.ok().map(|header| header.dirs_reused),
        "elapsed_s": elapsed,
        "duration_s": elapsed,
        "error": header.err().map(ToString::to_string),
    })
}

/// Returns a heading and one row per inventory.
fn rows(kept: &[Cached]) -> Vec<Vec<String>> {
    let mut rows = vec![["SIZE", "USED", "REUSED", "ROOT"].map(String::from).to_vec()];
    for file in kept {
        let used = age(file).map_or("?".into(), |age| format!("{} ago", units::whole(age)));
        let (reused, root) = match &file.header {
            Ok(header) => {
                let dirs = header.dirs_read + header.dirs_reused;
                let rate = (dirs > 0).then(|| format!("{}%", header.dirs_reused * 100 / dirs));
                (rate.unwrap_or("?".into()), shown(header.root.as_os_str().as_bytes()))
            }
            Err(error) => ("?".into(), format!("{} ({error})", sanitize::path(&file.path))),
        };
        rows.push(vec![bytes(file.bytes), used, reused, root]);
    }
    rows
}

fn evict(kept: &[Cached], cache: &Cache, ui: &Ui) -> Result<ExitCode, Failure> {
    let (mut removed, mut freed, mut exit) = (0u64, 0, ExitCode::Done);
    for file in kept {
        match cache.evict(file) {
            Ok(()) => {
                removed += 1;
                freed += file.bytes;
            }
            Err(error) => {
                ui.error(&format!("cannot remove {}: {error}", sanitize::path(&file.path)), None);
                exit = ExitCode::Failed;
            }
        }
    }
    ui.report(ExitCode::Done, &json!({ "evicted": removed, "bytes": freed }), || {
        ui.line(&format!("{} removed, {} freed", grouped(removed), bytes(freed)))
    })?;
    Ok(exit)
}
