//! When a run is complete, and what depends on it: deletions, and the names of the source that are kept for the next listing.

use crate::support::{Ended, Env, Fake, Upstream, one_job, tree};
use std::fs;

/// Whether a run's first listing named everything (`-ii`), and not only what differs.
fn names_all(ended: &Ended) -> bool {
    let phases = ended.events("phase");
    let list = phases.iter().find(|phase| phase["phase"] == "list").unwrap_or_else(|| panic!("{ended}"));
    list["argv"].as_array().unwrap().contains(&"-ii".into())
}

#[test]
fn after_a_complete_run_the_names_of_the_source_are_known() {
    for delete in [false, true] {
        let upstream = Upstream::new();
        for n in 0..300 {
            upstream.write(format!("d{}/f{n}", n % 7), n.to_string());
        }
        std::os::unix::fs::symlink("d0", upstream.root().join("link")).unwrap();
        let env = Env::new().with_pipe(&upstream);
        let config =
            one_job(&[&upstream.url("m/")], &env.mirror("j"), if delete { "delete = true" } else { "" });
        let env = env.with_config(&config);
        let run = || env.run(["sync", "j", "--json"]).expect_code(0);
        run();
        assert!(!names_all(&run()), "a first transfer has made the destination what the source is");
        fs::remove_file(env.state().join("listings/j.names")).unwrap();
        assert!(names_all(&run()), "none are kept");
        assert!(!names_all(&run()));
        // Differences are applied to what is kept.
        upstream.write("d1/new", "x");
        upstream.write("e/new", "x");
        upstream.write("d2/f2", "longer than it was");
        assert!(!names_all(&run()));
        assert!(!names_all(&run()), "what came is known");
        fs::remove_file(upstream.root().join("d3/f3")).unwrap();
        let ended = run();
        assert!(!names_all(&ended));
        // Without deletions nobody says that a name is gone, so the count does.
        assert_eq!(names_all(&run()), !delete, "{ended}");
        assert!(!names_all(&run()));
        // What was put here by hand and comes to the source later is no difference. The count misses it, and the destination tells its name,
        // unless it holds more than the source.
        for root in [env.mirror("j"), upstream.root()] {
            fs::write(root.join("d4/both"), "same").unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
            fs::File::open(root.join("d4/both")).unwrap().set_modified(time).unwrap();
        }
        run();
        assert_eq!(names_all(&run()), !delete);
        assert!(!names_all(&run()));
        // Damage is found.
        let kept = env.state().join("listings/j.names");
        let sound = fs::read(&kept).unwrap();
        fs::write(&kept, &sound[..40]).unwrap();
        assert!(names_all(&run()), "cut short");
        let mut sound = fs::read(&kept).unwrap();
        sound[20] ^= 1;
        fs::write(&kept, sound).unwrap();
        upstream.write("d5/another", "x");
        run();
        assert!(names_all(&run()), "damaged within");
        assert!(!names_all(&run()));
        if delete {
            assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
        }
    }
}

/// A run that was not complete leaves no names that might lack some.
#[test]
fn names_are_not_kept_of_a_run_that_was_not_complete() {
    let upstream = Upstream::new();
    for n in 0..300 {
        upstream.write(format!("f{n}"), "x");
    }
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "delete = true\nmax_delete = 0");
    let env = env.with_config(&config);
    let run = |code| env.run(["sync", "j", "--json"]).expect_code(code);
    run(0);
    run(0);
    assert!(!names_all(&run(0)));
    fs::remove_file(upstream.root().join("f1")).unwrap();
    upstream.write("new", "x");
    assert!(!names_all(&run(4)));
    assert!(names_all(&run(4)), "something came, and the run was blocked");
}

const LISTED: &str =
    "out >f+++++++++ 1 2026/01/01-00:00:00 new\nout *deleting   0 1970/01/01-00:00:00 old\nstats 5 1 1\n";

/// Files that vanish again and again, or fewer files than were listed: only a second listing tells whether everything came.
#[test]
fn what_is_gone_goes_only_once_everything_has_come() {
    let still = "out >f+++++++++ 1 2026/01/01-00:00:00 new\nstats 5 1 0\n";
    for (transfer, check, goes) in [
        ("stats 5 1 0\n", "exit 99\n", true),
        ("stats 5 0 0\n", still, false),
        ("stats 5 0 0\n", "stats 5 0 0\n", true),
        ("stats 5 0 0\n", "stats 5 0 0\nexit 24\n", false),
        ("stats 5 0 0\n", "silent\n", false),
        ("err file has vanished: \"x\"\nstats 5 1 0\nexit 24\n", still, false),
        ("err file has vanished: \"x\"\nstats 5 1 0\nexit 24\n", "stats 5 0 0\n", true),
    ] {
        let fake = Fake::new(&format!("[1 if --delete]\n{LISTED}[if progress2]\n{transfer}[if -n]\n{check}"));
        let env = Env::new().with_fake(&fake);
        let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), "delete = true");
        let env = env.with_config(&config);
        fs::create_dir(env.mirror("j")).unwrap();
        fs::write(env.mirror("j/old"), "x").unwrap();
        env.taken_over("j");
        let ended = env.run(["sync", "j", "--json"]).expect_code(0);
        assert_eq!(!env.mirror("j/old").exists(), goes, "{transfer} {check}\n{ended}");
        let finished = ended.finished();
        if !goes {
            assert_eq!(finished["status"], "warned", "{ended}");
            assert!(finished["error"].as_str().unwrap().contains("nothing was deleted"), "{ended}");
        }
    }
}

/// Several users, or several tools, keep one mirror.
#[test]
fn names_are_kept_where_somebody_else_has_brought_what_is_new() {
    let upstream = Upstream::new();
    upstream.write("d/f", "f");
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    env.run(["sync", "j"]).expect_code(0);
    upstream.write("d/new", "new");
    let source = format!("{}/", upstream.root().display());
    let by_hand =
        std::process::Command::new("rsync").args(["-a", &source]).arg(env.mirror("j")).status().unwrap();
    assert!(by_hand.success());
    let run = || env.run(["sync", "j", "--json"]).expect_code(0);
    assert!(!names_all(&run()), "the kept ones were taken for good");
    assert!(!names_all(&run()), "what came by hand is known");
    upstream.write("d/more", "more");
    assert!(!names_all(&run()));
    assert!(!names_all(&run()));
}
