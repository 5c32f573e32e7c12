//! A job that is limited to entries: by the key `ids`.

use crate::support::{Ended, Env, Upstream, one_job, tree};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A config whose job `j` has the entries of `ids.txt` of this source.
pub(super) fn listed(upstream: &Upstream, path: &str, more: &str) -> Env {
    let env = Env::new().with_pipe(upstream);
    let more = format!("ids = 'ids.txt'\n{more}");
    let config = one_job(&[&upstream.url(path)], &env.mirror("j"), &more);
    env.with_config(&config)
}

pub(super) fn want(env: &Env, ids: &str) {
    fs::write(env.dir().join("ids.txt"), ids).unwrap();
}

#[track_caller]
pub(super) fn sync(env: &Env, ids: &str, code: i32) -> Ended {
    want(env, ids);
    env.run(["sync", "j", "--json"]).expect_code(code)
}

/// The files of the mirror.
pub(super) fn files(env: &Env) -> BTreeSet<String> {
    files_of(&env.mirror("j"))
}

pub(super) fn files_of(root: &Path) -> BTreeSet<String> {
    let names = tree(root).into_keys().filter(|name| !root.join(name).is_dir());
    let names = names.map(|name| name.to_str().unwrap().to_owned());
    names.filter(|name| !name.starts_with(".pdb-sync")).collect()
}

pub(super) fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(super) fn missing(ended: &Ended) -> Vec<Value> {
    ended.finished()["missing_ids"].as_array().unwrap().clone()
}

/// How often rsync asked the source.
fn connections(ended: &Ended) -> usize {
    ended.events("phase").iter().filter(|phase| !phase["argv"].as_array().unwrap().is_empty()).count()
}

/// Nothing of what rsync says about names that are not there is passed on.
#[track_caller]
fn quiet(ended: &Ended) {
    let said = ended.events("output");
    let said: Vec<_> = said.iter().filter(|line| line["stream"] == "stderr").collect();
    assert!(said.is_empty(), "{ended}");
}

#[test]
fn each_layout_gives_the_files_of_entries_in_two_connections() {
    for (dir, have, expected) in [
        ("structures/divided/mmCIF", &["ab/1abc.cif.gz", "ab/2abd.cif.gz"][..], &["ab/1abc.cif.gz"][..]),
        ("structures/divided/pdb", &["ab/pdb1abc.ent.gz", "ab/pdb2abd.ent.gz"], &["ab/pdb1abc.ent.gz"]),
        ("structures/divided/XML", &["ab/1abc.xml.gz", "ab/1abd.xml.gz"], &["ab/1abc.xml.gz"]),
        ("structures/divided/XML-noatom", &["ab/1abc-noatom.xml.gz"], &["ab/1abc-noatom.xml.gz"]),
        ("structures/divided/XML-extatom", &["ab/1abc-extatom.xml.gz"], &["ab/1abc-extatom.xml.gz"]),
        (
            "structures/divided/structure_factors",
            &["ab/r1abcsf.ent.gz", "r1abdsf.ent.gz"],
            &["ab/r1abcsf.ent.gz"],
        ),
        ("structures/divided/nmr_restraints", &["ab/1abc.mr.gz", "ab/2abc.mr.gz"], &["ab/1abc.mr.gz"]),
        ("structures/divided/nmr_restraints_v2", &["ab/1abc_mr.str.gz"], &["ab/1abc_mr.str.gz"]),
        ("structures/divided/nmr_chemical_shifts", &["ab/1abc_cs.str.gz"], &["ab/1abc_cs.str.gz"]),
        (
            "structures/divided/nmr_data",
            &["ab/1abc_nmr-data.str.gz", "ab/1abc_nmr-data.nef.gz", "ab/1abd_nmr-data.nef.gz"],
            &["ab/1abc_nmr-data.nef.gz", "ab/1abc_nmr-data.str.gz"],
        ),
        ("structures/obsolete/mmCIF", &["ab/1abc.cif.gz", "cd/1cde.cif.gz"], &["ab/1abc.cif.gz"]),
        ("structures/all/mmCIF", &["1abc.cif.gz", "1abd.cif.gz"], &["1abc.cif.gz"]),
        (
            "structures/divided/mmCIF",
            &["ab/pdb_00001abc.cif.gz", "ab/pdb_00001abd.cif.gz"],
            &["ab/pdb_00001abc.cif.gz"],
        ),
        (
            "validation_reports",
            &["ab/1abc/1abc_validation.pdf.gz", "ab/1abc/more/x", "ab/1abd/1abd_validation.pdf.gz"],
            &["ab/1abc/1abc_validation.pdf.gz", "ab/1abc/more/x"],
        ),
        (
            "entries",
            &[
                "ab/pdb_00001abc/structures/pdb_00001abc.cif.gz",
                "ab/pdb_00001abc/README",
                "ab/pdb_00001abd/structures/x",
            ],
            &["ab/pdb_00001abc/README", "ab/pdb_00001abc/structures/pdb_00001abc.cif.gz"],
        ),
    ] {
        let upstream = Upstream::new();
        have.iter().for_each(|file| drop(upstream.write(Path::new(dir).join(file), file)));
        for id in ["1abc", "PDB_00001abc"] {
            let env = listed(&upstream, &format!("m/{dir}/"), "");
            let ended = sync(&env, id, 0);
            assert_eq!(files(&env), set(expected), "{dir} {id}: {ended}");
            assert_eq!((missing(&ended), connections(&ended)), (vec![], 2), "{dir} {id}: {ended}");
            quiet(&ended);
            let again = sync(&env, id, 0);
            assert_eq!((&again.finished()["status"], connections(&again)), (&"ok".into(), 1), "{again}");
            assert_eq!(again.finished()["files_transferred"], 0, "{again}");
        }
    }
}

/// Sources whose path tells nothing, and one with files of an unknown number.
#[test]
fn elsewhere_the_directories_of_the_entries_are_looked_into() {
    for (path, have, expected) in [
        (
            "assemblies/mmCIF/divided",
            &["ab/1abc-assembly1.cif.gz", "ab/1abc-assembly12.cif.gz", "ab/2abd-assembly1.cif.gz"][..],
            &["ab/1abc-assembly1.cif.gz", "ab/1abc-assembly12.cif.gz"][..],
        ),
        ("", &["ab/1abc.cif", "ab/1abd.cif", "zz/1zzz.cif", "ab/README"], &["ab/1abc.cif"]),
        ("", &["1abc.cif.gz", "2abd.cif.gz", "README"], &["1abc.cif.gz"]),
        ("copy", &["ab/1abc/any", "ab/1abc/sub/more", "ab/2abd/any"], &["ab/1abc/any", "ab/1abc/sub/more"]),
        (
            "copy",
            &["ab/pdb_00001abc_xyz_v1-2.cif.gz", "ab/2abd.cif.gz"],
            &["ab/pdb_00001abc_xyz_v1-2.cif.gz"],
        ),
        // The end of the path promises other names.
        ("divided/mmCIF", &["ab/1abc.cif", "ab/2abd.cif"], &["ab/1abc.cif"]),
    ] {
        let upstream = Upstream::new();
        have.iter().for_each(|file| drop(upstream.write(Path::new(path).join(file), file)));
        let url = format!("m/{path}").trim_end_matches('/').to_owned() + "/";
        let env = listed(&upstream, &url, "");
        let ended = sync(&env, "1abc", 0);
        assert_eq!(files(&env), set(expected), "{path}: {ended}");
        assert!(connections(&ended) <= 5, "{ended}");
        quiet(&ended);
        // Without a slash, the directory itself is transferred.
        if !path.is_empty() {
            let env = listed(&upstream, url.trim_end_matches('/'), "");
            let ended = sync(&env, "1abc", 0);
            let own = url.trim_end_matches('/').rsplit('/').next().unwrap();
            let own: BTreeSet<_> = expected.iter().map(|file| format!("{own}/{file}")).collect();
            assert_eq!(files(&env), own, "{ended}");
        }
    }
}

#[test]
fn local_sources_are_asked_in_the_same_way() {
    let upstream = Upstream::new().with_corpus();
    upstream.write("flat/1abc.cif", "x");
    upstream.write("flat/1abd.cif", "x");
    for (dir, ids, expected) in [
        ("structures/divided/mmCIF/", "1A8O, 4cup", &["a8/1a8o.cif.gz", "cu/4cup.cif.gz"][..]),
        ("flat/", "1abc", &["1abc.cif"]),
    ] {
        let env = Env::new();
        let source = format!("{}/{dir}", upstream.root().to_str().unwrap());
        let env = {
            let config = one_job(&[&source], &env.mirror("j"), "ids = 'ids.txt'");
            env.with_config(&config)
        };
        sync(&env, ids, 0);
        assert_eq!(files(&env), set(expected));
    }
}

#[test]
fn entries_without_a_file_are_named_and_the_job_is_partial() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, "m/structures/divided/mmCIF/", "");
    let ids: Vec<String> = (0..60).map(|n| format!("9z{n:02}")).collect();
    let ended = sync(&env, &format!("1a8o {}", ids.join("\n")), 3);
    let finished = ended.finished();
    assert_eq!(finished["status"], "partial", "{ended}");
    let error = finished["error"].as_str().unwrap();
    assert!(
        error.contains(
            "60 of 61 entries have no file at the source: 9z00, 9z01, 9z02, 9z03, 9z04 and 55 more"
        ),
        "{ended}"
    );
    assert!(finished["hint"].as_str().unwrap().contains("the log names all"), "{ended}");
    assert_eq!(missing(&ended), ids, "{ended}");
    assert_eq!(files(&env), set(&["a8/1a8o.cif.gz"]));
    quiet(&ended);
    let log = fs::read_to_string(finished["log"].as_str().unwrap()).unwrap();
    assert!(ids.iter().all(|id| log.contains(id)) && !log.contains("link_stat"), "{log}");
    // Another kind of file than the entries have, or a source without entries.
    for (ids, words) in [("9zzz", "has no file of the entry 9zzz"), ("9zzz 8zzz", "of any of the 2 entries")]
    {
        let ended = sync(&env, ids, 1);
        assert!(ended.finished()["error"].as_str().unwrap().contains(words), "{ended}");
        assert!(ended.finished()["hint"].as_str().unwrap().contains("is it the right path?"), "{ended}");
        quiet(&ended);
    }
    assert_eq!(files(&env), set(&["a8/1a8o.cif.gz"]), "nothing was deleted");
}

#[test]
fn a_source_without_entries_or_with_several_kinds_is_explained() {
    let upstream = Upstream::new().with_corpus();
    upstream.write("status/latest/added.pdb", "1abc");
    for (path, hint) in [
        ("m/", "such as structures/divided/mmCIF/"),
        ("m/structures/", "such as divided/mmCIF/"),
        ("m/status/", "is it the right path?"),
    ] {
        let env = listed(&upstream, path, "");
        let ended = sync(&env, "1abc", 1);
        assert!(
            ended.finished()["error"].as_str().unwrap().contains("shows no entries of the PDB"),
            "{ended}"
        );
        assert!(ended.finished()["hint"].as_str().unwrap().contains(hint), "{ended}");
    }
    let env = listed(&upstream, "m/not-there/", "");
    want(&env, "1abc");
    assert!(env.run(["sync", "j", "--json"]).expect_code(1).finished()["missing_ids"].is_null());
    assert!(sync(&env, "1abc", 1).finished()["error"].as_str().unwrap().contains("not-there"));
}

#[test]
fn the_filters_of_the_job_apply() {
    let upstream = Upstream::new();
    for file in ["ab/1abc.cif.gz", "ab/2abd.cif.gz", "xy/1xyz.cif.gz", "xy/2xyz.cif.gz"] {
        upstream.write(Path::new("divided/mmCIF").join(file), file);
        upstream.write(Path::new("copy").join(file), file);
    }
    for path in ["m/divided/mmCIF/", "m/copy/"] {
        for (filters, expected) in [
            ("exclude = ['/ab/1abc*']", &["ab/2abd.cif.gz", "xy/1xyz.cif.gz"][..]),
            ("exclude = ['/ab/']", &["xy/1xyz.cif.gz"]),
            ("include = ['/xy/', '1*.cif.gz']\nexclude = ['*']", &["xy/1xyz.cif.gz"]),
            ("exclude = ['1*']", &["ab/2abd.cif.gz"]),
        ] {
            let env = listed(&upstream, path, filters);
            let ended = sync(&env, "1abc 2abd 1xyz", 3);
            assert_eq!(files(&env), set(expected), "{path} {filters}: {ended}");
            assert!(ended.finished()["hint"].as_str().unwrap().contains("the filters of the job"), "{ended}");
            quiet(&ended);
        }
    }
}

/// With options that need the whole list, and an upstream that changes.
#[test]
fn changed_files_come_again_whatever_the_options() {
    for more in ["rsync_args = ['-H']", "checksum = true", "verify_nothing", "preset = 'minimal'"] {
        let more = if more == "verify_nothing" { "rsync_args = ['--update', '-L']" } else { more };
        let upstream = Upstream::new().with_corpus();
        let env = listed(&upstream, "m/structures/divided/mmCIF/", more);
        sync(&env, "1a8o 4cup", 0);
        upstream.write("structures/divided/mmCIF/a8/1a8o.cif.gz", "changed");
        let ended = sync(&env, "1a8o 4cup 9zzz", 3);
        assert_eq!(ended.finished()["files_transferred"], 1, "{more}: {ended}");
        let now = fs::read_to_string(env.mirror("j").join("a8/1a8o.cif.gz")).unwrap();
        assert_eq!(now, "changed", "{more}: {ended}");
        assert_eq!(files(&env).len(), 2, "{more}");
        quiet(&ended);
    }
}

#[test]
fn twenty_thousand_entries_are_one_listing() {
    let upstream = Upstream::new();
    let id = |n: usize| format!("{}{:03x}", n / 4096 + 1, n % 4096);
    for n in (0..20_000).step_by(10) {
        let id = id(n);
        upstream.write(format!("divided/mmCIF/{}/{id}.cif.gz", &id[1..3]), "x");
    }
    let ids: Vec<_> = (0..20_000).map(id).collect();
    let env = listed(&upstream, "m/divided/mmCIF/", "");
    let ended = sync(&env, &ids.join(" "), 3);
    assert_eq!((files(&env).len(), missing(&ended).len()), (2_000, 18_000));
    assert_eq!(connections(&ended), 2);
    quiet(&ended);
}

#[test]
fn plans_dry_runs_and_printed_commands_show_entries_only() {
    let upstream = Upstream::new().with_corpus();
    let env = listed(&upstream, "m/structures/divided/mmCIF/", "delete = true");
    sync(&env, "1a8o 4cup", 0);
    want(&env, "1a8o 1pfe");
    let before = tree(&env.mirror("j"));
    let plan = env.run(["sync", "j", "--plan", "-v"]).expect_code(0);
    for line in ["create pf/1pfe.cif.gz", "delete cu/4cup.cif.gz", "delete cu/\n"] {
        assert!(plan.out().contains(line), "{line}: {plan}");
    }
    assert!(!plan.out().contains("5i55"), "{plan}");
    let dry = env.run(["sync", "j", "-n"]).expect_code(0);
    assert!(
        dry.out().contains("*deleting   cu/4cup.cif.gz") && dry.out().contains(" pf/1pfe.cif.gz"),
        "{dry}"
    );
    let printed = env.run(["sync", "j", "--print-command"]).expect_code(0);
    assert_eq!(printed.out().matches("--files-from=NAMES").count(), 2, "{printed}");
    for line in [
        "# j: NAMES is not a file: a run writes the names of the files of 2 entries there, each with a NUL byte at its end, \
         such as ./structures/divided/mmCIF/././a8/1a8o.cif.gz\n",
        "# j: to see which of these files would come: pdb-sync sync j --plan -v\n",
    ] {
        assert_eq!(printed.out().matches(line).count(), 1, "{printed}");
    }
    assert_eq!(tree(&env.mirror("j")), before);
    let shown = env.run(["config", "show", "j", "--origin"]).expect_code(0);
    assert!(shown.out().contains("ids = \"ids.txt\""), "{shown}");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(files(&env), set(&["a8/1a8o.cif.gz", "pf/1pfe.cif.gz"]), "{ended}");
    let history = env.run(["history", "--json"]).expect_code(0);
    assert_eq!(history.events("job")[0]["files_deleted"], 1, "{history}");
}
