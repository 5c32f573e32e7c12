//! GitHub Actions and JUnit.

use super::{faked, jobs, quick};
use crate::support::{Env, Fake, skipped};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A home in which `good` and `bad` run as they would in a step of GitHub Actions.
fn step(fake: &Fake) -> Env {
    let env = Env::new().with_fake(fake).with_config(&quick(&jobs(&["good", "bad"], "")));
    let (summary, output) = (env.dir().join("summary"), env.dir().join("output"));
    env.with_var("GITHUB_ACTIONS", "true")
        .with_var("GITHUB_STEP_SUMMARY", summary)
        .with_var("GITHUB_OUTPUT", output)
}

const ONE_OF_EACH: &str = "[if mirror/good/]\nout fine\nstats 9 3 0\n\
     [*]\nout almost\nerr @ERROR: Unknown module 'bad'\nexit 5\n";

#[test]
fn a_step_gets_groups_annotations_a_table_and_outputs() {
    let fake = Fake::new(ONE_OF_EACH);
    let env = step(&fake);
    fs::write(env.dir().join("output"), "before=1\n").unwrap();
    let ended = env.run(["sync", "--all"]).expect_code(1);
    let out = ended.out();
    let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("no {text:?}\n{ended}"));
    let (group, fine, end) = (at("::group::[good] ok"), at("\n[good] fine\n"), at("\n::endgroup::\n"));
    assert!(group < fine && fine < end, "{ended}");
    // Outside of the group, so that nobody has to unfold it.
    assert!(end < at("\n[bad] almost\n") && !out[end + 1..].contains("::group::"), "{ended}");
    assert!(at("\n::error title=bad::failed after 1 try") > at("\n[bad] @ERROR: Unknown module 'bad'\n"));
    assert!(out.trim_end().lines().last().unwrap().starts_with("Total time: "), "{ended}");

    let table = fs::read_to_string(env.dir().join("summary")).unwrap();
    assert!(table.starts_with("### pdb-sync: 1 of 2 jobs succeeded in "), "{table}");
    assert!(
        table.lines().any(|line| line.starts_with("| good | ok | 1 | ") && line.contains(" | 3 | 0 | ")),
        "{table}"
    );
    assert!(
        table.lines().any(|line| line.starts_with("| bad | failed | 1 | ") && line.contains("module")),
        "{table}"
    );
    let columns: Vec<_> =
        table.lines().filter(|l| l.starts_with('|')).map(|l| l.matches('|').count()).collect();
    assert!(columns.len() == 4 && columns.iter().all(|n| *n == columns[0]), "{table}");
    let output = fs::read_to_string(env.dir().join("output")).unwrap();
    assert_eq!(output, "before=1\nchanged=true\nfailed=bad\n");
}

#[test]
fn nothing_changed_and_nothing_failed_is_said_too() {
    let fake = Fake::new("stats 9 0 0\n");
    let env = step(&fake);
    env.run(["sync", "--all"]).expect_code(0);
    assert_eq!(fs::read_to_string(env.dir().join("output")).unwrap(), "changed=false\nfailed=\n");
}

#[test]
fn what_a_child_prints_is_no_command_to_the_runner() {
    let fake = Fake::new(
        "out ::error::forged\nout ::stop-commands::x\nerr ::set-output name=x::y\nraw 0d 3a3a 6572726f723a3a666f72676564 0d\n\
         out ##[error]forged\nout middle ##[group]forged\npartial ::warning::forged\nexit 1\n",
    );
    for args in [&["sync", "--all"][..], &["sync", "--all", "-v"], &["sync", "--all", "-q"]] {
        let env = step(&fake);
        let ended = env.run(args).expect_code(1);
        let both = ended.out() + &ended.err();
        for line in both.lines() {
            let ours = ["::error title=good::failed", "::error title=bad::failed"];
            assert!(
                !line.trim_start().starts_with("::") || ours.iter().any(|o| line.starts_with(o)),
                "{line}\n{ended}"
            );
            assert!(!line.contains("##["), "{line}\n{ended}");
        }
        assert!(args.contains(&"-q") || both.contains("[good] ::error::forged\n"), "{ended}");
    }
}

#[test]
fn the_option_speaks_to_github_anywhere_and_json_stays_json() {
    let fake = Fake::new("out fine\nstats 1 1 0\n");
    let env = faked(&fake, &["a"], "");
    let ended = env.run(["sync", "a", "--github"]).expect_code(0);
    assert!(ended.out().contains("::group::[a] ok"), "{ended}");
    let ended = step(&fake).run(["sync", "good", "--json"]).expect_code(0);
    assert!(!ended.json().is_empty());
    let ended = env.run(["sync", "a"]).expect_code(0);
    assert!(!ended.out().contains("::"), "{ended}");
}

#[test]
fn a_step_summary_that_cannot_be_written_is_told() {
    let fake = Fake::new("stats 1 1 0\n");
    let env = step(&fake).with_var("GITHUB_STEP_SUMMARY", "/nowhere/summary");
    let ended = env.run(["sync", "--all"]).expect_code(1);
    assert!(
        (ended.out() + &ended.err()).contains("cannot write GitHub's step summary and outputs"),
        "{ended}"
    );
    assert!(fs::read_to_string(env.dir().join("output")).unwrap().contains("changed=true"));
}

#[test]
fn junit_reports_every_job_in_well_formed_xml() {
    let fake = Fake::new(
        "[if mirror/good/]\nout <fine> & \"done\" ]]>\nraw 1b5b306d ff 00 0a\nstats 1 1 0\n\
         [*]\nerr @ERROR: Unknown module '<bad>'\nexit 5\n",
    );
    let more = quick(&(jobs(&["good", "bad"], "") + &jobs(&["skipped"], "before = ['exit 75']")));
    let env = Env::new().with_fake(&fake).with_config(&more);
    let ended = env.run(["sync", "--all", "--junit", "deep/report.xml"]).expect_code(1);
    let path = env.dir().join("deep/report.xml");
    fits_the_schema_of_jenkins(&path);
    let report = fs::read_to_string(&path).unwrap();
    let report = roxmltree::Document::parse(&report).unwrap();
    let figures = ["tests", "failures", "errors"].map(|name| report.root_element().attribute(name));
    assert_eq!(figures, [Some("3"), Some("1"), Some("0")], "{ended}");
    let all = |tag| report.descendants().filter(move |node| node.has_tag_name(tag)).collect::<Vec<_>>();
    let names = |tag| all(tag).iter().filter_map(|node| node.attribute("name")).collect::<Vec<_>>();
    assert_eq!(names("testcase"), ["good", "bad", "skipped"]);
    let inside = |case: usize, tag| {
        all("testcase")[case]
            .children()
            .find(|node| node.has_tag_name(tag))
            .unwrap_or_else(|| panic!("{ended}"))
    };
    let out = inside(0, "system-out").text().unwrap();
    assert!(out.contains("<fine> & \"done\" ]]>"), "{out}");
    let properties = names("property");
    assert!(properties.contains(&"good.source") && properties.contains(&"bad.source"), "{properties:?}");
    assert!(inside(1, "failure").attribute("message").unwrap().contains("<bad>"));
    inside(2, "skipped");

    fs::write(env.dir().join("file"), "").unwrap();
    let ended = env.run(["sync", "good", "--junit", "file/report.xml"]).expect_code(1);
    assert!(ended.err().contains("cannot write the JUnit report file/report.xml: "), "{ended}");
    assert!(ended.out().contains("Success: 1"), "{ended}");
}

fn fits_the_schema_of_jenkins(report: &Path) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas/jenkins-junit.xsd");
    let read =
        Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).arg(report).output();
    match read {
        Ok(read) => assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => skipped("xmllint is not installed"),
        Err(error) => panic!("xmllint: {error}"),
    }
}

/// Whatever the jobs came to, also where nothing was run or no rsync could be started.
#[test]
fn junit_fits_the_schema_of_jenkins_whatever_happens() {
    let fake = Fake::new(ONE_OF_EACH);
    let env = Env::new().with_fake(&fake).with_config(&quick(
        &(jobs(&["good", "bad"], "")
            + &jobs(&["locked"], "before = ['exit 75']")
            + &jobs(&["hook"], "before = ['exit 1']")),
    ));
    for (n, args) in [
        &["sync", "--all"][..],
        &["sync", "good"],
        &["sync", "bad", "locked", "--fail-fast"],
        &["sync", "--all", "--dry-run"],
        &["sync", "locked"],
    ]
    .into_iter()
    .enumerate()
    {
        let file = format!("{n}.xml");
        env.run([args, &["--junit", &file]].concat());
        fits_the_schema_of_jenkins(&env.dir().join(file));
    }
}

/// A step whose configuration is wrong in three places.
fn wrong_step() -> Env {
    let env =
        Env::new().with_config("version = 1\n[jobs.a]\nsource = \"/x/\"\ndset = \"a\"\nretries = \"many\"\n");
    let (summary, output) = (env.dir().join("summary"), env.dir().join("output"));
    env.with_var("GITHUB_ACTIONS", "true")
        .with_var("GITHUB_STEP_SUMMARY", summary)
        .with_var("GITHUB_OUTPUT", output)
}

#[test]
fn a_wrong_configuration_is_annotated_where_it_is_wrong() {
    for args in [["sync", "--all"].as_slice(), &["sync", "a", "b"], &["config", "check"], &["list"]] {
        let env = wrong_step();
        let ended = env.run(args).expect_code(2);
        let config = env.config();
        let places = [(2, 7), (4, 1), (5, 11)].map(|(line, column)| {
            format!("::error file={},line={line},col={column},title=pdb-sync::", config.display())
        });
        let out = ended.out();
        let found: Vec<&str> = out.lines().filter(|line| line.starts_with("::error ")).collect();
        assert_eq!(found.len(), places.len(), "{ended}");
        for (place, line) in places.iter().zip(found) {
            assert!(line.starts_with(place.as_str()), "{place}: {ended}");
        }
        assert!(out.contains("did you mean \"dest\"?"), "{ended}");
        let output = fs::read_to_string(env.dir().join("output")).ok();
        let expected = match args {
            ["sync", "--all"] => Some("changed=false\nfailed=\n"),
            ["sync", ..] => Some("changed=false\nfailed=a,b\n"),
            _ => None,
        };
        assert_eq!(output.as_deref(), expected, "{args:?}: {ended}");
        let summary = fs::read_to_string(env.dir().join("summary")).ok();
        assert_eq!(summary.is_some_and(|text| text.contains("no job was started")), expected.is_some());
    }
}

#[test]
fn a_file_of_the_checkout_is_named_from_its_root() {
    let env = wrong_step();
    let root = env.dir().to_owned();
    let ended = env.with_var("GITHUB_WORKSPACE", root).run(["config", "check"]).expect_code(2);
    assert!(ended.out().contains("::error file=config.toml,line=4,col=1,"), "{ended}");
}

#[test]
fn json_keeps_its_stream_when_a_configuration_is_wrong() {
    let env = wrong_step();
    let ended = env.run(["sync", "--all", "--json"]).expect_code(2);
    assert_eq!(ended.events("error").len(), 3, "{ended}");
    assert_eq!(ended.err().lines().filter(|line| line.starts_with("::error file=")).count(), 3, "{ended}");
    assert_eq!(fs::read_to_string(env.dir().join("output")).unwrap(), "changed=false\nfailed=\n");
    let ended = env.run(["sync", "--no-such", "--json"]).expect_code(2);
    assert_eq!(ended.events("error").len(), 1, "{ended}");
    assert!(ended.err().contains("::error title=pdb-sync::"), "{ended}");
}

#[test]
fn what_is_wrong_with_the_command_line_is_annotated_too() {
    let fake = Fake::new("");
    for args in [["sync", "godo"].as_slice(), &["sync", "--all", "--dest", "x"], &["sync", "--no-such"]] {
        let env = step(&fake);
        let ended = env.run(args).expect_code(2);
        let annotations =
            ended.out().lines().filter(|line| line.starts_with("::error title=pdb-sync::")).count();
        assert_eq!(annotations, 1, "{ended}");
        if args[1] != "--no-such" {
            let output = fs::read_to_string(env.dir().join("output")).unwrap();
            assert!(output.starts_with("changed=false\nfailed="), "{ended}");
        }
    }
    // Elsewhere nobody reads them, unless they are asked for.
    let env = Env::new().with_fake(&fake).with_config(&quick(&jobs(&["good"], "")));
    assert!(!env.run(["sync", "godo"]).expect_code(2).out().contains("::error"));
    assert!(env.run(["sync", "godo", "--github"]).expect_code(2).out().contains("::error title=pdb-sync::"));
}
