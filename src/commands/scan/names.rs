//! `--check-names`: names that other systems cannot store, or that look misleading.

use super::lines::{JsonPath, Lines, shown};
use crate::commands::Failure;
use crate::output::terminal::Ui;
use crate::scan::inventory::{Inventory, check_names};
use serde::Serialize;

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    path: JsonPath,
    faults: Vec<Fault>,
}

#[derive(Serialize)]
struct Fault {
    fault: &'static str,
    text: String,
}

/// Lists all such names and returns their number.
pub(super) fn tell(inventory: &Inventory, ui: &Ui) -> Result<u64, Failure> {
    let mut lines = Lines::new(ui);
    let count = check_names(inventory, |faulty| {
        let path = faulty.dir.path_of(faulty.name);
        if ui.json {
            let faults =
                faulty.faults.iter().map(|f| Fault { fault: f.word(), text: f.to_string() }).collect();
            return lines.json("name", &Line { path: path.into(), faults });
        }
        let faults: Vec<String> = faulty.faults.iter().map(|f| shown(f.to_string().as_bytes())).collect();
        lines.line(&format!("{}: {}", shown(&path), faults.join("; ")))
    })?;
    lines.flush()?;
    Ok(count)
}
