//! What becomes of what a run of a job removes or replaces: gone, or kept for `clean undo`.

use crate::clean::{Begin, Did, End, Kind, Line, Record};
use crate::expiry;
use crate::job::Job;
use crate::sweep::{self, Fate, Journal, Order, Parent, Purge, Quarantine};
use rustix::fs::{AtFlags, statat};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Lines that are journalled together, in bytes.
const PAGE: usize = 16 * 1024;

/// The quarantine of one job in one run, and its journal if it is kept.
#[derive(Debug)]
pub(super) struct Keep {
    quarantine: Quarantine,
    fate: Fate,
    journal: Option<Journal>,
    page: Mutex<Vec<u8>>,
    root: File,
    run: String,
}

impl Keep {
    /// Nothing is made in the destination yet; a job that keeps gets its journal.
    pub(super) fn new(root: File, job: &Job, state: &Path, run: &str) -> io::Result<Self> {
        let keep = job.keep_deleted;
        let quarantine = Quarantine::new(root.try_clone()?, run, "sync", keep.unwrap_or(Duration::ZERO))?;
        let mut journal = None;
        if keep.is_some() {
            let path = fs::canonicalize(&job.dest)?;
            let meta = root.metadata()?;
            let new = Journal::open(state, &format!("{run}.{}", job.name))?;
            new.line(&Line::Begin(Begin {
                v: 1,
                run: run.into(),
                command: "sync".into(),
                job: Some(job.name.clone()),
                root: sweep::print_of(&path, meta.dev(), meta.ino()),
                mode: Fate::Quarantine.word().into(),
                plan: None,
                time: jiff::Timestamp::now().to_string(),
            }))?;
            // rsync moves what it replaces into it.
            quarantine.prepare()?;
            journal = Some(new);
        }
        let fate = if keep.is_some() { Fate::Quarantine } else { Fate::Delete };
        Ok(Keep { quarantine, fate, journal, page: Mutex::default(), root, run: run.into() })
    }

    pub(super) fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    pub(super) fn fate(&self) -> &Fate {
        &self.fate
    }

    /// Written down before it goes: how to make a directory again.
    pub(super) fn before_dir(&self, parent: &Parent, name: &[u8], path: &[u8]) -> io::Result<()> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let stat = statat(parent.fd(), OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW);
        let Ok(stat) = stat else { return Ok(()) };
        let mut lines = Vec::new();
        Line::Was(path.into(), sweep::recipe_of(&stat)).write(&mut lines);
        let (did, bytes) = (Did::Meant, 0);
        Line::Did(Record { path: path.into(), kind: Kind::Dir, did, bytes, why: None }).write(&mut lines);
        journal.append(&lines)
    }

    /// Writes down what was done.
    pub(super) fn note(&self, path: &[u8], kind: Kind, did: Did, bytes: u64) -> io::Result<()> {
        if self.journal.is_none() {
            return Ok(());
        }
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        Line::Did(Record { path: path.into(), kind, did, bytes, why: None }).write(&mut page);
        let full = page.len() > PAGE;
        drop(page);
        if full { self.flush() } else { Ok(()) }
    }

    /// Hands the journal everything.
    pub(super) fn flush(&self) -> io::Result<()> {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        match &self.journal {
            Some(journal) if !page.is_empty() => journal.append(&std::mem::take(&mut *page)),
            _ => Ok(()),
        }
    }

    /// The attempt is over: what is empty goes.
    pub(super) fn close(&self) {
        // What is left over here is found by `clean purge`, and does no harm.
        let _ = self.flush();
        self.quarantine.tidy();
        let Some(journal) = &self.journal else { return };
        if sweep::info(&self.root, &self.run).is_none() {
            // Nothing was removed or replaced.
            let _ = fs::remove_file(journal.path());
        } else {
            let _ = journal.line(&Line::End(End { time: jiff::Timestamp::now().to_string(), whole: true }));
            let _ = journal.sync();
        }
    }
}

/// Marks and removes the quarantines of earlier runs in a destination whose time is over. The answer is what people should know
/// of that.
pub(super) fn purge(dest: &Path, state: &Path) -> Vec<String> {
    let begun = |run: &str| sweep::note_purge(state, &fs::canonicalize(dest)?, run);
    let (now, order, dry) = (expiry::now(), Order::Marked, false);
    let purged = File::open(dest).and_then(|root| {
        sweep::purge(&Purge { root: &root, order, now: &now, dry, begun: &begun, stop: &|| false })
    });
    match purged {
        Ok(purged) => purged.warnings.iter().map(|why| format!("{}: {why}", dest.display())).collect(),
        Err(error) => vec![format!("cannot purge the quarantine of {}: {error}", dest.display())],
    }
}
