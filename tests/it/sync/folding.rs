//! Destinations that take names which differ in case or Unicode form for one, as exFAT, SMB and macOS do.

use crate::support::{Ended, Env, Fuse, Upstream, one_job};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Contents by name, directories with a `/`.
fn contents(dir: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.push((format!("{name}/"), String::new()));
            found.extend(contents(&path).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)));
        } else {
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// A job `j` that mirrors to a file system with these options.
struct Case {
    upstream: Upstream,
    fuse: Fuse,
    env: Env,
}

impl Case {
    fn new(options: &str, more: &str) -> Option<Self> {
        let fuse = Fuse::mounted(options)?;
        let upstream = Upstream::new();
        let env = Env::new().with_pipe(&upstream);
        let more = format!("delete = true\nmax_delete = 0\npreset = \"minimal\"\n{more}");
        let env = env.with_config(&one_job(&[&upstream.url("m/")], &fuse.path().join("m"), &more));
        Some(Case { upstream, fuse, env })
    }

    fn run(&self, code: i32) -> Ended {
        self.env.run(["sync", "j", "--json"]).expect_code(code)
    }

    fn here(&self) -> Vec<(String, String)> {
        contents(&self.fuse.path().join("m"))
    }

    fn there(&self) -> Vec<(String, String)> {
        contents(&self.upstream.root())
    }
}

const FOLDING: [&str; 4] =
    ["fold,nochmod,nolinks", "fold,norespell,nochmod,nolinks,gran2", "fold,inodes,noflags", "fold"];

#[test]
fn what_upstream_renames_to_another_spelling_is_renamed_and_nothing_is_lost() {
    for options in FOLDING {
        let Some(case) = Case::new(options, "") else { return };
        let root = case.upstream.root();
        for name in ["ab/1abc", "ab/2abc", "ab/Sub/x", "Readme", "cafe\u{301}/menu", "plain"] {
            case.upstream.write(name, name);
        }
        case.run(0);
        assert_eq!(case.here(), case.there(), "{options}");
        fs::rename(root.join("ab/Sub"), root.join("ab/sUB")).unwrap();
        fs::rename(root.join("ab"), root.join("AB")).unwrap();
        fs::rename(root.join("Readme"), root.join("README")).unwrap();
        fs::rename(root.join("cafe\u{301}"), root.join("caf\u{e9}")).unwrap();
        let ended = case.run(0);
        assert_eq!(case.here(), case.there(), "{options}\n{ended}");
        assert_eq!(ended.finished()["files_deleted"], 0, "{ended}");
        // And again, together with new contents under the new name.
        fs::rename(root.join("README"), root.join("readME")).unwrap();
        fs::write(root.join("readME"), "longer than before").unwrap();
        let ended = case.run(0);
        assert_eq!(case.here(), case.there(), "{options}\n{ended}");
        let ended = case.run(0);
        assert_eq!(ended.events("phase").len(), 1, "nothing is left to do: {ended}");
    }
}

#[test]
fn what_is_really_gone_goes() {
    for options in FOLDING {
        let Some(case) = Case::new(options, "") else { return };
        for n in 0..4 {
            case.upstream.write(format!("Dir/F{n}"), "x");
        }
        case.run(0);
        fs::remove_file(case.upstream.root().join("Dir/F0")).unwrap();
        let ended = case.env.run(["sync", "j", "--json", "--max-delete", "1"]).expect_code(0);
        assert_eq!(case.here(), case.there(), "{options}\n{ended}");
        assert_eq!(ended.finished()["files_deleted"], 1, "{ended}");
    }
}

#[test]
fn two_names_that_fold_to_one_are_told_once_and_not_fetched_again() {
    // The ages of two files, in seconds.
    let ages = [(100, 100), (100, 90), (90, 100)];
    for (options, ages) in FOLDING.iter().flat_map(|options| ages.map(|ages| (options, ages))) {
        let Some(case) = Case::new(options, "") else { return };
        for name in ["d/a.cif", "d/A.cif", "other", "x/1", "X/2"] {
            case.upstream.write(name, format!("this is {name}"));
        }
        for (name, age) in [("d/a.cif", ages.0), ("d/A.cif", ages.1)] {
            let file = File::options().append(true).open(case.upstream.root().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
        let ended = case.run(3);
        let finished = ended.finished();
        let error = finished["error"].as_str().unwrap();
        assert!(error.contains("cannot be stored") && error.contains(".cif"), "{options}\n{ended}");
        let here = case.here();
        assert!(
            here.iter().any(|(name, _)| name.ends_with("/1"))
                && here.iter().any(|(name, _)| name.ends_with("/2"))
        );
        // What is held has its own content, not that of the other.
        for (name, text) in here.iter().filter(|(name, _)| !name.ends_with('/')) {
            let file = name.rsplit('/').next().unwrap();
            assert!(text.ends_with(file), "{options} {ages:?}: {name} holds {text}\n{ended}");
        }
        // From then on it is a warning, and what is new comes all the same.
        case.upstream.write("new", "new");
        let ended = case.run(0);
        let finished = ended.finished();
        assert_eq!(
            (&finished["status"], &finished["files_transferred"]),
            (&"warned".into(), &1.into()),
            "{ended}"
        );
        let ended = case.run(0);
        let finished = ended.finished();
        assert_eq!(
            (&finished["status"], &finished["files_transferred"]),
            (&"warned".into(), &0.into()),
            "{ended}"
        );
        // It is complete all the same: what upstream removes goes.
        fs::remove_file(case.upstream.root().join("other")).unwrap();
        let ended = case.env.run(["sync", "j", "--json", "--max-delete", "1"]).expect_code(0);
        assert_eq!(ended.finished()["files_deleted"], 1, "{ended}");
        // The one that was held goes, and the other takes its place.
        let held = if case.here().iter().any(|(name, _)| name == "d/a.cif") { "d/a.cif" } else { "d/A.cif" };
        let other = if held == "d/a.cif" { "d/A.cif" } else { "d/a.cif" };
        fs::remove_file(case.upstream.root().join(held)).unwrap();
        let ended = case.run(0);
        let here = case.here();
        let found = here.iter().find(|(name, _)| name.eq_ignore_ascii_case(held)).unwrap();
        assert_eq!(*found, (other.to_owned(), format!("this is {other}")), "{options}\n{ended}");
    }
}

#[test]
fn a_plan_counts_no_deletion_where_a_name_is_only_respelt() {
    let Some(case) = Case::new("fold", "") else { return };
    case.upstream.write("Readme", "x");
    case.run(0);
    fs::rename(case.upstream.root().join("Readme"), case.upstream.root().join("README")).unwrap();
    for mode in ["--plan", "--dry-run"] {
        let ended = case.env.run(["sync", "j", "--json", mode]).expect_code(0);
        assert_eq!(ended.finished()["files_deleted"], 0, "{ended}");
    }
    assert_eq!(case.here()[0].0, "Readme");
}

/// The source's own `.PDB-SYNC` is ours to a destination that folds names.
#[test]
fn our_own_directory_is_ours_in_every_spelling() {
    let Some(case) = Case::new("fold", "keep_deleted = \"30d\"") else { return };
    for name in ["a", "b", ".PDB-Sync/quarantine/x"] {
        case.upstream.write(name, "theirs");
    }
    let ended = case.env.run(["sync", "j", "--json"]);
    assert!(!case.here().iter().any(|(name, _)| name.contains("quarantine/x")), "{ended}");
    assert!(case.here().iter().any(|(name, _)| name == "a"), "{ended}");
}

#[test]
fn a_file_takes_the_place_of_a_directory_of_another_spelling() {
    for options in FOLDING {
        let Some(case) = Case::new(options, "") else { return };
        case.upstream.write("Thing/inner", "x");
        case.upstream.write("Plain", "x");
        // Where inodes are invented, a mirror of which nothing is left is taken for another directory.
        for n in 0..4 {
            case.upstream.write(format!("stays/{n}"), "x");
        }
        case.run(0);
        fs::remove_dir_all(case.upstream.root().join("Thing")).unwrap();
        fs::remove_file(case.upstream.root().join("Plain")).unwrap();
        case.upstream.write("THING", "a file");
        case.upstream.write("PLAIN/inner", "y");
        let ended = case.env.run(["sync", "j", "--json", "--max-delete", "5"]).expect_code(0);
        assert_eq!(case.here(), case.there(), "{options}\n{ended}");
    }
}

/// Nothing is said of folding where the file system does not fold.
#[test]
fn names_that_differ_in_case_are_two_where_they_can_be() {
    let Some(case) = Case::new("", "") else { return };
    for name in ["a", "A", "d/x", "D/x"] {
        case.upstream.write(name, name);
    }
    assert_eq!(case.run(0).finished()["status"], "ok");
    assert_eq!(case.here(), case.there());
    fs::set_permissions(case.fuse.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(case.upstream.root().join("A")).unwrap();
    case.env.run(["sync", "j", "--json", "--max-delete", "1"]).expect_code(0);
    assert_eq!(case.here(), case.there());
}

#[test]
fn doctor_tells_what_is_folded() {
    for (options, told) in [
        ("fold", "differ only in case or Unicode form (A and a, \u{e9} and e\u{301}) are the same"),
        ("fold-case", "differ only in case (A and a) are the same"),
        ("fold-form", "differ only in Unicode form (\u{e9} and e\u{301}) are the same"),
        ("", "told apart"),
    ] {
        let Some(case) = Case::new(options, "") else { return };
        fs::create_dir(case.fuse.path().join("m")).unwrap();
        let ended = case.env.run(["doctor", "--offline", "--json"]);
        assert!(
            ended.events("check").iter().any(|check| check["text"].as_str().unwrap().contains(told)),
            "{ended}"
        );
        assert!(case.here().is_empty(), "{ended}");
    }
}
