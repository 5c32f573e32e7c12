//! The argument vectors for rsync.
//!
//! Three properties hold for every job. No live run gets `--delete`: a dry run counts, and our own code deletes exactly the counted
//! entries. Options whose output [`super::output`] parses follow the job's own options, and so have priority. Filters for names that must
//! never be touched precede all other filters.

use super::options::{self, PROTECTED};
use crate::model::job::{Address, Job, Preset, Source};
use crate::model::system_names::{OF_FILE_SYSTEMS, QUARANTINE};
use std::time::Duration;

pub use super::job_options::{
    backup_dir, can_be_split, chooses_files, delays_updates, files_from, for_part, named_for, not_listed,
    only_file, only_listed, only_named, own_directory, own_directory_text, own_shell, passing, password_file,
    port, shell, size_limits, transfers_paths, unfiltered, unusable_text,
};
pub use super::options::{
    ADD_FILES, Filters, LetsIn, Refused, ShutsOut, check, check_with_delete, hint_for_key, leaves_out,
    lets_in, shuts_out,
};

/// Where rsync keeps partial files: inside the directory of the file. A truncated file never has its final name.
pub const PARTIAL_DIR: &str = ".~partial~";

/// The purpose of a run of rsync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A dry run, itemized for [`super::output`]: all entries that differ between source and destination, and with `delete` those that the
    /// source lacks. Options that would hide a difference (`--update`, `--existing`, `--max-size`, …) are omitted.
    List {
        /// Whether entries without a difference are listed too, so that all names of the source are known.
        all: bool,
    },
    /// A dry run for `--dry-run` and `--plan`: exactly what a transfer with the job's own options would do, with checksums if the job uses
    /// them.
    Plan {
        /// As for `List`.
        all: bool,
    },
    /// The transfer itself; it never deletes.
    Transfer,
}

/// Makes rsync print a line when the other side has answered. This is not sent to the server.
const TELL_PROTOCOL: &str = "--debug=proto1";

/// rsync rejects a `--bwlimit` from about 2^54 KiB/s on; this limit is a PiB per second.
const MAX_KIB: u64 = 1 << 40;

/// rsync rejects a `--timeout` from 2^31 s on; a year has the same effect.
const MAX_SECONDS: u64 = 365 * 24 * 3600;

/// Returns the whole argument vector: program, options, `--`, source, destination.
///
/// The destination ends with a `/`. `job.rsync_args` must have passed [`check`] or [`check_with_delete`].
pub fn argv(program: &str, job: &Job, source: &Source, purpose: Purpose) -> Vec<String> {
    let mut argv = vec![program.to_owned()];
    let mut add = |options: &[&str]| argv.extend(options.iter().map(|o| (*o).to_owned()));
    add(preset(job.preset));
    let live = purpose == Purpose::Transfer;
    // A file that is written in place is its own partial file; rsync rejects the combination. In a dry run rsync would only look for a
    // partial file beside each entry.
    let in_place = ["inplace", "append", "append-verify", "write-devices"];
    if live && !in_place.iter().any(|name| options::names(&job.rsync_args, None, name)) {
        add(&[&format!("--partial-dir={PARTIAL_DIR}")]);
    }
    if let Some(stall) = job.stall {
        // Longer than the limit of our own watchdog, whose verdict is more precise. The other side sends a keep-alive after half of it at
        // the latest.
        add(&[&format!("--timeout={}", whole_seconds(stall.saturating_add(stall / 2)))]);
    }
    if matches!(source.address, Address::Daemon { .. }) {
        // rsync rejects --contimeout with a daemon over a remote shell (`-e ssh host::module`).
        if !own_shell(&job.rsync_args) && !job.connect_timeout.is_zero() {
            add(&[&format!("--contimeout={}", whole_seconds(job.connect_timeout))]);
        }
        add(&["--sockopts=TCP_NODELAY"]);
        if let Some(file) = &job.password_file {
            add(&[&format!("--password-file={}", file.to_string_lossy())]);
        }
    }
    if source.is_remote() && !job.inc_recursive {
        add(&["--no-inc-recursive"]);
    }
    if job.compress {
        add(&["-z"]);
    }
    if job.checksum {
        add(&["-c"]);
    }
    if let Some(bytes) = job.bwlimit {
        add(&[&format!("--bwlimit={}", bytes.div_ceil(1024).clamp(1, MAX_KIB))]);
    }
    add(&PROTECTED);
    for (option, patterns) in [("include", &job.include), ("exclude", &job.exclude)] {
        for pattern in patterns {
            argv.push(format!("--{option}={pattern}"));
            if options::clears_filters(pattern) {
                argv.extend(PROTECTED.map(str::to_owned));
            }
        }
    }
    let own = match purpose {
        Purpose::List { .. } => options::without_hiding(&job.rsync_args),
        _ => job.rsync_args.clone(),
    };
    argv.extend(options::protected(&own));
    argv.extend(output_options(job, source, purpose).into_iter().map(str::to_owned));
    let mut dest = job.dest.to_string_lossy().into_owned();
    if !dest.ends_with('/') {
        dest.push('/');
    }
    argv.extend(["--".to_owned(), source.text.clone(), dest]);
    argv
}

/// Makes rsync move replaced files to the quarantine of a run, with a separate directory for each transfer of the run.
pub fn keep_replaced(argv: &mut Vec<String>, run: &str, layer: u64) {
    let end = argv.iter().rposition(|argument| argument == "--").unwrap_or(argv.len());
    let dir = format!("--backup-dir={QUARANTINE}/{run}/replaced-{layer}");
    argv.splice(end..end, ["--backup".to_owned(), "--suffix=".to_owned(), dir]);
}

/// Whether these options prevent rsync from replacing files that differ. A listing for the guards omits them, so it may name more than a
/// transfer with them changes.
pub fn hides_differences(rsync_args: &[String]) -> bool {
    options::without_hiding(rsync_args) != rsync_args
}

/// Makes rsync say which checksum it negotiates with the server ([`super::version::Version::tells_checksum`]). This is not sent to the server.
pub fn tell_checksum(argv: &mut [String]) {
    for argument in argv.iter_mut().filter(|argument| *argument == TELL_PROTOCOL) {
        argument.push_str(",nstr1");
    }
}

/// Whether the job's options leave the checksum to rsync.
pub fn leaves_checksum(job: &Job) -> bool {
    let own = ["checksum-choice", "cc", "protocol"];
    !own.iter().any(|name| options::names(&job.rsync_args, None, name))
}

/// Makes rsync use a checksum that it has negotiated with the server in an earlier connection.
pub fn choose_checksum(argv: &mut Vec<String>, name: &str) {
    let end = argv.iter().rposition(|argument| argument == "--").unwrap_or(argv.len());
    argv.insert(end, format!("--checksum-choice={name}"));
}

/// Whether the job's filters could include the source's `.pdb-sync`: rules from files may clear our filters and include it afterwards.
pub fn filters_from_files(rsync_args: &[String]) -> bool {
    options::filters_from_files(rsync_args)
}

/// Returns the maximum difference in seconds between two times that count as equal.
pub fn modify_window(job: &Job) -> i64 {
    let own = options::value(&job.rsync_args, "modify-window").and_then(|value| value.parse().ok());
    let preset = i64::from(job.preset == Preset::Minimal);
    own.unwrap_or(preset).max(0)
}

/// Returns the same options, with the names of the files that rsync reads or writes in addition to the transferred files (`--exclude-from`,
/// `--log-file` …) replaced by `path`.
pub fn with_files<E>(
    rsync_args: &[String],
    path: impl FnMut(&str) -> Result<String, E>,
) -> Result<Vec<String>, E> {
    options::with_files(rsync_args, path)
}

/// Returns the files on this machine that options name ([`with_files`]), each with the name of its option.
pub fn named_files(rsync_args: &[String]) -> Vec<(&str, &str)> {
    options::named_files(rsync_args)
}

/// Whether files at the destination get the modification times of the source.
pub fn keeps_times(rsync_args: &[String]) -> bool {
    !["no-times", "no-t"].iter().any(|name| options::names(rsync_args, None, name))
}

/// Whether symbolic links of the source are transferred, as links or as their targets. If uncertain, `true`.
pub fn brings_links(job: &Job) -> bool {
    let asks = [(Some('l'), "links"), (Some('L'), "copy-links"), (Some('a'), "archive")];
    let refuses = [(None, "no-links"), (None, "no-l")];
    let given = |options: &[(Option<char>, &str)]| {
        options.iter().any(|(letter, name)| options::names(&job.rsync_args, *letter, name))
    };
    given(&asks) || job.preset != Preset::Minimal && !given(&refuses)
}

/// Returns why the job cannot be run: its rsync options cannot be combined with `delete`.
pub fn unfit(job: &Job) -> Option<Refused> {
    check_with_delete(&job.rsync_args).err().filter(|_| job.delete)
}

/// Adds filters that exclude single entries of the source, before all other filters.
pub fn leave_out(argv: &mut Vec<String>, names: &[Vec<u8>]) {
    let name = |name: &Vec<u8>| options::literal(&String::from_utf8_lossy(name));
    let filters: Vec<_> = names.iter().map(|named| format!("--exclude=/{}", name(named))).collect();
    filter_first(argv, &filters);
}

/// Adds filters before all others.
pub fn filter_first(argv: &mut Vec<String>, filters: &[String]) {
    let at = argv.iter().position(|argument| argument.starts_with("--exclude=")).unwrap_or(1);
    argv.splice(at..at, filters.iter().cloned());
}

/// For a destination that folds names: protects our directory in every spelling.
pub fn protect_every_case(argv: &mut [String]) {
    for argument in argv.iter_mut().filter(|argument| *argument == PROTECTED[0]) {
        *argument = "--exclude=/.[pP][dD][bB]-[sS][yY][nN][cC]".into();
    }
}

/// For a destination that is the root of a file system: protects the names that the file system reserves there, so that they are neither
/// listed for deletion nor entered. Such names of the source are transferred normally, except those in `closed`, which are not accessible
/// here, so that nothing can be written to them. The filters are placed before all others, and repeated wherever the list is cleared.
pub fn protect_file_system(argv: &mut Vec<String>, closed: &[String]) {
    let closed = closed.iter().map(|name| format!("--exclude=/{}", options::literal(name)));
    // Protection matters only in a listing with `--delete`.
    let deletes = argv.iter().any(|argument| argument == "--delete");
    let kept = OF_FILE_SYSTEMS.iter().filter(|_| deletes).map(|name| format!("--filter=P /{name}"));
    let rules: Vec<String> = closed.chain(kept).collect();
    let is_first = |argument: &&String| **argument == PROTECTED[0];
    let places = argv.iter().enumerate().filter(|(_, argument)| is_first(argument)).map(|(at, _)| at);
    for at in places.collect::<Vec<_>>().into_iter().rev() {
        argv.splice(at..at, rules.iter().cloned());
    }
}

fn preset(preset: Preset) -> &'static [&'static str] {
    match preset {
        Preset::Mirror | Preset::Safe | Preset::Conservative => &["-rlpt"],
        Preset::Fast => &["-rlpt", "--whole-file"],
        // FAT stores times in units of two seconds.
        Preset::Minimal => &["-rt", "--omit-dir-times", "--modify-window=1"],
    }
}

/// Options for rsync's output. They follow the job's own options, and so have priority.
fn output_options(job: &Job, source: &Source, purpose: Purpose) -> Vec<&'static str> {
    // Names as raw bytes, plain integers, figures at the end, no message of the day.
    let mut options = vec!["-8", "--no-h", "--stats", "--no-motd"];
    if source.is_remote() {
        options.push(TELL_PROTOCOL);
    }
    let live = purpose == Purpose::Transfer;
    // `--info=stats0` overrides `--stats`. Added only if needed: `--info=stats2` is sent to the server, and old servers reject it.
    if options::names(&job.rsync_args, None, "info") {
        options.push(if live { "--info=stats2,name1" } else { "--info=stats2,progress0" });
    }
    match purpose {
        Purpose::Transfer => options.extend(["-v", "--info=progress2"]),
        // Without %L, which would append the target of a link to its name, and the name itself may contain an arrow.
        Purpose::List { all } | Purpose::Plan { all } => {
            options.extend(job.delete.then_some("--delete"));
            options.extend(["-n", "--no-v", "--out-format=%i %l %B %M %n"]);
            options.extend(all.then_some("-ii"));
        }
    }
    options
}

/// Rounds up to whole seconds, rsync's unit; 0 would mean "never".
fn whole_seconds(duration: Duration) -> u64 {
    let up = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(up).clamp(1, MAX_SECONDS)
}

#[cfg(test)]
mod tests;
