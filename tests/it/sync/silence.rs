//! Servers and front ends that end a session politely: rsync ends with 0 and has done nothing.

use crate::support::{Env, FakeDaemon, Upstream, one_job, tree};
use std::fs;

#[test]
fn what_ends_without_figures_has_not_happened() {
    for (answer, _) in FakeDaemon::ENDS.into_iter().filter(|(_, code)| *code == 0) {
        let daemon = FakeDaemon::saying(answer);
        let source = daemon.url("m/");
        let env = Env::new();
        for (more, holds) in [("", false), ("", true), ("delete = true", true), ("delete = true", false)] {
            let env = Env::new().with_config(&one_job(
                &[&source],
                &env.mirror(if holds { "full" } else { "j" }),
                more,
            ));
            let dest = fs::read_to_string(env.config()).unwrap();
            let dest = dest
                .lines()
                .find_map(|line| line.strip_prefix("dest = "))
                .unwrap()
                .trim_matches('"')
                .to_owned();
            if holds {
                fs::create_dir_all(&dest).unwrap();
                fs::write(format!("{dest}/kept"), "x").unwrap();
            }
            for mode in [&[][..], &["--plan"], &["--dry-run"]] {
                let ended = env.run([&["sync", "j", "--json"], mode].concat()).expect_code(1);
                let finished = ended.finished();
                assert_eq!(finished["status"], "failed", "{answer}\n{ended}");
                assert!(finished["error"].as_str().unwrap().contains("without its figures"), "{ended}");
            }
            assert!(!holds || fs::metadata(format!("{dest}/kept")).is_ok());
        }
    }
}

#[test]
fn the_next_source_is_asked_and_the_first_one_blamed() {
    let upstream = Upstream::new().with_corpus().listen();
    let daemon = FakeDaemon::saying("@RSYNCD: EXIT\n");
    let source = daemon.url("m/");
    let env = Env::new();
    let config = one_job(&[&source, &upstream.url("m/")], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    for _ in 0..2 {
        let ended = env.run(["sync", "j", "--json"]).expect_code(0);
        assert_eq!(ended.tries().len(), 2, "{ended}");
        assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()), "{ended}");
    }
}
