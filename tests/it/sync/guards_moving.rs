//! Trees that change their shape, or change while they are being mirrored.

use crate::support::{Env, Fake, Upstream, one_job, tree};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A mirror `j` with `delete`, in step with the upstream.
fn in_step(upstream: &Upstream, more: &str) -> Env {
    let env = Env::new().with_pipe(upstream);
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), &format!("delete = true\n{more}"));
    let env = env.with_config(&config);
    env.run(["sync", "j"]).expect_code(0);
    env
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn directories_files_and_links_take_each_others_places() {
    let upstream = Upstream::new();
    for name in ["full/a", "full/deep/b", "tolink/c", "file", "other"] {
        upstream.write(name, name);
    }
    let root = upstream.root();
    fs::create_dir(root.join("empty")).unwrap();
    symlink("other", root.join("link")).unwrap();
    let env = in_step(&upstream, "max_delete = \"100%\"");
    for dir in ["full", "tolink", "empty"] {
        fs::remove_dir_all(root.join(dir)).unwrap();
    }
    for file in ["file", "link"] {
        fs::remove_file(root.join(file)).unwrap();
    }
    upstream.write("full", "a file now");
    upstream.write("empty", "a file now");
    symlink("other", root.join("tolink")).unwrap();
    upstream.write("file/inner", "a directory now");
    upstream.write("link/inner", "a directory now");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(tree(&env.mirror("j")), tree(&root), "{ended}");
    assert_eq!(ended.finished()["attempts"], 1, "{ended}");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.finished()["changed"], false, "{ended}");
}

#[test]
fn a_directory_in_the_way_counts_for_the_limit() {
    let upstream = Upstream::new();
    for n in 0..10 {
        upstream.write(format!("full/{n}"), "x");
        upstream.write(format!("rest/{n}"), "x");
    }
    let env = in_step(&upstream, "max_delete = \"10%\"");
    fs::remove_dir_all(upstream.root().join("full")).unwrap();
    upstream.write("full", "a file now");
    let ended = env.run(["sync", "j", "--json"]).expect_code(4);
    assert!(ended.finished()["error"].as_str().unwrap().contains("10 of 20 files"), "{ended}");
    assert!(env.mirror("j").join("full/9").exists());
}

#[test]
fn what_the_receiver_could_not_take_keeps_everything() {
    let upstream = Upstream::new();
    upstream.write("thing/a", "x");
    upstream.write("old", "x");
    let env = in_step(&upstream, "exclude = [\"*.local\"]");
    write(&env.mirror("j").join("thing/mine.local"), "x");
    fs::remove_dir_all(upstream.root().join("thing")).unwrap();
    fs::remove_file(upstream.root().join("old")).unwrap();
    upstream.write("thing", "a file now");
    upstream.write("new", "new");
    let ended = env.run(["sync", "j", "--json"]).expect_code(3);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["attempts"]), (&"partial".into(), &1.into()), "{ended}");
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains("thing; nothing was deleted, since not everything could be listed"), "{ended}");
    assert!(env.mirror("j").join("old").exists() && env.mirror("j").join("thing/mine.local").exists());
    assert!(env.mirror("j").join("new").exists(), "what can come comes");
}

#[test]
fn a_link_in_the_mirror_is_replaced_and_never_followed() {
    let upstream = Upstream::new();
    for name in ["sub/a", "sub/b", "keep"] {
        upstream.write(name, name);
    }
    let env = in_step(&upstream, "");
    let (dest, outside) = (env.mirror("j"), env.dir().join("outside"));
    fs::rename(dest.join("sub"), &outside).unwrap();
    write(&outside.join("precious"), "x");
    symlink(&outside, dest.join("sub")).unwrap();
    symlink(&outside, dest.join("extra")).unwrap();
    fs::remove_file(upstream.root().join("sub/b")).unwrap();
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(tree(&dest), tree(&upstream.root()), "{ended}");
    assert_eq!(tree(&outside).len(), 3, "{ended}");
}

/// What rsync says of the time of what goes.
const NO_TIME: &str = "1970/01/01-00:00:00";

/// A list that brings something.
const NEW: &str = "out >f+++++++++ 1 2026/01/01-00:00:00 new\n";

/// A fake whose list brings a file and deletes `names`, whose transfer waits for the file `go`.
fn moving(names: &[&str]) -> (Env, Fake) {
    let fake = Fake::new("");
    let deleting: Vec<_> = names.iter().map(|name| format!("out *deleting   0 {NO_TIME} {name}\n")).collect();
    let script = format!(
        "[if --delete]\n{}{NEW}stats 5 1 {count}\n[*]\ntouch {dir}/listed\nwait-file {dir}/go\nstats 5 1 0\n",
        deleting.concat(),
        count = names.len(),
        dir = fake.file("").display()
    );
    fs::write(fake.script(), script).unwrap();
    let env = Env::new().with_fake(&fake);
    let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    env.taken_over("j");
    (env, fake)
}

#[test]
fn what_changed_since_it_was_counted_stays() {
    let (env, fake) = moving(&["sub/same", "sub/changed", "sub/replaced", "sub/", "link/inner"]);
    let dest = env.mirror("j");
    for name in ["sub/same", "sub/changed", "sub/replaced", "link/inner"] {
        write(&dest.join(name), name);
    }
    let running = env.spawn(["sync", "j", "--json"]);
    crate::support::eventually("the transfer runs", || fake.file("listed").exists());
    write(&dest.join("sub/changed"), "written since");
    fs::remove_file(dest.join("sub/replaced")).unwrap();
    write(&dest.join("sub/replaced"), "sub/replaced");
    fs::rename(dest.join("link"), env.dir().join("outside")).unwrap();
    symlink(env.dir().join("outside"), dest.join("link")).unwrap();
    fs::write(fake.file("go"), "").unwrap();
    let ended = running.wait().expect_code(3);
    let finished = ended.finished();
    assert_eq!((&finished["status"], &finished["files_deleted"]), (&"partial".into(), &1.into()), "{ended}");
    let error = finished["error"].as_str().unwrap();
    assert!(error.contains("3 entries could not be deleted"), "{ended}");
    assert!(error.contains("changed since it was counted") && error.contains("symlink"), "{ended}");
    assert!(!dest.join("sub/same").exists());
    assert!(dest.join("sub/changed").exists() && dest.join("sub/replaced").exists());
    assert!(env.dir().join("outside/inner").exists());
}

#[test]
fn only_what_was_listed_goes_whatever_appears_later() {
    let (env, fake) = moving(&["old", "dir/"]);
    let dest = env.mirror("j");
    write(&dest.join("old"), "x");
    fs::create_dir(dest.join("dir")).unwrap();
    let running = env.spawn(["sync", "j", "--json"]);
    crate::support::eventually("the transfer runs", || fake.file("listed").exists());
    write(&dest.join("late"), "x");
    write(&dest.join("dir/late"), "x");
    fs::write(fake.file("go"), "").unwrap();
    let ended = running.wait().expect_code(0);
    assert_eq!(ended.finished()["files_deleted"], 1, "{ended}");
    assert!(!dest.join("old").exists() && dest.join("late").exists() && dest.join("dir/late").exists());
}

#[test]
fn a_server_cannot_name_what_lies_outside() {
    let (env, fake) = moving(&["../outside", "/etc/hostname", "sub/../../outside", "in"]);
    write(&env.mirror("outside"), "x");
    write(&env.mirror("j").join("in"), "x");
    fs::write(fake.file("go"), "").unwrap();
    let ended = env.run(["sync", "j", "--json"]);
    assert!(env.mirror("outside").exists(), "{ended}");
    assert!(!env.mirror("j").join("in").exists(), "{ended}");
}

#[test]
fn a_transfer_that_fails_deletes_nothing_and_a_retry_counts_again() {
    let fake = Fake::new(&format!(
        "[1 if --delete]\nout *deleting   0 {NO_TIME} first\n{NEW}stats 5 1 1\n[1 if progress2]\nexit 12\n\
         [2 if --delete]\nout *deleting   0 {NO_TIME} second\n{NEW}stats 5 1 1\n[*]\nstats 5 1 0\n",
    ));
    let env = Env::new().with_fake(&fake);
    let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    for name in ["first", "second"] {
        write(&env.mirror("j").join(name), "x");
    }
    env.taken_over("j");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let finished = ended.finished();
    assert_eq!((&finished["attempts"], &finished["files_deleted"]), (&2.into(), &1.into()), "{ended}");
    assert!(env.mirror("j").join("first").exists() && !env.mirror("j").join("second").exists());
}

#[test]
fn a_transfer_that_left_something_out_deletes_only_what_stood_in_the_way() {
    let denied = "err rsync: [receiver] mkstemp \"/m/x/.new.aBcDeF\" failed: Permission denied (13)";
    for (created, what, files) in [("a", "nothing", 0), ("dir", "nothing else", 1)] {
        let fake = Fake::new(&format!(
            "[if --delete]\nout *deleting   0 {NO_TIME} dir/inner\nout *deleting   0 {NO_TIME} old\n\
             out >f+++++++++ 1 2026/01/01-00:00:00 {created}\n\
             stats 5 0 2\n[*]\n{denied}\nstats 5 0 0\nexit 23\n"
        ));
        let env = Env::new().with_fake(&fake);
        let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), "delete = true");
        let env = env.with_config(&config);
        write(&env.mirror("j").join("dir/inner"), "x");
        write(&env.mirror("j").join("old"), "x");
        env.taken_over("j");
        let ended = env.run(["sync", "j", "--json"]).expect_code(3);
        let finished = ended.finished();
        assert!(finished["error"].as_str().unwrap().contains(&format!("; {what} was deleted")), "{ended}");
        // A list, the transfer, and a list that names what did not come.
        assert_eq!((&finished["files_deleted"], fake.calls().len()), (&files.into(), 3), "{ended}");
        assert!(env.mirror("j").join("old").exists());
        assert_eq!(env.mirror("j").join("dir/inner").exists(), files == 0);
    }
}

#[test]
fn a_list_without_figures_deletes_nothing() {
    let fake =
        Fake::new(&format!("[if --delete]\nout *deleting   0 {NO_TIME} old\nsilent\n[*]\nstats 5 0 0\n"));
    let env = Env::new().with_fake(&fake);
    let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    write(&env.mirror("j").join("old"), "x");
    let ended = env.run(["sync", "j", "--json"]).expect_code(1);
    assert!(ended.finished()["error"].as_str().unwrap().contains("without its figures"), "{ended}");
    assert!(env.mirror("j").join("old").exists());
}
