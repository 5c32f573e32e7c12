//! Lists of entry IDs: how they are read, and what is refused.

use super::ids::{files, listed, set, sync, want};
use crate::support::{Env, Fake, Running, Upstream, one_job};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

const SOURCE: &str = "m/structures/divided/mmCIF/";

#[test]
fn a_list_may_come_by_standard_input() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "");
    want(&env, "1a8o");
    let mut command = env.command(["sync", "j", "--ids", "-"]);
    let (reader, mut writer) = std::io::pipe().unwrap();
    command.stdin(Stdio::from(reader));
    let running = Running::start(command);
    writer.write_all("\u{feff}4cup,1PFE\r\n# more\r\npdb_00004cup\r\n".as_bytes()).unwrap();
    drop(writer);
    running.wait().expect_code(0);
    assert_eq!(files(&env), set(&["cu/4cup.cif.gz", "pf/1pfe.cif.gz"]));
    let ended = env.run(["sync", "j", "--ids", "-"]).expect_code(2);
    assert!(ended.err().contains("standard input: the list has no entry ID"), "{ended}");
}

#[test]
fn what_is_no_list_refuses_the_command() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, SOURCE, "");
    want(&env, "1a8o");
    let file = env.dir().join("bad.txt");
    for (text, words) in [
        (
            &b"1abc\n\n1abc.cif.gz\n"[..],
            &["bad.txt:3: \"1abc.cif.gz\" is no entry ID", "its entry is 1abc"][..],
        ),
        (b"", &["bad.txt: the list has no entry ID", "does not mean all entries"]),
        (b"# only this\n", &["the list has no entry ID"]),
        (b"../../etc/passwd", &["bad.txt:1: \"../../etc/passwd\" is no entry ID"]),
        (b"--delete", &["\"--delete\" is no entry ID"]),
        (b"1abc\x1b[2J", &["bad.txt:1:", "is no entry ID"]),
        (b"\xff\xfe1\0", &["UTF-16"]),
        (b"\x00\xff\xff", &["is no entry ID"]),
    ] {
        fs::write(&file, text).unwrap();
        let ended = env.run(["sync", "j", "--ids", "bad.txt"]).expect_code(2);
        for word in words {
            assert!(ended.err().contains(word), "{word}: {ended}");
        }
        assert!(!ended.err().contains('\x1b'), "{ended}");
        // The same list of the key is an error of the job.
        fs::copy(&file, env.dir().join("ids.txt")).unwrap();
        let checked = env.run(["config", "check"]).expect_code(2);
        assert!(checked.err().contains("ids: ") && checked.err().contains("config.toml:"), "{checked}");
        let ended = env.run(["sync", "j"]).expect_code(1);
        assert!(
            ended.out().contains("failed before it started") || ended.out().contains("failed"),
            "{ended}"
        );
    }
    fs::remove_file(env.dir().join("ids.txt")).unwrap();
    for (args, words) in [
        (&["sync", "j", "--ids", "none.txt"][..], "--ids: cannot read none.txt"),
        (&["sync", "j", "--ids", "."], "--ids: cannot read .: it is a directory"),
        (&["config", "check"], "ids: cannot read"),
    ] {
        let ended = env.run(args).expect_code(2);
        assert!(ended.err().contains(words), "{ended}");
    }
    assert!(!env.mirror("j").exists());
}

#[test]
fn the_key_takes_a_list_of_ids_and_says_what_is_wrong_with_it() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_pipe(&upstream);
    let config = |ids: &str| one_job(&[&upstream.url(SOURCE)], &env.mirror("j"), &format!("ids = {ids}"));
    for (ids, words) in [
        ("[]", "the list has no entry ID"),
        ("['1abc', '1abc_A']", "\"1abc_A\" is no entry ID"),
        ("'1abc'", "would be the path of a file"),
        ("1", "expected a path of a file with entry IDs, or a list of IDs"),
        ("[1]", "expected a string"),
        ("'$NOPE/x'", "NOPE"),
    ] {
        fs::write(env.config(), config(ids)).unwrap();
        let ended = env.run(["config", "check"]).expect_code(2);
        assert!(ended.err().contains(words), "{ids}: {ended}");
    }
    fs::write(env.config(), config("['1A8O', 'pdb_00001a8o', '4cup']")).unwrap();
    env.run(["config", "check"]).expect_code(0);
    env.run(["sync", "j"]).expect_code(0);
    assert_eq!(files(&env), set(&["a8/1a8o.cif.gz", "cu/4cup.cif.gz"]));
}

#[test]
fn what_cannot_be_combined_with_a_list_is_refused() {
    let env = Env::new();
    let job = |source: &str, more: &str| one_job(&[source], &env.mirror("j"), more);
    let single = "rsync://rsync.rcsb.org:33444/ftp_data/structures/divided/mmCIF/";
    fs::write(env.dir().join("list"), "").unwrap();
    for (source, more, words) in [
        (single, "rsync_args = ['--files-from=list']", "cannot be used together with rsync's --files-from"),
        (single, "rsync_args = ['-R']", "cannot be used together with rsync's --relative"),
        ("wwpdb:", "", "needs a source with one kind of files"),
        ("rsync://ftp.pdbj.org/ftp_data/structures/", "", "such as divided/mmCIF/"),
    ] {
        fs::write(env.config(), job(source, &format!("{more}\nids = ['1abc']"))).unwrap();
        let ended = env.run(["config", "check"]).expect_code(2);
        assert!(ended.err().contains(words), "{ended}");
        fs::write(env.config(), job(source, more)).unwrap();
        fs::write(env.dir().join("ids.txt"), "1abc").unwrap();
        let ended = env.run(["sync", "j", "--ids", "ids.txt"]).expect_code(2);
        assert!(ended.err().contains(words) && ended.err().contains("--ids"), "{ended}");
    }
    fs::write(env.config(), job(single, "delete = true")).unwrap();
    let hash = "0123456789abcdef";
    let ended = env.run(["sync", "j", "--ids", "ids.txt", "--expect", hash]).expect_code(2);
    assert!(ended.err().contains("cannot be used with"), "{ended}");
}

#[test]
fn a_source_behind_ssh_has_entries_too() {
    let upstream = Upstream::new().with_corpus();
    let env = super::ssh::with_ssh(super::ssh::HERE);
    let source =
        format!("someone@far.invalid:{}/structures/divided/mmCIF/", upstream.root().to_str().unwrap());
    let config = one_job(&[&source], &env.mirror("j"), "ids = 'ids.txt'\ndelete = true");
    let env = env.with_config(&config);
    sync(&env, "1a8o 4cup", 0);
    sync(&env, "4cup 9zzz", 3);
    assert_eq!(files(&env), set(&["cu/4cup.cif.gz"]));
}

/// The example, with a server that has the module of the archive.
#[test]
fn the_example_of_a_benchmark_brings_its_entries_and_nothing_else() {
    let upstream = Upstream::new().with_corpus().module("ftp_data", &[]);
    for id in ["1a8o", "1pfe", "3dg1", "4cup", "5i55", "3jqh"] {
        let hash = &id[1..3];
        upstream.write(format!("assemblies/mmCIF/divided/{hash}/{id}-assembly1.cif.gz"), id);
        upstream.write(format!("structures/divided/structure_factors/{hash}/r{id}sf.ent.gz"), id);
    }
    let env = Env::new().with_pipe(&upstream);
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config-examples");
    for file in ["benchmark.toml", "benchmark-ids.txt"] {
        fs::copy(examples.join(file), env.dir().join(file)).unwrap();
    }
    env.run(["-c", "benchmark.toml", "sync", "--all"]).expect_code(0);
    let of = |dir: &str| super::ids::files_of(&env.dir().join("pdb-data").join(dir)).len();
    assert_eq!((of("mmCIF"), of("assemblies"), of("structure_factors")), (5, 5, 2));
}

/// An entry that the listing showed and that is gone when it is asked for is not in the mirror.
#[test]
fn an_entry_that_vanishes_during_the_run_makes_the_job_partial() {
    let both =
        ["1abc", "1abd"].map(|id| format!("out >f+++++++++ 1 2026/01/01-00:00:00 ab/{id}.cif.gz\n")).concat();
    let gone =
        "err rsync: [sender] link_stat \"/ab/1abd.cif.gz\" (in m) failed: No such file or directory (2)\n";
    for (came, code, status) in
        [("stats 2 2 0\n".to_owned(), 0, "ok"), (format!("{gone}stats 1 1 0\nexit 23\n"), 3, "partial")]
    {
        let fake =
            Fake::new(&format!("[1]\n{both}stats 2 0 0\n[if progress2]\n{came}[if -n]\nstats 1 0 0\n"));
        let env = Env::new().with_fake(&fake);
        let source = "rsync://upstream.invalid/m/structures/divided/mmCIF/";
        let config = one_job(&[source], &env.mirror("j"), "ids = ['1abc', '1abd']");
        let env = env.with_config(&config);
        let ended = env.run(["sync", "j", "--json"]).expect_code(code);
        let end = ended.finished();
        assert_eq!(end["status"], status, "{ended}");
        let missing = if code == 0 { serde_json::json!([]) } else { serde_json::Value::Null };
        assert_eq!(end["missing_ids"], missing, "{ended}");
        assert_eq!(end["error"].as_str().is_some_and(|error| error.contains("1abd")), code == 3, "{ended}");
    }
}

/// A source whose path names no layout is listed one level deep, where `-m` would leave out every directory.
#[test]
fn filters_that_hide_directories_are_not_taken_for_a_source_without_entries() {
    let upstream = Upstream::new();
    for file in ["ab/1abc.cif.gz", "ab/2abd.cif.gz", "xy/1xyz.cif.gz"] {
        upstream.write(Path::new("own/copy").join(file), file);
    }
    let env = listed(&upstream, "m/own/copy/", "rsync_args = ['-m']");
    let ended = sync(&env, "1abc", 0);
    assert_eq!(files(&env), set(&["ab/1abc.cif.gz"]), "{ended}");
    let env = listed(&upstream, "m/own/copy/", "rsync_args = ['-m']\nexclude = ['*']");
    let ended = sync(&env, "1abc", 1).finished();
    let (error, hint) = (ended["error"].as_str().unwrap(), ended["hint"].as_str().unwrap());
    assert!(error.ends_with(", as far as the filters of the job let them through"), "{error}");
    assert!(hint.starts_with("do the filters of the job leave out the entries?"), "{hint}");
}
