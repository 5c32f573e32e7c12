//! `doctor` against real daemons, and against what stands in the way of one.

use crate::support::{Ended, Env, Upstream, one_job};
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Findings of an area, as `verdict: text`.
fn about(ended: &Ended, area: &str) -> Vec<String> {
    let checks = ended.events("check").into_iter().filter(|check| check["area"] == area);
    checks.map(|c| format!("{}: {}", c["verdict"].as_str().unwrap(), c["text"].as_str().unwrap())).collect()
}

fn hints(ended: &Ended, area: &str) -> String {
    let checks = ended.events("check").into_iter().filter(|check| check["area"] == area);
    checks.filter_map(|c| c["hint"].as_str().map(str::to_owned)).collect::<Vec<_>>().join("\n")
}

fn result(ended: &Ended) -> Value {
    ended.json().pop().unwrap()
}

/// A port of loopback where nobody listens.
fn refused() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn a_good_setup_is_good() {
    let upstream = Upstream::new().with_corpus().listen();
    let env = Env::new();
    let config = one_job(&[&upstream.url("m/structures/")], &env.mirror("j"), "delete = true");
    let env = env.with_config(&config);
    let ended = env.run(["doctor", "--json"]).expect_code(0);
    let source = about(&ended, "source");
    assert_eq!(source.len(), 1, "{ended}");
    for part in ["ok: ", "name ", "connection ", "greeting ", "1 module "] {
        assert!(source[0].contains(part), "{part}: {ended}");
    }
    let rsync = about(&ended, "rsync").join("\n");
    assert!(rsync.contains("a trial transfer from a local daemon works"), "{ended}");
    for area in ["config", "state", "destination", "clock", "limits"] {
        assert!(!about(&ended, area).is_empty(), "nothing about {area}: {ended}");
    }
    let kernel = about(&ended, "kernel").join("\n");
    assert!(["openat2", "PSI", "Landlock"].iter().all(|name| kernel.contains(name)), "{ended}");
    let result = result(&ended);
    assert_eq!(result["fail"], 0, "{ended}");
    let mirror = &result["mirrors"][0];
    assert_eq!(
        (&mirror["answers"], &mirror["modules"]),
        (&true.into(), &serde_json::json!(["m"])),
        "{ended}"
    );
    assert!(mirror["greeting_ms"].as_f64().unwrap() > 0.0, "{ended}");
    assert!(!env.mirror("j").exists(), "it made the destination");
    let config = about(&ended, "config");
    assert!(config.iter().any(|text| text.ends_with(": 1 job, 1 enabled")), "{ended}");
}

/// A question ends a sentence: what follows it is another one.
#[test]
fn two_hints_are_two_sentences() {
    let env = Env::new();
    let (dead, good) = (env.dir().join("empty"), env.dir().join("good"));
    for dir in [&dead, &good] {
        fs::create_dir(dir).unwrap();
    }
    fs::write(good.join("file"), "x").unwrap();
    let (dead, good) = (format!("{}/", dead.display()), format!("{}/", good.display()));
    let config = one_job(&[&dead, &good], &env.mirror("j"), "");
    let ended = env.with_config(&config).run(["doctor", "--json"]);
    let both = format!("is its disk mounted, and the path spelled right? the job goes on with {good}");
    assert!(hints(&ended, "source").contains(&both), "{ended}");
}

#[test]
fn a_refused_port_names_who_would_answer() {
    let upstream = Upstream::new().with_corpus().listen();
    let env = Env::new();
    let dead = format!("rsync://127.0.0.1:{}/m/", refused());
    let (good, mirror) = (upstream.url("m/"), env.mirror("j"));
    let env = env.with_config(&one_job(&[&dead, &good], &mirror, "source_order = \"fastest\""));
    let ended = env.run(["doctor", "--json"]).expect_code(0);
    let source = about(&ended, "source");
    assert!(source[0].starts_with("warn: ") && source[0].ends_with("was refused"), "{ended}");
    assert!(source[1].starts_with("ok: "), "{ended}");
    assert!(hints(&ended, "source").contains(&format!("the job goes on with {good}")), "{ended}");
    let mirrors = result(&ended)["mirrors"].clone();
    assert_eq!((&mirrors[0]["answers"], &mirrors[1]["answers"]), (&true.into(), &false.into()), "{ended}");

    // What it has learned, a run uses: the one that answers comes first.
    let finished = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(finished.tries(), [(good, Some(0))]);

    let env = Env::new();
    let config = one_job(&[&dead], &env.mirror("j"), "");
    let env = env.with_config(&config);
    let ended = env.run(["doctor", "j"]).expect_code(1);
    assert!(ended.out().contains("fail  source j: connecting to 127.0.0.1:"), "{ended}");
    assert!(ended.out().contains("open in the firewall?"), "{ended}");
}

#[test]
fn a_black_hole_is_not_waited_for() {
    // Its backlog takes the connection, and nobody ever speaks.
    let hole = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let env = Env::new();
    let source = format!("rsync://127.0.0.1:{}/m/", hole.local_addr().unwrap().port());
    let config = one_job(&[&source], &env.mirror("j"), "");
    let env = env.with_config(&config);
    let begun = Instant::now();
    let ended = env.run(["doctor", "--patience", "300ms", "--json"]).expect_code(1);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(about(&ended, "source")[0].ends_with("the server sent nothing for 300ms"), "{ended}");
    let mirror = &result(&ended)["mirrors"][0];
    assert!(mirror["connect_ms"].is_number() && mirror["greeting_ms"].is_null(), "{ended}");
}

/// The whole queue of its kernel is full: whoever calls gets no answer at all, as behind a firewall that drops packets.
#[test]
fn a_port_that_answers_nothing_at_all_is_not_waited_for() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let _entered = runtime.enter();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let hole = socket.listen(1).unwrap();
    let address = hole.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queued.push(stream);
        if queued.len() > 64 {
            return crate::support::skipped("this kernel's queue of connections is never full");
        }
    }
    let env = Env::new();
    let config = one_job(&[&format!("rsync://{address}/m/")], &env.mirror("j"), "");
    let env = env.with_config(&config);
    let begun = Instant::now();
    let ended = env.run(["doctor", "--patience", "300ms", "--json"]).expect_code(1);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let source = about(&ended, "source");
    assert!(source[0].starts_with("fail: ") && source[0].contains(&address.to_string()), "{ended}");
    assert!(hints(&ended, "source").contains("firewall"), "{ended}");
    let mirror = &result(&ended)["mirrors"][0];
    assert!(mirror["connect_ms"].is_null() && mirror["greeting_ms"].is_null(), "{ended}");
}

#[test]
fn a_wrong_module_or_path_is_told_with_the_right_one() {
    let upstream = Upstream::new().with_corpus().module("ftp_data", &[]).listen();
    let env = Env::new();
    let config = one_job(&[&upstream.url("ftp_dat/")], &env.mirror("j"), "");
    let ended = env.with_config(&config).run(["doctor", "--json"]).expect_code(1);
    assert!(about(&ended, "source")[0].contains("has no module \"ftp_dat\""), "{ended}");
    assert!(hints(&ended, "source").contains("did you mean \"ftp_data\"? it lists m, ftp_data"), "{ended}");

    let env = Env::new();
    let config = one_job(&[&upstream.url("m/no/such/path/")], &env.mirror("j"), "");
    let ended = env.with_config(&config).run(["doctor", "--json"]).expect_code(1);
    assert!(about(&ended, "source")[0].starts_with("fail: the source "), "{ended}");
    assert!(about(&ended, "source")[0].contains("no such file or directory"), "{ended}");
}

#[test]
fn offline_leaves_the_network_alone_and_old_rsyncs_are_named() {
    let env = Env::new();
    let old = env.dir().join("old-rsync");
    fs::write(&old, "#!/bin/sh\necho 'rsync  version 3.0.9  protocol version 30'\n").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), "");
    let config = config.replace("[sync]", "[sync]\nrsync = './old-rsync'");
    let ended = env.with_config(&config).run(["doctor", "--offline", "--json"]).expect_code(1);
    assert!(about(&ended, "source").is_empty(), "{ended}");
    assert!(about(&ended, "rsync")[0].starts_with("fail: rsync 3.0.9, protocol 30, at "), "{ended}");
    assert!(hints(&ended, "rsync").contains("older than 3.1"), "{ended}");
    // It ends with 0 whatever it is asked, and does nothing.
    assert!(about(&ended, "rsync")[1].contains("reported success, but did not do its work"), "{ended}");
}

#[test]
fn without_rsync_and_without_a_configuration_there_is_still_an_answer() {
    let env = Env::new().with_config("version = 1\n[sync]\nrsync = \"no-such-rsync\"\n");
    let ended = env.run(["doctor", "--json"]).expect_code(1);
    assert_eq!(about(&ended, "rsync"), ["fail: there is no program no-such-rsync"], "{ended}");
    let ended = Env::new().run(["doctor"]).expect_code(0);
    assert!(ended.out().contains("warn  config: there is none"), "{ended}");
    let ended = Env::new().with_config("version = 1\n").run(["doctor"]).expect_code(1);
    assert!(ended.out().contains("0 jobs") && ended.out().contains("add a section [jobs.NAME]"), "{ended}");
    let ended = Env::new().with_config("[jobs.a]\nsorce = \"/x/\"\n").run(["doctor"]).expect_code(1);
    assert!(ended.out().contains("sorce") && ended.out().contains("did you mean \"source\"?"), "{ended}");
}

/// Runs `doctor` with a small file system at the destination of job `j`, mounted with `options` and filled by `then`; `None`
/// where that is not permitted. The mount goes with the process.
fn with_disk(env: &Env, options: &str, then: &str) -> Option<Ended> {
    let way = ["-m", "-rm"].into_iter().find(|way| {
        let mut probe = Command::new("unshare");
        probe.args([way, "mount", "-t", "tmpfs", "none", "/mnt"]).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    })?;
    let dest = env.mirror("j");
    fs::create_dir_all(&dest).unwrap();
    let script = format!("mount -t tmpfs -o size=1m,{options} none \"$0\" && {{ {then}; exec \"$@\"; }}");
    let mut line = vec![way.into(), "sh".into(), "-c".into(), script, dest.display().to_string()];
    line.extend([env!("CARGO_BIN_EXE_pdb-sync"), "doctor", "--offline", "--json"].map(String::from));
    Some(crate::support::Running::start(env.program("unshare", line)).wait())
}

#[test]
fn read_only_and_full_destinations_fail() {
    let env = Env::new();
    let config = one_job(&["rsync://upstream.invalid/m/"], &env.mirror("j"), "");
    let env = env.with_config(&config);
    let Some(ended) = with_disk(&env, "ro", ":") else {
        crate::support::skipped("no file system may be mounted here");
        return;
    };
    let ended = ended.expect_code(1);
    assert!(about(&ended, "destination")[0].contains("is read-only: it lies on "), "{ended}");
    assert!(hints(&ended, "destination").contains("remount it read-write"), "{ended}");
    let ended =
        with_disk(&env, "rw", "head -c 2M /dev/zero >\"$0/full\" 2>/dev/null").unwrap().expect_code(1);
    assert!(
        about(&ended, "destination").iter().any(|text| text.starts_with("fail: the disk is full: ")),
        "{ended}"
    );
}

#[test]
fn sources_are_asked_side_by_side() {
    let upstream = Upstream::new().with_corpus();
    let (variable, daemon) = upstream.pipe();
    // Hosts beside each other, and up to four conversations with one of them.
    for hosts in [["a", "b", "c", "d"], ["a", "a", "a", "a"]] {
        let env = Env::new();
        let jobs = hosts.iter().enumerate().map(|(n, host)| {
            format!("[jobs.j{n}]\nsource = '{host}::m/structures/'\ndest = 'm{n}'\nrsync_args = ['--bwlimit={}']\n", n + 1)
        });
        let config = format!("version = 1\n{}", jobs.collect::<String>());
        // Each waits for the other three.
        let script = env.dir().join("connect");
        let text = format!(
            "#!/bin/sh\necho >>starts\nwhile test $(wc -l <starts) -lt 4; do sleep 0.05; done\nexec {daemon}\n"
        );
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let env = env.with_config(&config).with_var(variable, script.as_os_str());
        let ended = env.run(["doctor", "--json", "--patience", "60s"]).expect_code(0);
        let found = about(&ended, "source");
        assert_eq!(
            found.iter().filter(|text| text.starts_with("ok: ") && text.contains("is there")).count(),
            4,
            "{ended}"
        );
    }
}

#[test]
fn a_host_that_answers_nobody_is_not_asked_for_ever() {
    let env = Env::new();
    let jobs = (0..12).map(|n| format!("[jobs.j{n}]\nsource = 'a::m/{n}/'\ndest = 'm{n}'\n"));
    let env = env.with_config(&format!("version = 1\n{}", jobs.collect::<String>()));
    let env = env.with_var("RSYNC_CONNECT_PROG", "echo >>starts; exec sleep 600");
    let ended = env.run(["doctor", "--json", "--patience", "1s"]).expect_code(1);
    assert_eq!(fs::read_to_string(env.dir().join("starts")).unwrap().lines().count(), 4, "{ended}");
    let found = about(&ended, "source");
    let not_asked = found.iter().filter(|text| text.starts_with("warn: ") && text.contains("was not asked"));
    assert_eq!(not_asked.count(), 8, "{ended}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_without_blocks_is_not_called_full() {
    let env = Env::new();
    fs::create_dir(env.dir().join("up")).unwrap();
    fs::write(env.dir().join("up/f"), "x").unwrap();
    let config = "version = 1\n[jobs.j]\nsource = 'up/'\ndest = '/proc/pdb-sync-test'\n";
    let env = env.with_config(config);
    let ended = env.run(["doctor", "--offline", "--json"]);
    let found = about(&ended, "destination").join("\n");
    assert!(found.contains("is unknown: ") && !found.contains("full") && !found.contains("0 B"), "{ended}");
}
