//! Metrics in the text format that the node exporter of Prometheus reads from its textfile directory.

use super::{Aggregate, CommandCost, CommandTotal, Spread, Total};
use crate::model::record::{JobRecord, State};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The input of the metrics.
pub(crate) struct Metrics<'a> {
    /// Statistics of the jobs, from the recorded runs.
    pub jobs: &'a [Aggregate],
    /// Sums over all runs ever.
    pub totals: &'a [Total],
    /// Returns the number of firing alerts of a job.
    pub firing: &'a dyn Fn(&str) -> usize,
    /// Statistics of commands, from the recorded costs.
    pub commands: &'a [CommandCost],
    /// Sums over all commands ever.
    pub command_totals: &'a BTreeMap<String, CommandTotal>,
}

/// Returns a page of metrics. Counters cover everything ever; all other metrics cover what is recorded.
pub(crate) fn prometheus(metrics: &Metrics<'_>) -> String {
    let mut page = Page(String::new());
    counters(&mut page, metrics.jobs, metrics.totals);
    of_jobs(&mut page, metrics);
    of_commands(&mut page, metrics);
    page.0
}

/// The suffix of the metric, its help text, and its value.
type Figure = (&'static str, &'static str, fn(&Total) -> f64);

fn counters(page: &mut Page, jobs: &[Aggregate], totals: &[Total]) {
    let ended = || State::all().filter(|state| *state != State::Running);
    let of = |job: &Aggregate| totals.iter().filter(|total| total.job == job.job).collect::<Vec<_>>();
    page.family("runs_total", "counter", "Runs by how the job ended.", jobs, |job| {
        let of_job = of(job);
        let runs = |state| of_job.iter().find(|total| total.state == state).map_or(0, |total| total.runs);
        ended().map(|state| sample(&[("status", state.word())], runs(state) as f64)).collect()
    });
    let figures: [Figure; 4] = [
        ("attempts_total", "Attempts of all runs.", |total| total.attempts),
        ("received_bytes_total", "Bytes received by all runs.", |total| total.bytes_received),
        ("transferred_files_total", "Files transferred by all runs.", |total| total.files_transferred),
        ("deleted_files_total", "Files deleted by all runs.", |total| total.files_deleted),
    ];
    for (name, help, figure) in figures {
        page.family(name, "counter", help, jobs, |job| {
            vec![sample(&[], of(job).into_iter().map(figure).sum())]
        });
    }
}

/// Sum of the durations of all successful runs in seconds, and their number.
fn durations(totals: &[Total], job: &str) -> (f64, u64) {
    let well = totals.iter().filter(|total| total.job == job && total.state.is_success());
    well.fold((0.0, 0), |(sum, count), total| (sum + total.seconds, count + total.runs))
}

fn of_jobs(page: &mut Page, Metrics { jobs, totals, firing, .. }: &Metrics<'_>) {
    page.family("last_status", "gauge", "1 for how the job ended last.", jobs, |job| {
        let Some(last) = &job.last else { return Vec::new() };
        let states = State::all().filter(|state| *state != State::Running);
        states
            .map(|state| sample(&[("status", state.word())], f64::from(u8::from(state == last.state))))
            .collect()
    });
    let last = |of: fn(&JobRecord) -> Option<f64>| {
        move |job: &Aggregate| {
            job.last.as_ref().and_then(of).map(|value| sample(&[], value)).into_iter().collect()
        }
    };
    let seconds = |time: Timestamp| time.as_millisecond() as f64 / 1000.0;
    page.family("last_start_timestamp_seconds", "gauge", "When the job started last.", jobs, |job| {
        job.last.iter().map(|last| sample(&[], seconds(last.started))).collect()
    });
    page.family("last_success_timestamp_seconds", "gauge", "When the job last ended well.", jobs, |job| {
        job.last_success.iter().map(|time| sample(&[], seconds(*time))).collect()
    });
    page.family(
        "last_duration_seconds",
        "gauge",
        "How long the last run took.",
        jobs,
        last(|past| past.duration.map(|took| took.as_secs_f64())),
    );
    page.family(
        "last_received_bytes",
        "gauge",
        "Bytes received by the last run.",
        jobs,
        last(|past| past.figures.bytes_received.map(|n| n as f64)),
    );
    page.family(
        "last_transferred_files",
        "gauge",
        "Files transferred by the last run.",
        jobs,
        last(|past| past.figures.files_transferred.map(|n| n as f64)),
    );
    page.family(
        "last_deleted_files",
        "gauge",
        "Files deleted by the last run.",
        jobs,
        last(|past| past.figures.files_deleted.map(|n| n as f64)),
    );
    page.family(
        "source_files",
        "gauge",
        "Files that the source held at the last run.",
        jobs,
        last(|past| past.figures.total_files.map(|n| n as f64)),
    );
    page.family(
        "source_bytes",
        "gauge",
        "Bytes that the source held at the last run.",
        jobs,
        last(|past| past.figures.total_bytes.map(|n| n as f64)),
    );
    page.family("success_ratio", "gauge", "The share of remembered runs that ended well.", jobs, |job| {
        job.success_rate.iter().map(|rate| sample(&[], *rate)).collect()
    });
    page.family("duration_seconds", "summary", "How long successful runs took.", jobs, |job| {
        summary(job.duration.as_ref(), durations(totals, &job.job))
    });
    page.family("alerts", "gauge", "Alerts that the job sets off.", jobs, |job| {
        vec![sample(&[], firing(&job.job) as f64)]
    });
}

fn of_commands(page: &mut Page, Metrics { commands, command_totals, .. }: &Metrics<'_>) {
    let ever: Vec<_> = command_totals.iter().collect();
    page.family("runs_total", "counter", "How often the command was run.", &ever, |(_, total)| {
        vec![sample(&[], total.runs as f64)]
    });
    page.family("duration_seconds", "summary", "How long the command took.", &ever, |(name, total)| {
        let known = commands.iter().find(|command| command.command == **name);
        let spread = known.and_then(|command| command.duration.as_ref());
        summary(spread, (total.duration_us as f64 / 1e6, total.whole))
    });
    let median = |of: fn(&CommandCost) -> Option<Spread>| {
        move |command: &CommandCost| of(command).map(|spread| sample(&[], spread.p50)).into_iter().collect()
    };
    let cpu = "Time of CPUs that half of its runs stayed below.";
    page.family("median_cpu_seconds", "gauge", cpu, commands, median(|command| command.cpu));
    let memory = "Memory that half of its runs stayed below.";
    page.family("median_memory_bytes", "gauge", memory, commands, median(|command| command.memory));
}

/// Quantiles cover what is recorded. Sum and count cover everything ever, since they must not fall.
fn summary(spread: Option<&Spread>, (sum, count): (f64, u64)) -> Vec<Sample> {
    if count == 0 {
        return Vec::new();
    }
    let quantiles = spread.into_iter().flat_map(|spread| {
        [("0.5", spread.p50), ("0.9", spread.p90), ("0.95", spread.p95), ("0.99", spread.p99)]
    });
    let mut samples: Vec<_> =
        quantiles.map(|(quantile, value)| sample(&[("quantile", quantile)], value)).collect();
    samples.push(Sample { suffix: "_sum", ..sample(&[], sum) });
    samples.push(Sample { suffix: "_count", ..sample(&[], count as f64) });
    samples
}

/// What a metric is about.
trait Subject {
    /// The part of the metric's name.
    const WHAT: &'static str;
    /// The label with the name of the subject. It is not `job`: the scraper uses that label, and would rename ours.
    const LABEL: &'static str;
    fn name(&self) -> &str;
}

impl Subject for Aggregate {
    const WHAT: &'static str = "job";
    const LABEL: &'static str = "mirror";
    fn name(&self) -> &str {
        &self.job
    }
}

impl Subject for CommandCost {
    const WHAT: &'static str = "command";
    const LABEL: &'static str = "command";
    fn name(&self) -> &str {
        &self.command
    }
}

impl Subject for (&String, &CommandTotal) {
    const WHAT: &'static str = CommandCost::WHAT;
    const LABEL: &'static str = CommandCost::LABEL;
    fn name(&self) -> &str {
        self.0
    }
}

struct Sample {
    suffix: &'static str,
    labels: Vec<(&'static str, String)>,
    value: f64,
}

fn sample(labels: &[(&'static str, &str)], value: f64) -> Sample {
    let labels = labels.iter().map(|(name, value)| (*name, value.to_string())).collect();
    Sample { suffix: "", labels, value }
}

struct Page(String);

impl Page {
    /// Writes one metric of all subjects; nothing if no subject has it.
    fn family<S: Subject>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        subjects: &[S],
        samples: impl Fn(&S) -> Vec<Sample>,
    ) {
        let name = format!("pdb_sync_{}_{name}", S::WHAT);
        let mut lines = String::new();
        for subject in subjects {
            for sample in samples(subject) {
                let mut labels = format!("{}=\"{}\"", S::LABEL, escaped(subject.name()));
                for (label, value) in &sample.labels {
                    // Writing to a string cannot fail.
                    let _ = write!(labels, ",{label}=\"{}\"", escaped(value));
                }
                let _ = writeln!(lines, "{name}{}{{{labels}}} {}", sample.suffix, sample.value);
            }
        }
        if !lines.is_empty() {
            let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n{lines}");
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::stats::Cost;
    use crate::history::stats::testing::past;
    use crate::model::result::Status;

    fn page() -> String {
        let now = Timestamp::from_second(10_000_001).unwrap();
        let mut runs = vec![past(0, 10), past(1, 20)];
        runs[0].figures.bytes_received = Some(4_096);
        let odd = JobRecord { state: State::Interrupted, duration: None, ..past(0, 1) };
        let jobs = [Aggregate::of("a", &runs, now), Aggregate::of("b\"\\", &[odd], now)];
        let cost = Cost {
            command: "search".into(),
            started: now,
            duration: std::time::Duration::from_millis(8),
            cpu: Some(std::time::Duration::from_millis(4)),
            memory: None,
            exit_code: 0,
            checkpoints: vec![],
            queries: None,
        };
        let total = |status, runs: u64| Total {
            job: "a".into(),
            state: State::Ended(status),
            runs,
            seconds: runs as f64 * 15.0,
            attempts: runs as f64,
            files_transferred: 0.0,
            files_deleted: 0.0,
            bytes_received: runs as f64 * 1e3,
        };
        let mut sum = CommandTotal { runs: 6, ..CommandTotal::default() };
        sum.add(&cost);
        prometheus(&Metrics {
            jobs: &jobs,
            totals: &[total(Status::Ok, 4), total(Status::Warned, 2), total(Status::Failed, 3)],
            firing: &|job| usize::from(job == "a"),
            commands: &CommandCost::each(&[cost], None, now),
            command_totals: &BTreeMap::from([
                ("search".into(), sum),
                ("index".into(), CommandTotal::default()),
            ]),
        })
    }

    #[test]
    fn every_figure_has_a_line() {
        let page = page();
        for line in [
            "pdb_sync_job_runs_total{mirror=\"a\",status=\"ok\"} 4",
            "pdb_sync_job_runs_total{mirror=\"a\",status=\"failed\"} 3",
            "pdb_sync_job_runs_total{mirror=\"b\\\"\\\\\",status=\"ok\"} 0",
            "pdb_sync_job_received_bytes_total{mirror=\"a\"} 9000",
            "# TYPE pdb_sync_job_runs_total counter",
            "pdb_sync_job_last_status{mirror=\"b\\\"\\\\\",status=\"interrupted\"} 1",
            "pdb_sync_job_last_success_timestamp_seconds{mirror=\"a\"} 10000010",
            "pdb_sync_job_last_received_bytes{mirror=\"a\"} 4096",
            "pdb_sync_job_duration_seconds{mirror=\"a\",quantile=\"0.5\"} 15",
            "pdb_sync_job_duration_seconds_sum{mirror=\"a\"} 90",
            "pdb_sync_job_duration_seconds_count{mirror=\"a\"} 6",
            "pdb_sync_job_success_ratio{mirror=\"a\"} 1",
            "pdb_sync_job_alerts{mirror=\"a\"} 1",
            "pdb_sync_job_alerts{mirror=\"b\\\"\\\\\"} 0",
            "# TYPE pdb_sync_job_duration_seconds summary",
            "pdb_sync_command_runs_total{command=\"search\"} 7",
            "pdb_sync_command_duration_seconds{command=\"search\",quantile=\"0.99\"} 0.008",
            "pdb_sync_command_duration_seconds_count{command=\"search\"} 1",
            "pdb_sync_command_median_cpu_seconds{command=\"search\"} 0.004",
        ] {
            assert!(page.lines().any(|known| known == line), "{line}\n{page}");
        }
        assert!(!page.contains("memory"), "{page}");
        assert!(!page.contains("last_deleted_files"), "what nobody knows has no line:\n{page}");
        assert!(!page.contains("success_timestamp_seconds{mirror=\"b"), "{page}");
    }

    /// The rules of the text format: HELP and TYPE precede the samples of a metric; all samples of a metric are together; a sample is a
    /// name, labels and a number; no sample occurs twice; the last line ends in a newline.
    #[test]
    fn the_page_is_well_formed() {
        let page = page();
        assert!(page.ends_with('\n'));
        let mut family = String::new();
        let mut seen = std::collections::HashSet::new();
        for line in page.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                family = help.split(' ').next().unwrap().into();
                assert!(seen.insert(family.clone()), "{family} stands in two places");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                assert_eq!(kind.split(' ').next(), Some(family.as_str()));
            } else {
                let (name, value) = line.rsplit_once(' ').unwrap();
                assert!(value.parse::<f64>().unwrap().is_finite(), "{line}");
                assert!(seen.insert(name.into()), "{name} twice");
                let metric = name.split('{').next().unwrap();
                let base =
                    ["_sum", "_count"].iter().find_map(|end| metric.strip_suffix(end)).unwrap_or(metric);
                assert_eq!(base, family);
            }
        }
    }
}
