//! What a job gives to rsync in options of its own, asked one by one.

use super::options;
use crate::model::host_facts::NamedFor;
use crate::model::job::{Job, Source};
use crate::model::sanitize;
use std::path::{Path, PathBuf};

/// Whether these options bring a remote shell of their own, so that even a daemon is reached through it.
pub fn own_shell(rsync_args: &[String]) -> bool {
    options::names(rsync_args, Some('e'), "rsh")
}

/// The same job without its filters and lists of files; `None` if it has none.
pub fn unfiltered(job: &Job) -> Option<Job> {
    let rsync_args = options::without_filters(&job.rsync_args);
    if job.include.is_empty() && job.exclude.is_empty() && rsync_args == job.rsync_args {
        return None;
    }
    Some(Job { include: Vec::new(), exclude: Vec::new(), rsync_args, ..job.clone() })
}

/// The job as a listing for an empty directory, `dest`, has to see it, which names everything that filters and limits of size let through.
pub fn passing(job: &Job, dest: PathBuf) -> Job {
    let mut rsync_args = options::without_hiding(&job.rsync_args);
    rsync_args.extend(options::size_limits(&job.rsync_args));
    Job { dest, rsync_args, delete: false, checksum: false, ..job.clone() }
}

/// The name of the directory that rsync makes in the destination if this source is one ([`Source::own_directory`]); `None` also where the
/// job's options let whole paths come.
pub fn own_directory<'a>(rsync_args: &[String], source: &'a Source) -> Option<&'a str> {
    let whole_paths = options::names(rsync_args, Some('R'), "relative") || files_from(rsync_args).is_some();
    source.own_directory().filter(|_| !whole_paths)
}

/// What is told of a source of which the directory `name` itself comes, and what to do about it.
pub fn own_directory_text(source: &Source, name: &str, dest: &Path) -> (String, String) {
    let text = format!(
        "{source} has no slash at its end, so that the directory itself comes, as {}",
        sanitize::path(&dest.join(name))
    );
    (text, format!("write \"{source}/\" if only its contents are meant"))
}

/// The limits of size that the job gives to rsync, as `--max-size=1g`. What they leave out is in rsync's list and in its figures.
pub fn size_limits(rsync_args: &[String]) -> Vec<String> {
    options::size_limits(rsync_args)
}

/// The list of files that the job names to rsync (`--files-from`).
pub fn files_from(rsync_args: &[String]) -> Option<&str> {
    options::value(rsync_args, "files-from")
}

/// The remote shell that these options name, with its own options.
pub fn shell(rsync_args: &[String]) -> Option<&str> {
    options::value_of(rsync_args, Some('e'), "rsh")
}

/// The directory of rsync's own backups, below the destination if it is relative.
pub fn backup_dir(rsync_args: &[String]) -> Option<&str> {
    options::value(rsync_args, "backup-dir")
}

/// The file from which rsync would read the password.
pub fn password_file(rsync_args: &[String]) -> Option<&str> {
    options::value(rsync_args, "password-file")
}

/// The port that these options give for sources which name none.
pub fn port(rsync_args: &[String]) -> Option<u16> {
    options::value(rsync_args, "port")?.parse().ok()
}

/// What such an option names a file for.
pub fn named_for(option: &str) -> NamedFor {
    if option == "log-file" { NamedFor::Writing } else { NamedFor::Reading }
}

/// What is told of such a file that rsync cannot use, and what to do about it. `place`: where it is named.
pub fn unusable_text(option: &str, path: &str, why: &str, place: &str) -> (String, String) {
    let path = sanitize::name(path.as_bytes());
    (
        format!("--{option} names {path}, which cannot be used: {why}"),
        format!("correct the path {place}, or make it a file that this user may read"),
    )
}
