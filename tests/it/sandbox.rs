//! Under the sandbox of the systemd unit in `config-examples/`, and under kernels and sandboxes that refuse what can be done without.

use crate::support::{Ended, Env, Refusal, Running, allow_only, one_job, refuse, skipped, system_calls};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// A unit of the examples.
fn unit(name: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-examples/systemd");
    fs::read_to_string(dir.join(name)).unwrap()
}

fn setting(unit: &str, key: &str) -> String {
    let line = unit.lines().find_map(|line| line.strip_prefix(&format!("{key}=")));
    line.unwrap_or_else(|| panic!("the unit has no {key}")).to_owned()
}

/// What each command came to where `limit` was set around it.
struct Tour {
    env: Env,
    told: Vec<(String, Ended)>,
}

impl Tour {
    /// Of every command.
    fn of_all(limit: impl Fn(&mut Command)) -> Tour {
        let mut tour = Tour::of_those_that_change_something(&limit);
        for args in ["scan j", "verify j", "status", "history", "stats", "list", "config check"] {
            tour.run(&args.split(' ').collect::<Vec<_>>(), &limit);
        }
        #[cfg(feature = "search")]
        for args in ["index j", "search aaa"] {
            tour.run(&args.split(' ').collect::<Vec<_>>(), &limit);
        }
        tour
    }

    /// Of those that ask the kernel for more than files, and of `doctor`, which tells.
    fn of_those_that_change_something(limit: &impl Fn(&mut Command)) -> Tour {
        let env = Env::new();
        let (upstream, mirror) = (env.dir().join("upstream"), env.mirror("j"));
        fs::create_dir_all(upstream.join("aa")).unwrap();
        ["aa/1aaa.txt", "aa/2aaa.txt"].iter().for_each(|name| fs::write(upstream.join(name), name).unwrap());
        let source = format!("{}/", upstream.display());
        let more = "delete = true\ncache = \"drop\"\nnice = 3\nionice = \"idle\"";
        let env = env.with_config(&one_job(&[&source], &mirror, more));
        let mut tour = Tour { env, told: Vec::new() };
        tour.run(&["sync", "j"], limit);
        fs::remove_file(upstream.join("aa/2aaa.txt")).unwrap();
        tour.run(&["sync", "j"], limit);
        assert!(
            mirror.join("aa/1aaa.txt").exists() && !mirror.join("aa/2aaa.txt").exists(),
            "{}",
            tour.last()
        );

        let left = mirror.join("aa/.1aaa.txt.Ab3dEf");
        fs::write(&left, "half").unwrap();
        let old = SystemTime::now() - Duration::from_secs(3 * 86_400);
        fs::File::options().write(true).open(&left).unwrap().set_modified(old).unwrap();
        tour.run(&["clean", "plan", "j"], limit);
        tour.run(&["clean", "run", "--mode", "batch", "--yes"], limit);
        assert!(!left.exists(), "{}", tour.last());
        tour.run(&["clean", "undo", "last"], limit);
        assert_eq!(fs::read_to_string(&left).unwrap(), "half", "{}", tour.last());

        tour.run(&["doctor"], limit);
        tour.run(&["reclaim", "j"], limit);
        tour
    }

    fn run(&mut self, args: &[&str], limit: &impl Fn(&mut Command)) {
        let mut command = self.env.command(args);
        limit(&mut command);
        self.told.push((args.join(" "), Running::start(command).wait()));
    }

    fn last(&self) -> &Ended {
        &self.told.last().unwrap().1
    }

    /// The end of the command whose line begins like this.
    fn of(&self, begins: &str) -> &Ended {
        &self.told.iter().find(|(args, _)| args.starts_with(begins)).unwrap().1
    }

    #[track_caller]
    fn all_is_well(&self, around: &str) {
        for (args, ended) in &self.told {
            assert_eq!(
                (ended.status.code(), ended.status.signal()),
                (Some(0), None),
                "{around}: {args}: {ended}"
            );
        }
    }
}

#[test]
fn systemd_accepts_the_units_of_the_examples() {
    let dir = tempfile::tempdir().unwrap();
    let ours = env!("CARGO_BIN_EXE_pdb-sync");
    for name in ["pdb-sync.service", "pdb-sync.timer"] {
        fs::write(dir.path().join(name), unit(name).replace("/usr/local/bin/pdb-sync", ours)).unwrap();
    }
    let units = ["pdb-sync.service", "pdb-sync.timer"].map(|name| dir.path().join(name));
    let verify = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(units).output();
    let Ok(verify) = verify else { return skipped("there is no systemd-analyze") };
    let said = String::from_utf8_lossy(&verify.stderr);
    // A system call that this systemd does not know yet is left out by it, which it says.
    let ours = said.lines().filter(|line| line.contains("pdb-sync") && !line.contains("cachestat"));
    let ours: Vec<_> = ours.collect();
    assert!(verify.status.success() && ours.is_empty(), "{said}");
}

#[test]
fn every_command_lives_with_the_filter_of_the_unit() {
    let service = unit("pdb-sync.service");
    assert_eq!(setting(&service, "SystemCallErrorNumber"), "EPERM");
    let calls = system_calls(&setting(&service, "SystemCallFilter"));
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    for refusal in [Refusal::Kill, Refusal::Errno(libc::EPERM)] {
        let tour = Tour::of_all(|command| {
            allow_only(command, &calls, refusal);
            // What RestrictSUIDSGID= and RestrictNamespaces= refuse: their arguments are where a filter cannot look.
            refuse(command, &["openat2", "clone3"], libc::ENOSYS);
        });
        tour.all_is_well(&format!("{refusal:?}"));
        let doctor = tour.of("doctor").out();
        assert!(!doctor.contains("no Landlock") && !doctor.contains("no page cache"), "{doctor}");
    }
}

#[test]
fn what_a_bare_system_service_refuses_is_done_without_and_told() {
    let calls = system_calls("@system-service");
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    let tour = Tour::of_all(|command| allow_only(command, &calls, Refusal::Errno(libc::EPERM)));
    tour.all_is_well("@system-service");
    let doctor = tour.of("doctor").out();
    for lacking in ["no Landlock: ", "no page cache counts (cachestat): ", "SystemCallFilter="] {
        assert!(doctor.contains(lacking), "{lacking}: {doctor}");
    }
    assert!(tour.of("clean run").err().contains("Landlock"), "{}", tour.of("clean run"));
    assert!(
        tour.of("reclaim").out().contains("the kernel does not report the result"),
        "{}",
        tour.of("reclaim")
    );
    assert!(tour.of("sync").err().contains("the kernel does not report the result"), "{}", tour.of("sync"));
}

/// Each alone, since one that is refused may hide that another is not done without.
#[test]
fn whatever_can_be_done_without_may_be_refused() {
    let optional: [&[&str]; 14] = [
        &["openat2"],
        &["statx"],
        &["renameat2"],
        &["faccessat2"],
        &["cachestat"],
        &["landlock_create_ruleset"],
        &["landlock_restrict_self"],
        &["prctl"],
        &["ioprio_set"],
        &["setpriority"],
        &["copy_file_range", "sendfile"],
        &["pidfd_open", "pidfd_send_signal", "close_range"],
        &["fadvise64", "syncfs"],
        &["getrandom", "membarrier", "rseq"],
    ];
    for calls in optional {
        for errno in [libc::EPERM, libc::ENOSYS] {
            let tour = Tour::of_those_that_change_something(&|command: &mut Command| {
                refuse(command, calls, errno);
            });
            tour.all_is_well(&format!("{calls:?} {errno}"));
            let (doctor, sync) = (tour.of("doctor").out(), tour.of("sync").err());
            let told = |text: &str| assert!(doctor.contains(text), "{calls:?} {errno}: {doctor}");
            match calls {
                ["openat2"] => told("no openat2: "),
                ["statx"] => told("no mount points in statx: "),
                ["renameat2"] => told("no renames that replace nothing"),
                ["cachestat"] => told("no page cache counts"),
                ["landlock_create_ruleset"] => told("no Landlock: "),
                ["prctl"] => told("no parent-death signal: "),
                ["ioprio_set"] => assert!(sync.contains("does not allow setting ionice"), "{sync}"),
                ["setpriority"] => assert!(sync.contains("does not allow setting nice"), "{sync}"),
                _ => {}
            }
        }
    }
}
