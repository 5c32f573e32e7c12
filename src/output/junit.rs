//! A JUnit report: one suite for the run, one case for each job.
//!
//! It conforms to the schema of Jenkins' xUnit plugin (`junit-10.xsd`, the strictest in use), so the properties of a case are those of the
//! suite, with the name of the job.

use super::OutputFile;
use super::kept_output::KeptOutput;
use super::summary::{figures, served, verdict};
use crate::model::event::{Event, Listener, Stamped, Warnings};
use crate::model::result::{Status, Summary, SyncResult};
use crate::model::sanitize;
use jiff::Timestamp;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Number of bytes at the start and at the end of each job's output that are included in the report.
const HEAD: usize = 4 << 10;
const TAIL: usize = 28 << 10;

pub(super) struct Junit {
    path: PathBuf,
    name: String,
    started: Option<Timestamp>,
    outputs: HashMap<Arc<str>, KeptOutput>,
}

impl Junit {
    pub(super) fn new(path: PathBuf) -> Self {
        Junit {
            name: format!("the JUnit report {}", sanitize::path(&path)),
            path,
            started: None,
            outputs: HashMap::new(),
        }
    }

    fn report(&self, summary: &Summary) -> Report {
        let mut report = Report::new("pdb-sync");
        let mut suite = TestSuite::new(format!("sync {}", summary.run));
        // With its offset, so that it is unambiguous.
        if let Some(started) = self.started {
            let started = started.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
            suite.extra.insert("timestamp".into(), started.into());
        }
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        suite.extra.insert("hostname".into(), host.into());
        for result in &summary.results {
            suite.add_test_case(self.case(result));
            self.add_properties(result, &mut suite);
        }
        for warning in &summary.warnings {
            suite.add_property(("warning", &*sanitize::line(warning)));
        }
        suite.set_time(summary.duration);
        report.set_time(summary.duration);
        report.add_test_suite(suite);
        report
    }

    fn case(&self, result: &SyncResult) -> TestCase {
        let status = result.status();
        let mut case_status = match status {
            Status::Ok | Status::Warned => TestCaseStatus::success(),
            Status::Failed | Status::Blocked | Status::Partial => {
                TestCaseStatus::non_success(NonSuccessKind::Failure)
            }
            Status::Skipped | Status::Cancelled => TestCaseStatus::skipped(),
        };
        if let Some(error) = result.outcome.error() {
            case_status.set_message(sanitize::line(error)).set_type(status.word());
            let hint = result.outcome.hint().map_or(String::new(), |hint| format!("\nhint: {hint}"));
            case_status.set_description(sanitize::lines((verdict(result) + &hint).as_bytes()));
        }
        let mut case = TestCase::new(&*result.job, case_status);
        case.set_classname("pdb-sync").set_time(result.duration);
        if let Some(kept) = self.outputs.get(&result.job) {
            case.set_system_out(sanitize::lines(&kept.text()));
        }
        case
    }

    fn add_properties(&self, result: &SyncResult, suite: &mut TestSuite) {
        let warning = result.outcome.error().filter(|_| result.status() == Status::Warned);
        for (name, value) in [
            ("source", result.source.clone()),
            ("fallback", served(result)),
            ("figures", Some(figures(result))),
            ("warning", warning.map(|text| sanitize::line(text).into_owned())),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                suite.add_property((format!("{}.{name}", result.job), sanitize::line(&value).into_owned()));
            }
        }
    }
}

/// Returns the report as text.
fn xml(report: &Report) -> io::Result<String> {
    let text = report.to_string().map_err(io::Error::other)?;
    // The library writes this attribute for the root element too, where the schema has none. The name of the root is ours, so the first
    // occurrence is that of the root.
    let skipped = format!(" skipped=\"{}\"", report.skipped);
    Ok(text.replacen(&skipped, "", 1))
}

impl Listener for Junit {
    fn name(&self) -> &str {
        &self.name
    }

    fn hear(&mut self, event: &Stamped, _warnings: &mut dyn Warnings) -> io::Result<()> {
        match &event.event {
            Event::RunStarted { .. } => {
                self.started = Some(event.time);
                Ok(())
            }
            Event::Output { job, lines, .. } => {
                let lines = sanitize::rsync(lines.as_bytes());
                if let Some(kept) = self.outputs.get_mut(job) {
                    kept.push(&lines);
                } else {
                    let mut kept = KeptOutput::new(HEAD, TAIL);
                    kept.push(&lines);
                    self.outputs.insert(job.clone(), kept);
                }
                Ok(())
            }
            Event::RunFinished(summary) => {
                let xml = xml(&self.report(summary))?;
                let file = OutputFile::find(&self.path)?.make_directory()?;
                file.replace(0o644, |out| out.write_all(xml.as_bytes()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Stream;
    use crate::model::result::{Outcome, Reason, Skip};
    use crate::output::testing::{failure, finished, output, result, started, told};
    use std::fs;

    #[test]
    fn jobs_are_cases() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/report.xml");
        let mut events =
            vec![started(&["a", "b", "c", "d"]), output("a", Stream::Stdout, b"\x1b[1mx & y\x00 \xff\n")];
        events.extend(finished(vec![
            result("a", Outcome::Ok),
            failure("b"),
            result("c", Outcome::Skipped(Skip::Locked("locked by pid 7".into()))),
            result("d", Outcome::Warned(Reason::new("1 file vanished"))),
        ]));
        let (_, err) = told(|options| options.junit = Some(path.clone()), events);
        assert!(!err.contains("warning:"), "{err}");
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let report = fs::read_to_string(&path).unwrap();
        insta::assert_snapshot!(report.replace(&format!("hostname=\"{host}\""), "hostname=\"HOST\""));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_report_that_cannot_be_written_is_told() {
        let path = PathBuf::from("/proc/nowhere/report.xml");
        let (out, err) = told(|options| options.junit = Some(path), finished(vec![]));
        assert!(err.contains("warning: cannot write the JUnit report /proc/nowhere/report.xml: "), "{err}");
        assert!(out.starts_with("=== Sync Summary ==="), "the rest goes on");
    }
}
