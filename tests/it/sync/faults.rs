//! Files that vanish or cannot be read, disks that fill.

use super::failures::noise;
use super::{finished, local};
use crate::support::{
    Env, Fake, Running, Upstream, eventually, holds_something, one_job, skipped, tree, with_mounts,
};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

#[test]
fn a_vanished_file_costs_one_rerun_and_no_word() {
    let upstream = Upstream::new();
    upstream.write("a_big", noise(1_500_000));
    let late = upstream.write("z_late", "soon gone");
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "bwlimit = \"1MB\"");
    let env = env.with_config(&config);
    let running = env.spawn(["sync", "j", "--json"]);
    let dest = env.mirror("j");
    eventually("the first file is coming", || holds_something(&dest));
    fs::remove_file(late).unwrap();
    let ended = running.wait().expect_code(0);
    let notices: Vec<_> = ended.events("notice").iter().map(|n| n["text"].to_string()).collect();
    assert!(notices.iter().any(|text| text.contains("files vanished")), "{ended}");
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["attempts"]), (&"ok".into(), &1.into()), "{ended}");
    assert_eq!((&finished["files_transferred"], &finished["total_files"]), (&1.into(), &1.into()), "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
}

#[test]
fn files_that_keep_vanishing_are_a_warning() {
    let fake = Fake::new("err file has vanished: \"/pdb/1abc.cif.gz\" (in m)\nstats 9 1 0\nexit 24");
    let env = Env::new().with_fake(&fake);
    let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), "");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let finished = ended.finished();
    assert_eq!(finished["status"], "warned", "{ended}");
    assert!(finished["error"].as_str().unwrap().contains("1abc.cif.gz"), "{ended}");
    // Two transfers, and a listing to see whether everything came.
    assert_eq!((fake.calls().len(), finished["attempts"].as_u64()), (3, Some(1)), "{ended}");
}

#[test]
fn what_the_server_may_not_read_is_left_out_and_nothing_is_deleted() {
    // As root, nothing is forbidden to a daemon that does not become somebody else.
    let options: &[_] =
        if rustix::process::geteuid().is_root() { &[("uid", "65534"), ("gid", "65534")] } else { &[] };
    let upstream = Upstream::new().module("other", options).with_corpus();
    fs::set_permissions(upstream.root().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let secret = upstream.write("secret", "x");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o0)).unwrap();
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("other/")], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    fs::create_dir(env.mirror("j")).unwrap();
    fs::write(env.mirror("j").join("old"), "x").unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(3);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["attempts"]), (&"partial".into(), &1.into()), "{ended}");
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains("permission denied") && error.contains("secret"), "{ended}");
    assert!(error.contains("nothing was deleted"), "{ended}");
    assert!(env.mirror("j").join("old").exists() && env.mirror("j").join("structures").exists());

    // The same for a directory: its files are unknown, not gone.
    fs::remove_file(secret).unwrap();
    let closed = upstream.root().join("structures/divided");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(3);
    // Its mode came too.
    for dir in [&closed, &env.mirror("j").join("structures/divided")] {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    }
    assert_eq!(ended.finished()["files_deleted"], 0, "{ended}");
    assert!(env.mirror("j").join("old").exists());
    assert!(env.mirror("j").join(crate::support::corpus::path_of("1a8o")).exists(), "{ended}");
}

/// Runs `pdb-sync` with a file system of a megabyte at `dest`, and prints its names at the end; `None` where that is not
/// permitted. The mount goes with the process.
fn with_small_disk(env: &Env, args: &[&str], dest: &std::path::Path) -> Option<crate::support::Ended> {
    let way = ["-m", "-rm"].into_iter().find(|way| {
        let mut probe = Command::new("unshare");
        probe.args([way, "mount", "-t", "tmpfs", "none", "/mnt"]).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    })?;
    fs::create_dir_all(dest).unwrap();
    let script =
        "mount -t tmpfs -o size=1m none \"$0\" && { \"$@\"; code=$?; find \"$0\" -type f >&2; exit $code; }";
    let mut line = vec![way.into(), "sh".into(), "-c".into(), script.into(), dest.as_os_str().to_owned()];
    line.push(env!("CARGO_BIN_EXE_pdb-sync").into());
    line.extend(args.iter().map(Into::into));
    Some(Running::start(env.program("unshare", line)).wait())
}

#[test]
fn a_full_disk_is_failed_at_once_and_said() {
    let upstream = Upstream::new();
    upstream.write("big", noise(3_000_000));
    let env = Env::new();
    let source = format!("{}/", upstream.root().display());
    let sources = [&*source, &*source];
    let config = one_job(&sources, &env.mirror("j"), "");
    let env = env.with_config(&config);
    let Some(ended) = with_small_disk(&env, &["sync", "j", "--json"], &env.mirror("j")) else {
        crate::support::skipped("no file system may be mounted here");
        return;
    };
    let ended = ended.expect_code(1);
    let finished = ended.finished();
    assert!(finished["error"].as_str().unwrap().contains("disk is full"), "{ended}");
    // No other source would help.
    assert_eq!(finished["attempts"], 1, "{ended}");
    assert!(!ended.err().contains("/mirror/j/big\n"), "a truncated file under its final name\n{ended}");
}

#[test]
fn a_disk_that_fills_up_to_min_free_ends_the_transfer() {
    let upstream = Upstream::new();
    upstream.write("small", noise(1_000));
    upstream.write("zbig", noise(900_000));
    let env = Env::new();
    let more = "min_free = \"700KB\"\nbwlimit = \"200KB\"";
    let config = one_job(&[&format!("{}/", upstream.root().display())], &env.mirror("j"), more);
    let env = env.with_config(&config);
    let Some(ended) = with_small_disk(&env, &["sync", "j", "--json"], &env.mirror("j")) else {
        crate::support::skipped("no file system may be mounted here");
        return;
    };
    let ended = ended.expect_code(4);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["attempts"]), (&"blocked".into(), &1.into()), "{ended}");
    assert!(finished["error"].as_str().unwrap().contains("less than min_free (700.0 kB)"), "{ended}");
    assert!(!ended.err().contains("/mirror/j/zbig\n"), "{ended}");
}

#[test]
fn a_disk_with_less_than_min_free_is_not_written_to() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_pipe(&upstream);
    let more = "min_free = \"5000TB\"\nbefore = [\"touch ran\"]";
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), more);
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(4);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["attempts"]), (&"blocked".into(), &0.into()), "{ended}");
    assert!(finished["error"].as_str().unwrap().contains("less than min_free"), "{ended}");
    assert!(tree(&env.mirror("j")).is_empty() && !env.dir().join("ran").exists());
    // What a run would be stopped by stops its rehearsal.
    for rehearsal in ["--plan", "--dry-run"] {
        let ended = env.run(["sync", "j", rehearsal, "--json"]).expect_code(4);
        assert!(ended.finished()["error"].as_str().unwrap().contains("less than min_free"), "{ended}");
    }
}

#[test]
fn where_the_list_cannot_be_written_files_come_and_nothing_is_deleted() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    fs::create_dir(env.mirror("j")).unwrap();
    fs::write(env.mirror("j").join("old"), "x").unwrap();
    fs::write(env.state(), "a file").unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(3);
    let finished = ended.finished();
    let error = finished["error"].as_str().unwrap();
    assert!(
        error.contains("1 file was not deleted, since the list of deletions cannot be written"),
        "{ended}"
    );
    assert_eq!((&finished["files_transferred"], &finished["log"]), (&6.into(), &Value::Null), "{ended}");
    assert!(ended.err().contains("cannot write the log"), "{ended}");
    assert!(env.mirror("j").join("old").exists());
    // Where nothing is to be deleted, all is done.
    fs::remove_file(env.mirror("j").join("old")).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["status"], "ok", "{ended}");
    let ended = env.run(["sync", "j", "--no-delete", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["status"], "ok", "{ended}");
}

#[test]
fn what_belongs_to_somebody_else_in_the_mirror_stays_and_is_said() {
    if !rustix::process::geteuid().is_root() {
        crate::support::skipped("only root can make a directory that somebody else may not write to");
        return;
    }
    let env = Env::new();
    let (dest, source) = (env.mirror("j"), env.dir().join("source"));
    for dir in [&source, &dest] {
        fs::create_dir_all(dir.join("closed")).unwrap();
        fs::write(dir.join("closed/kept"), "x").unwrap();
    }
    fs::write(dest.join("closed/old"), "x").unwrap();
    fs::write(dest.join("old"), "x").unwrap();
    let config = one_job(
        &[&format!("{}/", source.display())],
        &dest,
        "delete = true\nrsync_args = [\"--no-p\", \"--no-t\", \"--size-only\"]",
    );
    let env = env.with_config(&config);
    // All but the closed directory is nobody's, who runs a copy of the program.
    let program = env.dir().join("pdb-sync");
    fs::copy(env!("CARGO_BIN_EXE_pdb-sync"), &program).unwrap();
    for path in [env.dir(), &dest] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
    }
    let who = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let run = |code| {
        let args = who.iter().map(OsStr::new).chain([program.as_os_str()]);
        let args = args.chain(["sync", "j", "--json"].map(OsStr::new));
        Running::start(env.program("setpriv", args)).wait().expect_code(code)
    };
    // The first run takes over what is there.
    run(0);

    // What cannot be deleted does not keep the rest from going.
    let ended = run(3);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["files_deleted"]), (&"partial".into(), &1.into()), "{ended}");
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains("1 entry could not be deleted: closed/old: Permission denied"), "{ended}");
    assert!(error.contains("its directory belongs to root, group root, mode "), "{ended}");
    assert!(dest.join("closed/old").exists() && !dest.join("old").exists());

    // What cannot be written keeps everything.
    fs::write(source.join("closed/new"), "x").unwrap();
    fs::write(source.join("fresh"), "x").unwrap();
    fs::write(dest.join("old"), "x").unwrap();
    let ended = run(3);
    let finished = ended.finished();
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains("permission denied") && error.contains("nothing was deleted"), "{ended}");
    assert!(finished["hint"] == "run as root", "{ended}");
    assert!(dest.join("old").exists() && dest.join("fresh").exists());
}

#[test]
fn what_rsync_discards_with_exit_code_0_is_missing() {
    let env = local("rsync_args = ['--delay-updates']\nretries = 0");
    let mirror = env.mirror("a");
    fs::create_dir_all(&mirror).unwrap();
    // Room for the file, but not for the directory in which it would wait.
    let script = format!("mount -t tmpfs -o nr_inodes=2 none '{}' && \"$@\"", mirror.display());
    let Some(ended) = with_mounts(&env, &script, &["sync", "a", "--json"]) else {
        return skipped("no file system may be mounted here");
    };
    assert_eq!(ended.code(), 3, "{ended}");
    let job = finished(&ended, "a");
    assert_eq!((&job["status"], &job["exit_code"]), (&"partial".into(), &0.into()), "{ended}");
    let error = "some files were left out (no directory for updates could be made): f";
    assert_eq!(job["error"], error, "{ended}");
}
