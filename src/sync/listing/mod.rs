//! What a dry run of rsync reports about source and destination: what differs, with sizes and times; what the source lacks; and, if
//! requested, all names of the source. Guards, plans and deletions use it.

mod age;
mod brought;
mod changed;
mod closed_dirs;
mod deletion_plan;
mod deletions;
mod examine;
mod folding;
mod held_plans;
mod keep_names;
mod layout;
mod names;
mod shape;
mod sorted_names;
mod split;
mod unverified;
mod upstream;

pub(super) use age::OlderFiles;
pub(super) use brought::{brought_key, hash_of, left_over};
pub(super) use changed::{Changed, ChangedKind, ChangedList};
pub(super) use deletion_plan::header;
pub(super) use deletions::{DeletionWriter, Deletions, PlanReader};
pub(super) use examine::{Respelling, make_old, rename};
pub(super) use held_plans::{forget_plans, plan_with};
pub(crate) use held_plans::{held_plan, plan_path};
pub(super) use keep_names::keep_first_names;
pub(super) use layout::{Moved, has_entries};
pub(super) use names::{Names, NamesBefore, kept_counts, needs_names};
pub(super) use shape::shape;
pub(super) use sorted_names::Deletion;
pub(super) use split::split;
pub(super) use unverified::{Unverified, UnverifiedFile};
pub(crate) use upstream::source_names;

use crate::clean::path::OURS;
use crate::model::event::Tally;
use crate::model::result::Reason;
use crate::model::system_names::is_of_a_file_system;
use crate::rsync::output::{Change, ChangeKind, Stats, unescape};
use names::{NameKind, NameWriter};
use std::collections::HashSet;
use std::io;
use std::path::Path;

/// Collects rsync's itemized changes.
#[derive(Debug)]
pub(super) struct Collector {
    gone: DeletionWriter,
    changed: ChangedList,
    closed_dirs: bool,
    names: Option<io::Result<NameWriter>>,
    created: Tally,
    updated: Tally,
    contents: u64,
    same_size: u64,
    different: u64,
    reserved: Reserved,
    folds: bool,
    at_root: bool,
}

/// Names in the listing that are our own directory's. They are neither transferred nor deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reserved {
    /// Number of such names at the source.
    pub(super) theirs: u64,
    /// Number of such names at the destination.
    pub(super) ours: u64,
    /// The first such name.
    pub(super) first: Vec<u8>,
}

impl Collector {
    /// Names to delete become a plan at `gone`. With `all`, the names of the source are written to a file beside the stored names of
    /// the job. `at_root`: whether the destination is the root of a file system.
    pub(super) fn new(gone: &Path, all: Option<(&Path, &str)>, folds: bool, at_root: bool) -> Self {
        let known = Tally { bytes: Some(0), ..Tally::default() };
        Collector {
            gone: DeletionWriter::new(gone, folds),
            changed: ChangedList::new(),
            closed_dirs: false,
            names: all.map(|(state_dir, job)| NameWriter::create(state_dir, job)),
            created: known,
            updated: known,
            contents: 0,
            same_size: 0,
            different: 0,
            reserved: Reserved::default(),
            folds,
            at_root,
        }
    }

    /// Adds a change of the dry run. Returns whether it counts.
    pub(super) fn note(&mut self, change: &Change<'_>) -> bool {
        if is_reserved(change.name, self.folds) {
            let deleted = change.kind == ChangeKind::Deleted;
            *if deleted { &mut self.reserved.ours } else { &mut self.reserved.theirs } +=
                u64::from(change.kind != ChangeKind::Unchanged);
            if self.reserved.first.is_empty() {
                self.reserved.first = unescape(change.name);
            }
            return false;
        }
        if change.kind == ChangeKind::Deleted {
            // Filters exclude it from rsync's list, unless the source has a directory of that name.
            if self.at_root && is_of_a_file_system(&unescape(change.name)) {
                return false;
            }
            self.gone.push(change);
            return true;
        }
        if change.name != b"." {
            self.named(change);
        }
        let tally = match change.kind {
            ChangeKind::Created => &mut self.created,
            _ if change.kind == ChangeKind::Unchanged => return false,
            _ => &mut self.updated,
        };
        tally.count(change.dir, if change.contents { change.size } else { 0 });
        self.contents += u64::from(change.contents);
        self.same_size += u64::from(change.same_size());
        let differs = change.kind == ChangeKind::Updated && change.lacking && !change.dir;
        self.different += u64::from(differs && !change.same_size());
        if change.kind == ChangeKind::Created && !change.dir {
            self.gone.created(change.name);
        }
        self.closed_dirs |= change.dir && closed_dirs::lacks_rights(change.permissions);
        self.changed.push(&Changed {
            name: unescape(change.name),
            kind: kind_of(change),
            created: change.kind == ChangeKind::Created,
            contents: change.contents,
            resized: change.resized,
            size: change.size,
            mtime: if change.resized { change.mtime() } else { None },
        });
        true
    }

    /// Adds an entry of the destination, by its name on disk, that the source does not have or that the job does not want any more.
    pub(super) fn lacks(&mut self, name: &[u8], dir: bool) {
        let kept = is_reserved(name, self.folds) || self.at_root && is_of_a_file_system(name);
        if !kept {
            self.gone.add(name, dir);
        }
    }

    /// Adds a name of the source.
    fn named(&mut self, change: &Change<'_>) {
        let Some(Ok(names)) = &mut self.names else { return };
        if let Err(error) = names.push(kind_of(change), &unescape(change.name)) {
            self.names = Some(Err(error));
        }
    }

    /// Ends the listing with the figures of the dry run.
    pub(super) fn finish(self, stats: Stats) -> io::Result<Listing> {
        let Collector { gone, mut changed, names, created, updated, contents, reserved, folds, .. } = self;
        let (same_size, different, closed_dirs) = (self.same_size, self.different, self.closed_dirs);
        changed.finish()?;
        let mut gone = gone.finish();
        let names = match names.map(|names| names.and_then(NameWriter::finish)) {
            Some(Ok(names)) => Some(names),
            Some(Err(error)) if folds => {
                // Without the names of the source, names to delete cannot be compared with them.
                gone.unwritten.get_or_insert_with(|| format!("the names of the source: {error}"));
                None
            }
            // The names were only meant to be stored for later.
            Some(Err(_)) | None => None,
        };
        Ok(Listing {
            stats,
            gone,
            created,
            updated,
            contents,
            same_size,
            different,
            changed,
            closed_dirs,
            names,
            reserved,
            folds,
            older: OlderFiles::default(),
            moved: None,
            respelled: Vec::new(),
            lost: Vec::new(),
            stale: Vec::new(),
            groups: Vec::new(),
            folds_below: false,
            warned: None,
        })
    }
}

/// A complete listing.
#[derive(Debug)]
pub(super) struct Listing {
    /// rsync's own figures.
    pub(super) stats: Stats,
    /// What the source lacks.
    pub(super) gone: Deletions,
    /// New entries.
    pub(super) created: Tally,
    /// Changed entries.
    pub(super) updated: Tally,
    /// How many files would be transferred, new or changed.
    pub(super) contents: u64,
    /// How many of them the destination holds with the same size and another time.
    pub(super) same_size: u64,
    /// How many entries that are no directories the destination holds with another size, or as links with another target.
    pub(super) different: u64,
    changed: ChangedList,
    /// Whether a directory that differs lacks rights of its owner at the source.
    closed_dirs: bool,
    /// All names of the source, if requested.
    pub(super) names: Option<Names>,
    /// Names of our own directory.
    pub(super) reserved: Reserved,
    /// Whether the destination folds names.
    folds: bool,
    /// Files of the mirror that are newer than those of the source.
    pub(super) older: OlderFiles,
    /// The entries of the mirror under other paths, if the source has changed its layout.
    pub(super) moved: Option<Moved>,
    /// Entries that get the source's spelling instead of being deleted.
    pub(super) respelled: Vec<Respelling>,
    /// Names of the source that the destination cannot hold beside another name of the source.
    pub(super) lost: Vec<LostName>,
    /// Names of the source under which the destination holds the content of another file, which is gone. They must be fetched again even if size
    /// and time are equal.
    pub(super) stale: Vec<Vec<u8>>,
    /// Groups of source names that the destination may treat as equal.
    groups: Vec<Vec<(NameKind, Vec<u8>)>>,
    /// Whether a directory of the destination folds names although its root does not. The listing must then be repeated.
    pub(super) folds_below: bool,
    /// A warning about the listing.
    pub(super) warned: Option<Reason>,
}

impl Listing {
    /// Whether nothing would be transferred.
    pub(super) fn brings_nothing(&self) -> bool {
        [self.created, self.updated].iter().all(|tally| tally.files == 0 && tally.dirs == 0)
    }

    /// The files that the destination holds with the same size and another time.
    pub(super) fn same_size_names(&mut self) -> io::Result<impl Iterator<Item = io::Result<Vec<u8>>> + '_> {
        let same_size = |changed: &Changed| {
            changed.kind == ChangedKind::File && changed.contents && !changed.created && !changed.resized
        };
        Ok(self.changed.iter()?.filter_map(move |changed| match changed {
            Ok(changed) => same_size(&changed).then_some(Ok(changed.name)),
            Err(error) => Some(Err(error)),
        }))
    }

    /// Calls `take` with the name of each entry that a transfer has to bring: those that differ and those that are fetched again, without
    /// those that cannot be held here.
    pub(super) fn each_to_bring(&mut self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let lost: HashSet<&[u8]> = lost_files(&self.lost).collect();
        for changed in self.changed.iter()? {
            let changed = changed?;
            if !lost.contains(&changed.name[..]) {
                take(&changed.name)?;
            }
        }
        self.stale.iter().try_for_each(|name| take(name))
    }

    /// Calls `look` with each entry that differs and that the destination can hold.
    pub(super) fn each_changed(&mut self, mut look: impl FnMut(&Changed)) -> io::Result<()> {
        let lost: HashSet<&[u8]> = lost_files(&self.lost).collect();
        for changed in self.changed.iter()? {
            let changed = changed?;
            if !lost.contains(&changed.name[..]) {
                look(&changed);
            }
        }
        Ok(())
    }

    /// What a transfer has to bring, to be read in parts; `None` if some of it is not in the list of what differs. With it
    /// come the names of files that the destination cannot hold.
    pub(super) fn take_changed(&mut self) -> Option<(ChangedList, HashSet<Vec<u8>>)> {
        if !self.stale.is_empty() {
            return None;
        }
        let lost = lost_files(&self.lost).map(<[u8]>::to_vec).collect();
        Some((std::mem::replace(&mut self.changed, ChangedList::new()), lost))
    }

    /// Whether an entry that differs is a directory without all rights for its owner at the source, or is in one here.
    pub(in crate::sync) fn has_closed_dirs(&mut self, dest: &Path) -> io::Result<bool> {
        Ok(self.closed_dirs || closed_dirs::are_entered(&mut self.changed, dest)?)
    }

    /// Puts the list back.
    pub(super) fn put_back(&mut self, changed: ChangedList) {
        self.changed = changed;
    }

    /// How many files the destination holds: those of the source, less the new ones, plus those to delete. `None` if unknown.
    pub(super) fn present(&self) -> Option<u64> {
        let source = self.stats.files?.files();
        // The destination has no entry of its own for a name that it cannot distinguish from another one.
        let source = source.saturating_sub(lost_files(&self.lost).count() as u64);
        Some((source + self.gone.tally.files).saturating_sub(self.created.files))
    }

    /// Like [`Self::present`]. `links`: whether the job transfers links. If not, they are subtracted, since rsync still counts them at the
    /// source.
    pub(super) fn held(&self, links: bool) -> Option<u64> {
        let left_out = if links {
            0
        } else {
            self.stats.files.map_or(0, |files| files.files() - files.regular.min(files.files()))
        };
        Some(self.present()?.saturating_sub(left_out))
    }
}

/// A name of the source that the destination treats as equal to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LostName {
    /// Relative to the root of the mirror.
    pub(super) name: Vec<u8>,
    /// Whether it is a directory. Its contents are still transferred, into the other directory.
    pub(super) dir: bool,
    /// The file of the source that the destination holds in its place; `None` if that is no file.
    pub(super) holder: Option<Vec<u8>>,
}

/// The names of files among these. They are not transferred.
pub(super) fn lost_files(lost: &[LostName]) -> impl Iterator<Item = &[u8]> {
    lost.iter().filter(|lost| !lost.dir).map(|lost| &lost.name[..])
}

fn kind_of(change: &Change<'_>) -> NameKind {
    match (change.dir, change.file) {
        (true, _) => NameKind::Dir,
        (false, true) => NameKind::File,
        (false, false) => NameKind::Other,
    }
}

/// Whether a path is in our own directory, as the destination compares names.
fn is_reserved(name: &[u8], folds: bool) -> bool {
    let first = name.split(|byte| *byte == b'/').next().unwrap_or(name);
    first == OURS || folds && folding::key(first) == OURS
}
