//! What a job's filters leave out of its source: found by a listing without them.

use super::attempt::{Ending, Try};
use super::listing::Listing;
use crate::event::Tally;
use crate::job::Job;
use crate::result::Reason;
use crate::rsync::args;
use bytesize::ByteSize;

impl Try<'_> {
    /// What the source holds without the job's filters; `None` if that cannot be told. Files are files, links and other entries that are no
    /// directories.
    async fn held(&mut self, unfiltered: &Job) -> Result<Option<Tally>, Ending> {
        let job = Job { delete: false, checksum: false, ..unfiltered.clone() };
        let stats = self.look((&job, self.source), &[], &mut |_| false).await?;
        Ok(stats.and_then(|stats| {
            let files = stats.files?;
            Some(Tally { files: files.files(), dirs: files.dirs, bytes: stats.total_size })
        }))
    }

    /// How much of the source the filters leave out, for `--plan`; `None` if that cannot be told. Nothing where there are no filters.
    pub(super) async fn left_out(&mut self, listing: &Listing) -> Result<Option<Tally>, Ending> {
        let Some(unfiltered) = args::unfiltered(self.job) else {
            return Ok(Some(Tally { bytes: Some(0), ..Tally::default() }));
        };
        let (held, kept) = (self.held(&unfiltered).await?, listing.stats);
        Ok(held.zip(kept.files).map(|(held, files)| Tally {
            files: held.files.saturating_sub(files.files()),
            dirs: held.dirs.saturating_sub(files.dirs),
            bytes: held.bytes.zip(kept.total_size).map(|(held, kept)| held.saturating_sub(kept)),
        }))
    }

    /// A source that holds no file as far as the filters let us see: what it holds without them.
    pub(super) async fn explain_empty(&mut self, ending: Ending) -> Ending {
        let Ending::Empty(reason) = ending else { return ending };
        let Some(unfiltered) = args::unfiltered(self.job) else { return Ending::Empty(reason) };
        match self.held(&unfiltered).await {
            Err(_) if self.voice.stop.is_stopping() => Ending::Stopped,
            Ok(Some(Tally { files: 0, .. })) => Ending::Empty(reason),
            Ok(Some(held)) => Ending::Empty(all_left_out(self.job, held, reason)),
            Ok(None) | Err(_) => Ending::Empty(
                reason.and("it has filters, and what the source holds without them could not be listed"),
            ),
        }
    }
}

/// The reason where the source holds files, and the filters leave out all of them.
fn all_left_out(job: &Job, held: Tally, empty: Reason) -> Reason {
    let files = if held.files == 1 { "the 1 file".into() } else { format!("all {} files", held.files) };
    let bytes = held.bytes.map_or(String::new(), |bytes| format!(" ({})", ByteSize(bytes).display().si()));
    let kept = if job.delete { ", so nothing was deleted" } else { "" };
    let list = empty.hint.as_deref().and_then(|hint| hint.split_once("; ")).map(|(_, list)| list.to_owned());
    let rule = args::shuts_out((&job.include, &job.exclude, &job.rsync_args));
    let hint = match (rule, args::files_from(&job.rsync_args)) {
        (Some(rule), _) => format!(
            "the rule that excludes {:?} leaves out every directory, too, so that rsync looks into none: add \"*/\" to `include`",
            rule.pattern
        ),
        (None, Some(list)) => format!("does --files-from {list} name files, relative to the source?"),
        (None, None) => "the first pattern that matches a name decides, those of `include` before those of `exclude`: compare them with \
                         the names at the source"
            .into(),
    };
    let hint = list.map_or(hint.clone(), |list| format!("{hint}; {list}"));
    Reason::new(format!("the filters leave out {files} of the source{bytes}{kept}")).hint(hint)
}
