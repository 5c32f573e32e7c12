//! Trees that do not want to be cleaned: closed, immutable, full, mounted over.

use super::super::support::{Ended, Env, Running, Somebody, mode_of, skipped, tree};
use super::{age, littered};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn what_cannot_be_changed_fails_and_the_rest_goes() {
    if !is_root() {
        return skipped("only root can make a directory of somebody else");
    }
    let env = Env::new();
    let root = env.mirror("m");
    for dir in ["closed", "locked", "open", "theirs"] {
        fs::create_dir_all(root.join(dir)).unwrap();
        fs::write(root.join(dir).join("x~"), "left over").unwrap();
    }
    age(&root);
    let somebody = Somebody::new(&env);
    chown(root.join("theirs"), Some(1234), Some(1234)).unwrap();
    somebody.run(&["clean", "plan", "./mirror/m"]).expect_code(0);
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(root.join("locked"), fs::Permissions::from_mode(0o000)).unwrap();
    let run = somebody.run(&["clean", "run", "--yes", "--json"]).expect_code(1);
    let end = run.json().pop().unwrap();
    assert_eq!(
        (&end["failed"], &end["quarantined"], &end["skipped"]),
        (&2.into(), &2.into(), &0.into()),
        "{run}"
    );
    assert!(root.join("theirs/x~").exists() && root.join("locked/x~").exists());
    assert!(!root.join("closed/x~").exists());
    let log = somebody.run(&["clean", "log", "last"]).out();
    assert!(log.contains("cannot open its directory: Permission denied"), "{log}");
    assert!(log.contains("its directory belongs to uid 1234, group "), "{log}");
    fs::set_permissions(root.join("locked"), fs::Permissions::from_mode(0o755)).unwrap();
    somebody.run(&["clean", "undo", "last"]).expect_code(0);
    assert!(root.join("open/x~").exists() && root.join("closed/x~").exists());
    assert_eq!(mode_of(&root.join("closed")), 0o555);
}

#[test]
fn what_somebody_else_owns_is_no_backup_of_ours() {
    if !is_root() || !Path::new("/dev/shm").is_dir() {
        eprintln!("SKIPPED: files of others: only root has them, and /dev/shm is needed");
        return;
    }
    let env = Env::new();
    let root = env.mirror("m");
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("x~"), "of somebody else").unwrap();
    age(&root);
    let somebody = Somebody::new(&env);
    chown(root.join("x~"), Some(1234), Some(1234)).unwrap();
    fs::set_permissions(root.join("x~"), fs::Permissions::from_mode(0o644)).unwrap();
    somebody.run(&["clean", "plan", "./mirror/m"]).expect_code(0);
    let other = tempfile::tempdir_in("/dev/shm").unwrap();
    chown(other.path(), Some(65534), Some(65534)).unwrap();
    let dir = other.path().to_str().unwrap();
    let run = somebody.run(&["clean", "run", "--yes", "--backup-dir", dir]).expect_code(1);
    assert!(run.err().contains("its owner 1234:1234 cannot be kept there"), "{run}");
    assert_eq!(fs::read_to_string(root.join("x~")).unwrap(), "of somebody else");
    assert_eq!(tree(other.path()).values().filter(|e| e.size > 0).count(), 0);
}

#[test]
fn immutable_files_fail_and_stay() {
    let env = Env::new();
    let root = env.mirror("m");
    fs::create_dir_all(&root).unwrap();
    for name in ["x~", "y~"] {
        fs::write(root.join(name), "left over").unwrap();
    }
    age(&root);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    let chattr = |flag: &str| {
        let done = Command::new("chattr").arg(flag).arg(root.join("x~")).stderr(Stdio::null()).status();
        done.is_ok_and(|status| status.success())
    };
    if !chattr("+i") {
        eprintln!("SKIPPED: immutable files: chattr +i is not permitted here");
        return;
    }
    // To be made immutable changes a file: a new plan is needed.
    let drifted = env.run(["clean", "run", "--yes", "--json"]);
    let planned = env.run(["clean", "plan", "./mirror/m"]);
    let run = env.run(["clean", "run", "--yes", "--delete", "--json"]);
    let log = env.run(["clean", "log", "last"]);
    let stays = root.join("x~").exists();
    assert!(chattr("-i"));
    assert_eq!(drifted.expect_code(3).json().pop().unwrap()["quarantined"], 1);
    planned.expect_code(0);
    assert_eq!(run.expect_code(1).json().pop().unwrap()["failed"], 1);
    assert!(stays && log.out().contains("Operation not permitted"), "{log}");
}

/// Runs a script with `$0` the mirror and `$1` the program where file systems may be mounted; they go with it. `None`
/// where that is not permitted.
fn with_mounts(env: &Env, root: &Path, script: &str) -> Option<Ended> {
    let way = ["-m", "-rm"].into_iter().find(|way| {
        let mut probe = Command::new("unshare");
        probe.args([way, "mount", "-t", "tmpfs", "none", "/mnt"]).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    });
    let line = [OsStr::new(way?), "sh".as_ref(), "-c".as_ref(), script.as_ref(), root.as_os_str()];
    let line = line.into_iter().chain([OsStr::new(env!("CARGO_BIN_EXE_pdb-sync"))]);
    Some(Running::start(env.program("unshare", line)).wait())
}

#[test]
fn a_full_disk_takes_nothing_and_loses_nothing() {
    let env = Env::new();
    let root = env.mirror("m");
    fs::create_dir_all(&root).unwrap();
    // Not even a directory can be made for the quarantine.
    let script = "mount -t tmpfs -o nr_inodes=12 none \"$0\" || exit 9
        for n in 1 2 3; do echo $n >\"$0/$n~\"; touch -d '3 days ago' \"$0/$n~\"; done
        i=0; while touch \"$0/fill$i\" 2>/dev/null; do i=$((i+1)); done
        \"$1\" clean plan \"$0\" -q >&2 || exit 9
        \"$1\" clean run --yes --json; code=$?
        cat \"$0\"/*~ | tr '\\n' ' ' >&2; exit $code";
    let Some(ended) = with_mounts(&env, &root, script) else {
        eprintln!("SKIPPED: full and mounted file systems: no mount is permitted here");
        return;
    };
    let ended = ended.expect_code(1);
    let end = ended.json().pop().unwrap();
    assert_eq!((&end["failed"], &end["quarantined"]), (&3.into(), &0.into()), "{ended}");
    assert!(ended.err().ends_with("1 2 3 "), "{ended}");
    // Nor does a backup fit.
    let script = "mkdir \"$0.bak\" && mount -t tmpfs -o size=64k none \"$0.bak\" || exit 9
        dd if=/dev/urandom of=\"$0/big~\" bs=1k count=300 2>/dev/null; sum=$(cksum <\"$0/big~\")
        echo small >\"$0/small~\"; touch -d '3 days ago' \"$0\"/*~
        \"$1\" clean plan \"$0\" -q >&2 || exit 9
        \"$1\" clean run --yes --json --backup-dir \"$0.bak\"; code=$?
        [ \"$sum\" = \"$(cksum <\"$0/big~\")\" ] && find \"$0.bak\" -type f | wc -l >&2; exit $code";
    let ended = with_mounts(&env, &root, script).unwrap().expect_code(1);
    let end = ended.json().pop().unwrap();
    assert_eq!((&end["failed"], &end["backed_up"]), (&1.into(), &1.into()), "{ended}");
    assert!(ended.err().ends_with("1\n"), "only the small one is there: {ended}");
}

#[test]
fn what_is_mounted_below_the_root_is_another_tree() {
    let env = Env::new();
    let root = env.mirror("m");
    fs::create_dir_all(root.join("ab")).unwrap();
    fs::write(root.join("ab/x~"), "left over").unwrap();
    age(&root);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    let script = "mount -t tmpfs none \"$0/ab\" && echo precious >\"$0/ab/x~\" || exit 9
        \"$1\" clean run --yes --json; code=$?; cat \"$0/ab/x~\" >&2; exit $code";
    let Some(ended) = with_mounts(&env, &root, script) else {
        eprintln!("SKIPPED: full and mounted file systems: no mount is permitted here");
        return;
    };
    let ended = ended.expect_code(4);
    assert!(ended.err().contains("has the mount point"), "{ended}");
    assert!(ended.err().ends_with("precious\n"), "{ended}");
    assert_eq!(fs::read_to_string(root.join("ab/x~")).unwrap(), "left over");
}

#[test]
fn undo_knows_the_tree_again_after_the_disk_was_mounted_anew() {
    let env = Env::new();
    let root = littered(&env);
    let before = tree(&root);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    let run = env.run(["clean", "run", "--yes", "--json"]).expect_code(0).json().pop().unwrap();
    let journal = Path::new(run["journal"].as_str().unwrap());
    let text = fs::read_to_string(journal).unwrap();
    let (first, _) = text.split_once('\n').unwrap();
    let number = |key: &str| {
        let begin: serde_json::Value = serde_json::from_str(first).unwrap();
        begin["begin"]["root"][key].as_u64().unwrap()
    };
    let (dev, ino) = (format!("\"dev\":{}", number("dev")), format!("\"ino\":{}", number("ino")));
    fs::write(journal, text.replacen(&ino, "\"ino\":1", 1)).unwrap();
    let ended = env.run(["clean", "undo", "last"]).expect_code(4);
    assert!(ended.err().contains("is not the directory that was cleaned then"), "{ended}");
    // Device numbers are given anew at every mount.
    fs::write(journal, text.replacen(&dev, "\"dev\":1", 1)).unwrap();
    let place = root.join(".pdb-sync/quarantine").join(run["run"].as_str().unwrap());
    let info = fs::read(place.join("info%2Ejson")).unwrap();
    fs::write(place.join("info%2Ejson"), "{}").unwrap();
    env.run(["clean", "undo", "last"]).expect_code(4);
    fs::write(place.join("info%2Ejson"), info).unwrap();
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert_eq!(tree(&root), before);
}
