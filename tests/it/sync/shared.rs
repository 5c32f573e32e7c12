//! A mirror that several users of a group keep.

use crate::support::{ALICE, BOB, CAROL, Ended, Env, GROUP, User, one_job, skipped};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Owner, group and mode by hand, and nothing of what others own.
pub(super) const ARGS: &str = "rsync_args = [\"--no-p\", \"--no-o\", \"--no-g\", \"--omit-dir-times\"]";

/// A mirror of Alice's with a root of this mode, and a source of ten files. `None` where nobody can become somebody else.
pub(super) fn mirror(mode: u32) -> Option<Env> {
    if !rustix::process::geteuid().is_root() {
        skipped("only root can become somebody else");
        return None;
    }
    let env = Env::new();
    fs::create_dir_all(source(&env, "")).unwrap();
    for n in 0..10 {
        fs::write(source(&env, &format!("f{n}")), n.to_string()).unwrap();
    }
    for (dir, mode) in [(env.mirror("j"), mode), (env.mirror("j/ab"), mode & 0o2777)] {
        fs::create_dir(&dir).unwrap();
        chown(&dir, Some(ALICE.uid), Some(GROUP)).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(mode)).unwrap();
    }
    let from = format!("{}/", env.dir().join("source").display());
    let config =
        one_job(&[&from], &env.mirror("j"), &format!("delete = true\nkeep_deleted = \"30d\"\n{ARGS}"));
    let env = env.with_config(&config);
    // Each user has a state directory of their own, and a first run deletes nothing.
    for user in [ALICE, BOB] {
        user.run(&env, &["sync", "j"]).expect_code(0);
    }
    env.run(["sync", "j"]).expect_code(0);
    Some(env)
}

pub(super) fn source(env: &Env, name: &str) -> PathBuf {
    env.dir().join("source/ab").join(name)
}

/// The source loses one file and gets another; who syncs then ends so.
#[track_caller]
pub(super) fn change(env: &Env, gone: &str, new: &str) {
    fs::remove_file(source(env, gone)).unwrap();
    fs::write(source(env, new), new).unwrap();
}

pub(super) fn has(env: &Env, name: &str) -> bool {
    env.mirror("j/ab").join(name).exists()
}

/// A run to which nothing has happened that needs a word.
#[track_caller]
pub(super) fn well(user: User, env: &Env) -> Ended {
    let ended = user.run(env, &["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["status"], "ok", "{ended}");
    assert!(ended.events("notice").iter().all(|notice| notice["level"] == "debug"), "{ended}");
    ended
}

fn run_of(ended: &Ended) -> String {
    ended.events("run_finished")[0]["run"].as_str().unwrap().into()
}

/// What is ours in the mirror: path, group, mode and owner of each directory, and of each file that is not kept for somebody.
fn ours(env: &Env) -> Vec<(PathBuf, u32, u32, u32)> {
    fn walk(path: &Path, found: &mut Vec<(PathBuf, u32, u32, u32)>) {
        let meta = fs::symlink_metadata(path).unwrap();
        if meta.is_dir() || !path.to_string_lossy().contains("/escaped/") {
            found.push((path.into(), meta.gid(), meta.mode() & 0o7777, meta.uid()));
        }
        if meta.is_dir() {
            fs::read_dir(path).unwrap().for_each(|item| walk(&item.unwrap().path(), found));
        }
    }
    let mut found = Vec::new();
    walk(&env.mirror("j/.pdb-sync"), &mut found);
    found
}

#[track_caller]
fn follows(env: &Env, dirs: u32) {
    let all = ours(env);
    assert!(all.len() > 3, "{all:?}");
    for (path, gid, mode, _) in &all {
        let wanted = if path.is_dir() { dirs } else { dirs & 0o666 };
        assert_eq!((*gid, *mode), (GROUP, wanted), "{} of {all:#?}", path.display());
    }
}

/// As earlier versions had it: only for its owner.
fn closed(env: &Env) {
    for (path, ..) in ours(env) {
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        chown(&path, None, Some(ALICE.uid)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn two_users_delete_in_turn_and_each_undoes_its_own() {
    for (root, dirs) in
        [(0o2770, 0o2770), (0o2775, 0o2775), (0o3775, 0o2775), (0o770, 0o770), (0o2777, 0o2775)]
    {
        let Some(env) = mirror(root) else { return };
        change(&env, "f0", "n0");
        let first = run_of(&well(ALICE, &env));
        follows(&env, dirs);
        change(&env, "f1", "n1");
        // Also what the other one has brought is replaced.
        fs::write(source(&env, "f5"), "newer").unwrap();
        let second = run_of(&well(BOB, &env));
        follows(&env, dirs);
        assert!(!has(&env, "f1") && has(&env, "n1"));
        change(&env, "f2", "n2");
        well(ALICE, &env);
        change(&env, "f3", "n3");
        well(BOB, &env);
        follows(&env, dirs);

        BOB.run(&env, &["clean", "undo", "last"]).expect_code(0);
        BOB.run(&env, &["clean", "undo", &second]).expect_code(0);
        assert_eq!(fs::read_to_string(env.mirror("j/ab/f5")).unwrap(), "5");
        let ended = BOB.run(&env, &["clean", "undo", &first]).expect_code(2);
        assert!(ended.err().contains(&format!("no journal of run {first}")), "{ended}");
        assert!(ended.err().contains("was made by uid 3001"), "{ended}");
        assert!(ended.err().contains("run as uid 3001, or as root with --state-dir"), "{ended}");
        ALICE.run(&env, &["clean", "undo", &first]).expect_code(0);
        for name in ["f0", "f1", "f3"] {
            assert!(has(&env, name), "{name}");
        }
        assert!(!has(&env, "f2"));
        follows(&env, dirs);
    }
}

#[test]
fn a_directory_that_an_undo_makes_again_is_for_the_group() {
    let Some(env) = mirror(0o2775) else { return };
    let other = env.dir().join("source/cd");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("a"), "a").unwrap();
    fs::write(other.join("b"), "b").unwrap();
    let there = env.mirror("j/cd");
    fs::create_dir(&there).unwrap();
    chown(&there, Some(BOB.uid), Some(GROUP)).unwrap();
    fs::set_permissions(&there, Permissions::from_mode(0o2770)).unwrap();
    well(ALICE, &env);
    fs::write(other.join("a"), "another a").unwrap();
    let first = run_of(&well(ALICE, &env));
    // Bob takes the directory away, of which Alice's journal says nothing.
    fs::remove_dir_all(&other).unwrap();
    let second = run_of(&well(BOB, &env));
    assert!(!there.exists());
    ALICE.run(&env, &["clean", "undo", &first]).expect_code(0);
    let meta = fs::metadata(&there).unwrap();
    assert_eq!((meta.gid(), meta.mode() & 0o7777), (GROUP, 0o2775));
    // Bob's says what it was like.
    fs::remove_dir_all(&there).unwrap();
    BOB.run(&env, &["clean", "undo", &second]).expect_code(0);
    let meta = fs::metadata(&there).unwrap();
    assert_eq!((meta.gid(), meta.mode() & 0o7777, meta.uid()), (GROUP, 0o2770, BOB.uid));
}

#[test]
fn what_root_made_belongs_to_the_owner_of_the_mirror() {
    let Some(env) = mirror(0o755) else { return };
    change(&env, "f0", "n0");
    env.run(["sync", "j"]).expect_code(0);
    assert!(ours(&env).iter().all(|(_, gid, _, uid)| (*gid, *uid) == (GROUP, ALICE.uid)), "{:?}", ours(&env));
    change(&env, "f1", "n1");
    well(ALICE, &env);
}

#[test]
fn a_directory_of_another_user_costs_the_deletions_and_not_the_transfer() {
    let Some(env) = mirror(0o2775) else { return };
    change(&env, "f0", "n0");
    well(ALICE, &env);
    closed(&env);
    let place = env.mirror("j/.pdb-sync");
    let owned = format!("{} belongs to uid 3001, group gid 3001, mode 0700", place.display());

    change(&env, "f1", "n1");
    let ended = BOB.run(&env, &["sync", "j", "--json"]).expect_code(3);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["files_deleted"]), (&"partial".into(), &0.into()), "{ended}");
    assert!(finished["error"].as_str().unwrap().contains(&owned), "{ended}");
    let hint = finished["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("chgrp 4000") && hint.contains("chmod"), "{ended}");
    assert!(has(&env, "f1") && has(&env, "n1"), "{ended}");
    // Told once, and in one way.
    let warnings = ended.events("notice").into_iter().filter(|notice| notice["level"] != "debug");
    assert_eq!(warnings.count(), 0, "{ended}");
    let doctor = BOB.run(&env, &["doctor", "--offline", "--json"]);
    let found = doctor
        .events("check")
        .into_iter()
        .find(|check| check["text"].as_str().unwrap().contains(&owned) && check["verdict"] == "warn");
    let found = found.unwrap_or_else(|| panic!("{doctor}"));
    assert_eq!(found["hint"], hint.as_str(), "{doctor}");
    let doctor = ALICE.run(&env, &["doctor", "--offline"]);
    assert!(doctor.out().contains("not every user of group gid 4000"), "{doctor}");

    // Where nothing is to be deleted, it is a warning.
    fs::write(source(&env, "f1"), "1").unwrap();
    let ended = BOB.run(&env, &["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["status"], "warned", "{ended}");
    assert!(ended.finished()["error"].as_str().unwrap().contains(&owned), "{ended}");
    // Explicit commands fail before they touch anything.
    fs::write(env.mirror("j/ab/x~"), "x").unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3 * 86_400);
    fs::File::open(env.mirror("j/ab/x~")).unwrap().set_modified(old).unwrap();
    BOB.run(&env, &["clean", "plan", "j"]).expect_code(0);
    for args in [&["clean", "purge", "j", "--older-than", "0"][..], &["clean", "run", "--yes"]] {
        let ended = BOB.run(&env, args).expect_code(1);
        assert!(ended.err().contains(&owned) && ended.err().contains("chgrp"), "{ended}");
    }
    assert!(has(&env, "x~"));
    fs::remove_file(env.mirror("j/ab/x~")).unwrap();

    // The command of the hint is true.
    let command = hint.split('`').nth(1).unwrap();
    let ended = crate::support::Running::start(env.program("sh", ["-c", command])).wait().expect_code(0);
    assert_eq!(ended.err(), "", "{ended}");
    change(&env, "f2", "n2");
    well(BOB, &env);
    ALICE.run(&env, &["clean", "undo", "last"]).expect_code(0);
    assert!(has(&env, "f0"));
}

#[test]
fn the_next_run_of_its_owner_shares_what_an_earlier_version_made() {
    let Some(env) = mirror(0o2775) else { return };
    change(&env, "f0", "n0");
    well(ALICE, &env);
    closed(&env);
    // Also where nothing is to be kept.
    well(ALICE, &env);
    follows(&env, 0o2775);
    let doctor = ALICE.run(&env, &["doctor", "--offline"]);
    assert!(!doctor.out().contains("not every user"), "{doctor}");
    change(&env, "f1", "n1");
    well(BOB, &env);
    let ended = BOB.run(&env, &["clean", "purge", "j", "--older-than", "0"]).expect_code(0);
    assert!(ended.out().contains("removed 2 entries of 2 runs"), "{ended}");
}

#[test]
fn a_quarantine_that_another_user_has_closed_stays_whole_and_hinders_nobody() {
    let Some(env) = mirror(0o2775) else { return };
    change(&env, "f0", "n0");
    let first = run_of(&well(ALICE, &env));
    let closed = env.mirror("j/.pdb-sync/quarantine").join(&first);
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    change(&env, "f1", "n1");
    well(BOB, &env);
    let ended = BOB.run(&env, &["clean", "purge", "j", "--older-than", "0"]).expect_code(1);
    assert!(ended.err().contains(&format!("{first}: Permission denied")), "{ended}");
    assert!(ended.err().contains("it belongs to uid 3001"), "{ended}");
    assert!(ended.out().contains("removed 1 entry of 1 run"), "{ended}");
    // It has kept its name, so it can be undone.
    ALICE.run(&env, &["clean", "undo", &first]).expect_code(0);
    assert!(has(&env, "f0"));
}

#[test]
fn marks_that_only_another_user_may_read_are_written_anew() {
    let Some(env) = mirror(0o2775) else { return };
    let config = fs::read_to_string(env.config()).unwrap();
    fs::write(env.config(), config.replace("\"30d\"", "\"1ms\"")).unwrap();
    change(&env, "f0", "n0");
    well(ALICE, &env);
    well(ALICE, &env);
    follows(&env, 0o2775);
    let marks = env.mirror("j/.pdb-sync/marks.json");
    chown(&marks, None, Some(ALICE.uid)).unwrap();
    fs::set_permissions(&marks, Permissions::from_mode(0o600)).unwrap();
    let ended = BOB.run(&env, &["sync", "j", "--json"]).expect_code(0);
    assert!(ended.out().contains("marks.json may be read only by another user"), "{ended}");
    assert_eq!(fs::metadata(&marks).unwrap().uid(), BOB.uid);
    follows(&env, 0o2775);
    well(BOB, &env);
    well(ALICE, &env);
}

#[test]
fn what_another_user_was_killed_over_is_told_without_a_warning() {
    let Some(env) = mirror(0o2775) else { return };
    change(&env, "f0", "n0");
    let first = run_of(&well(ALICE, &env));
    // As rsync backs up into a directory of the mirror that only its owner may write to.
    let left = env.mirror("j/.pdb-sync/quarantine").join(&first).join("replaced-100");
    fs::create_dir_all(left.join("ab")).unwrap();
    fs::write(left.join("ab/f9.cif"), "older").unwrap();
    for path in [&left, &left.join("ab"), &left.join("ab/f9.cif")] {
        chown(path, Some(ALICE.uid), Some(GROUP)).unwrap();
        if path.is_dir() {
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
    }
    change(&env, "f1", "n1");
    let ended = BOB.run(&env, &["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["status"], "ok", "{ended}");
    let told = ended.events("notice").into_iter().filter(|notice| notice["level"] != "debug");
    let told: Vec<_> = told.map(|notice| (notice["level"].clone(), notice["text"].to_string())).collect();
    assert!(!told.is_empty() && told.iter().all(|(level, _)| level == "info"), "{ended}");
    assert!(told[0].1.contains("in a directory of uid 3001; a run of that user tries again"), "{ended}");
    let ended = ALICE.run(&env, &["sync", "j", "--json"]).expect_code(0);
    assert!(!left.exists(), "{ended}");
    follows(&env, 0o2775);
}

#[test]
fn who_is_not_of_the_group_is_told_so_and_nothing_else() {
    let Some(env) = mirror(0o2775) else { return };
    change(&env, "f0", "n0");
    well(ALICE, &env);
    // To look is permitted, as for everybody who may read the mirror.
    fs::remove_file(source(&env, "f1")).unwrap();
    let ended = CAROL.run(&env, &["sync", "j", "--json"]).expect_code(3);
    let (error, hint) = (ended.finished()["error"].to_string(), ended.finished()["hint"].to_string());
    assert!(error.contains("/quarantine belongs to uid 3001, group gid 4000, mode 2775"), "{ended}");
    assert!(hint.contains("run as uid 3001 or a member of group gid 4000"), "{ended}");
    assert!(!hint.contains("chgrp") && !hint.contains("disk"), "{ended}");
    fs::write(source(&env, "n1"), "new").unwrap();
    let ended = CAROL.run(&env, &["sync", "j", "--json"]).expect_code(3);
    assert!(ended.finished()["error"].as_str().unwrap().contains("permission denied: "), "{ended}");
    assert_eq!(ended.finished()["hint"], "run as uid 3001 or a member of group gid 4000", "{ended}");
    let doctor = CAROL.run(&env, &["doctor", "--offline"]);
    assert!(
        doctor.out().contains("run as uid 3001 or a member of group gid 4000, who may write in"),
        "{doctor}"
    );

    fs::set_permissions(env.mirror("j"), Permissions::from_mode(0o2770)).unwrap();
    let ended = CAROL.run(&env, &["sync", "j", "--json"]).expect_code(1);
    let hint = ended.finished()["hint"].to_string();
    assert!(hint.contains("belongs to uid 3001, group gid 4000, mode 2770: run as"), "{ended}");
    assert!(!hint.contains("disk"), "{ended}");
}
