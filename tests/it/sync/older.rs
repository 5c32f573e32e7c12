//! Sources that are older than the mirror: a fallback that lags, an upstream that was restored from a backup.

use crate::support::{Ended, Env, Upstream, one_job, tree};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Days before now.
fn age(path: &Path, days: u64) {
    File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(days * 86_400)).unwrap();
}

struct Two {
    usual: Upstream,
    lagging: Upstream,
    env: Env,
}

const FILES: usize = 40;

impl Two {
    /// In step with the usual source. The other one lags: a file is older there, one is missing yet, and one has gone since.
    fn new(more: &str) -> Self {
        let (usual, lagging) = (Upstream::new().listen(), Upstream::new().listen());
        for upstream in [&usual, &lagging] {
            for n in 0..FILES {
                age(&upstream.write(format!("d{}/f{n:02}", n % 4), "same"), 9);
            }
        }
        age(&usual.write("d0/f00", "the newer version"), 1);
        age(&usual.write("d0/late", "new"), 1);
        let env = Env::new();
        let config = one_job(&[&usual.url("m/"), &lagging.url("m/")], &env.mirror("j"), more);
        let two = Two { usual, lagging, env: env.with_config(&config) };
        let ended = two.run(&[], 0);
        assert_eq!(ended.finished()["status"], "ok", "{ended}");
        two
    }

    fn run(&self, more: &[&str], code: i32) -> Ended {
        self.env.run([&["sync", "j", "--json"], more].concat()).expect_code(code)
    }

    /// The usual source is out of reach.
    fn break_usual(&self) {
        fs::rename(self.usual.root(), self.usual.root().with_extension("away")).unwrap();
    }

    fn mend_usual(&self) {
        fs::rename(self.usual.root().with_extension("away"), self.usual.root()).unwrap();
    }

    fn is_mirror_of(&self, upstream: &Upstream) -> bool {
        tree(&self.env.mirror("j")) == tree(&upstream.root())
    }
}

#[test]
fn another_source_with_one_older_file_changes_nothing() {
    for more in
        ["", "delete = true", "delete = true\nrsync_args = [\"-u\"]", "rsync_args = [\"--ignore-existing\"]"]
    {
        let two = Two::new(more);
        two.break_usual();
        let before = tree(&two.env.mirror("j"));
        let ended = two.run(&[], 4);
        let finished = ended.finished();
        assert_eq!(finished["status"], "blocked", "{ended}");
        let error = finished["error"].as_str().unwrap();
        assert!(error.contains("older than the mirror") && error.contains("d0/f00"), "{ended}");
        assert_eq!(tree(&two.env.mirror("j")), before, "{more}\n{ended}");
        // Plans and dry runs say the same.
        for mode in ["--plan", "--dry-run"] {
            let ended = two.run(&[mode], 4);
            assert_eq!(ended.finished()["status"], "blocked", "{more} {mode}\n{ended}");
        }
        // Once, if somebody wants it.
        let hint = finished["hint"].as_str().unwrap();
        assert!(hint.contains("sync j --allow-older"), "{ended}");
        let ended = two.run(&["--allow-older"], 0);
        assert_ne!(ended.finished()["status"], "blocked", "{ended}");
        // What options keep from being replaced is older still.
        two.run(&[], if more.contains("-u") || more.contains("ignore") { 4 } else { 0 });
    }
}

#[test]
fn what_another_source_lacks_waits_until_it_has_served_twice() {
    let two = Two::new("delete = true");
    age(&two.lagging.write("d0/f00", "the newer version"), 1);
    age(&two.lagging.write("d1/only-here", "new"), 1);
    two.break_usual();
    let ended = two.run(&[], 0);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["files_deleted"]), (&"warned".into(), &0.into()), "{ended}");
    assert!(two.env.mirror("j/d1/only-here").exists(), "what is new comes: {ended}");
    assert!(finished["error"].as_str().unwrap().contains("1 file was not deleted"), "{ended}");
    assert!(two.env.mirror("j/d0/late").exists());
    // A run of the usual source in between starts it over.
    two.mend_usual();
    two.run(&[], 0);
    assert!(two.is_mirror_of(&two.usual));
    two.break_usual();
    assert_eq!(two.run(&[], 0).finished()["status"], "warned");
    let ended = two.run(&[], 0);
    assert_eq!(
        (&ended.finished()["status"], &ended.finished()["files_deleted"]),
        (&"ok".into(), &1.into()),
        "{ended}"
    );
    assert!(two.is_mirror_of(&two.lagging));
    // It is the usual one now.
    fs::remove_file(two.lagging.root().join("d1/only-here")).unwrap();
    assert_eq!(two.run(&[], 0).finished()["files_deleted"], 1);
}

/// A source that nobody has mirrored from before the first complete run is another one unless it is listed first.
#[test]
fn before_the_first_complete_run_the_first_source_is_the_usual_one() {
    let two = Two::new("delete = true");
    fs::remove_dir_all(two.env.state()).unwrap();
    two.break_usual();
    assert_eq!(two.run(&[], 4).finished()["status"], "blocked");
    two.mend_usual();
    assert_eq!(two.run(&[], 0).finished()["status"], "ok");
}

#[test]
fn the_usual_source_may_be_older_for_a_few_files() {
    let two = Two::new("");
    let older = |n: usize| age(&two.usual.write(format!("d{}/f{n:02}", n % 4), "an older version"), 20);
    (1..=10).for_each(older);
    let ended = two.run(&[], 0);
    assert!(two.is_mirror_of(&two.usual), "{ended}");
    let again = |n: usize| age(&two.usual.write(format!("d{}/f{n:02}", n % 4), "older"), 30);
    (1..=11).for_each(again);
    let before = tree(&two.env.mirror("j"));
    // The next source is asked, and lags, too.
    let ended = two.run(&[], 4);
    let tries = ended.tries();
    assert_eq!(tries.len(), 2, "{ended}");
    assert_eq!(tree(&two.env.mirror("j")), before, "{ended}");
    // What the job allows counts.
    let config = fs::read_to_string(two.env.config()).unwrap();
    fs::write(two.env.config(), format!("{config}\nmax_older = 11\n")).unwrap();
    let ended = two.run(&[], 0);
    assert!(two.is_mirror_of(&two.usual), "{ended}");
}

#[test]
fn a_file_of_the_same_size_or_within_the_modify_window_is_not_older() {
    let two = Two::new("rsync_args = [\"--modify-window=3600\"]");
    two.break_usual();
    fs::write(two.lagging.root().join("d0/f00"), "other of the size").unwrap();
    age(&two.lagging.root().join("d0/f00"), 30);
    let near = two.lagging.write("d0/late", "another size");
    let time = fs::metadata(two.env.mirror("j/d0/late")).unwrap().modified().unwrap();
    File::open(&near).unwrap().set_modified(time - Duration::from_secs(3_000)).unwrap();
    let ended = two.run(&[], 0);
    assert_eq!(ended.finished()["files_transferred"], 2, "{ended}");
}

#[test]
fn where_times_are_not_kept_they_say_nothing() {
    let two = Two::new("rsync_args = [\"--no-times\"]");
    two.break_usual();
    two.run(&[], 0);
}

/// One that was in step when it stood in is not trusted when it stands in again, and lags.
#[test]
fn a_source_that_stood_in_once_is_no_usual_one() {
    let two = Two::new("delete = true");
    age(&two.lagging.write("d0/f00", "the newer version"), 1);
    age(&two.lagging.write("d0/late", "new"), 1);
    two.break_usual();
    assert_eq!(two.run(&[], 0).finished()["status"], "ok", "nothing is missing there");
    two.mend_usual();
    fs::write(two.usual.root().join("d1/f01"), "newer, and of another size").unwrap();
    age(&two.usual.write("d1/newest", "new"), 0);
    two.run(&[], 0);
    assert!(two.is_mirror_of(&two.usual));
    two.break_usual();
    let before = tree(&two.env.mirror("j"));
    let ended = two.run(&[], 4);
    assert_eq!(tree(&two.env.mirror("j")), before, "{ended}");
}
