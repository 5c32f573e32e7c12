use super::*;
use std::path::Path;

const LONG: Duration = Duration::from_secs(60);

fn sh(script: &str) -> Vec<String> {
    vec!["sh".into(), "-c".into(), script.into()]
}

fn runs(pid_file: &Path) -> bool {
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn a_command_gets_its_input_and_its_words_are_kept() {
    let body = "0123456789\n".repeat(50_000);
    let argv = sh("wc -c; echo \"$WHO\"; echo oh >&2; exit 3");
    let env = [("WHO".into(), "me".into())];
    let ran = run(Helper { argv: &argv, env: &env, without: &[], input: Some(body.as_bytes()), limit: LONG })
        .await
        .unwrap();
    assert_eq!((ran.code(), ran.status().as_str()), (Some(3), "exit status 3"));
    assert_eq!(ran.stdout.split_whitespace().collect::<Vec<_>>(), ["550000", "me"]);
    assert_eq!(ran.stderr, ["oh"]);
    let argv = sh("exit 0");
    let ran = run(Helper { argv: &argv, env: &[], without: &[], input: Some(body.as_bytes()), limit: LONG })
        .await
        .unwrap();
    assert_eq!(ran.code(), Some(0), "it need not read");
}

#[tokio::test]
async fn of_words_without_an_end_the_first_and_the_last_are_kept() {
    let argv = sh("echo first; seq 1000000; echo last");
    let ran = run(Helper { argv: &argv, env: &[], without: &[], input: None, limit: LONG }).await.unwrap();
    assert!(ran.stdout.starts_with("first\n1\n") && ran.stdout.ends_with("1000000\nlast\n"));
    assert!(ran.stdout.len() <= 2 * KEPT, "{}", ran.stdout.len());
}

#[tokio::test]
async fn at_its_limit_a_command_ends_with_all_that_it_has_started() {
    let dir = tempfile::tempdir().unwrap();
    let (holds, deaf) = (dir.path().join("holds"), dir.path().join("deaf"));
    // One process holds the pipes; the other holds nothing and ignores SIGTERM. Their shell does not ignore it.
    let script = format!(
        "sleep 600 & echo $! > {}; (trap '' TERM; exec sleep 601) >/dev/null 2>&1 & echo $! > {}; wait",
        holds.display(),
        deaf.display()
    );
    // Long enough for both to start, also on a busy machine.
    let limit = Duration::from_secs(5);
    let argv = sh(&script);
    let error = run(Helper { argv: &argv, env: &[], without: &[], input: None, limit }).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(!runs(&holds) && !runs(&deaf));
}
