//! Which checksum rsync has negotiated with each server in this run.
//!
//! The negotiation costs two round trips in each connection. Its outcome depends on both programs only, so later connections of a run are
//! given the checksum of the first. Behind one name there may be several servers, and a server may refuse the option; then rsync negotiates
//! in each connection again.

use super::negotiation::Negotiation;
use super::transport::{Ended, Ran};
use crate::model::job::{Address, Source};
use crate::model::result::Reason;
use crate::rsync::exit::Verdict;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The outcome at each server, by host and port; `None` where it must not be given to rsync.
#[derive(Debug, Default)]
pub(super) struct NegotiatedChecksums(Mutex<HashMap<(String, u16), Option<String>>>);

impl NegotiatedChecksums {
    /// Returns the checksum for the next connection; `None` if rsync has to negotiate it.
    pub(super) fn of(&self, source: &Source) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&server(source)?).cloned()?
    }

    /// Notes what a connection has negotiated. Two outcomes at one server mean that it is not one server.
    pub(super) fn learn(&self, source: &Source, checksum: Option<String>) {
        let (Some(server), Some(name)) = (server(source), checksum) else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(server).or_insert_with(|| Some(name.clone()));
        *known = known.take().filter(|known| *known == name);
    }

    /// No connection of the run to this server is given a checksum again. Returns whether one was until now.
    pub(super) fn give_up(&self, source: &Source) -> bool {
        let Some(server) = server(source) else { return false };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(server, None).flatten().is_some()
    }
}

/// If an rsync that was given a checksum may have failed for that reason: its error. The server says so only sometimes: rsync 3.1 and later
/// close the connection.
pub(super) fn may_be_refused<'a>(ran: &'a Ran, negotiation: &Negotiation) -> Option<&'a Reason> {
    match &ran.verdict {
        // Syntax, not supported, socket, protocol.
        Ended::Judged(Verdict::Failed(_, reason)) if matches!(ran.code, Some(1 | 4 | 10 | 12)) => {
            (negotiation.answered && !negotiation.over).then_some(reason)
        }
        _ => None,
    }
}

fn server(source: &Source) -> Option<(String, u16)> {
    match &source.address {
        Address::Daemon { host, port, .. } => Some((host.clone(), *port)),
        Address::Shell { .. } | Address::Local(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rsync::exit::Class;
    use crate::rsync::output::Stats;

    fn source(text: &str) -> Source {
        Source::parse(text, std::path::Path::new("/")).unwrap()
    }

    #[test]
    fn the_first_outcome_holds_for_all_modules_of_the_server() {
        let checksums = NegotiatedChecksums::default();
        let (first, other) = (source("rsync://h/a/"), source("h::b/c"));
        assert_eq!(checksums.of(&first), None);
        checksums.learn(&first, None);
        assert_eq!(checksums.of(&first), None);
        checksums.learn(&first, Some("xxh128".into()));
        assert_eq!(checksums.of(&other).as_deref(), Some("xxh128"));
        for text in ["rsync://h:33444/a/", "rsync://i/a/", "h:/a/", "/a/"] {
            assert_eq!(checksums.of(&source(text)), None, "{text}");
        }
    }

    #[test]
    fn two_outcomes_or_a_refusal_end_it() {
        let checksums = NegotiatedChecksums::default();
        let source = source("rsync://h/a/");
        for (name, then) in
            [("xxh128", Some("xxh128")), ("xxh128", Some("xxh128")), ("md5", None), ("md5", None)]
        {
            checksums.learn(&source, Some(name.into()));
            assert_eq!(checksums.of(&source).as_deref(), then);
        }
        let checksums = NegotiatedChecksums::default();
        checksums.learn(&source, Some("md5".into()));
        assert!(checksums.give_up(&source));
        assert!(!checksums.give_up(&source));
        checksums.learn(&source, Some("md5".into()));
        assert_eq!(checksums.of(&source), None);
    }

    #[test]
    fn only_an_early_end_after_the_answer_may_be_a_refusal() {
        let ran = |code| Ran {
            code: Some(code),
            verdict: Ended::Judged(Verdict::Failed(Class::Retry, Reason::new("lost"))),
            stats: Stats::default(),
            progress: None,
            unshown: Vec::new(),
        };
        let negotiation = |answered, over| Negotiation { answered, over, ..Negotiation::default() };
        for code in [1, 4, 10, 12] {
            assert!(may_be_refused(&ran(code), &negotiation(true, false)).is_some(), "{code}");
            // No connection, or files have been listed.
            assert_eq!(may_be_refused(&ran(code), &negotiation(false, false)), None);
            assert_eq!(may_be_refused(&ran(code), &negotiation(true, true)), None);
        }
        assert_eq!(may_be_refused(&ran(30), &negotiation(true, false)), None);
        let stopped = Ran { verdict: Ended::Stopped, ..ran(12) };
        assert_eq!(may_be_refused(&stopped, &negotiation(true, false)), None);
    }
}
