//! Filters that leave little or nothing of a source: said as such, and never a reason to delete.

use super::quick;
use crate::support::{Env, Upstream, tree};
use std::fs;

/// A source of three files in directories, and a job with these filters.
fn filtered(more: &str) -> (Upstream, Env) {
    let upstream = Upstream::new();
    for name in ["ab/1abc.cif.gz", "ab/2abc.cif.gz", "cd/notes.txt"] {
        upstream.write(name, "12345");
    }
    let job = format!("[jobs.j]\nsource = 'h::m/'\ndest = 'j'\n{more}\n");
    let env = Env::new().with_pipe(&upstream).with_config(&quick(&job));
    (upstream, env)
}

#[test]
fn filters_that_leave_nothing_are_blamed() {
    for (filters, hint) in [
        ("include = ['*.cif.gz']\nexclude = ['*']", "\"*\" leaves out every directory, too"),
        ("exclude = ['/*']", "add \"*/\" to `include`"),
        ("rsync_args = ['--include=*.gz', '--exclude=*']", "add \"*/\" to `include`"),
        ("include = ['*/', '*.xyz']\nexclude = ['*']", "no file of the source matches \"*.xyz\""),
        ("include = ['ab/', '*.xyz']\nexclude = ['*']", "the first pattern that matches"),
        ("include = ['*/']\nexclude = ['*']", "directories are let in, but no file"),
        ("rsync_args = ['--include=*/', '-f', '- *']", "add patterns of the files that you want"),
        (
            "rsync_args = ['--include=*/', '--max-size=1g', '--exclude=*']",
            "directories are let in, but no file",
        ),
        ("exclude = ['*.gz', '*.txt']", "the first pattern that matches"),
        ("rsync_args = ['--files-from=list']", "does --files-from "),
    ] {
        for delete in [false, true] {
            let (_upstream, env) = filtered(&format!("{filters}\ndelete = {delete}"));
            fs::write(env.dir().join("list"), "\n").unwrap();
            fs::create_dir_all(env.mirror("j/ab")).unwrap();
            fs::write(env.mirror("j/ab/1abc.cif.gz"), "12345").unwrap();
            env.taken_over("j");
            let before = tree(&env.mirror("j"));
            for mode in [&[][..], &["--plan"], &["--dry-run"]] {
                let code = if delete { 4 } else { 0 };
                let ended = env.run([&["sync", "j", "--json"], mode].concat()).expect_code(code);
                let finished = ended.finished();
                let error = finished["error"].as_str().unwrap();
                assert!(
                    error.starts_with("the filters leave out all 3 files of the source (15 B)"),
                    "{ended}"
                );
                assert!(finished["hint"].as_str().unwrap().contains(hint), "{ended}");
                assert_eq!(tree(&env.mirror("j")), before, "{ended}");
            }
        }
    }
    // The same where nothing is yet.
    let (_upstream, env) = filtered("exclude = ['*']");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["status"], "warned", "{ended}");
    assert!(ended.finished()["error"].as_str().unwrap().contains("filters leave out all 3 files"), "{ended}");
}

#[test]
fn a_source_that_is_empty_is_not_blamed_on_filters() {
    let env = Env::new();
    fs::create_dir_all(env.dir().join("up")).unwrap();
    let env = env.with_config(&quick("[jobs.j]\nsource = 'up/'\ndest = 'j'\nexclude = ['*.tmp']\n"));
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["error"], "the source holds no file", "{ended}");
    assert!(ended.finished()["hint"].as_str().unwrap().contains("is it mounted"), "{ended}");
}

#[test]
fn a_plan_tells_what_filters_leave_out() {
    let (_upstream, env) = filtered("exclude = ['/cd/']");
    let ended = env.run(["sync", "j", "--plan", "--json"]).expect_code(0);
    let left_out = &ended.events("planned")[0]["left_out"];
    assert_eq!(left_out, &serde_json::json!({"files": 1, "dirs": 1, "bytes": 5}), "{ended}");
    let ended = env.run(["sync", "j", "--plan"]).expect_code(0);
    assert!(ended.out().contains("; the filters leave out 1 file"), "{ended}");
    let (_upstream, env) = filtered("");
    let ended = env.run(["sync", "j", "--plan", "--json"]).expect_code(0);
    assert_eq!(ended.events("planned")[0]["left_out"]["files"], 0, "{ended}");
    assert!(!env.run(["sync", "j", "--plan"]).expect_code(0).out().contains("filters"));
}

#[test]
fn the_check_tells_of_rules_that_shut_directories_out() {
    for (filters, warned) in [
        ("exclude = ['*']", "so nothing is transferred"),
        ("include = ['*.cif.gz']\nexclude = ['*']", "only files at the top"),
        ("include = ['*/', '*.cif.gz']\nexclude = ['*']", ""),
        ("include = ['data']\nexclude = ['*']", ""),
        ("include = ['*/']\nexclude = ['*.tmp', '*']", "leaves out every file"),
        ("rsync_args = ['--include=*/', '--exclude=*']", "leaves out every file"),
        ("include = ['*/']\nexclude = ['/*']", ""),
    ] {
        let (_upstream, env) = filtered(filters);
        let check = env.run(["config", "check", "--json"]).expect_code(0);
        let problems = check.events("problem");
        assert_eq!(problems.len(), usize::from(!warned.is_empty()), "{check}");
        for problem in problems {
            assert_eq!(problem["severity"], "warning", "{check}");
            assert!(problem["text"].as_str().unwrap().contains(warned), "{check}");
            assert!(
                problem["line"].is_u64()
                    && ["\"*/\"", "\"*.cif.gz\""]
                        .iter()
                        .any(|add| problem["hint"].as_str().unwrap().contains(add)),
                "{check}"
            );
        }
        assert!(!env.run(["list"]).expect_code(0).err().contains("warning"));
    }
}

#[test]
fn limits_of_size_are_filters_too() {
    for limit in ["'--max-size=1'", "'--max-size', '1'", "'--min-size=1k'", "'--min-size=9', '--existing'"] {
        for delete in [false, true] {
            let (_upstream, env) = filtered(&format!("rsync_args = [{limit}]\ndelete = {delete}"));
            fs::create_dir_all(env.mirror("j/ab")).unwrap();
            fs::write(env.mirror("j/ab/1abc.cif.gz"), "1234").unwrap();
            env.taken_over("j");
            for mode in [&[][..], &["--plan"], &["--dry-run"]] {
                let ended = env.run([&["sync", "j", "--json"], mode].concat()).expect_code(0);
                let finished = ended.finished();
                assert_eq!(finished["status"], "warned", "{ended}");
                let error = finished["error"].as_str().unwrap();
                assert!(
                    error.starts_with("the filters leave out all 3 files of the source (15 B)"),
                    "{ended}"
                );
                assert!(finished["hint"].as_str().unwrap().contains("-size="), "{ended}");
                for planned in ended.events("planned") {
                    assert_eq!(
                        (&planned["left_out"]["files"], &planned["left_out"]["bytes"]),
                        (&3.into(), &15.into())
                    );
                }
                assert_eq!(fs::read(env.mirror("j/ab/1abc.cif.gz")).unwrap(), b"1234", "{ended}");
            }
        }
    }
    // The same where nothing is yet, in words.
    let (_upstream, env) =
        filtered("include = ['*.gz', '*/']\nexclude = ['*']\nrsync_args = ['--max-size=4']");
    let ended = env.run(["sync", "j"]).expect_code(0);
    assert!(ended.out().contains("\nAll syncs completed, 1 with warnings.\n"), "{ended}");
    assert!(ended.out().contains("leaves out what `include` and `exclude` let through"), "{ended}");
}

#[test]
fn what_limits_of_size_leave_out_is_in_the_plan() {
    let (upstream, env) = filtered("rsync_args = ['--max-size=5']");
    upstream.write("cd/large", "123456");
    let ended = env.run(["sync", "j", "--plan", "--json"]).expect_code(0);
    let left_out = &ended.events("planned")[0]["left_out"];
    assert_eq!(left_out, &serde_json::json!({"files": 1, "dirs": 0, "bytes": 6}), "{ended}");
    assert_eq!(ended.finished()["status"], "ok", "{ended}");
    env.run(["sync", "j"]).expect_code(0);
    // Nothing is left to bring, and what fits is here.
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["status"], "ok", "{ended}");
}

/// Files that a limit of size leaves out are in rsync's figures, but not at the destination: no guard takes a share of them.
#[test]
fn what_limits_of_size_leave_out_raises_no_limit() {
    for (limit, others) in
        [("--max-size=5", "123456"), ("--min-size=5", "1234"), ("--min-size=5', '--existing", "1234")]
    {
        let upstream = Upstream::new();
        let env = Env::new().with_pipe(&upstream).with_config(&quick(&format!(
            "[jobs.j]\nsource = 'h::m/'\ndest = 'j'\ndelete = true\nrsync_args = ['{limit}']\n"
        )));
        fs::create_dir_all(env.mirror("j")).unwrap();
        for n in 0..6 {
            upstream.write(format!("kept{n}"), "12345");
            fs::write(env.mirror("j").join(format!("kept{n}")), "12345").unwrap();
        }
        for n in 0..300 {
            upstream.write(format!("other{n:03}"), others);
        }
        env.taken_over("j");
        env.run(["sync", "j"]).expect_code(0);
        for n in 0..5 {
            fs::remove_file(upstream.root().join(format!("kept{n}"))).unwrap();
        }
        for mode in [&["--plan"][..], &["--dry-run"], &[]] {
            let ended = env.run([&["sync", "j", "--json"], mode].concat()).expect_code(4);
            let error = ended.finished()["error"].as_str().unwrap().to_owned();
            assert!(error.starts_with("5 of 6 files would be deleted"), "{limit}: {ended}");
            assert!(ended.events("planned").iter().all(|planned| planned["limit"] == 3), "{ended}");
            assert!((0..6).all(|n| env.mirror("j").join(format!("kept{n}")).exists()), "{ended}");
        }
        // What the limit permits goes, and what is left out by its size keeps nothing from it.
        for n in 0..3 {
            upstream.write(format!("kept{n}"), "12345");
        }
        let ended = env.run(["sync", "j", "--json"]).expect_code(0);
        assert_eq!(ended.finished()["files_deleted"], 2, "{limit}: {ended}");
    }
}
