//! `jitter`: a random delay before a run.

use super::{events, finished, jobs, quick};
use crate::support::{Env, Fake};
use rustix::process::Signal;

/// A delay that is not over by itself, except once in millions of runs.
const LONG: &str = "jitter = '90y'\n";

#[test]
fn a_signal_ends_the_delay_and_no_job_starts() {
    let fake = Fake::new("stats 1 0 0\n");
    let config = quick(&jobs(&["a", "b"], "")).replace("[sync]\n", &format!("[sync]\n{LONG}"));
    let env = Env::new().with_fake(&fake).with_config(&config);
    let running = env.spawn(["sync", "--all", "--json", "-v"]);
    running.until_said("(jitter)");
    running.signal(Signal::TERM);
    let ended = running.wait().expect_code(143);
    for job in ["a", "b"] {
        let end = finished(&ended, job);
        assert_eq!((&end["status"], &end["attempts"]), (&"cancelled".into(), &0.into()), "{ended}");
    }
    assert_eq!(events(&ended, "run_finished").len(), 1, "{ended}");
    assert!(fake.calls().is_empty(), "{ended}");
}

#[test]
fn what_asks_for_nothing_waits_for_nothing() {
    let fake = Fake::new("stats 1 0 0\n");
    let config = quick(&jobs(&["a"], "")).replace("[sync]\n", &format!("[sync]\n{LONG}"));
    let env = Env::new().with_fake(&fake).with_config(&config);
    for args in [&["sync", "a", "--plan"][..], &["sync", "a", "-n"], &["sync", "a", "--jitter", "0"]] {
        env.run(args).expect_code(0);
    }
    let ended = env.run(["sync", "a", "--jitter", "soon"]).expect_code(2);
    assert!(ended.err().contains("--jitter: "), "{ended}");
}
