//! Output for GitLab CI/CD: each job's output as one section, which is collapsed if the job was fully done.
//!
//! The viewer of logs interprets `section_start` and `section_end` between control characters. In the output of children these are escaped.

use super::Screen;
use super::grouped_output::GroupedOutput;
use super::listener::ScreenListener;
use super::summary::verdict;
use super::text_listener::leveled;
use crate::model::event::{Event, Level, Stamped, Stream};
use crate::model::result::{Status, SyncResult};
use crate::model::sanitize;
use crate::output::terminal::Text;
use jiff::Timestamp;
use std::io;

/// Collects the output of jobs that run in parallel, and prints that of each job as a section when it ends.
pub(super) struct Sections {
    quiet: bool,
    outputs: GroupedOutput,
}

impl Sections {
    pub(super) fn new(quiet: bool) -> Self {
        Sections { quiet, outputs: GroupedOutput::default() }
    }

    fn finished(&mut self, result: &SyncResult, now: Timestamp, screen: &mut Screen) {
        let kept = self.outputs.take(&result.job);
        let fine = !matches!(result.status(), Status::Failed | Status::Blocked | Status::Partial);
        if self.quiet && fine {
            return;
        }
        let title = sanitize::line(&format!("[{}] {}", result.job, verdict(result))).into_owned();
        let options = if fine { "[collapsed=true]" } else { "" };
        // Names of jobs have no other characters than those of sections. The times are those of the job, so that its duration is shown.
        let name = format!("pdb-sync-{}", result.job);
        let start = result.started.as_second();
        screen.marker(&format!("\x1b[0Ksection_start:{start}:{name}{options}\r\x1b[0K{title}\n"));
        screen.out(&Text::bytes(&kept));
        let end = now.as_second().max(start);
        screen.marker(&format!("\x1b[0Ksection_end:{end}:{name}\r\x1b[0K\n"));
    }
}

impl ScreenListener for Sections {
    fn name(&self) -> &str {
        "GitLab sections"
    }

    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()> {
        match &event.event {
            Event::Output { job, part, lines, .. } => self.outputs.push(job, *part, lines.as_bytes()),
            Event::Notice { job, level, text } if *level >= Level::Warning => {
                let prefix = job.as_ref().map(|job| format!("[{job}] ")).unwrap_or_default();
                screen.told(Stream::Stderr, &prefix.into(), &leveled(*level, text));
            }
            Event::JobFinished(result) => self.finished(result, event.time, screen),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::result::Outcome;
    use crate::output::Group;
    use crate::output::testing::{failure, finished, output, result, started, told};

    #[test]
    fn jobs_are_sections_and_failures_stay_open() {
        let mut events = vec![
            started(&["a.1", "b"]),
            output("a.1", Stream::Stdout, b"one\n\x1b[0Ksection_end:1:x\r\x1b[0K\n"),
            output("b", Stream::Stderr, b"x\n"),
            Event::Notice { job: None, level: Level::Warning, text: "almost full".into() },
        ];
        events.extend(finished(vec![result("a.1", Outcome::Ok), failure("b")]));
        let (out, err) = told(|options| options.group = Some(Group::Gitlab), events);
        let lines: Vec<_> = out.lines().collect();
        let time = |line: &str| line.split(':').nth(1).unwrap().parse::<i64>().unwrap();
        let (start, end) = (time(lines[1]), time(lines[4]));
        assert!(start <= end, "{out}");
        let first = "[a.1] ok after 1 try in 1.50s";
        assert_eq!(
            lines[1],
            format!("\x1b[0Ksection_start:{start}:pdb-sync-a.1[collapsed=true]\r\x1b[0K{first}")
        );
        assert_eq!(lines[2], "[a.1] one");
        assert_eq!(lines[3], "[a.1] \\u{1b}[0Ksection_end:1:x\\r\\u{1b}[0K", "foreign text makes no section");
        assert_eq!(lines[4], format!("\x1b[0Ksection_end:{end}:pdb-sync-a.1\r\x1b[0K"));
        assert!(lines[5].contains(":pdb-sync-b\r\x1b[0K[b] failed after 2 tries"), "{out}");
        assert_eq!(lines[6], "[b] x");
        assert!(err.contains("warning: almost full"), "{err}");
    }

    #[test]
    fn the_environment_and_the_option_choose() {
        let events = || {
            let mut events = vec![started(&["a"])];
            events.extend(finished(vec![result("a", Outcome::Ok)]));
            events
        };
        let of = |gitlab: bool, github: bool, group: Option<Group>, json: bool| {
            told(
                |options| {
                    (options.group, options.json) = (group, json);
                    (options.environment.gitlab, options.environment.github) = (gitlab, github);
                },
                events(),
            )
            .0
        };
        assert!(of(true, false, None, false).contains("section_start:"));
        assert!(!of(false, false, None, false).contains("section_start:"));
        assert!(!of(true, false, Some(Group::None), false).contains("section_start:"));
        assert!(!of(true, false, None, true).contains("section_start:"), "JSON stays JSON");
        assert!(of(true, false, Some(Group::Github), false).contains("::group::"));
        assert!(!of(false, true, Some(Group::None), false).contains("::group::"));
    }
}
