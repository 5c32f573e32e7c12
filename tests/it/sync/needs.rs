//! `needs`: jobs that come first.

use super::{called, finished, jobs, quick};
use crate::support::{Env, Fake};

#[test]
fn a_job_starts_after_the_jobs_that_it_needs() {
    let fake = Fake::new("stats 1 0 0\n");
    let config = [
        jobs(&["a"], "needs = ['b', 'c']\npriority = 9"),
        jobs(&["b"], "needs = ['c']\npriority = 5"),
        jobs(&["c"], ""),
    ];
    let env = Env::new().with_fake(&fake).with_config(&quick(&config.concat()));
    for parallel in ["1", "3"] {
        let before = called(&fake).len();
        env.run(["sync", "--all", "--parallel", parallel]).expect_code(0);
        assert_eq!(called(&fake)[before..], ["c", "b", "a"]);
    }
    // A job that is not in the run is not waited for, whatever became of it.
    env.run(["sync", "a"]).expect_code(0);
    assert_eq!(called(&fake)[6..], ["a"]);
}

#[test]
fn a_job_is_skipped_if_one_that_it_needs_did_not_succeed() {
    let fake = Fake::new("exit 1\n");
    let needing = |job: &str, needs: &str| jobs(&[job], &format!("needs = ['{needs}']"));
    let config =
        [needing("a", "b"), needing("b", "c"), jobs(&["c"], ""), needing("x", "y"), needing("y", "x")];
    let env = Env::new().with_fake(&fake).with_config(&quick(&config.concat()));
    let ended = env.run(["sync", "--all", "--json"]).expect_code(1);
    assert_eq!(called(&fake), ["c"], "{ended}");
    for (job, why) in [
        ("b", "not started: it needs c, which ended as failed"),
        ("a", "not started: it needs b, which ended as skipped"),
    ] {
        let end = finished(&ended, job);
        assert_eq!((&end["status"], &end["error"]), (&"skipped".into(), &why.into()), "{ended}");
    }
    // A circle is an error in its jobs only, and nobody waits.
    for job in ["x", "y"] {
        assert_eq!(finished(&ended, job)["status"], "failed", "{ended}");
    }
    let checked = env.run(["config", "check"]).expect_code(2);
    assert!(checked.err().contains("job \"x\": its needs make a circle: x needs y needs x"), "{checked}");
}
