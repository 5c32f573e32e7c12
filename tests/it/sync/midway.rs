//! A source that fails in the middle of a transfer, and the next one.

use super::{events, finished};
use crate::support::{Ended, Env, Upstream, one_job, tree};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

const SMALL: usize = 50_000;
const BIG: usize = 3_000_000;
/// More than lists, greetings and checksums of blocks take.
const TALK: u64 = 200_000;

/// Sizes by path, without directories.
type Sizes = BTreeMap<PathBuf, u64>;

/// Stands in front of a daemon.
struct Between {
    port: u16,
    /// How many bytes it still passes on to clients. Then it closes connections.
    left: Arc<AtomicU64>,
    /// How many bytes it has passed on to clients.
    passed: Arc<AtomicU64>,
    /// What the mirror held when a client first connected.
    held: Arc<Mutex<Option<Sizes>>>,
}

impl Between {
    fn new(upstream: &Upstream, mirror: &Path) -> Self {
        let behind = upstream.url("").trim_start_matches("rsync://").trim_end_matches('/').to_owned();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (left, passed) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::new(AtomicU64::new(0)));
        let held = Arc::new(Mutex::new(None));
        let between = Between { port, left: left.clone(), passed: passed.clone(), held: held.clone() };
        let mirror = mirror.to_owned();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                held.lock().unwrap().get_or_insert_with(|| sizes(&mirror));
                let server = TcpStream::connect(&behind).unwrap();
                let (left, passed) = (left.clone(), passed.clone());
                thread::spawn(move || pass(client, server, &left, &passed));
            }
        });
        between
    }

    fn url(&self) -> String {
        format!("rsync://127.0.0.1:{}/m/", self.port)
    }

    fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }

    fn held(&self) -> Sizes {
        self.held.lock().unwrap().clone().unwrap()
    }
}

fn pass(mut client: TcpStream, mut server: TcpStream, left: &AtomicU64, passed: &AtomicU64) {
    let (mut asks, mut asked) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut asks, &mut asked));
    let mut chunk = [0; 4096];
    while let Ok(n @ 1..) = server.read(&mut chunk) {
        let fits = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(n as u64));
        if fits.is_err() || client.write_all(&chunk[..n]).is_err() {
            break;
        }
        passed.fetch_add(n as u64, Ordering::SeqCst);
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

fn sizes(root: &Path) -> Sizes {
    let (mut open, mut found) = (vec![root.to_owned()], Sizes::new());
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let meta = fs::symlink_metadata(entry.path()).unwrap();
            if meta.is_dir() {
                open.push(entry.path());
            } else {
                found.insert(entry.path().strip_prefix(root).unwrap().into(), meta.len());
            }
        }
    }
    found
}

fn noise(bytes: usize, seed: u32) -> Vec<u8> {
    let words = (0..bytes as u32 / 4).map(|n| (n + seed).wrapping_mul(2_654_435_761).rotate_left(7) ^ seed);
    words.flat_map(|word| word.wrapping_mul(2_246_822_519).to_le_bytes()).collect()
}

/// Twenty small files, a large one, and twenty more.
fn fill(upstream: &Upstream, seed: u32, day: u64) {
    let small = (0..20).flat_map(|n| [format!("a/{n:02}"), format!("c/{n:02}")]).map(|name| (name, SMALL));
    for (n, (name, size)) in small.chain([("b/big".to_owned(), BIG)]).enumerate() {
        let path = upstream.write(name, noise(size, seed + n as u32));
        let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + day * 86_400);
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }
}

/// Two servers with the same files, and a job that reads from the first.
fn scene(more: &str) -> ([Upstream; 2], [Between; 2], Env) {
    let upstreams = [Upstream::new().listen(), Upstream::new().listen()];
    upstreams.iter().for_each(|upstream| fill(upstream, 1, 0));
    let env = Env::new();
    let between = [0, 1].map(|n| Between::new(&upstreams[n], &env.mirror("j")));
    let sources = [between[0].url(), between[1].url()];
    let config = one_job(
        &[&sources[0], &sources[1]],
        &env.mirror("j"),
        &format!("retries = 0\ndelete = true\n{more}"),
    );
    (upstreams, between, env.with_config(&config))
}

/// The names that rsync told in the second attempt.
fn second_attempt(ended: &Ended) -> Vec<String> {
    let all = ended.json();
    let start = all.iter().position(|event| event["event"] == "job_started" && event["attempt"] == 2);
    let rest = &all[start.unwrap_or_else(|| panic!("{ended}"))..];
    let list = rest.iter().position(|event| event["event"] == "phase" && event["phase"] == "list");
    let transfer = rest.iter().position(|event| event["event"] == "phase" && event["phase"] == "transfer");
    assert!(list.is_some() && list < transfer, "the second source is listed first: {ended}");
    let lines = rest.iter().filter(|event| event["event"] == "output" && event["stream"] == "stdout");
    let names = lines.map(|line| line["line"].as_str().unwrap().to_owned());
    let is_file = |name: &String| ["a/", "b/", "c/"].iter().any(|dir| name.starts_with(dir) && name != dir);
    names.filter(is_file).collect()
}

/// The second attempt transfers what the first has not brought, and the rest of the file that was interrupted.
#[track_caller]
fn goes_on(ended: &Ended, between: &[Between; 2]) {
    let held = between[1].held();
    let partial =
        held.get(Path::new("b/.~partial~/big")).copied().unwrap_or_else(|| panic!("{held:?}\n{ended}"));
    assert!(partial > 1_000_000 && partial < BIG as u64, "{partial}");
    let expected = (0..20).map(|n| format!("c/{n:02}"));
    let expected: Vec<String> = ["b/big".to_owned()].into_iter().chain(expected).collect();
    assert_eq!(second_attempt(ended), expected, "{ended}");
    let rest = BIG as u64 - partial + 20 * SMALL as u64;
    let passed = between[1].passed();
    assert!((rest..rest + TALK).contains(&passed), "{passed} bytes instead of {rest}: {ended}");
}

#[test]
fn the_next_source_goes_on_where_a_first_transfer_broke_off() {
    let (upstreams, between, env) = scene("");
    between[0].left.store(20 * SMALL as u64 + 2_000_000, Ordering::SeqCst);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.tries().len(), 2, "{ended}");
    assert!((0..20).all(|n| between[1].held()[Path::new(&format!("a/{n:02}"))] == SMALL as u64));
    goes_on(&ended, &between);
    assert_eq!(tree(&env.mirror("j")), tree(&upstreams[1].root()));
    assert!(sizes(&env.mirror("j")).len() == 41, "nothing partial is left");
}

#[test]
fn the_next_source_goes_on_where_a_refresh_broke_off() {
    let (upstreams, between, env) = scene("");
    env.run(["sync", "j"]).expect_code(0);
    upstreams.iter().for_each(|upstream| fill(upstream, 1_000, 7));
    upstreams.iter().for_each(|upstream| fs::remove_file(upstream.root().join("a/00")).unwrap());
    // Other contents under the same names: nothing of the mirror serves as a basis.
    between[0].left.store(19 * SMALL as u64 + 2_000_000, Ordering::SeqCst);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.tries().len(), 2, "{ended}");
    goes_on(&ended, &between);
    // Another source than the usual one does not delete.
    assert!(env.mirror("j/a/00").exists(), "{ended}");
    assert_eq!(finished(&ended, "j")["status"], "warned", "{ended}");
    between[0].left.store(u64::MAX, Ordering::SeqCst);
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!((&finished(&ended, "j")["files_transferred"], ended.tries().len()), (&0.into(), 1), "{ended}");
    assert_eq!(tree(&env.mirror("j")), tree(&upstreams[0].root()));
}

#[test]
fn the_guards_judge_the_next_source_anew() {
    let (upstreams, between, env) = scene("max_delete = 5");
    env.run(["sync", "j"]).expect_code(0);
    upstreams.iter().for_each(|upstream| fill(upstream, 1_000, 7));
    fs::remove_dir_all(upstreams[1].root().join("a")).unwrap();
    between[0].left.store(20 * SMALL as u64 + 2_000_000, Ordering::SeqCst);
    let ended = env.run(["sync", "j", "--json"]).expect_code(4);
    assert_eq!(finished(&ended, "j")["status"], "blocked", "{ended}");
    goes_on(&ended, &between);
    assert!((0..20).all(|n| env.mirror("j").join(format!("a/{n:02}")).exists()), "{ended}");

    // A source that is older than what has come already is refused.
    let (upstreams, between, env) = scene("");
    env.run(["sync", "j"]).expect_code(0);
    fill(&upstreams[0], 1_000, 7);
    upstreams[0].write("a/00", noise(SMALL / 2, 5));
    between[0].left.store(20 * SMALL as u64 + 2_000_000, Ordering::SeqCst);
    let ended = env.run(["sync", "j", "--json"]).expect_code(4);
    assert_eq!((ended.tries().len(), events(&ended, "retry").len()), (2, 1), "{ended}");
    assert!(finished(&ended, "j")["error"].as_str().unwrap().contains("older"), "{ended}");
    assert_eq!(fs::metadata(env.mirror("j/a/00")).unwrap().len(), SMALL as u64 / 2, "{ended}");
}

/// What the first source has brought before it failed is checked, too.
#[test]
fn what_came_before_a_source_failed_is_verified() {
    let (upstreams, between, env) = scene("verify = true");
    let page = |upstream: &Upstream, text: &str| {
        let path = upstream.write("a/page.gz", text);
        let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    upstreams.iter().for_each(|upstream| page(upstream, "no gzip"));
    between[0].left.store(20 * SMALL as u64 + 2_000_000, Ordering::SeqCst);
    let ended = env.run(["sync", "j", "--json"]).expect_code(3);
    assert_eq!(ended.tries().len(), 2, "{ended}");
    let end = finished(&ended, "j");
    assert_eq!((&end["files_verified"], &end["files_damaged"]), (&1.into(), &1.into()), "{ended}");
    assert!(end["error"].as_str().unwrap().contains("a/page.gz (not gzip)"), "{ended}");
}

#[test]
fn transfers_measure_sources_and_a_source_that_failed_comes_last() {
    let upstream = Upstream::new().listen();
    upstream.write("f", noise(2_500_000, 1));
    let env = Env::new();
    let (bad, good) = (upstream.url("nothing/"), upstream.url("m/"));
    let config = |sources: &[&str], more: &str| {
        let more = format!("source_order = \"fastest\"\nretries = 0\n{more}");
        fs::write(env.config(), one_job(sources, &env.mirror("j"), &more)).unwrap();
    };
    let known = || -> serde_json::Value {
        serde_json::from_slice(&fs::read(env.state().join("mirrors.json")).unwrap()).unwrap()
    };
    // Both are of one server, so that its answers to probes tell nothing.
    config(&[&bad, &good], "bwlimit = \"1MB\"");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.tries().len(), 2, "{ended}");
    let all = known();
    let rate = all[&good]["measured"]["bytes_per_s"].as_f64().unwrap_or_else(|| panic!("{all}"));
    assert!((200_000.0..1_500_000.0).contains(&rate), "{all}");
    assert!(all[&bad]["failed"].is_string() && all[&bad]["measured"].is_null(), "{all}");
    let ended = env.run(["sync", "j", "--json"]).expect_code(0);
    assert_eq!(ended.tries(), [(good.clone(), Some(0))], "{ended}");
    // What is small or short measures nothing.
    upstream.write("f", noise(500_000, 2));
    env.run(["sync", "j"]).expect_code(0);
    config(&[&bad, &good], "");
    upstream.write("f", noise(2_500_000, 3));
    env.run(["sync", "j"]).expect_code(0);
    assert_eq!(known()[&good]["measured"], all[&good]["measured"]);
}
