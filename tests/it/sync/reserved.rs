//! What is ours in a mirror, and sources that have something of the same name.

use crate::support::{Ended, Env, Upstream, one_job, tree};
use std::fs;
use std::path::PathBuf;

/// A mirror that keeps what it deletes, with something in its quarantine.
fn mirror(more: &str) -> (Upstream, Env) {
    let upstream = Upstream::new();
    for n in 0..8 {
        upstream.write(format!("d/f{n}"), "x");
    }
    let env = Env::new().with_pipe(&upstream);
    let more = format!("delete = true\nkeep_deleted = \"30d\"\n{more}");
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), &more);
    let env = env.with_config(&config);
    env.run(["sync", "j"]).expect_code(0);
    fs::remove_file(upstream.root().join("d/f0")).unwrap();
    env.run(["sync", "j"]).expect_code(0);
    assert!(!kept(&env).is_empty());
    (upstream, env)
}

fn kept(env: &Env) -> Vec<PathBuf> {
    tree(&env.mirror("j/.pdb-sync")).into_keys().collect()
}

fn live(env: &Env) -> Vec<PathBuf> {
    tree(&env.mirror("j")).into_keys().filter(|path| !path.starts_with(".pdb-sync")).collect()
}

/// Overwrites what could be undone, if it is let through.
fn plant(upstream: &Upstream, env: &Env) {
    for path in kept(env).iter().filter(|path| env.mirror("j/.pdb-sync").join(path).is_file()) {
        upstream.write(PathBuf::from(".pdb-sync").join(path), "theirs, and longer");
    }
    upstream.write(".pdb-sync/planted", "theirs");
    upstream.write("d/new", "new");
    fs::remove_file(upstream.root().join("d/f1")).unwrap();
}

fn untouched(env: &Env, ended: &Ended) {
    for path in kept(env) {
        let path = env.mirror("j/.pdb-sync").join(path);
        if path.is_file() {
            assert!(!fs::read_to_string(&path).unwrap().contains("theirs"), "{}\n{ended}", path.display());
        }
    }
    assert!(!env.mirror("j/.pdb-sync/planted").exists(), "{ended}");
}

#[test]
fn filters_that_clear_all_rules_do_not_clear_ours() {
    let rules = |env: &Env, text: &str| {
        fs::write(env.dir().join("rules"), text).unwrap();
        env.dir().join("rules").display().to_string()
    };
    for (more, file, comes) in [
        ("exclude = [\"!\"]", "", true),
        ("include = [\"!\"]", "", true),
        ("include = [\"!\", \"*\"]", "", true),
        ("rsync_args = [\"--filter=!\"]", "", true),
        ("rsync_args = [\"-f\", \"!\"]", "", true),
        ("rsync_args = [\"--filter=clear\"]", "", true),
        ("rsync_args = [\"--exclude=!\", \"--include=*\"]", "", true),
        ("rsync_args = [\"--exclude-from=FILE\"]", "!\n", true),
        ("rsync_args = [\"--include-from\", \"FILE\"]", "!\n", true),
        ("rsync_args = [\"--filter=merge FILE\"]", "!\n", true),
        ("rsync_args = [\"-rf\", \". FILE\"]", "!\n", true),
        // Cleared and included in one file: nothing is transferred with such rules.
        ("rsync_args = [\"--filter=. FILE\"]", "!\n+ *\n", false),
        ("rsync_args = [\"--filter=. FILE\"]", "!\n+ .pdb-sync/\n+ .pdb-sync/**\n", false),
    ] {
        let (upstream, env) = mirror("");
        plant(&upstream, &env);
        let before = kept(&env);
        let more = more.replace("FILE", &rules(&env, file));
        let config = fs::read_to_string(env.config()).unwrap();
        fs::write(env.config(), format!("{config}\n{more}\n")).unwrap();
        let ended = env.run(["sync", "j", "--json"]);
        untouched(&env, &ended);
        assert!(before.iter().all(|path| env.mirror("j/.pdb-sync").join(path).exists()), "{more}\n{ended}");
        assert_eq!(env.mirror("j/d/new").exists(), comes, "{more}\n{ended}");
        assert_eq!(env.mirror("j/d/f1").exists(), !comes, "{more}\n{ended}");
        if !comes {
            let finished = ended.expect_code(1).finished();
            assert!(finished["error"].as_str().unwrap().contains(".pdb-sync"), "{finished}");
        }
        // Undo still brings back what it promised.
        env.run(["clean", "undo", "last"]);
    }
}

/// Into an empty destination nothing could be overwritten, but something planted that undo would believe.
#[test]
fn a_first_sync_plants_nothing() {
    for (rules, comes) in [("!\n", true), ("!\n+ *\n", false)] {
        let upstream = Upstream::new();
        upstream.write("a", "x");
        upstream.write(".pdb-sync/quarantine/RUN/tree/a", "theirs");
        let env = Env::new().with_pipe(&upstream);
        fs::write(env.dir().join("rules"), rules).unwrap();
        let more = format!("rsync_args = [\"--exclude-from={}\"]", env.dir().join("rules").display());
        let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), &more);
        let env = env.with_config(&config);
        let ended = env.run(["sync", "j", "--json"]);
        assert!(!env.mirror("j/.pdb-sync").exists(), "{ended}");
        assert_eq!(env.mirror("j/a").exists(), comes, "{ended}");
    }
}

#[test]
fn a_file_or_a_link_of_the_name_neither_comes_nor_goes() {
    for link in [false, true] {
        let upstream = Upstream::new();
        for n in 0..8 {
            upstream.write(format!("f{n}"), "x");
        }
        let planted = upstream.root().join(".pdb-sync");
        match link {
            true => std::os::unix::fs::symlink("/etc", planted).unwrap(),
            false => fs::write(planted, "a file").unwrap(),
        }
        let env = Env::new().with_pipe(&upstream);
        let more = "delete = true\nkeep_deleted = \"30d\"";
        let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), more);
        let env = env.with_config(&config);
        env.run(["sync", "j"]).expect_code(0);
        assert!(fs::symlink_metadata(env.mirror("j/.pdb-sync")).is_err());
        // Deletions go on, and can be undone.
        fs::remove_file(upstream.root().join("f0")).unwrap();
        let ended = env.run(["sync", "j", "--json"]).expect_code(0);
        assert_eq!(ended.finished()["files_deleted"], 1, "{ended}");
        env.run(["clean", "undo", "last"]).expect_code(0);
        assert_eq!(live(&env).len(), 8);
    }
}
