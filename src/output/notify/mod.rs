//! Sends notifications about a run: a ping, a webhook, commands.
//!
//! Failures here do not affect a job or the run. They are returned in plain words, without the secret part of any address.

mod body;
mod send;

use crate::config::NotifySettings;
use crate::model::exit_code::ExitCode;
use crate::model::job::Hook;
use crate::model::summary::Summary;
use send::{Answer, Patience};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Time limit after a signal: whoever sent it should not have to wait.
const HURRY: Duration = Duration::from_secs(5);

/// The result of the notifications.
#[derive(Debug, Default)]
pub struct Told {
    /// What failed, one sentence each.
    pub problems: Vec<String>,
    /// Lines that commands wrote to their standard error.
    pub complaints: Vec<String>,
}

/// Sends the notifications of one run.
#[derive(Debug)]
pub struct Notifier {
    settings: NotifySettings,
    start: Option<JoinHandle<Option<String>>>,
}

impl Notifier {
    /// Sends the notification of the start, without waiting.
    pub fn start(settings: NotifySettings) -> Notifier {
        let patience = Patience::of(&settings);
        let start = settings.ping.clone().and_then(Result::ok).and_then(|url| {
            let ping = move || send::ping(&url, "start", patience);
            // If the thread cannot be started, this notification is skipped; that of the end is more important.
            thread::Builder::new().name("notify".into()).spawn(ping).ok()
        });
        Notifier { settings, start }
    }

    /// Sends the notifications of the end, and waits until all are sent or their retries are used up. The logs must be complete.
    pub fn finish(self, summary: &Summary) -> Told {
        let Notifier { settings, start } = self;
        let hurry = summary.signal.is_some();
        let start = start.filter(|start| !hurry || start.is_finished());
        let mut told = Told::default();
        told.problems.extend(start.and_then(|start| start.join().ok().flatten()));
        let success = match summary.exit() {
            ExitCode::Done => true,
            // The run that holds the lock sends its own notifications.
            ExitCode::Locked => return told,
            _ => false,
        };
        let mut patience = Patience::of(&settings);
        if hurry {
            patience = Patience { timeout: patience.timeout.min(HURRY), retries: 0 };
        }
        let wanted = settings.on.covers(success);
        let body = if wanted { body::of(summary, success, settings.log_tail) } else { String::new() };
        thread::scope(|scope| {
            let problem = |problem| Answer { problem, ..Answer::default() };
            let mut told_by = Vec::new();
            match &settings.ping {
                Some(Ok(url)) => {
                    let end = if success { "" } else { "fail" };
                    told_by.push(scope.spawn(move || problem(send::ping(url, end, patience))));
                }
                Some(Err(why)) => told.problems.push(format!("no ping was sent: {why}")),
                None => {}
            }
            match settings.webhook.as_ref().filter(|_| wanted) {
                Some(Ok(url)) => {
                    let body = &body;
                    told_by.push(scope.spawn(move || problem(send::post(url, body, patience))));
                }
                Some(Err(why)) => told.problems.push(format!("the webhook was not called: {why}")),
                None => {}
            }
            let commands: &[Hook] = if wanted { &settings.commands } else { &[] };
            let (body, summary) = (&body, &summary);
            told_by.extend(commands.iter().map(|command| {
                scope.spawn(move || send::command(command, body, &environment(summary, success), patience))
            }));
            for answer in told_by.into_iter().filter_map(|answer| answer.join().ok()) {
                told.problems.extend(answer.problem);
                told.complaints.extend(answer.complaints);
            }
        });
        told
    }
}

/// Returns the environment variables for commands, in addition to the JSON.
fn environment(summary: &Summary, success: bool) -> Vec<(&'static str, String)> {
    let not_well: Vec<&str> = summary
        .results
        .iter()
        .filter(|result| result.outcome.exit() != ExitCode::Done)
        .map(|result| &*result.job)
        .collect();
    vec![
        ("PDB_SYNC_RUN", summary.run.clone()),
        ("PDB_SYNC_STATUS", if success { "success" } else { "failure" }.into()),
        ("PDB_SYNC_EXIT_CODE", summary.exit().code().to_string()),
        ("PDB_SYNC_DURATION", format!("{:.3}", summary.duration.as_secs_f64())),
        ("PDB_SYNC_FAILED_JOBS", not_well.join(" ")),
    ]
}
