//! `sync` through the binary, mostly with the real rsync at both ends.

mod adopt;
mod adopt_unfinished;
mod attributes;
mod bandwidth;
mod basics;
mod blame;
mod complete;
mod connections;
mod crawl;
mod descendants;
mod ends;
mod equals;
mod exit_codes;
mod expect;
mod failover;
mod failures;
mod faults;
mod filters;
mod flags;
mod folding;
mod github_junit;
mod guards;
mod guards_moving;
mod hooks;
mod ids;
mod ids_deletion;
mod ids_lists;
mod ids_many;
mod jitter;
mod layout;
mod linked;
mod lock;
#[cfg(target_os = "linux")]
mod lock_users;
mod marker;
mod midway;
mod mistakes;
#[cfg(target_os = "linux")]
mod mount_required;
mod names;
mod needs;
mod negotiated_checksums;
mod older;
mod output;
#[cfg(target_os = "linux")]
mod owners;
mod passwords;
mod readonly_dirs;
mod renames;
mod reserved;
#[cfg(target_os = "linux")]
mod roots;
mod shared;
mod silence;
mod ssh;
mod state_dir;
mod status_request;
mod terminal;
mod transfer_list;
mod two_stages;
mod unfit;
mod verify;

use crate::support::{Ended, Env, Fake, Upstream};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The beginning of every config: nothing takes long, mirrors hang below [`Env::mirror`].
const QUICK: &str = "version = 1\n[sync]\ngrace = '300ms'\n[defaults]\nroot = 'mirror'\nretries = 0\n\
                     retry_delay = '10ms'\nbusy_delay = '10ms'\n";

/// A config with these jobs: TOML that may go on with `[defaults]`.
fn quick(jobs: &str) -> String {
    format!("{QUICK}{jobs}")
}

/// Jobs of these names that read from a host which only the fake knows, each with `more` said about it.
fn jobs(names: &[&str], more: &str) -> String {
    let job = |name: &&str| format!("[jobs.{name}]\nsource = 'rsync://h/{name}/'\ndest = '{name}'\n{more}\n");
    names.iter().map(job).collect()
}

/// A home with jobs of these names for that fake.
fn faked(fake: &Fake, names: &[&str], more: &str) -> Env {
    Env::new().with_fake(fake).with_config(&quick(&jobs(names, more)))
}

/// A home with one job `a` that copies `a/` beside the config, which holds one file `f`.
fn local(more: &str) -> Env {
    let env = Env::new();
    std::fs::create_dir(env.dir().join("a")).unwrap();
    std::fs::write(env.dir().join("a/f"), "contents\n").unwrap();
    env.with_config(&quick(&format!("[jobs.a]\nsource = 'a/'\ndest = 'a'\n{more}\n")))
}

/// An upstream that takes a while over its one file `big`, and a home with a job `a` that mirrors it.
fn slow() -> (Upstream, Env) {
    let upstream = Upstream::new();
    let noise: Vec<u8> = (0_u32..1 << 18).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    upstream.write("big", noise);
    let job = format!("bwlimit = '500KB'\n[jobs.a]\nsource = '{}'\ndest = 'a'\n", upstream.url("m/"));
    // rsync takes about half a second to put away what it has.
    let config = quick(&job).replace("300ms", "10s");
    let env = Env::new().with_pipe(&upstream).with_config(&config);
    (upstream, env)
}

/// The events of that name, in order.
fn events(ended: &Ended, name: &str) -> Vec<Value> {
    ended.json().into_iter().filter(|event| event["event"] == name).collect()
}

/// The one `job_finished` of that job.
#[track_caller]
fn finished(ended: &Ended, job: &str) -> Value {
    let mut all: Vec<_> = events(ended, "job_finished").into_iter().filter(|e| e["job"] == job).collect();
    assert_eq!(all.len(), 1, "{job}\n{ended}");
    all.remove(0)
}

/// The names of the destinations that the fake was called for, in order.
fn called(fake: &Fake) -> Vec<String> {
    let name = |call: Vec<String>| Path::new(call.last().unwrap()).file_name().unwrap().to_owned();
    fake.calls().into_iter().map(|call| name(call).into_string().unwrap()).collect()
}

/// One of the logs of a job, the only one after the first run.
fn log(env: &Env, job: &str) -> Option<PathBuf> {
    Some(std::fs::read_dir(env.state().join("logs").join(job)).ok()?.next()?.unwrap().path())
}

/// The file that rsync is writing into, for a file of that name.
fn temporary(dir: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let prefix = format!(".{name}.");
    entries.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&prefix))
}

/// For a fake's script: rsync's progress, which begins with `\r` and has no end of its own. `rest` are the time and the brackets, or two
/// spaces in their place.
fn progress(bytes: u64, percent: u8, rest: &str) -> String {
    format!("raw 0d\npartial {bytes:>15} {percent:>3}%  100.00kB/s    {rest}\n")
}
