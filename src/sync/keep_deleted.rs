//! What happens to entries that a run of a job removes or replaces: deleted, or kept for `clean undo`.

use crate::clean::removal::{
    self, Applied, Journal, Quarantine, Refusal, RemovalMode, Unescaped, WriteAccess,
};
use crate::clean::{Begin, End, EntryOutcome, Line, LongNames, Record};
use crate::model::job::Job;
use crate::model::result::Reason;
use crate::model::sanitize;
use rustix::io::Errno;
use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Bytes of lines that are written to the journal together.
const PAGE: usize = 16 * 1024;

/// Which of the two places failed when a run wanted to keep entries.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeepDeletedError {
    /// The journal, in the state directory. What rsync replaces could still be kept: the quarantine tells by itself what it has.
    #[error("cannot write the journal of {} in {}: {source}", .run, sanitize::path(.dir))]
    Journal {
        /// `STATE/journal`.
        dir: PathBuf,
        /// The run.
        run: String,
        /// Why.
        source: io::Error,
    },
    /// The quarantine, in the destination.
    #[error("cannot prepare the quarantine in {}: {source}", sanitize::path(.dest))]
    Quarantine {
        /// The destination.
        dest: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The same, where it is the permissions of a directory.
    #[error("cannot prepare the quarantine in {}: {refusal}", sanitize::path(.dest))]
    Refused {
        /// The destination.
        dest: PathBuf,
        /// Which directory, and whose it is.
        refusal: Box<Refusal>,
    },
}

impl KeepDeletedError {
    /// The error of the quarantine in the destination, which is open as `root`.
    fn quarantine(root: &File, dest: &Path, place: &[u8], error: Errno) -> Self {
        let denied = matches!(error, Errno::ACCESS | Errno::PERM);
        match denied.then(|| removal::refusal(root, dest, place)).flatten() {
            Some(refusal) => KeepDeletedError::Refused { dest: dest.into(), refusal: Box::new(refusal) },
            None => KeepDeletedError::Quarantine { dest: dest.into(), source: error.into() },
        }
    }
}

impl From<KeepDeletedError> for Reason {
    fn from(error: KeepDeletedError) -> Self {
        let hint = match error {
            KeepDeletedError::Journal { .. } => "is the state directory writable, and its disk not full?",
            KeepDeletedError::Quarantine { ref source, .. } => match Errno::from_io_error(source) {
                Some(Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => removal::OURS_IN_THE_WAY,
                _ => "is the destination writable, and its disk not full?",
            },
            KeepDeletedError::Refused { ref refusal, .. } => &refusal.hint,
        };
        Reason::new(error.to_string()).hint(hint)
    }
}

/// The quarantine of one job in one run, and its journal if there is one.
#[derive(Debug)]
pub(super) struct KeepDeleted {
    quarantine: Quarantine,
    removal_mode: RemovalMode,
    /// `None` if it cannot be written; then nothing is removed.
    journal: Option<Journal>,
    /// Whether only the journal tells where some entries are.
    open: AtomicBool,
    state: PathBuf,
    run: String,
}

impl KeepDeleted {
    /// For a run, given by its command and ID, of a job that keeps what it removes but cannot write a journal: what rsync replaces is still
    /// moved into the quarantine.
    pub(super) fn without_journal(
        access: &Arc<WriteAccess>,
        job: &Job,
        state: &Path,
        (command, run): (&str, &str),
    ) -> Result<Self, KeepDeletedError> {
        let at_dest = |source| KeepDeletedError::Quarantine { dest: job.dest.clone(), source };
        let keep = job.keep_deleted.unwrap_or(Duration::ZERO);
        let quarantine = Quarantine::new(access, run, command, keep).map_err(at_dest)?;
        prepare(&quarantine, job)?;
        let (removal_mode, state, run) = (RemovalMode::Quarantine, state.into(), run.into());
        Ok(KeepDeleted { quarantine, removal_mode, journal: None, open: AtomicBool::new(false), state, run })
    }

    /// With a journal. `plan` is the hash of what is to be removed, if that is known. Nothing is created in the destination of a job that does
    /// not keep what it removes.
    pub(super) fn new(
        access: &Arc<WriteAccess>,
        job: &Job,
        state: &Path,
        (command, run): (&str, &str),
        plan: Option<String>,
    ) -> Result<Self, KeepDeletedError> {
        let keep = job.keep_deleted;
        let at_dest = |source| KeepDeletedError::Quarantine { dest: job.dest.clone(), source };
        let in_state =
            |source| KeepDeletedError::Journal { dir: state.join("journal"), run: run.into(), source };
        let quarantine =
            Quarantine::new(access, run, command, keep.unwrap_or(Duration::ZERO)).map_err(at_dest)?;
        if keep.is_some() {
            // rsync moves what it replaces into the quarantine. It is prepared before the journal, which would otherwise record a run that
            // kept nothing.
            prepare(&quarantine, job)?;
        }
        let removal_mode = if keep.is_some() { RemovalMode::Quarantine } else { RemovalMode::Delete };
        let path = fs::canonicalize(&job.dest).map_err(at_dest)?;
        let meta = access.root().metadata().map_err(at_dest)?;
        let journal = Journal::open(state, &format!("{run}.{}", job.name)).map_err(in_state)?;
        let begin = Begin {
            v: 1,
            run: run.into(),
            command: command.into(),
            job: Some(job.name.clone()),
            root: removal::print_of(&path, meta.dev(), meta.ino()),
            mode: removal_mode.word().into(),
            plan,
            time: jiff::Timestamp::now().to_string(),
        };
        journal.line(&Line::Begin(begin)).map_err(in_state)?;
        let (open, state, run) = (AtomicBool::new(false), state.into(), run.into());
        Ok(KeepDeleted { quarantine, removal_mode, journal: Some(journal), open, state, run })
    }

    /// Whether removed entries are kept.
    fn keeps(&self) -> bool {
        matches!(self.removal_mode, RemovalMode::Quarantine)
    }

    pub(super) fn quarantine(&self) -> &Quarantine {
        &self.quarantine
    }

    /// Write access to the destination.
    pub(super) fn access(&self) -> &Arc<WriteAccess> {
        self.quarantine.access()
    }

    pub(super) fn removal_mode(&self) -> &RemovalMode {
        &self.removal_mode
    }

    /// The journal, which the removal writes.
    pub(super) fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// Notes the result of a removal; `None` if it broke off.
    pub(super) fn applied(&self, applied: Option<&Applied>) {
        let open = applied.is_none_or(|applied| applied.failed + applied.skipped > 0 && self.has_captured());
        self.open.fetch_or(open, Ordering::Relaxed);
    }

    /// Whether an entry that could not be removed lies beside its place. True in doubt.
    fn has_captured(&self) -> bool {
        let (root, mut found) = (self.access().root(), false);
        let read = self.lines(|line| {
            if let Line::Did(Record { path, did: EntryOutcome::Failed | EntryOutcome::Skipped, .. }) = line {
                found |= removal::is_beside(root, &self.run, path);
            }
        });
        read.is_err() || found
    }

    /// Reads the journal.
    fn lines(&self, mut each: impl FnMut(&Line)) -> io::Result<()> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let found = removal::find(&self.state, &self.run)?;
        let mut own = found.iter().filter(|found| found.path == journal.path());
        own.try_for_each(|found| found.read(|line| each(&line)))
    }

    /// Ends the attempt: escapes the names that rsync backed up, and removes empty directories. Returns the names that could not be
    /// escaped, and whether something is kept for `clean undo`.
    pub(super) fn close(&self) -> (Unescaped, bool) {
        let mut left = Unescaped::default();
        if self.journal.is_some() && self.keeps() {
            left = removal::escape_quarantines(self.access(), &self.state, &|| false);
        }
        self.quarantine.tidy();
        let Some(journal) = &self.journal else { return (left, false) };
        let kept = removal::info(self.access().root(), &self.run).is_some();
        if !kept && !self.open.load(Ordering::Relaxed) {
            // Nothing can be brought back.
            let _ = fs::remove_file(journal.path());
        } else {
            // For listings of what the run did; undo reads the quarantine itself.
            let _ = self.note_replaced(journal);
            let _ = journal.line(&Line::End(End { time: jiff::Timestamp::now().to_string(), whole: true }));
            let _ = journal.sync();
        }
        (left, kept)
    }

    /// Journals what rsync moved into the quarantine in this attempt.
    fn note_replaced(&self, journal: &Journal) -> io::Result<()> {
        if !removal::is_any_replaced(self.access().root(), &self.run) {
            return Ok(());
        }
        let (mut long, mut known) = (LongNames::default(), HashSet::new());
        let hash =
            |path: &[u8]| <[u8; 16]>::try_from(&blake3::hash(path).as_bytes()[..16]).unwrap_or_default();
        self.lines(|line| {
            if let Line::Was(path, _) | Line::Did(Record { path, .. }) = line {
                long.learn(path);
            }
            if let Line::Did(Record { did: EntryOutcome::Replaced, path, .. }) = line {
                known.insert(hash(path));
            }
        })?;
        let (mut lines, mut written) = (Vec::new(), Ok(()));
        removal::replaced(self.access().root(), &self.run, &long, |record| {
            if known.contains(&hash(&record.path)) {
                return;
            }
            Line::Did(record).write(&mut lines);
            if lines.len() > PAGE && written.is_ok() {
                written = journal.append(&std::mem::take(&mut lines));
            }
        });
        written.and_then(|()| journal.append(&lines))
    }
}

/// Prepares the quarantine.
fn prepare(quarantine: &Quarantine, job: &Job) -> Result<(), KeepDeletedError> {
    let (made, root) = (quarantine.prepare().map(|_| ()), quarantine.access().root());
    made.map_err(|error| KeepDeletedError::quarantine(root, &job.dest, quarantine.place(), error))
}
