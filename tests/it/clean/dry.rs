//! The dry run of `clean run`, and the results of both.

use super::super::support::{Env, tree};
use super::littered;
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_dry_run_tells_what_would_happen_to_each_entry() {
    let env = Env::new();
    let root = littered(&env);
    let planned = env.run(["clean", "plan", "./mirror/m", "--json"]).expect_code(0).json().pop().unwrap();
    let entries = planned["entries"].as_u64().unwrap() as usize;
    fs::write(root.join("cd/x~"), "another").unwrap();
    let before = tree(&root);
    let mut lines = env.run(["clean", "run", "-n", "-v", "--json"]).expect_code(3).json();
    assert_eq!(tree(&root), before);
    let result = lines.pop().unwrap();
    assert_eq!(lines.len(), entries, "{lines:?}");
    let of = |path: &str| lines.iter().find(|line| line["path"] == path).unwrap_or_else(|| panic!("{path}"));
    let told = |line: &Value| [&line["would"], &line["rule"], &line["why"]].map(Value::clone);
    assert_eq!(told(of("cd/new\nline~")), [json!("quarantine"), json!("editor"), Value::Null]);
    assert_eq!(told(of("cd/empty")), [json!("delete"), json!("empty-dir"), Value::Null]);
    assert_eq!(told(of("cd/x~")), [json!("skip"), json!("editor"), json!("has changed")]);
    assert!(!of("cd/x~")["reason"].as_str().unwrap().is_empty());
    assert_eq!(
        result["by_mode"]["quarantine"].as_u64().unwrap() + 2,
        result["would_remove"].as_u64().unwrap()
    );
    assert_eq!((&result["mode"], &result["by_mode"]["delete"]), (&json!("quarantine"), &json!(2)));
    let error = json!({"path": "cd/x~", "action": "quarantine", "did": "skipped", "reason": "has changed"});
    assert!(result["errors"].as_array().unwrap().contains(&error), "{result}");
    // Text has the same, and only with -v.
    let text = env.run(["clean", "run", "-n", "-v"]).expect_code(3).out();
    assert!(text.contains("cd/x~: skip, has changed; rule editor: "), "{text}");
    assert!(text.contains("cd/empty/: delete; rule empty-dir: "), "{text}");
    assert_eq!(env.run(["clean", "run", "-n"]).expect_code(3).out().lines().count(), 2);
}

#[test]
fn a_result_tells_when_how_and_what_stayed() {
    let env = Env::new();
    let root = littered(&env);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    fs::write(root.join("cd/new\nline~"), "another").unwrap();
    let run = env.run(["clean", "run", "--yes", "--json"]).expect_code(3).json().pop().unwrap();
    assert!(run["started"].as_str().unwrap() <= run["time"].as_str().unwrap(), "{run}");
    assert!(run["duration_s"].is_number(), "{run}");
    assert_eq!(run["by_mode"], json!({"quarantine": run["quarantined"], "delete": run["deleted"]}));
    let [error] = run["errors"].as_array().unwrap().as_slice() else { panic!("{run}") };
    let told = [&error["path"], &error["action"], &error["did"]];
    assert_eq!(told, [&json!("cd/new\nline~"), &json!("quarantine"), &json!("skipped")]);
    assert!(error["reason"].as_str().unwrap().contains("has changed"), "{run}");
}
