//! A mirror in which files have several names (hard links), of which the source has only some.

use super::quick;
use crate::support::Env;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// A home with a job `j`, and a source with `a` and `b`, which are one file in the mirror.
fn home(more: &str) -> Env {
    let env = Env::new();
    let source = env.dir().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("a"), "what it was").unwrap();
    fs::hard_link(source.join("a"), source.join("b")).unwrap();
    let job =
        format!("[jobs.j]\nsource = 'source/'\ndest = 'j'\ndelete = true\nmax_delete = '100%'\n{more}\n");
    let env = env.with_config(&quick(&job));
    env.run(["sync", "j"]).expect_code(0);
    let mirror = env.mirror("j");
    fs::remove_file(mirror.join("b")).unwrap();
    fs::hard_link(mirror.join("a"), mirror.join("b")).unwrap();
    env
}

#[test]
fn a_name_goes_although_the_transfer_changes_the_file_by_another_name() {
    for kept in ["", "keep_deleted = '1d'\n"] {
        for (option, text, time) in [
            // In place, so that the name that goes shows the new contents, too.
            ("--inplace", "what it is now", 2),
            // The time only.
            ("-c", "what it was", 2),
            // Replaced: the name that goes keeps the old contents.
            ("-W", "what it is now", 2),
            ("-W", "what it was", 1),
        ] {
            let env = home(&format!("{kept}rsync_args = ['{option}']"));
            let source = env.dir().join("source");
            fs::remove_file(source.join("b")).unwrap();
            fs::write(source.join("a"), text).unwrap();
            let mtime = std::time::UNIX_EPOCH + std::time::Duration::from_secs(time * 1_000_000_000);
            fs::File::options().write(true).open(source.join("a")).unwrap().set_modified(mtime).unwrap();
            let ended = env.run(["sync", "j", "--json"]).expect_code(0);
            let job = ended.finished();
            assert_eq!(
                (&job["status"], &job["files_deleted"]),
                (&"ok".into(), &1.into()),
                "{option}: {ended}"
            );
            let mirror = env.mirror("j");
            assert_eq!(fs::read_to_string(mirror.join("a")).unwrap(), text, "{option}");
            assert!(!mirror.join("b").exists(), "{option}");
        }
    }
}

#[test]
fn the_last_name_of_a_file_that_has_changed_since_it_was_counted_stays() {
    let env = home("");
    let (source, mirror) = (env.dir().join("source"), env.mirror("j"));
    fs::remove_file(source.join("b")).unwrap();
    fs::write(source.join("a"), "another size").unwrap();
    // While the transfer runs, somebody writes to the name that is going to be deleted; the other one is replaced.
    let fake = env.dir().join("rsync");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *' -n '*|*--version*) exec rsync \"$@\" ;; esac\nrsync \"$@\"\ncode=$?\nprintf edited >>'{}'\nexit $code\n",
        mirror.join("b").display()
    );
    fs::write(&fake, script).unwrap();
    fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let config = fs::read_to_string(env.config()).unwrap();
    let config = config.replace("[sync]\n", &format!("[sync]\nrsync = '{}'\n", fake.display()));
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(3);
    assert!(
        ended.finished()["error"].as_str().unwrap().contains("b: it has changed since it was counted"),
        "{ended}"
    );
    assert_eq!(fs::read_to_string(mirror.join("b")).unwrap(), "what it wasedited");
    assert_eq!(fs::metadata(mirror.join("b")).unwrap().nlink(), 1);
}
