//! `verify`: the compressed files that came are read to their ends before anything is deleted. Damaged ones are transferred once more.

use super::Mode;
use super::attempt::AttemptRunner;
use super::attempt_end::AttemptEnd;
use super::blocking::off_thread;
use super::listing::{self, Listing, Unverified, UnverifiedFile};
use super::name_list::NameList;
use crate::model::event::{Level, Phase};
use crate::model::result::Reason;
use crate::platform;
use crate::rsync::args;
use crate::rsync::exit::{Class, Verdict};
use crate::scan::{self, CheckProgress, Checked, Damage, Excludes, Options, TroubleKind, check_gzip_below};
use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;
use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

/// How many names a message shows.
const TOLD: usize = 3;

/// The result of a check.
#[derive(Debug, Default)]
struct Found {
    /// How many files were read to their ends, or to the damage.
    files: u64,
    /// Files that are damaged or could not be read, by path relative to the destination.
    bad: Vec<(Vec<u8>, Damage)>,
    /// Files that the source does not have any more. They were not checked.
    gone: Vec<Vec<u8>>,
    /// Whether all files were looked at.
    whole: bool,
}

impl AttemptRunner<'_> {
    fn verifies(&self) -> bool {
        self.job.verify && self.plan.mode == Mode::Real && !self.plan.named_files
    }

    fn unverified_file(&self) -> UnverifiedFile {
        UnverifiedFile::new(&self.plan.state_dir, &self.job.name, &self.job.dest)
    }

    /// Stores what has to be checked after the transfer: what the listing names, and what earlier attempts brought.
    pub(super) async fn will_come(&mut self, listing: Listing) -> Result<Listing, AttemptEnd> {
        if !self.verifies() {
            return Ok(listing);
        }
        let file = self.unverified_file();
        let add = move || {
            let mut listing = listing;
            (file.add(Some(&mut listing)), listing)
        };
        let (added, listing) = off_thread(&self.job_events.stop, add).await.ok_or(AttemptEnd::Stopped)?;
        self.take_unverified(added).await?;
        Ok(listing)
    }

    /// The same for a transfer without a listing: everything has to be checked.
    pub(super) async fn anything_will_come(&mut self) -> Result<(), AttemptEnd> {
        if !self.verifies() {
            return Ok(());
        }
        let file = self.unverified_file();
        let added = off_thread(&self.job_events.stop, move || file.add(None)).await;
        self.take_unverified(added.ok_or(AttemptEnd::Stopped)?).await
    }

    async fn take_unverified(&mut self, added: io::Result<Option<Unverified>>) -> Result<(), AttemptEnd> {
        self.unverified = added.map_err(|error| {
            let text = format!("cannot write the names of the files to check to a temporary file: {error}");
            let hint = "is there room in the state directory, and where TMPDIR points?";
            AttemptEnd::Failed(Class::Fatal, Reason::new(text).hint(hint))
        })?;
        if self.unverified.as_ref().is_some_and(|unverified| !unverified.stored) {
            let text = "the names of the files to check cannot be stored: if this run ends before its check, no later run checks them";
            self.job_events.notice(Level::Warning, text).await;
        }
        Ok(())
    }

    /// Checks what came, and adds what is damaged to the end of the attempt.
    pub(super) async fn checked(&mut self, ending: AttemptEnd) -> Result<AttemptEnd, AttemptEnd> {
        Ok(match self.damage(&[]).await? {
            Some(damage) => ending.with_damage(damage),
            None => ending,
        })
    }

    /// Checks what came; damaged files are transferred once more. Returns what is damaged then; nothing may be deleted in that case.
    /// `lost`: names that the destination cannot hold.
    pub(super) async fn damage(&mut self, lost: &[Vec<u8>]) -> Result<Option<Reason>, AttemptEnd> {
        if !self.verifies() {
            return Ok(None);
        }
        let Some(unverified) = self.unverified.take() else {
            (self.figures.files_verified, self.figures.files_damaged) = (Some(0), Some(0));
            return Ok(None);
        };
        // Only what a check has ended for has arrived intact.
        let arrived = std::mem::take(&mut self.evidence.arrived);
        let Found { files: verified, mut bad, gone, .. } = self.check(Names::Stored(unverified)).await?;
        // Another name leads to the file in its place.
        bad.retain(|(name, _)| !lost.contains(name));
        (self.figures.files_verified, self.figures.files_damaged) = (Some(verified), Some(bad.len() as u64));
        let left = if bad.is_empty() { bad } else { self.bring_again(bad, lost).await? };
        self.figures.files_damaged = Some(left.len() as u64);
        let file = self.unverified_file();
        let mut names: Vec<Vec<u8>> = left.iter().map(|(name, _)| name.clone()).collect();
        names.extend(gone);
        let keep = move || file.keep(names.iter().map(Vec::as_slice));
        let kept = off_thread(&self.job_events.stop, keep).await.ok_or(AttemptEnd::Stopped)?;
        if let Err(error) = kept {
            let text = format!("the names of damaged files cannot be stored: {error}");
            self.job_events.notice(Level::Debug, text).await;
        }
        if left.is_empty() {
            self.evidence.arrived = arrived;
            return Ok(None);
        }
        self.tell_each(&left).await;
        Ok(Some(self.reason(&left)))
    }

    /// Transfers damaged files once more, compared by checksum, and checks them again. Returns what is still damaged.
    async fn bring_again(
        &mut self,
        bad: Vec<(Vec<u8>, Damage)>,
        lost: &[Vec<u8>],
    ) -> Result<Vec<(Vec<u8>, Damage)>, AttemptEnd> {
        let text = format!("{} not intact, and transferred once more: {}", files_are(bad.len()), shown(&bad));
        self.job_events.notice(Level::Info, text).await;
        let names: Vec<Vec<u8>> = bad.iter().map(|(name, _)| name.clone()).collect();
        let verdict = self.bring_named(&names, &readable(&bad), lost).await?;
        match verdict {
            // The check decides. A server may refuse to compute checksums.
            Verdict::Ok
            | Verdict::Vanished(_)
            | Verdict::Partial(_)
            | Verdict::Failed(Class::NextSource, _) => {}
            Verdict::Failed(class, reason) => {
                self.make_old(&readable(&bad)).await?;
                return Err(AttemptEnd::Failed(class, reason));
            }
        }
        let left = self.check(Names::Given(names)).await?.bad;
        let mended = bad.iter().filter(|(name, _)| !left.iter().any(|(bad, _)| bad == name));
        let mended: Vec<_> = mended.cloned().collect();
        if !mended.is_empty() {
            let text = format!(
                "{} came damaged, and intact when transferred once more: {}",
                files(mended.len()),
                shown(&mended)
            );
            self.job_events.notice(Level::Warning, text).await;
        }
        self.make_old(&readable(&left)).await?;
        Ok(left)
    }

    /// Transfers these files once more, compared by checksum. Where they cannot be listed, the whole source but for the names that are `lost` is
    /// walked again; to be fetched, those of `old` get an old time first.
    pub(super) async fn bring_named(
        &mut self,
        names: &[Vec<u8>],
        old: &[Vec<u8>],
        lost: &[Vec<u8>],
    ) -> Result<Verdict, AttemptEnd> {
        let mut list = NameList::new(self.source);
        names.iter().for_each(|name| list.push(name));
        self.awaited = None;
        let listed = args::not_listed(&self.job.rsync_args).is_none();
        Ok(match list.comparing_job(self.job).filter(|_| listed) {
            Some(job) => self.bring((&job, &job.sources[0]), &[]).await?.1,
            None => {
                self.make_old(old).await?;
                self.bring((self.job, self.source), lost).await?.1
            }
        })
    }

    /// Makes the next listing name files although their sizes and times are those of the source.
    async fn make_old(&self, names: &[Vec<u8>]) -> Result<(), AttemptEnd> {
        // With `--update` and its like, a file may be newer than the source's, and the transfer must go on leaving it alone.
        let Some(access) = self.access.filter(|_| !args::hides_differences(&self.job.rsync_args)).cloned()
        else {
            return Ok(());
        };
        let names = names.to_vec();
        let set = move || {
            names.iter().fold(None, |failed, name| {
                listing::make_old(access.root(), std::slice::from_ref(name)).err().or(failed)
            })
        };
        if let Some(error) = off_thread(&self.job_events.stop, set).await.ok_or(AttemptEnd::Stopped)? {
            let text = format!("cannot set the time of files that must be transferred again: {error}");
            self.job_events.notice(Level::Warning, text).await;
        }
        Ok(())
    }

    /// Reads files to their ends, with several threads. Ends early if the run stops.
    async fn check(&mut self, names: Names) -> Result<Found, AttemptEnd> {
        let Some(access) = self.access.cloned() else { return Ok(Found::default()) };
        self.job_events.phase(self.number, Phase::Verify, &[]).await;
        let started = Instant::now();
        let (dest, stop, job_stop) = (self.job.dest.clone(), scan::Stop::default(), &self.job_events.stop);
        let halt = stop.clone();
        let work = move || look(access.root(), &dest, names, &stop);
        let stopped = async {
            job_stop.gentle().await;
            halt.stop();
            std::future::pending::<Infallible>().await
        };
        let found = tokio::select! {
            found = off_thread(job_stop, work) => found,
            never = stopped => match never {},
        };
        self.phases.push((Phase::Verify, started.elapsed()));
        match found.ok_or(AttemptEnd::Stopped)? {
            Ok(Found { whole: false, .. }) => Err(AttemptEnd::Stopped),
            Ok(found) => Ok(found),
            Err(error) => {
                let text = format!("cannot check the files that came: {error}");
                Err(AttemptEnd::Partial(Reason::new(text).hint("the next run checks them")))
            }
        }
    }

    /// Names all of these files in the log and with `-v`; the reason has the first few.
    async fn tell_each(&self, left: &[(Vec<u8>, Damage)]) {
        if left.len() > TOLD {
            for (name, damage) in left {
                let text = format!("not intact: {}", shown(&[(name.clone(), damage.clone())]));
                self.job_events.notice(Level::Debug, text).await;
            }
        }
    }

    /// The reason for an attempt that leaves these files.
    fn reason(&self, left: &[(Vec<u8>, Damage)]) -> Reason {
        let (unread, damaged): (Vec<_>, Vec<_>) =
            left.iter().cloned().partition(|(_, damage)| matches!(damage, Damage::Unreadable(_)));
        let mut text = Vec::new();
        if !damaged.is_empty() {
            let damaged_now = format!("{} damaged, also after a second transfer", files_are(damaged.len()));
            text.push(format!("{damaged_now}: {}", shown(&damaged)));
        }
        if !unread.is_empty() {
            text.push(format!("{} cannot be checked: {}", files(unread.len()), shown(&unread)));
        }
        if self.evidence.not_deleted > 0 {
            text.push("nothing is deleted before this is mended".into());
        }
        let hint = if damaged.is_empty() {
            "the next run checks them again; can this user read them, and does the disk report errors?"
        } else {
            "the source itself may have damaged files: use another source, or report them to this one; the next run transfers and checks them again"
        };
        Reason::new(text.join("; ")).hint(hint)
    }
}

impl AttemptEnd {
    /// The same end with files that came damaged: it is partial then. A guard's refusal takes precedence.
    pub(super) fn with_damage(self, damage: Reason) -> AttemptEnd {
        match self {
            AttemptEnd::Done(None) => AttemptEnd::Partial(damage),
            AttemptEnd::Done(Some(other)) | AttemptEnd::Partial(other) => {
                AttemptEnd::Partial(damage.and(&other.text))
            }
            AttemptEnd::Blocked(reason) => AttemptEnd::Blocked(reason.and(&damage.text)),
            other => other,
        }
    }
}

/// Which files are checked.
enum Names {
    Stored(Unverified),
    Given(Vec<Vec<u8>>),
}

fn look(root: &File, dest: &Path, names: Names, stop: &scan::Stop) -> io::Result<Found> {
    let mut gone = Vec::new();
    let mut found = match names {
        Names::Given(names) => checked(root, names.into_iter().map(Ok), stop)?,
        Names::Stored(unverified) if unverified.all => {
            // Of a file that is only partly here, only the directory for partial files knows.
            let partial = [args::PARTIAL_DIR, ".~tmp~"].map(|name| format!("{name}/"));
            let exclude = Excludes::new(&partial).map_err(io::Error::other)?;
            let options = Options { stop: stop.clone(), exclude, ..Options::default() };
            let tree = scan::scan(dest, &options, None).map_err(|error| error.source)?;
            let names =
                Checked::names(&tree.inventory).filter(|name| !put_aside(&unverified, name, &mut gone));
            let mut found = checked(root, names.map(Ok), stop)?;
            let unread = tree.troubles.into_iter().filter(|trouble| trouble.kind == TroubleKind::Unreadable);
            found.bad.extend(unread.map(|trouble| (trouble.path, Damage::Unreadable(trouble.why))));
            found.whole &= tree.ended.is_none();
            found
        }
        Names::Stored(mut unverified) => {
            let names = std::iter::from_fn(|| {
                loop {
                    match unverified.next().transpose()? {
                        Ok(name) if put_aside(&unverified, &name, &mut gone) => {}
                        other => return Some(other),
                    }
                }
            });
            checked(root, names, stop)?
        }
    };
    found.gone = gone;
    Ok(found)
}

/// Whether the source does not have this file any more, so that it is not checked.
fn put_aside(unverified: &Unverified, name: &[u8], gone: &mut Vec<Vec<u8>>) -> bool {
    let aside = unverified.is_gone(name);
    if aside {
        gone.push(name.to_vec());
    }
    aside
}

fn checked(
    root: &File,
    names: impl Iterator<Item = io::Result<Vec<u8>>> + Send,
    stop: &scan::Stop,
) -> io::Result<Found> {
    let Checked { files, mut damaged, whole, .. } =
        check_gzip_below(root, names, 0, stop, &CheckProgress::default())?;
    let unread = |damage: &Damage| matches!(damage, Damage::Unreadable(_));
    let not_read = damaged.iter().filter(|(_, damage)| unread(damage)).count() as u64;
    // Whether everything that was listed is here is another question, which is answered elsewhere.
    damaged.retain(|(name, damage)| !(unread(damage) && is_missing(root, name)));
    Ok(Found { files: files - not_read, bad: damaged, gone: Vec::new(), whole })
}

/// Whether there is nothing of that name.
fn is_missing(root: &File, path: &[u8]) -> bool {
    let (dir, name) = match memchr::memrchr(b'/', path) {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&b""[..], path),
    };
    let found = platform::open_through(root, dir, platform::Through::Mounts)
        .and_then(|dir| statat(dir, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW));
    found.is_err_and(|error| error == Errno::NOENT)
}

/// Those whose content was read.
fn readable(bad: &[(Vec<u8>, Damage)]) -> Vec<Vec<u8>> {
    let read = bad.iter().filter(|(_, damage)| !matches!(damage, Damage::Unreadable(_)));
    read.map(|(name, _)| name.clone()).collect()
}

fn files(n: usize) -> String {
    if n == 1 { "1 file".into() } else { format!("{n} files") }
}

fn files_are(n: usize) -> String {
    format!("{} {}", files(n), if n == 1 { "is" } else { "are" })
}

/// The first names, each with what is wrong.
fn shown(bad: &[(Vec<u8>, Damage)]) -> String {
    let one = |(name, damage): &(Vec<u8>, Damage)| format!("{} ({damage})", String::from_utf8_lossy(name));
    let mut shown = bad.iter().take(TOLD).map(one).collect::<Vec<_>>().join(", ");
    if bad.len() > TOLD {
        shown.push_str(&format!(" and {} more", bad.len() - TOLD));
    }
    shown
}
