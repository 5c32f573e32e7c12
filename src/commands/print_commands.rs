//! `sync --print-command`: the commands of the jobs, ready to paste.

use super::interruption::until_signal;
use super::{Failure, file_locations};
use crate::cli::Global;
use crate::config::Config;
use crate::model::exit_code::ExitCode;
use crate::model::hint;
use crate::model::job::{Job, Source};
use crate::model::sanitize;
use crate::output::terminal::Ui;
use crate::output::units;
use crate::rsync::args::{self as rsync_args, Purpose};
use crate::sync;
use serde_json::json;

/// Stands for the file with names in what `--print-command` shows.
const ID_FILES: &str = "NAMES";

/// What NAMES stands for in the commands of a job with a list of entries, as comment lines; empty for any other job.
fn about_list(job: &Job, source: &Source, again: &str) -> String {
    let Some(only) = &job.only else { return String::new() };
    let such = match sync::name_in_list(job, source) {
        Some(name) => format!("such as {}", sanitize::line(&name)),
        None => "which one or two short listings of the source find".into(),
    };
    let entries = units::count(only.ids.ids().len() as u64, "entry", "entries");
    format!(
        "# {}: {ID_FILES} is not a file: a run writes the names of the files of {entries} there, each with a NUL byte at its end, {such}\n\
         # {}: to see which of these files would come: {again} sync {} --plan -v\n",
        job.name, job.name, job.name
    )
}

/// What a run of the job does that its commands do not show, as comment lines.
fn about_run(job: &Job) -> String {
    let mut text = String::new();
    if let Some(marker) = &job.marker {
        let marker = marker.to_string();
        let marker = sanitize::line(&marker);
        text += &format!("# {}: a run fetches the marker {marker} first, and may end there\n", job.name);
    }
    let most = job.connections.most();
    if most > 1 {
        text += &format!("# {}: a run may divide these commands among up to {most} connections\n", job.name);
    }
    text
}

/// Prints one line for each command that the first attempt would run, in order.
pub(super) fn run(config: &Config, jobs: &[Job], global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let (mut exit, state_dir) = (ExitCode::Done, file_locations::state_dir(global)?);
    let program = &config.sync.rsync;
    let remote = jobs.iter().flat_map(|job| &job.sources).any(Source::is_remote);
    let version = if remote { until_signal(sync::rsync_version(program))? } else { None };
    let tells_checksum = version.is_some_and(|version| version.tells_checksum());
    for job in jobs {
        if let Some(unfit) = sync::unfit(job) {
            ui.error(&format!("job {:?}: {}", job.name, unfit.text), unfit.hint.as_deref());
            exit = ExitCode::Failed;
            continue;
        }
        for source in &job.sources {
            let purposes = sync::first_commands(job, &state_dir);
            let mut about = about_run(job) + &about_list(job, source, &file_locations::again(global));
            let listed = purposes.len() > 1 && rsync_args::not_listed(&job.rsync_args).is_none();
            for purpose in purposes {
                let (note, zone) = match purpose {
                    Purpose::Transfer if job.only.is_some() => ("transfers those that differ", ""),
                    _ if job.only.is_some() => ("lists the files of the entries", "TZ=UTC "),
                    Purpose::Transfer if listed => (
                        "transfers; in a run, a list of what differs (--files-from) takes the place of the filters",
                        "",
                    ),
                    Purpose::Transfer => ("transfers", ""),
                    _ if job.delete => {
                        ("lists what differs; what the source does not have is removed afterwards", "TZ=UTC ")
                    }
                    _ => ("lists what differs", "TZ=UTC "),
                };
                let limited = sync::limited(job, source, purpose, ID_FILES);
                let of = limited.as_ref().map_or((job, source), |job| (job, &job.sources[0]));
                let mut argv = rsync_args::argv(program, of.0, of.1, purpose);
                sync::protect_destination(&mut argv, job);
                if tells_checksum {
                    rsync_args::tell_checksum(&mut argv);
                }
                let about = std::mem::take(&mut about);
                let body = json!({"job": job.name, "source": source.text, "argv": argv});
                ui.item("command", &body, || {
                    let command = hint::joined(argv);
                    ui.raw(format!("{about}# {}: {note}\nLC_ALL=C {zone}{command}\n", job.name).as_bytes())
                })?;
            }
        }
    }
    ui.result(exit, &json!({ "jobs": jobs.len() }))?;
    Ok(exit)
}
