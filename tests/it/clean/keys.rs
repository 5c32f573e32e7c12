//! What `[clean]` says about `clean run`, and options that say otherwise.

use super::super::support::Env;
use super::littered;
use std::fs;

const CONFIG: &str = "version = 1\n[clean]\nrun_mode = 'batch'\nstrict = true\nthreads = 1\n";

#[test]
fn a_key_holds_until_an_option_says_otherwise() {
    let env = Env::new().with_config(CONFIG);
    let root = littered(&env);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    fs::write(root.join("cd/x~"), "another").unwrap();
    // Strict: one entry is not as planned, so nothing goes.
    env.run(["clean", "run"]).expect_code(4);
    assert!(root.join(".DS_Store").exists());
    env.run(["clean", "run", "-n", "--no-strict"]).expect_code(3);
    assert!(root.join(".DS_Store").exists());
    // Without a terminal and without --yes, since the key says "batch".
    env.run(["clean", "run", "--no-strict"]).expect_code(3);
    assert!(!root.join(".DS_Store").exists() && root.join("cd/x~").exists());
}

#[test]
fn an_option_is_stronger_than_a_dry_run_of_the_configuration() {
    let env = Env::new().with_config("version = 1\n[clean]\nrun_mode = 'dry-run'\nmax_bytes = 1\n");
    let root = littered(&env);
    env.run(["clean", "plan", "./mirror/m"]).expect_code(0);
    // The limit of the configuration blocks, and the dry run says so.
    env.run(["clean", "run"]).expect_code(4);
    env.run(["clean", "run", "--yes"]).expect_code(4);
    env.run(["clean", "run", "--max-bytes", "0"]).expect_code(0);
    assert!(root.join(".DS_Store").exists());
    env.run(["clean", "run", "--mode", "batch", "--max-bytes", "0"]).expect_code(0);
    assert!(!root.join(".DS_Store").exists());
    let shown = env.run(["config", "show", "--origin"]).expect_code(0).out();
    assert!(shown.contains("run_mode = \"dry-run\"  # from "), "{shown}");
    assert!(shown.contains("strict = false  # default"), "{shown}");
}
