//! Checks whether the state directory can be created, written to and locked, and each existing part of it.

use super::report::{Area, Finding, Verdict};
use crate::history::History;
use crate::model::sanitize;
use crate::platform::{FreeSpace, room};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// The parts, the verdict if a part is not writable, and the consequence for runs.
const PARTS: [(&str, Verdict, &str); 8] = [
    ("logs", Verdict::Warn, "runs leave no logs"),
    ("plans", Verdict::Fail, "nothing can be deleted: deletions are listed there first"),
    ("journal", Verdict::Fail, "`pdb-sync clean run` and `keep_deleted` record there what they remove"),
    ("locks", Verdict::Warn, "the holders of locks are unknown"),
    ("running", Verdict::Warn, "`status` does not show commands in progress"),
    ("inventory", Verdict::Warn, "each scan reads everything"),
    ("index", Verdict::Warn, "no index can be built or refreshed"),
    ("costs.jsonl", Verdict::Warn, "`stats` does not show what commands cost"),
];

pub(super) fn examine(dir: &Path) -> Vec<Finding> {
    let fail = |what: &str, error: io::Error| {
        let text = format!("cannot {what} {}: {error}", sanitize::path(&dir));
        vec![Finding::new(Area::State, Verdict::Fail, text).hint(
            "runs transfer, but delete nothing and leave no history and no logs: make it writable, or give --state-dir another",
        )]
    };
    // A run would create it, too.
    if let Err(error) = fs::create_dir_all(dir) {
        return fail("make the directory", error);
    }
    let file = match written(dir) {
        Ok(file) => file,
        Err(error) => return fail("write in", error),
    };
    let mut findings = Vec::new();
    match file.try_lock() {
        Ok(()) => {
            let text = format!("{} is writable, and files can be locked there", sanitize::path(&dir));
            findings.push(Finding::new(Area::State, Verdict::Ok, text));
        }
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => {
            let text = format!("files in {} cannot be locked: {error}", sanitize::path(&dir));
            let hint = "two runs could write to one index, and the holder of a lock may be unknown: keep the state on a local file system";
            findings.push(Finding::new(Area::State, Verdict::Warn, text).hint(hint));
        }
    }
    if let Ok(Some(FreeSpace { free, .. })) = room(dir)
        && free < 50_000_000
    {
        let free = bytesize::ByteSize(free).display().si();
        let text = format!("only {free} are free for logs at {}", sanitize::path(&dir));
        findings.push(
            Finding::new(Area::State, Verdict::Warn, text).hint("make room, or give --state-dir another"),
        );
    }
    findings.extend(PARTS.iter().filter_map(|part| examine_part(dir, part)));
    findings.extend(examine_history(dir));
    findings
}

/// Writes a file with content, since a full disk may still have room for an empty file.
fn written(dir: &Path) -> io::Result<File> {
    let mut file = tempfile::tempfile_in(dir)?;
    file.write_all(&[1; 4096])?;
    Ok(file)
}

/// Checks the directories of jobs in a part.
fn written_below(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            written(&path).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", sanitize::path(&path)))
            })?;
        }
    }
    Ok(())
}

/// Checks a part. A missing part is created when needed.
fn examine_part(dir: &Path, (name, verdict, then): &(&str, Verdict, &str)) -> Option<Finding> {
    let path = dir.join(name);
    let meta = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        _ => fs::metadata(&path),
    };
    let tried = meta.and_then(|meta| match (meta.is_dir(), name.contains('.')) {
        (true, true) => Err(io::ErrorKind::IsADirectory.into()),
        (true, false) => written(&path).and_then(|_| written_below(&path)),
        (false, true) if meta.is_file() => File::options().append(true).open(&path).map(|_| ()),
        (false, _) => Err(io::ErrorKind::NotADirectory.into()),
    });
    let error = tried.err()?;
    let text = format!("cannot write in {}: {error}", sanitize::path(&path));
    Some(Finding::new(Area::State, *verdict, text).hint(format!("{then}; make it writable, or move it away")))
}

/// Checks the history: a database that can be read but not written shows no error until a run has ended.
fn examine_history(dir: &Path) -> Option<Finding> {
    let warn = |text: String, hint: &str| Some(Finding::new(Area::State, Verdict::Warn, text).hint(hint));
    match History::read(dir) {
        Ok(None) => return None,
        Ok(Some(_)) => {}
        Err(error) if error.is_damage() => {
            return warn(error.to_string(), "the next run sets it aside and begins a new one");
        }
        Err(error) => {
            return warn(error.to_string(), "runs leave no history; make it readable, or move it away");
        }
    }
    // Opening the file changes nothing; opening it with SQLite would.
    let path = History::path(dir);
    let error = File::options().append(true).open(&path).err()?;
    warn(
        format!("cannot write the history {}: {error}", sanitize::path(&path)),
        "runs leave no history; make it writable, or move it away",
    )
}
