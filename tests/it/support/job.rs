//! Jobs without a config file.

use pdb_sync::model::job::{
    CachePolicy, Hooks, Job, MaxDelete, MaxOlder, Preset, Priority, Source, SourceOrder,
};
use pdb_sync::rsync::args::{Purpose, argv};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A job with nothing but a source and a destination, and the defaults of the config for the rest.
pub(crate) fn job(source: &str, dest: &Path) -> Job {
    Job {
        name: "test".into(),
        description: String::new(),
        tags: vec![],
        enabled: true,
        priority: 0,
        sources: vec![Source::parse(source, Path::new("/")).unwrap()],
        source_order: SourceOrder::Given,
        dest: dest.to_owned(),
        preset: Preset::Mirror,
        delete: false,
        keep_deleted: None,
        max_delete: MaxDelete::Default,
        allow_empty_source: false,
        max_older: MaxOlder::Default,
        allow_older: false,
        adopt: pdb_sync::model::job::Adopt::SizeTime,
        adopt_again: false,
        min_free: None,
        include: vec![],
        exclude: vec![],
        bwlimit: None,
        min_rate: None,
        compress: false,
        checksum: false,
        inc_recursive: false,
        rsync_args: vec![],
        typed_args: vec![],
        password_file: None,
        retries: 0,
        retry_delay: Duration::ZERO,
        busy_delay: Duration::ZERO,
        timeout: None,
        stall: Some(Duration::from_secs(60)),
        connect_timeout: Duration::from_secs(20),
        child_priority: Priority::default(),
        cache: CachePolicy::Keep,
        hooks: Hooks::default(),
        index: pdb_sync::model::job::Indexing { enabled: true, ..Default::default() },
        unfit: None,
    }
}

/// The real rsync with the job's arguments for that purpose, in the way that a run starts it.
pub(crate) fn rsync(job: &Job, purpose: Purpose) -> Command {
    let argv = argv("rsync", job, &job.sources[0], purpose);
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).env("LC_ALL", "C").stdin(std::process::Stdio::null());
    command
}
