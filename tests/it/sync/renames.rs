//! Quarantines where the file system neither renames without replacing nor links.

use crate::support::{Env, Fuse, one_job};
use std::fs;
use std::time::{Duration, SystemTime};

#[test]
fn what_was_kept_comes_back_or_goes_for_good() {
    for options in ["noflags,nolinks", "noflags,nolinks,nochmod,gran2", "noflags,nolinks,inodes", "noflags"] {
        let Some(fuse) = Fuse::mounted(options) else { return };
        let (env, mirror) = (Env::new(), fuse.path().join("j"));
        let source = env.dir().join("source");
        fs::create_dir_all(source.join("ab")).unwrap();
        let put = |name: &str, text: &str, age: u64| {
            fs::write(source.join(name), text).unwrap();
            let time = SystemTime::now() - Duration::from_secs(age);
            fs::File::open(source.join(name)).unwrap().set_modified(time).unwrap();
        };
        for name in ["ab/x", "ab/y", "ab/z", "newer", "stays"] {
            put(name, name, 1_000_000);
        }
        let more = "preset = \"minimal\"\ndelete = true\nmax_delete = 50\nkeep_deleted = \"30d\"";
        let env = env.with_config(&one_job(&[&format!("{}/", source.display())], &mirror, more));
        env.run(["sync", "j"]).expect_code(0);
        fs::remove_dir_all(source.join("ab")).unwrap();
        put("newer", "newer than before", 500_000);
        let ended = env.run(["sync", "j", "--json"]).expect_code(0);
        assert_eq!(ended.finished()["files_deleted"], 3, "{options}: {ended}");
        let doctor = env.run(["doctor", "--offline"]);
        assert!(
            !doctor.out().lines().any(|line| line.contains("destination") && line.contains("rename")),
            "{doctor}"
        );

        // Something else has come to one of the places.
        fs::create_dir(mirror.join("ab")).unwrap();
        fs::write(mirror.join("ab/y"), "").unwrap();
        let ended = env.run(["clean", "undo", "last"]);
        assert!(ended.err().contains("another entry is in its place"), "{options}: {ended}");
        assert!(!ended.err().contains("not permitted"), "{options}: {ended}");
        for name in ["ab/x", "ab/z", "newer"] {
            assert_eq!(fs::read_to_string(mirror.join(name)).unwrap(), name, "{options}: {ended}");
        }
        assert_eq!(fs::read_to_string(mirror.join("ab/y")).unwrap(), "", "{options}");
        // As it would have been without the look: once its place is free, it comes back.
        fs::remove_file(mirror.join("ab/y")).unwrap();
        env.run(["clean", "undo", "last"]).expect_code(0);
        assert_eq!(fs::read_to_string(mirror.join("ab/y")).unwrap(), "ab/y", "{options}");

        env.run(["sync", "j"]).expect_code(0);
        assert!(!mirror.join("ab").exists(), "{options}");
        let ended = env.run(["clean", "purge", "j", "--older-than", "0"]).expect_code(0);
        assert!(ended.out().contains("removed "), "{options}: {ended}");
        assert!(!mirror.join(".pdb-sync").exists(), "{options}: {ended}");
        assert!(mirror.join("stays").exists());
    }
}

#[test]
fn a_file_in_the_place_of_a_directory_is_named_by_undo() {
    let env = Env::new();
    let (source, mirror) = (env.dir().join("source"), env.mirror("j"));
    fs::create_dir_all(source.join("ab/cd")).unwrap();
    fs::write(source.join("ab/cd/x"), "x").unwrap();
    fs::write(source.join("stays"), "").unwrap();
    let more = "delete = true\nmax_delete = 50\nkeep_deleted = \"30d\"";
    let env = env.with_config(&one_job(&[&format!("{}/", source.display())], &mirror, more));
    env.run(["sync", "j"]).expect_code(0);
    fs::remove_dir_all(source.join("ab")).unwrap();
    env.run(["sync", "j"]).expect_code(0);
    for (make, kind) in [(true, "a regular file"), (false, "a symlink")] {
        match make {
            true => fs::write(mirror.join("ab"), "").unwrap(),
            false => std::os::unix::fs::symlink("/tmp", mirror.join("ab")).unwrap(),
        }
        let ended = env.run(["clean", "undo", "last"]);
        let text = format!("ab is {kind} now, where its directory was: move ab aside, then undo again");
        assert!(ended.code() != 0 && ended.err().contains(&text), "{ended}");
        fs::rename(mirror.join("ab"), mirror.join("aside")).unwrap();
        if make {
            fs::remove_file(mirror.join("aside")).unwrap();
        }
    }
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert_eq!(fs::read_to_string(mirror.join("ab/cd/x")).unwrap(), "x");
}
