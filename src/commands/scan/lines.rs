//! `--list`: every entry.

use crate::commands::Failure;
use crate::output::terminal::{JsonPath, Lines, Ui, shown};
use crate::scan::inventory::{Entry, Inventory, Kind};
use serde::Serialize;

/// Converts nanoseconds to seconds since 1970, rounded to microseconds.
pub(in crate::commands) fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds.div_euclid(1_000) as f64 / 1e6
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    path: JsonPath,
    r#type: &'static str,
    size: u64,
    mtime: f64,
}

/// Prints every entry below the root: a directory, its entries, then its subdirectories.
pub(super) fn list(inventory: &Inventory, ui: &Ui) -> Result<(), Failure> {
    let mut lines = Lines::new(ui);
    for group in inventory.groups() {
        let dir = group.dir.path();
        if !dir.is_empty() {
            let mtime = seconds(group.dir.stat().mtime);
            let body = || Line { path: dir.clone().into(), r#type: "dir", size: 0, mtime };
            lines.item("entry", body, || shown(&dir) + "/")?;
        }
        for entry in group.entries {
            let path = group.dir.path_of(entry.name);
            let stat = &entry.stat;
            let (kind, mtime) = (stat.kind.word(), seconds(stat.mtime));
            let body = || Line { path: path.clone().into(), r#type: kind, size: stat.size, mtime };
            lines.item("entry", body, || text(&path, &entry))?;
        }
    }
    Ok(lines.flush()?)
}

fn text(path: &[u8], entry: &Entry<'_>) -> String {
    let mut text = shown(path);
    // The marks of `ls -F`.
    text.push_str(match entry.stat.kind {
        Kind::Symlink => "@",
        Kind::File | Kind::Other => "",
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_to_the_microsecond() {
        assert_eq!(seconds(1_500_000_000), 1.5);
        assert_eq!(seconds(-1), -1e-6);
    }
}
