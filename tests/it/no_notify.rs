//! `[notify]` in a build that speaks no HTTP.

use crate::support::{Env, Upstream, one_job};

#[test]
fn commands_work_and_addresses_are_said_to_need_the_feature() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_pipe(&upstream);
    let notify = "[notify]\nping = 'http://127.0.0.1:9/x'\non = 'always'\ncommand = 'cat >\"$HOME/told\"'\n";
    let config = one_job(&["up::m/"], &env.mirror("j"), "retries = 0") + notify;
    let env = env.with_config(&config);
    let run = env.run(["sync", "j"]).expect_code(0);
    assert!(run.err().contains("built without the feature `notify`"), "{run}");
    let told = std::fs::read_to_string(env.dir().join("home/told")).unwrap();
    assert!(told.starts_with("{\"event\":\"run_finished\""), "{told}");
}
