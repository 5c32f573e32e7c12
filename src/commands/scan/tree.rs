//! `--tree`: every directory with what it holds at any depth.

use super::lines::{Lines, shown};
use super::summary::{bytes, grouped};
use crate::commands::Failure;
use crate::inventory::{DirRef, Inventory};
use crate::ui::Ui;

/// Down to `depth`; the root is at 0.
pub(super) fn tell(inventory: &Inventory, depth: Option<u32>, ui: &Ui) -> Result<(), Failure> {
    let mut lines = Lines::new(ui);
    lines.line(&format!("{:>10} {:>12}  NAME", "SIZE", "FILES"))?;
    // Directories come in pre-order, so that the depth of one follows from where the subtrees around it end.
    let mut ends: Vec<u32> = Vec::new();
    for dir in inventory.dirs() {
        while ends.last().is_some_and(|end| *end <= dir.id().0) {
            ends.pop();
        }
        if depth.is_none_or(|depth| ends.len() as u64 <= u64::from(depth)) {
            lines.line(&line(&dir, ends.len()))?;
        }
        ends.push(dir.end().0);
    }
    lines.flush()
}

fn line(dir: &DirRef<'_>, depth: usize) -> String {
    let totals = dir.totals();
    let name = if depth == 0 { ".".to_owned() } else { shown(dir.name()) };
    format!("{:>10} {:>12}  {}{name}/", bytes(totals.bytes), grouped(totals.files), "  ".repeat(depth))
}
