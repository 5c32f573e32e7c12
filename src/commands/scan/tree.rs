//! `--tree`: every directory with its totals at any depth.

use crate::commands::Failure;
use crate::output::terminal::{JsonPath, Lines, Ui, shown};
use crate::output::units::{bytes, grouped};
use crate::scan::inventory::{DirRef, Inventory, State};
use serde::Serialize;

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    path: JsonPath,
    depth: usize,
    files: u64,
    dirs: u64,
    bytes: u64,
    disk_bytes: u64,
    complete: bool,
}

/// Prints directories down to `depth`. The root has depth 0, and its path in JSON is empty.
pub(super) fn tell(inventory: &Inventory, depth: Option<u32>, ui: &Ui) -> Result<(), Failure> {
    let mut lines = Lines::new(ui);
    lines.heading(&format!("{:>10} {:>12}  NAME", "SIZE", "FILES"));
    // Directories are in pre-order, so the depth of one follows from the ends of the subtrees around it.
    let mut ends: Vec<u32> = Vec::new();
    for dir in inventory.dirs() {
        while ends.last().is_some_and(|end| *end <= dir.id().0) {
            ends.pop();
        }
        if depth.is_none_or(|depth| ends.len() as u64 <= u64::from(depth)) {
            lines.item("dir", || object(&dir, ends.len()), || line(&dir, ends.len()))?;
        }
        ends.push(dir.end().0);
    }
    Ok(lines.flush()?)
}

fn object(dir: &DirRef<'_>, depth: usize) -> Line {
    let totals = dir.totals();
    Line {
        path: dir.path().into(),
        depth,
        files: totals.files,
        dirs: totals.dirs,
        bytes: totals.bytes,
        disk_bytes: totals.disk,
        complete: dir.state() != State::Incomplete,
    }
}

fn line(dir: &DirRef<'_>, depth: usize) -> String {
    let totals = dir.totals();
    let name = if depth == 0 { ".".to_owned() } else { shown(dir.name()) };
    format!("{:>10} {:>12}  {}{name}/", bytes(totals.bytes), grouped(totals.files), "  ".repeat(depth))
}
