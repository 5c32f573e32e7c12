//! A job that is limited to entries: which of them the source has, what has to go, and what later runs remember.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::entries_seen::{NOT_SHAPED, Seen};
use super::listing::{self, Collector, Deletion, Listing};
use super::lost_names::LostDest;
use super::transport::Show;
use crate::mirrors::Shape;
use crate::model::event::{Level, Stream};
use crate::model::job::{Job, OnlyEntries, Source};
use crate::model::pdb::EntryId;
use crate::model::result::Reason;
use crate::rsync::args::{self, Purpose};
use crate::rsync::exit::{Class, Verdict};
use crate::rsync::fetch_files::FetchFiles;
use crate::rsync::output::{Change, unescape};
use std::collections::HashSet;
use std::path::Path;

/// How many entries a message names.
const TOLD: usize = 5;
/// How many entries a line of the log names.
const A_LINE: usize = 50;

impl AttemptRunner<'_> {
    /// The name of the state that this attempt reads and writes. That of the whole source is left alone.
    pub(super) fn state_name(&self) -> String {
        match &self.job.only {
            Some(only) if !only.typed => super::job_state::limited_name(&self.job.name),
            _ => self.job.name.clone(),
        }
    }

    /// The name of the stored names that this attempt goes by.
    pub(super) fn names_key(&self) -> String {
        match &self.job.only {
            Some(only) if !only.typed => listing::brought_key(&self.job.name, &self.job.dest),
            _ => self.job.name.clone(),
        }
    }

    /// The name for the file with the names of a listing.
    pub(super) fn listing_name(&self) -> String {
        match &self.job.only {
            Some(_) => super::job_state::limited_name(&self.job.name),
            None => self.job.name.clone(),
        }
    }

    /// Whether this attempt must leave no trace in the state of the job.
    pub(super) fn is_single_run(&self) -> bool {
        self.job.only.as_ref().is_some_and(|only| only.typed)
    }

    /// Lists once; a job that is limited to entries by names of its layout, and if the source has none of them, by the names that it has.
    pub(super) async fn list_once(
        &mut self,
        purpose: Purpose,
        folds: bool,
    ) -> Result<(Listing, Verdict), AttemptEnd> {
        let Some(only) = self.job.only.clone() else { return self.list_names(purpose, folds, None).await };
        if self.scope.is_none() {
            self.limit(None).await?;
        }
        let purpose = match purpose {
            Purpose::List { .. } => Purpose::List { all: true },
            Purpose::Plan { .. } => Purpose::Plan { all: true },
            Purpose::Transfer => Purpose::Transfer,
        };
        let own = args::own_directory(&self.job.rsync_args, self.source);
        let own = own.map(|own| format!("{own}/")).unwrap_or_default().into_bytes();
        loop {
            let mut seen = Seen::new(&only, own.clone());
            let (listing, verdict) = self.list_names(purpose, folds, Some(&mut seen)).await?;
            if !matches!(verdict, Verdict::Ok | Verdict::Vanished(_)) {
                self.missing = None;
                return Ok((listing, verdict));
            }
            let missing = seen.missing();
            if missing.len() < only.ids.ids().len() {
                self.missing = Some(missing);
                return Ok((listing, verdict));
            }
            let by_layout = self.scope.as_ref().is_some_and(|scope| scope.by_layout);
            let again = if by_layout { self.limit(Some(Shape::Unknown)).await } else { Ok(()) };
            match again {
                Ok(()) if by_layout => {}
                Ok(()) | Err(AttemptEnd::Failed(Class::NextSource, _)) => {
                    self.missing = Some(missing);
                    return Err(AttemptEnd::Failed(Class::NextSource, self.none_there(&only)));
                }
                Err(ending) => return Err(ending),
            }
        }
    }

    fn none_there(&self, only: &OnlyEntries) -> Reason {
        let text = match only.ids.ids() {
            [id] => format!("{} has no file of the entry {id}", self.source),
            ids => format!("{} has no file of any of the {} entries", self.source, ids.len()),
        };
        let filters = args::unfiltered(self.job).map_or("", |_| "; the filters of the job apply as well");
        Reason::new(text).hint(format!("{NOT_SHAPED}{filters}"))
    }

    /// Adds to a listing what this job has brought for an earlier list, and what is neither in the list nor at the source now. Only for a
    /// listing that is complete.
    pub(super) async fn add_left_over(
        &mut self,
        collector: &mut Collector,
        seen: &mut Seen,
        show: Show,
    ) -> Result<(), AttemptEnd> {
        if !self.job.delete || self.is_single_run() || !seen.found.contains(&true) {
            return Ok(());
        }
        let (state_dir, key, dest) = (self.plan.state_dir.clone(), self.names_key(), self.job.dest.clone());
        let names = std::mem::take(&mut seen.names);
        let look = move || listing::left_over(&state_dir, &key, &dest, &names);
        let left = off_thread(&self.job_events.stop, look).await.ok_or(AttemptEnd::Stopped)?;
        let left = left.map_err(|error| {
            let text = format!("cannot read which files earlier runs of the job have brought: {error}");
            AttemptEnd::Failed(Class::Fatal, Reason::new(text).hint("is the state directory readable?"))
        })?;
        let left = self.not_excluded(left).await?;
        let mut lines = Vec::new();
        for Deletion { name, dir } in &left {
            collector.lacks(name, *dir);
            match show {
                Show::Lines => lines.extend_from_slice(b"*deleting   "),
                Show::Changes { later: true } => lines.extend_from_slice(b"delete in the next run "),
                Show::Changes { later: false } => lines.extend_from_slice(b"delete "),
                Show::Nothing => continue,
            }
            super::phases::escape_into(name, &mut lines);
            lines.extend_from_slice(if *dir { b"/\n" } else { b"\n" });
        }
        if !lines.is_empty() {
            self.job_events.send(self.job_events.output(Stream::Stdout, lines)).await;
        }
        Ok(())
    }

    /// Leaves out what the filters of the job exclude: it is not deleted. rsync itself applies the filters, to the destination.
    async fn not_excluded(&mut self, left: Vec<Deletion>) -> Result<Vec<Deletion>, AttemptEnd> {
        if left.is_empty() || args::unfiltered(self.job).is_none() {
            return Ok(left);
        }
        let nowhere = self.plan.state_dir.join("listings").join(".none").join(&self.plan.run);
        let here = self.job.dest.to_string_lossy();
        let here = Source::parse(&format!("{}/", here.trim_end_matches('/')), Path::new("/"));
        let mut passing: HashSet<u64> = HashSet::new();
        let mut note = |change: &Change<'_>| {
            passing.insert(listing::hash_of(&unescape(change.name)));
            false
        };
        let job = args::passing(self.job, nowhere);
        let known = match &here {
            Ok(here) => self.look((&job, here), &[], &mut note).await?.is_some(),
            Err(_) => false,
        };
        if !known {
            let text = "what the filters exclude at the destination cannot be listed, so nothing is deleted";
            self.job_events.notice(Level::Warning, text).await;
            return Ok(Vec::new());
        }
        Ok(left.into_iter().filter(|gone| passing.contains(&listing::hash_of(&gone.name))).collect())
    }

    /// Asks the source for names. An error ends the attempt.
    pub(super) async fn ask(
        &mut self,
        of: (&Job, &Source),
        note: &mut super::transport::OnChange<'_>,
    ) -> Result<(), AttemptEnd> {
        use crate::model::event::Phase;
        let ran =
            self.run_phase(of, Phase::List, Purpose::Plan { all: false }, Show::Nothing, &[], note).await;
        match self.verdict(ran)? {
            Verdict::Ok | Verdict::Vanished(_) => Ok(()),
            Verdict::Partial(reason) => Err(AttemptEnd::Partial(reason)),
            Verdict::Failed(class, reason) => Err(AttemptEnd::Failed(class, reason)),
        }
    }

    /// Before a transfer: stores the names that it is about to bring.
    pub(super) async fn add_new_names(&self, mut listing: Listing) -> Result<Listing, AttemptEnd> {
        if self.is_single_run() || self.job.only.is_none() {
            return Ok(listing);
        }
        let (state_dir, key) = (self.plan.state_dir.clone(), self.names_key());
        let add = move || {
            let added = listing.add_new(&state_dir, &key);
            (listing, added)
        };
        let (listing, added) = off_thread(&self.job_events.stop, add).await.ok_or(AttemptEnd::Stopped)?;
        if let Err(error) = added {
            let text = format!(
                "the names of new files cannot be stored: {error}; later runs do not delete these files"
            );
            self.job_events.notice(Level::Warning, text).await;
        }
        Ok(listing)
    }

    /// After a complete run.
    pub(super) async fn settle_names(&self, listing: Listing) {
        if self.is_single_run() {
            return;
        }
        let (state_dir, key) = (self.plan.state_dir.clone(), self.names_key());
        let (dest, job) = (self.job.dest.clone(), self.job.name.clone());
        let settle = move || listing.settle_brought(&dest, &state_dir, &key, &job);
        if let Some(Err(error)) = off_thread(&self.job_events.stop, settle).await {
            let text = format!("the names of the files that the job has brought cannot be stored: {error}");
            self.job_events.notice(Level::Debug, text).await;
        }
    }

    /// Adds the entries without a file to the end of an attempt that has done all else. The log names all of them.
    pub(super) async fn with_missing(&mut self, ending: AttemptEnd) -> AttemptEnd {
        let Some(only) = &self.job.only else { return ending };
        if only.not_deleting && !matches!(ending, AttemptEnd::Failed(..) | AttemptEnd::Stopped) {
            let text = "nothing is deleted in a run with --ids, although the job has `delete`";
            self.job_events.notice(Level::Info, text).await;
        }
        if let (AttemptEnd::Done(Some(reason)), true) = (&ending, self.vanished) {
            // Which entries have no file by now is unknown.
            self.missing = None;
            return AttemptEnd::Partial(reason.clone());
        }
        let Some(missing) = self.missing.as_ref().filter(|missing| !missing.is_empty()) else {
            return ending;
        };
        for ids in missing.chunks(A_LINE) {
            let text = format!("no file at the source: {}", joined(ids));
            self.job_events.notice(Level::Debug, text).await;
        }
        let (told, more) = (missing.len().min(TOLD), missing.len().saturating_sub(TOLD));
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = format!(
            "{} of {} entries {} no file at the source: {}{more}",
            missing.len(),
            only.ids.ids().len(),
            if missing.len() == 1 { "has" } else { "have" },
            joined(&missing[..told]),
        );
        let filters = args::unfiltered(self.job).map_or("", |_| ", or the filters of the job exclude it");
        let all = if more.is_empty() { "" } else { "; the log names all of them" };
        let hint =
            format!("an entry may be obsolete or not released, or have no file of this kind{filters}{all}");
        LostDest::New(Reason::new(text).hint(hint)).over(ending)
    }
}

fn joined(ids: &[EntryId]) -> String {
    ids.iter().map(EntryId::to_string).collect::<Vec<_>>().join(", ")
}

/// A name as it is in the list of a run, for the first entry of the job; `None` if the layout of the source does not give it.
pub(crate) fn name_in_list(job: &Job, source: &Source) -> Option<String> {
    let id = job.only.as_ref()?.ids.ids().first()?;
    let Shape::Named(paths) = crate::mirrors::Catalogue::built_in().shape(source) else { return None };
    let own = args::own_directory(&job.rsync_args, source).map(|own| format!("{own}/")).unwrap_or_default();
    let mut line = Vec::new();
    let name = format!("{own}{}", paths.first()?.of(id).next()?);
    FetchFiles::from(source)?.name_with_root(name.as_bytes(), &mut line);
    Some(String::from_utf8_lossy(&line).trim_end_matches('\0').to_owned())
}

/// The job of a command that `--print-command` shows for a job that is limited to entries, with this word in place of the file with the
/// names; `None` for any other job.
pub(crate) fn limited(job: &Job, source: &Source, purpose: Purpose, list: &str) -> Option<Job> {
    job.only.as_ref()?;
    let root = FetchFiles::from(source)?.source;
    let shape = crate::mirrors::Catalogue::built_in().shape(source);
    let deep = matches!(&shape, Shape::Named(paths) if paths.iter().any(|path| path.is_dir()));
    let derived = match purpose {
        Purpose::Transfer => args::only_listed(job, root, list),
        Purpose::List { .. } | Purpose::Plan { .. } => args::only_named(job, root, list, deep),
    };
    Some(derived)
}
