//! `config_files` and `--set`, through the binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use crate::support::Env;
use std::fs;

const MAIN: &str = "config_files = ['conf.d/*.toml', 'more.toml']
[jobs.main]
source = 'h::m/'
dest = 'main'
";

fn env(files: &[(&str, &str)]) -> Env {
    let env = Env::new().with_config(MAIN);
    fs::create_dir(env.dir().join("conf.d")).unwrap();
    for (name, text) in [("more.toml", "[jobs.more]\nsource = 'h::m/'\ndest = 'more'\n")].iter().chain(files)
    {
        fs::write(env.dir().join(name), text).unwrap();
    }
    env
}

fn jobs(env: &Env) -> Vec<String> {
    let listed = env.run(["list", "--json"]).expect_code(0).json();
    let names = listed.iter().filter(|line| line["event"] == "job").map(|line| &line["job"]);
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_files_of_a_directory_are_read_in_the_order_of_their_names() {
    let job = |name: &str| format!("[jobs.{name}]\nsource = 'h::m/'\ndest = '{name}'\n");
    let files =
        [("conf.d/20-x.toml", job("x")), ("conf.d/10-y.toml", job("y")), ("conf.d/.z.toml", job("z"))];
    let env = env(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
    fs::create_dir(env.dir().join("conf.d/dir.toml")).unwrap();
    // The same file by two patterns is read once.
    std::os::unix::fs::symlink("20-x.toml", env.dir().join("conf.d/30-x.toml")).unwrap();
    assert_eq!(jobs(&env), ["main", "y", "x", "more"]);
    fs::remove_dir_all(env.dir().join("conf.d")).unwrap();
    assert_eq!(jobs(&env), ["main", "more"], "a pattern may match no file");
    fs::remove_file(env.dir().join("more.toml")).unwrap();
    let ended = env.run(["list"]).expect_code(2);
    assert!(ended.err().contains("config.toml:1:34: config_files: cannot read "), "{ended}");
    assert!(ended.err().contains("only a pattern such as"), "{ended}");
}

#[test]
fn a_problem_is_reported_in_its_own_file() {
    let env = env(&[("conf.d/a.toml", "\n[jobs.a]\nretires = 5\n"), ("conf.d/b.toml", "[jobs.main]\n")]);
    let file = |name: &str| env.dir().join(name).display().to_string();
    let found = env.run(["config", "check", "--json"]).expect_code(2).json();
    let place = |text: &str| {
        let problem = found.iter().find(|line| line["text"].as_str().is_some_and(|told| told.contains(text)));
        let problem = problem.unwrap_or_else(|| panic!("{text}: {found:?}"));
        (problem["file"].as_str().unwrap().to_owned(), problem["line"].as_u64(), problem["column"].as_u64())
    };
    assert_eq!(place("unknown key \"retires\""), (file("conf.d/a.toml"), Some(3), Some(1)));
    assert_eq!(place("job \"main\" is defined twice"), (file("conf.d/b.toml"), Some(1), Some(7)));
    let mut command = env.command(["config", "check"]);
    let output = command.env("GITHUB_ACTIONS", "true").output().unwrap();
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let annotation = format!("::error file={},line=3,col=1", file("conf.d/a.toml"));
    assert!(told.contains(&annotation), "{annotation}: {told}");
}

#[test]
fn a_value_of_the_command_line_is_shown_with_its_origin() {
    let env = env(&[]).with_var("PDB_SYNC_PARALLEL", "5");
    let shown = env.run(["config", "show", "--origin", "--set", "main.retries=7"]).expect_code(0).out();
    assert!(shown.contains("parallel = 5  # environment PDB_SYNC_PARALLEL\n"), "{shown}");
    assert!(shown.contains("retries = 7  # command line\n"), "{shown}");
    let ended = env.run(["sync", "--all", "--set", "main.retires=7"]).expect_code(2);
    assert!(ended.err().contains("--set main.retires: a job has no key \"retires\""), "{ended}");
    assert!(ended.err().contains("did you mean \"retries\"?"), "{ended}");
}
