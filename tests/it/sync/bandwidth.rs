//! `bwlimit` of `[sync]`: the bandwidth of a whole run.

use super::{jobs, quick};
use crate::support::{Env, Fake};

fn limits(sync: &str, parallel: &str) -> Vec<Option<String>> {
    let fake = Fake::new("stats 1 0 0\n");
    let config = [jobs(&["a", "b"], ""), jobs(&["c"], "bwlimit = '1KiB'")].concat();
    let config = quick(&config).replace("[sync]\n", &format!("[sync]\n{sync}\n"));
    let env = Env::new().with_fake(&fake).with_config(&config);
    env.run(["sync", "--all", "--parallel", parallel]).expect_code(0);
    let limit = |call: Vec<String>| {
        let option = call.iter().find(|argument| argument.starts_with("--bwlimit="));
        (call.last().unwrap().clone(), option.cloned())
    };
    let mut calls: Vec<_> = fake.calls().into_iter().map(limit).collect();
    calls.sort();
    calls.into_iter().map(|(_, limit)| limit).collect()
}

#[test]
fn the_jobs_that_may_run_at_once_share_it() {
    let kib = |n: Option<u32>| n.map(|n| format!("--bwlimit={n}"));
    assert_eq!(limits("bwlimit = '10KiB'", "1"), [Some(10), Some(10), Some(1)].map(kib));
    assert_eq!(limits("bwlimit = '10KiB'", "2"), [Some(5), Some(5), Some(1)].map(kib));
    assert_eq!(limits("bwlimit = '10KiB'", "100"), [Some(3), Some(3), Some(1)].map(kib), "only three jobs");
    assert_eq!(limits("", "2"), [None, None, Some(1)].map(kib));
    let all_day =
        "bwlimit = [{ from = '00:00', to = '12:00', rate = 6 }, { from = '12:00', to = '00:00', rate = 6 }]";
    assert_eq!(limits(all_day, "2"), [Some(3), Some(3), Some(1)].map(kib));
}
