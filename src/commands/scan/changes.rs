//! `--diff`: the changes since the last scan.

use crate::commands::Failure;
use crate::model::sanitize;
use crate::output::terminal::{JsonPath, Lines, Ui, shown};
use crate::output::units::count;
use crate::scan::inventory::{ChangeKind, Changes, Inventory, diff};
use serde::Serialize;

#[derive(Serialize)]
struct Line {
    kind: &'static str,
    #[serde(flatten)]
    path: JsonPath,
    r#type: &'static str,
    size: Option<u64>,
    old_size: Option<u64>,
}

/// Prints every change. Returns `None` if there was no earlier scan.
pub(super) fn tell(before: Option<&Inventory>, now: &Inventory, ui: &Ui) -> Result<Option<Changes>, Failure> {
    let Some(before) = before else {
        ui.note(&format!("{}: there is no earlier scan to compare with", sanitize::path(&now.root())));
        return Ok(None);
    };
    let mut lines = Lines::new(ui);
    let changes = diff(before, now, |change| {
        let path = change.dir.path_of(change.name);
        let body = || Line {
            kind: change.kind.word(),
            path: path.clone().into(),
            r#type: change.word(),
            size: change.new.map(|stat| stat.size),
            old_size: change.old.map(|stat| stat.size),
        };
        let sign = match change.kind {
            ChangeKind::Added => '+',
            ChangeKind::Removed => '-',
            ChangeKind::Changed => '~',
        };
        let slash = if change.word() == "dir" { "/" } else { "" };
        lines.item("change", body, || format!("{sign} {}{slash}", shown(&path)))
    })?;
    lines.flush()?;
    if changes.unknown > 0 {
        let text = format!(
            "{} could not be compared, since a scan did not read {}",
            count(changes.unknown, "directory", "directories"),
            if changes.unknown == 1 { "it" } else { "them" },
        );
        ui.warning(&text);
    }
    Ok(Some(changes))
}
