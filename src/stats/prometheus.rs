//! The figures in the text format that Prometheus' node exporter reads from its textfile directory.

use super::{Aggregate, State};
use jiff::Timestamp;
use std::fmt::Write;

/// A page of metrics. `firing` has the number of alerts a job.
pub fn prometheus(jobs: &[Aggregate], firing: &dyn Fn(&str) -> usize) -> String {
    let mut page = Page(String::new());
    page.family("runs", "gauge", "Remembered runs by how the job ended.", jobs, |job| {
        let count = |state: State| {
            let known = job.states.iter().find(|(known, _)| *known == state);
            known.map_or(0, |(_, count)| *count)
        };
        State::all().map(|state| sample(&[("status", state.word())], count(state) as f64)).collect()
    });
    page.family("last_status", "gauge", "1 for how the job ended last.", jobs, |job| {
        let Some(last) = &job.last else { return Vec::new() };
        let states = State::all().filter(|state| *state != State::Running);
        states
            .map(|state| sample(&[("status", state.word())], f64::from(u8::from(state == last.state))))
            .collect()
    });
    let last = |of: fn(&super::Past) -> Option<f64>| {
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
    page.family("duration_seconds", "summary", "How long remembered successful runs took.", jobs, |job| {
        let Some(spread) = &job.duration else { return Vec::new() };
        let quantiles =
            [("0.5", spread.p50), ("0.9", spread.p90), ("0.95", spread.p95), ("0.99", spread.p99)];
        let mut samples: Vec<_> =
            quantiles.iter().map(|(quantile, value)| sample(&[("quantile", quantile)], *value)).collect();
        let (sum, count) = job.duration_total;
        samples.push(Sample { suffix: "_sum", ..sample(&[], sum) });
        samples.push(Sample { suffix: "_count", ..sample(&[], count as f64) });
        samples
    });
    page.family("alerts", "gauge", "Alerts that the job sets off.", jobs, |job| {
        vec![sample(&[], firing(&job.job) as f64)]
    });
    page.0
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
    /// One metric of all jobs; nothing of it if no job has any.
    fn family(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        jobs: &[Aggregate],
        samples: impl Fn(&Aggregate) -> Vec<Sample>,
    ) {
        let mut lines = String::new();
        for job in jobs {
            for sample in samples(job) {
                let mut labels = format!("job=\"{}\"", escaped(&job.job));
                for (label, value) in &sample.labels {
                    // A String takes everything.
                    let _ = write!(labels, ",{label}=\"{}\"", escaped(value));
                }
                let _ = writeln!(lines, "pdb_sync_job_{name}{}{{{labels}}} {}", sample.suffix, sample.value);
            }
        }
        if !lines.is_empty() {
            let name = format!("pdb_sync_job_{name}");
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
    use crate::stats::testing::past;

    fn page() -> String {
        let now = Timestamp::from_second(10_000_001).unwrap();
        let mut runs = vec![past(0, 10), past(1, 20)];
        runs[0].figures.bytes_received = Some(4_096);
        let odd = crate::stats::Past { state: State::Interrupted, duration: None, ..past(0, 1) };
        let jobs = [Aggregate::of("a", &runs, now), Aggregate::of("b\"\\", &[odd], now)];
        prometheus(&jobs, &|job| usize::from(job == "a"))
    }

    #[test]
    fn every_figure_has_a_line() {
        let page = page();
        for line in [
            "pdb_sync_job_runs{job=\"a\",status=\"ok\"} 2",
            "pdb_sync_job_runs{job=\"a\",status=\"failed\"} 0",
            "pdb_sync_job_last_status{job=\"b\\\"\\\\\",status=\"interrupted\"} 1",
            "pdb_sync_job_last_success_timestamp_seconds{job=\"a\"} 10000010",
            "pdb_sync_job_last_received_bytes{job=\"a\"} 4096",
            "pdb_sync_job_duration_seconds{job=\"a\",quantile=\"0.5\"} 15",
            "pdb_sync_job_duration_seconds_sum{job=\"a\"} 30",
            "pdb_sync_job_duration_seconds_count{job=\"a\"} 2",
            "pdb_sync_job_success_ratio{job=\"a\"} 1",
            "pdb_sync_job_alerts{job=\"a\"} 1",
            "pdb_sync_job_alerts{job=\"b\\\"\\\\\"} 0",
            "# TYPE pdb_sync_job_duration_seconds summary",
        ] {
            assert!(page.lines().any(|known| known == line), "{line}\n{page}");
        }
        assert!(!page.contains("deleted_files"), "what nobody knows has no line:\n{page}");
        assert!(!page.contains("success_timestamp_seconds{job=\"b"), "{page}");
    }

    /// The rules of the text format: a HELP and a TYPE before each metric's samples, all of a metric together, every
    /// sample a name, labels and a number, no sample twice, the last line ended.
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
