//! `index` and `search` as people and scripts meet them.

use crate::support::{Env, Upstream, corpus};
use std::fs;
use std::path::Path;

const CONFIG: &str = r#"
[index]
threads = 2
[jobs.mmcif]
source = "127.0.0.1::m/structures/divided/mmCIF/"
dest = "mirror/mmcif"
index = true
[jobs.plain]
source = "127.0.0.1::m/structures/"
dest = "mirror/plain"
[jobs.plain.index]
enabled = false
exclude = ["*.xml.gz"]
"#;

/// A home with the real entries in `mirror/mmcif`.
fn with_mirror() -> Env {
    let env = Env::new().with_config(CONFIG);
    corpus::lay_out(&env.mirror("mmcif"));
    env
}

#[test]
fn a_mirror_is_indexed_and_searched() {
    let env = with_mirror();
    let ended = env.run(["index", "mmcif", "--json"]).expect_code(0);
    let result = ended.json().pop().unwrap();
    assert_eq!(result["event"], "result");
    for (key, value) in
        [("files_seen", 6), ("files_read", 6), ("documents", 6), ("removed", 0), ("errors", 0)]
    {
        assert_eq!(result[key], value, "{key}: {ended}");
    }
    assert!(result["elapsed_s"].is_number() && result["peak_memory_bytes"].is_number());
    assert!(env.state().join("index/mmcif").is_dir());
    let again = env.run(["index", "--all"]).expect_code(0);
    assert_eq!(again.out(), "mmcif: 6 documents, nothing has changed\n");

    let ended = env.run(["search", "amyloid", "--json"]).expect_code(0);
    let lines = ended.json();
    assert_eq!(lines.len(), 3, "{ended}");
    assert_eq!(
        (&lines[0]["event"], &lines[0]["job"], &lines[0]["id"]),
        (&"hit".into(), &"mmcif".into(), &"5i55".into())
    );
    assert_eq!(lines[0]["path"], corpus::path_of("5i55"));
    assert_eq!(lines[0]["file"], env.mirror("mmcif").join(corpus::path_of("5i55")).to_str().unwrap());
    assert!(lines[0]["score"].as_f64().unwrap() > lines[1]["score"].as_f64().unwrap());
    let result = &lines[2];
    assert_eq!(
        (&result["hits"], &result["total"], &result["timed_out"]),
        (&2.into(), &2.into(), &false.into())
    );
    assert!(result["elapsed_ms"].is_number());

    let out = |args: &[&str]| env.run(args).expect_code(0).out();
    assert_eq!(out(&["search", "resolution:<1.6", "--ids", "--sort", "resolution"]), "1pfe\n5i55\n");
    assert_eq!(
        out(&["search", "id:1a8o", "--format", r"{id}\t{method}\t{resolution}"]),
        "1a8o\tx-ray diffraction\t1.7\n"
    );
    let path = env.mirror("mmcif").join(corpus::path_of("1a8o"));
    assert_eq!(out(&["search", "id:1a8o", "--paths", "-0"]), format!("{}\0", path.display()));
    assert_eq!(out(&["search", "*", "--ids", "--sort=id", "--limit=2", "--offset=1"]), "1pfe\n3dg1\n");
    let table = out(&["search", "hiv", "capsid"]);
    assert!(
        table
            .starts_with("ID    METHOD  RES   RELEASED    TITLE\n1a8o  xray    1.70  1998-10-14  HIV CAPSID"),
        "{table}"
    );
    let facets = out(&["search", "*", "--facets", "method,organism", "--limit", "0"]);
    assert!(facets.contains("method:\n        6  x-ray diffraction\n"), "{facets}");
    assert!(facets.contains("        2  Homo sapiens\n"), "{facets}");
}

#[test]
fn terms_stand_out_where_colours_are_wanted() {
    let env = with_mirror();
    env.run(["index", "mmcif"]).expect_code(0);
    let ended = env.run(["search", "capsid", "--color", "always"]).expect_code(0);
    assert!(ended.out().contains("\u{1b}[1mCAPSID"), "{ended}");
    assert!(!env.run(["search", "capsid"]).out().contains('\u{1b}'));
}

#[test]
fn mistakes_are_told_before_anything_is_done() {
    let env = with_mirror();
    for (args, told) in [
        (
            &["search", "metod:xray"][..],
            "column 1: unknown field \"metod\"\n  | metod:xray\n  | ^\n  hint: did you mean \"method\"?",
        ),
        (&["search", "a", "resolution:<x"], "column 15: \"x\" is no number"),
        (&["search", "amyloid"], "there is no index to search"),
        (&["search", "a", "--facets", "metod"], "did you mean \"method\"?"),
        (&["search", "a", "--format", "{idd}"], "unknown name {idd}"),
        (&["search", "a", "-0"], "-0 is for --ids"),
        (&["search"], "required"),
        (&["index", "mmcfi"], "did you mean \"mmcif\"?"),
        (&["index", "./nowhere"], "cannot index ./nowhere"),
        (&["index"], "no job is selected"),
        (&["index", "mmcif", "--include", "[a"], "is no glob"),
    ] {
        let ended = env.run(args).expect_code(2);
        assert!(ended.err().contains(told), "{ended}");
        assert_eq!(ended.out(), "", "{ended}");
    }
    env.run(["index", "mmcif"]).expect_code(0);
    let ended = env.run(["search", "a", "--job", "mmcfi"]).expect_code(2);
    assert!(ended.err().contains("did you mean \"mmcif\"?"), "{ended}");
}

#[test]
fn no_hit_is_no_failure_unless_asked_for() {
    let env = with_mirror();
    env.run(["index", "mmcif"]).expect_code(0);
    let ended = env.run(["search", "xylophone"]).expect_code(0);
    assert!(ended.err().contains("nothing matches \"xylophone\" in mmcif"), "{ended}");
    env.run(["search", "xylophone", "--fail-on-empty"]).expect_code(1);
    env.run(["search", "capsid", "--fail-on-empty"]).expect_code(0);
    let ended = env.run(["search", "sequence:KTWGR"]).expect_code(0);
    assert!(ended.err().contains("nothing that is indexed has a value for sequence"), "{ended}");
    let ended = env.run(["search", "capsid", "--timeout", "0s"]).expect_code(3);
    assert!(ended.err().contains("no answer in time from mmcif"), "{ended}");
}

#[test]
fn broken_files_are_listed_and_make_it_partial() {
    let env = with_mirror();
    let whole = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/1a8o.cif.gz")).unwrap();
    fs::write(env.mirror("mmcif").join("9xyz.cif.gz"), &whole[..4_000]).unwrap();
    let ended = env.run(["index", "mmcif"]).expect_code(3);
    assert!(ended.err().contains("`pdb-sync search status:error` lists them"), "{ended}");
    let ended = env.run(["search", "status:error", "--format", "{path}: {error}"]).expect_code(0);
    assert_eq!(ended.out(), "9xyz.cif.gz: truncated: the compressed data end too early\n");
    // It is known by now, and nothing else is wrong.
    env.run(["index", "mmcif"]).expect_code(0);
}

#[test]
fn a_directory_needs_no_configuration() {
    let env = Env::new();
    corpus::lay_out(&env.mirror("x"));
    env.run(["index", "./mirror/x"]).expect_code(0);
    let ended = env.run(["search", "capsid", "--ids", "--job", "mirror/x"]).expect_code(0);
    assert_eq!(ended.out(), "1a8o\n");
    let missing = env.run(["index", "mmcif"]).expect_code(2);
    assert!(missing.err().contains("there is no configuration"), "{missing}");
}

#[test]
fn who_holds_the_lock_is_waited_for_elsewhere() {
    let env = with_mirror();
    env.run(["index", "mmcif"]).expect_code(0);
    let lock = fs::File::options().write(true).open(env.state().join("index/mmcif/lock")).unwrap();
    lock.lock().unwrap();
    let ended = env.run(["index", "mmcif"]).expect_code(75);
    assert!(ended.err().contains("another process is building the index of mmcif"), "{ended}");
    env.run(["search", "capsid"]).expect_code(0);
}

/// `index = true`: after a sync that changed something, and only then; by `index --all`, unless a job says no.
#[test]
fn a_sync_that_changed_something_is_followed_by_indexing() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_config(CONFIG).with_pipe(&upstream);
    let first = env.run(["sync", "mmcif", "plain"]).expect_code(0);
    assert!(first.err().contains("mmcif: indexed, 6 documents"), "{first}");
    assert!(!first.err().contains("plain: indexed"), "{first}");
    assert!(first.out().trim_end().lines().last().unwrap().starts_with("Total time:"), "{first}");
    assert_eq!(env.run(["search", "capsid", "--ids"]).out(), "1a8o\n");
    let second = env.run(["sync", "mmcif"]).expect_code(0);
    assert!(!second.err().contains("indexed"), "{second}");
    let all = env.run(["index", "--all"]).expect_code(0);
    assert_eq!(all.out(), "mmcif: 6 documents, nothing has changed\n");
    let dry = env.run(["sync", "plain", "--dry-run", "--json"]).expect_code(0);
    assert_eq!(dry.json().last().unwrap()["event"], "run_finished");
}

#[test]
fn a_repl_answers_from_its_cache() {
    let env = with_mirror();
    env.run(["index", "mmcif"]).expect_code(0);
    let mut command = env.command(["search", "--repl", "--ids"]);
    let file = env.dir().join("queries");
    fs::write(&file, "capsid\ncapsid\nfoo:bar\n\n:stats\n").unwrap();
    command.stdin(fs::File::open(&file).unwrap());
    let ended = crate::support::Running::start(command).wait().expect_code(1);
    assert_eq!(ended.out(), "1a8o\n1a8o\n");
    assert!(ended.err().contains("unknown field \"foo\""), "{ended}");
    assert!(ended.err().contains("cache: 1 hits, 1 misses"), "{ended}");
}

#[test]
fn help_lists_every_field() {
    let env = Env::new();
    let help = env.run(["search", "--help"]).expect_code(0).out();
    for field in pdb_sync::query::Field::ALL {
        assert!(help.contains(field.example()), "{}", field.name());
    }
}
