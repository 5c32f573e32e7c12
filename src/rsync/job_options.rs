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
