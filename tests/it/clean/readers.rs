//! Programs that look through a mirror for structures find nothing of what was removed or replaced.

use super::super::support::{Env, Kind, Upstream, eventually, tree, with_marker};
use super::{age, in_sight, littered};
use rustix::process::Signal;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// 255 bytes, most of them dots.
fn long() -> String {
    format!("{}.cif.gz", "x.".repeat(123)) + "z"
}

/// An upstream and a home with a job `m` that keeps what it removes.
fn kept(more: &str) -> (Upstream, Env) {
    let upstream = Upstream::new();
    let env = Env::new().with_pipe(&upstream);
    configure(&env, &upstream, more);
    (upstream, env)
}

fn configure(env: &Env, upstream: &Upstream, more: &str) {
    let config = format!(
        "version = 1\n[sync]\ngrace = '1s'\n[jobs.m]\nsource = {:?}\ndest = 'mirror/m'\ndelete = true\n\
         keep_deleted = '1d'\nmax_delete = '100%'\nretries = 0\n{more}\n",
        upstream.url("m/d/")
    );
    fs::write(env.config(), config).unwrap();
}

/// What is not ours.
fn live(root: &Path) -> std::collections::BTreeMap<PathBuf, super::super::support::Entry> {
    let mut live = tree(root);
    live.retain(|path, _| !path.starts_with(".pdb-sync"));
    live
}

#[test]
fn what_a_sync_removed_and_replaced_is_found_by_nobody_and_comes_back() {
    let (upstream, env) = kept("");
    let odd = OsStr::from_bytes(b"ab/\xff.cif");
    let mut paths: Vec<PathBuf> = ["1abc.cif.gz", "pdb1abc.ent.gz", "a%2Eb.xml", "1abc.cif/1abc.cif"]
        .iter()
        .flat_map(|name| [Path::new("removed").join(name), Path::new("replaced").join(name)])
        .collect();
    paths.push(odd.into());
    for dir in ["removed", "replaced"] {
        paths.push(Path::new(dir).join(long()));
        paths.push(Path::new(dir).join(long()).with_file_name("in").join(long()));
    }
    for path in &paths {
        upstream.write(Path::new("d").join(path), format!("first {path:?}"));
    }
    upstream.write("d/stays", "stays");
    env.run(["sync", "m"]).expect_code(0);
    let root = env.mirror("m");
    let first = live(&root);
    fs::remove_dir_all(upstream.root().join("d/removed")).unwrap();
    for path in paths.iter().filter(|path| !path.starts_with("removed")) {
        upstream.write(Path::new("d").join(path), format!("second, and longer {path:?}"));
    }
    env.run(["sync", "m"]).expect_code(0);
    assert_eq!(in_sight(&root), Vec::<PathBuf>::new());
    let names: Vec<_> = tree(&root.join(".pdb-sync")).into_keys().collect();
    let told = |name: &str| names.iter().filter(|path| path.ends_with(name)).count();
    assert_eq!((told("1abc%2Ecif%2Egz"), told("1abc%2Ecif/1abc%2Ecif")), (2, 2), "{names:?}");
    // The log has the real names.
    let log = env.run(["clean", "log", "last", "--json"]).expect_code(0).out();
    assert!(log.contains("removed/1abc.cif.gz") && !log.contains("1abc%2Ecif"), "{log}");
    env.run(["clean", "purge"]).expect_code(0);
    let undone = env.run(["clean", "undo", "last", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!((&undone["failed"], &undone["conflicts"]), (&0.into(), &0.into()), "{undone}");
    assert_eq!(live(&root), first);
    // What undo put aside is no more live than the rest.
    assert_eq!(in_sight(&root), Vec::<PathBuf>::new());
    env.run(["clean", "purge", "--older-than", "0"]).expect_code(0);
    assert_eq!(tree(&root), first);
}

/// Whether rsync has backed up the small file, and works on the large one.
fn backed_up(root: &Path) -> bool {
    in_sight(root).iter().any(|path| path.ends_with("a.cif.gz"))
}

/// A mirror in the state before its last transfer, and an upstream whose last file takes a while.
fn half_way(more: &str) -> (Upstream, Env, PathBuf) {
    let (upstream, env) = kept("");
    for path in ["d/a.cif.gz", "d/z/z.cif.gz", &format!("d/b/{}", long())] {
        upstream.write(path, "first");
    }
    env.run(["sync", "m"]).expect_code(0);
    for path in ["d/a.cif.gz", &format!("d/b/{}", long())] {
        upstream.write(path, "second, and longer");
    }
    let noise: Vec<u8> = (0_u32..1 << 19).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    upstream.write("d/z/z.cif.gz", noise);
    configure(&env, &upstream, more);
    let root = env.mirror("m");
    (upstream, env, root)
}

/// A run that quarantines something else.
fn a_clean_run(env: &Env, root: &Path) -> String {
    fs::write(root.join("x~"), "left over").unwrap();
    age(&root.join("x~"));
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    let run = env.run(["clean", "run", "--yes", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(run["quarantined"], 1, "{run}");
    run["run"].as_str().unwrap().to_owned()
}

/// Undoes the last run.
fn first_is_back(env: &Env, root: &Path) {
    let undone = env.run(["clean", "undo", "last", "--json"]).expect_code(0);
    let end = undone.json().pop().unwrap();
    assert_eq!((&end["restored"], &end["failed"]), (&2.into(), &0.into()), "{undone}");
    for path in [Path::new("a.cif.gz"), &Path::new("b").join(long())] {
        assert_eq!(fs::read_to_string(root.join(path)).unwrap(), "first", "{path:?}: {undone}");
    }
}

#[test]
fn what_a_killed_transfer_backed_up_is_found_by_nobody_after_whatever_runs_next() {
    // Before the transfer, and whether or not the job still keeps what it replaces.
    let hook = "before = ['test -z \"$(find \"$PDB_SYNC_DEST/.pdb-sync\" -mindepth 1 -name \"*.*\")\"']";
    for next in ["sync", "run", "purge", "undo", "undo of another run"] {
        let (upstream, env, root) = half_way("bwlimit = '200KB'");
        let another = a_clean_run(&env, &root);
        let run = env.spawn(["sync", "m"]);
        eventually("rsync has backed up two files", || {
            backed_up(&root) && in_sight(&root).iter().any(|path| path.ends_with(long()))
        });
        run.signal(Signal::KILL);
        run.wait();
        eventually("its rsyncs are gone", || with_marker(root.to_str().unwrap()).is_empty());
        assert!(backed_up(&root), "{next}: the killed run could not");
        configure(&env, &upstream, "");
        match next {
            "sync" => {
                configure(&env, &upstream, hook);
                env.run(["sync", "m"]).expect_code(0);
            }
            "purge" => drop(env.run(["clean", "purge", "./mirror/m"]).expect_code(0)),
            "undo" => first_is_back(&env, &root),
            "undo of another run" => drop(env.run(["clean", "undo", &another]).expect_code(0)),
            _ => drop(a_clean_run(&env, &root)),
        }
        assert_eq!(in_sight(&root), Vec::<PathBuf>::new(), "{next}");
        if next == "purge" {
            first_is_back(&env, &root);
        }
    }
}

#[test]
fn what_a_failed_transfer_backed_up_is_escaped_at_its_end() {
    let (_upstream, env, root) = half_way("bwlimit = '200KB'\ntimeout = '2s'");
    let run = env.spawn(["sync", "m"]);
    eventually("rsync has backed up a file", || backed_up(&root));
    run.wait().expect_code(1);
    assert_eq!(in_sight(&root), Vec::<PathBuf>::new());
    assert!(tree(&root).into_keys().any(|path| path.ends_with("a%2Ecif%2Egz")));
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert_eq!(fs::read_to_string(root.join("a.cif.gz")).unwrap(), "first");
}

#[test]
fn an_interrupted_transfer_too() {
    let (_upstream, env, root) = half_way("bwlimit = '200KB'");
    let run = env.spawn(["sync", "m"]);
    eventually("rsync has backed up a file", || backed_up(&root));
    run.signal(Signal::INT);
    run.wait().expect_code(130);
    assert_eq!(in_sight(&root), Vec::<PathBuf>::new());
}

/// Turns a quarantine into what versions before escaping made.
fn as_before(place: &Path) {
    let plain = |path: &Path| {
        let text = path.as_os_str().as_bytes().to_vec();
        // The order matters: a percent sign comes last, or `%252E` would become a dot.
        let text = String::from_utf8_lossy(&text).replace("%2E", ".").replace("%25", "%");
        PathBuf::from(text)
    };
    for (path, entry) in tree(&place.join("escaped/tree")) {
        let new = place.join("tree").join(plain(&path));
        fs::create_dir_all(new.parent().unwrap()).unwrap();
        if entry.kind != Kind::Dir {
            fs::rename(place.join("escaped/tree").join(&path), new).unwrap();
        }
    }
    fs::remove_dir_all(place.join("escaped")).unwrap();
    let info = fs::read_to_string(place.join("info%2Ejson")).unwrap().replace("\"v\":2", "\"v\":1");
    fs::write(place.join("info.json"), info).unwrap();
    fs::remove_file(place.join("info%2Ejson")).unwrap();
}

#[test]
fn quarantines_of_earlier_versions_are_undone_purged_and_escaped() {
    for end in ["undo", "escaped and undone", "purge"] {
        let env = Env::new();
        let root = littered(&env);
        fs::remove_file(root.join(OsStr::from_bytes(b"cd/\xff~"))).unwrap();
        age(&root);
        let before = tree(&root);
        env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
        let run = env.run(["clean", "run", "--yes", "--json"]).expect_code(0).json().pop().unwrap();
        as_before(&root.join(".pdb-sync/quarantine").join(run["run"].as_str().unwrap()));
        assert!(in_sight(&root).len() > 3, "{end}: {:?}", in_sight(&root));
        if end == "purge" {
            env.run(["clean", "purge", "--older-than", "0"]).expect_code(0);
            assert!(!root.join(".pdb-sync").exists());
            continue;
        }
        if end != "undo" {
            env.run(["clean", "purge"]).expect_code(0);
            assert_eq!(in_sight(&root), Vec::<PathBuf>::new());
        }
        env.run(["clean", "undo", "last"]).expect_code(0);
        assert_eq!(tree(&root), before, "{end}");
    }
}

#[test]
fn a_name_too_long_to_be_escaped_comes_back_unless_its_line_is_lost() {
    let env = Env::new();
    let root = env.mirror("m");
    fs::create_dir_all(root.join("ab")).unwrap();
    let name = long()[..254].to_owned() + "~";
    for file in [&name[..], "1abc.cif~"] {
        fs::write(root.join("ab").join(file), "left over").unwrap();
    }
    age(&root);
    let before = tree(&root);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    let run = env.run(["clean", "run", "--yes", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!((&run["quarantined"], in_sight(&root)), (&2.into(), vec![]), "{run}");
    let journal = Path::new(run["journal"].as_str().unwrap());
    let text = fs::read_to_string(journal).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.contains(&name)).collect();
    fs::write(journal, without.join("\n") + "\n").unwrap();
    let lost = env.run(["clean", "undo", "last"]).expect_code(1);
    assert!(lost.err().contains("the journal does not hold it") && lost.out().contains("1 failed"), "{lost}");
    assert!(root.join("ab/1abc.cif~").exists());
    fs::write(journal, &text).unwrap();
    env.run(["clean", "undo", "last"]).expect_code(0);
    assert_eq!(tree(&root), before);
}

/// The hook of the example unpacks what is in the mirror, and nothing of what lies in it besides.
#[test]
fn the_hook_for_alphafold_passes_by_what_is_not_live() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config-examples/alphafold.toml");
    let config: toml::Table = fs::read_to_string(file).unwrap().parse().unwrap();
    let hook = config["jobs"]["pdb-mmcif"]["after"][0].as_str().unwrap();
    let env = Env::new();
    let raw = env.dir().join("raw [1]*");
    for dir in ["ab", ".pdb-sync/quarantine/R/replaced-1/ab", "ab/.~tmp~", "ab/.~partial~"] {
        fs::create_dir_all(raw.join(dir)).unwrap();
    }
    let packed = |path: &str, text: &str| {
        let plain = env.dir().join("plain");
        fs::write(&plain, text).unwrap();
        let done = env.program("gzip", ["-c", plain.to_str().unwrap()]).output().unwrap();
        fs::write(raw.join(path), done.stdout).unwrap();
    };
    packed("ab/1abc.cif.gz", "live");
    packed(".pdb-sync/quarantine/R/replaced-1/ab/2abc.cif.gz", "removed");
    packed("ab/.~tmp~/3abc.cif.gz", "half");
    packed("ab/.~partial~/4abc.cif.gz", "half");
    let mut command = env.program("sh", ["-c", hook]);
    command.env("PDB_SYNC_DEST", &raw);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let out: Vec<_> = tree(&env.dir().join("mmcif_files")).into_keys().collect();
    // A destination that does not end in `/raw` gets its files below itself.
    let out = if out.is_empty() { tree(&raw.join("mmcif_files")).into_keys().collect() } else { out };
    assert_eq!(out, [PathBuf::from("1abc.cif")], "{done:?}");
}
