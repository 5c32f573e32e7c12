//! Runs as a library, with the real rsync and local sources.

use super::*;
use crate::history::stats::Watch;
use crate::model::bandwidth::Bandwidth;
use crate::model::event::{Event, Stamped};
use crate::model::result::{Outcome, Status};
use crate::model::summary::Summary;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// A plan for one job at a time.
pub(super) fn plan(state_dir: &Path, jobs: Vec<Job>, mode: Mode) -> Plan {
    Plan {
        run: "RUN".into(),
        jobs,
        parallel: 1,
        auto: false,
        hosts: BTreeMap::new(),
        fail_fast: false,
        grace: Duration::from_secs(5),
        bwlimit: Bandwidth::Always(None),
        delay: Duration::ZERO,
        mode,
        rsync: "rsync".into(),
        state_dir: state_dir.into(),
        logs: None,
        wait_lock: Duration::ZERO,
        named_files: false,
        expect: None,
        scope: None,
        watch: Watch::default(),
        again: "pdb-sync".into(),
    }
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(files: usize) -> Place {
        let place = Place { dir: tempfile::tempdir().unwrap() };
        fs::create_dir_all(place.source()).unwrap();
        for i in 0..files {
            fs::write(place.source().join(format!("f{i}")), i.to_string()).unwrap();
        }
        place
    }

    fn source(&self) -> PathBuf {
        self.dir.path().join("source")
    }

    fn dest(&self) -> PathBuf {
        self.dir.path().join("dest")
    }

    fn job(&self) -> Job {
        Job::example("j", &format!("{}/", self.source().display()), self.dest())
    }

    fn deleting(&self) -> Job {
        Job { delete: true, ..self.job() }
    }

    async fn run(&self, job: Job, mode: Mode) -> (Summary, Vec<Event>) {
        let plan = plan(&self.dir.path().join("state"), vec![job], mode);
        let (events, mut heard) = mpsc::channel::<Stamped>(4);
        let listen = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(stamped) = heard.recv().await {
                all.push(stamped.event);
            }
            all
        });
        let summary = super::run(plan, events, &mut Signals::listen().unwrap()).await;
        (summary, listen.await.unwrap())
    }

    fn files(&self) -> usize {
        fs::read_dir(self.dest()).unwrap().count()
    }
}

fn first(summary: &Summary) -> &crate::model::result::SyncResult {
    &summary.results[0]
}

#[tokio::test]
async fn a_job_is_transferred_and_then_there_is_nothing_to_do() {
    let place = Place::new(3);
    let (summary, events) = place.run(place.deleting(), Mode::Real).await;
    assert_eq!(first(&summary).outcome, Outcome::Ok, "{events:#?}");
    assert_eq!(first(&summary).figures.files_transferred, Some(3));
    assert_eq!(first(&summary).figures.total_files, Some(3));
    let (summary, events) = place.run(place.deleting(), Mode::Real).await;
    assert_eq!(first(&summary).outcome, Outcome::Ok, "{events:#?}");
    assert_eq!(first(&summary).figures.files_transferred, Some(0));
    assert_eq!(first(&summary).attempts[0].phases.len(), 1, "one connection is enough for nothing");
}

#[tokio::test]
async fn what_is_gone_upstream_goes_here_up_to_the_limit() {
    let place = Place::new(300);
    place.run(place.deleting(), Mode::Real).await;
    for i in 0..100 {
        fs::remove_file(place.source().join(format!("f{i}"))).unwrap();
    }
    let (summary, events) = place.run(place.deleting(), Mode::Real).await;
    assert_eq!(first(&summary).outcome, Outcome::Ok, "{events:#?}");
    assert_eq!(first(&summary).figures.files_deleted, Some(100));
    assert_eq!(place.files(), 200);
    let (summary, _) = place.run(place.deleting(), Mode::Real).await;
    assert_eq!(first(&summary).attempts[0].phases.len(), 1, "deleting left nothing to set right");
    for i in 100..201 {
        fs::remove_file(place.source().join(format!("f{i}"))).unwrap();
    }
    fs::write(place.source().join("new"), "new").unwrap();
    let (summary, _) = place.run(place.deleting(), Mode::Real).await;
    assert_eq!(first(&summary).status(), Status::Blocked);
    assert_eq!(first(&summary).figures.files_deleted, Some(0));
    assert_eq!(place.files(), 201, "nothing deleted, the new one transferred");
    let job = Job { max_delete: crate::model::job::MaxDelete::Files(101), ..place.deleting() };
    let (summary, _) = place.run(job, Mode::Real).await;
    assert_eq!(first(&summary).outcome, Outcome::Ok);
    assert_eq!(place.files(), 100);
}

#[tokio::test]
async fn an_emptied_source_never_deletes() {
    let place = Place::new(3);
    place.run(place.deleting(), Mode::Real).await;
    fs::remove_dir_all(place.source()).unwrap();
    let (summary, _) = place.run(place.deleting(), Mode::Real).await;
    assert_eq!(first(&summary).status(), Status::Failed, "a missing source");
    fs::create_dir_all(place.source().join("empty")).unwrap();
    let job = Job { max_delete: crate::model::job::MaxDelete::Files(1000), ..place.deleting() };
    let (summary, _) = place.run(job.clone(), Mode::Real).await;
    assert_eq!(first(&summary).status(), Status::Blocked, "an empty one");
    assert_eq!(place.files(), 3);
    let (summary, _) = place.run(Job { allow_empty_source: true, ..job }, Mode::Real).await;
    assert_eq!(first(&summary).outcome, Outcome::Ok);
    assert_eq!(place.files(), 1);
}

#[tokio::test]
async fn a_directory_gives_way_to_a_file() {
    let place = Place::new(3);
    fs::create_dir(place.source().join("x")).unwrap();
    fs::write(place.source().join("x/inner"), "inner").unwrap();
    place.run(place.deleting(), Mode::Real).await;
    fs::remove_dir_all(place.source().join("x")).unwrap();
    fs::write(place.source().join("x"), "a file now").unwrap();
    let (summary, events) = place.run(place.deleting(), Mode::Real).await;
    assert_eq!(first(&summary).outcome, Outcome::Ok, "{events:#?}");
    assert_eq!(fs::read_to_string(place.dest().join("x")).unwrap(), "a file now");
    assert_eq!(first(&summary).figures.files_deleted, Some(1));
}

#[tokio::test]
async fn dry_runs_change_nothing_and_judge_alike() {
    let place = Place::new(150);
    for mode in [Mode::DryRun, Mode::Plan { paths: true }] {
        let (summary, _) = place.run(place.deleting(), mode).await;
        assert_eq!(first(&summary).outcome, Outcome::Ok);
        assert!(!place.dest().exists());
    }
    place.run(place.deleting(), Mode::Real).await;
    for i in 0..101 {
        fs::remove_file(place.source().join(format!("f{i}"))).unwrap();
    }
    for mode in [Mode::DryRun, Mode::Plan { paths: true }] {
        let (summary, events) = place.run(place.deleting(), mode).await;
        assert_eq!(first(&summary).status(), Status::Blocked, "{mode:?} {events:#?}");
        assert_eq!(place.files(), 150);
    }
    let (summary, events) = place.run(place.job(), Mode::Plan { paths: true }).await;
    assert_eq!(first(&summary).outcome, Outcome::Ok, "a job that does not delete plans no deletion");
    assert!(events.iter().any(|e| matches!(e, Event::Planned { deleted, .. } if deleted.files == 0)));
}
