//! Directories and files of a mirror that belong to others: named with owner, group and mode, and with what helps.

use super::shared::{change, has, mirror, source, well};
use crate::support::{ALICE, BOB, Ended, Env, Fuse, GROUP, Running, one_job, without_flock};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

/// Does what the hint says in backquotes, as root.
#[track_caller]
fn heed(env: &Env, hint: &str) {
    let command = hint.split('`').nth(1).unwrap_or_else(|| panic!("{hint}"));
    let ended = Running::start(env.program("sh", ["-c", command])).wait().expect_code(0);
    assert_eq!(ended.err(), "", "{ended}");
}

fn hint_of(ended: &Ended) -> String {
    ended.finished()["hint"].as_str().unwrap_or_else(|| panic!("{ended}")).into()
}

fn doctor_says(env: &Env, text: &str) -> Option<String> {
    let ended = BOB.run(env, &["doctor", "--offline", "--json"]);
    let found =
        ended.events("check").into_iter().find(|check| check["text"].as_str().unwrap().contains(text))?;
    assert_eq!(found["verdict"], "warn", "{ended}");
    Some(found["hint"].as_str().unwrap().into())
}

#[test]
fn who_cannot_delete_is_told_whose_directory_it_is_and_what_helps() {
    for (gid, mode) in
        [(GROUP, 0o755), (GROUP, 0o2755), (ALICE.uid, 0o2775), (ALICE.uid, 0o755), (GROUP, 0o3775)]
    {
        let Some(env) = mirror(0o2775) else { return };
        let dir = env.mirror("j/ab");
        chown(&dir, None, Some(gid)).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(mode)).unwrap();
        fs::remove_file(source(&env, "f0")).unwrap();
        let ended = BOB.run(&env, &["sync", "j", "--json"]).expect_code(3);
        let error = ended.finished()["error"].as_str().unwrap().to_owned();
        let whose = format!("its directory belongs to uid 3001, group gid {gid}, mode {mode:04o}");
        assert!(error.contains("1 entry could not be deleted: ab/f0: ") && error.contains(&whose), "{ended}");
        let hint = hint_of(&ended);
        match doctor_says(&env, "cannot change 1 of 1 directories") {
            Some(told) => assert_eq!(told, hint),
            None => assert_eq!(mode, 0o3775, "a sticky bit bars only what belongs to others"),
        }
        heed(&env, &hint);
        well(BOB, &env);
        assert!(!has(&env, "f0"));
        assert_eq!(doctor_says(&env, "cannot change"), None);
    }
}

#[test]
fn an_own_directory_of_a_foreign_group_that_cannot_be_made_writable_is_told_with_what_helps() {
    let Some(env) = mirror(0o2775) else { return };
    let dir = env.mirror("j/ab");
    chown(&dir, Some(BOB.uid), Some(ALICE.uid)).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o2555)).unwrap();
    fs::remove_file(source(&env, "f0")).unwrap();
    let ended = BOB.run(&env, &["sync", "j", "--json"]).expect_code(3);
    let error = ended.finished()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("its directory belongs to uid 3002, group gid 3001, mode 2555"), "{ended}");
    assert!(error.contains("lose its setgid bit"), "{ended}");
    heed(&env, &hint_of(&ended));
    well(BOB, &env);
    assert!(!has(&env, "f0"));
}

#[test]
fn who_cannot_write_is_told_the_same() {
    let Some(env) = mirror(0o2775) else { return };
    fs::set_permissions(env.mirror("j/ab"), Permissions::from_mode(0o2755)).unwrap();
    change(&env, "f0", "n0");
    let ended = BOB.run(&env, &["sync", "j", "--json"]).expect_code(3);
    let error = ended.finished()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("ab belongs to uid 3001, group gid 4000, mode 2755"), "{ended}");
    heed(&env, &hint_of(&ended));
    well(BOB, &env);
    assert!(has(&env, "n0") && !has(&env, "f0"));
}

#[test]
fn a_lock_of_another_user_that_is_closed_is_named_and_can_be_opened() {
    let Some(env) = mirror(0o2775) else { return };
    change(&env, "f0", "n0");
    well(ALICE, &env);
    let lock = env.mirror("j/.pdb-sync/lock");
    fs::write(&lock, "").unwrap();
    chown(&lock, Some(ALICE.uid), Some(ALICE.uid)).unwrap();
    fs::set_permissions(&lock, Permissions::from_mode(0o644)).unwrap();
    change(&env, "f1", "n1");
    let ended = BOB.run(&env, &["sync", "j", "--json"]).expect_code(3);
    let whose = format!("{} belongs to uid 3001, group gid 3001, mode 0644", lock.display());
    assert!(ended.finished()["error"].as_str().unwrap().contains(&whose), "{ended}");
    let hint = hint_of(&ended);
    assert_eq!(doctor_says(&env, &whose), Some(hint.clone()));
    let purge = BOB.run(&env, &["clean", "purge", "j"]).expect_code(1);
    assert!(purge.err().contains(&whose) && purge.err().contains("chgrp"), "{purge}");
    heed(&env, &hint);
    well(BOB, &env);
    assert!(!has(&env, "f1"));
}

#[test]
fn a_link_in_the_place_of_our_directory_is_told_as_such() {
    let Some(env) = mirror(0o2775) else { return };
    symlink(env.dir(), env.mirror("j/.pdb-sync")).unwrap();
    let what = ".pdb-sync is a symlink";
    assert!(doctor_says(&env, what).unwrap().contains("move .pdb-sync in it away"));
    let ended = BOB.run(&env, &["clean", "purge", "j"]).expect_code(1);
    assert!(ended.err().contains(what) && ended.err().contains("move .pdb-sync in it away"), "{ended}");
}

#[test]
fn a_file_system_without_links_is_told_apart_from_missing_rights() {
    let Some(fuse) = Fuse::mounted("nolinks,nochmod") else { return };
    let (env, mirror) = (Env::new(), fuse.path().join("j"));
    let source = env.dir().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("a"), "a").unwrap();
    symlink("a", source.join("l")).unwrap();
    let config = one_job(&[&format!("{}/", source.display())], &mirror, "delete = true");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(3);
    assert!(hint_of(&ended).contains("`preset = \"minimal\"`"), "{ended}");
    let doctor = env.run(["doctor", "--offline"]);
    assert!(doctor.out().contains("cannot hold symbolic links"), "{doctor}");
    fs::write(env.config(), config.replace("delete = true", "delete = true\npreset = \"minimal\"")).unwrap();
    env.run(["sync", "j"]).expect_code(0);
    let doctor = env.run(["doctor", "--offline"]);
    assert!(!doctor.out().contains("symbolic links"), "{doctor}");

    // Links that do not come are not there. The first run at an empty destination takes nothing over.
    let other = env.dir().join("other");
    let config = one_job(&[&format!("{}/", source.display())], &other, "delete = true\npreset = \"minimal\"");
    fs::write(env.config(), config.replace("[jobs.j]", "[jobs.k]")).unwrap();
    fs::create_dir_all(other.join("foreign")).unwrap();
    let ended = env.run(["sync", "k", "--json"]).expect_code(0);
    let block = &ended.events("adopted")[0];
    assert_eq!((&block["same"], &block["missing"]), (&0.into(), &1.into()), "{ended}");
}

#[test]
fn where_nothing_can_be_locked_and_the_root_is_closed_the_transfer_comes_and_deletions_wait() {
    let Some(env) = mirror(0o2775) else { return };
    change(&env, "f0", "n0");
    // Neither the directory nor, below it, a file of ours can be made.
    chown(env.mirror("j"), Some(0), Some(0)).unwrap();
    fs::set_permissions(env.mirror("j"), Permissions::from_mode(0o555)).unwrap();
    let mut command = BOB.command(&env, &["sync", "j", "--json"]);
    without_flock(&mut command, libc::ENOLCK);
    let ended = Running::start(command).wait().expect_code(3);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["files_deleted"]), (&"partial".into(), &0.into()), "{ended}");
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains("1 file was not deleted, since others may be writing there"), "{ended}");
    assert!(error.contains("belongs to root, group root, mode 0555"), "{ended}");
    assert!(hint_of(&ended).contains("run as root"), "{ended}");
    assert!(has(&env, "n0") && has(&env, "f0"), "{ended}");
}
