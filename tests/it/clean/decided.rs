//! What people decide about a plan, in an editor or by hand.

use super::super::support::Env;
use super::littered;
use std::fs;
use std::path::PathBuf;

/// The file beside the only plan.
fn decisions(env: &Env) -> PathBuf {
    let plans = fs::read_dir(env.state().join("plans/clean")).unwrap();
    let names = plans.map(|entry| entry.unwrap().path().into_os_string().into_string().unwrap());
    let plan = names.into_iter().find(|name| name.ends_with(".plan.ndjson")).unwrap();
    PathBuf::from(plan.replace(".plan.ndjson", ".decisions.toml"))
}

#[test]
fn an_editor_decides() {
    // As people do: take away the marks of what they decide.
    let env = Env::new().with_var("EDITOR", "sed -i '/^# editor: delete/,/^$/s/^#\\([^ ]\\)/\\1/'");
    let root = littered(&env);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    let edited = env.run(["clean", "edit", "--json"]).expect_code(0);
    let text = fs::read_to_string(decisions(&env)).unwrap();
    assert!(text.contains("\nrule = \"editor\"\n"), "{text}\n{edited}");
    let before = env.run(["clean", "show", "--json"]).expect_code(0).json().pop().unwrap();
    assert_eq!(edited.json().pop().unwrap()["to_delete"], before["to_delete"]);
    env.run(["clean", "run", "--yes"]).expect_code(0);
    assert!(root.join("cd/x~").exists() && root.join("cd/y~").exists());
    assert!(!root.join(".DS_Store").exists());
}

#[test]
fn an_editor_that_fails_or_writes_nonsense_is_said() {
    let env = Env::new().with_var("VISUAL", "false");
    littered(&env);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    assert!(env.run(["clean", "edit"]).expect_code(1).err().contains("the editor ended with"));
    let env = env.with_var("VISUAL", "sed -i '1i [[decide'");
    let ended = env.run(["clean", "edit"]).expect_code(2);
    assert!(ended.err().contains(".decisions.toml"), "{ended}");
    // Nobody runs what cannot be read, and the editor opens it again.
    env.run(["clean", "run", "--yes"]).expect_code(2);
    let env = env.with_var("VISUAL", "sed -i 1d");
    env.run(["clean", "edit"]).expect_code(0);
    let env = env.with_var("VISUAL", "no-such-editor");
    assert!(env.run(["clean", "edit"]).expect_code(1).err().contains("no-such-editor"));
    let env = env.with_var("VISUAL", "");
    env.run(["clean", "edit"]).expect_code(2);
}

#[test]
fn decisions_about_nothing_are_refused_or_warned_about() {
    let env = Env::new();
    let root = littered(&env);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    fs::write(decisions(&env), "[[decide]]\nrule = 'editr'\naction = 'keep'\n").unwrap();
    for args in [&["clean", "run", "--yes"][..], &["clean", "show"], &["clean", "verify"]] {
        let ended = env.run(args).expect_code(2);
        assert!(ended.err().contains("the rule \"editr\"") && ended.err().contains("editor"), "{ended}");
    }
    assert!(root.join("cd/x~").exists());
    let unused =
        "[[decide]]\nglob = '*.nothing'\naction = 'keep'\n[[decide]]\npath = 'cd/y'\naction = 'keep'\n";
    fs::write(decisions(&env), unused).unwrap();
    let ended = env.run(["clean", "run", "--yes"]).expect_code(0);
    for text in ["glob \"*.nothing\" matches no entry", "path \"cd/y\" matches no entry"] {
        assert!(ended.err().contains(text), "{text}: {ended}");
    }
    assert!(!root.join("cd/x~").exists(), "the rest is done");
}
