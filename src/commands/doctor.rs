//! `doctor`

use super::interruption::until_signal;
use super::{Failure, file_locations, settings};
use crate::cli::{DoctorArgs, Global};
use crate::config::{self, Config, Overrides, Period, Problem};
use crate::doctor::{self, Area, Ask, Finding, Mirror, Report, Verdict};
use crate::model::exit_code::ExitCode;
use crate::model::job::Job;
use crate::model::sanitize;
use crate::output::terminal::{Text, Ui};
use crate::output::units;
use crate::rsync::probe;
use console::Style;
use serde_json::{Value, json};
use std::io;
use std::time::Duration;

/// The indentation of continuation lines. They are aligned with the text, not with the verdict.
const BELOW: usize = 6;

/// Checks everything that a run needs, and gives hints.
pub(super) fn run(args: &DoctorArgs, global: &Global, ui: &Ui) -> Result<ExitCode, Failure> {
    let patience: Period =
        args.patience.parse().map_err(|wrong: String| Failure::usage(format!("--patience: {wrong}")))?;
    let (config, about_config) = configuration(global)?;
    let unusable = config.file.is_none();
    if unusable
        && !(args.jobs.is_empty() && args.tag.is_empty())
        && about_config.iter().any(|finding| finding.verdict == Verdict::Fail)
    {
        ui.warning("the configuration has problems, so jobs cannot be checked");
    }
    let jobs = match args.jobs.as_slice() {
        [] if args.tag.is_empty() => config.jobs.iter().filter(|job| job.enabled).cloned().collect(),
        _ if unusable => Vec::new(),
        names => config::select(&config.jobs, names, false, &args.tag)?,
    };
    // Problems of these jobs are reported with the configuration. Their destinations are unknown.
    let jobs: Vec<_> = jobs.into_iter().filter(Job::is_located).collect();
    let state_dir = file_locations::state_dir(global)?;
    let ask = Ask {
        rsync: config.sync.rsync.clone(),
        jobs,
        parallel: config.sync.parallel,
        hosts: config.hosts.clone(),
        state_dir: state_dir.clone(),
        offline: args.offline,
        patience: patience.0,
        mirrors: config.mirrors.clone(),
    };
    let mut report = until_signal(doctor::examine(ask))?;
    report.findings.extend(about_config);
    report.findings.sort_by_key(|finding| finding.area);
    let probes: Vec<_> = report.mirrors.iter().map(|mirror| mirror.probe.clone()).collect();
    if !probes.is_empty()
        && let Err(error) = probe::save(&state_dir, &probes)
    {
        ui.warning(&format!(
            "cannot store the measured speed of the servers in {}: {error}",
            sanitize::path(&state_dir)
        ));
    }
    let exit = if report.worst() == Verdict::Fail { ExitCode::Failed } else { ExitCode::Done };
    ui.objects("check", report.findings.iter().map(check))?;
    let [ok, warn, fail] = [Verdict::Ok, Verdict::Warn, Verdict::Fail].map(|verdict| report.count(verdict));
    let body = json!({
        "ok": ok, "warn": warn, "fail": fail,
        "mirrors": report.mirrors.iter().map(mirror).collect::<Vec<_>>(),
    });
    ui.report(exit, &body, || show(&report, ui))?;
    Ok(exit)
}

/// Returns the usable part of the configuration, and the findings about it. A configuration that cannot be parsed has no jobs.
fn configuration(global: &Global) -> Result<(Config, Vec<Finding>), Failure> {
    let problem = |verdict: Verdict| {
        move |problem: &Problem| Finding {
            hint: problem.hint.clone(),
            ..Finding::new(Area::Config, verdict, Problem { hint: None, ..problem.clone() }.to_string())
        }
    };
    let opened = match settings::read(global) {
        Ok(Ok(opened)) => opened,
        Ok(Err(problems)) => {
            return Ok((Config::default(), problems.0.iter().map(problem(Verdict::Fail)).collect()));
        }
        Err(Failure::Named { text, hint, .. }) => {
            let finding = Finding::new(Area::Config, Verdict::Fail, text);
            return Ok((Config::default(), vec![Finding { hint, ..finding }]));
        }
        Err(other) => return Err(other),
    };
    if !opened.exists {
        let text = format!("there is none: {} does not exist", sanitize::path(&opened.file));
        let finding =
            Finding::new(Area::Config, Verdict::Warn, text).hint("`pdb-sync config init` writes one");
        return Ok((Config::default(), vec![finding]));
    }
    match opened.check(&Overrides::default()) {
        Ok(config) => {
            let enabled = config.jobs.iter().filter(|job| job.enabled).count();
            let jobs = units::count(config.jobs.len() as u64, "job", "jobs");
            let text = format!("{}: {jobs}, {enabled} enabled", sanitize::path(&opened.file));
            let mut findings = vec![match config.jobs.is_empty() {
                false => Finding::new(Area::Config, Verdict::Ok, text),
                true => Finding::new(Area::Config, Verdict::Fail, text).hint(config::ADD_A_JOB),
            }];
            findings.extend(config.unfit.iter().map(problem(Verdict::Fail)));
            findings.extend(config.warnings.iter().chain(&config.advice).map(problem(Verdict::Warn)));
            Ok((config, findings))
        }
        Err(problems) => Ok((Config::default(), problems.0.iter().map(problem(Verdict::Fail)).collect())),
    }
}

fn show(report: &Report, ui: &Ui) -> io::Result<()> {
    for finding in &report.findings {
        if ui.quiet && finding.verdict == Verdict::Ok {
            continue;
        }
        let style = match finding.verdict {
            Verdict::Ok => Style::new().green(),
            Verdict::Warn => Style::new().yellow().bold(),
            Verdict::Fail => Style::new().red().bold(),
        };
        let word = Text::styled(&format!("{:4}", finding.verdict.word()), style);
        let area = match &finding.job {
            Some(job) => format!("{} {job}", finding.area.word()),
            None => finding.area.word().into(),
        };
        let took = finding.took.map(|took| format!(" ({})", time(took))).unwrap_or_default();
        let text = ui.addressed(&finding.text).replace('\n', "\n      ");
        ui.hanging(&word.with(format!("  {area}: {text}{took}")), BELOW)?;
        if let Some(hint) = &finding.hint {
            ui.line(&format!("      hint: {}", sanitize::line(&ui.addressed(hint))))?;
        }
    }
    let [ok, warn, fail] = [Verdict::Ok, Verdict::Warn, Verdict::Fail].map(|verdict| report.count(verdict));
    let count = |n: usize, one, many| units::count(n as u64, one, many);
    let checks = count(ok + warn + fail, "check", "checks");
    let (warn, fail) = (count(warn, "warning", "warnings"), count(fail, "failure", "failures"));
    ui.outcome(&format!("{checks}: {ok} ok, {warn}, {fail}"))
}

fn check(finding: &Finding) -> Value {
    json!({
        "area": finding.area.word(),
        "job": finding.job,
        "verdict": finding.verdict.word(),
        "text": finding.text,
        "hint": finding.hint,
        "took_ms": finding.took.map(ms),
        "duration_s": finding.took.map(fine),
    })
}

fn mirror(mirror: &Mirror) -> Value {
    let probe = &mirror.probe;
    let modules = probe.modules.as_ref();
    json!({
        "host": probe.endpoint.host,
        "port": probe.endpoint.port,
        "jobs": mirror.jobs,
        "answers": probe.answers(),
        "protocol": probe.protocol,
        "dns_ms": probe.dns.map(ms),
        "connect_ms": probe.connect.map(ms),
        "greeting_ms": probe.greeting.map(ms),
        "modules_ms": probe.listing.map(ms),
        "dns_s": probe.dns.map(fine),
        "connect_s": probe.connect.map(fine),
        "greeting_s": probe.greeting.map(fine),
        "modules_s": probe.listing.map(fine),
        "modules": modules.map(|list| list.iter().map(|module| &module.name).collect::<Vec<_>>()),
        "error": probe.failed.as_ref().map(|(_, how)| how),
    })
}

/// Returns seconds, rounded to microseconds.
fn fine(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e6
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn time(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{:.0} ms", ms(took))
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}
