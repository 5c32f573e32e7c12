//! The file of marks. It lies beside the marked items, so that all users of these items share it. It exists while something is marked. It
//! may be deleted; then the wait begins again.

use super::expiry::{Age, Item, Mark, Moment, Verdict, age_of, judge, wait_of};
use crate::platform::follow;
use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;

/// The name of the file.
pub(crate) const FILE: &str = "marks.json";
/// The name of a damaged file, kept for inspection.
const ASIDE: &str = "marks.json.damaged";
/// The name of the file while it is written.
const NEW: &str = "marks.json.new";
/// A longer file is not one of ours. Bytes.
const LONGEST: u64 = 64 << 20;
const VERSION: u32 = 1;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Marks {
    v: u32,
    /// The time of the last run that checked.
    last: Option<Moment>,
    marks: BTreeMap<String, Mark>,
}

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The names of the items that may be purged.
    pub purge: Vec<String>,
    /// The names of the marked items, with the earliest end of each wait, in seconds since 1970.
    pub marked: BTreeMap<String, i64>,
    /// A problem of the file, or why it could not be written. Then nothing new is marked, which only delays purges.
    pub warning: Option<String>,
    /// Whether the file contains this result now.
    pub saved: bool,
}

impl Marks {
    /// Judges all items. Marks of other items are dropped.
    fn look(&mut self, items: &[Item], now: &Moment) -> Looked {
        let mut before = std::mem::take(&mut self.marks);
        if self.last.as_ref().is_some_and(|last| !now.follows(last)) {
            // The clock was wrong at one of the two moments; which one is unknown.
            before.clear();
        }
        self.last = Some(now.clone());
        let mut looked = Looked::default();
        for item in items {
            let mark = match judge(item, before.get(&item.name), now) {
                Verdict::Keep => continue,
                Verdict::Mark => Mark { at: now.clone(), ahead: age_of(item, now) == Age::Ahead },
                Verdict::Wait | Verdict::Purge => match before.remove(&item.name) {
                    Some(mark) => mark,
                    None => continue,
                },
            };
            if judge(item, Some(&mark), now) == Verdict::Purge {
                looked.purge.push(item.name.clone());
            } else {
                let wait = i64::try_from(wait_of(age_of(item, now), item.keep).as_secs()).unwrap_or(i64::MAX);
                looked.marked.insert(item.name.clone(), mark.at.wall.saturating_add(wait));
            }
            self.marks.insert(item.name.clone(), mark);
        }
        looked
    }
}

/// Checks the items kept beside the file of marks in `dir`: returns what may be purged, and marks expired items. With `dry` nothing is
/// written. The caller must ensure that nothing else does so at the same time.
pub(crate) fn look(dir: impl AsFd, items: &[Item], now: &Moment, dry: bool) -> Looked {
    let (before, warning) = match load(&dir, dry) {
        Ok(loaded) => loaded,
        Err(why) => return Looked { warning: Some(why), ..Looked::default() },
    };
    let mut marks = before.clone();
    let mut looked = marks.look(items, now);
    looked.warning = warning;
    if dry {
        return looked;
    }
    let nothing = before.marks.is_empty() && marks.marks.is_empty();
    match if nothing { Ok(()) } else { save(&dir, &marks) } {
        Ok(()) => looked.saved = true,
        Err(error) => {
            looked.marked.retain(|name, _| before.marks.get(name) == marks.marks.get(name));
            looked.warning = Some(format!("cannot write {FILE}, the record of what has expired: {error}"));
        }
    }
    looked
}

/// Reads the marks. `Err`: the file must not be changed, and nothing may be purged.
fn load(dir: impl AsFd, dry: bool) -> Result<(Marks, Option<String>), String> {
    let none = || Marks { v: VERSION, ..Marks::default() };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut text = Vec::new();
    let read = match openat(&dir, FILE, flags, Mode::empty()) {
        Ok(file) => File::from(file).take(LONGEST).read_to_end(&mut text),
        Err(Errno::NOENT) => return Ok((none(), None)),
        // Losing marks only delays purges. The new file can be read by all users who share it.
        Err(Errno::ACCESS | Errno::PERM) => {
            let text =
                format!("{FILE} may be read only by another user, and is ignored: it is written again");
            return Ok((none(), Some(text)));
        }
        Err(error) => Err(error.into()),
    };
    read.map_err(|error| format!("cannot read {FILE}: {error}; nothing is purged"))?;
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    match (serde_json::from_slice::<Version>(&text), serde_json::from_slice::<Marks>(&text)) {
        (Ok(Version { v }), _) if v > VERSION => {
            Err(format!("{FILE} is of version {v}, newer than this pdb-sync ({VERSION}); nothing is purged"))
        }
        (Ok(_), Ok(marks)) => Ok((marks, None)),
        _ if dry => Ok((none(), Some(format!("{FILE} is damaged, and is ignored")))),
        _ => {
            let done = match renameat(&dir, FILE, &dir, ASIDE) {
                Ok(()) => format!("it was set aside as {ASIDE}"),
                Err(error) => format!("it cannot be set aside ({})", io::Error::from(error)),
            };
            Ok((none(), Some(format!("{FILE} is damaged, and is ignored: {done}"))))
        }
    }
}

/// Replaces the file as a whole. Without a mark there is no file.
fn save(dir: impl AsFd, marks: &Marks) -> io::Result<()> {
    if marks.marks.is_empty() {
        return match unlinkat(&dir, FILE, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        };
    }
    let text = serde_json::to_vec(marks)?;
    // A leftover file may belong to another user.
    let _ = unlinkat(&dir, NEW, AtFlags::empty());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mut file = File::from(openat(&dir, NEW, flags, Mode::RUSR | Mode::WUSR)?);
    follow(&file, &rustix::fs::fstat(&dir)?);
    let written = file.write_all(&text).and_then(|()| file.sync_data());
    let placed = written.and_then(|()| Ok(renameat(&dir, NEW, &dir, FILE)?));
    if placed.is_err() {
        // A file that cannot be removed is replaced by the next run.
        let _ = unlinkat(&dir, NEW, AtFlags::empty());
    }
    placed
}

/// Removes the marks in a directory in which nothing is kept any more.
pub(crate) fn forget(dir: impl AsFd) {
    for name in [FILE, NEW] {
        // Marks in a file that cannot be removed are dropped by the next check.
        let _ = unlinkat(&dir, name, AtFlags::empty());
    }
}

#[cfg(test)]
#[path = "marks_tests.rs"]
mod tests;
