//! Rules that need to know more than a name: lists, jobs, people.

use super::super::support::{Env, Terminal, Upstream};
use super::age;
use serde_json::Value;
use std::fs;

fn planned(env: &Env, args: &[&str]) -> Value {
    let all = [&["clean", "plan", "--json"], args].concat();
    env.run(all).expect_code(0).json().pop().unwrap()
}

fn entries(plan: &Value, rule: &str) -> u64 {
    plan["by_rule"][rule]["entries"].as_u64().unwrap_or(0)
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_stuck_transfer_still_writes_stays() {
    let env = Env::new();
    let root = env.mirror("m");
    fs::create_dir_all(root.join("ab")).unwrap();
    for file in ["ab/1abc.cif.gz", "ab/.1abc.cif.gz.a1B2c3", "ab/.1abc.cif.gz.d4E5f6"] {
        fs::write(root.join(file), "some bytes of it, and more").unwrap();
    }
    age(&root);
    let writer = fs::File::options().append(true).open(root.join("ab/.1abc.cif.gz.a1B2c3")).unwrap();
    let reader = fs::File::open(root.join("ab/.1abc.cif.gz.d4E5f6")).unwrap();
    assert_eq!(entries(&planned(&env, &["./mirror/m"]), "rsync-temp"), 2);
    let run = env.run(["clean", "run", "--yes"]).expect_code(3);
    assert!(
        run.err().contains("a process is writing it") || run.out().contains("a process is writing it"),
        "{run}"
    );
    assert!(root.join("ab/.1abc.cif.gz.a1B2c3").exists());
    assert!(!root.join("ab/.1abc.cif.gz.d4E5f6").exists(), "a reader is no reason to keep it");
    drop((writer, reader));
    planned(&env, &["./mirror/m"]);
    env.run(["clean", "run", "--yes"]).expect_code(0);
    assert!(!root.join("ab/.1abc.cif.gz.a1B2c3").exists());
}

#[test]
fn obsolete_entries_are_up_for_review_by_lists() {
    let env = Env::new();
    let root = env.mirror("m");
    for (path, text) in [
        ("structures/divided/mmCIF/ab/4abc.cif.gz", "coordinates of an entry"),
        ("structures/divided/mmCIF/ab/5abc.cif.gz", "coordinates of an entry"),
        ("structures/divided/mmCIF/zz/1zzz.cif.gz", "coordinates of an entry"),
        ("structures/obsolete/mmCIF/ab/4abc.cif.gz", "coordinates of an entry"),
        ("status/obsolete.dat", " LIST OF OBSOLETE\nOBSLTE    01-JUN-26 4ABC     5ABC\n"),
    ] {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
    let plan = planned(&env, &["./mirror/m"]);
    assert_eq!((entries(&plan, "obsolete"), &plan["entries"]), (1, &1.into()), "{plan}");
    fs::write(env.dir().join("more"), "pdb_00001zzz\n").unwrap();
    assert_eq!(entries(&planned(&env, &["./mirror/m", "--obsolete", "more"]), "obsolete"), 2);
    env.run(["clean", "plan", "./mirror/m", "--obsolete", "nowhere"]).expect_code(2);
    // Review is no deletion.
    let run = env.run(["clean", "run", "--yes", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(run["quarantined"], 0, "{run}");
    let path = "mirror/m/structures/divided/mmCIF/ab/4abc.cif.gz";
    let why = env.run(["clean", "explain", path, "--root", "mirror/m", "--json"]).expect_code(0).json();
    assert_eq!((&why[0]["rule"], &why[0]["action"]), (&"obsolete".into(), &"review".into()), "{why:?}");
}

#[test]
fn what_the_guard_kept_is_up_for_review() {
    let upstream = Upstream::new();
    for n in 0..9 {
        upstream.write(format!("{n}"), format!("contents of {n}"));
    }
    let config = format!(
        "version = 1\n[jobs.m]\nsource = {:?}\ndest = 'mirror/m'\ndelete = true\nmax_delete = 1\n",
        upstream.url("m/")
    );
    let env = Env::new().with_config(&config).with_pipe(&upstream);
    env.run(["sync", "m"]).expect_code(0);
    for n in 0..3 {
        fs::remove_file(upstream.root().join(format!("{n}"))).unwrap();
    }
    env.run(["sync", "m"]).expect_code(4);
    assert_eq!(entries(&planned(&env, &["m"]), "absent"), 3);
    // A later run knows better.
    env.run(["sync", "m", "--max-delete", "50%"]).expect_code(0);
    fs::write(env.mirror("m").join("0"), "it is back, by another way").unwrap();
    assert_eq!(entries(&planned(&env, &["m"]), "absent"), 0);
}

#[test]
fn old_backups_of_a_job_go_by_when_they_were_moved() {
    let config = "version = 1\n[clean]\nkeep = '1ms'\n[jobs.m]\nsource = '/nowhere/'\ndest = 'mirror/m'\n\
                  rsync_args = ['--backup', '--backup-dir=old']\n";
    let env = Env::new().with_config(config);
    let root = env.mirror("m");
    fs::create_dir_all(root.join("old/ab")).unwrap();
    fs::write(root.join("old/ab/x"), "an older version").unwrap();
    fs::write(root.join("x"), "the newer one").unwrap();
    age(&root);
    assert_eq!(entries(&planned(&env, &["m"]), "rsync-backup"), 1);
    // By path, it is the same mirror.
    assert_eq!(entries(&planned(&env, &["./mirror/m"]), "rsync-backup"), 1);
    fs::write(env.config(), config.replace("1ms", "30d")).unwrap();
    // Three days old by its own time, and forty years could be; it was moved there just now.
    assert_eq!(entries(&planned(&env, &["m"]), "rsync-backup"), 0);
}

#[test]
fn people_keep_directories_with_all_that_is_in_them() {
    let config = "version = 1\n[[clean.rules]]\nname = 'mine'\npattern = ['cd/', 'notes']\naction = 'keep'\n\
                  [[clean.rules]]\nname = 'old'\npattern = 'scratch/'\naction = 'delete'\nreason = 'scratch'\n";
    let env = Env::new().with_config(config);
    let root = env.mirror("m");
    for dir in ["cd/empty", "ab/notes/deep/empty", "scratch/deep", "cd/proj/in"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    for file in ["cd/x~", "ab/notes/deep/x~", "ab/x~", "scratch/deep/x", "cd/proj/Makefile", "cd/proj/in/x~"]
    {
        fs::write(root.join(file), "contents").unwrap();
    }
    age(&root);
    planned(&env, &["./mirror/m"]);
    env.run(["clean", "run", "--yes", "--max-delete", "100%"]).expect_code(0);
    for stays in ["cd/x~", "cd/empty", "ab/notes/deep/x~", "ab/notes/deep/empty", "cd/proj/in/x~"] {
        assert!(root.join(stays).exists(), "{stays}");
    }
    for gone in ["ab/x~", "scratch"] {
        assert!(!root.join(gone).exists(), "{gone}");
    }
    let wrong = config.replace("action = 'delete'", "action = 'delete'\ntype = 'file'");
    fs::write(env.config(), wrong).unwrap();
    let ended = env.run(["config", "check"]).expect_code(2);
    assert!(ended.err().contains("ends in a slash"), "{ended}");
}

#[test]
fn what_a_rule_means_is_shown_as_it_is_judged() {
    let rule =
        |name: &str, rest: &str| format!("[[clean.rules]]\nname = '{name}'\naction = 'delete'\n{rest}\n");
    let config = [
        rule("dirs", "pattern = 'dir*/'"),
        rule("names", "pattern = '*.x'"),
        rule("both", "pattern = ['a/', 'b']"),
        rule("links", "pattern = 'l'\ntype = 'symlink'"),
        rule("kept", "pattern = 'k'").replace("delete", "keep"),
    ];
    let env = Env::new().with_config(&format!("version = 1\n{}", config.concat()));
    let rules = env.run(["clean", "rules", "--json"]).expect_code(0).events("rule");
    let types = |n: usize| -> Vec<&str> {
        rules[n]["types"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
    };
    let others = ["file", "symlink", "other"];
    assert_eq!((types(0), types(1)), (vec!["dir"], others.to_vec()));
    let all = [&others[..], &["dir"]].concat();
    assert_eq!((types(2), types(3), types(4)), (all.clone(), vec!["symlink"], all));
    let shown = env.run(["clean", "rules"]).expect_code(0).out();
    let row = shown.lines().find(|line| line.starts_with("dirs ")).unwrap();
    assert!(row.ends_with(" dir"), "{row}");
}

#[test]
fn a_name_that_two_rules_have_is_a_mistake_with_both_places() {
    let rule = "[[clean.rules]]\nname = 'mine'\npattern = '*.x'\naction = 'keep'\n";
    let env = Env::new().with_config(&format!("version = 1\n{rule}{rule}"));
    let ended = env.run(["config", "check"]).expect_code(2);
    let told = ended.err() + &ended.out();
    assert!(told.contains("config.toml:7:8: ") && told.contains("the first is on line 3"), "{ended}");
}

/// A row a line at 80 columns; with `-v`, and in a pipe, all there is.
#[test]
fn rules_and_the_log_take_a_line_a_row_in_a_terminal() {
    let deep = format!("{}mmCIF", "a-directory-with-a-long-name/".repeat(3));
    let env = Env::new();
    let root = env.dir().join(&deep);
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join(".DS_Store"), "x").unwrap();
    let path = format!("./{deep}");
    env.run(["clean", "plan", &path]).expect_code(0);
    env.run(["clean", "run", "--yes"]).expect_code(0);
    let binary = env!("CARGO_BIN_EXE_pdb-sync");
    let line = format!("'{binary}' clean log; '{binary}' clean rules 2>/dev/null");
    let Some(terminal) = Terminal::start(&env, 80, &line) else { return };
    let ready = |screen: &[String]| screen.iter().any(|line| line.starts_with("large-log"));
    let screen = terminal.until("the rules are there", ready);
    let log: Vec<_> = screen.iter().take_while(|line| !line.starts_with("RULE")).collect();
    assert_eq!(log.len(), 2, "{screen:#?}");
    assert!(log[1].contains('…') && log[1].trim_end().ends_with("/mmCIF"), "{screen:#?}");
    let rules: Vec<_> = screen.iter().skip_while(|line| !line.starts_with("RULE")).collect();
    let number = env.run(["clean", "rules", "--json"]).expect_code(0).events("rule").len();
    let further = rules.iter().filter(|line| line.starts_with(' ')).count();
    // Only a reason that is too long for the line goes on below.
    assert!(rules.len() > number && further < number / 2, "{number} rules\n{screen:#?}");
    let piped = env.run(["clean", "log"]).expect_code(0).out();
    assert!(piped.contains(&deep) && !piped.contains('…'), "{piped}");
    assert!(env.run(["clean", "rules"]).expect_code(0).out().contains("PATTERNS"));
}
