//! `index` and `search` as people and scripts meet them.

use crate::support::{Env, Upstream, corpus};
use serde_json::Value;
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
    let (seconds, bytes) = (result["duration_s"].as_f64().unwrap(), result["bytes_read"].as_f64().unwrap());
    assert!(seconds > 0.0 && bytes > 100_000.0, "{ended}");
    // The duration is rounded to milliseconds, the rates are of the exact one.
    for (key, amount) in [("files_per_s", 6.0), ("bytes_per_s", bytes)] {
        let seconds = [amount / (seconds + 0.001), amount / (seconds - 0.001).max(f64::MIN_POSITIVE)];
        let rate = result[key].as_f64().unwrap();
        assert!(seconds[0] <= rate && rate <= seconds[1], "{key}: {ended}");
        assert_eq!(ended.events("indexed")[0][key], rate);
    }
    assert!(env.state().join("index/mmcif").is_dir());
    let again = env.run(["index", "--all"]).expect_code(0);
    assert_eq!(again.out(), "mmcif: 6 documents, nothing has changed\n");
    let again = env.run(["index", "mmcif", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!((&again["files_per_s"], &again["bytes_per_s"]), (&Value::Null, &Value::Null));
    let anew = env.run(["index", "mmcif", "--rebuild"]).expect_code(0);
    assert!(anew.out().contains(" files/s, ") && anew.out().contains("B/s), "), "{anew}");

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
    let named = &env.run(["search", "id:1pfe", "--json"]).expect_code(0).json()[0];
    assert_eq!(named["ligands"], serde_json::json!(["CL", "QUI"]));
    assert_eq!(named["ligand_names"], serde_json::json!(["CHLORIDE ION", "2-CARBOXYQUINOXALINE"]));
    assert_eq!(named["modified"][0], "DSN");
    assert_eq!(named["modified_names"][0], "D-SERINE");
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
        (&["search", "a", "resolution:<x"], "column 15: \"x\" is not a number"),
        (&["search", "amyloid"], "there is no index to search"),
        (&["search", "a", "--facets", "metod"], "did you mean \"method\"?"),
        (&["search", "a", "--format", "{idd}"], "unknown name {idd}"),
        (&["search", "a", "-0"], "-0 is for --ids"),
        (&["search"], "required"),
        (&["index", "mmcfi"], "did you mean \"mmcif\"?"),
        (&["index", "./nowhere"], "cannot index ./nowhere"),
        (&["index"], "no job is selected"),
        (&["index", "mmcif", "--include", "[a"], "is not a glob"),
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
    assert!(
        ended.err().contains("no answer in time from mmcif (--timeout 0s); no hits are shown"),
        "{ended}"
    );
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
    let cost = env.run(["stats", "--json"]).expect_code(0).events("command");
    assert_eq!((&cost[0]["command"], &cost[0]["runs"]), (&"index".into(), &1.into()), "{cost:?}");
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
    for field in pdb_sync::search::query::Field::ALL {
        assert!(help.contains(field.example()), "{}", field.name());
    }
}

/// What the index keeps of an entry is in its hit, and a script may count on `hits` and `total` being of one kind.
#[test]
fn a_hit_tells_all_that_is_kept() {
    let env = Env::new();
    let dir = env.mirror("x");
    fs::create_dir_all(&dir).unwrap();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    fs::copy(corpus.join("more/4zhl.cif.gz"), dir.join("4zhl.cif.gz")).unwrap();
    fs::copy(corpus.join("more/4zhl.cif.gz"), dir.join("4zhl-assembly1.cif.gz")).unwrap();
    fs::write(dir.join("pdb4zhl.ent.gz"), "<html>404</html>").unwrap();
    env.run(["index", "./mirror/x"]).expect_code(3);
    for query in [
        "4zhl",
        "ec:3.4",
        "space_group:H3",
        "space_group:R3",
        "gene:PLAU",
        "resolution<2.1",
        "mutation:C122A",
        "related:4zhm",
        "related:pdb:4ZHM",
        "r_free:<0.27",
    ] {
        let lines = env.run(["search", query, "--json"]).expect_code(0).json();
        assert_eq!(lines.len(), 2, "{query}: {lines:?}");
        let (hit, result) = (&lines[0], &lines[1]);
        assert_eq!((&result["hits"], &result["total"]), (&1.into(), &1.into()), "{query}");
        assert_eq!((&hit["kind"], &hit["path"]), (&"structure".into(), &"4zhl.cif.gz".into()), "{query}");
        assert_eq!(hit["error"], serde_json::Value::Null);
        assert_eq!(hit["authors"][0], "Jiang, L.");
        assert_eq!((&hit["chains"], &hit["residues"]), (&2.into(), &257.into()));
        assert_eq!((&hit["taxonomy"][0], &hit["ec"][0]), (&9606.into(), &"3.4.21.73".into()));
        assert_eq!((&hit["space_group"], &hit["cell"]["gamma"]), (&"H 3".into(), &120.0.into()));
        assert_eq!((&hit["journal"], &hit["revised"]), (&"J.Mol.Biol.".into(), &"2015-10-14".into()));
        assert_eq!((&hit["molecules"][1], &hit["keywords"][2]), (&"mupain-1-IG".into(), &"uPA".into()));
        // Programs and assemblies stand behind the atoms of this file, and nobody says that there are none.
        assert_eq!((&hit["cut"], &hit["related"][0]), (&true.into(), &"4zhm".into()));
        assert_eq!(hit["related_databases"][0], "PDB");
    }
    let broken = env.run(["search", "status:error", "--json"]).expect_code(0).json();
    assert_eq!(
        broken[0]["title"],
        "The crystal structure of mupain-1-IG in complex with murinised human uPA at pH7.4"
    );
}

/// An index of an earlier version cannot be searched: that is said, and it stays until there is another.
#[test]
fn an_index_of_an_earlier_version_is_told_of_and_exchanged() {
    let env = with_mirror();
    env.run(["index", "mmcif"]).expect_code(0);
    let home = env.state().join("index/mmcif");
    let current =
        fs::read_dir(&home).unwrap().map(|item| item.unwrap().path()).find(|path| path.is_dir()).unwrap();
    fs::rename(&current, home.join("v1")).unwrap();
    let ended = env.run(["search", "capsid"]).expect_code(2);
    assert!(ended.err().contains("the index of mmcif was built by an earlier version"), "{ended}");
    assert!(ended.err().contains("`pdb-sync index mmcif` rebuilds it"), "{ended}");
    corpus::lay_out(&env.mirror("y"));
    env.run(["index", "./mirror/y"]).expect_code(0);
    let ended = env.run(["search", "capsid", "--ids"]).expect_code(3);
    assert_eq!(ended.out(), "1a8o\n");
    let ended = env.run(["search", "capsid", "--ids", "--job", "mirror/y"]).expect_code(0);
    assert!(!ended.err().contains("earlier"), "{ended}");
    assert!(home.join("v1").exists());
    let ended = env.run(["index", "mmcif"]).expect_code(0);
    assert!(ended.out().contains("6 files read"), "{ended}");
    assert!(current.exists() && !home.join("v1").exists());
    env.run(["search", "capsid"]).expect_code(0);
}

#[test]
fn the_configuration_limits_searches_and_what_they_keep() {
    let env = with_mirror();
    env.run(["index", "mmcif"]).expect_code(0);
    let with = |search: &str| fs::write(env.config(), format!("{CONFIG}[search]\n{search}\n")).unwrap();
    with("timeout = '1ns'");
    let late = env.run(["search", "capsid", "--json"]).expect_code(3);
    let [result] = &late.json()[..] else { panic!("{late}") };
    assert_eq!(
        (&result["hits"], &result["total"], &result["documents"]),
        (&0.into(), &Value::Null, &Value::Null)
    );
    assert_eq!((&result["timed_out"], &result["late"][0]), (&true.into(), &"mmcif".into()), "{late}");
    let late = env.run(["search", "capsid", "--ids"]).expect_code(3);
    assert_eq!(late.out(), "");
    assert!(late.err().contains("no answer in time from mmcif (timeout of [search]: 1ns)"), "{late}");
    assert_eq!(env.run(["search", "capsid", "--ids", "--timeout", "1m"]).expect_code(0).out(), "1a8o\n");

    let entries = |search: &str| {
        with(search);
        let mut command = env.command(["search", "--repl", "--json"]);
        let (input, mut queries) = std::io::pipe().unwrap();
        command.stdin(input);
        std::io::Write::write_all(&mut queries, b"capsid\namyloid\ncapsid\n").unwrap();
        drop(queries);
        let ended = crate::support::Running::start(command).wait().expect_code(0);
        let cache = ended.events("cache").pop().unwrap();
        (cache["entries"].as_u64().unwrap(), cache["hits"].as_u64().unwrap())
    };
    assert_eq!(entries(""), (2, 1));
    assert_eq!(entries("cache_entries = 1"), (1, 0));
    assert_eq!(entries("cache_entries = 0"), (0, 0));
    assert_eq!(entries("cache_bytes = 0"), (0, 0));
    // A configuration with errors does not stop a search.
    with("cache_entries = -1");
    let ended = env.run(["search", "capsid", "--ids", "-v"]).expect_code(0);
    assert_eq!(ended.out(), "1a8o\n");
    assert!(ended.err().contains("the configuration is not used"), "{ended}");
}
