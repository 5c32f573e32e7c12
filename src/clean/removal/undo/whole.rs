//! Restores directories that were removed as one: by one rename each.

use super::{Top, Undoing};
use crate::clean::path::split;
use crate::clean::removal::open_below::{open_below, why_not};
use crate::clean::removal::place::{DELETING, WHOLE};
use crate::clean::removal::rename::{Target, rename_new};
use crate::clean::removal::tree;
use crate::clean::{EntryOutcome, Kind};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

impl Top {
    /// A directory of the run's quarantine, for messages.
    fn of_run(name: &[u8]) -> Self {
        Top { swaps: false, escaped: false, name: name.into() }
    }
}

impl Undoing<'_> {
    /// Restores the directories that were moved as one.
    pub(super) fn whole(&mut self, place: &impl AsFd) -> io::Result<()> {
        if let Ok(dir) = open_below(place, DELETING) {
            for (name, _) in tree::names(&dir)? {
                let why = "it was being deleted; what is left of it stays there";
                self.stays(&Top::of_run(DELETING), &name, why.into());
            }
        }
        let hold = match open_below(place, WHOLE) {
            Ok(hold) => hold,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for (name, _) in tree::names(&hold)? {
            if (self.stop)() {
                break;
            }
            let path = match self.long.unescape_flat(&name) {
                Ok(path) => path,
                Err(why) => {
                    self.nameless(&Top::of_run(WHOLE), &name, &why.to_string());
                    continue;
                }
            };
            let mut entries = 1;
            if let Ok(top) = open_below(&hold, &name) {
                let count = |_: &[u8], _: &OwnedFd, names: &[(Vec<u8>, Kind)]| {
                    entries += names.len() as u64;
                    true
                };
                tree::walk(top, count, |_, _| ());
            }
            let (dir, own) = split(&path);
            let parent = match self.maker.open(dir) {
                Ok(parent) => parent,
                Err(error) => {
                    self.fail_all(&path, (Kind::Tree, entries), EntryOutcome::Failed, error.to_string())?;
                    continue;
                }
            };
            if let Err(why) = parent.changes() {
                self.fail_all(&path, (Kind::Tree, entries), EntryOutcome::Failed, why.to_string())?;
                continue;
            }
            match rename_new(&hold, &name, parent.fd(), own, Target::Shared) {
                Ok(()) => self.restored(path, Kind::Tree, entries)?,
                Err(Errno::EXIST) => {
                    let why = "another entry is in its place; it stays in the quarantine";
                    self.fail_all(&path, (Kind::Tree, entries), EntryOutcome::Skipped, why.into())?;
                }
                Err(error) => {
                    self.fail_all(&path, (Kind::Tree, entries), EntryOutcome::Failed, why_not(error))?
                }
            }
        }
        Ok(())
    }
}
