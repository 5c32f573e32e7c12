//! Plans of deletions that were held back: `STATE/plans/JOB/RUN.deletions.ndjson`, for users to read and to approve.

use crate::clean::removal::root_of;
use crate::clean::{Footer, Header, Reader, footer_of};
use crate::platform;
use crate::retention;
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What follows the run in the name of a plan.
const ENDING: &str = "deletions.ndjson";
/// The extension of a plan that is being written.
pub(super) const PART: &str = "part";
/// What followed the run in the name of a list of earlier versions.
const BEFORE: &str = "deletions";
/// How many plans of a job are kept.
pub(super) const KEPT: usize = 10;
/// Maximum size of a footer in bytes.
const FOOTER: u64 = 4096;

fn dir(state_dir: &Path, job: &str) -> PathBuf {
    state_dir.join("plans").join(job)
}

/// Path of the plan of a run. It is kept while needed, or for users to read.
pub(crate) fn plan_path(state_dir: &Path, job: &str, run: &str) -> PathBuf {
    dir(state_dir, job).join(format!("{run}.{ENDING}"))
}

/// The plans of a job, newest first.
fn all(state_dir: &Path, job: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir(state_dir, job)).into_iter().flatten().flatten();
    let is_plan = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.split_once('.')).is_some_and(|(_, ending)| ending == ENDING)
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_plan).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// The newest plan of a job that was held back.
pub(crate) fn held_plan(state_dir: &Path, job: &str) -> Option<PathBuf> {
    all(state_dir, job).into_iter().next()
}

/// The plan of a job whose approving hash begins with `hash`, and the whole hash. The plan is not verified.
pub(in crate::sync) fn plan_with(state_dir: &Path, job: &str, hash: &str) -> Option<(File, String)> {
    all(state_dir, job).into_iter().find_map(|path| {
        let mut file = platform::open_regular(&path).ok()?;
        let content = footer(&mut file).ok()??.content.filter(|content| content.starts_with(hash))?;
        file.rewind().ok()?;
        Some((file, content))
    })
}

fn footer(file: &mut File) -> io::Result<Option<Footer>> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(FOOTER)))?;
    let mut tail = Vec::new();
    file.take(FOOTER).read_to_end(&mut tail)?;
    Ok(footer_of(&tail))
}

fn header(path: &Path) -> Option<Header> {
    Some(Reader::new(BufReader::new(platform::open_regular(path).ok()?)).ok()?.header().clone())
}

/// Removes all but the newest plans in the directory of a job.
pub(super) fn prune(dir: &Path, keep: usize) {
    [ENDING, BEFORE].iter().for_each(|ending| retention::prune(dir, ending, keep, "", Timestamp::now()));
}

/// Removes what killed runs have left. The destination is locked, or the run changes nothing.
pub(super) fn forget_parts(dir: &Path) {
    retention::prune(dir, &format!("{BEFORE}.{PART}"), 1, "", Timestamp::now());
}

/// Removes the plans for a destination: it is the same as the source now, so they are void. A plan that cannot be removed does no harm.
pub(in crate::sync) fn forget_plans(state_dir: &Path, job: &str, dest: &Path) {
    let Ok(dest) = fs::canonicalize(dest) else { return };
    for path in all(state_dir, job) {
        if header(&path).is_none_or(|header| root_of(&header.root).is_none_or(|root| root == dest)) {
            let _ = fs::remove_file(path);
        }
    }
    let dir = dir(state_dir, job);
    retention::prune(&dir, BEFORE, 0, "", Timestamp::now());
    retention::prune(&dir, &format!("{BEFORE}.{PART}"), 0, "", Timestamp::now());
}
