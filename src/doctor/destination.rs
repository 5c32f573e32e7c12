//! Checks a job's destination: mounted, writable, with free space, on a file system that can hold a mirror.

use super::report::{Area, Finding, Verdict};
use super::shared::{self, warn};
use crate::clean::removal;
use crate::model::hint::quoted;
use crate::model::job::{Job, Preset};
use crate::model::sanitize;
use crate::platform::{FreeSpace, Mount, in_the_way, is_unmounted, mount_of, resolve, room};
use crate::sync::fold_probe;
use bytesize::ByteSize;
use rustix::fs::{Access, StatVfs};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes. With less free space, the disk would become full during the next run.
const LOW: u64 = 1_000_000_000;
/// Seconds. A file system whose clock differs by more dates new files wrongly.
const SKEW: f64 = 2.0;

pub(super) fn examine(job: &Job) -> Vec<Finding> {
    let mut findings = look(job);
    for finding in &mut findings {
        finding.job = Some(job.name.clone());
    }
    findings
}

fn look(job: &Job) -> Vec<Finding> {
    let dest = resolve(&job.dest);
    let mount = mount_of(&dest);
    let mut findings = Vec::new();
    if let Some(point) = is_unmounted(&dest) {
        let text = format!("{} is in /etc/fstab, but is not mounted", sanitize::path(&point));
        let hint = format!("the mirror would fill the disk below it: `mount {}`", quoted(&point));
        findings.push(fail(text).hint(hint));
    }
    let existing = match existing(&dest) {
        Ok(existing) => existing,
        Err(finding) => {
            findings.push(finding);
            return findings;
        }
    };
    let written = writable(&dest, &existing, mount.as_ref());
    let is_writable = written.iter().all(|finding| finding.verdict != Verdict::Fail);
    findings.extend(written);
    if is_writable {
        findings.extend((dest == existing).then(|| shared::ours(&dest)).flatten());
        findings.extend((dest == existing).then(|| shared::closed(&dest)).flatten());
        findings.extend(shared::locks(&existing));
    }
    findings.extend(space(job, &existing));
    findings.extend(kind(job, &existing, mount.as_ref()));
    findings
}

fn fail(text: String) -> Finding {
    Finding::new(Area::Destination, Verdict::Fail, text)
}

/// The destination, or its nearest existing ancestor.
fn existing(dest: &Path) -> Result<PathBuf, Finding> {
    if let Some(obstacle) = in_the_way(dest) {
        return Err(fail(obstacle.text).hint(obstacle.hint));
    }
    let existing = dest.ancestors().find(|path| path.is_dir());
    existing
        .map(Path::to_path_buf)
        .ok_or_else(|| fail(format!("no part of {} exists", sanitize::path(&dest))))
}

fn writable(dest: &Path, existing: &Path, mount: Option<&Mount>) -> Vec<Finding> {
    if let Some(mount) = mount.filter(|mount| mount.read_only) {
        let text =
            format!("{} is read-only: it lies on {}", sanitize::path(&dest), sanitize::path(&mount.point));
        let hint = "remount it read-write; after disk errors it is remounted read-only by itself, so look at the system log";
        return vec![fail(text).hint(hint)];
    }
    let refused = |error: io::Error| {
        let whose = File::open(existing).ok().and_then(|dir| removal::refusal(&dir, existing, b""));
        if let Some(refusal) = whose.filter(|_| error.kind() == io::ErrorKind::PermissionDenied) {
            let text = format!("cannot write in {}: {refusal}", sanitize::path(&existing));
            return vec![fail(text).hint(refusal.hint)];
        }
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => "make it writable for this user, or run as another".to_owned(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room".to_owned(),
            _ => "correct `dest`, or repair what is below it".to_owned(),
        };
        vec![fail(format!("cannot write in {}: {error}", sanitize::path(&existing))).hint(hint)]
    };
    if let Err(error) = rustix::fs::access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        return refused(error.into());
    }
    // An unnamed file, so that no run ever sees it.
    let file = match tempfile::tempfile_in(existing) {
        Ok(file) => file,
        Err(error) => return refused(error),
    };
    let text = match dest == existing {
        true => format!("{} is writable", sanitize::path(&dest)),
        false => format!(
            "{} does not exist yet and can be made in {}",
            sanitize::path(&dest),
            sanitize::path(&existing)
        ),
    };
    let mut findings = vec![Finding::new(Area::Destination, Verdict::Ok, text)];
    let now = SystemTime::now();
    if let Ok(there) = file.metadata().and_then(|meta| meta.modified()) {
        let ahead = there.duration_since(now).unwrap_or_default().as_secs_f64();
        let behind = now.duration_since(there).unwrap_or_default().as_secs_f64();
        if ahead.max(behind) > SKEW {
            let text = format!(
                "the clock of {}'s file system is {:.0} s off",
                sanitize::path(&existing),
                ahead.max(behind)
            );
            findings.push(warn(text).hint("synchronize its server and this machine by NTP"));
        }
    }
    findings
}

fn space(job: &Job, existing: &Path) -> Option<Finding> {
    let known = room(existing).and_then(|room| Ok((room, rustix::fs::statvfs(existing)?)));
    Some(match known {
        Ok((Some(room), stat)) => left(job, existing, room, &stat),
        Ok((None, _)) => {
            let text = format!(
                "the free space at {} is unknown: its file system does not report it",
                sanitize::path(&existing)
            );
            match job.min_free {
                Some(_) => fail(text).hint("leave min_free out: the job would be blocked"),
                None => warn(text),
            }
        }
        Err(error) => {
            warn(format!("cannot determine the free space at {}: {error}", sanitize::path(&existing)))
        }
    })
}

fn left(job: &Job, existing: &Path, FreeSpace { size, free }: FreeSpace, stat: &StatVfs) -> Finding {
    let text = format!("{} of {} free", ByteSize(free).display().si(), ByteSize(size).display().si());
    if let Some(least) = job.min_free.filter(|least| free < *least) {
        let (at, least) = (sanitize::path(&existing), ByteSize(least).display().si());
        let text = format!("{text} at {at}, less than min_free ({least})");
        return fail(text).hint("make room, or lower min_free: the job would be blocked");
    }
    if free == 0 {
        return fail(format!("the disk is full: {text} at {}", sanitize::path(&existing))).hint("make room");
    }
    // Some file systems have no fixed number of inodes and report 0.
    if stat.f_files > 0 && stat.f_favail == 0 {
        return fail(format!("no inodes are left at {}", sanitize::path(&existing)))
            .hint("`df -i` shows it: remove many small files, or use another file system");
    }
    if stat.f_files > 0 && stat.f_favail < stat.f_files / 50 {
        let text =
            format!("{text}, but only {} inodes are left at {}", stat.f_favail, sanitize::path(&existing));
        return warn(text).hint("the PDB has about 250,000 files per format: see `df -i`");
    }
    if free < LOW {
        return warn(format!("only {text} at {}", sanitize::path(&existing)))
            .hint("make room; min_free guards against filling it up");
    }
    Finding::new(Area::Destination, Verdict::Ok, text)
}

/// The type of the destination's file system, and how it treats names.
fn kind(job: &Job, existing: &Path, mount: Option<&Mount>) -> Vec<Finding> {
    let kind = mount.map_or("a file system of unknown type", |mount| mount.kind.as_str());
    let mut findings = Vec::new();
    let simple = matches!(kind, "vfat" | "exfat" | "msdos" | "ntfs" | "ntfs3" | "cifs" | "smb3");
    if simple && job.preset != Preset::Minimal {
        let hint = "set preset = \"minimal\": this file system does not hold permissions and links";
        findings.push(warn(format!("{} lies on {kind}", sanitize::path(&existing))).hint(hint));
    }
    if !simple && job.preset != Preset::Minimal && !holds_links(existing) {
        let hint = "set preset = \"minimal\": a run is partial as long as the source holds symbolic links";
        findings.push(
            warn(format!("{} cannot hold symbolic links ({kind})", sanitize::path(&existing))).hint(hint),
        );
    }
    // If the directory is not writable, another finding reports that.
    let folding = File::open(existing).and_then(|dir| Ok(fold_probe::probe(&dir)?));
    let Ok(folding) = folding else { return findings };
    let which = match (folding.case, folding.form) {
        (true, true) => "case or Unicode form (A and a, \u{e9} and e\u{301})",
        (true, false) => "case (A and a)",
        (false, true) => "Unicode form (\u{e9} and e\u{301})",
        (false, false) => {
            let network = if mount.is_some_and(Mount::is_network) { ", which is on the network" } else { "" };
            let text = format!("{kind}{network}; names that differ in case or Unicode form are told apart");
            findings.push(Finding::new(Area::Destination, Verdict::Ok, text));
            return findings;
        }
    };
    let text = format!(
        "{} lies on {kind}, which folds names: names that differ only in {which} are the same",
        sanitize::path(&existing)
    );
    findings.push(warn(text).hint(
        "if several names of the source are the same here, only one can be stored; a name that only changes its spelling is renamed, not deleted",
    ));
    findings
}

/// Whether the file system holds symbolic links. Tested in a temporary directory; true in case of doubt.
fn holds_links(dir: &Path) -> bool {
    let Ok(own) = tempfile::Builder::new().prefix(".%pdb-sync-doctor-s").tempdir_in(dir) else { return true };
    let made = rustix::fs::symlinkat("x", rustix::fs::CWD, own.path().join("l"));
    !matches!(made, Err(Errno::PERM | Errno::NOSYS | Errno::NOTSUP))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn job(dest: &Path) -> Job {
        Job::example("j", "/s/", dest)
    }

    fn worst(findings: &[Finding]) -> Verdict {
        findings.iter().map(|finding| finding.verdict).max().unwrap()
    }

    #[test]
    fn a_plain_directory_will_do_and_stays_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let findings = look(&job(dir.path()));
        assert!(findings[0].text.ends_with("is writable"), "{findings:?}");
        let later = look(&job(&dir.path().join("a/b")));
        assert!(later[0].text.contains("does not exist yet"), "{later:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "").unwrap();
        let findings = look(&job(&dir.path().join("a/b")));
        assert_eq!(worst(&findings), Verdict::Fail);
        assert!(findings[0].text.ends_with("/a is not a directory, but a file"), "{findings:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_that_does_not_tell_is_not_full() {
        let mut job = job(Path::new("/proc/self"));
        let finding = space(&job, Path::new("/proc/self")).unwrap();
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(finding.text.contains("is unknown: "), "{}", finding.text);
        job.min_free = Some(1);
        assert_eq!(space(&job, Path::new("/proc/self")).unwrap().verdict, Verdict::Fail);
    }

    #[test]
    fn too_little_room_is_told_as_the_guard_would() {
        let dir = tempfile::tempdir().unwrap();
        let mut job = job(dir.path());
        job.min_free = Some(u64::MAX);
        let finding = space(&job, dir.path()).unwrap();
        assert_eq!(finding.verdict, Verdict::Fail);
        // In the unit of the messages of `sync`.
        assert!(finding.text.contains("less than min_free (18.4 EB)"), "{}", finding.text);
    }
}
