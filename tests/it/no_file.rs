//! Pipes, devices and directories in the place of files that are read.

use crate::support::{Env, Running};
use rustix::fs::{CWD, Mode, mkfifoat};

/// What the program says of a file in the place of one that it is to read.
#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let env = Env::new();
    let place = |name: &str| env.dir().join(name);
    mkfifoat(CWD, place("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
    std::fs::create_dir(place("dir")).unwrap();
    std::fs::create_dir_all(env.mirror("m")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place("socket")).unwrap();
    let mirror = env.mirror("m").to_str().unwrap().to_owned();
    let kinds =
        [("fifo", "a FIFO"), ("dir", "a directory"), ("socket", "a socket"), ("/dev/zero", "a device")];
    for (name, what) in kinds {
        let at = place(name).to_str().unwrap().to_owned();
        let commands: [&[&str]; 9] = [
            &["-c", &at, "list"],
            &["-c", &at, "config", "check"],
            &["-c", &at, "sync", "--all"],
            &["clean", "run", &at, "--yes"],
            &["clean", "run", &at, "-n"],
            &["clean", "show", &at],
            &["clean", "verify", &at],
            &["clean", "edit", &at],
            &["clean", "plan", &mirror, "--obsolete", &at],
        ];
        for command in commands {
            let ended = env.run(command).expect_code(2);
            let said = format!("it is {what}, not a regular file");
            assert!(ended.err().contains(&at) && ended.err().contains(&said), "{ended}");
        }
        for key in ["password_file = '", "NOTIFY"] {
            let config = match key {
                "NOTIFY" => format!("[notify]\nwebhook = {{ file = '{at}' }}\n"),
                key => format!("[jobs.a]\nsource = 'rsync://u@h/m/'\ndest = 'a'\n{key}{at}'\n"),
            };
            std::fs::write(env.config(), format!("version = 1\n{config}")).unwrap();
            let ended = env.run(["config", "check"]).expect_code(2);
            let told = ended.err() + &ended.out();
            assert!(told.contains(&format!("it is {what}, not a regular file")), "{ended}");
            std::fs::remove_file(env.config()).unwrap();
        }
    }
}

/// Whoever hands over a pipe on purpose writes into it.
#[test]
fn a_configuration_comes_by_a_pipe_that_is_open_already() {
    let env = Env::new();
    let text = "version = 1\n[jobs.piped]\nsource = 'h::m/'\ndest = 'd'\n";
    std::fs::write(env.dir().join("other.toml"), text).unwrap();
    let list = |script: &str| {
        let program = crate::support::binary();
        let script = script.replace("PROGRAM", program.to_str().unwrap());
        Running::start(env.program("bash", ["-c", script.as_str()])).wait().expect_code(0)
    };
    for script in [
        "PROGRAM -c <(cat other.toml) list",
        "cat other.toml | PROGRAM -c /dev/stdin list",
        "PROGRAM -c /dev/stdin list <other.toml",
    ] {
        assert!(list(script).out().contains("piped"), "{script}");
    }
    env.run(["-c", "/dev/null", "config", "check"]).expect_code(0);
}

#[test]
fn a_fifo_in_the_place_of_what_is_written_to_holds_nobody_up() {
    let env = Env::new();
    std::fs::create_dir_all(env.mirror("m")).unwrap();
    std::fs::create_dir_all(env.state()).unwrap();
    for name in ["costs.ndjson", "history.db.lock"] {
        mkfifoat(CWD, env.state().join(name), Mode::RUSR | Mode::WUSR).unwrap();
    }
    env.run(["scan", env.mirror("m").to_str().unwrap()]).expect_code(0);
    // One that is damaged is set aside under that lock.
    std::fs::write(
        env.state().join("history.db"),
        "no database, and longer than its header would have to be".repeat(9),
    )
    .unwrap();
    env.run(["history"]);
}

/// rsync would wait for them, or say something else.
#[test]
fn files_that_options_name_for_rsync_are_looked_at_before_it_is_started() {
    let env = Env::new();
    std::fs::create_dir_all(env.dir().join("up")).unwrap();
    std::fs::write(env.dir().join("up/f"), "contents").unwrap();
    mkfifoat(CWD, env.dir().join("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
    let job = |name: &str, option: &str| {
        format!("[jobs.{name}]\nsource = 'up/'\ndest = '{name}'\nrsync_args = ['--{option}']\nretries = 0\n")
    };
    let wrong = ["exclude-from=fifo", "include-from=up", "log-file=fifo", "exclude-from=none"];
    let jobs: String = wrong.iter().enumerate().map(|(n, option)| job(&format!("j{n}"), option)).collect();
    let env = env.with_config(&format!(
        "version = 1\n{jobs}{}{}",
        job("ok", "exclude-from=/dev/null"),
        job("log", "log-file=new.log")
    ));
    let ended = env.run(["sync", "--all", "--json"]).expect_code(1);
    let jobs = ended.events("job_finished");
    for (job, what) in [
        ("j0", "it is a FIFO, not a regular file"),
        ("j1", "it is a directory, not a regular file"),
        ("j2", "it is a FIFO without a reader"),
        ("j3", "No such file or directory"),
    ] {
        let end = jobs.iter().find(|end| end["job"] == job).unwrap();
        let error = end["error"].as_str().unwrap();
        assert!(
            end["status"] == "failed" && error.starts_with("rsync_args: --") && error.contains(what),
            "{ended}"
        );
    }
    for job in ["ok", "log"] {
        assert_eq!(jobs.iter().find(|end| end["job"] == job).unwrap()["status"], "ok", "{ended}");
    }
    assert!(env.dir().join("new.log").exists());
}
