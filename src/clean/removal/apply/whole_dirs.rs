//! Removes directories that a plan takes as one: by one rename each, or entry by entry where that is not possible.

use super::page::Page;
use super::parts::{BATCH, Batch};
use super::work::Shared;
use crate::clean::path::split;
use crate::clean::removal::contents::{Differs, dir_contents, survey};
use crate::clean::removal::open_below::open_below;
use crate::clean::removal::parent::Parent;
use crate::clean::removal::remove_entry::RemoveOutcome;
use crate::clean::removal::remove_whole_dir::{Taken, WholeDir};
use crate::clean::removal::stamp::look;
use crate::clean::removal::tree::{self, join};
use crate::clean::{Contents, ContentsHasher, Entry, Kind};

impl Shared<'_> {
    /// Removes a directory by one rename. No thread may be at work in its parent.
    pub(super) fn whole(&self, entry: &Entry, contents: &Contents) -> Taken {
        if let Some(left) = self.protected(&entry.path) {
            return Taken::As(left);
        }
        let parent = match self.parent(split(&entry.path).0) {
            Ok(parent) => parent,
            Err(taken) => return Taken::As(taken),
        };
        if parent.is_project() {
            let text = "its directory holds the manifest of a project; left alone";
            return Taken::As(RemoveOutcome::Left(text.into()));
        }
        let apply = self.apply;
        let (resumed, stop) = (apply.past.is_some(), &|| self.is_over());
        WholeDir { quarantine: apply.quarantine, removal_mode: apply.removal_mode, resumed, stop }
            .take(&parent, entry, contents)
    }

    /// Removes the entries of such a directory one by one, if they are those of the plan. Takes memory for directories.
    pub(super) fn apart(&self, entry: &Entry) {
        let Some(contents) = &entry.contents else { return };
        let (above, name) = split(&entry.path);
        let mut dirs = Vec::new();
        let compared = match Parent::open(self.apply.root, above) {
            Ok(parent) => survey(parent.fd(), name, contents, &|| self.is_over(), |path, _, hash| {
                dirs.push((path.to_vec(), hash));
            }),
            Err(error) => return self.tell(entry, RemoveOutcome::unopened(error)),
        };
        match compared {
            Ok(()) => {}
            Err(Differs::Stopped) => return,
            Err(Differs::As(why)) => {
                return self.tell(entry, RemoveOutcome::Left(format!("{why}; left alone")));
            }
        }
        let mut gone = Vec::new();
        for (path, hash) in dirs {
            if self.is_over() {
                return;
            }
            let full = if path.is_empty() { entry.path.clone() } else { join(&entry.path, &path) };
            // What has changed since it was compared stays.
            let read = open_below(self.apply.root, &full).and_then(|dir| {
                let (_, stamp) = look(&dir, b".")?;
                let names = tree::names(&dir)?;
                Ok((stamp, dir_contents(&mut ContentsHasher::default(), &path, &dir, &names)?))
            });
            let one = |path: Vec<u8>, kind, stamp, bytes| {
                let (rule, action) = (entry.rule.clone(), entry.action);
                Entry { path, kind, stamp, contents: None, linked: false, bytes, rule, action }
            };
            let Some((stamp, read)) = read.ok().filter(|(_, read)| read.hash == hash) else {
                let why = "it has changed since it was compared; left alone";
                self.tell(&one(full, Kind::Dir, entry.stamp, 0), RemoveOutcome::Left(why.into()));
                continue;
            };
            for part in read.entries.chunks(BATCH) {
                let entries =
                    part.iter().map(|(name, kind, stamp)| one(join(&full, name), *kind, *stamp, stamp.size));
                let batch = Batch { dir: full.clone(), entries: entries.collect() };
                if !self.mean(batch.entries.iter()) {
                    return;
                }
                self.batch(batch);
            }
            gone.push(one(full, Kind::Dir, stamp, 0));
        }
        self.dirs(gone);
    }

    fn tell(&self, entry: &Entry, taken: RemoveOutcome) {
        let mut page = Page::default();
        self.note(&mut page, entry, self.or_before(entry, taken));
        self.turn(page);
    }
}
