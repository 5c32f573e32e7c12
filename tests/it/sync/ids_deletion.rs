//! What a job that is limited to entries deletes, and what it remembers.

use super::ids::{files, files_of, listed, set, sync, want};
use crate::support::{Env, Upstream, one_job, tree};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const SOURCE: &str = "m/structures/divided/mmCIF/";

/// The state of the whole source: names, and what is known of the job.
fn state(env: &Env) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(env.state().join("listings")).into_iter().flatten().flatten();
    let of_whole = |path: &PathBuf| !path.file_name().unwrap().to_str().unwrap().contains("+ids");
    let whole = entries.map(|entry| entry.path()).filter(of_whole);
    whole.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn whole(env: &Env, upstream: &Upstream, more: &str) {
    let config = one_job(&[&upstream.url(SOURCE)], &env.mirror("j"), more);
    fs::write(env.config(), config).unwrap();
}

#[test]
fn what_leaves_the_list_or_the_source_goes_and_all_else_stays() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "delete = true\nkeep_deleted = '1d'");
    sync(&env, "1a8o 4cup 1pfe 3dg1", 0);
    let mine = env.mirror("j").join("cu/mine");
    fs::write(&mine, "somebody else's").unwrap();
    fs::write(env.mirror("j").join("5i55.cif.gz"), "somebody else's").unwrap();
    fs::remove_file(upstream.root().join("structures/divided/mmCIF/dg/3dg1.cif.gz")).unwrap();
    let ended = sync(&env, "1a8o 1pfe 3dg1", 3);
    assert_eq!(ended.finished()["files_deleted"], 2, "{ended}");
    assert_eq!(files(&env), set(&["a8/1a8o.cif.gz", "pf/1pfe.cif.gz", "cu/mine", "5i55.cif.gz"]), "{ended}");
    assert!(!env.mirror("j").join("dg").exists());
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert!(env.mirror("j").join("cu/4cup.cif.gz").exists());
    // What undo brought back is in no list, and was forgotten.
    sync(&env, "1a8o 1pfe", 0);
    assert!(env.mirror("j").join("cu/4cup.cif.gz").exists());
}

#[test]
fn the_guards_hold_back_too_many_deletions_until_they_are_approved() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "delete = true\nmax_delete = 1");
    sync(&env, "1a8o 4cup 1pfe 3dg1", 0);
    let ended = sync(&env, "1a8o 5i55", 4);
    let hint = ended.finished()["hint"].as_str().unwrap().to_owned();
    assert!(ended.finished()["error"].as_str().unwrap().contains("3 of 4 files would be deleted"), "{ended}");
    assert_eq!(files(&env).len(), 5, "{ended}");
    let hash = hint.rsplit(' ').next().unwrap();
    let shown = env.run(["clean", "show", "j", "--json"]).expect_code(0).json().pop().unwrap();
    assert!(shown["hash"].as_str().unwrap().starts_with(hash));
    env.run(["sync", "j", "--expect", hash]).expect_code(0);
    assert_eq!(files(&env), set(&["a8/1a8o.cif.gz", "i5/5i55.cif.gz"]));
}

/// Neither a source that cannot be read nor one without any of the entries is a reason to delete.
#[test]
fn a_listing_that_failed_deletes_nothing() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "delete = true");
    sync(&env, "1a8o 4cup", 0);
    let moved = upstream.root().join("away");
    fs::rename(upstream.root().join("structures"), &moved).unwrap();
    sync(&env, "1a8o", 1);
    fs::create_dir_all(upstream.root().join("structures/divided/mmCIF")).unwrap();
    sync(&env, "1a8o", 1);
    assert_eq!(files(&env).len(), 2);
}

/// Killed before its end, a run has brought files that the next run knows.
#[test]
fn files_of_a_run_that_did_not_end_are_known() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "delete = true");
    // The second file cannot come.
    let closed = env.mirror("j").join("cu/4cup.cif.gz/in the way");
    fs::create_dir_all(closed.parent().unwrap()).unwrap();
    fs::write(&closed, "").unwrap();
    sync(&env, "1a8o 4cup", 3);
    assert!(files(&env).contains("a8/1a8o.cif.gz"));
    fs::remove_dir_all(env.mirror("j").join("cu")).unwrap();
    // The destination is not known to the job before a run is complete: that run deletes nothing.
    let ended = sync(&env, "4cup", 0);
    assert_eq!((files(&env).len(), ended.events("adopted").len()), (2, 1), "{ended}");
    let ended = sync(&env, "4cup", 0);
    assert_eq!(files(&env), set(&["cu/4cup.cif.gz"]), "{ended}");
}

#[test]
fn a_whole_mirror_that_gets_a_list_loses_nothing() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "");
    whole(&env, &upstream, "delete = true");
    env.run(["sync", "j"]).expect_code(0);
    let before = tree(&env.mirror("j"));
    let remembered = state(&env);
    assert!(remembered.keys().any(|path| path.ends_with("j.names")), "{remembered:?}");
    whole(&env, &upstream, "delete = true\nids = 'ids.txt'");
    for ids in ["1a8o", "4cup", "1pfe"] {
        sync(&env, ids, 0);
        assert_eq!(tree(&env.mirror("j")), before, "{ids}");
    }
    assert_eq!(state(&env), remembered);
    // New upstream, brought by the list, and then neither in the list nor wanted: only that goes.
    upstream.write("structures/divided/mmCIF/zz/9zzz.cif.gz", "new");
    sync(&env, "1a8o 9zzz", 0);
    assert!(env.mirror("j").join("zz/9zzz.cif.gz").exists());
    sync(&env, "1a8o", 0);
    assert_eq!(tree(&env.mirror("j")), before);
    // Whole again: everything is there, and nothing is taken for gone.
    whole(&env, &upstream, "delete = true");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(
        (&ended.finished()["files_transferred"], &ended.finished()["files_deleted"]),
        (&1.into(), &0.into()),
        "{ended}"
    );
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root().join("structures/divided/mmCIF")));
}

/// A job with a list whose list is removed is at a mirror that it does not know as a whole.
#[test]
fn a_list_that_is_removed_makes_a_whole_mirror_that_deletes_nothing_at_first() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "delete = true");
    sync(&env, "1a8o", 0);
    fs::write(env.mirror("j").join("a8/mine"), "").unwrap();
    whole(&env, &upstream, "delete = true");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.events("adopted").len(), 1, "{ended}");
    assert!(env.mirror("j").join("a8/mine").exists() && files(&env).len() == 7, "{ended}");
}

/// A list of one destination is none of another.
#[test]
fn another_destination_keeps_what_it_has() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "delete = true");
    sync(&env, "1a8o 4cup", 0);
    let other = env.mirror("other");
    fs::create_dir_all(other.join("cu")).unwrap();
    fs::write(other.join("cu/4cup.cif.gz"), "somebody else's").unwrap();
    want(&env, "1a8o");
    for _ in 0..2 {
        env.run(["sync", "j", "--dest", other.to_str().unwrap()]).expect_code(0);
        assert_eq!(files_of(&other), set(&["a8/1a8o.cif.gz", "cu/4cup.cif.gz"]));
    }
    sync(&env, "1a8o", 0);
    assert_eq!(files(&env), set(&["a8/1a8o.cif.gz"]));
}

#[test]
fn what_filters_exclude_is_not_deleted() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "delete = true");
    sync(&env, "1a8o 4cup 1pfe", 0);
    whole(&env, &upstream, "delete = true\nids = 'ids.txt'\nexclude = ['4cup*', '/pf/']");
    let ended = sync(&env, "3dg1", 0);
    assert_eq!(files(&env), set(&["cu/4cup.cif.gz", "dg/3dg1.cif.gz", "pf/1pfe.cif.gz"]), "{ended}");
}

#[test]
fn another_source_than_the_usual_one_deletes_nothing_at_once() {
    let (upstream, lagging) = (Upstream::new().with_corpus(), Upstream::new().with_corpus().listen());
    fs::remove_dir_all(lagging.root().join("structures/divided/mmCIF/cu")).unwrap();
    let env = Env::new();
    let local = format!("{}/structures/divided/mmCIF/", upstream.root().to_str().unwrap());
    let sources = [&*local, &lagging.url(SOURCE)];
    let config = one_job(&sources, &env.mirror("j"), "delete = true\nretries = 0\nids = 'ids.txt'");
    let env = env.with_config(&config);
    sync(&env, "1a8o 4cup", 0);
    fs::rename(upstream.root(), upstream.root().with_extension("away")).unwrap();
    let ended = sync(&env, "1a8o 4cup", 3);
    assert!(ended.finished()["error"].as_str().unwrap().contains("1 of 2 entries has no file"), "{ended}");
    assert_eq!(files(&env).len(), 2, "{ended}");
    fs::rename(upstream.root().with_extension("away"), upstream.root()).unwrap();
}

#[test]
fn the_option_is_for_one_run_that_deletes_nothing_and_leaves_no_trace() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "delete = true");
    // Into an empty destination, although the key names others.
    want(&env, "1a8o");
    fs::write(env.dir().join("other.txt"), "4CUP").unwrap();
    let ended = env.run(["sync", "j", "--ids", "other.txt"]).expect_code(0);
    assert!(
        ended.err().contains("nothing is deleted in a run with --ids, although the job has `delete`"),
        "{ended}"
    );
    assert_eq!(files(&env), set(&["cu/4cup.cif.gz"]));
    assert_eq!(state(&env), BTreeMap::new());
    // A whole mirror keeps its state, too.
    whole(&env, &upstream, "delete = true");
    env.run(["sync", "j"]).expect_code(0);
    let (before, remembered) = (tree(&env.mirror("j")), state(&env));
    fs::remove_dir_all(upstream.root().join("structures/divided/mmCIF/i5")).unwrap();
    upstream.write("structures/divided/mmCIF/zz/9zzz.cif.gz", "new");
    let ended = env.run(["sync", "j", "--delete", "--ids", "other.txt", "--json"]).expect_code(0);
    assert_eq!((tree(&env.mirror("j")), state(&env)), (before.clone(), remembered.clone()), "{ended}");
    fs::write(env.dir().join("other.txt"), "9zzz 5i55").unwrap();
    let ended = env.run(["sync", "j", "--ids", "other.txt", "--json"]).expect_code(3);
    assert_eq!(ended.finished()["missing_ids"][0], "5i55", "{ended}");
    assert_eq!((tree(&env.mirror("j")).len(), state(&env)), (before.len() + 2, remembered), "{ended}");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(
        (&ended.finished()["files_deleted"], &ended.finished()["files_transferred"]),
        (&1.into(), &0.into()),
        "{ended}"
    );
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root().join("structures/divided/mmCIF")));
}

/// `clean` goes by the names of the whole source, and by those that came for a list afterwards.
#[test]
fn names_for_a_list_are_known_to_clean() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "");
    whole(&env, &upstream, "");
    env.run(["sync", "j"]).expect_code(0);
    // It is too short for a gzip file, but this is how the source has it.
    let short = upstream.write("structures/divided/mmCIF/zz/9zzz.cif.gz", "x");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(40 * 24 * 3600);
    fs::File::options().write(true).open(short).unwrap().set_modified(old).unwrap();
    whole(&env, &upstream, "ids = ['9zzz']");
    env.run(["sync", "j"]).expect_code(0);
    let planned = || env.run(["clean", "plan", "j", "--json"]).json().pop().unwrap()["entries"].clone();
    assert_eq!(planned(), 0);
    let entries = fs::read_dir(env.state().join("listings")).unwrap().map(|entry| entry.unwrap().path());
    let brought: Vec<_> = entries.filter(|path| path.to_str().unwrap().contains("+ids-")).collect();
    assert_eq!(brought.len(), 1);
    fs::remove_file(&brought[0]).unwrap();
    assert_eq!(planned(), 1, "these names are what protected the file");
}

/// What goes because of the list is not told as missing at the source.
#[test]
fn a_plan_tells_what_left_the_list_from_what_left_the_source() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "delete = true\nmax_delete = 0");
    sync(&env, "1a8o 4cup 1pfe", 0);
    fs::remove_file(upstream.root().join("structures/divided/mmCIF/pf/1pfe.cif.gz")).unwrap();
    sync(&env, "1a8o 1pfe", 4);
    let shown = env.run(["clean", "show", "j"]).expect_code(0).out();
    assert!(shown.contains("\nno longer in the list of entries, or not at the source "), "{shown}");
    let row = |rule: &str, dir: &str| {
        shown.lines().any(|line| line.starts_with(rule) && line.trim_end().ends_with(dir))
    };
    assert!(row("unlisted ", " cu/") && row("absent ", " pf/"), "{shown}");
    assert_eq!(files(&env).len(), 3);
}
