//! `[stats]`, `[[stats.alerts]]` and `[notify]`.

use super::*;
use crate::history::stats::{Alert, Metric, Point, Rule};

const JOB: &str = "[jobs.j]\nsource = 'h::m/'\ndest = '/m'\n";

fn texts(body: &str) -> Vec<String> {
    let problems = load(&format!("{JOB}{body}")).expect_err(body);
    problems.0.into_iter().map(|problem| problem.text).collect()
}

#[test]
fn alerts_become_rules() {
    let config = load(&format!(
        "{JOB}[stats]\nkeep = '30d'\nkeep_runs = 0\n
         [[stats.alerts]]\njob = 'j'\nmetric = 'duration'\nabove = '2h'\nbelow = 1.5
         [[stats.alerts]]\nmetric = 'bytes_per_s'\nbelow = '1MB/s'
         [[stats.alerts]]\nslower_than = '2x p95'\nage_above = '8d'
         [[stats.alerts]]\ncommand = 'search'\nmetric = 'duration'\nabove = '2s'\n"
    ))
    .unwrap();
    assert_eq!((config.stats.keep, config.stats.keep_runs), (Some(Duration::from_secs(30 * 86_400)), None));
    let all = |rule| Alert { job: None, command: None, rule };
    let one = |rule| Alert { job: Some("j".into()), command: None, rule };
    assert_eq!(
        config.stats.alerts,
        [
            one(Rule::Above(Metric::Duration, 7200.0)),
            one(Rule::Below(Metric::Duration, 1.5)),
            all(Rule::Below(Metric::BytesPerSecond, 1e6)),
            all(Rule::SlowerThan(2.0, Point::P95)),
            all(Rule::Age(Duration::from_secs(8 * 86_400))),
            Alert { command: Some("search".into()), ..all(Rule::Above(Metric::Duration, 2.0)) },
        ]
    );
    let shown = show(&config, &config.jobs, false);
    let again = load(&shown).unwrap_or_else(|problems| panic!("{problems}\n{shown}"));
    assert_eq!((again.stats, again.notify), (config.stats, config.notify));
}

#[test]
fn rules_that_mean_nothing_are_refused() {
    for (alert, text) in [
        ("", "this alert has no condition"),
        ("job = 'j'", "this alert has no condition"),
        ("metric = 'files'", "a metric needs a limit"),
        ("above = 3", "a limit needs a metric"),
        ("metric = 'files'\nabove = '2h'", "files is measured as a number"),
        ("metric = 'bytes'\nabove = '2h'", "bytes is measured as a size, or bytes"),
        ("metric = 'duration'\nabove = '5MB'", "duration is measured as a span of time, or seconds"),
        ("job = 'k'\nage_above = '1d'", "no job is called \"k\""),
        ("age_above = '0'", "age_above: \"0\" is out of range: expected more than 0"),
        ("job = 'j'\ncommand = 'scan'\nage_above = '1d'", "an alert is about a job or a command, not both"),
        ("command = 'scan'\nmetric = 'files'\nabove = 1", "files is not known of commands, only duration"),
        (
            "command = 'sync'\nage_above = '1d'",
            "command: the costs of \"sync\" are not recorded: expected one of clean plan, clean purge, clean run, clean undo, index, reclaim, scan, search, search --repl, verify",
        ),
        ("agee = '1d'", "unknown key \"agee\" in [[stats.alerts]]"),
        (
            "slower_than = 'p95'",
            "slower_than: \"p95\" is not a factor and a figure: write it as \"2x p95\" (p50, p90, p95, p99 or mean)",
        ),
        ("metric = 'files'\nabove = true", "above: expected a number, a span of time or a size, found true"),
    ] {
        assert_eq!(texts(&format!("[[stats.alerts]]\n{alert}\n")), [text], "{alert}");
    }
    let metric = texts("[[stats.alerts]]\nmetric = 'durations'\nabove = 1\n");
    assert!(metric.len() == 1 && metric[0].ends_with("did you mean \"duration\"?"), "{metric:?}");
    assert_eq!(
        texts("[stats]\nalerts = 3\n"),
        ["expected a list of tables, [[stats.alerts]], found the integer 3"]
    );
}

#[test]
fn notifications_are_read() {
    let config = load(
        "[notify]\nping = 'https://h.example/x'\ncommand = [['a', 'b']]\non = 'always'\ntimeout = '3s'\nretries = 0\n",
    )
    .unwrap();
    let notify = config.notify;
    assert!(notify.is_wanted() && !NotifySettings::default().is_wanted());
    assert_eq!((notify.on, notify.timeout, notify.retries), (Occasion::Always, Duration::from_secs(3), 0));
    assert_eq!((notify.webhook, notify.log_tail), (None, 50));
    assert_eq!(notify.commands, [Hook::Argv(vec!["a".into(), "b".into()])]);
    for (line, text) in [
        ("webhook = 'h.example'", "webhook: expected \"https://HOST/…\" or \"http://HOST/…\""),
        ("on = 'never'", "on: \"never\" is not one of failure, success, always"),
        ("url = 'https://h/'", "unknown key \"url\" in [notify]"),
    ] {
        assert_eq!(texts(&format!("[notify]\n{line}\n")), [text]);
    }
}

#[test]
fn a_bound_may_be_nothing() {
    let config = load("[[stats.alerts]]\nmetric = 'duration'\nabove = '0s'\n").unwrap();
    assert_eq!(config.stats.alerts.len(), 1);
}

#[test]
fn addresses_to_be_notified_are_in_no_message() {
    for text in [
        "[notify]\npingg = 'https://h.example/SECRET'\n",
        "[notify] # whom\nwebhook = 'h.example/SECRET'\n",
        "[notify]\nping = \"https://h.example/SECRET\n",
        "[notify]\nping = 'https://h.example/SECRET' x\n",
        "notify = { pingg = 'https://h.example/SECRET' }\n",
        "notify.pingg = 'https://h.example/SECRET'\n",
    ] {
        let said = load(text).unwrap_err().to_string();
        assert!(!said.contains("SECRET") && said.contains('…'), "{said}");
    }
    let said = load("[notify]\nping = 'https://h/'\n[sync]\nparalel = 3\n").unwrap_err().to_string();
    assert!(said.contains("paralel = 3"), "{said}");
}
