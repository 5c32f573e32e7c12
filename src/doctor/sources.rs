//! Checks the sources of jobs. Local sources are read, daemons are queried directly and through rsync, and ssh is tried.

use super::limited::{blocking, run_program};
use super::report::{Area, Ask, Finding, Mirror, Verdict};
use crate::config::nearest;
use crate::mirrors::Catalogue;
use crate::model::job::{Address, Job, Source};
use crate::rsync::args::{Purpose, own_shell};
use crate::rsync::exit::{Peer, Verdict as Judged, judge, unreachable};
use crate::rsync::output::figures;
use crate::rsync::probe::{Endpoint, Probe, Probes, RESOLVER, Step, probe_all, through};
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::env;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Maximum number of connections at a time.
const AT_ONCE: usize = 16;
/// Maximum number of them to one host, unless the configuration sets a lower one, since servers limit connections.
const WITH_ONE_HOST: usize = 4;
/// Checks the sources that need no network, for `--offline`.
pub(super) async fn local(ask: &Ask) -> Vec<Finding> {
    let found = directories(ask).await;
    let mut findings = Vec::new();
    for job in &ask.jobs {
        let of_job = job.sources.iter().filter_map(|source| found.get(&source.text));
        findings.extend(of_job.map(|finding| finding.clone().of(&job.name)));
    }
    findings
}

/// The findings about the sources on this machine, by the text of the source. Each check has a time limit, since a disk may not answer.
async fn directories(ask: &Ask) -> HashMap<String, Finding> {
    let sources: BTreeMap<&str, &Source> = ask
        .jobs
        .iter()
        .flat_map(|job| &job.sources)
        .filter(|source| !source.is_remote())
        .map(|source| (source.text.as_str(), source))
        .collect();
    let looks = sources.into_values().cloned().map(|source| async move {
        let text = source.text.clone();
        let found = blocking(Area::Source, None, move || directory(&source).into_iter().collect()).await;
        found.into_iter().next().map(|finding| {
            let text_of = |finding: &Finding| match finding.text.starts_with("does not answer") {
                true => format!("{text} {}", finding.text),
                false => finding.text.clone(),
            };
            (text.clone(), Finding { text: text_of(&finding), ..finding })
        })
    });
    join_all(looks).await.into_iter().flatten().collect()
}

/// Checks all sources of all jobs. Also returns all probed daemons, the fastest first.
pub(super) async fn examine(ask: &Ask) -> (Vec<Finding>, Vec<Mirror>) {
    let mut findings = Vec::new();
    let named = named(ask);
    let mut probes = match through() {
        None => probe_all(named.keys().cloned().collect(), ask.patience).await,
        Some(name) => {
            let text = format!("servers are reached through {name}: their names and ports are not checked");
            findings.push(Finding::new(Area::Source, Verdict::Ok, text));
            Probes::new()
        }
    };
    // Possible replacements are probed only for sources that do not answer.
    let silent = |source: &Source, job: &Job| {
        Endpoint::of(job, source)
            .and_then(|endpoint| probes.get(&endpoint))
            .is_some_and(|probe| !probe.answers())
    };
    let stand_ins: BTreeSet<Endpoint> = ask
        .jobs
        .iter()
        .flat_map(|job| {
            job.sources.iter().filter(|source| silent(source, job)).map(move |source| (job, source))
        })
        .flat_map(|(job, source)| {
            ask.mirrors.alternatives(source).into_iter().filter_map(|other| Endpoint::of(job, &other))
        })
        .filter(|endpoint| !probes.contains_key(endpoint))
        .collect();
    // The three run concurrently.
    let (others, tried, local) = tokio::join!(
        probe_all(stand_ins.into_iter().collect(), ask.patience),
        try_all(ask, &probes),
        directories(ask)
    );
    probes.extend(others);
    for job in &ask.jobs {
        findings.extend(
            about(&ask.mirrors, job, &probes, &tried, &local)
                .into_iter()
                .map(|finding| finding.of(&job.name)),
        );
    }
    let mut mirrors: Vec<Mirror> = probes
        .into_iter()
        .map(|(endpoint, probe)| Mirror { jobs: named.get(&endpoint).cloned().unwrap_or_default(), probe })
        .collect();
    mirrors.sort_by_key(|mirror| (mirror.probe.greeting.is_none(), mirror.probe.greeting));
    (findings, mirrors)
}

/// The daemons that jobs name, with the names of these jobs.
fn named(ask: &Ask) -> BTreeMap<Endpoint, Vec<String>> {
    let mut named: BTreeMap<Endpoint, Vec<String>> = BTreeMap::new();
    for job in &ask.jobs {
        for endpoint in job.sources.iter().filter_map(|source| Endpoint::of(job, source)) {
            let jobs = named.entry(endpoint).or_default();
            if !jobs.contains(&job.name) {
                jobs.push(job.name.clone());
            }
        }
    }
    named
}

/// rsync's answers by source and options: the duration, or the finding.
type Tried = HashMap<(String, Vec<String>), Result<Duration, Finding>>;

fn key(job: &Job, source: &Source) -> (String, Vec<String>) {
    let file = job.password_file.as_ref().map(|file| file.to_string_lossy().into_owned());
    (source.text.clone(), job.rsync_args.iter().cloned().chain(file).collect())
}

/// Lists with rsync the one entry that each source names. This checks module, login and path, and over ssh everything before that.
async fn try_all(ask: &Ask, probes: &Probes) -> Tried {
    let mut hosts: BTreeMap<String, Vec<(&Job, &Source)>> = BTreeMap::new();
    // The configuration's own finding says what is wrong with the other jobs; rsync would say it again.
    for job in ask.jobs.iter().filter(|job| job.unfit.is_none()) {
        for source in &job.sources {
            let silent =
                Endpoint::of(job, source).and_then(|e| probes.get(&e)).is_some_and(|probe| !probe.answers());
            let Some(host) = source.host().filter(|_| !silent) else { continue };
            let of_host = hosts.entry(host.to_ascii_lowercase()).or_default();
            if !of_host.iter().any(|(j, s)| key(j, s) == key(job, source)) {
                of_host.push((job, source));
            }
        }
    }
    let slots = tokio::sync::Semaphore::new(AT_ONCE);
    let slots = &slots;
    let talks = hosts.into_iter().map(|(host, sources)| async move {
        let most = ask.hosts.get(&host).copied().unwrap_or(WITH_ONE_HOST).clamp(1, WITH_ONE_HOST);
        let (own, dead) = (tokio::sync::Semaphore::new(most), AtomicBool::new(false));
        let (own, dead) = (&own, &dead);
        let of_host = sources.into_iter().map(|(job, source)| async move {
            let _slots = (own.acquire().await, slots.acquire().await);
            // If a host has timed out once, its other sources would time out one after the other.
            if dead.load(Ordering::Relaxed) {
                return None;
            }
            let start = Instant::now();
            let answer = list(ask, job, source).await;
            if answer.is_err() && start.elapsed() >= ask.patience {
                dead.store(true, Ordering::Relaxed);
            }
            Some((key(job, source), answer))
        });
        join_all(of_host).await
    });
    join_all(talks).await.into_iter().flatten().flatten().collect()
}

async fn list(ask: &Ask, job: &Job, source: &Source) -> Result<Duration, Finding> {
    let seconds = ask.patience.as_secs().max(1);
    let mut argv = vec![ask.rsync.clone(), "--list-only".into(), format!("--timeout={seconds}")];
    let shell = matches!(source.address, Address::Shell { .. }) || own_shell(&job.rsync_args);
    if !shell {
        argv.push(format!("--contimeout={seconds}"));
    }
    if let Some(file) =
        job.password_file.as_ref().filter(|_| matches!(source.address, Address::Daemon { .. }))
    {
        argv.push(format!("--password-file={}", file.to_string_lossy()));
    }
    argv.extend(job.rsync_args.iter().cloned());
    // Without the slash at its end, a directory is a single line, whatever its size.
    let plain = source.text.trim_end_matches('/');
    let text = if plain.ends_with(':') { &source.text } else { plain };
    // `--stats`, since only figures prove a listing: to rsync, what a server prints before it ends the connection looks like a message of
    // the day.
    argv.extend(["--no-r", "--dirs", "--stats", "--no-h", "--", text].map(str::to_owned));
    let mut env = Vec::new();
    if shell && !own_shell(&job.rsync_args) && env::var_os("RSYNC_RSH").is_none() {
        env.push(("RSYNC_RSH".into(), format!("ssh -oBatchMode=yes -oConnectTimeout={seconds}").into()));
    }
    let fail = |text: String| Finding::new(Area::Source, Verdict::Fail, text);
    let ran =
        run_program(&argv, &env, ask.patience * 2 + RESOLVER).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::TimedOut => {
                fail(format!("{source} did not list its contents within {seconds} s"))
            }
            _ => fail(format!("{source} cannot be listed: cannot run {}: {error}", ask.rsync)),
        })?;
    let talk = Peer::new(source, &job.rsync_args, |name| env::var(name).ok());
    match judge(ran.code(), &ran.stderr, talk) {
        Judged::Ok if figures(Purpose::Transfer, &ran.stdout).files.is_none() => {
            Err(unlisted(source, &ran.stdout))
        }
        Judged::Ok => Ok(ran.took),
        Judged::Vanished(reason) | Judged::Partial(reason) | Judged::Failed(_, reason) => {
            Err(Finding { hint: reason.hint, ..fail(reason.text) })
        }
    }
}

/// The finding if rsync exited with 0 and listed nothing.
fn unlisted(source: &Source, stdout: &str) -> Finding {
    let said = stdout.lines().map(str::trim).rfind(|line| !line.is_empty());
    let said = said.map(|line| line.chars().take(200).collect::<String>());
    let said = said.map_or_else(|| "without a message".into(), |said| format!("after the message {said:?}"));
    let text =
        format!("{source} did not list its contents: the session ended {said}, and rsync listed nothing");
    let hint = "the server, or something in front of it, refuses this machine; try again later, or name another source";
    Finding::new(Area::Source, Verdict::Fail, text).hint(hint)
}

/// The findings about the sources of a job. A source that fails is only a warning if another one works.
fn about(
    mirrors: &Catalogue,
    job: &Job,
    probes: &Probes,
    tried: &Tried,
    local: &HashMap<String, Finding>,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        job.sources.iter().map(|source| one(job, source, probes, tried, local)).collect();
    let good = findings.iter().position(|finding| finding.verdict == Verdict::Ok);
    for (finding, source) in findings.iter_mut().zip(&job.sources) {
        if finding.verdict != Verdict::Fail {
            continue;
        }
        let advice = match good {
            Some(good) => {
                finding.verdict = Verdict::Warn;
                Some(format!("the job goes on with {}", job.sources[good]))
            }
            None => stand_in(mirrors, job, source, probes),
        };
        finding.hint = match (finding.hint.take(), advice) {
            (Some(hint), Some(advice)) => Some(both(&hint, &advice)),
            (hint, advice) => hint.or(advice),
        };
    }
    findings
}

/// Two hints as one. A question ends a sentence.
fn both(hint: &str, advice: &str) -> String {
    let mark = if hint.ends_with('?') { "" } else { ";" };
    format!("{hint}{mark} {advice}")
}

/// The fastest known archive with the same files that lists its modules. A greeting alone is not sufficient.
fn stand_in(mirrors: &Catalogue, job: &Job, source: &Source, probes: &Probes) -> Option<String> {
    let answering = mirrors.alternatives(source).into_iter().filter_map(|other| {
        let probe = probes.get(&Endpoint::of(job, &other)?)?;
        let lists = probe.modules.as_ref().is_some_and(|modules| !modules.is_empty());
        Some((probe.greeting.filter(|_| lists)?, other))
    });
    let (time, other) = answering.min_by_key(|(time, _)| *time)?;
    Some(format!("{other} answers ({}): name it as a second source", ms(time)))
}

fn one(
    job: &Job,
    source: &Source,
    probes: &Probes,
    tried: &Tried,
    local: &HashMap<String, Finding>,
) -> Finding {
    if let Some(finding) = local.get(&source.text) {
        return finding.clone();
    }
    let probe = Endpoint::of(job, source).and_then(|endpoint| probes.get(&endpoint));
    if let Some(probe) = probe.filter(|probe| !probe.answers()) {
        return silent(job, source, probe);
    }
    let ok = |text: String| Finding::new(Area::Source, Verdict::Ok, text);
    match (tried.get(&key(job, source)), probe) {
        (Some(Err(finding)), probe) => misspelt(finding.clone(), source, probe),
        (Some(Ok(took)), Some(probe)) => answering(source, probe, *took),
        (Some(Ok(took)), None) => ok(format!("{source} is there")).took(*took),
        (None, _) => {
            let why = match job.unfit {
                Some(_) => "the configuration of this job has an error",
                None => "its host did not answer for another source",
            };
            let text = format!("{source} was not asked: {why}");
            Finding::new(Area::Source, Verdict::Warn, text)
        }
    }
}

fn answering(source: &Source, probe: &Probe, took: Duration) -> Finding {
    let mut steps = Vec::new();
    for (name, time) in [("name", probe.dns), ("connection", probe.connect), ("greeting", probe.greeting)] {
        steps.extend(time.map(|time| format!("{name} {}", ms(time))));
    }
    if let (Some(modules), Some(time)) = (&probe.modules, probe.listing) {
        let s = if modules.len() == 1 { "" } else { "s" };
        steps.push(format!("{} module{s} {}", modules.len(), ms(time)));
    }
    let text = format!("{source} is there; {}: {}", probe.endpoint, steps.join(", "));
    Finding::new(Area::Source, Verdict::Ok, text).took(took)
}

fn silent(job: &Job, source: &Source, probe: &Probe) -> Finding {
    let (step, how) = match &probe.failed {
        Some((step, how)) => (*step, how.as_str()),
        None => (Step::Greeting, "failed"),
    };
    if step == Step::Dns {
        let text = format!("connecting to {} {how}", probe.endpoint);
        let hint = "check the name, and whether this machine's DNS works";
        return Finding::new(Area::Source, Verdict::Fail, text).hint(hint);
    }
    let reason = unreachable(source, &job.rsync_args, how);
    Finding { hint: reason.hint, ..Finding::new(Area::Source, Verdict::Fail, reason.text) }
}

/// If the server does not have the module: adds the modules it has.
fn misspelt(finding: Finding, source: &Source, probe: Option<&Probe>) -> Finding {
    let Address::Daemon { module, .. } = &source.address else { return finding };
    let Some(modules) = probe.and_then(|probe| probe.modules.as_ref()) else { return finding };
    let names: Vec<&str> = modules.iter().map(|known| known.name.as_str()).collect();
    if names.is_empty() || names.contains(&module.as_str()) || !finding.text.contains("no module") {
        return finding;
    }
    let hint = match nearest(module, names.iter().copied()) {
        Some(near) => format!("did you mean {near:?}? it lists {}", shown(&names)),
        None => format!("it lists {}", shown(&names)),
    };
    finding.hint(hint)
}

fn shown(names: &[&str]) -> String {
    const MOST: usize = 12;
    let more = if names.len() > MOST { format!(" and {} more", names.len() - MOST) } else { String::new() };
    format!("{}{more}", names[..names.len().min(MOST)].join(", "))
}

/// The finding about a source on this machine; `None` for other sources.
fn directory(source: &Source) -> Option<Finding> {
    let Address::Local(path) = &source.address else { return None };
    let fail = |text: String| Finding::new(Area::Source, Verdict::Fail, text);
    let hint = "is its disk mounted, and the path spelled right?";
    let why_not = |error: std::io::Error| {
        let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        let hint = if denied {
            "let the user that runs pdb-sync read it and enter the directories above"
        } else {
            hint
        };
        fail(format!("{source} cannot be read: {error}")).hint(hint)
    };
    Some(match fs::metadata(path) {
        Err(error) => why_not(error),
        Ok(meta) if meta.is_file() => match fs::File::open(path) {
            Ok(_) => Finding::new(Area::Source, Verdict::Ok, format!("{source} is a file that can be read")),
            Err(error) => why_not(error),
        },
        Ok(_) => match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
            Err(error) => why_not(error),
            Ok(true) => fail(format!("{source} is empty")).hint(hint),
            Ok(false) => Finding::new(Area::Source, Verdict::Ok, format!("{source} can be read")),
        },
    })
}

fn ms(time: Duration) -> String {
    match time.as_secs_f64() * 1e3 {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms => format!("{ms:.0} ms"),
    }
}
