//! Which optional system calls this system offers, and what is done without them.

use super::report::{Area, Finding, Verdict};
use crate::clean::removal;
use crate::platform;
use crate::system::reclaim;
use std::fs;

/// A facility of the kernel.
struct Facility {
    name: &'static str,
    there: bool,
    /// What happens without it.
    instead: &'static str,
    /// The first Linux version that offers it.
    since: &'static str,
}

pub(super) fn examine() -> Vec<Finding> {
    facilities().into_iter().map(finding).collect()
}

fn finding(facility: Facility) -> Finding {
    let Facility { name, there, instead, since } = facility;
    if there {
        return Finding::new(Area::Kernel, Verdict::Ok, name);
    }
    let finding = Finding::new(Area::Kernel, Verdict::Warn, format!("no {name}: {instead}"));
    match cfg!(target_os = "linux") {
        true => finding.hint(format!(
            "{since}; a sandbox can refuse it, too (SystemCallFilter= of systemd, the seccomp profile of a container)"
        )),
        // On other systems no setting helps.
        false => finding,
    }
}

fn facilities() -> Vec<Facility> {
    vec![
        Facility {
            name: "openat2",
            there: openat2(),
            instead: "directories are opened one component at a time to keep deletions inside of their directory",
            since: "Linux offers it from 5.6 on",
        },
        Facility {
            name: "renames that replace nothing (renameat2)",
            there: platform::renames_without_replacing(),
            instead: "a check before each rename, or a hard link, is used instead",
            since: "Linux offers them from 3.15 on",
        },
        Facility {
            name: "mount points in statx",
            there: platform::knows_mount_points(),
            instead: "a bind mount within one file system cannot be distinguished from a directory",
            since: "Linux offers them from 5.8 on",
        },
        Facility {
            name: "/proc",
            there: fs::exists("/proc/self/stat").unwrap_or(false),
            instead: "memory, load, holders of locks and mounts are unknown; no destination is refused because of a mount below it",
            since: "mount it",
        },
        Facility {
            name: "pressure stall information (PSI)",
            there: fs::read("/proc/pressure/memory").is_ok(),
            instead: "`parallel = \"auto\"` uses the load average, and stays at one job if /proc is missing",
            since: "Linux offers it from 4.20 on, some when booted with psi=1",
        },
        Facility {
            name: "page cache counts (cachestat)",
            there: page_counts(),
            instead: "`reclaim` and `cache = \"drop\"` cannot report how much they released",
            since: "Linux offers it from 6.5 on",
        },
        Facility {
            name: "priorities of children",
            there: platform::sets_priority(),
            instead: "`nice` has no effect",
            since: "Linux always offers them",
        },
        Facility {
            name: "priorities for disk access (ioprio_set)",
            there: platform::set_io_priority(None),
            instead: "`ionice` has no effect",
            since: "Linux always offers them",
        },
        Facility {
            name: "parent-death signal",
            there: platform::ends_children(),
            instead: "if pdb-sync is killed, its rsyncs end only when they find their pipes closed",
            since: "Linux always offers it",
        },
        Facility {
            name: "Landlock",
            there: removal::can_fence(),
            instead: "`clean run` is not confined to its directory by the kernel; the other guards apply without it",
            since: "Linux offers it from 5.19 on, booted with lsm=landlock,…",
        },
    ]
}

/// Whether page counts are available, tested with a file that certainly exists.
fn page_counts() -> bool {
    let own = std::env::current_exe().and_then(fs::File::open);
    own.is_ok_and(|file| reclaim::resident(&file).is_some())
}

#[cfg(target_os = "linux")]
fn openat2() -> bool {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    openat2(CWD, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::BENEATH).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn openat2() -> bool {
    false
}
