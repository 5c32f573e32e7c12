//! What the integration tests stand on: a real upstream, a home of their own, a scripted rsync, and patience with a deadline.

pub(crate) mod corpus;
mod env;
mod fake;
mod job;
mod job_file;
mod mounts;
mod process;
mod skip;
mod tree;
mod upstream;

pub(crate) use env::{Ended, Env, Running};
pub(crate) use fake::Fake;
pub(crate) use job::{job, rsync};
pub(crate) use job_file::one_job;
pub(crate) use mounts::with_mounts;
pub(crate) use process::{eventually, is_running, with_marker};
pub(crate) use skip::skipped;
pub(crate) use tree::{Entry, Kind, tree};
pub(crate) use upstream::Upstream;
