//! Reports problems of a scan: the first ten of each kind, and the number of further ones.

use crate::commands::Failure;
use crate::output::terminal::{JsonPath, Lines, Ui, shown};
use crate::scan::inventory::Kind;
use crate::scan::{Damage, Ended, Scan, Trouble, TroubleKind};
use serde::Serialize;

const TOLD: usize = 10;

/// Prints the problems to standard error.
pub(super) fn tell(scan: &Scan, ui: &Ui) {
    match scan.ended {
        Some(Ended::Timeout) => {
            ui.warning("the timeout ended before everything was read: what follows is incomplete")
        }
        Some(Ended::Stopped) => {
            ui.warning("the scan was stopped before everything was read: what follows is incomplete")
        }
        None => {}
    }
    if let Some(text) = unreadable(scan) {
        ui.warning_lines(&text);
    }
    list(ui, "led back to a directory above", scan.counts.loops, of(scan, TroubleKind::Loop));
    if ui.verbose {
        list(ui, "vanished while the tree was read", scan.counts.vanished, of(scan, TroubleKind::Vanished));
    }
    let totals = scan.inventory.totals();
    let dirs = || scan.inventory.dirs();
    let odd = dirs().filter(|dir| dir.own().odd > 0).flat_map(|dir| {
        let bad = dir.entries().filter(|entry| std::str::from_utf8(entry.name).is_err());
        bad.map(move |entry| shown(&dir.path_of(entry.name)))
    });
    list(ui, "with a name that is not UTF-8", totals.odd, odd);
    let special = dirs().filter(|dir| dir.own().other > 0).flat_map(|dir| {
        let other = dir.entries().filter(|entry| entry.stat.kind == Kind::Other);
        other.map(move |entry| shown(&dir.path_of(entry.name)))
    });
    list(ui, "neither file nor directory nor symbolic link", totals.other, special);
}

fn list(ui: &Ui, what: &str, count: u64, items: impl Iterator<Item = String>) {
    if count == 0 {
        return;
    }
    ui.warning_lines(&lines(what, count, items));
}

fn lines(what: &str, count: u64, items: impl Iterator<Item = String>) -> String {
    let (mut text, mut told) = (format!("{count} {what}"), 0);
    for item in items.take(TOLD) {
        text.push_str(&format!("\n  {item}"));
        told += 1;
    }
    if count > told {
        text.push_str(&format!("\n  and {} more", count - told));
    }
    text
}

/// Returns what could not be read, as lines that begin with the number; `None` if everything was read.
pub(in crate::commands) fn unreadable(scan: &Scan) -> Option<String> {
    let count = scan.counts.unreadable;
    (count > 0).then(|| lines("could not be read", count, of(scan, TroubleKind::Unreadable)))
}

/// Returns the problems of a kind as text.
fn of(scan: &Scan, kind: TroubleKind) -> impl Iterator<Item = String> {
    let why = |t: &Trouble| if t.why.is_empty() { String::new() } else { format!(": {}", t.why) };
    scan.troubles.iter().filter(move |t| t.kind == kind).map(move |t| {
        let path = if t.path.is_empty() { b"." } else { t.path.as_slice() };
        shown(path) + &why(t)
    })
}

#[derive(Serialize)]
struct DamagedLine {
    #[serde(flatten)]
    path: JsonPath,
    damage: &'static str,
    text: String,
}

/// Prints a line for each damaged file.
pub(in crate::commands) fn tell_damaged(damaged: &[(Vec<u8>, Damage)], ui: &Ui) -> Result<(), Failure> {
    let mut lines = Lines::new(ui);
    for (path, damage) in damaged {
        let text = damage.to_string();
        let line = format!("{}: {text}", shown(path));
        let body = || DamagedLine { path: path.clone().into(), damage: damage.word(), text };
        lines.item("damaged", body, || line)?;
    }
    Ok(lines.flush()?)
}
