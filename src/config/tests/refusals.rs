//! What is refused, and the messages.

use super::*;

#[test]
fn every_problem_is_told_with_its_place_and_a_hint() {
    insta::assert_snapshot!(refused(r#"
version = 1
[sync]
paralel = 3
retries = 2
[defaults]
dest = "/x"
[jobs.mmcif]
source = "rsync://h:99999/m/"
dest = "/m/mmcif"
retires = 3
preset = "safest"
[jobs.emdb]
url = "h::m/"
delete = "yes"
timeout = "30"
"#), @r#"
    /etc/pdb/c.toml:4:1: unknown key "paralel" in [sync]
      | paralel = 3
      | ^^^^^^^
      hint: did you mean "parallel"?
    /etc/pdb/c.toml:5:1: unknown key "retries" in [sync]
      | retries = 2
      | ^^^^^^^
      hint: retries belongs in [defaults] or [jobs.NAME]
    /etc/pdb/c.toml:7:1: dest is not allowed in [defaults]: every job needs its own
      | dest = "/x"
      | ^^^^
      hint: set root: relative destinations are below it
    /etc/pdb/c.toml:9:10: source: "rsync://h:99999/m/" has a port that is not a number between 1 and 65535
      | source = "rsync://h:99999/m/"
      |          ^^^^^^^^^^^^^^^^^^^^
    /etc/pdb/c.toml:11:1: unknown key "retires" in [jobs.mmcif]
      | retires = 3
      | ^^^^^^^
      hint: did you mean "retries"?
    /etc/pdb/c.toml:12:10: preset: unknown preset "safest"
      | preset = "safest"
      |          ^^^^^^^^
      hint: did you mean "safe"?
    /etc/pdb/c.toml:13:7: job "emdb" has no source
      | [jobs.emdb]
      |       ^^^^
      hint: add source = "rsync://HOST/MODULE/"
    /etc/pdb/c.toml:13:7: job "emdb" has no dest
      | [jobs.emdb]
      |       ^^^^
      hint: add dest = "DIR"
    /etc/pdb/c.toml:14:1: unknown key "url" in [jobs.emdb]
      | url = "h::m/"
      | ^^^
      hint: did you mean "source"?
    /etc/pdb/c.toml:15:10: delete: expected true or false, found the string "yes"
      | delete = "yes"
      |          ^^^^^
    /etc/pdb/c.toml:16:11: timeout: "30" has no unit: write "30s" for seconds
      | timeout = "30"
      |           ^^^^
    "#);
}

#[test]
fn a_broken_file_still_has_all_its_other_problems() {
    insta::assert_snapshot!(refused("[jobs.a]\nsource = \ndest = 5\nretires = 1\n[jobs.a]\n[jobs.b\n"), @r#"
    /etc/pdb/c.toml:2:10: not valid TOML: string values must be quoted, expected literal string
      | source =
      |          ^
    /etc/pdb/c.toml:3:8: dest: expected a path, found the integer 5
      | dest = 5
      |        ^
    /etc/pdb/c.toml:4:1: unknown key "retires" in [jobs.a]
      | retires = 1
      | ^^^^^^^
      hint: did you mean "retries"?
    /etc/pdb/c.toml:5:7: not valid TOML: duplicate key
      | [jobs.a]
      |       ^
    /etc/pdb/c.toml:6:8: not valid TOML: unclosed table, expected `]`
      | [jobs.b
      |        ^
    "#);
}

#[test]
fn the_argument_that_is_refused_is_pointed_at() {
    let job = "[jobs.a]\nsource = 'h::m/'\ndest = '/x'\n";
    insta::assert_snapshot!(refused(&format!("{job}rsync_args = ['--exclude', 'x', 'stray']\n")), @r#"
    /etc/pdb/c.toml:4:33: rsync_args: "stray" is not an rsync option: rsync would read it as one more source
      | rsync_args = ['--exclude', 'x', 'stray']
      |                                 ^^^^^^^
      hint: write an option and its value as one argument, such as "--max-size=1g"; sources belong in `source`
    "#);
}

#[test]
fn values_of_the_wrong_kind_or_range_are_refused() {
    for (body, text) in [
        ("enabled = 1", "enabled: expected true or false, found the integer 1"),
        ("tags = 'a'", "tags: expected a list of strings, found the string \"a\""),
        ("tags = ['a', 1]", "tags: expected a string, found the integer 1"),
        ("retries = -1", "retries: -1 is out of range: expected an integer from 0 to 1000"),
        ("priority = 1.5", "priority: expected an integer, found the number 1.5"),
        (
            "priority = 99999999999999999999",
            "priority: the integer 99999999999999999999 is out of range: expected an integer",
        ),
        ("max_delete = '200%'", "max_delete: \"200%\" is not between 0% and 100%"),
        (
            "max_delete = 0.1",
            "max_delete: expected a number of files, or a share such as \"10%\", found the number 0.1",
        ),
        ("stall = '10'", "stall: \"10\" has no unit: write \"10s\" for seconds"),
        ("connect_timeout = '0s'", "connect_timeout: \"0s\" is out of range: expected more than 0"),
        ("before = ['']", "before: a shell line must not be empty"),
        ("before = [[]]", "before: an argument list must begin with a program"),
        ("description = \"a\\u0000b\"", "description: a NUL character cannot be passed to a program"),
        ("max_older = '1.5'", "max_older: \"1.5\" is neither a number of files nor a share such as \"10%\""),
        (
            "max_older = -1",
            "max_older: expected a number of files, or a share such as \"10%\", found the integer -1",
        ),
        ("allow_empty_source = true", "unknown key \"allow_empty_source\" in [jobs.j]"),
        ("allow_older = true", "unknown key \"allow_older\" in [jobs.j]"),
    ] {
        assert_eq!(wrong(body), [text], "{body}");
    }
    for (text, problem) in [
        ("[sync]\nparallel = 0", "parallel: 0 is out of range: expected an integer from 1 to 100"),
        ("[sync]\nparallel = 101", "parallel: 101 is out of range: expected an integer from 1 to 100"),
        ("[hosts.h]\nconnections = 0", "connections: 0 is out of range: expected an integer from 1 to 1000"),
        (
            "[hosts.h]\nconnections = 1\n[hosts.H]\nconnections = 1",
            "the host \"h\" has two sections: the first is on line 1",
        ),
        ("[hosts.'h:873']\nconnections = 1", "the host \"h:873\" must be named without a port"),
        ("version = 2", "version 2 is newer than this pdb-sync, which reads 1"),
        ("version = 0", "expected version = 1, found the integer 0"),
        ("jobs = 1", "expected a table, [jobs], found the integer 1"),
        ("retries = 1", "unknown key \"retries\""),
        ("[job.a]", "unknown section \"job\""),
    ] {
        let problems = load(text).unwrap_err();
        assert_eq!(problems.0.iter().map(|p| p.text.as_str()).collect::<Vec<_>>(), [problem], "{text}");
        assert!(problems.0[0].place.is_some());
    }
}

#[test]
fn job_names_are_checked() {
    let long = "x".repeat(65);
    for name in ["", "-a", ".a", "a/b", "a b", "ä", "..", long.as_str()] {
        let text = format!("[jobs.{name:?}]\nsource = 'h::m'\ndest = '/m'");
        assert!(refused(&text).contains("the job name"), "{name}");
    }
    for name in ["a", "A-1_b.c", "1abc", &long[1..]] {
        assert_eq!(check_name(name), Ok(()));
    }
}

#[test]
fn sources_are_checked_element_by_element() {
    let problems = load("[jobs.a]\nsource = ['h::m',\n  '-e sh']\ndest = '/m'").unwrap_err();
    let place = problems.0[0].place.as_ref().unwrap();
    assert_eq!((problems.0.len(), place.line, place.column), (1, 3, 3));
    assert!(refused("[jobs.a]\nsource = []\ndest = '/m'").contains("the list of sources is empty"));
    assert!(refused("[jobs.a]\nsource = 'http://h/x'\ndest = '/m'").contains("not this scheme"));
}

#[test]
fn destinations_that_overlap_are_refused_also_of_disabled_jobs() {
    let two = |a: &str, b: &str| {
        format!("[jobs.a]\nsource='h::m'\ndest='{a}'\nenabled=false\n[jobs.b]\nsource='h::m'\ndest='{b}'")
    };
    insta::assert_snapshot!(refused(&two("/m/x", "/m/x/../x/")), @r#"
    /etc/pdb/c.toml:7:1: jobs "a" and "b" have the same destination, /m/x; that of "a" is set on line 3
      | dest='/m/x/../x/'
      | ^^^^
      hint: give every job a directory of its own, or one would delete what the other fetched
    "#);
    insta::assert_snapshot!(refused(&two("/m/x/y", "/m/x")), @r#"
    /etc/pdb/c.toml:7:1: the destination of job "a", /m/x/y, lies inside that of job "b", /m/x; that of "a" is set on line 3
      | dest='/m/x'
      | ^^^^
      hint: give every job a directory of its own, or one would delete what the other fetched
    "#);
    insta::assert_snapshot!(refused(&two("/link/x", "/real/x/y")), @r#"
    /etc/pdb/c.toml:7:1: the destination of job "b", /real/x/y, lies inside that of job "a", /link/x (really /real/x); that of "a" is set on line 3
      | dest='/real/x/y'
      | ^^^^
      hint: give every job a directory of its own, or one would delete what the other fetched
    "#);
    assert!(load(&two("/m/x", "/m/xy")).is_ok());
}

#[test]
fn deleting_where_it_would_hurt_is_refused_whoever_asks_for_it() {
    let text = |dest: &str, delete| format!("[jobs.a]\nsource = 'h::m'\ndest = '{dest}'\ndelete = {delete}");
    for dest in ["/", "~", "/home", "/home/bob", "/root", "/data", "/srv", ".", "/srv/here/now", "/link/.."] {
        let dest = if dest == "." { "../../srv" } else { dest };
        assert!(refused(&text(dest, true)).contains("would delete in"), "{dest}");
        assert!(load(&text(dest, false)).is_ok(), "{dest} without delete");
    }
    assert!(load(&text("/data/disk", true)).is_ok(), "a mount point itself is a fine mirror");
    let over = by_command_line(Layer { delete: Some(Given::by_command_line(true)), ..Layer::default() });
    assert!(load_over(&text("/home/bob", false), &over).is_err());
    let elsewhere = Overrides { jobs: Some(vec!["other".into()]), ..over };
    assert!(load_over(&text("/home/bob", false), &elsewhere).is_ok());
}

#[test]
fn a_job_must_not_delete_its_own_source() {
    let text = |delete| format!("[jobs.a]\nsource = '/link/x/y/'\ndest = '/real/x'\ndelete = {delete}");
    let config = load(&text(true)).unwrap();
    let unfit = config.jobs[0].unfit.as_ref().unwrap();
    assert_eq!((&*unfit.text, unfit.nowhere), ("would delete its own source, /real/x/y", false));
    assert_eq!(config.unfit[0].text, "job \"a\": would delete its own source, /real/x/y");
    assert_eq!(load(&text(false)).unwrap().jobs[0].unfit, None);
    let over = by_command_line(Layer { delete: Some(Given::by_command_line(true)), ..Layer::default() });
    assert!(load_over(&text(false), &over).is_err(), "what is typed is refused");
}

#[test]
fn a_password_in_a_source_is_refused_and_never_shown() {
    for source in ["rsync://me:hunter2@h/m/", "me:hunter2@h::m/"] {
        for text in [
            format!("[jobs.j]\nsource = \"{source}\"\ndest = \"/m\"\n"),
            format!("[jobs.j]\nsource = [\"h::m/\", \"{source}\"]\ndest = \"/m\"\n"),
            format!("[jobs.j]\nsuorce = \"{source}\"\ndest = \"/m\"\n"),
        ] {
            let told = refused(&text);
            assert!(!told.contains("hunter2"), "{told}");
            assert!(told.contains("RSYNC_PASSWORD") || told.contains("suorce"), "{told}");
        }
    }
    assert!(
        refused("[jobs.j]\nsource = \"h:873::m/\"\ndest = \"/m\"\n").contains("rsync://HOST:PORT/MODULE/")
    );
}

#[test]
fn what_stands_twice_is_told_with_both_places() {
    let rule = |name: &str| format!("[[clean.rules]]\nname = {name:?}\npattern = '*.x'\naction = 'keep'\n");
    let told = refused(&[rule("a"), rule("b"), rule("a")].concat());
    assert!(
        told.contains("c.toml:10:8: rules: two rules are called \"a\": the first is on line 2"),
        "{told}"
    );
    // Rules of users come before built-in ones.
    assert!(load(&rule("rsync-temp")).is_ok());
    let alert = "[[stats.alerts]]\nmetric = 'files'\nbelow = 1\n";
    let config = load(&[alert, "[[stats.alerts]]\nage_above = '8d'\n", alert].concat()).unwrap();
    assert_eq!(config.stats.alerts.len(), 2, "nobody is told twice");
    let told = config.unfit[0].to_string();
    assert!(told.contains("this alert repeats that of line"), "{told}");
    let config = load("[notify]\ncommand = ['true', 'false', ['true'], 'true']\n").unwrap();
    assert!(
        config.unfit[0].text.contains("number 4 of the list repeats an earlier one"),
        "{:?}",
        config.unfit
    );
}

#[test]
fn names_of_jobs_that_differ_in_case_alone_need_a_state_directory_that_tells_them_apart() {
    let text = "version = 1\n[jobs.PDB]\nsource = 'h::m'\ndest = '/m/a'\n[jobs.pdb]\nsource = 'h::m'\ndest = '/m/b'\n";
    let around = HostFacts { state: Some("/state".into()), ..around() };
    let load = |around: &HostFacts| {
        super::super::load((text, Path::new("c.toml")), &[], &Overrides::default(), around)
    };
    assert!(load(&around).unwrap().unfit.is_empty());
    let config = load(&HostFacts { folds: |path| path == Path::new("/state"), ..around }).unwrap();
    let told = config.unfit[0].to_string();
    assert!(
        told.starts_with("c.toml:5:7: job \"pdb\": its name differs from that of job \"PDB\" on line 2"),
        "{told}"
    );
    assert!(config.jobs[0].unfit.is_none() && config.jobs[1].unfit.is_some());
}
