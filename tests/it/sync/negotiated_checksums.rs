//! The checksum that rsync negotiates with a server, and later connections of the run.

use super::{events, finished, log, quick};
use crate::support::{Ended, Env, Upstream, tree};
use std::fs;

const CHOICE: &str = "--checksum-choice=";

fn upstream() -> Upstream {
    let upstream = Upstream::new().module("refuses", &[("refuse options", "checksum-choice")]);
    for n in 0..20 {
        upstream.write(format!("{}/{n}", n % 3), format!("contents of {n}"));
    }
    upstream
}

/// The phases with a command, each with the checksum that it was given.
fn phases(ended: &Ended) -> Vec<(String, Option<String>)> {
    let with_choice = |phase: serde_json::Value| {
        let argv = phase["argv"].as_array()?.iter().filter_map(|argument| argument.as_str());
        let argv: Vec<_> = argv.collect();
        let choice = argv.iter().find_map(|argument| argument.strip_prefix(CHOICE)).map(str::to_owned);
        (!argv.is_empty()).then(|| (phase["phase"].as_str().unwrap().to_owned(), choice))
    };
    events(ended, "phase").into_iter().filter_map(with_choice).collect()
}

fn env(upstream: &Upstream, jobs: &[(&str, &str, &str)]) -> Env {
    let job = |(name, module, more): &(&str, &str, &str)| {
        format!("[jobs.{name}]\nsource = '{}'\ndest = '{name}'\n{more}\n", upstream.url(module))
    };
    let jobs: String = jobs.iter().map(job).collect();
    Env::new().with_pipe(upstream).with_config(&quick(&jobs))
}

fn same(env: &Env, job: &str, upstream: &Upstream) {
    let mut here = tree(&env.mirror(job));
    here.retain(|path, _| !path.starts_with(".pdb-sync"));
    assert_eq!(here, tree(&upstream.root()));
}

#[test]
fn later_connections_to_a_server_are_given_what_the_first_has_negotiated() {
    let upstream = upstream();
    let env =
        env(&upstream, &[("a", "m/", "connections = 2\ndelete = true"), ("b", "m/0/", "delete = true")]);
    let ended = env.run(["sync", "a", "b", "--parallel", "1", "--json"]).expect_code(0);
    same(&env, "a", &upstream);
    let phases = phases(&ended);
    assert_eq!(phases[0], ("list".into(), None), "{ended}");
    let chosen = phases[1].1.clone();
    assert!(chosen.is_some(), "{ended}");
    assert!(phases.len() > 3 && phases[1..].iter().all(|(_, choice)| *choice == chosen), "{ended}");
    // What rsync says of the negotiation is not shown.
    for job in ["a", "b"] {
        let log = fs::read_to_string(log(&env, job).unwrap()).unwrap();
        assert!(!log.contains(" out Client ") && !log.contains("Protocol versions"), "{log}");
    }
}

#[test]
fn a_server_that_refuses_the_option_is_asked_again_at_once() {
    let upstream = upstream();
    for more in ["delete = true", "delete = true\nconnections = 2"] {
        let env = env(&upstream, &[("j", "refuses/", more)]);
        env.run(["sync", "j"]).expect_code(0);
        same(&env, "j", &upstream);
        upstream.write("new", more);
        let ended = env.run(["sync", "j", "--json"]).expect_code(0);
        same(&env, "j", &upstream);
        let result = finished(&ended, "j");
        assert_eq!((&result["status"], &result["attempts"]), (&"ok".into(), &1.into()), "{ended}");
        assert_eq!(result["files_transferred"], 1, "{ended}");
        assert!(phases(&ended).iter().any(|(_, choice)| choice.is_some()), "{ended}");
        let notices = events(&ended, "notice");
        let tells = |text: &str| text.contains(CHOICE) && text.contains("trying without it");
        let told = notices.iter().filter(|notice| tells(notice["text"].as_str().unwrap()));
        assert_eq!(told.count(), 1, "{ended}");
        // What the first of the two said is not shown as an error of the job.
        assert!(!events(&ended, "output").iter().any(|line| line["stream"] == "stderr"), "{ended}");
    }
}

#[test]
fn a_choice_of_the_job_stays() {
    let upstream = upstream();
    let env = env(&upstream, &[("a", "m/", ""), ("b", "m/", "connections = 2\nrsync_args = ['--cc=md5']")]);
    let ended = env.run(["sync", "a", "b", "--parallel", "1", "--json"]).expect_code(0);
    same(&env, "b", &upstream);
    let own = phases(&ended).into_iter().skip(1).map(|(_, choice)| choice);
    let own: Vec<_> = own.collect();
    assert!(own.len() > 1 && own.iter().all(Option::is_none), "{ended}");
}

#[test]
fn an_error_that_is_no_refusal_is_shown() {
    let upstream = upstream();
    let env = env(&upstream, &[("a", "m/", "connections = 2"), ("b", "m/nowhere/", "delete = true")]);
    fs::create_dir_all(env.mirror("b/kept")).unwrap();
    let ended = env.run(["sync", "a", "b", "--parallel", "1", "--json"]).expect_code(1);
    assert!(phases(&ended).last().unwrap().1.is_some(), "{ended}");
    assert_ne!(finished(&ended, "b")["status"], "ok", "{ended}");
    let errors = events(&ended, "output").into_iter().filter(|line| line["stream"] == "stderr");
    let errors: Vec<_> = errors.map(|line| line["line"].as_str().unwrap().to_owned()).collect();
    assert!(errors.iter().any(|line| line.contains("nowhere")), "{ended}");
    assert_eq!(errors.iter().filter(|line| line.contains("rsync error: ")).count(), 1, "{ended}");
    assert!(!ended.out().contains("trying without it"), "{ended}");
}
