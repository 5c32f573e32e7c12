//! The record of a job in one run: the one form of a result for JSON, notifications and the history.

use crate::model::part::PartResult;
use crate::model::pdb::EntryId;
use crate::model::phase::Phase;
use crate::model::result::{Attempt, Fallback, Figures, Outcome, Reason, Skip, Status, SyncResult};
use crate::model::run_scope::RunScope;
use crate::model::wire;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use std::time::Duration;

/// A job in one run. `None` is unknown, never zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobRecord {
    /// ID of the run.
    pub run: String,
    /// What the command line limited the run to; `None` for a run of the whole job.
    pub scope: Option<RunScope>,
    /// Name of the job.
    pub job: String,
    /// The state.
    #[serde(rename = "status")]
    pub state: State,
    /// When the job started; when the run started if the job has not ended.
    #[serde(serialize_with = "wire::time")]
    pub started: Timestamp,
    /// The duration, including hooks and back-off; `None` if it has not ended.
    #[serde(rename = "duration_s", serialize_with = "wire::seconds")]
    pub duration: Option<Duration>,
    /// Time from the start of the run until the job got its slot; `None` if it has not ended.
    #[serde(rename = "queued_s", serialize_with = "wire::seconds")]
    pub queued: Option<Duration>,
    /// Number of attempts.
    pub attempts: u64,
    /// rsync's last exit code.
    pub exit_code: Option<i32>,
    /// The figures of the transfer.
    #[serde(flatten)]
    pub figures: Figures,
    /// Whether anything at the destination was changed.
    pub changed: Option<bool>,
    /// The source of the last attempt.
    pub source: Option<String>,
    /// Set if this is not the first source of the job, with the reason.
    #[serde(flatten, serialize_with = "fallback")]
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
    /// How many connections it had at the same time, at most; `None` if unknown.
    pub connections: Option<u32>,
    /// The durations of its phases over all attempts, and of its hooks where they are known.
    #[serde(serialize_with = "wire::phases")]
    pub phases: Vec<(Phase, Duration)>,
    /// What lists of past jobs do not read.
    #[serde(flatten)]
    pub details: Option<Details>,
}

/// The part of a record that is read for a single run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Details {
    /// The command line that restores what was deleted or replaced. The history does not have it: only the quarantine shows what can
    /// still be restored.
    pub undo: Option<String>,
    /// The entries without a file at the source; `None` for a job that is not limited to entries. The history does not have them.
    #[serde(serialize_with = "wire::ids")]
    pub missing_ids: Option<Vec<EntryId>>,
    /// The parts of its transfers, in order; `None` if unknown.
    pub parts: Option<Vec<PartResult>>,
    /// All attempts, in order.
    pub tries: Vec<Attempt>,
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

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl JobRecord {
    /// Returns when the job ended, if it has.
    pub fn ended(&self) -> Option<Timestamp> {
        let duration = jiff::SignedDuration::try_from(self.duration?).ok()?;
        self.started.checked_add(duration).ok()
    }

    /// Whether its marker showed that nothing was new, so that its duration is that of a short question.
    pub fn is_by_marker(&self) -> bool {
        Phase::only_marker(self.phases.iter().map(|(phase, _)| *phase))
    }

    /// Returns the duration of the transfers; without any, that of the job.
    pub fn transferring(&self) -> Option<Duration> {
        let transfer = self.phases.iter().find(|(phase, _)| *phase == Phase::Transfer);
        transfer.map(|(_, duration)| *duration).or(self.duration)
    }

    fn outcome(&self) -> Outcome {
        let text = self.error.clone().unwrap_or_default();
        let reason = Reason { text: text.clone(), hint: self.hint.clone() };
        match self.state {
            State::Running | State::Interrupted => {
                Outcome::Cancelled(Reason::new("interrupted: pdb-sync was killed, or the machine went down"))
            }
            State::Ended(Status::Ok) => Outcome::Ok,
            State::Ended(Status::Warned) => Outcome::Warned(reason),
            State::Ended(Status::Partial) => Outcome::Partial(reason),
            State::Ended(Status::Blocked) => Outcome::Blocked(reason),
            State::Ended(Status::Failed) => Outcome::Failed(reason),
            // A record does not distinguish the reasons for skipping.
            State::Ended(Status::Skipped) => Outcome::Skipped(Skip::Hook(text)),
            State::Ended(Status::Cancelled) => Outcome::Cancelled(reason),
        }
    }
}

impl From<&SyncResult> for JobRecord {
    fn from(result: &SyncResult) -> JobRecord {
        let mut phases: Vec<(Phase, Duration)> = Vec::new();
        for (phase, duration) in result.attempts.iter().flat_map(|attempt| &attempt.phases) {
            match phases.iter_mut().find(|(known, _)| known == phase) {
                Some((_, sum)) => *sum += *duration,
                None => phases.push((*phase, *duration)),
            }
        }
        JobRecord {
            run: result.run.clone(),
            scope: result.scope,
            job: result.job.to_string(),
            state: State::Ended(result.status()),
            started: result.started,
            duration: Some(result.duration),
            queued: Some(result.queued),
            attempts: result.attempts.len() as u64,
            exit_code: result.exit_code(),
            figures: result.figures,
            changed: result.changed(),
            source: result.source.clone(),
            fallback: result.fallback.clone(),
            error: result.outcome.error().map(Into::into),
            hint: result.outcome.hint().map(Into::into),
            log: result.log.as_ref().map(|log| log.to_string_lossy().into_owned()),
            alerts: result.alerts.clone(),
            warnings: result.warnings.clone(),
            connections: Some(result.connections),
            phases,
            details: Some(Details {
                undo: result.undo.clone(),
                missing_ids: result.missing_ids.clone(),
                parts: Some(result.parts.clone()),
                tries: result.attempts.clone(),
            }),
        }
    }
}

/// The record of a real run as a result, for the summary. A job that has not ended counts as cancelled.
impl From<&JobRecord> for SyncResult {
    fn from(record: &JobRecord) -> SyncResult {
        let details = record.details.as_ref();
        SyncResult {
            run: record.run.clone(),
            scope: record.scope,
            dry_run: false,
            job: record.job.as_str().into(),
            outcome: record.outcome(),
            attempts: details.map(|details| details.tries.clone()).unwrap_or_default(),
            started: record.started,
            duration: record.duration.unwrap_or_default(),
            queued: record.queued.unwrap_or_default(),
            figures: record.figures,
            source: record.source.clone(),
            fallback: record.fallback.clone(),
            log: record.log.as_ref().map(Into::into),
            alerts: record.alerts.clone(),
            warnings: record.warnings.clone(),
            connections: record.connections.unwrap_or_default(),
            parts: details.and_then(|details| details.parts.clone()).unwrap_or_default(),
            missing_ids: details.and_then(|details| details.missing_ids.clone()),
            undo: details.and_then(|details| details.undo.clone()),
        }
    }
}

/// The form of its record.
impl Serialize for SyncResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JobRecord::from(self).serialize(serializer)
    }
}

/// Writes a fallback as two keys: whether there is one, and why.
fn fallback<S: Serializer>(fallback: &Option<Fallback>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Keys<'a> {
        fallback: bool,
        fallback_reason: Option<&'a str>,
    }
    let why = fallback.as_ref().map(|fallback| fallback.why.as_str());
    Keys { fallback: why.is_some(), fallback_reason: why }.serialize(serializer)
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
