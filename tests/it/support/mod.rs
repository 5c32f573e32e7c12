//! What the integration tests stand on: a real upstream, a home of their own, a scripted rsync, and patience with a deadline.

pub(crate) mod corpus;
mod counting_daemon;
mod env;
mod fake;
mod fake_daemon;
#[cfg_attr(not(target_os = "linux"), path = "no_fuse.rs")]
mod fuse;
mod job;
mod job_file;
pub(crate) mod lines;
mod long;
mod mounts;
mod process;
mod pty;
#[cfg(target_os = "linux")]
mod seccomp;
mod skip;
mod somebody;
mod terminal;
mod tree;
mod upstream;
mod users;

pub(crate) use counting_daemon::CountingDaemon;
pub(crate) use env::{Ended, Env, Running, binary};
pub(crate) use fake::Fake;
pub(crate) use fake_daemon::FakeDaemon;
pub(crate) use fuse::Fuse;
pub(crate) use job::{job, rsync};
pub(crate) use job_file::one_job;
pub(crate) use long::{is_long, rounds};
pub(crate) use mounts::with_mounts;
pub(crate) use process::{eventually, is_running, with_marker};
pub(crate) use pty::on_terminal;
#[cfg(target_os = "linux")]
pub(crate) use seccomp::{Refusal, allow_only, refuse, system_calls, without_flock};
pub(crate) use skip::skipped;
pub(crate) use somebody::{NOBODY, Somebody, mode_of, set_dirs};
pub(crate) use terminal::Terminal;
pub(crate) use tree::{Entry, Kind, holds_something, only_entry, packed, tree};
pub(crate) use upstream::Upstream;
pub(crate) use users::{ALICE, BOB, CAROL, GROUP, User};
