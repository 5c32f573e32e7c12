//! A JUnit report: one suite for the run, one case for each job.
//!
//! It conforms to the schema of Jenkins' xUnit plugin (`junit-10.xsd`, the strictest in use), so the properties of a case are those of the
//! suite, with the name of the job.

use super::OutputFile;
use super::kept_output::KeptOutput;
use super::summary::{figures, served, verdict};
use crate::model::event::{Event, Listener, Stamped, Warnings};
use crate::model::result::{Status, SyncResult};
use crate::model::sanitize;
use crate::model::summary::Summary;
use jiff::Timestamp;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event as Xml};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Number of bytes at the start and at the end of each job's output that are included in the report.
const HEAD: usize = 4 << 10;
const TAIL: usize = 28 << 10;

/// Elements of a case.
const FAILURE: &str = "failure";
const SKIPPED: &str = "skipped";

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

    /// The report as XML.
    fn report(&self, summary: &Summary) -> io::Result<Vec<u8>> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 4);
        writer.write_event(Xml::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let count = |wanted: &str| {
            let results = summary.results.iter();
            results.filter(|result| element(result.status()) == Some(wanted)).count().to_string()
        };
        let tests = summary.results.len().to_string();
        let (failures, skipped, time) = (count(FAILURE), count(SKIPPED), seconds(summary.duration));
        let figures = [
            ("name", "pdb-sync"),
            ("tests", &tests),
            ("failures", &failures),
            ("errors", "0"),
            ("time", &time),
        ];
        writer.create_element("testsuites").with_attributes(figures).write_inner_content(|writer| {
            let name = format!("sync {}", summary.run);
            // With its offset, so that it is unambiguous.
            let started = self.started.map(|started| started.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string());
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let figures = [
                ("name", &*name),
                ("tests", &tests),
                ("skipped", &skipped),
                ("errors", "0"),
                ("failures", &failures),
            ];
            let suite =
                writer.create_element("testsuite").with_attributes(figures).with_attribute(("time", &*time));
            let suite = suite.with_attributes(started.as_deref().map(|started| ("timestamp", started)));
            let suite = suite.with_attribute(("hostname", &*host));
            suite.write_inner_content(|writer| {
                self.properties(summary, writer)?;
                summary.results.iter().try_for_each(|result| self.case(result, writer))
            })?;
            Ok(())
        })?;
        writer.write_indent()?;
        Ok(writer.into_inner())
    }

    fn properties(&self, summary: &Summary, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let of_jobs = summary.results.iter().flat_map(|result| {
            let warning = result.outcome.error().filter(|_| result.status() == Status::Warned);
            let all = [
                ("source", result.source.clone()),
                ("fallback", served(result)),
                ("figures", Some(figures(result))),
                ("warning", warning.map(str::to_owned)),
            ];
            all.into_iter().filter_map(|(name, value)| {
                Some((format!("{}.{name}", result.job), value.filter(|value| !value.is_empty())?))
            })
        });
        let of_run = summary.warnings.iter().map(|warning| ("warning".to_owned(), warning.clone()));
        let all: Vec<_> = of_jobs.chain(of_run).collect();
        if all.is_empty() {
            return Ok(());
        }
        writer.create_element("properties").write_inner_content(|writer| {
            for (name, value) in &all {
                let property = [("name", &**name), ("value", &*sanitize::line(value))];
                writer.create_element("property").with_attributes(property).write_empty()?;
            }
            Ok(())
        })?;
        Ok(())
    }

    fn case(&self, result: &SyncResult, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let (element, kept) = (element(result.status()), self.outputs.get(&result.job));
        let time = seconds(result.duration);
        let figures = [("name", &*result.job), ("classname", "pdb-sync"), ("time", &time)];
        let case = writer.create_element("testcase").with_attributes(figures);
        if element.is_none() && kept.is_none() {
            case.write_empty()?;
            return Ok(());
        }
        case.write_inner_content(|writer| {
            match (element, result.outcome.error()) {
                (Some(element), Some(error)) => {
                    let why = [("message", &*sanitize::line(error)), ("type", result.status().word())];
                    let hint = result.outcome.hint().map_or(String::new(), |hint| format!("\nhint: {hint}"));
                    let text = verdict(result) + &hint;
                    let element = writer.create_element(element).with_attributes(why);
                    element.write_text_content(BytesText::new(&sanitize::lines(text.as_bytes())))?;
                }
                (Some(element), None) => _ = writer.create_element(element).write_empty()?,
                (None, _) => {}
            }
            if let Some(kept) = kept {
                let element = writer.create_element("system-out");
                element.write_text_content(BytesText::new(&sanitize::lines(&kept.text())))?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// The element of a case that says how it ended; `None` for a success.
fn element(status: Status) -> Option<&'static str> {
    match status {
        Status::Ok | Status::Warned => None,
        Status::Failed | Status::Blocked | Status::Partial => Some(FAILURE),
        Status::Skipped | Status::Cancelled => Some(SKIPPED),
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.3}", span.as_secs_f64())
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
                let xml = self.report(summary)?;
                let file = OutputFile::find(&self.path)?.make_directory()?;
                file.replace(0o644, |out| out.write_all(&xml))
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
