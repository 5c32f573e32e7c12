//! Runs after a first run that did not bring everything.

use crate::support::{Env, Fake, one_job};
use std::fs;
use std::path::Path;

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A job of a source whose first transfer plays `first`; its listings bring `new` and delete `old`.
fn broken_off(first: &str) -> (Fake, Env) {
    let fake = Fake::new(&format!(
        "[1 if progress2]\n{first}\n[if --delete]\nout *deleting   0 1970/01/01-00:00:00 old\n\
         out >f+++++++++ 1 2026/01/01-00:00:00 new\nstats 5 1 1\n[*]\nstats 5 1 0\n",
    ));
    let env = Env::new().with_fake(&fake);
    let more = "delete = true\nretries = 1";
    let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), more);
    let env = env.with_config(&config);
    (fake, env)
}

#[test]
fn what_somebody_fills_after_a_first_run_that_failed_is_looked_at_first() {
    let (_fake, env) = broken_off("exit 1");
    env.run(["sync", "j"]).expect_code(1);
    write(&env.mirror("j").join("old"), "x");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.events("adopted").len(), 1, "{ended}");
    assert!(ended.finished()["status"] == "warned" && env.mirror("j").join("old").exists(), "{ended}");
}

/// The first run of a job is killed in the middle of its transfer.
#[test]
fn a_first_run_that_was_killed_is_told_as_what_it_is() {
    for (listed, same_dir) in [(false, true), (true, true), (false, false)] {
        let (_fake, env) = broken_off("touch @dest/old\nout started\nhang");
        let config = fs::read_to_string(env.config()).unwrap();
        if listed {
            // Filters from a file need a listing, also of an empty destination.
            let filters = env.dir().join("filters");
            fs::write(&filters, "").unwrap();
            let more = format!("rsync_args = [\"--exclude-from={}\"]\n", filters.display());
            fs::write(env.config(), config + &more).unwrap();
        }
        let run = env.spawn(["sync", "j"]);
        run.until_said("started");
        run.signal(rustix::process::Signal::KILL);
        run.wait().expect_code(137);
        let dest = env.mirror("j");
        if !same_dir {
            fs::rename(&dest, env.mirror("aside")).unwrap();
            write(&dest.join("old"), "x");
        }
        let ended = env.run(["sync", "j", "--json"]).expect_code(0);
        let why = if same_dir { "unfinished" } else { "first-run" };
        assert_eq!(ended.events("adopted")[0]["why"], why, "{ended}");
        let error = ended.finished()["error"].as_str().unwrap().to_owned();
        let expected = if same_dir {
            "since no run has brought everything to "
        } else {
            "since this is the first run at "
        };
        assert!(error.contains(expected) && dest.join("old").exists(), "{ended}");
        let ended = env.run(["sync", "j", "--json"]).expect_code(0);
        assert!(ended.events("adopted").is_empty() && !dest.join("old").exists(), "{ended}");
    }
}

#[test]
fn a_second_attempt_of_a_run_that_began_at_nothing_takes_nothing_over() {
    let (_fake, env) = broken_off("touch @dest/old\nexit 12");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.tries().len(), 2, "{ended}");
    assert!(ended.events("adopted").is_empty() && !env.mirror("j").join("old").exists(), "{ended}");
}
