//! The transfer: what it brought, and whether everything arrived.

use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::complete::Transfer;
use super::parts::Parts;
use super::second_listing::Differences;
use super::transport::{Ended, Ran, Show, came};
use crate::clean::removal;
use crate::model::event::{Level, Phase};
use crate::model::job::{Job, Source};
use crate::model::result::{Figures, Reason};
use crate::model::sanitize;
use crate::rsync::args::Purpose;
use crate::rsync::exit::{CHECK_RIGHTS, Verdict};
use rustix::fs::fstat;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// How many directories are checked for one that this user cannot change.
const SAMPLE: u64 = 2000;

impl AttemptRunner<'_> {
    /// Transfers what is new and changed; removes nothing. `of`: the job, or one for the entries that were listed. `expected`: how many
    /// files were listed. `parts`: what the listing found, if several connections transfer it. `lost`: names that the destination cannot hold and that are not transferred. If neither the exit code nor the number of files proves that everything arrived, a second
    /// listing decides.
    pub(super) async fn transfer(
        &mut self,
        of: (&Job, &Source),
        parts: Option<&mut Parts>,
        expected: Option<u64>,
        lost: &[Vec<u8>],
    ) -> Result<Transfer, AttemptEnd> {
        self.awaited = expected.filter(|expected| *expected != u64::MAX);
        let before = (self.figures.bytes_received, self.phases.len());
        let (files, verdict) = match parts {
            Some(parts) => self.bring_parts(parts, lost).await?,
            None => self.bring(of, lost).await?,
        };
        self.measured(&verdict, before).await;
        let all_came = expected.is_none_or(|expected| files.is_some_and(|files| files >= expected));
        let arrived = |warned| Ok(Transfer { warned, arrived: true });
        match &verdict {
            Verdict::Ok if all_came => return arrived(None),
            Verdict::Failed(class, reason) => return Err(AttemptEnd::Failed(*class, reason.clone())),
            Verdict::Ok | Verdict::Vanished(_) | Verdict::Partial(_) => {}
        }
        self.vanished |= matches!(verdict, Verdict::Vanished(_));
        let differences = self.differences(lost).await?;
        let missing = match (verdict, differences) {
            (Verdict::Ok, Some(Differences { missing: 0, .. })) => return arrived(None),
            (Verdict::Partial(_), Some(Differences { missing: 0, unset })) => {
                return arrived(Some(unset.reason(self.group_command().as_deref())));
            }
            (Verdict::Vanished(reason), Some(Differences { missing: 0, .. })) => {
                return arrived(Some(reason));
            }
            (Verdict::Partial(reason), _) => {
                return Err(AttemptEnd::Partial(self.with_owners(reason).await?));
            }
            (Verdict::Vanished(reason), _) => return Ok(Transfer { warned: Some(reason), arrived: false }),
            (_, missing) => missing.map(|differences| differences.missing),
        };
        let text = match missing {
            Some(n) => format!("{n} files changed at the source while it was read"),
            None => "the source could not be listed again to check that everything arrived".into(),
        };
        Ok(Transfer {
            warned: Some(Reason::new(text).hint("the next run fetches what is missing")),
            arrived: false,
        })
    }

    /// The command that lets the group of the mirror change all of it; `None` unless this user writes to it as a member of that group.
    fn group_command(&self) -> Option<String> {
        let top = fstat(self.access?.root()).ok()?;
        let as_member = removal::is_group_mirror(&top) && !rustix::process::geteuid().is_root();
        as_member.then(|| removal::group_command(&self.job.dest, top.st_gid))
    }

    /// Adds to a reason about missing permissions a directory that this user cannot change, its owner, and a hint.
    async fn with_owners(&self, reason: Reason) -> Result<Reason, AttemptEnd> {
        let Some(access) = self.access.cloned().filter(|_| reason.hint.as_deref() == Some(CHECK_RIGHTS))
        else {
            return Ok(reason);
        };
        let dest = self.job.dest.clone();
        let look = move || {
            let (path, whose) = removal::closed_below(access.root(), SAMPLE)?.first;
            let hint = removal::change_hint(access.root(), &dest, &path)?;
            Some((dest.join(OsStr::from_bytes(&path)), whose, hint))
        };
        let found = off_thread(&self.job_events.stop, look).await.ok_or(AttemptEnd::Stopped)?;
        Ok(match found {
            Some((path, whose, hint)) => {
                Reason::new(format!("{}; {} {whose}", reason.text, sanitize::path(&path))).hint(hint)
            }
            None => reason,
        })
    }

    /// Transfers for the job or one derived from it; again if files vanished meanwhile. Returns how many files were transferred (`None` if
    /// unknown), and the verdict.
    pub(super) async fn bring(
        &mut self,
        of: (&Job, &Source),
        lost: &[Vec<u8>],
    ) -> Result<(Option<u64>, Verdict), AttemptEnd> {
        let before = self.figures;
        let mut ran =
            self.run_phase(of, Phase::Transfer, Purpose::Transfer, Show::Lines, lost, &mut |_| true).await;
        let mut moved = Moved::default();
        let remote = self.source.is_remote();
        moved.add(&ran, remote);
        if matches!(ran.verdict, Ended::Judged(Verdict::Vanished(_))) {
            self.job_events
                .notice(Level::Info, "files vanished while they were transferred; transferring once more")
                .await;
            ran = self
                .run_phase(of, Phase::Transfer, Purpose::Transfer, Show::Lines, lost, &mut |_| true)
                .await;
            moved.add(&ran, remote);
        }
        self.count_moved(before, &moved);
        if !self.is_listed(of.0) {
            self.counted = ran.stats.files;
            self.figures.total_files = self.counted.map(|f| f.files()).or(before.total_files);
            self.figures.total_bytes = ran.stats.total_size.or(before.total_bytes);
        }
        Ok((moved.files, self.verdict(ran)?))
    }

    /// Adds what was transferred to the figures as they were `before`.
    pub(super) fn count_moved(&mut self, before: Figures, moved: &Moved) {
        self.figures.files_transferred = before.files_transferred.zip(moved.files).map(|(a, b)| a + b);
        self.figures.bytes_received = match (before.bytes_received, moved.bytes) {
            (Some(a), Some(b)) => Some(a + b),
            (None, bytes) if before.total_files.is_none() => bytes,
            _ => None,
        };
    }
}

/// What one or more runs of rsync transferred. Without rsync's figures, the files are those of the last progress, and the bytes are unknown.
/// Only an rsync that failed without any progress has transferred nothing; one that succeeded without output may have transferred anything.
#[derive(Default)]
pub(super) struct Moved {
    files: Option<u64>,
    bytes: Option<u64>,
    runs: u32,
}

impl Moved {
    /// Number of files; `None` if unknown.
    pub(super) fn files(&self) -> Option<u64> {
        self.files
    }

    /// Adds a run.
    pub(super) fn add(&mut self, ran: &Ran, remote: bool) {
        let failed =
            !matches!(ran.verdict, Ended::Judged(Verdict::Ok | Verdict::Vanished(_) | Verdict::Partial(_)));
        let nothing = (failed && ran.code != Some(0) && ran.progress.is_none()).then_some(0);
        let files = ran.stats.transferred.or(ran.progress.and_then(|p| p.files)).or(nothing);
        let bytes = came(&ran.stats, remote).or(nothing);
        let sum = |a: Option<u64>, b: Option<u64>, first| if first { b } else { Some(a? + b?) };
        self.files = sum(self.files, files, self.runs == 0);
        self.bytes = sum(self.bytes, bytes, self.runs == 0);
        self.runs += 1;
    }
}
