//! What the user says about exit codes of rsync.

use crate::model::result::{Outcome, Reason, Status};
use std::collections::BTreeMap;

/// The statuses of jobs by rsync's exit code, 1 to 255.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExitCodes(pub BTreeMap<u8, Status>);

impl ExitCodes {
    /// The statuses that can be chosen.
    pub const STATUSES: [Status; 4] = [Status::Ok, Status::Warned, Status::Partial, Status::Failed];

    /// Returns an outcome with the status for this exit code, and what was changed, for messages; `None` if nothing changes.
    pub fn apply(&self, code: i32, outcome: &Outcome) -> Option<(Outcome, String)> {
        let wanted = *self.0.get(&u8::try_from(code).ok()?)?;
        let found = outcome.status();
        if wanted == found || !Self::STATUSES.contains(&found) {
            return None;
        }
        let text = outcome.error().map_or_else(|| format!("rsync ended with {code}"), str::to_owned);
        let reason = Reason { text, hint: outcome.hint().map(str::to_owned) };
        let told =
            format!("exit_codes: {found} counts as {wanted}, since rsync ended with {code}: {}", reason.text);
        let outcome = match wanted {
            Status::Ok => Outcome::Ok,
            Status::Warned => Outcome::Warned(reason),
            Status::Partial => Outcome::Partial(reason),
            _ => Outcome::Failed(reason),
        };
        Some((outcome, told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::result::Skip;

    #[test]
    fn only_what_rsync_has_ended_gets_another_status() {
        let codes = ExitCodes(BTreeMap::from([(23, Status::Ok), (24, Status::Failed)]));
        let reason = || Reason::new("some files").hint("look");
        let of = |code, outcome: &Outcome| codes.apply(code, outcome).map(|(outcome, _)| outcome);
        assert_eq!(of(23, &Outcome::Partial(reason())), Some(Outcome::Ok));
        assert_eq!(of(24, &Outcome::Warned(reason())), Some(Outcome::Failed(reason())));
        assert_eq!(of(24, &Outcome::Ok), Some(Outcome::Failed(Reason::new("rsync ended with 24"))));
        assert_eq!(of(12, &Outcome::Failed(reason())), None);
        for kept in [
            Outcome::Ok,
            Outcome::Blocked(reason()),
            Outcome::Cancelled(reason()),
            Outcome::Skipped(Skip::Hook("no".into())),
        ] {
            assert_eq!(of(23, &kept), None);
        }
    }
}
