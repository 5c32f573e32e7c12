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
        let faults = || faulty.faults.iter().map(|fault| (fault.word(), fault.to_string()));
        let body = || Line {
            path: path.clone().into(),
            faults: faults().map(|(fault, text)| Fault { fault, text }).collect(),
        };
        let text = || {
            let faults: Vec<String> = faults().map(|(_, text)| shown(text.as_bytes())).collect();
            format!("{}: {}", shown(&path), faults.join("; "))
        };
        lines.item("name", body, text)
    })?;
    lines.flush()?;
    Ok(count)
}
