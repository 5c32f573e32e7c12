//! The marker of a job (`marker = "PATH"`): a small file that the source changes with each release. While it is the same as at the last
//! complete run, the source need not be listed.
//!
//! The marker is fetched before the listing, so that a change during the run is found by the next run. It is stored after a complete run
//! only, and only if it has not changed for a day: markers may arrive before their data. From the first step of a run that goes on until that
//! run is complete, none is stored. Commands that change the mirror otherwise remove it ([`void`]).

use super::Mode;
use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::dir_id::{DirId, Same};
use super::job_events::JobEvents;
use super::listing;
use super::marker_record::{self, Fetched, Record};
use super::transport::{Ended, Request, Show};
use crate::model::event::{Level, Phase};
use crate::model::job::{Job, Marker, Source};
use crate::model::result::Reason;
use crate::model::{sanitize, time};
use crate::rsync::args::{self, Purpose};
use crate::rsync::exit::{Class, Verdict};
use jiff::Timestamp;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// A marker that changed later than this proves nothing.
const SETTLED: Duration = Duration::from_secs(24 * 3600);
/// The hint if the source has no such file.
const NO_SUCH_FILE: &str =
    "does the source have this file, of at most 4 MiB? Correct `marker`, or remove it from the job";
/// rsync's exit code if a file is missing.
const MISSING: i32 = 23;
/// Maximum size of a marker, in bytes.
const LARGEST: u64 = 4 << 20;

impl AttemptRunner<'_> {
    /// Fetches the marker. Returns whether it shows that nothing is new; if not, no marker is stored until this run is complete.
    pub(super) async fn marker_is_same(&mut self) -> Result<bool, AttemptEnd> {
        let Some(marker) = self.job.marker.clone() else { return Ok(false) };
        // A run with another destination, or for some entries only, says nothing about the mirror.
        if self.plan.mode != Mode::Real || self.plan.scope.is_some() {
            return Ok(false);
        }
        let (state_dir, name) = (self.plan.state_dir.clone(), self.state_name());
        let load = move || marker_record::load(&state_dir, &name);
        let record = off_thread(&self.job_events.stop, load).await.ok_or(AttemptEnd::Stopped)?;
        let Some(fetched) = self.fetch_marker(&marker).await? else {
            self.forget_marker(record.is_some()).await?;
            return Ok(false);
        };
        let print = self.fingerprint(&marker).await?;
        let void = match &record {
            None => Some("none is stored since the last complete run"),
            Some(record) => {
                let shape = self.shape().await?;
                self.why_void(record, &fetched, &print, &shape)
            }
        };
        self.marker = Some((fetched, print));
        match (void, record) {
            (None, Some(record)) => {
                let text = format!(
                    "unchanged: the marker {marker} is the same as in the complete run of {}",
                    time::local(record.full)
                );
                self.job_events.notice(Level::Info, text).await;
                self.missing = self.job.only.as_ref().map(|_| Vec::new());
                Ok(true)
            }
            (void, record) => {
                let text = format!("the source is listed, whatever the marker {marker} shows: ");
                self.job_events.notice(Level::Debug, text + void.unwrap_or("it is new")).await;
                self.forget_marker(record.is_some()).await?;
                Ok(false)
            }
        }
    }

    /// Why a stored marker does not show that nothing is new; `None` if it does.
    fn why_void(&self, record: &Record, now: &Fetched, print: &str, shape: &str) -> Option<&'static str> {
        let age = Timestamp::now().duration_since(record.full);
        let full_every =
            jiff::SignedDuration::try_from(self.job.full_every).unwrap_or(jiff::SignedDuration::MAX);
        let dir = match self.access {
            Some(access) => access.root().metadata(),
            None => self.job.dest.metadata(),
        };
        let same_dir = dir.is_ok_and(|dir| record.dir.is(DirId::of(&dir)) == Same::Yes);
        if self.job.adopt_again || self.plan.expect.is_some() {
            Some("--adopt or --expect was given")
        } else if record.source != self.source.text {
            Some("the last complete run read another source")
        } else if record.print != print {
            Some("the job has other options, filters or sources by now")
        } else if !same_dir {
            Some("the destination is another directory")
        } else if age.is_negative() || age > full_every {
            Some("the last listing is longer ago than full_every")
        } else if record.marker != *now {
            Some("it has changed")
        } else if record.shape != *shape {
            Some("something else has changed the mirror")
        } else {
            None
        }
    }

    /// Stores the marker after a complete run.
    pub(super) async fn settle_marker(&mut self, ending: &AttemptEnd) {
        let Some((marker, print)) = self.marker.take() else { return };
        if !self.evidence.is_complete() || !matches!(ending, AttemptEnd::Done(_)) {
            return;
        }
        let settled = SystemTime::now().duration_since(marker.time()).is_ok_and(|age| age >= SETTLED);
        if !settled {
            let text = "the marker is not stored: its time is less than 24 hours ago, or in the future, and its data may not be at the source yet";
            self.job_events.notice(Level::Debug, text).await;
            return;
        }
        let Some(dir) = self.access.and_then(|access| access.root().metadata().ok()) else { return };
        let Ok(shape) = self.shape().await else { return };
        let record = Record::new(marker, print, shape, &self.source.text, &self.job.dest, DirId::of(&dir));
        let (state_dir, name) = (self.plan.state_dir.clone(), self.state_name());
        let save = move || marker_record::save(&state_dir, &name, &record);
        if let Some(Err(error)) = off_thread(&self.job_events.stop, save).await {
            let text = format!("the marker cannot be stored: {error}; the next run lists the source");
            self.job_events.notice(Level::Warning, text).await;
        }
    }

    /// A hash of the directories of the mirror. Whoever adds or removes an entry changes it.
    async fn shape(&self) -> Result<String, AttemptEnd> {
        let (state_dir, name, dest) = (self.plan.state_dir.clone(), self.names_key(), self.job.dest.clone());
        let look = move || listing::shape(&state_dir, &name, &dest);
        off_thread(&self.job_events.stop, look).await.ok_or(AttemptEnd::Stopped)
    }

    /// Removes the stored marker. The run must not go on with it: if it were killed, the next one would trust it.
    async fn forget_marker(&self, stored: bool) -> Result<(), AttemptEnd> {
        if !stored {
            return Ok(());
        }
        let (state_dir, name) = (self.plan.state_dir.clone(), self.state_name());
        let forget = move || marker_record::forget(&state_dir, &name);
        let forgotten = off_thread(&self.job_events.stop, forget).await.ok_or(AttemptEnd::Stopped)?;
        forgotten.map_err(|error| {
            let text = format!("cannot remove the stored marker of the job: {error}");
            let reason = Reason::new(text).hint("is the state directory writable?");
            AttemptEnd::Failed(Class::Fatal, reason)
        })
    }

    /// Fetches the marker into a temporary directory. `None` if it is not there or cannot be read: then the source is listed.
    async fn fetch_marker(&mut self, marker: &Marker) -> Result<Option<Fetched>, AttemptEnd> {
        let Some(source) = address(marker, self.source) else {
            let why = format!("it is outside of what {} has", self.source.text);
            let hint = "write a path relative to the source, within its module, or an rsync:// address";
            return self.no_marker(marker, Reason::new(why).hint(hint)).await;
        };
        let Ok(dir) = tempfile::Builder::new().prefix("pdb-sync-marker").tempdir() else {
            let why = Reason::new("a temporary directory cannot be created");
            return self.no_marker(marker, why.hint("is there room where TMPDIR points?")).await;
        };
        let job = args::only_file(self.job, source.clone(), dir.path().to_owned(), LARGEST);
        let transport = self.transport;
        let command = transport.command(&self.of_one_file(&job, &source));
        self.announce(&command).await;
        // It has no progress of its own.
        let events = JobEvents { progress: watch::channel(None).0, ..self.job_events.clone() };
        let started = Instant::now();
        events.phase(self.number, Phase::Marker, &command).await;
        let ran = transport.run(self.of_one_file(&job, &source), &events, &mut |_| true).await;
        self.phases.push((Phase::Marker, started.elapsed()));
        self.code = ran.code;
        let received = super::transport::came(&ran.stats, source.is_remote());
        match ran.verdict {
            Ended::Stopped => return Err(AttemptEnd::Stopped),
            Ended::Judged(Verdict::Ok) => {}
            // A listing would fail, too; another source may be used then, whose marker is still stored.
            Ended::Judged(Verdict::Failed(class, reason))
                if matches!(marker, Marker::Below(_)) && ran.code != Some(MISSING) =>
            {
                return Err(AttemptEnd::Failed(class, reason));
            }
            Ended::Judged(Verdict::Failed(_, reason)) if ran.code != Some(MISSING) => {
                return self.no_marker(marker, reason).await;
            }
            Ended::Judged(
                Verdict::Vanished(reason) | Verdict::Partial(reason) | Verdict::Failed(_, reason),
            ) => return self.no_marker(marker, Reason::new(reason.text).hint(NO_SUCH_FILE)).await,
            Ended::DiskLow(_) => {
                return self.no_marker(marker, Reason::new("the disk is nearly full")).await;
            }
        }
        self.figures.bytes_received = received;
        let name = source.text.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
        let read = move || Fetched::read(&dir.path().join(name));
        match off_thread(&self.job_events.stop, read).await.ok_or(AttemptEnd::Stopped)? {
            Ok(fetched) => Ok(Some(fetched)),
            Err(_) => {
                let why = format!("it is no file of at most {} MiB", LARGEST >> 20);
                self.no_marker(marker, Reason::new(why).hint(NO_SUCH_FILE)).await
            }
        }
    }

    /// The transfer of one file to somewhere else than the destination.
    fn of_one_file<'r>(&'r self, job: &'r Job, source: &'r Source) -> Request<'r> {
        let request = self.request((job, source), Purpose::Transfer, Show::Nothing, &[]);
        Request { keep: None, expected: None, min_free: None, at_root: None, folds: false, ..request }
    }

    async fn no_marker(&mut self, marker: &Marker, why: Reason) -> Result<Option<Fetched>, AttemptEnd> {
        let text = format!("the marker {marker} cannot be fetched, so the source is listed: {}", why.text);
        let text = sanitize::line(&text).into_owned();
        self.job_events.notice(Level::Warning, text.clone()).await;
        self.no_marker = Some(Reason { text, ..why });
        Ok(None)
    }

    /// Adds to the end of a successful attempt that its marker could not be fetched.
    pub(super) fn with_marker(&mut self, ending: AttemptEnd) -> AttemptEnd {
        match (ending, self.no_marker.take()) {
            (AttemptEnd::Done(None), Some(reason)) => AttemptEnd::Done(Some(reason)),
            (ending, _) => ending,
        }
    }

    /// A hash of what decides which files the mirror holds: options, filters, sources, destination, entries.
    async fn fingerprint(&self, marker: &Marker) -> Result<String, AttemptEnd> {
        // As the job asks for it: what a transport adds may differ from run to run.
        let listing = Purpose::List { all: false };
        let mut texts = args::argv(&self.plan.rsync, self.job, self.source, listing);
        texts.extend(self.job.sources.iter().map(|source| source.text.clone()));
        texts.push(marker.to_string());
        texts.push(format!("{}", self.job.verify));
        if let Some(only) = &self.job.only {
            texts.extend(only.ids.ids().iter().map(|id| String::from_utf8_lossy(id.key()).into_owned()));
        }
        let job = self.job.clone();
        let hash = move || {
            let mut hash = blake3::Hasher::new();
            for text in &texts {
                hash.update(&(text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
            }
            for (_, path) in args::named_files(&job.rsync_args) {
                // A file that cannot be read fails the job elsewhere.
                hash.update(&fs::read(Path::new(path)).unwrap_or_default());
            }
            hash.finalize().to_hex().to_string()
        };
        off_thread(&self.job_events.stop, hash).await.ok_or(AttemptEnd::Stopped)
    }
}

/// The address of the marker; `None` if the source's notation cannot be extended by a path, or the path leads out of a module.
fn address(marker: &Marker, source: &Source) -> Option<Source> {
    let path = match marker {
        Marker::At(source) => return Some(source.clone()),
        Marker::Below(path) => path.as_str(),
    };
    let mut text = source.text.strip_suffix('/').unwrap_or(&source.text);
    let mut path = path;
    while let Some(rest) = path.strip_prefix("../") {
        // What remains must still have a module, a host or a root.
        let (above, _) = text.rsplit_once('/')?;
        Source::parse(&format!("{above}/"), Path::new("/"))
            .ok()
            .filter(|above| above.host() == source.host())?;
        (text, path) = (above, rest);
    }
    let text = if text.ends_with(':') { format!("{text}{path}") } else { format!("{text}/{path}") };
    Source::parse(&text, Path::new("/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_lead_up_but_not_out_of_the_module() {
        for (source, marker, expected) in [
            ("rsync://h/m/a/b/c/", "../../x", Some("rsync://h/m/a/x")),
            ("rsync://h/m/a/b/", "../../x", Some("rsync://h/m/x")),
            ("rsync://h/m/a/b/", "../../../x", None),
            ("h::m/a/", "../x", Some("h::m/x")),
            ("me@h:/srv/pdb/", "../x", Some("me@h:/srv/x")),
            ("/srv/pdb/", "../x", Some("/srv/x")),
        ] {
            let source = Source::parse(source, Path::new("/")).unwrap();
            let found = address(&marker.parse().unwrap(), &source);
            assert_eq!(found.as_ref().map(|found| found.text.as_str()), expected, "{source} {marker}");
        }
    }

    #[test]
    fn a_path_is_below_the_source_in_each_notation() {
        for (source, expected) in [
            ("rsync://h:33444/m/a/", "rsync://h:33444/m/a/x/y"),
            ("rsync://h/m", "rsync://h/m/x/y"),
            ("h::m/", "h::m/x/y"),
            ("me@h:/srv/", "me@h:/srv/x/y"),
            ("me@h:", "me@h:x/y"),
            ("/srv/pdb/", "/srv/pdb/x/y"),
        ] {
            let source = Source::parse(source, Path::new("/")).unwrap();
            let marker = "x/y".parse::<Marker>().unwrap();
            assert_eq!(address(&marker, &source).unwrap().text, expected);
            let other = "rsync://other/m/file".parse::<Marker>().unwrap();
            assert_eq!(address(&other, &source).unwrap().text, "rsync://other/m/file");
        }
    }
}
