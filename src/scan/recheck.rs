//! Determines which directories of an earlier inventory are unchanged, with one `stat` each and without opening anything.
//!
//! The key is device, inode, modification time *and* change time: `rsync -a` resets the modification time of a directory to that of the
//! source, so that after an ordinary update only the change time differs. A directory that was changed less than two seconds before it was
//! read may have changed again within the same clock tick: it is read again.

use super::look::dir_stat;
use crate::platform::LONGEST;
use crate::scan::inventory::{DirId, DirRef, DirStat, Inventory, State};
use rustix::fs::{AtFlags, statat};
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

const DOUBT: i64 = 2_000_000_000;
/// Minimum number of directories for a thread.
const SHARE: u32 = 256;

/// An earlier inventory, and which of its directories are unchanged.
#[derive(Debug)]
pub(super) struct Before<'a> {
    pub(super) inventory: &'a Inventory,
    unchanged: Vec<bool>,
}

impl<'a> Before<'a> {
    /// Checks every directory below `root`, with several threads.
    pub(super) fn check(
        inventory: &'a Inventory,
        root: impl AsFd + Sync,
        threads: usize,
        stopped: impl Fn() -> bool + Sync,
    ) -> Self {
        let dirs = inventory.dir_count() as u32;
        let threads = (threads.max(1) as u32).min(dirs / SHARE + 1);
        let bound = |n: u32| (u64::from(dirs) * u64::from(n) / u64::from(threads)) as u32;
        let (root, stopped) = (&root, &stopped);
        let check = |n: u32| check_range(inventory, root, bound(n)..bound(n + 1), stopped);
        let unchanged = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|n| scope.spawn(move || check(n))).collect();
            let mut unchanged = check(0);
            for (n, other) in others.into_iter().enumerate() {
                let n = n as u32 + 1;
                let none = || vec![false; (bound(n + 1) - bound(n)) as usize];
                unchanged.extend(other.join().unwrap_or_else(|_| none()));
            }
            unchanged
        });
        Before { inventory, unchanged }
    }

    /// Whether a directory is unchanged.
    pub(super) fn holds(&self, id: DirId) -> bool {
        self.unchanged.get(id.0 as usize).copied().unwrap_or(false)
    }
}

fn check_range(
    inventory: &Inventory,
    root: impl AsFd,
    range: std::ops::Range<u32>,
    stopped: &impl Fn() -> bool,
) -> Vec<bool> {
    let mut verdicts = Vec::with_capacity(range.len());
    let mut path = Path::default();
    for n in range {
        let Some(dir) = inventory.dir(DirId(n)) else {
            verdicts.push(false);
            continue;
        };
        path.go_to(&dir);
        let stop = n % 512 == 0 && stopped();
        verdicts.push(
            !stop && may_hold(&dir, inventory.started()) && is_as_it_was(&root, &path.bytes, dir.stat()),
        );
        if stop {
            break;
        }
    }
    verdicts
}

fn may_hold(dir: &DirRef<'_>, started: i64) -> bool {
    dir.state() != State::Incomplete && dir.stat().ctime < started.saturating_sub(DOUBT)
}

fn is_as_it_was(root: impl AsFd, path: &[u8], known: &DirStat) -> bool {
    // A directory that is too deep for one path is read again.
    if path.len() > LONGEST {
        return false;
    }
    let path = if path.is_empty() { b"." } else { path };
    let Ok(raw) = statat(root, OsStr::from_bytes(path), AtFlags::SYMLINK_NOFOLLOW) else { return false };
    let is = dir_stat(&raw);
    let is_dir = rustix::fs::FileType::from_raw_mode(raw.st_mode) == rustix::fs::FileType::Directory;
    let key = |stat: &DirStat| (stat.dev, stat.inode, stat.mtime, stat.ctime);
    is_dir && key(&is) == key(known)
}

/// Builds the paths of successive directories, without building each from scratch.
#[derive(Default)]
struct Path {
    bytes: Vec<u8>,
    /// The directories from the root down, with the length of each path.
    above: Vec<(DirId, usize)>,
}

impl Path {
    fn go_to(&mut self, dir: &DirRef<'_>) {
        let Some(parent) = dir.parent() else {
            self.above = vec![(dir.id(), 0)];
            return;
        };
        while self.above.last().is_some_and(|(id, _)| *id != parent.id()) {
            self.above.pop();
        }
        if self.above.is_empty() {
            self.bytes = parent.path();
            let mut end = self.bytes.len();
            for dir in parent.ancestors() {
                self.above.push((dir.id(), end));
                end = end.saturating_sub(dir.name().len() + 1);
            }
            self.above.reverse();
        }
        self.bytes.truncate(self.above.last().map_or(0, |(_, end)| *end));
        if !self.bytes.is_empty() {
            self.bytes.push(b'/');
        }
        self.bytes.extend_from_slice(dir.name());
        self.above.push((dir.id(), self.bytes.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::inventory::testing::tree;

    #[test]
    fn paths_are_right_wherever_a_range_begins() {
        let tree = tree(&[("a/b/c/", 0), ("a/d/e/f/", 0), ("g/", 0), ("h/i/", 0)]);
        for start in 0..tree.dir_count() as u32 {
            let mut path = Path::default();
            for dir in tree.dirs().skip(start as usize) {
                path.go_to(&dir);
                assert_eq!(path.bytes, dir.path(), "from {start}");
            }
        }
    }
}
