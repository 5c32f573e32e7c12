//! The transfer after a listing: exactly the names that differ, and no second walk of the source.

use super::{events, finished, quick};
use crate::support::{Ended, Env, Fake, Upstream, one_job, tree};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// A mirror `j` of `deep/er` in the module, in step with it.
fn in_step(upstream: &Upstream, more: &str) -> Env {
    upstream.write("deep/er/d/one", "1");
    upstream.write("deep/er/two", "2");
    let source = upstream.url("m/deep/er/");
    let config = quick(&format!("[jobs.j]\nsource = '{source}'\ndest = 'j'\ndelete = true\n{more}\n"));
    let env = Env::new().with_pipe(upstream).with_config(&config);
    env.run(["sync", "j"]).expect_code(0);
    env
}

/// The arguments of each command, by phase: `list`, `transfer`.
fn commands(ended: &Ended) -> Vec<(String, Vec<String>)> {
    let of = |phase: serde_json::Value| {
        let words = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        (words(&phase["phase"]), phase["argv"].as_array().unwrap().iter().map(words).collect())
    };
    events(ended, "phase").into_iter().map(of).collect()
}

fn lines(ended: &Ended) -> Vec<String> {
    events(ended, "output").iter().map(|line| line["line"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn only_what_differs_is_asked_for() {
    let upstream = Upstream::new();
    let env = in_step(&upstream, "exclude = ['*.tmp']\nrsync_args = ['--chmod=F644']");
    for name in ["#new", ";new", "d/-new", "d/new\nline"] {
        upstream.write(format!("deep/er/{name}"), name);
    }
    upstream.write("deep/er/not.tmp", "x");
    fs::create_dir(upstream.root().join("deep/er/empty")).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let all = commands(&ended);
    let phases: Vec<_> = all.iter().map(|(phase, _)| phase.as_str()).collect();
    assert_eq!(phases, ["list", "transfer"], "{ended}");
    let argv = &all[1].1;
    let has = |start: &str| argv.iter().any(|argument| argument.starts_with(start));
    assert!(
        has("--files-from=") && has("--from0") && has("--chmod=F644") && !has("--exclude=*.tmp"),
        "{argv:?}"
    );
    assert!(argv.contains(&upstream.url("m/")), "from the root of the module: {argv:?}");
    assert!(!all[0].1.iter().any(|argument| argument.starts_with("--partial-dir")), "{all:?}");
    let result = finished(&ended, "j");
    assert_eq!((&result["files_transferred"], &result["total_files"]), (&4.into(), &6.into()), "{ended}");
    let told = lines(&ended);
    assert!(told.iter().any(|line| line == "d/-new") && !told.iter().any(|line| line == "two"), "{told:?}");
    fs::remove_file(upstream.root().join("deep/er/not.tmp")).unwrap();
    let mut here = tree(&env.mirror("j"));
    here.retain(|path, _| !path.starts_with(".pdb-sync"));
    assert_eq!(here, tree(&upstream.root().join("deep/er")), "{ended}");
}

#[test]
fn if_only_the_root_differs_nothing_below_it_is_read() {
    let upstream = Upstream::new();
    let env = in_step(&upstream, "");
    let root = upstream.root().join("deep/er");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o750)).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(commands(&ended).len(), 2, "{ended}");
    let mode = |path: &std::path::Path| path.metadata().unwrap().mode() & 0o7777;
    assert_eq!(mode(&env.mirror("j")), 0o750, "{ended}");
    assert!(!lines(&ended).iter().any(|line| line == "d/"), "{ended}");
    assert_eq!(env.run(["sync", "j", "--json"]).expect_code(0).finished()["changed"], false);
}

#[test]
fn with_some_options_everything_is_compared_again_and_that_is_told() {
    for (option, why) in
        [("--hard-links", "a group"), ("--copy-links", "below links"), ("--relative", "names")]
    {
        let upstream = Upstream::new();
        let env = in_step(&upstream, &format!("rsync_args = ['{option}']"));
        upstream.write("deep/er/new", "x");
        let ended = env.run(["sync", "j", "--json", "-v"]).expect_code(0);
        let transfer = &commands(&ended).pop().unwrap().1;
        assert!(!transfer.iter().any(|argument| argument.starts_with("--files-from")), "{option}\n{ended}");
        let told = events(&ended, "notice");
        let told: Vec<_> = told.iter().filter_map(|notice| notice["text"].as_str()).collect();
        assert!(told.iter().any(|text| text.contains("compared again") && text.contains(why)), "{told:?}");
    }
}

/// What the listing named and is missing when it is asked for gives 23 and a message for each name. It has vanished, which a second listing
/// explains.
#[test]
fn a_listed_name_that_is_missing_has_vanished() {
    let list =
        "out >f+++++++++ 1 2026/01/01-00:00:00 m\nout *deleting   0 1970/01/01-00:00:00 old\nstats 5 1 1\n";
    // The name is that of the module, too.
    let missing = "err rsync: [sender] link_stat \"/m\" (in m) failed: No such file or directory (2)\nstats 0 0 0\nexit 23\n";
    let still = "out >f+++++++++ 1 2026/01/01-00:00:00 m\nstats 5 1 0\n";
    for (check, code, goes, why) in [
        ("stats 4 0 0\n", 0, true, "vanished from the source while they were read: /m"),
        (still, 0, false, "nothing was deleted, since not everything that was listed arrived"),
        ("stats 0 0 0\n", 4, false, "holds no file"),
    ] {
        let fake = Fake::new(&format!("[1 if --delete]\n{list}[if progress2]\n{missing}[if -n]\n{check}"));
        let env = Env::new().with_fake(&fake);
        let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), "delete = true");
        let env = env.with_config(&config);
        fs::create_dir(env.mirror("j")).unwrap();
        fs::write(env.mirror("j/old"), "x").unwrap();
        env.taken_over("j");
        let ended = env.run(["sync", "j", "--json"]).expect_code(code);
        assert_eq!(!env.mirror("j/old").exists(), goes, "{check}\n{ended}");
        assert!(ended.finished()["error"].as_str().unwrap().contains(why), "{check}\n{ended}");
    }
}
