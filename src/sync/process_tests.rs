use super::super::rsync_process::pass_on;
use super::super::stop::{Stop, StopReason};
use super::*;
use crate::model::event::Event;
use crate::model::job::Priority;
use std::ffi::OsString;
use std::path::Path;
use tokio::sync::{mpsc, watch};

/// Passes every line on.
struct All;

impl LineHandler for All {
    fn line(&mut self, _stream: Stream, line: &[u8], out: &mut Vec<u8>) {
        pass_on(line, out);
    }
}

/// A job's events, and their receiver.
fn job_events(stop: &Stop, room: usize) -> (JobEvents, mpsc::Receiver<Stamped>) {
    let (events, heard) = mpsc::channel(room);
    let (progress, _) = watch::channel(None);
    (JobEvents { job: "j".into(), part: None, events, progress, stop: stop.clone() }, heard)
}

/// Runs a shell script while `also` runs. Returns its end and the events.
async fn sh_while<F: Future<Output = ()>>(
    script: &str,
    stop: Stop,
    watchdog: Watchdog,
    also: impl FnOnce(Stop) -> F,
) -> (End, Vec<u8>) {
    let argv = ["sh".into(), "-c".into(), script.into()];
    let spec = CommandSpec {
        argv: &argv,
        env: &[],
        without: &[],
        priority: Priority::default(),
        grace: Duration::from_millis(300),
        input: None,
        supervised: false,
    };
    let (job_events, mut heard) = job_events(&stop, 2);
    let collect = async {
        let mut all = Vec::new();
        while let Some(Stamped { event, .. }) = heard.recv().await {
            if let Event::Output { lines, .. } = event {
                all.extend_from_slice(lines.as_bytes());
            }
        }
        all
    };
    let child = async {
        let end = run(&spec, &job_events, watchdog, &mut All).await.unwrap();
        drop(job_events);
        end
    };
    let (end, heard, ()) = tokio::join!(child, collect, also(stop.clone()));
    (end, heard)
}

async fn sh(script: &str, watchdog: Watchdog) -> (End, Vec<u8>) {
    sh_while(script, Stop::default(), watchdog, |_| async {}).await
}

fn patient() -> Watchdog {
    Watchdog::new(None, None)
}

async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "the condition did not come true");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether the process with the pid in the file is running.
fn runs(pid_file: &Path) -> bool {
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn exit_codes_and_signals_are_told_apart() {
    assert_eq!(sh("exit 23", patient()).await.0, End::Exited(23));
    assert_eq!(sh("kill -9 $$", patient()).await.0, End::Signalled(9));
}

#[tokio::test]
async fn both_streams_are_heard_and_a_last_line_needs_no_end() {
    let (_, heard) = sh("echo out; echo err >&2; printf last", patient()).await;
    let mut lines: Vec<_> = heard.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    lines.sort_unstable();
    assert_eq!(lines, [&b"err"[..], b"last", b"out"]);
}

#[tokio::test]
async fn many_lines_and_binary_all_arrive() {
    let (end, heard) = sh("seq 200000; head -c 100000 /dev/zero; echo", patient()).await;
    assert_eq!(end, End::Exited(0));
    let text = heard.iter().filter(|b| **b == b'\n').count();
    assert!(text >= 200_001, "{text}");
    assert_eq!(heard.iter().filter(|b| **b == 0).count(), 100_000);
}

#[tokio::test]
async fn a_child_has_no_input_and_no_terminal() {
    let (end, heard) = sh("cat; tty; exec 3<>/dev/tty && echo has one", patient()).await;
    assert_ne!(end, End::Exited(0));
    assert!(!String::from_utf8_lossy(&heard).contains("has one"));
}

#[tokio::test]
async fn the_wall_clock_ends_it() {
    let limit = Duration::from_millis(100);
    let (end, _) = sh("while :; do echo busy; done", Watchdog::new(Some(limit), None)).await;
    assert_eq!(end, End::Ended(Cause::Timeout(limit)));
}

#[tokio::test]
async fn silence_ends_it_and_a_word_in_time_does_not() {
    let stall = Duration::from_millis(400);
    let (end, _) = sh("sleep 60", Watchdog::new(None, Some(stall))).await;
    assert_eq!(end, End::Ended(Cause::Stalled(stall)));
    let talkative = "for i in 1 2 3 4 5 6; do sleep 0.1; echo $i; done";
    assert_eq!(sh(talkative, Watchdog::new(None, Some(stall))).await.0, End::Exited(0));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_child_that_reads_without_a_word_is_not_stalled() {
    let stall = Duration::from_millis(400);
    let reads = "exec dd if=/dev/zero of=/dev/null bs=1M count=20000 status=none";
    assert_eq!(sh(reads, Watchdog::new(None, Some(stall))).await.0, End::Exited(0));
}

#[tokio::test]
async fn a_full_disk_ends_it() {
    let watchdog = patient().min_free("/".into(), Some(u64::MAX));
    assert!(matches!(sh("sleep 60", watchdog).await.0, End::Ended(Cause::DiskLow(_))));
}

#[tokio::test]
async fn who_ignores_sigterm_is_killed_after_the_grace() {
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready");
    let script = format!(
        "trap '' TERM; echo $$ > {0}.new; mv {0}.new {0}; while :; do sleep 1; done",
        ready.display()
    );
    let (end, _) = sh_while(&script, Stop::default(), patient(), |stop| {
        let ready = ready.clone();
        async move {
            until(|| ready.exists()).await;
            stop.ask(StopReason::Signal(15));
        }
    })
    .await;
    assert_eq!(end, End::Ended(Cause::Stopped));
    assert!(!runs(&ready));
}

#[tokio::test]
async fn what_a_child_started_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready");
    let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", ready.display());
    let (end, _) = sh_while(&script, Stop::default(), patient(), |stop| {
        let ready = ready.clone();
        async move {
            until(|| ready.exists()).await;
            stop.force();
        }
    })
    .await;
    assert_eq!(end, End::Ended(Cause::Stopped));
    until(|| !runs(&ready)).await;
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipes_does_not_hang_us() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; echo gone", pid.display());
    let (end, heard) = sh(&script, patient()).await;
    assert_eq!((end, heard), (End::Exited(0), b"gone\n".to_vec()));
    until(|| !runs(&pid)).await;
    // Also for a process that has left the group.
    let script = format!("setsid sleep 600 & echo $! > {}; echo gone", pid.display());
    assert_eq!(sh(&script, patient()).await.0, End::Exited(0));
    let left = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(left).unwrap(), Signal::KILL);
}

#[tokio::test]
async fn a_listener_that_never_listens_does_not_keep_a_stopped_child() {
    let argv = ["sh".into(), "-c".into(), "yes".into()];
    let spec = CommandSpec {
        argv: &argv,
        env: &[],
        without: &[],
        priority: Priority::default(),
        grace: Duration::from_millis(200),
        input: None,
        supervised: false,
    };
    let stop = Stop::default();
    let (job_events, full) = job_events(&stop, 1);
    let mut handler = All;
    let child = run(&spec, &job_events, patient(), &mut handler);
    let filled = async {
        until(|| full.len() == 1).await;
        stop.ask(StopReason::Signal(15));
    };
    let (end, ()) = tokio::join!(child, filled);
    assert_eq!(end.unwrap(), End::Ended(Cause::Stopped));
}

/// Its output is available at every read.
#[tokio::test]
async fn a_child_that_never_stops_leaves_others_their_turn() {
    struct Deaf;
    impl LineHandler for Deaf {
        fn line(&mut self, _stream: Stream, _line: &[u8], _out: &mut Vec<u8>) {}
    }
    let argv = ["sh".into(), "-c".into(), "echo; exec yes".into()];
    let spec = CommandSpec {
        argv: &argv,
        env: &[],
        without: &[],
        priority: Priority::default(),
        grace: Duration::from_secs(5),
        input: None,
        supervised: false,
    };
    let stop = Stop::default();
    let (job_events, _heard) = job_events(&stop, 2);
    // Stopped by another thread, so that the test ends in any case.
    let (done, outside) = (std::sync::mpsc::channel::<()>(), stop.clone());
    let last_help = std::thread::spawn(move || {
        if done.1.recv_timeout(Duration::from_secs(20)).is_err() {
            outside.ask(StopReason::Signal(14));
        }
    });
    let other = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.ask(StopReason::Signal(15));
        let _ = done.0.send(());
    };
    let mut handler = Deaf;
    let (end, ()) = tokio::join!(run(&spec, &job_events, patient(), &mut handler), other);
    last_help.join().unwrap();
    assert_eq!(end.unwrap(), End::Ended(Cause::Stopped));
    assert!(matches!(stop.why(), Some(StopReason::Signal(15))), "{:?}", stop.why());
}

#[tokio::test]
async fn a_dropped_run_leaves_nobody_behind() {
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready");
    let script = format!("trap '' TERM; echo $$ > {0}.new; mv {0}.new {0}; sleep 600", ready.display());
    let child = sh(&script, patient());
    tokio::select! {
        _ = child => panic!("it cannot end by itself"),
        () = until(|| ready.exists()) => {}
    }
    until(|| !runs(&ready)).await;
}

/// Runs `argv` without a shell. Returns its output.
async fn says(argv: &[&str], env: &[(OsString, OsString)]) -> io::Result<String> {
    let argv: Vec<String> = argv.iter().map(|word| word.to_string()).collect();
    let spec = CommandSpec {
        argv: &argv,
        env,
        without: &[],
        priority: Priority::default(),
        grace: Duration::from_millis(200),
        input: None,
        supervised: false,
    };
    let (job_events, mut heard) = job_events(&Stop::default(), 100);
    assert_eq!(run(&spec, &job_events, patient(), &mut All).await?, End::Exited(0));
    drop(job_events);
    let mut said = String::new();
    while let Some(Stamped { event: Event::Output { lines, .. }, .. }) = heard.recv().await {
        said.push_str(&String::from_utf8_lossy(lines.as_bytes()));
    }
    Ok(said)
}

fn script(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let closed = dir.path().join("closed");
    script(&closed, "#!/bin/sh\n", 0o644);
    let why = async |program: &str| says(&[program], &[]).await.unwrap_err().kind();
    assert_eq!(why("no-such-program-anywhere").await, io::ErrorKind::NotFound);
    assert_eq!(why("/no/such/program").await, io::ErrorKind::NotFound);
    assert_eq!(why(closed.to_str().unwrap()).await, io::ErrorKind::PermissionDenied);
    assert_eq!(why("a\0b").await, io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_program_is_looked_for_in_path_and_one_that_may_not_run_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    std::fs::create_dir_all(first.join("tool-in-both/and-a-directory")).unwrap();
    std::fs::create_dir(&second).unwrap();
    script(&first.join("tool"), "echo first\n", 0o644);
    // Without a `#!` line, a shell runs it, as a shell would.
    script(&second.join("tool"), "echo second \"$1\" \"$COLOUR\"\n", 0o755);
    script(&second.join("tool-in-both"), "#!/bin/sh\necho file\n", 0o755);
    let path = std::env::join_paths([first, second, "/bin".into(), "/usr/bin".into()]).unwrap();
    let env = [("PATH".into(), path), ("COLOUR".into(), "blue".into())];
    assert_eq!(says(&["tool", "a b"], &env).await.unwrap(), "second a b blue\n");
    assert_eq!(says(&["tool-in-both"], &env).await.unwrap(), "file\n");
    let apart = spawn::through_shell(&["tool".into(), "a b".into()]);
    let apart: Vec<&str> = apart.iter().map(String::as_str).collect();
    assert_eq!(says(&apart, &env).await.unwrap(), "second a b blue\n");
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_child_starts_with_a_clean_slate() {
    // Our handlers must not run in a child, and must still be installed here afterwards.
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).unwrap();
    let status = says(&["cat", "/proc/self/status", "/proc/self/stat"], &[]).await.unwrap();
    let mask = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap()
    };
    assert_eq!((mask("SigBlk:"), mask("SigCgt:")), (0, 0));
    assert_eq!(mask("SigIgn:") >> (libc::SIGPIPE - 1) & 1, 0, "a broken pipe must end programs");
    // Its pid, the number of its group, and the number of its terminal.
    let stat = status.lines().last().unwrap();
    let after: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    assert_eq!(stat.split(' ').next(), Some(after[2]), "a process group of its own");
    assert_eq!(after[4], "0", "no terminal");

    assert_eq!(says(&["readlink", "/proc/self/fd/0"], &[]).await.unwrap(), "/dev/null\n");
    rustix::process::kill_process(rustix::process::getpid(), Signal::HUP).unwrap();
    hangup.recv().await.unwrap();
}
