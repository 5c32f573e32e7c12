use super::*;
use crate::model::event::Stream;
use crate::model::result::{Outcome, Reason};
use crate::output::testing::{failure, finished, output, result, started, told};
use std::fs;

fn results() -> Vec<SyncResult> {
    vec![result("a", Outcome::Ok), failure("b"), result("c", Outcome::Warned(Reason::new("1 file | gone")))]
}

fn story() -> Vec<Event> {
    let mut events = vec![
        started(&["a", "b", "c"]),
        output("a", Stream::Stdout, b"one\n::error::not ours\n"),
        output("b", Stream::Stderr, b"x ##[error]y\n"),
        output("a", Stream::Stderr, b"two"),
        Event::Notice { job: None, level: Level::Warning, text: "100% full,\nalmost".into() },
    ];
    events.extend(finished(results()));
    events
}

#[test]
fn jobs_are_groups_and_failures_stay_open() {
    let (out, _) = told(|options| options.group = Some(crate::output::Group::Github), story());
    insta::assert_snapshot!(out, @r"
    Syncing 3 jobs, up to 3 at a time...
    ::warning title=pdb-sync::100%25 full,%0Aalmost
    ::group::[a] ok after 1 try in 1.50s
    [a] one
    [a] ::error::not ours
    [a] two
    ::endgroup::
    [b] failed after 2 tries in 1.50s: cannot connect to host: connection refused
    [b] x # #[error]y
    ::error title=b::failed after 2 tries in 1.50s: cannot connect to host: connection refused%0Ahint: is port 873 open?
    ::group::[c] warned after 1 try in 1.50s: 1 file | gone
    ::endgroup::
    ::warning title=c::warned after 1 try in 1.50s: 1 file | gone
    === Sync Summary ===
    Total: 3 | Success: 2 | Failed: 1
    [b] failed after 2 tries in 1.50s: cannot connect to host: connection refused
      try 1, rsync://host/b/, 0.40s: cannot connect to host: connection refused (rsync 10)
      try 2, rsync://host/b/, 0.40s: cannot connect to host: connection refused (rsync 10)
      hint: is port 873 open?
      log: /state/logs/b/01KAM5T7Z0ABCDEFGHJKMNPQRS.log
    [c] warned after 1 try in 1.50s: 1 file | gone
    Total time: 45.23s | Average: 1.50s
    ");
}

#[test]
fn the_environment_switches_it_on_and_names_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let (summary, outputs) = (dir.path().join("summary"), dir.path().join("output"));
    fs::write(&outputs, "earlier=1\n").unwrap();
    let set = |options: &mut crate::output::Options| {
        options.environment.github = true;
        options.environment.step_summary = Some(summary.clone());
        options.environment.github_output = Some(outputs.clone());
    };
    let (out, _) = told(set, story());
    assert!(out.contains("::group::[a]"), "{out}");
    assert_eq!(fs::read_to_string(&outputs).unwrap(), "earlier=1\nchanged=true\nfailed=b\n");
    insta::assert_snapshot!(fs::read_to_string(&summary).unwrap(), @r"
    ### pdb-sync: 2 of 3 jobs succeeded in 45.23s

    | Job | Status | Tries | Duration | Transferred | Deleted | Received | Reason |
    |---|---|--:|--:|--:|--:|--:|---|
    | a | ok | 1 | 1.50s | 3 | 0 | 12.3 kB |  |
    | b | failed | 2 | 1.50s | – | – | – | cannot connect to host: connection refused<br>is port 873 open? |
    | c | warned | 1 | 1.50s | 3 | 0 | 12.3 kB | 1 file \| gone |
    ");
}

#[test]
fn json_keeps_standard_output_to_itself() {
    let (out, _) = told(
        |options| {
            options.group = Some(crate::output::Group::Github);
            options.json = true;
        },
        story(),
    );
    assert!(out.lines().all(|line| line.starts_with('{')), "{out}");
}

#[test]
fn changed_is_false_only_when_that_is_known() {
    let outputs = |results: Vec<SyncResult>| match finished(results).pop() {
        Some(Event::RunFinished(summary)) => step_outputs(&summary),
        other => panic!("no summary: {other:?}"),
    };
    let mut same = result("a", Outcome::Ok);
    same.figures.files_transferred = Some(0);
    assert_eq!(outputs(vec![same]), "changed=false\nfailed=\n");
    assert_eq!(outputs(vec![failure("b")]), "changed=true\nfailed=b\n");
    assert_eq!(
        outputs(vec![SyncResult { dry_run: true, ..result("a", Outcome::Ok) }]),
        "changed=false\nfailed=\n"
    );
}

#[test]
fn commands_are_escaped() {
    assert_eq!(
        annotation(Level::Error, "a:b,c%", "x\r\ny: z, 5%"),
        "::error title=a%3Ab%2Cc%25::x%0D%0Ay: z, 5%25\n"
    );
}
