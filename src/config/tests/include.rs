//! `config_files`: several files, read as one.

use super::*;
use crate::config::{Included, NotIncluded, show};

fn included(files: &[(&str, &str)]) -> Vec<Included> {
    let file = |(name, text): &(&str, &str)| Included {
        pattern: 0,
        file: Ok((Path::new("/etc/pdb/d").join(name), text.to_string())),
    };
    files.iter().map(file).collect()
}

fn load_with(text: &str, files: &[Included]) -> Result<Config, Problems> {
    crate::config::load((text, Path::new("/etc/pdb/c.toml")), files, &Overrides::default(), &around())
}

const MAIN: &str = "config_files = ['d/*']
[sync]
parallel = 2
[hosts.h]
connections = 2
[[stats.alerts]]
age_above = '8d'
[jobs.a]
source = 'h::m/'
dest = 'a'
";

#[test]
fn tables_of_all_files_make_one_configuration() {
    let files = [
        ("1.toml", "version = 1\n[defaults]\nretries = 9\n[[stats.alerts]]\nage_above = '9d'\n"),
        ("2.toml", "[hosts.other]\nconnections = 3\n[jobs.b]\nsource = 'other::m/'\ndest = 'b'\n"),
    ];
    let config = load_with(MAIN, &included(&files)).unwrap();
    assert_eq!((config.jobs.len(), config.jobs[0].retries, config.stats.alerts.len()), (2, 9, 2));
    assert_eq!(config.jobs[1].dest, Path::new("/etc/pdb/b"), "relative to the configuration itself");
    assert_eq!((config.hosts["h"], config.hosts["other"]), (2, 3));
    let shown = show(&config, &config.jobs, true);
    assert!(shown.contains("retries = 9  # [defaults] /etc/pdb/d/1.toml:3\n"), "{shown}");
    assert!(shown.contains("connections = 3  # from /etc/pdb/d/2.toml:2\n"), "{shown}");
    assert!(shown.contains("parallel = 2  # from /etc/pdb/c.toml:3\n"), "{shown}");
    assert!(!shown.contains("config_files"), "what is shown is the whole: {shown}");
}

#[test]
fn what_is_in_two_files_is_a_problem_at_the_second_that_names_the_first() {
    for (text, position, wrong) in [
        ("[jobs.a]\n", "1.toml:1:7", "job \"a\" is defined twice: the first is on line 8 of /etc/pdb/c.toml"),
        (
            "\n[sync]\nparallel = 3\n",
            "1.toml:2:2",
            "[sync] is defined twice: the first is on line 2 of /etc/pdb/c.toml",
        ),
        (
            "[hosts.H]\nconnections = 1\n",
            "1.toml:1:8",
            "[hosts.\"h\"] is defined twice: the first is on line 4 of",
        ),
        (
            "config_files = ['x']\n",
            "1.toml:1:17",
            "config_files is not allowed in a file that is included itself",
        ),
    ] {
        let problems = load_with(MAIN, &included(&[("1.toml", text)])).unwrap_err();
        let told =
            |problem: &Problem| problem.position().ends_with(position) && problem.text.starts_with(wrong);
        assert!(problems.0.iter().any(told), "{text}: {problems}");
    }
    // A section without keys says nothing.
    load_with(MAIN, &included(&[("1.toml", "[sync]\n")])).unwrap();
}

#[test]
fn problems_have_the_place_in_their_own_file_and_their_order() {
    let files = included(&[("1.toml", "x = 1\n"), ("2.toml", "[jobs.b]\nsource = 'h::m/'\ndest = 'a'\n")]);
    let problems = load_with(&format!("{MAIN}retires = 2\n"), &files).unwrap_err();
    let places: Vec<_> = problems.0.iter().map(Problem::position).collect();
    assert_eq!(places, ["/etc/pdb/c.toml:11:1", "/etc/pdb/d/1.toml:1:1", "/etc/pdb/d/2.toml:3:1"]);
    let overlap = &problems.0[2].text;
    assert!(overlap.ends_with("that of \"a\" is set on line 10 of /etc/pdb/c.toml"), "{overlap}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_at_its_pattern() {
    let why = NotIncluded::Unreadable("cannot read d/x: gone".into(), None);
    let problems = load_with(MAIN, &[Included { pattern: 0, file: Err(why) }]).unwrap_err().0;
    assert_eq!(problems[0].position(), "/etc/pdb/c.toml:1:17");
    assert_eq!(problems[0].text, "config_files: cannot read d/x: gone");
    for (list, wrong) in [
        ("['']", "config_files: a path must not be empty"),
        ("['a/**/b']", "config_files: \"a/**/b\": ** is not supported; name each directory"),
        ("['a[']", "config_files: \"a[\" is not a pattern: "),
        ("'a'", "expected a list of strings, found the string \"a\""),
    ] {
        let problems = load(&format!("config_files = {list}\n")).unwrap_err().0;
        assert!(problems[0].text.starts_with(wrong), "{list}: {problems:?}");
    }
}
