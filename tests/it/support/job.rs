//! Jobs without a config file.

use pdb_sync::config::{Overrides, load};
use pdb_sync::model::host_facts::HostFacts;
use pdb_sync::model::job::Job;
use pdb_sync::rsync::args::{Purpose, argv};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A job with nothing but a source and a destination, and the defaults of the config for the rest.
pub(crate) fn job(source: &str, dest: &Path) -> Job {
    let text = format!("[jobs.test]\nsource = {source:?}\ndest = {dest:?}\n");
    let config =
        load((&text, Path::new("/test.toml")), &[], &Overrides::default(), &HostFacts::default()).unwrap();
    Job {
        retries: 0,
        retry_delay: Duration::ZERO,
        busy_delay: Duration::ZERO,
        stall: Some(Duration::from_secs(60)),
        min_rate: None,
        connect_timeout: Duration::from_secs(20),
        ..config.jobs[0].clone()
    }
}

/// The real rsync with the job's arguments for that purpose, in the way that a run starts it.
pub(crate) fn rsync(job: &Job, purpose: Purpose) -> Command {
    let argv = argv("rsync", job, &job.sources[0], purpose);
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).env("LC_ALL", "C").stdin(std::process::Stdio::null());
    command
}
