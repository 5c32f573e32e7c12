//! Mistakes that are found before work begins, with the right one blamed and a hint that helps.

use crate::support::Env;
use std::fs;
use std::os::unix::fs::symlink;

/// A job `j` whose destination is this, below the directory of mirrors, and a job `ok` beside it.
fn at(dest: &str) -> Env {
    let jobs = format!(
        "version = 1\n[defaults]\nroot = 'mirror'\nretries = 0\n[jobs.j]\nsource = 'up/'\ndest = '{dest}'\n\
         [jobs.ok]\nsource = 'up/'\ndest = 'ok'\n"
    );
    let env = Env::new().with_config(&jobs);
    fs::create_dir_all(env.dir().join("up")).unwrap();
    fs::write(env.dir().join("up/f"), "text").unwrap();
    fs::create_dir_all(env.dir().join("mirror")).unwrap();
    fs::write(env.mirror("file"), "").unwrap();
    symlink("nowhere", env.mirror("hanging")).unwrap();
    symlink("file", env.mirror("to-file")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, env.mirror("fifo"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    env
}

#[test]
fn what_is_in_the_way_of_a_destination_is_told_alike_by_all() {
    for (dest, text) in [
        ("file", "mirror/file is not a directory, but a file"),
        ("file/a/b", "mirror/file is not a directory, but a file"),
        ("to-file", "mirror/to-file is not a directory, but a file"),
        ("fifo", "mirror/fifo is not a directory, but a FIFO"),
        ("fifo/a", "mirror/fifo is not a directory, but a FIFO"),
        ("hanging", "mirror/hanging is a symbolic link to nowhere, which does not exist"),
        ("hanging/a", "mirror/hanging is a symbolic link to nowhere, which does not exist"),
    ] {
        let env = at(dest);
        let check = env.run(["config", "check", "--json"]).expect_code(2);
        let problem = &check.events("problem")[0];
        assert!(problem["text"].as_str().unwrap().contains(text), "{dest}\n{check}");
        assert!(problem["text"].as_str().unwrap().starts_with("job \"j\": "), "{dest}\n{check}");
        assert_eq!(problem["line"], 7, "{dest}\n{check}");
        let hint = problem["hint"].as_str().unwrap().to_owned();
        assert!(hint.contains("correct `dest`"), "{check}");
        for way in [&["sync", "--all"][..], &["sync", "--all", "--plan"], &["sync", "--all", "--dry-run"]] {
            let ended = env.run([way, &["--json"]].concat()).expect_code(1);
            let finished = ended.events("job_finished");
            let of = |name: &str| finished.iter().find(|job| job["job"] == name).unwrap();
            assert_eq!(of("ok")["status"], "ok", "{way:?}\n{ended}");
            assert_eq!(of("j")["status"], "failed", "{way:?}\n{ended}");
            assert!(of("j")["error"].as_str().unwrap().contains(text), "{way:?}\n{ended}");
            assert_eq!(of("j")["hint"], hint.as_str(), "{way:?}\n{ended}");
            assert_eq!(of("j")["attempts"], 0, "nothing was started: {ended}");
        }
        for way in [&["scan", "j"][..], &["verify", "j"], &["clean", "plan", "j"]] {
            let ended = env.run(way).expect_code(2);
            assert!(ended.err().contains(text) && ended.err().contains(&hint), "{way:?}\n{ended}");
        }
        let doctor = env.run(["doctor", "--offline", "j"]).expect_code(1);
        assert!(doctor.out().contains(text), "{doctor}");
        // What is typed is refused as a whole.
        let typed = env.run(["sync", "ok", "--dest", env.mirror(dest).to_str().unwrap()]).expect_code(2);
        assert!(typed.err().contains(text), "{typed}");
    }
}
