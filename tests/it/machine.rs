//! How jobs behave towards the machine: `parallel = "auto"`, `nice`, `ionice`, `cache = "drop"`, `reclaim`.

use crate::support::{Env, Fake, Upstream, eventually, one_job};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Jobs that a fake rsync runs until it is let go.
fn held(env: Env, count: usize, sync: &str) -> Env {
    let job = |n: usize| format!("[jobs.j{n}]\nsource = 'rsync://h/{n}/'\ndest = '{n}'\n");
    let jobs: String = (0..count).map(job).collect();
    env.with_config(&format!("version = 1\n[sync]\n{sync}\n[defaults]\nroot = 'mirror'\nretries = 0\n{jobs}"))
}

/// Programs that want every CPU, killed when dropped.
struct Burning(Vec<Child>);

impl Burning {
    fn start() -> Self {
        let cpus = std::thread::available_parallelism().unwrap().get();
        let burn = || {
            let mut command = Command::new("sh");
            command.args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().unwrap()
        };
        Burning((0..cpus * 4).map(|_| burn()).collect())
    }
}

impl Drop for Burning {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn under_a_real_load_auto_runs_one_at_a_time_and_says_why() {
    if !Path::new("/proc/pressure/cpu").exists() {
        crate::support::skipped("this kernel tells no pressure");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let go = place.path().join("go");
    let fake = Fake::new(&format!("wait-file {}\nstats 1 1 0\nexit 0", go.display()));
    let env = held(Env::new().with_fake(&fake), 6, "parallel = 'auto'\nparallel_max = 6");
    let burning = Burning::start();
    let running = env.spawn(["-v", "sync", "--all"]);
    running.until_said("parallel: 1 at a time instead of ");
    let (_, err) = running.so_far();
    assert!(err.contains("programs wait for "), "{err}");
    drop(burning);
    fs::write(go, "").unwrap();
    let ended = running.wait().expect_code(0);
    assert!(ended.out().contains("Total: 6 | Success: 6 | Failed: 0"), "{ended}");
}

/// Threads that wait for the disk and for hardly anything else: they read one file again and again, past the cache. Over
/// when dropped. Nothing waits where the file system knows no such reading.
struct Waiting {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Waiting {
    fn start(dir: &Path) -> Self {
        let (path, over) = (dir.join("read"), Arc::new(AtomicBool::new(false)));
        let mut file = fs::File::create(&path).unwrap();
        // Not one block for all of them, as zeros may be to a disk.
        (0..64).for_each(|n| file.write_all(&vec![n; 1 << 20]).unwrap());
        file.sync_all().unwrap();
        let thread = |n: u64| {
            let (path, over) = (path.clone(), over.clone());
            std::thread::spawn(move || {
                let direct = fs::File::options().read(true).custom_flags(libc::O_DIRECT).open(path);
                let Ok(file) = direct else { return };
                // The kernel wants whole pages.
                let mut room = vec![0; (1 << 20) + 4096];
                let from = room.as_ptr().align_offset(4096);
                let page = &mut room[from..from + (1 << 20)];
                let mut at = n * 7;
                while !over.load(Ordering::Relaxed) && file.read_at(page, (at % 64) << 20).is_ok() {
                    at += 1;
                }
            })
        };
        Waiting { threads: (0..8).map(thread).collect(), over }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

/// Seconds since the machine was started in which somebody waited for a CPU, and in which everybody waited for disks.
fn waited() -> (f64, f64) {
    let total = |name: &str, which: &str| {
        let text = fs::read_to_string(format!("/proc/pressure/{name}")).unwrap();
        let line = text.lines().find(|line| line.starts_with(which)).unwrap();
        line.split("total=").nth(1).unwrap().trim().parse::<f64>().unwrap() / 1e6
    };
    (total("cpu", "some"), total("io", "full"))
}

/// "Everybody waits for disks" only while nobody else computes, and what else this machine does is not ours to say. So the
/// CPUs get busy as well if the disks alone do not do it; but three seconds of which the kernel says that they were bad must do.
#[test]
fn auto_steps_back_under_a_real_load_of_disks_and_cpus_and_says_why() {
    if !Path::new("/proc/pressure/io").exists() {
        return crate::support::skipped("this kernel tells no pressure");
    }
    let place = mirror();
    let go = place.path().join("go");
    let fake = Fake::new(&format!("wait-file {}\nstats 1 1 0\nexit 0", go.display()));
    let env = held(Env::new().with_fake(&fake), 6, "parallel = 'auto'\nparallel_max = 6");
    let load = Waiting::start(place.path());
    let (cpu, io) = waited();
    let running = env.spawn(["-v", "sync", "--all"]);
    let said = || running.so_far().1.contains("parallel: 1 at a time instead of 2: ");
    let (begun, mut bad) = (Instant::now(), 0);
    // A decision looks at a second of its own: within three in a row that were bad one lies whole.
    while bad < 3 && !said() && begun.elapsed() < Duration::from_secs(6) {
        let (second, before) = (Instant::now(), waited().1);
        eventually("a second goes by", || said() || second.elapsed() >= Duration::from_secs(1));
        let share = (waited().1 - before) / second.elapsed().as_secs_f64();
        bad = if share > 0.8 { bad + 1 } else { 0 };
    }
    let burning = (bad < 3 && !said()).then(Burning::start);
    running.until_said("parallel: 1 at a time instead of 2: ");
    let (after_cpu, after_io) = waited();
    drop((load, burning));
    let (_, err) = running.so_far();
    let why = err.lines().find_map(|line| line.split_once("parallel: 1 at a time instead of 2: ")).unwrap().1;
    // What it says is what the kernel has counted meanwhile, a rounding aside.
    let (what, counted) = match why.split_once(" wait for a CPU ").or(why.split_once(" wait for disks ")) {
        Some(("programs", share)) => (share, after_cpu - cpu),
        Some(("all programs", share)) => (share, after_io - io),
        _ => panic!("neither the CPUs nor the disks: {err}"),
    };
    let share: f64 = what.split_once(" % of the time").unwrap().0.parse().unwrap();
    assert!((60.0..=100.0).contains(&share) && counted > 0.5, "{counted} s: {err}");
    fs::write(go, "").unwrap();
    let ended = running.wait().expect_code(0);
    assert!(ended.out().contains("Total: 6 | Success: 6 | Failed: 0"), "{ended}");
}

#[test]
fn auto_is_an_option_of_the_command_line_and_never_more_than_its_cap() {
    let fake = Fake::new("stats 1 1 0\nexit 0");
    let env = held(Env::new().with_fake(&fake), 3, "parallel_max = 2");
    let ended = env.run(["sync", "--all", "--parallel", "auto", "--json"]).expect_code(0);
    assert_eq!(ended.events("run_started")[0]["parallel"], 2, "{ended}");
    let ended = env.run(["sync", "--all", "--parallel", "some"]).expect_code(2);
    assert!(ended.err().contains("neither a number from 1 to 100 nor \"auto\""), "{ended}");
}

#[test]
fn children_step_back_as_far_as_the_job_says() {
    let upstream = Upstream::new().with_corpus();
    let env = Env::new().with_pipe(&upstream);
    // A hook tells what the kernel thinks of it; rsyncs are started in the same way.
    let more = "nice = 7\nionice = \"best-effort:6\"\nbefore = [\"nice; ionice -p $$\"]";
    let config = one_job(&[&upstream.url("m/")], &env.mirror("j"), more);
    let ended = env.with_config(&config).run(["sync", "j", "--json"]).expect_code(0);
    let lines: Vec<String> =
        ended.events("output").iter().map(|o| o["line"].as_str().unwrap().to_owned()).collect();
    let own: i32 = rustix::process::nice(0).unwrap();
    assert!(lines.contains(&(own + 7).to_string()), "{ended}");
    if Path::new("/usr/bin/ionice").exists() {
        assert!(lines.contains(&"best-effort: prio 6".into()), "{ended}");
    }
}

/// Bytes of a file's contents in memory; `None` where the kernel does not tell.
fn cached(path: &Path) -> Option<u64> {
    let file = fs::File::open(path).unwrap();
    pdb_sync::system::reclaim::resident(&file).map(|resident| resident.cached)
}

/// On a disk, which a temporary directory may not be.
fn mirror() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

#[test]
fn what_a_transfer_brought_is_dropped_from_the_cache_if_the_job_says_so() {
    let upstream = Upstream::new();
    let big = upstream.write("big", vec![7; 4 << 20]);
    for (policy, kept) in [("keep", true), ("drop", false)] {
        let dir = mirror();
        let env = Env::new().with_pipe(&upstream);
        let config = one_job(&[&upstream.url("m/")], &dir.path().join("j"), &format!("cache = \"{policy}\""));
        let ended = env.with_config(&config).run(["-v", "sync", "j"]).expect_code(0);
        let Some(bytes) = cached(&dir.path().join("j/big")) else {
            return crate::support::skipped("this kernel does not tell what is cached");
        };
        assert_eq!(bytes > 0, kept, "{policy}: {bytes} bytes\n{ended}");
        assert_eq!(ended.err().contains("cache: released 4.2 MB of 1 file that arrived"), !kept, "{ended}");
        assert_eq!(fs::read(&big).unwrap(), fs::read(dir.path().join("j/big")).unwrap());
    }
}

#[test]
fn what_has_come_is_dropped_while_the_rest_is_coming() {
    let upstream = Upstream::new();
    let noise: Vec<u8> = (0_u32..1 << 20).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    upstream.write("a", &noise[..1 << 20]);
    upstream.write("z", &noise);
    let dir = mirror();
    let env = Env::new().with_pipe(&upstream);
    // It never ends by itself in the time that the first file is in memory for sure.
    let config =
        one_job(&[&upstream.url("m/")], &dir.path().join("j"), "cache = \"drop\"\nbwlimit = \"300KB\"");
    let env = env.with_config(&config);
    let running = env.spawn(["sync", "j"]);
    let first = dir.path().join("j/a");
    eventually("the first file has come", || first.exists());
    if cached(&first).is_none() {
        return crate::support::skipped("this kernel does not tell what is cached");
    }
    eventually("it is out of memory", || cached(&first) == Some(0));
    assert!(!dir.path().join("j/z").exists(), "the transfer was over");
    running.signal(rustix::process::Signal::TERM);
    running.wait().expect_code(143);
}

#[test]
fn reclaim_shows_what_it_gave_back_and_claims_no_more() {
    let dir = mirror();
    let file = dir.path().join("file");
    fs::write(&file, vec![1; 2 << 20]).unwrap();
    fs::File::open(&file).unwrap().sync_all().unwrap();
    if cached(&file).is_none() {
        crate::support::skipped("this kernel does not tell what is cached");
        return;
    }
    let env = Env::new();
    let path = dir.path().to_str().unwrap();
    let ended = env.run(["reclaim", path, "--json"]).expect_code(0);
    let step = &ended.events("step")[0];
    assert_eq!(step["freed_bytes"], 2 << 20, "{ended}");
    assert_eq!(
        (&step["files"], &step["kept_bytes"], &step["ended"]),
        (&1.into(), &0.into(), &serde_json::Value::Null)
    );
    let [chunk] = &step["chunks"].as_array().unwrap()[..] else { panic!("{ended}") };
    assert_eq!((&chunk["files"], &chunk["freed_bytes"]), (&1.into(), &(2 << 20).into()), "{ended}");
    assert_eq!(cached(&file), Some(0));
    let ended = env.run(["reclaim", path]).expect_code(0);
    assert!(ended.out().contains("released 0 B of 1 file"), "{ended}");
    assert!(ended.out().contains("available memory: "), "{ended}");
    let ended = env.run(["reclaim", path, "--target", "1B"]).expect_code(0);
    assert!(ended.out().contains("stopped: enough memory is available"), "{ended}");
    env.run(["reclaim", "--target", "much", path]).expect_code(2);
    let ended = env.run(["reclaim", path, "--target", "0%", "--json"]).expect_code(0);
    assert_eq!(
        (&ended.events("step")[0]["ended"], &ended.events("step")[0]["files"]),
        (&"target".into(), &0.into())
    );
    for wrong in ["101%", "-1%", "x%", "%"] {
        let ended = env.run(["reclaim", path, &format!("--target={wrong}")]).expect_code(2);
        assert!(ended.err().contains("is not a share of the memory"), "{ended}");
    }
}

#[test]
fn jobs_with_the_fastest_source_first_measure_for_the_next_run() {
    let upstream = Upstream::new().with_corpus().listen();
    let env = Env::new();
    let dead = "rsync://127.0.0.1:1/m/";
    // Long enough for the measurement beside it.
    let seen = env.state().join("mirrors.json");
    let wait = format!("before = [\"until [ -e '{}' ]; do sleep 0.01; done\"]", seen.display());
    let more = format!("source_order = \"fastest\"\nretries = 0\n{wait}");
    let config = one_job(&[dead, &upstream.url("m/")], &env.mirror("j"), &more);
    let env = env.with_config(&config);
    let first = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(first.tries().len(), 2, "nothing was known: {first}");
    let second = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(second.tries(), [(upstream.url("m/"), Some(0))], "{second}");
}
