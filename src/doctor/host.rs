//! Checks the clock and the limits of the machine.

use super::report::{Area, Finding, Verdict};
use crate::model::time;
use rustix::process::{Resource, getrlimit};
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 2025-01-01: this program did not exist before.
const EARLIEST: Duration = Duration::from_secs(1_735_689_600);
/// Open files of our own, besides those of the jobs.
const OWN_FILES: u64 = 128;
/// Open files of each job: pipes, its log, its list, the destination.
const FILES_A_JOB: u64 = 16;

pub(super) fn examine(parallel: usize) -> Vec<Finding> {
    let mut findings = vec![clock()];
    findings.extend(limits(parallel));
    findings.extend(super::kernel::examine());
    findings
}

fn clock() -> Finding {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    if now < EARLIEST {
        let text = format!("the clock is wrong: it shows {}", time::local(jiff::Timestamp::now()));
        return Finding::new(Area::Clock, Verdict::Fail, text)
            .hint("set the clock, and synchronize it by NTP");
    }
    // Only systemd's own NTP service leaves a mark that everybody may read.
    let kept = fs::exists("/run/systemd/timesync/synchronized").unwrap_or(false);
    let known = if kept { "synchronized by NTP" } else { "synchronization by NTP is unknown" };
    let now = time::local(jiff::Timestamp::now());
    Finding::new(Area::Clock, Verdict::Ok, format!("{now}; {known}"))
}

fn limits(parallel: usize) -> Vec<Finding> {
    let ok = |text: String| Finding::new(Area::Limits, Verdict::Ok, text);
    let jobs = u64::try_from(parallel).unwrap_or(u64::MAX);
    let needed = OWN_FILES.saturating_add(jobs.saturating_mul(FILES_A_JOB));
    let files = match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < needed => {
            let text =
                format!("{limit} open files are allowed; {parallel} jobs at a time need about {needed}");
            Finding::new(Area::Limits, Verdict::Warn, text)
                .hint("raise it (`ulimit -n`, LimitNOFILE=), or lower parallel")
        }
        Some(limit) => ok(format!("{limit} open files are allowed")),
        None => ok("any number of open files is allowed".into()),
    };
    // Three processes per job, a shell around a hook, and our own.
    let needed = jobs.saturating_mul(4).saturating_add(16);
    let processes = match getrlimit(Resource::Nproc).current {
        Some(limit) if limit < needed => {
            let text =
                format!("{limit} processes are allowed; {parallel} jobs at a time need about {needed}");
            Finding::new(Area::Limits, Verdict::Warn, text)
                .hint("raise it (`ulimit -u`, TasksMax=), or lower parallel")
        }
        Some(limit) => ok(format!("{limit} processes are allowed")),
        None => ok("any number of processes is allowed".into()),
    };
    let size = match getrlimit(Resource::Fsize).current {
        Some(limit) => {
            let limit = bytesize::ByteSize(limit).display().si();
            let text = format!("files may not be larger than {limit}");
            vec![Finding::new(Area::Limits, Verdict::Warn, text).hint("`ulimit -f unlimited`")]
        }
        None => Vec::new(),
    };
    [files, processes].into_iter().chain(size).collect()
}
