//! Whether the source or the destination of an attempt holds anything.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::guard;
use super::listing::Listing;
use crate::clean::path::OURS;
use crate::model::result::Reason;
use crate::rsync::args;
use std::os::unix::ffi::OsStrExt;

impl AttemptRunner<'_> {
    /// Whether everything may be transferred without a listing. An empty destination has nothing to lose. Filters from files may let the
    /// source's `.pdb-sync` through; only a listing shows this. A job that is limited to entries finds them by a listing.
    pub(super) async fn needs_no_listing(&self) -> Result<bool, AttemptEnd> {
        let listed = self.job.only.is_some() || args::filters_from_files(&self.job.rsync_args);
        Ok(!listed && self.dest_is_empty().await?)
    }

    /// Whether the source holds no file. This is reported even if nothing could be lost.
    pub(super) fn source_is_empty(&self) -> bool {
        self.figures.total_files == Some(0) && !self.job.allow_empty_source
    }

    /// The reason for a source without a file. The plan is kept.
    pub(super) fn emptied(&self, listing: &Listing) -> Reason {
        guard::empty_source(self.job, &self.plan.again, listing.gone.hash().is_some())
    }

    /// Whether the destination holds nothing that could be deleted. False in case of doubt.
    pub(super) async fn dest_is_empty(&self) -> Result<bool, AttemptEnd> {
        let dest = self.job.dest.clone();
        let empty = move || match std::fs::read_dir(dest) {
            // Our own directory is never deleted.
            Ok(mut entries) => entries.all(|entry| {
                let ours = |entry: std::fs::DirEntry| {
                    entry.file_name().as_bytes() == OURS && entry.file_type().is_ok_and(|kind| kind.is_dir())
                };
                entry.is_ok_and(ours)
            }),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        off_thread(&self.job_events.stop, empty).await.ok_or(AttemptEnd::Stopped)
    }
}
