//! Mistakes of the configuration that concern one job: it fails with the words of `config check`, and the others run.

use super::quick;
use crate::support::{Env, Upstream, tree};
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

#[test]
fn another_machine_is_no_destination() {
    for dest in
        ["host:/x", "me@host:x", "host::module/x", "rsync://h/m/x", "ssh://h/x", "C:/x", "$ELSEWHERE/x"]
    {
        let env = two(&format!("source = 'up/'\ndest = '{dest}'")).with_var("ELSEWHERE", "host:");
        let problem = only_a_fails(&env, "names another machine");
        assert!(problem["hint"].as_str().unwrap().contains("NFS"), "{problem}");
        assert_eq!(fs::read_dir(env.dir().join("mirror")).unwrap().count(), 1, "only b: {dest}");
    }
    only_a_fails(&two("source = 'up/'\ndest = 'a'\nroot = 'host:/x'"), "names another machine");
    // With ./ before it, it is a name like any other.
    let env = two("source = 'up/'\ndest = './host:/x'");
    env.run(["config", "check"]).expect_code(0);
    env.run(["sync", "a"]).expect_code(0);
    assert!(env.mirror("host:/x/f").exists());
    // What is typed is refused before anything starts.
    for args in [
        &["sync", "a", "--dest", "host:/y"][..],
        &["--state-dir", "host:/s", "sync", "a"],
        &["--state-dir", "rsync://h/s", "list"],
    ] {
        let ended = env.run(args).expect_code(2);
        assert!(ended.err().contains("names another machine"), "{ended}");
        assert!(!env.dir().join("host:").exists(), "{ended}");
    }
    fs::create_dir_all(env.dir().join("tree")).unwrap();
    fs::write(env.dir().join("tree/.1abc.gz.AbC123"), "").unwrap();
    let plan = env.dir().join("plan");
    env.run(["clean", "plan", "./tree", "-o", plan.to_str().unwrap()]).expect_code(0);
    let ended = env.run(["clean", "run", plan.to_str().unwrap(), "--yes", "--backup-dir", "host:/b"]);
    let ended = ended.expect_code(2);
    assert!(ended.err().contains("--backup-dir") && ended.err().contains("names another machine"), "{ended}");
    let config = "version = 1\n[clean]\nmode = 'backup'\nbackup_dir = 'host:/b'\n";
    let check = Env::new().with_config(config).run(["config", "check"]).expect_code(2);
    assert!(check.err().contains("backup_dir: \"host:/b\" names another machine"), "{check}");
}

#[test]
fn a_source_of_which_the_directory_itself_comes_is_noted() {
    let notes = |env: &Env| {
        let check = env.run(["config", "check", "--json"]).expect_code(0);
        assert_eq!(check.json().last().unwrap()["ok"], true, "{check}");
        let found = check.events("problem").into_iter().filter(|found| found["severity"] == "note");
        let texts: Vec<String> = found.map(|note| note["text"].as_str().unwrap().to_owned()).collect();
        (texts, check)
    };
    for (a, noted) in [
        ("source = 'up'\ndest = 'a'", true),
        ("source = 'up/sub'\ndest = 'a'", true),
        ("source = 'up/.'\ndest = 'a'", false),
        ("source = 'up/f'\ndest = 'a'", false),
        ("source = 'up/'\ndest = 'a'", false),
        ("source = 'up'\ndest = 'a'\nrsync_args = ['-R']", false),
    ] {
        let env = two(a);
        let (texts, check) = notes(&env);
        assert_eq!(texts.len(), usize::from(noted), "{check}");
        assert!(texts.iter().all(|text| text.contains("no slash at its end") && text.contains("mirror/a/")));
        let plan = env.run(["sync", "a", "--plan"]).expect_code(0);
        assert_eq!(plan.err().contains("no slash at its end"), noted, "{plan}");
        assert!(!env.run(["sync", "a", "--plan", "-q"]).expect_code(0).err().contains("slash"));
    }
    let check = two("source = 'up'\ndest = 'a'").run(["config", "check"]).expect_code(0);
    assert!(check.err().contains("note: ") && check.out().contains(": ok, 2 jobs"), "{check}");
    assert_eq!(two("source = 'up'\ndest = 'a'").run(["config", "check", "-q"]).err(), "");
    // Of a server's, only the listing knows what they are.
    let upstream = Upstream::new();
    upstream.write("dir/f", "x");
    for (source, noted) in
        [("h::m", false), ("h::m/dir", true), ("h::m/dir/", false), ("h::m/dir/f", false), ("h::m/d*", false)]
    {
        let env = two(&format!("source = '{source}'\ndest = 'a'")).with_pipe(&upstream);
        assert_eq!(notes(&env).0.len(), 0);
        let plan = env.run(["sync", "a", "--plan"]).expect_code(0);
        assert_eq!(plan.err().contains("is transferred, as "), noted, "{plan}");
        env.run(["sync", "a"]).expect_code(0);
        let plan = env.run(["sync", "a", "--plan"]).expect_code(0);
        assert_eq!(plan.err().contains("is transferred, as "), noted, "{plan}");
    }
    // Sources that stand in for each other have to make the same tree.
    let check = two("source = ['h::m/dir/', 'g::m/dir']\ndest = 'a'").run(["config", "check"]).expect_code(0);
    assert!(check.err().contains("warning: ") && check.err().contains("make different trees"), "{check}");
}

#[test]
fn a_mistake_of_a_job_that_is_not_enabled_is_a_warning() {
    for (a, text) in [
        ("source = 'up/'\ndest = '$NOPE/a'", "no variable NOPE"),
        ("source = '$NOPE/'\ndest = 'a'", "no variable NOPE"),
        ("source = 'up/'\ndest = '../up/m'", "lies inside the source"),
        ("source = 'up/'\ndest = 'host:/x'", "names another machine"),
        ("source = 'up/'\ndest = 'a'\ndelete = true\nrsync_args = ['-K']", "keep-dirlinks"),
    ] {
        let env = two(&format!("{a}\nenabled = false"));
        let check = env.run(["config", "check"]).expect_code(0);
        assert!(
            check.err().contains("warning: ") && check.err().contains("job \"a\" (not enabled): "),
            "{check}"
        );
        assert!(check.err().contains(text), "{check}");
        let check = env.run(["config", "check", "--json"]).expect_code(0);
        assert_eq!(check.events("problem")[0]["severity"], "warning", "{check}");
        let ended = env.run(["sync", "--all"]).expect_code(0);
        assert!(!ended.err().contains("warning"), "{ended}");
        assert!(env.mirror("b/f").exists());
        // Whoever names it means it.
        env.run(["sync", "a"]).expect_code(1);
    }
    // What is wrong with the others is told all the same.
    let env =
        two("source = 'up/'\ndest = '$NOPE/a'\nenabled = false\n[jobs.c]\nsource = '$NEITHER/'\ndest = 'c'");
    let check = env.run(["config", "check"]).expect_code(2);
    assert!(check.err().contains("NOPE") && check.err().contains("NEITHER"), "{check}");
}

#[test]
fn a_password_in_a_source_is_refused_with_the_whole_file() {
    for (a, enabled) in [("'rsync://me:secret@h/m/'", true), ("['up/', 'me:secret@h::m/']", false)] {
        let env = two(&format!("source = {a}\ndest = 'a'\nenabled = {enabled}"));
        for args in [&["config", "check"][..], &["sync", "--all"], &["sync", "b"], &["list"]] {
            let ended = env.run(args).expect_code(2);
            assert!(ended.err().contains("holds a password") && !ended.err().contains("secret"), "{ended}");
        }
        assert!(!env.mirror("b").exists());
    }
}
