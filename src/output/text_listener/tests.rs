use super::*;
use crate::model::event::Lines;
use crate::model::result::{Outcome, log_path};
use crate::output::LogFiles;
use crate::output::testing::{RUN, failure, finished, job_started, output, result, started, told};
use std::sync::Arc;
use std::time::Duration;

fn story() -> Vec<Event> {
    let mut events = vec![
        started(&["a", "mmcif"]),
        job_started("a", 1),
        Event::Phase {
            job: "a".into(),
            part: None,
            attempt: 1,
            phase: Phase::List,
            argv: vec!["rsync".into(), "-n".into()],
        },
        Event::Phase { job: "a".into(), part: None, attempt: 1, phase: Phase::Transfer, argv: vec![] },
        output("a", Stream::Stdout, b"receiving incremental file list\n\x1b[1mab/1abc.cif.gz\n"),
        output("mmcif", Stream::Stderr, b"rsync: caf\xc3\xa9"),
        Event::Retry {
            job: "mmcif".into(),
            part: None,
            attempt: 1,
            exit_code: Some(10),
            reason: "connection refused".into(),
            delay: Duration::from_millis(2_100),
            source: "rsync://other/".into(),
        },
        job_started("mmcif", 2),
        Event::Notice { job: None, level: Level::Info, text: "ending: press ^C again to kill".into() },
        Event::Notice { job: Some("mmcif".into()), level: Level::Error, text: "log is\nfull".into() },
        Event::Notice { job: None, level: Level::Debug, text: "details".into() },
    ];
    events.extend(finished(vec![result("a", Outcome::Ok), failure("mmcif")]));
    events
}

#[test]
fn lines_go_where_the_child_sent_them() {
    let (out, err) = told(|_| {}, story());
    insta::assert_snapshot!(out, @r"
    Syncing 2 jobs, up to 3 at a time...
    [a] receiving incremental file list
    [a] \u{1b}[1mab/1abc.cif.gz
    === Sync Summary ===
    Total: 2 | Success: 1 | Failed: 1
    [mmcif] failed after 2 tries in 1.50s: cannot connect to host: connection refused
      try 1, rsync://host/mmcif/, 0.40s: cannot connect to host: connection refused (rsync 10)
      try 2, rsync://host/mmcif/, 0.40s: cannot connect to host: connection refused (rsync 10)
      hint: is port 873 open?
      log: /state/logs/mmcif/01KAM5T7Z0ABCDEFGHJKMNPQRS.log
    Total time: 45.23s | Average: 1.50s
    ");
    insta::assert_snapshot!(err, @r"
    [a] starting: rsync://host/a/
    [a] listing what would change
    [mmcif] rsync: café
    [mmcif] try 1 failed: connection refused (rsync 10); next in 2.10s: rsync://other/
    [mmcif] try 2: rsync://host/mmcif/
    ending: press ^C again to kill
    [mmcif] error: log is full
    [a] done in 1.50s: 3 files transferred, 12.3 kB received
    [mmcif] failed after 2 tries in 1.50s: cannot connect to host: connection refused
    ");
}

#[test]
fn quiet_leaves_errors_and_the_summary() {
    let (out, err) = told(|options| options.quiet = true, story());
    assert!(out.starts_with("=== Sync Summary ===\n"), "{out}");
    insta::assert_snapshot!(err, @r"
    [mmcif] rsync: café
    [mmcif] error: log is full
    ");
}

#[test]
fn verbose_tells_the_commands() {
    let (_, err) = told(|options| options.verbose = true, story());
    // The command is printed once per phase; that of the start is that of the first phase.
    assert_eq!(err.matches("[a] runs ").count(), 1, "{err}");
    assert!(err.contains("[a] runs rsync -n\n[a] transferring\n"), "{err}");
    assert!(err.contains("\ndetails\n"), "{err}");
}

#[test]
fn a_terminal_gets_aligned_coloured_prefixes_and_no_foreign_escapes() {
    let (out, err) = told(
        |options| {
            options.color = crate::output::terminal::Color::Always;
            options.environment.utf8 = true;
            options.streams.out.columns = Some(Box::new(|| 80));
            options.streams.err.columns = Some(Box::new(|| 80));
        },
        story(),
    );
    assert!(out.contains("\u{1b}[36m[a]\u{1b}[0m     receiving incremental file list\n"), "{out:?}");
    assert!(out.contains("\u{1b}[36m[a]\u{1b}[0m     \\u{1b}[1mab/1abc.cif.gz\n"), "{out:?}");
    assert!(err.contains("\u{1b}[32m[mmcif]\u{1b}[0m rsync: café\n"), "{err:?}");
    assert!(err.contains("\u{1b}[31m\u{1b}[1merror:\u{1b}[0m log is full\n"), "{err:?}");
}

#[test]
fn the_header_counts_and_tells_a_dry_run() {
    assert_eq!(header(1, 3, false), "Syncing 1 job...\n");
    assert_eq!(header(3, 3, false), "Syncing 3 jobs, up to 3 at a time...\n");
    assert_eq!(header(1, 1, true), "Dry run of 1 job, nothing will be changed...\n");
}

#[test]
fn plans_tell_files_and_bytes() {
    let tally = |files, dirs, bytes| Tally { files, dirs, bytes };
    let none = &Tally::default();
    let (created, updated, deleted) =
        (&tally(12, 1, Some(3_400_000)), &tally(3, 0, None), &tally(1, 0, Some(7)));
    let plan = planned([created, updated, deleted, none], Some(100), 0, Some(none), Some("ab"));
    assert_eq!(
        plan,
        "would create 12 files and 1 directory (3.4 MB), update 3 files, delete 1 file (7 B); at most 100; \
         `--expect ab` approves the deletions"
    );
    assert_eq!(planned([none; 4], None, 0, Some(none), None), "would change nothing");
    assert_eq!(planned([none; 4], Some(100), 2, Some(none), None), "would respell 2 names");
    let one = &tally(1, 0, None);
    assert!(
        planned([one, none, none, none], None, 0, Some(none), None)
            .ends_with("delete 0 files; deletion is off")
    );
    let waits = planned([none, none, none, one], Some(100), 0, Some(none), None);
    assert!(
        waits.contains("delete 0 files; 1 file not at the source, which the next run deletes"),
        "{waits}"
    );
    let left_out = planned([none; 4], None, 0, Some(&tally(3, 0, Some(15))), None);
    assert!(left_out.starts_with("would change nothing; the filters leave out 3 files"), "{left_out}");
    assert!(planned([none; 4], None, 0, None, None).ends_with("filters leave out is not known"));
}

#[test]
fn a_part_of_a_job_is_named_in_text_and_json_and_log() {
    let dir = tempfile::tempdir().unwrap();
    let part = Some(Part { index: 2, of: 4 });
    let lines = Lines::new(b"x\ny\n".to_vec());
    let events = || {
        let output = Event::Output { job: "a".into(), part, stream: Stream::Stdout, lines: lines.clone() };
        let phase = Event::Phase { job: "a".into(), part, attempt: 1, phase: Phase::List, argv: vec![] };
        vec![started(&["a"]), job_started("a", 1), phase, output]
    };
    let files = Arc::new(LogFiles::new(dir.path().into(), RUN, false));
    let (out, err) = told(|options| options.logs = Some(files), events());
    assert!(out.contains("\n[a 2/4] x\n[a 2/4] y\n"), "{out}");
    assert!(err.contains("[a] starting: ") && err.contains("[a 2/4] listing what would change\n"), "{err}");
    let log = std::fs::read_to_string(log_path(dir.path(), "a", RUN)).unwrap();
    assert!(log.contains(" --- 2/4 listing") && log.contains(" out 2/4 x\n"), "{log}");
    assert!(log.contains(" --- try 1, source"), "{log}");
    let (out, _) = told(|options| options.json = true, events());
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let parts: Vec<_> = lines.iter().map(|line| line.get("part").map(|part| part.to_string())).collect();
    let named = Some("{\"index\":2,\"of\":4}".to_owned());
    assert_eq!(parts, [None, None, named.clone(), named.clone(), named]);
}
