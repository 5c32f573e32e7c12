//! `scan` and `verify` from the outside.

use crate::support::{Env, Upstream};
use serde_json::Value;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

fn tree() -> (Env, std::path::PathBuf) {
    let env = Env::new();
    let root = fs::canonicalize(env.mirror("")).unwrap().join("tree");
    for (path, text) in
        [("ab/1abc.cif.gz", "12345"), ("ab/1abd.cif.gz", "1"), ("cd/e/README", "123"), ("top", "")]
    {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
    (env, root)
}

fn events(stdout: &str) -> Vec<Value> {
    let lines = crate::support::lines::parse(stdout).unwrap_or_else(|fault| panic!("{fault}"));
    lines.into_iter().map(|(line, _)| line).collect()
}

fn scan(env: &Env, root: &Path, options: &[&str]) -> (i32, Vec<Value>) {
    let root = root.to_str().unwrap();
    let ended = env.run([&["scan", root, "--json"], options].concat());
    (ended.code(), events(&ended.out()))
}

#[test]
fn the_result_is_as_in_the_contract() {
    let (env, root) = tree();
    let (code, events) = scan(&env, &root, &[]);
    assert_eq!((code, events.len()), (0, 1));
    let result = &events[0];
    for (key, expected) in [
        ("event", Value::from("result")),
        ("root", root.to_str().unwrap().into()),
        ("files", 4.into()),
        ("dirs", 4.into()),
        ("symlinks", 0.into()),
        ("other", 0.into()),
        ("bytes", 9.into()),
        ("errors", 0.into()),
        ("dirs_read", 4.into()),
        ("dirs_reused", 0.into()),
    ] {
        assert_eq!(result[key], expected, "{key}");
    }
    assert!(result["disk_bytes"].is_u64() && result["elapsed_s"].is_number() && result["time"].is_string());
    assert_eq!(result["pdb_entries"][0]["entries"], 2);
}

#[test]
fn every_entry_is_listed_in_order_whatever_its_name() {
    let (env, root) = tree();
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"ab/\xff")), "").unwrap();
    let (_, events) = scan(&env, &root, &["--list", "--threads=4"]);
    let paths: Vec<&str> = events.iter().filter_map(|e| e["path"].as_str()).collect();
    assert_eq!(paths, ["top", "ab", "ab/1abc.cif.gz", "ab/1abd.cif.gz", "cd", "cd/e", "cd/e/README"]);
    assert_eq!(events.iter().filter(|e| e["path_base64"] == "YWIv/w==").count(), 1);
    assert_eq!((&events[2]["type"], &events[2]["size"]), (&"file".into(), &5.into()));
    assert_eq!(events[1]["type"], "dir");
    let plain = env.run(["scan", root.to_str().unwrap(), "--list"]);
    assert!(plain.out().contains("ab/\\xff\n"), "{}", plain.out());
    assert!(plain.err().contains("1 with a name that is not UTF-8"), "{}", plain.err());
}

#[test]
fn changes_since_the_last_scan_are_told() {
    let (env, root) = tree();
    let (code, events) = scan(&env, &root, &["--diff"]);
    assert_eq!((code, events.len(), &events[0]["added"]), (0, 1, &Value::Null));
    fs::write(root.join("ab/1abe.cif.gz"), "new").unwrap();
    fs::remove_dir_all(root.join("cd")).unwrap();
    fs::write(root.join("top"), "longer").unwrap();
    let (code, events) = scan(&env, &root, &["--diff", "--full"]);
    let told: Vec<String> = events
        .iter()
        .filter(|e| e["event"] == "change")
        .map(|e| {
            format!(
                "{} {} {}",
                e["kind"].as_str().unwrap(),
                e["type"].as_str().unwrap(),
                e["path"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "changed file top",
            "removed dir cd",
            "added file ab/1abe.cif.gz",
            "removed dir cd/e",
            "removed file cd/e/README"
        ]
    );
    let last = events.last().unwrap();
    assert_eq!(
        (code, &last["added"], &last["removed"], &last["changed"]),
        (0, &1.into(), &3.into(), &1.into())
    );
    let plain = env.run(["scan", root.to_str().unwrap(), "--diff"]);
    assert!(plain.out().contains("0 added, 0 removed, 0 changed"), "{}", plain.out());
}

#[test]
fn a_damaged_inventory_is_set_aside_and_a_newer_one_left_alone() {
    let (env, root) = tree();
    let root = root.to_str().unwrap();
    assert_eq!(env.run(["scan", root]).code(), 0);
    let dir = env.state().join("inventory");
    // Beside the totals.
    let files = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let file = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "inv")).unwrap();
    let good = fs::read(&file).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    fs::write(&file, &bad).unwrap();
    let ended = env.run(["scan", root]);
    assert_eq!(ended.code(), 0);
    assert!(ended.err().contains("set aside as"), "{}", ended.err());
    assert_eq!(fs::read(file.with_extension("bad")).unwrap(), bad);
    let mut newer = fs::read(&file).unwrap();
    newer[8] = 99;
    fs::write(&file, &newer).unwrap();
    for full in [&[][..], &["--full"]] {
        assert_eq!(env.run([&["scan", root], full].concat()).code(), 0);
        assert_eq!(fs::read(&file).unwrap(), newer, "{full:?}");
    }
    let shown = env.run(["scan", "--cache"]);
    assert!(shown.out().contains("newer version") && shown.out().contains("damaged"), "{}", shown.out());
    let evicted = env.run(["scan", "--cache=evict", "--json"]);
    assert_eq!(events(&evicted.out())[0]["evicted"], 1);
    assert!(file.exists() && !file.with_extension("bad").exists());
}

#[test]
fn names_that_travel_badly_are_partial() {
    let (env, root) = tree();
    fs::write(root.join("aux.txt"), "").unwrap();
    fs::write(root.join("TOP"), "").unwrap();
    let ended = env.run(["scan", root.to_str().unwrap(), "--check-names"]);
    assert_eq!(ended.code(), 3);
    for line in
        ["aux.txt: AUX is reserved on Windows", "TOP: differs from \"top\" in case only", "3 names that"]
    {
        assert!(ended.out().contains(line), "{line}\n{}", ended.out());
    }
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    let (env, root) = tree();
    for (arguments, said) in [
        (&["scan"][..], "nothing is selected"),
        (&["scan", "mmcif"], "there is no configuration"),
        (&["scan", "./nowhere"], "cannot find ./nowhere"),
        (&["scan", "./mirror/tree/top"], "is not a directory"),
        (&["scan", "./mirror", "--exclude", "a["], "\"a[\" is not a pattern"),
        (&["verify", "./mirror", "--repair"], "--repair needs a job"),
    ] {
        let ended = env.run(arguments);
        assert_eq!(ended.code(), 2, "{arguments:?}: {}", ended.err());
        assert!(ended.err().contains(said), "{arguments:?}: {}", ended.err());
    }
    let tree = env.run(["scan", root.to_str().unwrap(), "--tree", "--max-depth", "1"]);
    let tree = tree.out();
    let shown: Vec<&str> = tree.lines().filter(|l| l.ends_with('/')).map(|l| l[24..].trim()).collect();
    assert_eq!(shown, ["./", "ab/", "cd/"]);
}

#[test]
fn damaged_files_are_found_and_fetched_again() {
    let upstream = Upstream::new().with_corpus();
    for url in [upstream.url("m/structures/divided/mmCIF/"), upstream.url("m/structures/divided/mmCIF")] {
        let env = Env::new();
        let toml = format!("[jobs.mmcif]\nsource = {url:?}\ndest = {:?}\n", env.mirror("mmcif"));
        let env = env.with_config(&toml).with_pipe(&upstream);
        assert_eq!(env.run(["sync", "mmcif"]).code(), 0);
        let below = if url.ends_with('/') { env.mirror("mmcif") } else { env.mirror("mmcif/mmCIF") };
        let good = fs::read(below.join("a8/1a8o.cif.gz")).unwrap();
        assert_eq!(env.run(["verify", "mmcif"]).code(), 0);

        let old = fs::metadata(below.join("a8/1a8o.cif.gz")).unwrap().modified().unwrap();
        let mut rotten = good.clone();
        rotten[good.len() / 2] ^= 0x55;
        fs::write(below.join("a8/1a8o.cif.gz"), rotten).unwrap();
        // As rot does: size and time are as they were.
        fs::File::options()
            .write(true)
            .open(below.join("a8/1a8o.cif.gz"))
            .unwrap()
            .set_modified(old)
            .unwrap();
        fs::write(below.join("pf/1pfe.cif.gz"), "<html>gateway timeout</html>").unwrap();
        fs::write(below.join("pdb1abc.ent.Z"), b"\x1f\x9d\x90...").unwrap();
        let found = env.run(["verify", "mmcif", "--json"]);
        assert_eq!(found.code(), 1);
        let told = events(&found.out());
        assert_eq!(told.iter().filter(|e| e["event"] == "damaged").count(), 2, "{told:?}");
        assert_eq!(told.last().unwrap()["damaged"], 2);
        assert_eq!(told.last().unwrap()["not_checked"], 1);
        assert!(found.err().contains("pdb1abc.ent.Z by compress (.Z)"), "{}", found.err());
        assert_eq!(env.run(["scan", "mmcif", "--check-gzip"]).code(), 1);

        let repaired = env.run(["verify", "mmcif", "--repair", "--json"]);
        assert_eq!(repaired.code(), 0, "{}\n{}", repaired.out(), repaired.err());
        let told = events(&repaired.out());
        assert_eq!(
            (&told.last().unwrap()["damaged"], &told.last().unwrap()["repaired"]),
            (&0.into(), &2.into())
        );
        assert_eq!(fs::read(below.join("a8/1a8o.cif.gz")).unwrap(), good);
        assert_eq!(env.run(["verify", "mmcif"]).code(), 0);
    }
}

#[test]
fn what_is_damaged_at_the_source_stays_so_and_says_so() {
    let upstream = Upstream::new().with_corpus();
    fs::write(upstream.root().join("structures/divided/mmCIF/pf/1pfe.cif.gz"), "").unwrap();
    let env = Env::new();
    let toml = format!("[jobs.mmcif]\nsource = {:?}\ndest = {:?}\n", upstream.url("m/"), env.mirror("mmcif"));
    let env = env.with_config(&toml).with_pipe(&upstream);
    assert_eq!(env.run(["sync", "mmcif"]).code(), 0);
    let ended = env.run(["verify", "mmcif", "--repair"]);
    assert_eq!(ended.code(), 1);
    assert!(ended.out().contains("1pfe.cif.gz: empty"), "{}", ended.out());
    assert!(ended.err().contains("1 still damaged"), "{}", ended.err());
}

/// What a repair has replaced is kept, as by `sync`, and told of the command that did it.
#[test]
fn a_repair_is_a_run_of_verify() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new();
    let toml = format!(
        "[jobs.mmcif]\nsource = {:?}\ndest = {:?}\nkeep_deleted = '1d'\n",
        upstream.url("m/"),
        env.mirror("mmcif")
    );
    let env = env.with_config(&toml).with_pipe(&upstream);
    assert_eq!(env.run(["sync", "mmcif"]).code(), 0);
    let file = env.mirror("mmcif").join("structures/divided/mmCIF/pf/1pfe.cif.gz");
    let good = fs::read(&file).unwrap();
    fs::write(&file, "rotten").unwrap();
    assert_eq!(env.run(["verify", "mmcif", "--repair"]).code(), 0);
    assert_eq!(fs::read(&file).unwrap(), good);
    let run = env.run(["clean", "log", "--json"]).events("run").remove(0);
    assert_eq!((&run["command"], &run["counts"]["replaced"]), (&"verify".into(), &1.into()), "{run}");
    let text = env.run(["clean", "log"]).out();
    assert!(text.contains("  verify  ") && !text.contains("  sync  "), "{text}");
    let id = run["run"].as_str().unwrap();
    let unknown = env.run(["history", "show", id]);
    assert_eq!(unknown.code(), 2);
    assert!(unknown.err().contains(&format!("`pdb-sync clean log {id}` shows what it removed")), "{unknown}");
    assert_eq!(env.run(["clean", "undo", "last"]).code(), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "rotten");
}

#[test]
fn a_key_holds_until_an_option_says_otherwise() {
    let (env, root) = tree();
    fs::write(root.join(".hidden"), "1").unwrap();
    let env = env.with_config("version = 1\n[scan]\nmax_depth = 1\nskip_hidden = true\ntimeout = '1h'\n");
    let paths = |options: &[&str]| {
        let (_, events) = scan(&env, &root, &[&["--list"], options].concat());
        let paths = events.iter().filter_map(|e| e["path"].as_str().map(str::to_owned));
        paths.collect::<Vec<_>>()
    };
    assert_eq!(paths(&[]), ["top", "ab", "cd"]);
    assert_eq!(paths(&["--no-skip-hidden", "--timeout=0"]), [".hidden", "top", "ab", "cd"]);
    let all = ["top", "ab", "ab/1abc.cif.gz", "ab/1abd.cif.gz", "cd", "cd/e", "cd/e/README"];
    assert_eq!(paths(&["--max-depth=9"]), all);
    let (env, root) = tree();
    let env = env.with_config("version = 1\n[scan]\nfollow = true\n");
    std::os::unix::fs::symlink("../ab", root.join("cd/link")).unwrap();
    let links = |options: &[&str]| scan(&env, &root, options).1[0]["symlinks"].clone();
    assert_eq!((links(&[]), links(&["--no-follow"])), (0.into(), 1.into()));
}

#[test]
fn a_tree_that_is_part_of_another_is_not_counted_once_more() {
    let (env, root) = tree();
    let (ab, root) = (root.join("ab"), root.to_str().unwrap().to_owned());
    let ab = ab.to_str().unwrap();
    for command in ["scan", "verify"] {
        let ended = env.run([command, ab, &root, "--json"]);
        let mut told = events(&ended.out());
        let result = told.pop().unwrap();
        let [part] = told.iter().filter(|e| e["event"] != "damaged").collect::<Vec<_>>()[..] else {
            panic!("{ended}")
        };
        assert_eq!([&part["event"], &part["root"], &part["part_of"]], ["part_of", ab, &root], "{ended}");
        assert_eq!(result["root"], root, "{ended}");
        assert!(ended.err().contains("is read and counted there"), "{ended}");
    }
    // With a limited depth, its own scan would read more.
    let (_, both) = scan(&env, root.as_ref(), &[ab, "--max-depth=1"]);
    assert_eq!(both.iter().map(|e| &e["event"]).collect::<Vec<_>>(), ["result", "result"]);
}

#[test]
fn inventories_are_kept_within_the_limits_and_their_use_is_counted() {
    let (env, root) = tree();
    let env = env.with_config("version = 1\n[scan]\ncache_entries = 1\n");
    for part in ["ab", "cd", "cd"] {
        assert_eq!(scan(&env, &root.join(part), &[]).0, 0);
    }
    let (_, mut kept) = scan(&env, &root, &["--cache"]);
    let result = kept.pop().unwrap();
    // The named root has no inventory; the counts are those of all.
    assert_eq!((&result["inventories"], &result["evicted"]), (&0.into(), &1.into()), "{result}");
    assert_eq!((&result["hits"], &result["misses"]), (&1.into(), &2.into()), "{result}");
    let verbose = env.run(["scan", "-v", root.join("cd").to_str().unwrap()]).expect_code(0);
    assert!(verbose.out().contains("inventories: 2 of 4 scans found one, "), "{verbose}");
    let all = env.run(["scan", "--cache", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(all["inventories"], 1, "{all}");
}

#[test]
fn the_drive_is_told_if_asked() {
    let (env, root) = tree();
    let verbose = env.run(["scan", "-v", "--threads", "3", root.to_str().unwrap()]).expect_code(0);
    let told = verbose.out().lines().find(|line| line.starts_with("on ")).map(str::to_owned);
    assert!(told.as_ref().is_some_and(|told| told.ends_with(": 3 threads")), "{verbose}");
}
