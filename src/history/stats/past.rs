//! The recorded result of a job.

use crate::model::result::{Fallback, Figures, Status, SyncResult};
use jiff::Timestamp;
use std::time::Duration;

/// The result of a job in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// The ID of the run.
    pub run: String,
    /// Name of the job.
    pub job: String,
    /// The state.
    pub state: State,
    /// When the job started; when the run started if the job has not ended.
    pub started: Timestamp,
    /// The duration, including hooks and back-off; `None` if it has not ended.
    pub duration: Option<Duration>,
    /// Time from the start of the run until the job got its slot; `None` if it has not ended.
    pub queued: Option<Duration>,
    /// Number of attempts.
    pub attempts: u64,
    /// rsync's last exit code.
    pub exit_code: Option<i32>,
    /// The figures of the transfer.
    pub figures: Figures,
    /// The source of the last attempt.
    pub source: Option<String>,
    /// Set if this is not the first source of the job, with the reason.
    pub fallback: Option<Fallback>,
    /// The error message.
    pub error: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The path of the log.
    pub log: Option<String>,
    /// The alerts that fired.
    pub alerts: Vec<String>,
    /// Warnings about its hooks.
    pub warnings: Vec<String>,
    /// The durations of its phases over all attempts: `list`, `transfer`, `delete`, `before`, `after`.
    pub phases: Vec<(String, Duration)>,
}

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The run is still going on.
    Running,
    /// The process of the run ended without a result of the job.
    Interrupted,
    /// The job has ended with a result.
    Ended(Status),
}

impl State {
    /// The word used in JSON: `running`, `interrupted`, or the status.
    pub fn word(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Interrupted => "interrupted",
            State::Ended(status) => status.word(),
        }
    }

    /// Parses the word.
    pub fn parse(word: &str) -> Option<State> {
        State::all().find(|state| state.word() == word)
    }

    /// All states.
    pub fn all() -> impl Iterator<Item = State> {
        use Status::{Blocked, Cancelled, Failed, Ok, Partial, Skipped, Warned};
        let ended = [Ok, Warned, Partial, Blocked, Failed, Skipped, Cancelled].map(State::Ended);
        ended.into_iter().chain([State::Interrupted, State::Running])
    }

    /// Whether everything requested was done.
    pub fn is_success(self) -> bool {
        matches!(self, State::Ended(Status::Ok | Status::Warned))
    }
}

impl Past {
    /// Converts a new result.
    pub fn of(run: &str, result: &SyncResult) -> Past {
        let mut past = Past {
            run: run.into(),
            job: result.job.to_string(),
            state: State::Ended(result.status()),
            started: result.started,
            duration: Some(result.duration),
            queued: Some(result.queued),
            attempts: result.attempts.len() as u64,
            exit_code: result.exit_code(),
            figures: result.figures,
            source: result.source.clone(),
            fallback: result.fallback.clone(),
            error: result.outcome.error().map(Into::into),
            hint: result.outcome.hint().map(Into::into),
            log: result.log.as_ref().map(|log| log.to_string_lossy().into_owned()),
            alerts: result.alerts.clone(),
            warnings: result.warnings.clone(),
            phases: Vec::new(),
        };
        for (phase, duration) in result.attempts.iter().flat_map(|attempt| &attempt.phases) {
            match past.phases.iter_mut().find(|(name, _)| name == phase.word()) {
                Some((_, sum)) => *sum += *duration,
                None => past.phases.push((phase.word().into(), *duration)),
            }
        }
        past
    }

    /// Returns when the job ended, if it has.
    pub fn ended(&self) -> Option<Timestamp> {
        let duration = jiff::SignedDuration::try_from(self.duration?).ok()?;
        self.started.checked_add(duration).ok()
    }

    /// Returns the duration of the transfers; without any, that of the job.
    pub fn transferring(&self) -> Option<Duration> {
        let transfer = self.phases.iter().find(|(name, _)| name == "transfer").map(|(_, duration)| *duration);
        transfer.or(self.duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_word_of_its_own() {
        for state in State::all() {
            assert_eq!(State::parse(state.word()), Some(state));
        }
        assert_eq!(State::all().count(), 9);
        assert_eq!(State::parse("good"), None);
    }
}
