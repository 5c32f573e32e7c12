//! `marker = "PATH"`: while that small file is the same as at the last complete run, nothing is listed.

use super::{events, quick};
use crate::support::{Ended, Env, Upstream, tree};
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

const DAY: u64 = 24 * 3600;

fn age(upstream: &Upstream, path: &str, seconds: u64) {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    File::open(upstream.root().join(path)).unwrap().set_modified(time).unwrap();
}

/// A source with a marker that is two days old, and a job of it.
fn released(more: &str) -> (Upstream, Env) {
    let upstream = Upstream::new();
    upstream.write("d/one", "1");
    upstream.write("d/status/release", "7");
    age(&upstream, "d/status/release", 2 * DAY);
    let source = upstream.url("m/d/");
    let config = quick(&format!(
        "[jobs.j]\nsource = '{source}'\ndest = 'j'\ndelete = true\nmax_delete = 9\nmarker = 'status/release'\n{more}\n"
    ));
    let env = Env::new().with_pipe(&upstream).with_config(&config);
    (upstream, env)
}

fn sync(env: &Env) -> Ended {
    env.run(["sync", "j", "--json", "-v"]).expect_code(0)
}

fn told(ended: &Ended, part: &str) -> bool {
    events(ended, "notice").iter().any(|notice| notice["text"].as_str().unwrap().contains(part))
}

/// Whether the run ended after the marker: one command, nothing listed.
#[track_caller]
fn is_unchanged(ended: &Ended) -> bool {
    let result = ended.finished();
    assert_eq!(result["status"], "ok", "{ended}");
    let unchanged = told(ended, "unchanged: the marker");
    if unchanged {
        assert_eq!((&result["changed"], &result["files_transferred"]), (&false.into(), &0.into()), "{ended}");
        assert_eq!(events(ended, "phase").len(), 1, "one short connection: {ended}");
    }
    unchanged
}

#[test]
fn the_same_marker_as_at_the_last_complete_run_ends_the_job() {
    let (upstream, env) = released("");
    assert!(!is_unchanged(&sync(&env)));
    assert!(is_unchanged(&sync(&env)));
    let shown = env.run(["history", "show", "last", "--json"]).expect_code(0);
    let phases = events(&shown, "job")[0]["phases"].as_object().unwrap().clone();
    assert_eq!(phases.keys().collect::<Vec<_>>(), ["marker"], "{shown}");
    let shown = env.run(["history", "show", "last", "-v"]).expect_code(0);
    assert!(shown.out().contains("nothing to change: the marker is the same"), "{shown}");
    let stats = env.run(["stats", "j", "--json"]).expect_code(0);
    let (first, stats) =
        (events(&env.run(["history", "--json"]), "job")[1].clone(), &events(&stats, "stats")[0]);
    assert_eq!((&stats["runs"], &stats["by_marker"]), (&2.into(), &1.into()), "{stats}");
    assert_eq!(
        stats["duration_s"]["mean"].as_f64().map(|s| (s * 1e3).round() / 1e3),
        first["duration_s"].as_f64()
    );
    assert!(env.run(["stats", "j"]).out().contains("j: in 1 run, the marker showed"));
    // The source changes, but its marker lies: that is what it is trusted with.
    upstream.write("d/two", "2");
    assert!(is_unchanged(&sync(&env)));
    upstream.write("d/status/release", "8");
    age(&upstream, "d/status/release", 2 * DAY - 60);
    let ended = sync(&env);
    assert!(!is_unchanged(&ended) && told(&ended, "it has changed"), "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root().join("d")));
    assert!(is_unchanged(&sync(&env)));
    // The same contents with another time are another release.
    age(&upstream, "d/status/release", DAY + 60);
    assert!(!is_unchanged(&sync(&env)));
    assert!(is_unchanged(&sync(&env)));
}

#[test]
fn a_marker_outside_of_the_module_is_told_as_such() {
    let (_upstream, env) = released("");
    let config = fs::read_to_string(env.config()).unwrap().replace("'status/release'", "'../../release'");
    fs::write(env.config(), config).unwrap();
    let result = sync(&env).finished();
    assert_eq!(result["status"], "warned");
    let (error, hint) = (result["error"].as_str().unwrap(), result["hint"].as_str().unwrap());
    assert!(error.contains("it is outside of what rsync://upstream.invalid/m/d/ has"), "{error}");
    assert!(hint.contains("within its module"), "{hint}");
}

#[test]
fn other_jobs_of_the_same_host_do_not_matter() {
    let (upstream, env) = released("");
    let (source, config) = (upstream.url("m/d/"), fs::read_to_string(env.config()).unwrap());
    // The marker is elsewhere, so that this job's first connection to the source is the listing.
    let config = config.replace("'status/release'", "'rsync://elsewhere.invalid/m/d/status/release'");
    let other = format!("[jobs.a]\nsource = '{source}'\ndest = 'a'\nconnections = 2\n");
    fs::write(env.config(), config + &other).unwrap();
    assert!(!is_unchanged(&sync(&env)));
    assert!(is_unchanged(&sync(&env)));
    let both = env.run(["sync", "a", "j", "--parallel", "1", "--json", "-v"]).expect_code(0);
    assert!(told(&both, "unchanged: the marker"), "{both}");
    assert!(is_unchanged(&sync(&env)));
}

#[test]
fn a_marker_that_changed_within_a_day_proves_nothing() {
    let (upstream, env) = released("");
    upstream.write("d/status/release", "8");
    assert!(told(&sync(&env), "less than 24 hours ago"));
    // Its data come later.
    upstream.write("d/two", "2");
    assert!(!is_unchanged(&sync(&env)));
    assert!(env.mirror("j/two").exists());
    // One of the future is as good as new.
    let file = File::open(upstream.root().join("d/status/release")).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(3 * DAY)).unwrap();
    sync(&env);
    assert!(!is_unchanged(&sync(&env)));
    age(&upstream, "d/status/release", DAY + 60);
    assert!(!is_unchanged(&sync(&env)));
    assert!(is_unchanged(&sync(&env)));
}

#[test]
fn a_marker_that_is_missing_or_no_file_is_told_and_the_source_is_listed() {
    let (upstream, env) = released("");
    sync(&env);
    fs::remove_file(upstream.root().join("d/status/release")).unwrap();
    for kind in ["missing", "a directory", "too large"] {
        let path = upstream.root().join("d/status/release");
        match kind {
            "missing" => {}
            "a directory" => fs::create_dir(&path).unwrap(),
            _ => {
                fs::remove_dir(&path).unwrap();
                File::create(&path).unwrap().set_len(5 << 20).unwrap();
            }
        }
        upstream.write(format!("d/{kind}"), "x");
        let ended = sync(&env);
        // It is a warning of the job, which people see who do not look at its output.
        let error = ended.finished()["error"].to_string();
        assert!(
            ended.finished()["status"] == "warned" && error.contains("cannot be fetched"),
            "{kind}\n{ended}"
        );
        assert!(env.mirror("j").join(kind).exists(), "{kind}\n{ended}");
    }
}

#[test]
fn what_may_have_changed_the_mirror_or_the_job_voids_the_marker() {
    let (upstream, env) = released("keep_deleted = '1d'");
    sync(&env);
    let config = fs::read_to_string(env.config()).unwrap();
    let with = |more: &str| fs::write(env.config(), format!("{config}{more}\n")).unwrap();
    let list = env.dir().join("filters");
    fs::write(&list, "*.tmp\n").unwrap();
    for more in [
        "exclude = ['*.bak']".to_owned(),
        "checksum = true".to_owned(),
        "rsync_args = ['--chmod=F644']".to_owned(),
        format!("rsync_args = ['--exclude-from={}']", list.display()),
        format!("bwlimit = 0\nrsync_args = ['--exclude-from={}']", list.display()),
        String::new(),
    ] {
        if more.starts_with("bwlimit") {
            // The file of filters has other rules by now.
            fs::write(&list, "*.tmp\n*.old\n").unwrap();
        }
        with(&more);
        let ended = sync(&env);
        assert!(
            !is_unchanged(&ended) && told(&ended, "other options, filters or sources"),
            "{more}\n{ended}"
        );
        assert!(is_unchanged(&sync(&env)), "{more}");
    }
    // A run that removes and an undo of it.
    fs::remove_file(upstream.root().join("d/one")).unwrap();
    age(&upstream, "d/status/release", DAY + 60);
    let removed = sync(&env);
    assert!(!env.mirror("j/one").exists() && is_unchanged(&sync(&env)), "{removed}");
    let run = events(&removed, "run_started")[0]["run"].as_str().unwrap().to_owned();
    env.run(["clean", "undo", &run]).expect_code(0);
    assert!(env.mirror("j/one").exists());
    assert!(!is_unchanged(&sync(&env)), "after an undo");
    assert!(is_unchanged(&sync(&env)));
    // clean, also of a directory above.
    fs::write(env.mirror("j/left.tmp"), "x").unwrap();
    let above = env.mirror("j").parent().unwrap().to_owned();
    env.run(["clean", "plan", above.to_str().unwrap()]).expect_code(0);
    let ran = env.run(["clean", "run", "--yes"]);
    assert_eq!(ran.code(), 0, "{ran}");
    assert!(!is_unchanged(&sync(&env)), "after clean");
    assert!(is_unchanged(&sync(&env)));
    // Another directory in place of the mirror.
    fs::rename(env.mirror("j"), env.mirror("away")).unwrap();
    assert!(!is_unchanged(&sync(&env)), "an empty directory");
    assert!(env.mirror("j/status/release").exists());
}

#[test]
fn what_others_have_removed_or_added_is_found() {
    let (upstream, env) = released("");
    upstream.write("d/deep/er/file", "x");
    age(&upstream, "d/status/release", 2 * DAY);
    sync(&env);
    assert!(is_unchanged(&sync(&env)));
    let mirror = env.mirror("j");
    for case in ["a file", "a directory", "all files", "everything", "the mirror", "a file more"] {
        match case {
            "a file" => fs::remove_file(mirror.join("deep/er/file")).unwrap(),
            "a directory" => fs::remove_dir_all(mirror.join("deep")).unwrap(),
            "all files" => {
                for file in ["one", "deep/er/file", "status/release"] {
                    fs::remove_file(mirror.join(file)).unwrap();
                }
            }
            "everything" => {
                for entry in fs::read_dir(&mirror).unwrap().map(Result::unwrap) {
                    let path = entry.path();
                    if path.is_dir() {
                        fs::remove_dir_all(path).unwrap()
                    } else {
                        fs::remove_file(path).unwrap()
                    }
                }
            }
            "the mirror" => fs::remove_dir_all(&mirror).unwrap(),
            _ => fs::write(mirror.join("deep/foreign"), "x").unwrap(),
        }
        let ended = sync(&env);
        assert!(!is_unchanged(&ended), "{case}\n{ended}");
        assert!(mirror.join("deep/er/file").exists() && mirror.join("one").exists(), "{case}\n{ended}");
        // A directory in place of the mirror is taken over first.
        let again = sync(&env);
        assert!(is_unchanged(&again) || is_unchanged(&sync(&env)), "{case}\n{again}");
    }
    assert!(!mirror.join("deep/foreign").exists());
}

#[test]
fn another_source_that_serves_each_run_has_its_marker() {
    let (upstream, env) = released("retries = 0");
    let config = fs::read_to_string(env.config()).unwrap();
    let live = upstream.url("m/d/");
    let dead = upstream.url("none/d/");
    fs::write(env.config(), config.replace(&format!("'{live}'"), &format!("['{dead}', '{live}']"))).unwrap();
    sync(&env);
    assert!(told(&sync(&env), "unchanged: the marker"));
}

#[test]
fn a_marker_may_lie_above_the_source_in_its_module() {
    let (upstream, env) = released("");
    upstream.write("status/latest/added", "1abc");
    age(&upstream, "status/latest/added", 2 * DAY);
    let config = fs::read_to_string(env.config()).unwrap();
    fs::write(env.config(), config.replace("'status/release'", "'../status/latest/added'")).unwrap();
    sync(&env);
    assert!(is_unchanged(&sync(&env)));
    fs::write(env.config(), config.replace("'status/release'", "'../../../added'")).unwrap();
    assert_eq!(sync(&env).finished()["status"], "warned");
}

#[test]
fn a_run_that_was_not_complete_stores_no_marker() {
    let (upstream, env) = released("");
    for n in 0..50 {
        upstream.write(format!("d/{n}"), "x");
    }
    sync(&env);
    assert!(is_unchanged(&sync(&env)));
    for n in 0..30 {
        fs::remove_file(upstream.root().join(format!("d/{n}"))).unwrap();
    }
    age(&upstream, "d/status/release", DAY + 60);
    env.run(["sync", "j"]).expect_code(4);
    // The marker is the same, but its deletions were refused.
    env.run(["sync", "j"]).expect_code(4);
    let ended = env.run(["sync", "j", "--json", "-v", "--max-delete", "40"]).expect_code(0);
    assert!(!is_unchanged(&ended) && !env.mirror("j/7").exists(), "{ended}");
    assert!(is_unchanged(&sync(&env)));
    // Taken over again, and a dry run.
    let ended = env.run(["sync", "j", "--json", "--adopt"]).expect_code(0);
    assert!(!is_unchanged(&ended), "{ended}");
    let ended = env.run(["sync", "j", "--json", "--dry-run"]).expect_code(0);
    assert!(!is_unchanged(&ended), "{ended}");
}

#[test]
fn after_full_every_the_source_is_listed_whatever_the_marker_shows() {
    let (upstream, env) = released("full_every = '1s'");
    sync(&env);
    upstream.write("d/two", "2");
    crate::support::eventually("a second passes", || !is_unchanged(&sync(&env)));
    assert!(env.mirror("j/two").exists());
}

#[test]
fn a_marker_at_an_address_of_its_own_counts_for_the_source_that_was_read() {
    let (upstream, env) = released("");
    let config = fs::read_to_string(env.config()).unwrap();
    upstream.write("elsewhere/file", "1");
    age(&upstream, "elsewhere/file", 2 * DAY);
    let url = upstream.url("m/elsewhere/file");
    fs::write(env.config(), config.replace("marker = 'status/release'", &format!("marker = '{url}'")))
        .unwrap();
    sync(&env);
    assert!(is_unchanged(&sync(&env)));
    assert!(!env.mirror("j/file").exists());
    // Another source has to be read, whatever the marker shows.
    let other = upstream.url("m/./d/");
    let config = fs::read_to_string(env.config()).unwrap();
    fs::write(env.config(), config.replace(&upstream.url("m/d/"), &other)).unwrap();
    assert!(!is_unchanged(&sync(&env)));
}
