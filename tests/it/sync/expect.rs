//! `--expect HASH`: deletions that were held back are shown, compared and approved.

use crate::support::{Ended, Env, Kind, Upstream, eventually, one_job, tree};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A mirror `j` of an upstream that had 40 files in two directories, and a repository. Half of it is gone upstream, with the repository.
fn blocked(more: &str) -> (Upstream, Env, Ended) {
    let upstream = Upstream::new();
    for n in 0..40 {
        upstream.write(format!("{}/f{n:02}", ["keep", "gone"][n % 2]), n.to_string());
    }
    upstream.write("gone/.git/objects/x", "an object");
    upstream.write("gone/Cargo.toml", "a manifest");
    let env = Env::new().with_pipe(&upstream);
    let more = format!("delete = true\nmax_delete = 3\n{more}");
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), &more);
    let env = env.with_config(&config);
    env.run(["sync", "j"]).expect_code(0);
    fs::remove_dir_all(upstream.root().join("gone")).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(4);
    (upstream, env, ended)
}

fn show(env: &Env) -> Value {
    env.run(["clean", "show", "j", "--json"]).expect_code(0).json().pop().unwrap()
}

fn hash(env: &Env) -> String {
    show(env)["hash"].as_str().unwrap().to_owned()
}

fn plans(env: &Env) -> Vec<PathBuf> {
    let entries = fs::read_dir(env.state().join("plans/j")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn error(ended: &Ended) -> String {
    ended.finished()["error"].as_str().unwrap().to_owned()
}

/// What clean protects goes, too: the source does not have it.
#[test]
fn deletions_that_were_held_back_are_shown_compared_approved_and_undone() {
    let (upstream, env, ended) = blocked("keep_deleted = '1d'");
    let before = tree(&env.mirror("j"));
    assert!(error(&ended).contains("22 of 42 files would be deleted"), "{ended}");
    let shown = show(&env);
    assert_eq!(
        (&shown["origin"], &shown["job"], &shown["to_delete"]),
        (&"sync".into(), &"j".into(), &25.into())
    );
    let hash = hash(&env);
    let hint = ended.finished()["hint"].as_str().unwrap().to_owned();
    assert!(hint.ends_with(&format!("pdb-sync sync j --expect {}", &hash[..16])), "{hint}");
    let text = env.run(["clean", "show", "j"]).expect_code(0);
    assert!(text.out().contains(&format!("hash: {hash}")), "{text}");
    assert!(text.err().contains("(--export csv prints every path)"), "{text}");
    let verified = env.run(["clean", "verify", "j", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!((&verified["fresh"], &verified["hash"]), (&25.into(), &hash.as_str().into()), "{verified}");
    // The hash is of the deletions: listing them again does not change it.
    let plan = env.run(["sync", "j", "--plan", "--json"]).expect_code(4);
    assert_eq!(plan.events("planned")[0]["plan_hash"], hash, "{plan}");
    let text = env.run(["sync", "j", "--plan", "--expect", &hash]).expect_code(0);
    assert!(text.out().contains(&format!("`--expect {hash}` approves the deletions")), "{text}");
    assert_eq!(tree(&env.mirror("j")), before);

    let ended = env.run(["sync", "j", "--expect", &hash.to_uppercase()[..16], "--json"]).expect_code(0);
    assert_eq!(ended.finished()["files_deleted"], 22, "{ended}");
    let mut now = tree(&env.mirror("j"));
    now.retain(|path, _| !path.starts_with(".pdb-sync"));
    assert_eq!(now, tree(&upstream.root()));
    assert_eq!(plans(&env), Vec::<PathBuf>::new(), "the plan is void");
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert_eq!(tree(&env.mirror("j")), before);
}

#[test]
fn only_the_deletions_of_the_plan_are_approved() {
    let (upstream, env, _) = blocked("");
    let (before, first) = (tree(&env.mirror("j")), hash(&env));
    let refused = |hash: &str, how: &str| {
        let ended = env.run(["sync", "j", "--expect", hash, "--json"]).expect_code(4);
        let text = format!("the deletions are not those of the expected plan ({how}); none was made");
        assert_eq!(error(&ended), text, "{ended}");
        let hint = ended.finished()["hint"].as_str().unwrap().to_owned();
        hint.rsplit_once("--expect ").unwrap_or_else(|| panic!("{hint}")).1.to_owned()
    };
    fs::remove_file(upstream.root().join("keep/f00")).unwrap();
    upstream.write("gone/f01", "1");
    upstream.write("keep/new", "new");
    fs::write(env.mirror("j").join("gone/f03"), "longer").unwrap();
    // The directory stays, since the source has a file in it again.
    let second = refused(&first, "1 more, 2 fewer, 1 changed");
    assert!(hash(&env).starts_with(&second) && second != first[..16]);
    assert!(before.keys().all(|path| env.mirror("j").join(path).exists()));
    assert!(env.mirror("j").join("keep/new").exists(), "what is new comes all the same");
    refused(&"0".repeat(64), "no plan of this hash is known");
    // Also if the limit would allow them.
    fs::write(env.config(), fs::read_to_string(env.config()).unwrap().replace("max_delete = 3", "")).unwrap();
    refused(&first, "1 more, 2 fewer, 1 changed");
    env.run(["sync", "j", "--expect", &second]).expect_code(0);
    assert_eq!(tree(&env.mirror("j")), tree(&upstream.root()));
    // There is nothing left to approve, neither a plan that was nor one that never was.
    for hash in [&*second, "0000000000000000"] {
        let ended = env.run(["sync", "j", "--expect", hash, "--json"]).expect_code(4);
        let text = format!("nothing is to be deleted, and the plan {hash} does not exist (any more)");
        assert_eq!(error(&ended), text, "{ended}");
        let hint = ended.finished()["hint"].as_str().unwrap().to_owned();
        assert!(hint.ends_with("so no approval is needed: pdb-sync sync j"), "{hint}");
    }
}

/// The source has the files again, and the plan of the blocked run is still there.
#[test]
fn a_plan_is_void_if_nothing_is_to_be_deleted_any_more() {
    let (upstream, env, _) = blocked("");
    let hash = hash(&env);
    for (path, _) in tree(&env.mirror("j")).iter().filter(|(_, entry)| entry.kind == Kind::File) {
        let to = upstream.root().join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(env.mirror("j").join(path), to).unwrap();
    }
    let ended = env.run(["sync", "j", "--expect", &hash, "--json"]).expect_code(4);
    let text = format!("nothing is to be deleted any more: the plan {} is void", &hash[..16]);
    assert_eq!(error(&ended), text, "{ended}");
    env.run(["sync", "j"]).expect_code(0);
}

#[test]
fn an_approval_does_not_stand_for_other_guards() {
    let (upstream, env, _) = blocked("");
    fs::remove_dir_all(upstream.root().join("keep")).unwrap();
    env.run(["sync", "j"]).expect_code(4);
    let text = env.run(["clean", "show", "j"]).expect_code(0);
    assert!(text.err().contains("; a source without files needs --allow-empty-source as well)"), "{text}");
    let hash = hash(&env);
    let ended = env.run(["sync", "j", "--expect", &hash, "--json"]).expect_code(4);
    assert!(error(&ended).contains("the source holds no file"), "{ended}");
    env.run(["sync", "j", "--expect", &hash, "--allow-empty-source"]).expect_code(0);
    assert_eq!(tree(&env.mirror("j")).len(), 0);
}

#[test]
fn clean_does_not_apply_what_sync_held_back() {
    let (_, env, _) = blocked("");
    let before = tree(&env.mirror("j"));
    let file = plans(&env).remove(0);
    for plan in [Path::new("j"), &file] {
        for command in [&["run", "--yes"][..], &["edit"]] {
            let ended = env.command(["clean"]).args(command).arg(plan).arg("--json").output().unwrap();
            let text =
                String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
            assert_eq!(ended.status.code(), Some(2), "{command:?} {plan:?}: {text}");
            let sync = format!("sync j --expect {}", &hash(&env)[..16]);
            assert!(text.contains(&sync), "{command:?} {plan:?}: {text}");
        }
    }
    for words in [&["run", "--yes"][..], &["show"]] {
        let ended = env.run([&["clean"], words].concat()).expect_code(2);
        assert!(ended.err().contains("there is no plan yet"), "{ended}");
        assert!(ended.err().contains("the plan of a blocked sync: `pdb-sync clean show j`"), "{ended}");
    }
    assert_eq!(tree(&env.mirror("j")), before);
}

/// `clean show JOB` where nothing was held back, or nothing is any more.
#[test]
fn a_job_without_a_blocked_plan_is_told_as_such() {
    let env = Env::new();
    let source = env.dir().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "x").unwrap();
    let config = one_job(&[&format!("{}/", source.display())], &env.mirror("j"), "");
    let env = env.with_config(&config);
    let refused = |name: &str| env.run(["clean", "show", name]).expect_code(2).err();
    let text = "job j has no plan of a blocked sync, and there is no file of that name";
    assert!(refused("j").contains(text), "{}", refused("j"));
    env.run(["sync", "j"]).expect_code(0);
    assert!(
        refused("j").contains(text) && refused("j").contains("pdb-sync sync j --plan"),
        "{}",
        refused("j")
    );
    let other = refused("plan");
    assert!(other.contains("there is neither a plan \"plan\" nor a job of that name"), "{other}");
    let path = refused("./j");
    assert!(path.contains("cannot read the plan ./j"), "{path}");
}

#[test]
fn a_hash_is_for_one_job_that_deletes() {
    let env = Env::new();
    let job = |name: &str, delete: bool| {
        format!(
            "[jobs.{name}]\nsource = '{}/'\ndest = 'mirror/{name}'\ndelete = {delete}\n",
            env.dir().display()
        )
    };
    fs::write(env.config(), ["version = 1\n", &job("a", true), &job("b", true), &job("c", false)].concat())
        .unwrap();
    let hash = "0123456789abcdef";
    for words in [
        &["a", "b", "--expect", hash][..],
        &["c", "--expect", hash],
        &["--all", "--expect", hash],
        &["a", "--no-delete", "--expect", hash],
        &["a", "--max-delete", "5", "--expect", hash],
        &["--expect", hash],
        &["a", "--expect", "0123456789abcde"],
        &["a", "--expect", "0123456789abcdeg"],
    ] {
        let ended = env.run([&["sync"], words].concat()).expect_code(2);
        assert!(ended.err().contains("--expect") || words.len() == 2, "{words:?}: {ended}");
    }
    assert!(!env.state().join("history.db").exists());
}

/// What was begun with an approval needs no second one.
#[test]
fn an_approved_run_that_was_killed_ends_what_it_began() {
    const FILES: usize = 6_000;
    let mut killed = 0;
    for more in ["", "keep_deleted = '1d'"] {
        let upstream = Upstream::new();
        upstream.write("keep", "x");
        for n in 0..FILES {
            upstream.write(format!("{:02}/{n}", n % 20), "x");
        }
        let env = Env::new().with_pipe(&upstream);
        let more = format!("delete = true\nmax_delete = 3\n{more}");
        let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), &more);
        let env = env.with_config(&config);
        env.run(["sync", "j"]).expect_code(0);
        for n in 0..20 {
            fs::remove_dir_all(upstream.root().join(format!("{n:02}"))).unwrap();
        }
        env.run(["sync", "j"]).expect_code(4);
        let hash = hash(&env);
        let dest = env.mirror("j");
        let left = || {
            let dirs = fs::read_dir(&dest).unwrap().flatten().filter(|dir| dir.file_name().len() == 2);
            dirs.map(|dir| fs::read_dir(dir.path()).map_or(0, Iterator::count)).sum::<usize>()
        };
        let run = env.spawn(["sync", "j", "--expect", &hash]);
        eventually("it deletes", || left() < FILES - 300);
        run.signal(Signal::KILL);
        let ended = run.wait();
        let whole = ended.code() == 0;
        // A process that had ended before has its own exit code.
        killed += usize::from(ended.code() == 128 + Signal::KILL.as_raw());
        let gone = FILES - left();
        let log = env.run(["clean", "log", "last", "--json"]);
        if !whole && more.is_empty() {
            // Nothing is gone that the journal does not name.
            let named = log.expect_code(0).json().iter().filter(|entry| entry["path"].is_string()).count();
            assert!(named >= gone, "{named} of {gone}");
        }
        // Without an approval, what is left is held back.
        if !whole {
            if left() > 3 {
                env.run(["sync", "j"]).expect_code(4);
            }
            env.run(["sync", "j", "--expect", &hash]).expect_code(0);
        }
        let mut now = tree(&dest);
        now.retain(|path, _| !path.starts_with(".pdb-sync"));
        assert_eq!(now, tree(&upstream.root()), "{more}");
    }
    assert!(killed > 0, "every run had ended before it was killed");
}
