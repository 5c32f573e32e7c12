//! Mistakes of the configuration that concern one job: it fails with the words of `config check`, and the others run.

use super::quick;
use crate::support::{Env, tree};
#[cfg(target_os = "linux")]
use crate::support::{skipped, with_mounts};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A job `a` with these keys, and a sound job `b` beside it.
fn two(a: &str) -> Env {
    let env = Env::new();
    fs::create_dir_all(env.dir().join("up/sub")).unwrap();
    fs::write(env.dir().join("up/f"), "contents\n").unwrap();
    env.with_config(&quick(&format!("[jobs.a]\n{a}\n[jobs.b]\nsource = 'up/'\ndest = 'b'\n")))
}

/// `a` fails with this text, `b` runs, `config check` and `doctor` say the same. Returns the problem.
#[track_caller]
fn only_a_fails(env: &Env, text: &str) -> serde_json::Value {
    let before = tree(&env.dir().join("up"));
    let ended = env.run(["sync", "--all", "--json"]).expect_code(1);
    let finished: Vec<_> = ended.events("job_finished");
    let of = |name: &str| finished.iter().find(|job| job["job"] == name).unwrap();
    assert_eq!((&of("a")["status"], &of("b")["status"]), (&"failed".into(), &"ok".into()), "{ended}");
    let error = of("a")["error"].as_str().unwrap();
    assert!(error.contains(text), "{text}\n{ended}");
    assert!(of("a")["hint"].is_string() && of("a")["attempts"] == 0, "{ended}");
    assert!(env.mirror("b").join("f").exists(), "{ended}");
    assert_eq!(tree(&env.dir().join("up")), before);
    env.run(["sync", "a", "--plan"]).expect_code(1);
    let shown = env.run(["sync", "--all", "--print-command"]).expect_code(1);
    assert!(shown.err().contains(error) && shown.out().contains("# b: "), "{shown}");
    let check = env.run(["config", "check", "--json"]).expect_code(2);
    let problem = check.events("problem").remove(0);
    assert_eq!(problem["text"], format!("job \"a\": {error}"), "{check}");
    assert_eq!(problem["hint"], of("a")["hint"], "{check}");
    assert!(problem["line"].is_u64() && problem["column"].is_u64(), "{check}");
    let doctor = env.run(["doctor", "--offline"]).expect_code(1);
    assert!(doctor.out().contains(error), "{doctor}");
    env.run(["list"]).expect_code(0);
    env.run(["scan", "b"]).expect_code(0);
    problem
}

#[test]
fn a_path_that_cannot_be_expanded_fails_its_job() {
    for (a, text) in [
        ("source = 'up/'\ndest = '$NOPE/a'", "the environment has no variable NOPE"),
        ("source = '${NOPE}/up/'\ndest = 'a'", "the environment has no variable NOPE"),
        ("source = ['up/', '~bob/x/']\ndest = 'a'", "only ~ and ~/… are understood"),
        ("source = 'up/'\ndest = '%TEMP%/a'", "%…% means nothing here"),
        ("source = 'up/'\ndest = 'a'\nroot = '$NOPE'", "the environment has no variable NOPE"),
        ("source = 'up/'\ndest = 'a'\nrsync_args = ['--exclude-from=$NOPE/x']", "no variable NOPE"),
        ("source = 'h::m/'\ndest = 'a'\npassword_file = '$NOPE/x'", "no variable NOPE"),
    ] {
        let env = two(a);
        only_a_fails(&env, text);
        assert!(!env.mirror("a").exists(), "{a}");
    }
    let env = two("source = 'up/'\ndest = '$EMPTY/a'").with_var("EMPTY", "");
    let problem = only_a_fails(&env, "the variable EMPTY of the environment is empty");
    assert!(problem["hint"].as_str().unwrap().starts_with("give EMPTY a value"), "{problem}");
    // Where the mirror is not known, nobody looks for it.
    let scan = env.run(["scan", "a"]).expect_code(2);
    assert!(scan.err().contains("EMPTY"), "{scan}");
    let list = env.run(["list", "--json"]).expect_code(0);
    assert_eq!(list.events("job")[0]["dest"], serde_json::Value::Null, "{list}");
    env.run(["status", "--json"]).expect_code(0);
}

#[test]
fn what_everybody_needs_fails_everybody() {
    let env = two("source = 'up/'\ndest = 'a'");
    let text = fs::read_to_string(env.config()).unwrap();
    let env = env.with_config(&text.replacen("[sync]", "[sync]\nrsync = '$NOPE/rsync'", 1));
    let ended = env.run(["sync", "--all", "--json"]).expect_code(1);
    for job in ended.events("job_finished") {
        assert!(job["error"].as_str().unwrap().contains("no variable NOPE"), "{ended}");
    }
    env.run(["list"]).expect_code(0);
    env.run(["config", "check"]).expect_code(2);
    let env = env.with_config(&format!("{text}[clean]\nmode = 'backup'\nbackup_dir = '$NOPE/x'\n"));
    env.run(["sync", "--all"]).expect_code(0);
    env.run(["config", "check"]).expect_code(2);
}

#[test]
fn a_mirror_inside_its_own_source_fails() {
    for (a, text) in [
        ("source = 'up/'\ndest = '../up/sub/m'", "lies inside the source"),
        ("source = 'up'\ndest = '../up/sub'", "lies inside the source"),
        ("source = 'up/'\ndest = '../up'", "is the source itself"),
        ("source = 'up/sub'\ndest = '../up'", "is the source itself"),
        ("source = 'up'\ndest = '../up'", "is the source itself"),
        ("source = 'up/sub/..'\ndest = '../mirror/../up/m'", "lies inside the source"),
        ("source = ['h::m/', 'up/']\ndest = '../up/m'", "lies inside the source"),
        ("source = 'up/sub/'\ndest = '../up'\ndelete = true", "would delete its own source"),
        ("source = 'up/'\ndest = 'a'\nrsync_args = ['-b', '--backup-dir=../../up/old']", "--backup-dir"),
        ("source = 'up/'\ndest = '../up/m'\ninclude = ['*/']\nexclude = ['/m/']", "lies inside the source"),
        ("source = 'up/'\ndest = '../up/m'\nexclude = ['/n/']", "lies inside the source"),
    ] {
        let problem = only_a_fails(&two(a), text);
        assert!(problem["hint"].as_str().unwrap().contains("director"), "{problem}");
    }
}

#[test]
fn a_mirror_inside_its_own_source_is_seen_through_links() {
    for (a, link) in [
        ("source = 'up/'\ndest = '../link/m'", ("up/sub", "link")),
        ("source = 'link/'\ndest = '../up/m'", ("up", "link")),
    ] {
        let env = two(a);
        symlink(link.0, env.dir().join(link.1)).unwrap();
        only_a_fails(&env, "lies inside the source");
    }
}

/// `$2` holds the source `up/`; the job's destination is below `$2/link`.
#[cfg(target_os = "linux")]
#[test]
fn a_mirror_inside_its_own_source_is_seen_through_bind_mounts() {
    for mount in ["mount --bind \"$2/up\" \"$2/link\"", "mount --bind \"$2/up/sub\" \"$2/link\""] {
        let env = two("source = 'up/'\ndest = '../link/m'");
        fs::create_dir(env.dir().join("link")).unwrap();
        let script = format!("{mount} || exit 99\nexec \"$1\" config check");
        let dir = env.dir().to_str().unwrap();
        let Some(ended) = with_mounts(&env, &script, &[dir]) else {
            return skipped("no mount is permitted here");
        };
        assert!(ended.expect_code(2).err().contains("lies inside the source"), "{mount}");
    }
}

#[test]
fn what_leaves_the_mirror_out_leads_out() {
    for exclude in ["exclude = ['/m/']", "exclude = ['m']", "rsync_args = ['--exclude=/m/']"] {
        let env = two(&format!("source = 'up/'\ndest = '../up/m'\n{exclude}"));
        env.run(["config", "check"]).expect_code(0);
        env.run(["sync", "a"]).expect_code(0);
        env.run(["sync", "a"]).expect_code(0);
        let mirror = env.dir().join("up/m");
        assert!(mirror.join("f").exists() && !mirror.join("m").exists(), "{exclude}");
    }
    let env = two("source = 'up'\ndest = '../up/m'\nexclude = ['/up/m/']");
    env.run(["sync", "a"]).expect_code(0);
    assert!(env.dir().join("up/m/up/f").exists() && !env.dir().join("up/m/up/m").exists());
}

#[test]
fn a_typed_destination_inside_the_source_is_refused_before_anything_starts() {
    let env = two("source = 'up/'\ndest = 'a'");
    for dest in ["up/m", "up", "./up/sub/../m"] {
        let ended = env.run(["sync", "a", "--dest", dest]).expect_code(2);
        assert!(ended.err().contains("source"), "{ended}");
    }
    assert!(!env.dir().join("up/m").exists());
    // Relative to where it was typed.
    env.run(["sync", "a", "--dest", "typed"]).expect_code(0);
    assert!(env.dir().join("typed/f").exists());
}

#[test]
fn a_password_file_that_rsync_would_refuse_fails_its_job() {
    let secret = "s3cret-in-file";
    for (mode, text, what) in [
        (0o644, secret, "can be read or written by every user (mode 0644)"),
        (0o600, "\n", "holds no password"),
        (0o600, "", "holds no password"),
    ] {
        for key in ["password_file = 'pw'", "rsync_args = ['--password-file=pw']"] {
            let env = two(&format!("source = 'rsync://me@h/m/'\ndest = 'a'\n{key}"));
            fs::write(env.dir().join("pw"), text).unwrap();
            fs::set_permissions(env.dir().join("pw"), fs::Permissions::from_mode(mode)).unwrap();
            let problem = only_a_fails(&env, what);
            assert!(!problem.to_string().contains(secret));
            if mode == 0o644 {
                assert_eq!(problem["hint"], format!("chmod 600 {}", env.dir().join("pw").display()));
            }
        }
    }
    only_a_fails(&two("source = 'h::m/'\ndest = 'a'\npassword_file = 'none'"), "cannot be read");
    only_a_fails(
        &two("source = 'h::m/'\ndest = 'a'\npassword_file = 'up'"),
        "it is a directory, not a regular file",
    );
    only_a_fails(&two("source = 'h:m/'\ndest = 'a'\npassword_file = 'none'"), "is for rsync daemons");
    only_a_fails(
        &two("source = 'h:m/'\ndest = 'a'\nrsync_args = ['--password-file=none']"),
        "rsync daemons only",
    );
}
