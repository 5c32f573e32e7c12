//! Checks before anything is deleted or written. Pure decisions from counted figures.

use super::listing::{Listing, Moved, Reserved};
use crate::mirrors::{Catalogue, Change};
use crate::model::event::Tally;
use crate::model::job::{Job, MaxDelete, MaxEntries, Source};
use crate::model::result::Reason;
use crate::model::sanitize;
use bytesize::ByteSize;

/// The guard's decision about the deletions of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DeletionVerdict {
    /// They are allowed.
    Go,
    /// Nothing may be deleted; the rest may be transferred.
    TransferOnly(Reason),
    /// The source holds no file; nothing may be done.
    Empty(Reason),
}

/// Whether the user has approved the deletions of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Approval {
    /// Nobody was asked: the limits decide.
    NotAsked,
    /// They are those of the approved plan.
    Given,
    /// They differ from the approved plan. The text says how, as the end of a sentence.
    Refused(String),
    /// There are none, so that nothing is to be approved.
    Needless {
        /// The hash of the approved plan, or its beginning.
        plan: String,
        /// Whether there is such a plan.
        known: bool,
    },
}

/// Judges a complete listing. `again`: the beginning of a command line about the job, for hints. `refused`: see [`basis`]. An approval stands
/// for the limit, not for a source that may be empty.
pub(super) fn deletions(
    job: &Job,
    again: &str,
    listing: &Listing,
    refused: Option<u64>,
    approval: &Approval,
) -> DeletionVerdict {
    let Some(source_files) = listing.stats.files else {
        return DeletionVerdict::TransferOnly(
            Reason::new("rsync did not say how many files the source holds, so nothing is deleted")
                .hint("is an option in rsync_args keeping rsync silent?"),
        );
    };
    if source_files.files() == 0 && !job.allow_empty_source {
        return DeletionVerdict::Empty(empty_source(job, again, listing.gone.hash().is_some()));
    }
    match approval {
        Approval::Given => return DeletionVerdict::Go,
        Approval::Refused(how) => {
            let text = format!("the deletions are not those of the expected plan ({how}); none was made");
            return DeletionVerdict::TransferOnly(Reason::new(text).hint(approve(job, again, listing)));
        }
        Approval::Needless { plan, known } => {
            return DeletionVerdict::TransferOnly(needless(job, again, plan, *known));
        }
        Approval::NotAsked => {}
    }
    let going = listing.gone.tally.files;
    let present = listing.present().unwrap_or(going);
    let limit = limit(job, listing, basis(present, refused));
    // A limit that the user gave counts every file.
    let leftovers = match job.max_delete {
        MaxDelete::Default => listing.gone.temporary.min(MOST_TEMPORARY),
        _ => 0,
    };
    if going.saturating_sub(leftovers) <= limit {
        return DeletionVerdict::Go;
    }
    let empty = source_files.files() == 0;
    let limit = match job.max_delete {
        MaxDelete::Files(limit) => limit.to_string(),
        MaxDelete::Default if empty => format!("{limit}, from {}", MaxEntries::Default),
        share => format!("{limit}, from {share}"),
    };
    let limit = match refused
        .filter(|refused| *refused < present && !matches!(job.max_delete, MaxDelete::Files(_)))
    {
        Some(refused) => {
            format!("{limit} of the {refused} files that were here when deletions were first refused")
        }
        None => limit,
    };
    DeletionVerdict::TransferOnly(
        Reason::new(format!(
            "{going} of {present} files would be deleted, more than max_delete allows ({limit}); none was"
        ))
        .hint(approve(job, again, listing)),
    )
}

/// How many temporary files of rsync do not count by default: those that several runs of the most connections may leave if they are ended at
/// once.
const MOST_TEMPORARY: u64 = 100;

/// Digits of a plan's hash in hints. `--expect` takes the beginning of a hash.
const DIGITS: usize = 16;

/// How the user sees and approves the deletions of a listing.
fn approve(job: &Job, again: &str, listing: &Listing) -> String {
    let name = &job.name;
    let accepted = match listing.stats.files {
        Some(files) if files.files() == 0 => " --allow-empty-source",
        _ => "",
    };
    match (listing.gone.hash(), &listing.gone.unwritten) {
        (Some(hash), _) => {
            let hash = hash.get(..DIGITS).unwrap_or(hash);
            let shows = shows(job, again);
            format!("{shows} shows them; if they may go: {again} sync {name}{accepted} --expect {hash}")
        }
        (None, Some(why)) => format!("the plan could not be written ({why})"),
        (None, None) => "nothing is to be deleted".into(),
    }
}

/// The reason if a plan was approved and nothing is to be deleted.
fn needless(job: &Job, again: &str, plan: &str, known: bool) -> Reason {
    let plan = plan.get(..DIGITS).unwrap_or(plan);
    let text = match known {
        true => format!("nothing is to be deleted any more: the plan {plan} is void"),
        false => format!("nothing is to be deleted, and the plan {plan} does not exist (any more)"),
    };
    let hint = match job.only {
        None => "the mirror has no file that the source lacks, so no approval is needed",
        Some(_) => "the mirror has no file that has to go, so no approval is needed",
    };
    Reason::new(text).hint(format!("{hint}: {again} sync {}", job.name))
}

/// The command that shows the plan of a job.
pub(super) fn shows(job: &Job, again: &str) -> String {
    format!("{again} clean show {}", job.name)
}

/// The number of files of which `max_delete` takes its share. Files that came since deletions were refused do not raise the limit;
/// otherwise the next run would delete the refused files without anybody's consent.
pub(super) fn basis(present: u64, refused: Option<u64>) -> u64 {
    refused.map_or(present, |refused| refused.min(present))
}

/// How many of the `present` files of the destination may be deleted.
pub(super) fn limit(job: &Job, listing: &Listing, present: u64) -> u64 {
    match listing.stats.files {
        Some(files) if files.files() == 0 && job.allow_empty_source => {
            job.max_delete.of_accepted_empty(present)
        }
        _ => job.max_delete.of(present),
    }
}

/// The reason for a source without a file: not mounted, emptied, or the wrong path. `planned`: whether there is a plan to see.
pub(super) fn empty_source(job: &Job, again: &str, planned: bool) -> Reason {
    let hint = "is it mounted, and is its path right? --allow-empty-source accepts it";
    if !job.delete {
        return Reason::new("the source holds no file").hint(hint);
    }
    let reason = Reason::new("the source holds no file, so nothing was deleted");
    match planned {
        true => reason.hint(format!("{hint}; {} shows what would have been deleted", shows(job, again))),
        false => reason.hint(hint),
    }
}

/// The reason if the source is older than the mirror. For another source than the usual one, a single older file is too many.
pub(super) fn age(job: &Job, again: &str, source: &Source, usual: bool, listing: &Listing) -> Option<Reason> {
    let older = &listing.older;
    let limit = if usual { job.max_older.of(listing.present().unwrap_or(0)) } else { 0 };
    if older.files <= limit || job.allow_older {
        return None;
    }
    let names: Vec<_> = older.names.iter().map(|name| String::from_utf8_lossy(name)).collect();
    let more = older.files.saturating_sub(names.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let allowed = match usual {
        true => format!("more than max_older allows ({limit})"),
        false => "and it is not the source that served the last complete run".into(),
    };
    let files = if older.files == 1 { "file is" } else { "files are" };
    Some(
        Reason::new(format!(
            "the source {source} is older than the mirror: {} {files} older there and of another size, {allowed}; nothing was changed \
             ({}{more})",
            older.files,
            names.join(", ")
        ))
        .hint(format!(
            "it may lag behind or have been restored from a backup; if its files are right: {again} sync {} --allow-older",
            job.name
        )),
    )
}

/// The reason if the source has the entries of the mirror under other paths.
pub(super) fn moved(job: &Job, again: &str, source: &Source, moved: &Moved) -> Reason {
    let Moved { new_files, source_files, entries, same, .. } = moved;
    let [old, new] = [&moved.example.0, &moved.example.1].map(|name| String::from_utf8_lossy(name));
    let announced = match Catalogue::built_in().new_layout() {
        Some((change, ..)) if moved.extended => format!("; announced for {}: {}", change.day, change.about),
        _ => String::new(),
    };
    Reason::new(format!(
        "the source {source} has the entries of the mirror under other paths: {new_files} of its {source_files} files are new here, and \
         {same} of {entries} entries are the same ({old}, now {new}); nothing was changed{announced}"
    ))
    .hint(format!(
        "{NEW_LAYOUT}; to bring the new paths into this mirror: {again} sync {} --adopt, which deletes nothing (with `delete`, the run after it deletes the old paths as max_delete allows)",
        job.name
    ))
}

/// What to do about a new layout.
const NEW_LAYOUT: &str = "`pdb-sync mirrors` lists the known servers and layouts: point the job at a path that still has the old layout, or \
                          at that of the new one with another dest";

/// The reason if the source is not there any more, while its server has the new layout at `found`.
pub(super) fn replaced(reason: Reason, change: &Change, found: &Source) -> Reason {
    Reason::new(format!(
        "{}; the server has the layout entries/HH/ID/ at {found}; announced for {}: {}; nothing was changed",
        reason.text, change.day, change.about
    ))
    .hint(NEW_LAYOUT)
}

/// What is deferred, as the beginning of a sentence.
pub(super) fn waiting(tally: Tally) -> String {
    match (tally.files, tally.dirs) {
        (1, 0) => "1 file was not deleted".into(),
        (files, 0) => format!("{files} files were not deleted"),
        (0, 1) => "1 directory was not deleted".into(),
        (0, dirs) => format!("{dirs} directories were not deleted"),
        (files, dirs) => format!(
            "{files} {} and {dirs} {} were not deleted",
            if files == 1 { "file" } else { "files" },
            if dirs == 1 { "directory" } else { "directories" },
        ),
    }
}

/// The reason if the source has an entry named as our own directory and the job's filters let it through.
pub(super) fn reserved(reserved: &Reserved) -> Reason {
    Reason::new(format!(
        "the source holds {}, and the job's filters let it through: nothing was changed, since pdb-sync keeps files for undo there",
        String::from_utf8_lossy(&reserved.first)
    ))
    .hint("a `!` in a file of filters clears the rules that protect .pdb-sync: remove it, or add `- /.pdb-sync` after it")
}

/// The reason if fewer than `min_free` bytes are left, or if the free space is unknown.
pub(super) fn space(job: &Job, free: Option<u64>) -> Option<Reason> {
    let least = job.min_free.filter(|least| free.is_none_or(|free| free < *least))?;
    let Some(free) = free else {
        let text = format!(
            "the file system of {} does not report its free space, so min_free ({}) cannot be checked",
            sanitize::path(&job.dest),
            ByteSize(least).display().si()
        );
        return Some(Reason::new(text).hint("leave min_free out for this job"));
    };
    Some(disk_low(job, free, least))
}

/// The reason for a disk that has only `free` bytes left.
pub(super) fn disk_low(job: &Job, free: u64, least: u64) -> Reason {
    Reason::new(format!(
        "only {} are free at {}, less than min_free ({})",
        ByteSize(free).display().si(),
        sanitize::path(&job.dest),
        ByteSize(least).display().si()
    ))
    .hint("make room, or lower min_free")
}
