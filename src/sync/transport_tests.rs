//! What the dispatcher, the jobs and the attempts do with what a transport answers. No process is started.

use super::dispatch;
use super::scripted_transport::{Answer, Asked, Script};
use super::tests::plan;
use super::{Mode, Plan, Signals};
use crate::model::event::{Event, Stamped};
use crate::model::job::{Connections, Job, MaxDelete, Source};
use crate::model::result::{Outcome, Reason, Status, SyncResult};
use crate::model::summary::Summary;
use crate::rsync::exit::{Class, Verdict};
use jiff::Timestamp;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

async fn run(script: &Arc<Script>, plan: Plan) -> (Summary, Vec<Stamped>) {
    let (events, mut heard) = mpsc::channel::<Stamped>(4);
    let listen = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(stamped) = heard.recv().await {
            all.push(stamped);
        }
        all
    });
    let summary = dispatch::run_over(script.clone(), plan, events, &mut Signals::listen().unwrap()).await;
    (summary, listen.await.unwrap())
}

struct Mirror {
    dir: tempfile::TempDir,
}

impl Mirror {
    fn new() -> Self {
        Mirror { dir: tempfile::tempdir().unwrap() }
    }

    /// A job with these hosts as its sources.
    fn job(&self, name: &str, hosts: &[&str]) -> Job {
        let source = |host: &&str| Source::parse(&format!("rsync://{host}/m/"), Path::new("/")).unwrap();
        let mut job = Job::example(name, "rsync://h/m/", self.dir.path().join(name));
        job.sources = hosts.iter().map(source).collect();
        job
    }

    fn plan(&self, jobs: Vec<Job>) -> Plan {
        plan(&self.dir.path().join("state"), jobs, Mode::Real)
    }

    /// Runs one job.
    async fn sync(&self, script: &Arc<Script>, job: &Job) -> (SyncResult, Vec<Stamped>) {
        let (summary, events) = run(script, self.plan(vec![job.clone()])).await;
        (SyncResult::clone(&summary.results[0]), events)
    }

    /// A mirror of this many files, that one complete run has filled.
    async fn filled(&self, job: &Job, files: u64) {
        let script = Script::in_order([Answer::brings(files, (0..files).map(|n| format!("f{n}")))]);
        assert_eq!(self.sync(&script, job).await.0.outcome, Outcome::Ok);
    }

    fn files(&self, job: &str) -> usize {
        fs::read_dir(self.dir.path().join(job)).unwrap().count()
    }
}

fn gone(names: std::ops::Range<u64>) -> Vec<String> {
    names.map(|n| format!("*deleting   f{n}")).collect()
}

fn listing(total: u64, changes: &[String]) -> Answer {
    Answer::of(total, &changes.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Each pause of a job with its length, and how long the job really paused.
fn pauses(events: &[Stamped]) -> Vec<(Duration, Duration)> {
    let mut pauses: Vec<(Duration, Duration)> = Vec::new();
    let mut since: Option<(Duration, Timestamp)> = None;
    for stamped in events {
        match (&stamped.event, since) {
            (Event::Retry { delay, .. }, _) => since = Some((*delay, stamped.time)),
            (Event::JobStarted { .. }, Some((delay, then))) => {
                pauses.push((delay, Duration::try_from(stamped.time.duration_since(then)).unwrap()));
                since = None;
            }
            _ => {}
        }
    }
    pauses
}

#[tokio::test]
async fn a_failure_is_tried_again_after_a_pause_that_grows() {
    let mirror = Mirror::new();
    let base = Duration::from_millis(4);
    let job = Job { retries: 3, retry_delay: base, ..mirror.job("a", &["one"]) };
    let fails = Answer::fails(Class::Retry, "reset");
    let script = Script::in_order([fails.clone(), fails.clone(), fails, Answer::brings(1, ["f"])]);
    let (result, events) = mirror.sync(&script, &job).await;
    assert_eq!((&result.outcome, result.attempts.len()), (&Outcome::Ok, 4));
    let pauses = pauses(&events);
    assert_eq!(pauses.len(), 3);
    for (n, (told, took)) in pauses.into_iter().enumerate() {
        assert!(told <= base * 2_u32.pow(n as u32), "{n}: {told:?}");
        assert!(took >= told, "{n}: {took:?} instead of {told:?}");
    }
    // The figures are of all attempts; the earlier ones brought nothing.
    assert_eq!(result.figures.files_transferred, Some(1));
}

#[tokio::test]
async fn a_class_decides_whether_a_source_is_tried_again_or_the_next_one() {
    let (one, two) = ("one transfer", "two transfer");
    for (class, asked) in [
        (Class::Retry, &[one, one, one, two][..]),
        (Class::Busy, &[one, one, one, two]),
        (Class::Signalled, &[one, one, one, two]),
        (Class::Once, &[one, one, two]),
        (Class::Slow, &[one, two]),
        (Class::NextSource, &[one, two]),
        (Class::Here, &[one, one, one]),
        (Class::Fatal, &[one]),
    ] {
        let mirror = Mirror::new();
        let job = Job { retries: 2, ..mirror.job("a", &["one", "two"]) };
        let script = Script::new(move |(_, host, _)| match host.as_str() {
            "one" => Answer::fails(class, "no"),
            _ => Answer::brings(1, ["f"]),
        });
        let (result, _) = mirror.sync(&script, &job).await;
        assert_eq!(script.asked_of("a"), asked, "{class:?}");
        let came = asked.contains(&two);
        assert_eq!(result.status(), if came { Status::Ok } else { Status::Failed }, "{class:?}");
        assert_eq!(result.fallback.is_some(), came, "{class:?}");
    }
    // Without another source, a slow one is tried again.
    let mirror = Mirror::new();
    let job = Job { retries: 1, ..mirror.job("a", &["one"]) };
    let script = Script::in_order([Answer::fails(Class::Slow, "slow"), Answer::brings(1, ["f"])]);
    assert_eq!(mirror.sync(&script, &job).await.0.outcome, Outcome::Ok);
}

#[tokio::test]
async fn too_many_deletions_are_refused_and_the_rest_comes() {
    let mirror = Mirror::new();
    let job = Job { delete: true, max_delete: MaxDelete::Files(3), ..mirror.job("a", &["one"]) };
    mirror.filled(&job, 10).await;
    let new = [&gone(0..4)[..], &[">f+++++++++ new".into()]].concat();
    let script = Script::in_order([listing(7, &new), Answer::brings(7, ["new"])]);
    let (result, _) = mirror.sync(&script, &job).await;
    assert_eq!(result.status(), Status::Blocked);
    assert_eq!((mirror.files("a"), result.figures.files_deleted), (11, Some(0)));
    // As many as are allowed.
    let script = Script::in_order([listing(8, &gone(0..3))]);
    let (result, _) = mirror.sync(&script, &job).await;
    assert_eq!((&result.outcome, mirror.files("a")), (&Outcome::Ok, 8));
    assert_eq!(script.asked_of("a"), ["one list"], "there is nothing to transfer");
}

#[tokio::test]
async fn an_empty_source_deletes_nothing_and_the_next_one_is_asked() {
    let mirror = Mirror::new();
    let job = Job { delete: true, ..mirror.job("a", &["one", "two"]) };
    mirror.filled(&job, 5).await;
    let script = Script::new(|(_, host, _)| match host.as_str() {
        "one" => listing(0, &gone(0..5)),
        _ => listing(5, &[]),
    });
    let (result, _) = mirror.sync(&script, &job).await;
    assert_eq!(script.asked_of("a"), ["one list", "two list"]);
    assert_eq!((&result.outcome, mirror.files("a")), (&Outcome::Ok, 5));
    let alone = Job { sources: job.sources[..1].to_vec(), ..job };
    assert_eq!(mirror.sync(&script, &alone).await.0.status(), Status::Blocked);
    assert_eq!(mirror.files("a"), 5);
}

#[tokio::test]
async fn what_somebody_else_made_is_taken_over_before_anything_goes() {
    let mirror = Mirror::new();
    let job = Job { delete: true, ..mirror.job("a", &["one"]) };
    fs::create_dir(&job.dest).unwrap();
    (0..3).for_each(|n| fs::write(job.dest.join(format!("f{n}")), "x").unwrap());
    let script = Script::in_order([listing(2, &gone(0..1))]);
    let (result, events) = mirror.sync(&script, &job).await;
    assert_eq!((result.status(), mirror.files("a")), (Status::Warned, 3));
    let found = events.iter().find_map(|stamped| match &stamped.event {
        Event::Adopted { found, .. } => Some((found.same, found.foreign.map(|tally| tally.files))),
        _ => None,
    });
    assert_eq!(found, Some((Some(2), Some(1))));
    let (result, _) = mirror.sync(&script, &job).await;
    assert_eq!((&result.outcome, mirror.files("a")), (&Outcome::Ok, 2));
}

#[tokio::test]
async fn after_a_partial_transfer_a_second_listing_decides() {
    let partial = || Verdict::Partial(Reason::new("some attributes were not set"));
    let new = [&gone(0..1)[..], &[">f+++++++++ new".into()]].concat();
    for (second, status, files) in [
        (listing(5, &[]), Status::Warned, 5),
        (listing(5, &[".f...p..... new".into()]), Status::Warned, 5),
        (listing(5, &[">f+++++++++ new".into()]), Status::Partial, 6),
        (Answer::fails(Class::Retry, "reset"), Status::Partial, 6),
    ] {
        let mirror = Mirror::new();
        let job = Job { delete: true, ..mirror.job("a", &["one"]) };
        mirror.filled(&job, 5).await;
        let transfer = Answer::brings(5, ["new"]).but(partial());
        let script = Script::in_order([listing(5, &new), transfer, second.clone()]);
        let (result, _) = mirror.sync(&script, &job).await;
        assert_eq!(script.asked_of("a"), ["one list", "one transfer", "one compare"], "{second:?}");
        assert_eq!((result.status(), mirror.files("a")), (status, files), "{second:?}: {result:?}");
    }
}

#[tokio::test]
async fn fewer_files_than_listed_are_not_everything() {
    let mirror = Mirror::new();
    let job = Job { delete: true, ..mirror.job("a", &["one"]) };
    mirror.filled(&job, 5).await;
    let lines = [&gone(0..1)[..], &[">f+++++++++ new".into(), ">f+++++++++ more".into()]].concat();
    let again = listing(6, &[">f+++++++++ more".into()]);
    let script = Script::in_order([listing(6, &lines), Answer::brings(6, ["new"]), again]);
    let (result, _) = mirror.sync(&script, &job).await;
    assert_eq!((result.status(), mirror.files("a")), (Status::Warned, 6), "{result:?}");
    assert!(result.outcome.error().unwrap().contains("nothing was deleted"), "{result:?}");
}

#[tokio::test]
async fn what_vanishes_is_asked_for_once_more() {
    let mirror = Mirror::new();
    let job = mirror.job("a", &["one"]);
    mirror.filled(&job, 2).await;
    let vanished = || Verdict::Vanished(Reason::new("files vanished"));
    let new = listing(3, &[">f+++++++++ new".into()]);
    let script = Script::in_order([
        new.clone().but(vanished()),
        new,
        Answer::brings(3, ["new"]).but(vanished()),
        Answer::brings(3, ["new"]),
    ]);
    let (result, _) = mirror.sync(&script, &job).await;
    assert_eq!(script.asked_of("a"), ["one list", "one list", "one transfer", "one transfer"]);
    assert_eq!(result.outcome, Outcome::Ok);
}

#[tokio::test]
async fn a_run_that_stops_waits_for_no_pause() {
    let mirror = Mirror::new();
    let hour = Duration::from_secs(3600);
    // A pause of a busy server is at least half of what is set.
    let paused = Job { retries: 9, busy_delay: hour, priority: 1, ..mirror.job("paused", &["one"]) };
    let plan = Plan {
        fail_fast: true,
        ..mirror.plan(vec![paused, mirror.job("fails", &["two"]), mirror.job("waits", &["three"])])
    };
    let script = Script::new(|(job, ..)| match job.as_str() {
        "paused" => Answer::fails(Class::Busy, "full"),
        _ => Answer::fails(Class::Fatal, "no"),
    });
    let begun = Instant::now();
    let (summary, _) = run(&script, plan).await;
    assert!(begun.elapsed() < Duration::from_secs(60));
    let status: Vec<_> = summary.results.iter().map(|r| (&*r.job, r.status(), r.attempts.len())).collect();
    let expected =
        [("paused", Status::Cancelled, 1), ("fails", Status::Failed, 1), ("waits", Status::Skipped, 0)];
    assert_eq!(status, expected);
}

#[tokio::test]
async fn a_request_in_progress_ends_with_the_run() {
    let mirror = Mirror::new();
    let jobs = vec![mirror.job("hangs", &["one"]), mirror.job("fails", &["two"])];
    let plan = Plan { fail_fast: true, parallel: 2, ..mirror.plan(jobs) };
    let script = Script::new(|(job, ..)| match job.as_str() {
        "hangs" => Answer::hangs(),
        _ => Answer::fails(Class::Fatal, "no"),
    });
    let (summary, _) = run(&script, plan).await;
    let status: Vec<_> = summary.results.iter().map(|r| (&*r.job, r.status())).collect();
    assert_eq!(status, [("hangs", Status::Cancelled), ("fails", Status::Failed)]);
}

#[tokio::test]
async fn a_job_that_pauses_leaves_its_slot_to_others() {
    let mirror = Mirror::new();
    let first = Job { retries: 1, priority: 1, ..mirror.job("first", &["one"]) };
    let script = Script::new({
        let failed = std::sync::atomic::AtomicBool::new(false);
        move |(job, ..): &Asked| match job.as_str() {
            "first" if !failed.swap(true, std::sync::atomic::Ordering::Relaxed) => {
                Answer::fails(Class::Retry, "reset")
            }
            _ => Answer::brings(1, ["f"]),
        }
    });
    let (summary, _) = run(&script, mirror.plan(vec![first, mirror.job("second", &["one"])])).await;
    assert!(summary.results.iter().all(|result| result.outcome == Outcome::Ok));
    let order: Vec<_> = script.asked().into_iter().map(|(job, ..)| job).collect();
    assert_eq!(order, ["first", "second", "first"]);
}

#[tokio::test]
async fn jobs_start_by_priority_and_never_more_than_hosts_and_slots_allow() {
    let mirror = Mirror::new();
    let job = |n: i64, host: &str| Job { priority: n as _, ..mirror.job(&format!("j{n}"), &[host]) };
    let jobs: Vec<Job> = (0..12).map(|n| job(n, ["one", "two", "three"][n as usize % 3])).collect();
    let script = Script::new(|_| Answer::brings(1, ["f"]));
    let (summary, _) = run(&script, mirror.plan(jobs.clone())).await;
    let order: Vec<_> = script.asked().into_iter().map(|(job, ..)| job).collect();
    let expected: Vec<_> = (0..12).rev().map(|n| format!("j{n}")).collect();
    assert_eq!((&order, summary.results.len()), (&expected, 12));
    assert_eq!(script.most(""), 1);

    let mirror = Mirror::new();
    let script = Script::together(6, |_| Answer::brings(1, ["f"]));
    let hosts = [("one".to_owned(), 1), ("two".to_owned(), 2)];
    let jobs = jobs.into_iter().map(|job| Job { dest: mirror.dir.path().join(&job.name), ..job }).collect();
    let plan = Plan { parallel: 6, hosts: hosts.into(), ..mirror.plan(jobs) };
    run(&script, plan).await;
    assert_eq!(["one", "two", "three"].map(|host| script.most(host)), [1, 2, 3]);
    assert_eq!(script.most(""), 6);
}

#[tokio::test]
async fn jobs_that_wait_for_a_slot_take_no_connection_from_the_one_that_runs() {
    let new: Vec<String> = (0..40).map(|n| format!(">f+++++++++ f{n}")).collect();
    let mirror = Mirror::new();
    let job = |n| Job { connections: Connections::Fixed(4), ..mirror.job(&format!("j{n}"), &["h"]) };
    let script = Script::new(move |asked| match asked.2 {
        "list" => listing(40, &new),
        _ => Answer::of(40, &[]),
    });
    let plan = Plan { parallel: 1, ..mirror.plan((0..6).map(job).collect()) };
    let (summary, _) = run(&script, plan).await;
    assert_eq!(summary.results[0].connections, 4, "{summary:?}");
    assert!(summary.results.iter().all(|job| job.status() == Status::Ok), "{summary:?}");
}

#[tokio::test]
async fn all_jobs_together_never_have_more_connections_to_a_host_than_its_cap() {
    let new: Vec<String> = (0..40).map(|n| format!(">f+++++++++ f{n}")).collect();
    for (jobs, hosts, cap) in [(1, vec![], 4), (36, vec![], 4), (36, vec![("h".to_owned(), 6)], 6)] {
        let mirror = Mirror::new();
        let job = |n| Job { connections: Connections::Fixed(8), ..mirror.job(&format!("j{n}"), &["h"]) };
        let new = new.clone();
        // Transfers bring nothing here; the second listing decides.
        let script = Script::new(move |asked| match asked.2 {
            "list" => listing(40, &new),
            _ => Answer::of(40, &[]),
        });
        let plan = Plan {
            parallel: 36,
            hosts: hosts.into_iter().collect(),
            ..mirror.plan((0..jobs).map(job).collect())
        };
        let (summary, _) = run(&script, plan).await;
        assert!(summary.results.iter().all(|job| job.status() == Status::Ok), "{summary:?}");
        assert!(summary.results.iter().all(|job| job.parts.len() > 1), "{summary:?}");
        // How many overlap depends on the threads that write lists.
        assert!((2..=cap).contains(&script.most("h")), "{jobs} jobs: {}", script.most("h"));
    }
}
