//! Large files, and files with very many errors.

use super::*;

#[test]
fn of_very_many_problems_the_first_are_told_and_the_others_counted() {
    let keys: String = (0..5_000).map(|n| format!("kex{n} = 1\n")).collect();
    let text = format!("version = 1\n[jobs.a]\nsource = \"/s/\"\ndest = \"/d/a\"\n{keys}");
    let problems = load(&text).unwrap_err().0;
    assert_eq!(problems.len(), 101);
    assert!(
        problems[0].text.contains("unknown key \"kex0\"") && problems[99].text.contains("kex99"),
        "{problems:?}"
    );
    assert_eq!(problems[100].text, "4900 more problems are not listed");
}

#[test]
fn a_job_whose_destination_collides_with_many_is_one_problem() {
    let jobs: String = (0..300).map(|n| format!("[jobs.j{n}]\nsource = \"/s/\"\ndest = \"/d\"\n")).collect();
    let problems = load(&jobs).unwrap_err().0;
    assert_eq!(problems.last().unwrap().text, "199 more problems are not listed");
    assert!(
        problems[0].text.contains("jobs \"j0\" and \"j1\" have the same destination"),
        "{:?}",
        problems[0]
    );
}

#[test]
fn more_jobs_than_fit_are_refused() {
    let jobs: String =
        (0..10_001).map(|n| format!("[jobs.j{n}]\nsource = \"/s/\"\ndest = \"/d/{n}\"\n")).collect();
    let problems = load(&jobs).unwrap_err().0;
    assert!(problems[0].text.contains("the file has 10001 jobs, more than 10000"), "{:?}", problems[0]);
}

#[test]
fn more_rules_patterns_and_commands_than_anybody_writes_are_one_problem() {
    let rule =
        |n: usize| format!("[[clean.rules]]\nname = \"r{n}\"\npattern = \"*.x{n}\"\naction = \"keep\"\n");
    let rules: String = (0..100_000).map(rule).collect();
    let patterns = vec!["a"; 10_001];
    let one = format!("[[clean.rules]]\nname = \"r\"\npattern = {patterns:?}\naction = \"keep\"\n");
    let notify = format!("[notify]\ncommand = {:?}\n", vec!["true"; 101]);
    for (text, told) in [
        (rules, "100000 rules are more than 1000"),
        (one, "10001 patterns of one rule are more than 10000"),
        (notify, "101 commands are more than 100"),
    ] {
        let problems = load(&text).unwrap_err().0;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].text.contains(told), "{:?}", problems[0]);
    }
}
