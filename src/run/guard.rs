//! What has to hold before anything is deleted or written. Pure judgements on what was counted.

use super::deletions::Counted;
use crate::job::{Job, MaxDelete, MaxEntries};
use crate::result::Reason;
use crate::rsync::output::Stats;
use bytesize::ByteSize;
use std::path::Path;

/// What the guard says about the deletions of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Say {
    /// They may go.
    Go,
    /// Nothing may be deleted; the rest may be transferred.
    TransferOnly(Reason),
    /// The source holds no file: nothing at all may be done.
    Empty(Reason),
}

/// Judges a completed dry run; `again` is what a command line about the job begins with.
pub(super) fn deletions(job: &Job, again: &str, stats: &Stats, counted: &Counted) -> Say {
    let Some(source_files) = stats.files else {
        return Say::TransferOnly(
            Reason::new("rsync did not say how many files the source holds, so nothing is deleted")
                .hint("is an option in rsync_args keeping rsync silent?"),
        );
    };
    if source_files.files() == 0 && !job.allow_empty_source {
        return Say::Empty(empty_source(job, &counted.path));
    }
    let going = counted.deleted.files;
    let present = present(stats, counted).unwrap_or(going);
    let limit = limit(job, stats, present);
    if going <= limit {
        return Say::Go;
    }
    let list = match counted.path.as_os_str().is_empty() {
        true => "the lines with *deleting above name them".into(),
        false => format!("the list is in {}", counted.path.display()),
    };
    let empty = source_files.files() == 0;
    let limit = match job.max_delete {
        MaxDelete::Files(limit) => limit.to_string(),
        MaxDelete::Default if empty => format!("{limit}, from {}", MaxEntries::Default),
        share => format!("{limit}, from {share}"),
    };
    let accepted = if empty { " --allow-empty-source" } else { "" };
    Say::TransferOnly(
        Reason::new(format!(
            "{going} of {present} files would be deleted, more than max_delete allows ({limit}); none was"
        ))
        .hint(format!("{list}; if they may go: {again} sync {}{accepted} --max-delete {going}", job.name)),
    )
}

/// How many of the `present` files of the destination may go.
pub(super) fn limit(job: &Job, stats: &Stats, present: u64) -> u64 {
    match stats.files {
        Some(files) if files.files() == 0 && job.allow_empty_source => {
            job.max_delete.of_accepted_empty(present)
        }
        _ => job.max_delete.of(present),
    }
}

/// How many files the destination holds: what the source has, less what is new, plus what goes.
pub(super) fn present(stats: &Stats, counted: &Counted) -> Option<u64> {
    Some((stats.files?.files() + counted.deleted.files).saturating_sub(counted.created.files))
}

/// A source without a file: not mounted, emptied, or the wrong path.
pub(super) fn empty_source(job: &Job, list: &Path) -> Reason {
    let hint = "is it mounted, and is its path right? --allow-empty-source accepts it";
    if !job.delete {
        return Reason::new("the source holds no file").hint(hint);
    }
    let reason = Reason::new("the source holds no file, so nothing was deleted");
    if list.as_os_str().is_empty() {
        return reason.hint(hint);
    }
    reason.hint(format!("{hint}; what would have been deleted is listed in {}", list.display()))
}

/// The reason if fewer than `min_free` bytes are left.
pub(super) fn space(job: &Job, free: u64) -> Option<Reason> {
    let least = job.min_free.filter(|least| free < *least)?;
    Some(disk_low(job, free, least))
}

/// The reason for a disk that has only `free` bytes left.
pub(super) fn disk_low(job: &Job, free: u64, least: u64) -> Reason {
    Reason::new(format!(
        "only {} are free at {}, less than min_free ({})",
        ByteSize(free).display().si(),
        job.dest.display(),
        ByteSize(least).display().si()
    ))
    .hint("make room, or lower min_free")
}
