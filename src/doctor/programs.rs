//! Checks the rsync program: whether it exists, its version, and whether the options that jobs give it work.

use super::limited::run_program;
use super::report::{Area, Ask, Finding, Verdict};
use crate::config::{Overrides, load};
use crate::model::hint::joined;
use crate::model::host_facts::HostFacts;
use crate::model::job::{Job, Source};
use crate::rsync::args::{Purpose, argv};
use crate::rsync::exit::{Peer, Verdict as Judged, judge};
use crate::rsync::output::figures;
use crate::rsync::version::{Flavour, INSTALL, Support, Version};
use crate::sync::helper::HelperOutcome;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

pub(super) async fn rsync(ask: &Ask) -> Vec<Finding> {
    let program = &ask.rsync;
    let ran = match run_program(&[program.clone(), "--version".into()], &[], LIMIT).await {
        Ok(ran) => ran,
        Err(error) => {
            let text = match error.kind() {
                io::ErrorKind::NotFound if program.contains('/') && Path::new(program).exists() => {
                    format!("cannot run {program}: it exists, but its interpreter or loader does not")
                }
                io::ErrorKind::NotFound => format!("there is no program {program}"),
                io::ErrorKind::TimedOut => format!("`{program} --version` does not end"),
                _ => format!("cannot run {program}: {error}"),
            };
            return vec![Finding::new(Area::Rsync, Verdict::Fail, text).hint(INSTALL)];
        }
    };
    let mut findings = vec![version(program, &ran)];
    findings.extend(options(ask).await);
    findings
}

fn version(program: &str, ran: &HelperOutcome) -> Finding {
    let version = Version::parse(&ran.stdout);
    let at = found_at(program).map_or(program.to_owned(), |path| path.to_string_lossy().into_owned());
    let text = format!("{version}, at {at}");
    let finding = |verdict| Finding::new(Area::Rsync, verdict, text.clone());
    match version.support() {
        Support::Good => finding(Verdict::Ok),
        Support::Unfixed => finding(Verdict::Warn)
            .hint("3.5.0 fixed 33 security issues, many of them about links that a server sends: update it"),
        Support::TooOld => finding(Verdict::Fail).hint(format!("it is older than 3.1: {INSTALL}")),
        Support::Foreign if version.flavour == Flavour::OpenRsync => {
            finding(Verdict::Fail).hint(format!("openrsync lacks options that are needed here: {INSTALL}"))
        }
        Support::Foreign => finding(Verdict::Warn).hint("the trial below shows whether it can be used"),
    }
}

/// The path at which a shell would find the program.
fn found_at(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(program.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// Runs a trial for the options of each job: rsync fetches a file from its own daemon over a pipe. Jobs with equal options share a trial.
async fn options(ask: &Ask) -> Vec<Finding> {
    let mut trials: Vec<(Job, Vec<String>)> = Vec::new();
    for job in ask.jobs.iter().cloned().chain(plain()) {
        let Some(mut job) = trial(&job) else { continue };
        let names = match job.name.as_str() {
            PLAIN => Vec::new(),
            _ => vec![job.name.clone()],
        };
        job.name.clear();
        match trials.iter_mut().find(|(other, _)| *other == job) {
            Some((_, jobs)) => jobs.extend(names),
            None => trials.push((job, names)),
        }
    }
    let mut findings = Vec::new();
    let mut good = Duration::ZERO;
    for (job, names) in &trials {
        match fetch(&ask.rsync, job).await {
            Ok(took) => good = good.max(took),
            Err(finding) => {
                let whose =
                    if names.is_empty() { "it needs".into() } else { format!("of {}", names.join(", ")) };
                let text = format!("the options {whose} do not run: {}", finding.text);
                findings.push(Finding { text, ..finding });
            }
        }
    }
    if findings.is_empty() {
        let text = "a trial transfer from a local daemon works with every option that jobs use";
        findings.push(Finding::new(Area::Rsync, Verdict::Ok, text).took(good));
    }
    findings
}

const CONTENTS: &[u8] = b"contents\n";
const PLAIN: &str = "no-job";

/// A job with default options, used if there is no configuration.
fn plain() -> Option<Job> {
    let text = format!("[jobs.{PLAIN}]\nsource = \"/s/\"\ndest = \"/d\"\ndelete = true\n");
    let config = load((&text, Path::new("/doctor.toml")), &[], &Overrides::default(), &HostFacts::default());
    config.ok()?.jobs.into_iter().next()
}

/// A job with the same options and nothing else. `None` if it names a remote shell or lists of files, which cannot be tried with another
/// source.
fn trial(job: &Job) -> Option<Job> {
    let own = |arg: &String| {
        ["--rsh", "-e", "--files-from", "--port", "--password-file", "--address"]
            .iter()
            .any(|o| arg.starts_with(o))
    };
    if job.rsync_args.iter().any(own) {
        return None;
    }
    let base = plain()?;
    Some(Job {
        name: job.name.clone(),
        sources: vec![Source::parse("rsync://doctor.invalid/m/", Path::new("/")).ok()?],
        preset: job.preset,
        compress: job.compress,
        checksum: job.checksum,
        inc_recursive: job.inc_recursive,
        rsync_args: job.rsync_args.clone(),
        ..base
    })
}

/// Fetches one file, and lists the deletion of another.
async fn fetch(program: &str, job: &Job) -> Result<Duration, Finding> {
    let failed = |text: String| Finding::new(Area::Rsync, Verdict::Fail, text);
    let prepared = prepare(program).map_err(|error| {
        failed(format!("cannot prepare a trial in the directory of temporary files: {error}"))
            .hint("set TMPDIR to a directory that is writable")
    })?;
    let job = Job { dest: prepared.dir.path().join("dest"), ..job.clone() };
    let mut took = Duration::ZERO;
    for purpose in [Purpose::List { all: false }, Purpose::Transfer] {
        let argv = argv(program, &job, &job.sources[0], purpose);
        let env = [("RSYNC_CONNECT_PROG".into(), prepared.connect.clone().into())];
        let ran = run_program(&argv, &env, LIMIT).await;
        let ran = ran.map_err(|error| failed(format!("{}: {error}", joined(&argv))))?;
        took += ran.took;
        if let Judged::Failed(_, reason) | Judged::Partial(reason) | Judged::Vanished(reason) = judge(
            ran.code(),
            &ran.stderr,
            Peer { rsync_args: &job.rsync_args, ..Peer::from(&job.sources[0]) },
        ) {
            let finding = failed(format!("{} ({})", reason.text, joined(&argv)));
            return Err(Finding { hint: reason.hint, ..finding });
        }
        // Success is never inferred from missing errors. A job's own options may exclude the file, but the figures must be there.
        let counted = figures(purpose, &ran.stdout).files.is_some();
        let done = match purpose {
            Purpose::Transfer => fs::read(job.dest.join("file")).is_ok_and(|text| text == CONTENTS),
            _ => ran.stdout.lines().any(|line| line.starts_with("*deleting") && line.ends_with(" gone")),
        };
        if !counted || !done && job.rsync_args.is_empty() {
            let text = "rsync reported success, but did not do its work";
            return Err(failed(format!("{text} ({})", joined(&argv))).hint(INSTALL));
        }
    }
    Ok(took)
}

struct Prepared {
    dir: tempfile::TempDir,
    connect: String,
}

fn prepare(program: &str) -> io::Result<Prepared> {
    let dir = tempfile::Builder::new().prefix("pdb-sync-doctor-").tempdir()?;
    let (files, conf) = (dir.path().join("files"), dir.path().join("rsyncd.conf"));
    for path in [&files, &dir.path().join("dest")] {
        fs::create_dir(path)?;
    }
    fs::write(files.join("file"), CONTENTS)?;
    fs::write(dir.path().join("dest/gone"), "contents\n")?;
    let mut text = String::from("use chroot = no\n");
    // A daemon started by root becomes `nobody`, which may not enter a temporary directory.
    if rustix::process::geteuid().is_root() {
        text.push_str("uid = 0\ngid = 0\n");
    }
    fs::write(&conf, format!("{text}[m]\npath = {}\n", files.to_string_lossy()))?;
    let connect = format!("{} --config={} --daemon", quoted(program), quoted(&conf.to_string_lossy()));
    Ok(Prepared { dir, connect })
}

/// Quotes a word for the line that rsync passes to a shell, in which it replaces `%H`.
fn quoted(word: &str) -> String {
    shell_words::quote(word).replace('%', "%%")
}
