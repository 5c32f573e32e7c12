//! The catalogue of archives: the command, references in sources, `[mirrors]`.

use crate::support::{Env, Upstream, one_job, tree};
use serde_json::Value;
use std::net::TcpListener;

/// A port of loopback where nobody listens.
fn refused() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A configuration whose archive `wwpdb` has only these addresses.
fn only(env: &Env, addresses: &[&str]) -> String {
    let job = one_job(&["wwpdb:structures/divided/mmCIF/"], &env.mirror("j"), "delete = true\nretries = 0");
    format!("{job}\n[mirrors.wwpdb]\nonly = {addresses:?}\n")
}

#[test]
fn archives_are_listed_with_what_is_second_hand() {
    let env = Env::new();
    let ended = env.run(["mirrors", "--json"]).expect_code(0);
    let mirrors = ended.events("mirror");
    let wwpdb: Vec<_> = mirrors.iter().filter(|mirror| mirror["archive"] == "wwpdb").collect();
    assert_eq!(wwpdb.len(), 3, "{ended}");
    let first = wwpdb[0];
    assert_eq!((&first["host"], &first["port"]), (&"rsync.rcsb.org".into(), &33444.into()), "{ended}");
    assert_eq!((&first["module"], &first["path"]), (&"ftp_data".into(), &"".into()), "{ended}");
    assert_eq!(wwpdb[2]["path"], "databases/pdb/data", "{ended}");
    let emdb: Vec<_> = mirrors.iter().filter(|mirror| mirror["archive"] == "emdb").collect();
    assert_eq!((&emdb[1]["second_hand"], &emdb[1]["used"]), (&true.into(), &false.into()), "{ended}");
    let result = ended.json().pop().unwrap();
    assert_eq!((&result["mirrors"], &result["answering"]), (&mirrors.len().into(), &Value::Null), "{ended}");
    assert_eq!(result["dates"][0]["date"], "2027-07-21", "{ended}");
    let text = env.run(["mirrors"]).expect_code(0).out();
    for part in
        ["rsync://rsync.rcsb.org:33444/ftp_data/", "second-hand, not used", "layout entries", "2027-07-21 ("]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let wrong = env.run(["mirrors", "wwpbd"]).expect_code(2);
    assert!(wrong.err().contains("did you mean \"wwpdb\"?"), "{wrong}");
}

#[test]
fn servers_are_asked_whether_they_have_the_module() {
    let upstream = Upstream::new().listen();
    let (good, other) = (upstream.url("m/"), upstream.url("other/"));
    let dead = format!("rsync://127.0.0.1:{}/m/", refused());
    for (addresses, code) in [
        (&[&*good][..], 0),
        (&[&good, &dead], 3),
        (&[&good, &other], 3),
        (&[&dead], 1),
        (&[&other, "/srv/pdb/"], 1),
        (&["/srv/pdb/"], 3),
    ] {
        let env = Env::new();
        let config = only(&env, addresses);
        let env = env.with_config(&config);
        let ended = env.run(["mirrors", "wwpdb", "--check", "--json"]).expect_code(code);
        let found = ended.events("mirror");
        let is_good =
            |mirror: &Value| mirror["check"]["answers"] == true && mirror["check"]["lists_module"] == true;
        for mirror in &found {
            assert_eq!(mirror["configured"], true, "{ended}");
            assert_eq!(is_good(mirror), mirror["address"] == *good, "{ended}");
        }
        let result = ended.json().pop().unwrap();
        assert_eq!(result["answering"], found.iter().filter(|mirror| is_good(mirror)).count(), "{ended}");
    }
    let env = Env::new();
    let config = only(&env, &[&good, &dead, &other]);
    let text = env.with_config(&config).run(["mirrors", "wwpdb", "--check"]).expect_code(3).out();
    assert!(text.contains("was refused") && text.contains("does not list the module"), "{text}");
}

/// Every host is this daemon, which has the module of the last server only.
#[test]
fn a_job_goes_through_all_servers_of_its_archive() {
    let upstream = Upstream::new().with_corpus();
    let moved = upstream.root().join("databases/pdb/data");
    std::fs::create_dir_all(&moved).unwrap();
    std::fs::rename(upstream.root().join("structures"), moved.join("structures")).unwrap();
    let upstream = upstream.module("pub", &[]);
    let env = Env::new().with_pipe(&upstream);
    let config = one_job(&["wwpdb:structures/divided/mmCIF/"], &env.mirror("j"), "retries = 0");
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let expected = [
        ("rsync://rsync.rcsb.org:33444/ftp_data/structures/divided/mmCIF/", Some(5)),
        ("rsync://ftp.pdbj.org/ftp_data/structures/divided/mmCIF/", Some(5)),
        ("rsync://rsync.ebi.ac.uk/pub/databases/pdb/data/structures/divided/mmCIF/", Some(0)),
    ];
    assert_eq!(ended.tries(), expected.map(|(source, code)| (source.to_owned(), code)), "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&moved.join("structures/divided/mmCIF")));
}

#[test]
fn own_servers_override_those_of_the_catalogue() {
    let upstream = Upstream::new().with_corpus().listen();
    let (dead, good) = (format!("rsync://127.0.0.1:{}/pdb/", refused()), upstream.url("m/"));
    let env = Env::new();
    let config = only(&env, &[&dead, &good]);
    let env = env.with_config(&config);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    let below = "structures/divided/mmCIF/";
    let expected = [(format!("{dead}{below}"), Some(10)), (format!("{good}{below}"), Some(0))];
    assert_eq!(ended.tries(), expected, "{ended}");
    let shown = env.run(["config", "show", "j", "--origin"]).expect_code(0).out();
    assert!(shown.contains(&format!("source = [\"{dead}{below}\", \"{good}{below}\"]  # from ")), "{shown}");
    assert!(shown.contains("# source is \"wwpdb:structures/divided/mmCIF/\" in the file"), "{shown}");
    assert!(shown.contains("[mirrors.wwpdb]\nonly = "), "{shown}");
}

#[test]
fn doctor_counts_down_for_jobs_in_an_archive_that_changes() {
    let env = Env::new();
    let config = one_job(&["wwpdb:structures/divided/mmCIF/"], &env.mirror("j"), "");
    let env = env.with_config(&config);
    let ended = env.run(["doctor", "--offline", "--json"]);
    let checks = ended.events("check");
    let about = checks.iter().find(|check| check["text"].as_str().unwrap().starts_with("2027-07-21 ("));
    let about = about.unwrap_or_else(|| panic!("{ended}"));
    assert!(about["text"].as_str().unwrap().contains("(job j)"), "{ended}");
    assert!(about["hint"].as_str().unwrap().contains("has not been announced"), "{ended}");
}

/// Scans, indexes, lists of obsolete entries and checks know the names of the new layout and of the versioned archive.
#[test]
fn names_of_both_layouts_are_read_everywhere() {
    let env = Env::new();
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let root = env.mirror("m");
    let put = |path: &str, from: &str| {
        let to = root.join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(corpus.join(from), to).unwrap();
    };
    put("entries/a8/pdb_00001a8o/structures/pdb_00001a8o.cif.gz", "1a8o.cif.gz");
    put("entries/a8/pdb_00001a8o/assemblies/pdb_00001a8o-assembly1.cif.gz", "1a8o.cif.gz");
    put("entries/a8/pdb_00001a8o/experimental_data/pdb_00001a8o-sf.cif.gz", "1a8o.cif.gz");
    put("entries/a8/pdb_00001a8o/validation_reports/pdb_00001a8o_validation.cif.gz", "1a8o.cif.gz");
    put("entries/cu/pdb_00004cup/structures/pdb_00004cup_xyz_v1-2.cif.gz", "4cup.cif.gz");
    put("structures/divided/mmCIF/i5/5i55.cif.gz", "5i55.cif.gz");
    let only = "entries/xy/pdb_zz09wxyz/structures/pdb_zz09wxyz.cif";
    std::fs::create_dir_all(root.join(only).parent().unwrap()).unwrap();
    std::fs::write(
        root.join(only),
        "data_x\n_entry.id pdb_zz09wxyz\n_struct.entry_id x\n_struct.title 'CAPSID'\n",
    )
    .unwrap();

    let scan = env.run(["scan", "./mirror/m", "--by-extension", "--json"]).expect_code(0);
    let entries = scan.json().pop().unwrap()["pdb_entries"].to_string();
    for (format, form, number) in [
        ("mmCIF", "extended", 3),
        ("mmCIF", "classic", 1),
        ("assemblies", "extended", 1),
        ("validation reports", "extended", 1),
    ] {
        let found = serde_json::from_str::<Value>(&entries).unwrap();
        let found = found
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["format"] == format && one["ids"] == form)
            .cloned();
        assert_eq!(found.unwrap_or_default()["entries"], number, "{format} {form}: {scan}");
    }
    std::fs::write(env.dir().join("gone"), "1A8O\npdb_00004cup\nPDB_ZZ09WXYZ\n").unwrap();
    let plan = env.run(["clean", "plan", "./mirror/m", "--obsolete", "gone", "--json"]).expect_code(0);
    assert_eq!(plan.json().pop().unwrap()["entries"], 6, "{plan}");
    env.run(["verify", "./mirror/m"]).expect_code(0);
    #[cfg(feature = "search")]
    {
        env.run(["index", "./mirror/m"]).expect_code(0);
        for (query, id) in [
            ("id:1a8o", "1a8o"),
            ("id:pdb_00001a8o", "1a8o"),
            ("id:4cup", "4cup"),
            ("id:5i55", "5i55"),
            ("id:PDB_ZZ09WXYZ", "pdb_zz09wxyz"),
        ] {
            let found = env.run(["search", query, "--ids"]).expect_code(0);
            // Structure factors and reports of an entry are hits of their own.
            let mut lines: Vec<String> = found.out().lines().map(str::to_owned).collect();
            lines.dedup();
            assert_eq!(lines, [id], "{query}: {found}");
        }
    }
}
