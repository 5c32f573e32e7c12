//! A job of the past, as it is remembered.

use crate::model::result::{Fallback, Figures, Status, SyncResult};
use jiff::Timestamp;
use std::time::Duration;

/// How a job fared in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// The run's id.
    pub run: String,
    /// Name of the job.
    pub job: String,
    /// How far it came.
    pub state: State,
    /// When it started; when the run started, for one that has not ended.
    pub started: Timestamp,
    /// How long it took, hooks and back-off included; `None` if it has not ended.
    pub duration: Option<Duration>,
    /// From the start of the run until it got its slot; `None` if it has not ended.
    pub queued: Option<Duration>,
    /// Attempts that were made.
    pub attempts: u64,
    /// rsync's last exit code.
    pub exit_code: Option<i32>,
    /// What was moved.
    pub figures: Figures,
    /// The source of the last attempt.
    pub source: Option<String>,
    /// That this is not the job's first source, and why.
    pub fallback: Option<Fallback>,
    /// Why it ended so.
    pub error: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Its log.
    pub log: Option<String>,
    /// The alerts that it set off.
    pub alerts: Vec<String>,
    /// What its hooks did that somebody should look at.
    pub warnings: Vec<String>,
    /// How long its parts took, all attempts together: `list`, `transfer`, `delete`, `before`, `after`.
    pub phases: Vec<(String, Duration)>,
}

/// How far a job came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its run goes on.
    Running,
    /// Its run ended without a word.
    Interrupted,
    /// It has a result.
    Ended(Status),
}

impl State {
    /// As in JSON: `running`, `interrupted`, or the status.
    pub fn word(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Interrupted => "interrupted",
            State::Ended(status) => status.word(),
        }
    }

    /// The state that a word stands for.
    pub fn parse(word: &str) -> Option<State> {
        State::all().find(|state| state.word() == word)
    }

    /// All there are.
    pub fn all() -> impl Iterator<Item = State> {
        use Status::{Blocked, Cancelled, Failed, Ok, Partial, Skipped, Warned};
        let ended = [Ok, Warned, Partial, Blocked, Failed, Skipped, Cancelled].map(State::Ended);
        ended.into_iter().chain([State::Interrupted, State::Running])
    }

    /// Whether all that was asked was done.
    pub fn is_success(self) -> bool {
        matches!(self, State::Ended(Status::Ok | Status::Warned))
    }
}

impl Past {
    /// A result that has just come about.
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

    /// When it ended, if it did.
    pub fn ended(&self) -> Option<Timestamp> {
        let duration = jiff::SignedDuration::try_from(self.duration?).ok()?;
        self.started.checked_add(duration).ok()
    }

    /// How long the transfers took; without them, the whole job.
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
