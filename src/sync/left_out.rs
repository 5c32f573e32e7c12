//! What a job's filters exclude from its source, determined by a listing without the filters.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::listing::Listing;
use crate::model::event::Tally;
use crate::model::job::Job;
use crate::model::result::Reason;
use crate::rsync::args;
use crate::rsync::output::{Change, ChangeKind};
use bytesize::ByteSize;

/// How many patterns a message shows.
const TOLD: usize = 5;

impl AttemptRunner<'_> {
    /// What the source holds without the job's filters; `None` if unknown. All entries that are no directories count as files.
    async fn held(&mut self, unfiltered: &Job) -> Result<Option<Tally>, AttemptEnd> {
        let job = Job { delete: false, checksum: false, ..unfiltered.clone() };
        let stats = self.look((&job, self.source), &[], &mut |_| false).await?;
        Ok(stats.and_then(|stats| {
            let files = stats.files?;
            Some(Tally { files: files.files(), dirs: files.dirs, bytes: stats.total_size })
        }))
    }

    /// What filters and size limits let through; `None` if unknown.
    async fn passing(&mut self) -> Result<Option<Tally>, AttemptEnd> {
        // This directory never exists, so its listing names everything that would be transferred.
        let nowhere = self.plan.state_dir.join("listings").join(".none").join(&self.plan.run);
        let job = args::passing(self.job, nowhere);
        let mut tally = Tally { bytes: Some(0), ..Tally::default() };
        let mut note = |change: &Change<'_>| {
            if change.kind == ChangeKind::Created && change.name != b"." {
                tally.count(change.dir, if change.dir { 0 } else { change.size });
            }
            false
        };
        let stats = self.look((&job, self.source), &[], &mut note).await?;
        Ok(stats.map(|_| tally))
    }

    /// How much of the source the filters exclude, for `--plan`; `None` if unknown. Zero without filters.
    pub(super) async fn left_out(&mut self, listing: &Listing) -> Result<Option<Tally>, AttemptEnd> {
        let Some(unfiltered) = args::unfiltered(self.job) else {
            return Ok(Some(Tally { bytes: Some(0), ..Tally::default() }));
        };
        if self.scope.is_some() {
            // Only the files of the entries are listed, as far as the filters let them through.
            return Ok(None);
        }
        let (held, stats) = (self.held(&unfiltered).await?, listing.stats);
        let listed = stats.files.map(|files| Tally {
            files: files.files(),
            dirs: files.dirs,
            bytes: stats.total_size,
        });
        let kept = match args::size_limits(&self.job.rsync_args).is_empty() {
            true => listed,
            // The listing for a directory that does not exist does not count the root.
            false => {
                let passing = self.passing().await?;
                listed.zip(passing).map(|(listed, passing)| Tally { dirs: listed.dirs, ..passing })
            }
        };
        Ok(held.zip(kept).map(|(held, kept)| Tally {
            files: held.files.saturating_sub(kept.files),
            dirs: held.dirs.saturating_sub(kept.dirs),
            bytes: held.bytes.zip(kept.bytes).map(|(held, kept)| held.saturating_sub(kept)),
        }))
    }

    /// Explains a run that had nothing to bring because size limits exclude every file. Nothing is deleted for that reason, since rsync's
    /// list contains these files.
    pub(super) async fn explain_sizes(&mut self, ending: AttemptEnd) -> AttemptEnd {
        let AttemptEnd::Done(warned) = ending else { return ending };
        let figures = self.figures;
        let nothing = figures.files_transferred == Some(0) && figures.total_files.is_some_and(|n| n > 0);
        let limits = args::size_limits(&self.job.rsync_args);
        let Some(unfiltered) = args::unfiltered(self.job) else { return AttemptEnd::Done(warned) };
        if self.plan.named_files || self.scope.is_some() || !nothing || limits.is_empty() {
            return AttemptEnd::Done(warned);
        }
        let held = match self.passing().await {
            Ok(Some(Tally { files: 0, .. })) => self.held(&unfiltered).await,
            other => other.map(|_| None),
        };
        match held {
            Ok(Some(held)) if held.files > 0 => {
                AttemptEnd::Done(Some(all_by_size(self.job, held, &limits, warned)))
            }
            Err(_) if self.job_events.stop.is_stopping() => AttemptEnd::Stopped,
            Ok(_) | Err(_) => AttemptEnd::Done(warned),
        }
    }

    /// Explains a source that holds no file with the job's filters: adds what it holds without them.
    pub(super) async fn explain_empty(&mut self, ending: AttemptEnd) -> AttemptEnd {
        let AttemptEnd::Empty(reason) = ending else { return ending };
        let Some(unfiltered) = args::unfiltered(self.job) else { return AttemptEnd::Empty(reason) };
        match self.held(&unfiltered).await {
            Err(_) if self.job_events.stop.is_stopping() => AttemptEnd::Stopped,
            Ok(Some(Tally { files: 0, .. })) => AttemptEnd::Empty(reason),
            Ok(Some(held)) => AttemptEnd::Empty(all_left_out(self.job, held, reason)),
            Ok(None) | Err(_) => AttemptEnd::Empty(
                reason.and("the job has filters, and the source could not be listed without them"),
            ),
        }
    }
}

/// Text such as `all 3 files of the source (15 B)`.
fn all_of(held: Tally) -> String {
    let files = if held.files == 1 { "the 1 file".into() } else { format!("all {} files", held.files) };
    let bytes = held.bytes.map_or(String::new(), |bytes| format!(" ({})", ByteSize(bytes).display().si()));
    format!("{files} of the source{bytes}")
}

/// The reason if the source holds files and size limits exclude all that other filters let through.
fn all_by_size(job: &Job, held: Tally, limits: &[String], warned: Option<Reason>) -> Reason {
    let typed = args::size_limits(&job.typed_args);
    let (typed, own): (Vec<&str>, Vec<&str>) =
        limits.iter().map(String::as_str).partition(|limit| typed.iter().any(|typed| typed == limit));
    let told = [(own, "in `rsync_args`"), (typed, "on the command line")];
    let told: Vec<String> = told
        .iter()
        .filter(|(limits, _)| !limits.is_empty())
        .map(|(limits, whence)| format!("{} {whence}", limits.join(" and ")))
        .collect();
    let (limits, s) = (told.join(" and "), if limits.len() == 1 { "s" } else { "" });
    let hint = match job.include.is_empty() && job.exclude.is_empty() {
        true => format!("{limits} leave{s} files out by their size"),
        false => format!("{limits} leave{s} out what `include` and `exclude` let through"),
    };
    let reason = Reason::new(format!("the filters leave out {}", all_of(held))).hint(hint);
    match warned {
        Some(warned) => reason.and(&warned.text),
        None => reason,
    }
}

/// The reason if the source holds files and the filters exclude all of them.
fn all_left_out(job: &Job, held: Tally, empty: Reason) -> Reason {
    let kept = if job.delete { ", so nothing was deleted" } else { "" };
    let list = empty.hint.as_deref().and_then(|hint| hint.split_once("; ")).map(|(_, list)| list.to_owned());
    let filters = (&*job.include, &*job.exclude, &*job.rsync_args);
    let hint = match (args::shuts_out(filters), args::files_from(&job.rsync_args), args::lets_in(filters)) {
        (Some(rule), _, _) => format!(
            "the rule that excludes {:?} leaves out every directory, too, so that rsync looks into none: {}",
            rule.pattern,
            rule.remedy()
        ),
        (None, Some(list), _) => format!("does --files-from {list} name files, relative to the source?"),
        (None, None, Some(found)) if found.patterns.is_empty() => format!(
            "directories are let in, but no file: the rule that excludes {:?} leaves out every file; {}",
            found.rest,
            args::ADD_FILES
        ),
        (None, None, Some(found)) if found.certain => {
            let mut patterns: Vec<String> =
                found.patterns.iter().take(TOLD).map(|pattern| format!("{pattern:?}")).collect();
            patterns.extend((found.patterns.len() > TOLD).then(|| "…".to_owned()));
            format!(
                "no file of the source matches {}, and the rule that excludes {:?} leaves out the rest: compare the patterns with the \
                 names at the source",
                patterns.join(", "),
                found.rest
            )
        }
        (None, None, _) => "the first pattern that matches a name decides, and `include` comes before `exclude`: compare the patterns with \
                         the names at the source"
            .into(),
    };
    let hint = list.map_or(hint.clone(), |list| format!("{hint}; {list}"));
    Reason::new(format!("the filters leave out {}{kept}", all_of(held))).hint(hint)
}
