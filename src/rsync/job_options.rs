//! Looks up single options in a job's rsync options.

use super::options;
use crate::model::host_facts::NamedFor;
use crate::model::job::{Job, Source};
use crate::model::sanitize;
use std::path::{Path, PathBuf};

/// Whether these options set a remote shell, so that even a daemon is reached through it.
pub fn own_shell(rsync_args: &[String]) -> bool {
    options::names(rsync_args, Some('e'), "rsh")
}

/// Returns the same job without its filters and file lists; `None` if it has none.
pub fn unfiltered(job: &Job) -> Option<Job> {
    let rsync_args = options::without_filters(&job.rsync_args);
    if job.include.is_empty() && job.exclude.is_empty() && rsync_args == job.rsync_args {
        return None;
    }
    Some(Job { include: Vec::new(), exclude: Vec::new(), rsync_args, ..job.clone() })
}

/// Returns the job for a listing into an empty directory, `dest`, which names everything that filters and size limits let through.
pub fn passing(job: &Job, dest: PathBuf) -> Job {
    let mut rsync_args = options::without_hiding(&job.rsync_args);
    rsync_args.extend(options::size_limits(&job.rsync_args));
    Job { dest, rsync_args, delete: false, checksum: false, ..job.clone() }
}

/// Returns the job that transfers exactly the entries named in the file `list`, from `source`. The filters are left out, since the listing
/// that named the entries has applied them. Directories are transferred without their contents.
pub fn only_listed(job: &Job, source: Source, list: &str) -> Job {
    let mut rsync_args = options::without_filters(&job.rsync_args);
    rsync_args.extend(options::size_limits(&job.rsync_args));
    rsync_args.extend([format!("--files-from={list}"), "--from0".into()]);
    // With `-r`, a directory in the list would be transferred with all its contents.
    rsync_args.extend(["--no-recursive", "--dirs"].map(str::to_owned));
    let (include, exclude) = (Vec::new(), Vec::new());
    Job { sources: vec![source], include, exclude, delete: false, rsync_args, ..job.clone() }
}

/// Returns the same job for one of several transfers at the same time, which share the bandwidth.
pub fn for_part(job: Job, connections: u64) -> Job {
    let share = |rate: Option<u64>| rate.map(|rate| rate.div_ceil(connections.max(1)));
    Job { bwlimit: share(job.bwlimit), min_rate: share(job.min_rate), ..job }
}

/// Returns the job that lists the entries named in the file `list`, from `source`, as far as the job's filters let them through. `deep`:
/// directories are listed with all their contents, otherwise without (with a slash at the end of the name: with their entries).
pub fn only_named(job: &Job, source: Source, list: &str, deep: bool) -> Job {
    let mut rsync_args = job.rsync_args.clone();
    rsync_args.extend([format!("--files-from={list}"), "--from0".into()]);
    let depth: &[&str] = if deep { &["--recursive"] } else { &["--no-recursive", "--dirs"] };
    rsync_args.extend(depth.iter().map(|option| (*option).to_owned()));
    Job { sources: vec![source], delete: false, rsync_args, ..job.clone() }
}

/// Whether these options choose among the files of the source, so that a run with them does not bring all that one without them does.
pub fn chooses_files(rsync_args: &[String]) -> bool {
    options::without_filters(rsync_args) != rsync_args || options::without_hiding(rsync_args) != rsync_args
}

/// Whether these options transfer whole paths (`--relative`).
pub fn transfers_paths(rsync_args: &[String]) -> bool {
    options::names(rsync_args, Some('R'), "relative")
}

/// Options with which a list of the changed names does not do the same as a transfer of the whole source, and why.
const NOT_LISTED: [(Option<char>, &str, &str); 10] = [
    (None, "files-from", "the job has a list of its own (--files-from)"),
    (Some('R'), "relative", "--relative changes the names"),
    (None, "no-implied-dirs", "--no-implied-dirs is set"),
    (None, "no-i-d", "--no-implied-dirs is set"),
    (Some('H'), "hard-links", "with --hard-links, unchanged names of a group are needed as well"),
    (None, "iconv", "--iconv changes the names"),
    (Some('L'), "copy-links", "with --copy-links, names are below links"),
    (None, "copy-unsafe-links", "with --copy-unsafe-links, names are below links"),
    (Some('k'), "copy-dirlinks", "with --copy-dirlinks, names are below links"),
    (Some('K'), "keep-dirlinks", "with --keep-dirlinks, names are below links"),
];

/// Returns why a transfer with these options cannot be limited to a list of the changed names; `None` if it can.
pub fn not_listed(rsync_args: &[String]) -> Option<&'static str> {
    let given = NOT_LISTED.iter().find(|(letter, name, _)| options::names(rsync_args, *letter, name));
    given.map(|(.., why)| *why)
}

/// Whether rsync puts all files in their places at its end (`--delay-updates`). Several rsyncs have several ends, and they would share the directories
/// in which files wait.
pub fn delays_updates(rsync_args: &[String]) -> bool {
    options::names(rsync_args, None, "delay-updates")
}

/// Returns the job that fetches one file of at most `largest` bytes from `source` into the directory `dest`, with the modification time of
/// the source.
pub fn only_file(job: &Job, source: Source, dest: PathBuf, largest: u64) -> Job {
    let mut rsync_args = options::of_connection(&job.rsync_args);
    let own = ["--no-recursive", "--copy-links", "--no-perms"].map(str::to_owned);
    rsync_args.extend(own.into_iter().chain([format!("--max-size={largest}")]));
    let (include, exclude) = (Vec::new(), Vec::new());
    let (delete, checksum, keep_deleted) = (false, false, None);
    Job {
        sources: vec![source],
        dest,
        include,
        exclude,
        delete,
        checksum,
        keep_deleted,
        rsync_args,
        ..job.clone()
    }
}

/// Whether a listing can be divided by further filters. Filters of the job that are anchored, that clear others, or that come from files may
/// mean other names then.
pub fn can_be_split(job: &Job) -> bool {
    let own = options::without_filters(&job.rsync_args) == job.rsync_args;
    let mut patterns = job.include.iter().chain(&job.exclude);
    let loose =
        |pattern: &String| !pattern.trim_end_matches('/').contains('/') && !options::clears_filters(pattern);
    own && not_listed(&job.rsync_args).is_none() && patterns.all(loose)
}

/// Returns the name of the directory that rsync creates in the destination if this source is one ([`Source::own_directory`]); `None` also
/// if the job's options transfer whole paths.
pub fn own_directory<'a>(rsync_args: &[String], source: &'a Source) -> Option<&'a str> {
    let whole_paths = options::names(rsync_args, Some('R'), "relative") || files_from(rsync_args).is_some();
    source.own_directory().filter(|_| !whole_paths)
}

/// Returns the message and the hint about a source that transfers the directory `name` itself.
pub fn own_directory_text(source: &Source, name: &str, dest: &Path) -> (String, String) {
    let text = format!(
        "{source} has no slash at its end, so the directory itself is transferred, as {}",
        sanitize::path(&dest.join(name))
    );
    (text, format!("write \"{source}/\" if only its contents are meant"))
}

/// Returns the size limits in the job's options, such as `--max-size=1g`. Files that they exclude are in rsync's file list and figures.
pub fn size_limits(rsync_args: &[String]) -> Vec<String> {
    options::size_limits(rsync_args)
}

/// Returns the file list in the job's options (`--files-from`).
pub fn files_from(rsync_args: &[String]) -> Option<&str> {
    options::value(rsync_args, "files-from")
}

/// Returns the remote shell in these options, with its own options.
pub fn shell(rsync_args: &[String]) -> Option<&str> {
    options::value_of(rsync_args, Some('e'), "rsh")
}

/// Returns the directory for rsync's own backups; below the destination if it is relative.
pub fn backup_dir(rsync_args: &[String]) -> Option<&str> {
    options::value(rsync_args, "backup-dir")
}

/// Returns the file that rsync would read the password from.
pub fn password_file(rsync_args: &[String]) -> Option<&str> {
    options::value(rsync_args, "password-file")
}

/// Returns the port in these options, for sources without a port.
pub fn port(rsync_args: &[String]) -> Option<u16> {
    options::value(rsync_args, "port")?.parse().ok()
}

/// Returns how rsync uses the file that this option names.
pub fn named_for(option: &str) -> NamedFor {
    if option == "log-file" { NamedFor::Writing } else { NamedFor::Reading }
}

/// Returns the message and the hint about such a file that rsync cannot use. `place`: where it is named.
pub fn unusable_text(option: &str, path: &str, why: &str, place: &str) -> (String, String) {
    let path = sanitize::name(path.as_bytes());
    (
        format!("--{option} names {path}, which cannot be used: {why}"),
        format!("correct the path {place}, or make it a file that this user may read"),
    )
}
