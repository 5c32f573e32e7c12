//! Removes the directories of a plan, also those that it takes as one.

use super::page::Page;
use super::parts::BATCH;
use super::work::Shared;
use crate::clean::path::split;
use crate::clean::removal::open_below::open_below;
use crate::clean::removal::recipe::recipe_of;
use crate::clean::removal::remove_entry::{RemoveOutcome, take_dir};
use crate::clean::removal::remove_whole_dir::Taken;
use crate::clean::{Entry, Kind, Line};
use rustix::fs::{AtFlags, FileType, statat};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

impl Shared<'_> {
    /// Removes directories that are empty, and those that are taken as one. Each of the former is journalled first, with the metadata needed to
    /// recreate it.
    pub(super) fn dirs(&self, mut dirs: Vec<Entry>) {
        let depth = |entry: &Entry| entry.path.iter().filter(|b| **b == b'/').count();
        dirs.sort_by_key(|entry| std::cmp::Reverse(depth(entry)));
        for group in dirs.chunks(BATCH) {
            let mut lines = Vec::new();
            for entry in group {
                if entry.kind == Kind::Dir {
                    self.how_to_make(entry, &mut lines);
                }
                if self.is_meant(entry) {
                    self.mean_one(entry, &mut lines);
                }
            }
            if self.is_over() || !(lines.is_empty() || self.append(&lines, true)) {
                return;
            }
            let (mut page, mut apart) = (Page::default(), Vec::new());
            for entry in group {
                if self.is_over() {
                    break;
                }
                if let Some(contents) = &entry.contents {
                    match self.whole(entry, contents) {
                        Taken::As(taken) => self.note(&mut page, entry, self.or_before(entry, taken)),
                        Taken::Apart => apart.push(entry),
                        Taken::Stopped => break,
                    }
                    continue;
                }
                let (dir, name) = split(&entry.path);
                let taken = match (self.protected(&entry.path), self.parent(dir)) {
                    (Some(left), _) => left,
                    (None, Ok(parent)) => take_dir(&parent, name, Some(&entry.stamp)),
                    (None, Err(taken)) => taken,
                };
                let taken = if self.is_of_sync() { self.as_rsync(entry, taken) } else { taken };
                self.note(&mut page, entry, self.or_before(entry, taken));
            }
            self.turn(page);
            apart.into_iter().for_each(|entry| self.apart(entry));
        }
    }

    /// As with rsync, a directory stays without a word if it holds entries that the filters exclude, or new ones.
    fn as_rsync(&self, entry: &Entry, taken: RemoveOutcome) -> RemoveOutcome {
        match taken {
            RemoveOutcome::Left(_) if open_below(self.apply.root, &entry.path).is_ok() => RemoveOutcome::Gone,
            other => other,
        }
    }

    fn how_to_make(&self, entry: &Entry, lines: &mut Vec<u8>) {
        let (dir, name) = split(&entry.path);
        if let Ok(dir) = open_below(self.apply.root, dir)
            && let Ok(stat) = self
                .apply
                .quarantine
                .access()
                .stat(|| statat(dir, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW))
            && FileType::from_raw_mode(stat.st_mode) == FileType::Directory
            && self.learn(&entry.path, recipe_of(&stat))
        {
            Line::Was(entry.path.clone(), recipe_of(&stat)).write(lines);
        }
    }
}
