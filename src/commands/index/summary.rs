//! Reports a finished build of an index.

use crate::commands::Failure;
use crate::config::is_path;
use crate::model::sanitize;
use crate::model::time;
use crate::output::terminal::Ui;
use crate::output::units;
use crate::platform;
use crate::search::Built;
use serde_json::json;
use std::io;
use std::time::Duration;

/// Prints the result as text or as a line of JSON.
pub(super) fn tell(label: &str, built: &Built, ui: &Ui) -> Result<(), Failure> {
    for (path, why) in &built.unreadable {
        ui.warning(&format!(
            "{label}: cannot read the directory {}: {why}; what is indexed of it stays",
            sanitize::path(&path)
        ));
    }
    tell_unread(label, built, ui);
    let unread: Vec<_> = built.unread.iter().map(|path| path.to_string_lossy()).collect();
    let body = json!({
        "unread_files": built.unread_files, "unread": unread,
        "job": (!is_path(label)).then_some(label), "index": label, "files_seen": built.files_seen, "files_read": built.files_read,
        "documents": built.documents, "removed": built.removed, "errors": built.errors,
        "elapsed_s": time::seconds(built.elapsed), "duration_s": time::seconds(built.elapsed), "rebuilt": built.anew,
        "bytes_read": built.bytes_read,
        "files_per_s": per_second(built.files_read, built.elapsed), "bytes_per_s": per_second(built.bytes_read, built.elapsed),
    });
    Ok(ui.item("indexed", &body, || tell_people(label, built, ui))?)
}

/// Returns a rate; `None` if nothing was read.
pub(super) fn per_second(amount: u64, elapsed: Duration) -> Option<f64> {
    let rate = amount as f64 / elapsed.as_secs_f64();
    (amount > 0 && rate.is_finite()).then_some(rate)
}

fn tell_people(label: &str, built: &Built, ui: &Ui) -> io::Result<()> {
    if let Some(why) = &built.anew {
        ui.note(&format!("{label}: rebuilt: {why}"));
    }
    let (documents, errors) = built.total;
    let mut line = format!("{label}: {}", units::count(documents, "document", "documents"));
    if built.committed {
        line.push_str(&format!(", {} read", units::count(built.files_read, "file", "files")));
        if built.removed > 0 {
            line.push_str(&format!(", {} removed", built.removed));
        }
        line.push_str(&format!(" in {}", units::duration(built.elapsed)));
        if let Some(files) = per_second(built.files_read, built.elapsed) {
            line.push_str(&format!(" ({} files/s", units::pace(files)));
            let bytes = per_second(built.bytes_read, built.elapsed).and_then(units::rate);
            line.push_str(&bytes.map_or(")".into(), |bytes| format!(", {bytes})")));
        }
        if let Some(peak) = platform::peak_memory() {
            line.push_str(&format!(", {} of memory at most", units::bytes(peak)));
        }
    } else {
        line.push_str(", nothing has changed");
    }
    ui.outcome(&line)?;
    if errors > 0 {
        let files = units::count(errors, "document says why its file", "documents say why their files");
        let text = format!("{label}: {files} could not be read; `pdb-sync search status:error` lists them");
        // The exit code depends only on the files read in this run.
        if ui.quiet && built.errors > 0 { ui.warning(&text) } else { ui.note(&text) }
    }
    Ok(())
}

/// Reports files that the system does not let us read. Each run repeats this.
pub(super) fn tell_unread(label: &str, built: &Built, ui: &Ui) {
    let files = built.unread_files;
    if files == 0 {
        return;
    }
    let mut text = format!("{label}: {} could not be read", units::count(files, "file", "files"));
    for path in &built.unread {
        text.push_str(&format!("\n  {}", sanitize::path(path)));
    }
    let named = built.unread.len() as u64;
    if files > named {
        text.push_str(&format!("\n  and {} more", files - named));
    }
    text.push_str("\n  hint: make them readable for this user; each run tries them again");
    ui.warning_lines(&text);
}
