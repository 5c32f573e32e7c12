//! The work of a thread since its last report.

use super::work::Shared;
use super::{Applied, TOLD};
use crate::clean::removal::remove_entry::RemoveOutcome;
use crate::clean::{Entry, EntryOutcome, Line, Record};

#[derive(Default)]
pub(super) struct Page {
    pub(super) lines: Vec<u8>,
    pub(super) applied: Applied,
    pub(super) come_to: u64,
}

impl Page {
    pub(super) fn note(&mut self, entry: &Entry, taken: RemoveOutcome, shared: &Shared<'_>) {
        self.come_to += 1;
        if shared.is_of_sync() && taken == RemoveOutcome::Gone {
            // What is gone is as the source has it. An entry that was journalled as meant needs a line about its outcome.
            if shared.is_meant(entry) {
                self.line(entry, EntryOutcome::Skipped, None);
            }
            return;
        }
        let applied = &mut self.applied;
        let (did, why) = match taken {
            RemoveOutcome::Done(did) => {
                applied.count(did, entry.kind, entry.bytes);
                (shared.apply.told)(entry);
                (did, None)
            }
            RemoveOutcome::Gone => {
                applied.skipped += 1;
                (EntryOutcome::Skipped, Some("it is gone already".to_owned()))
            }
            RemoveOutcome::Left(why) => {
                applied.skipped += 1;
                if shared.apply.strict {
                    shared.halt();
                }
                (EntryOutcome::Skipped, Some(why))
            }
            RemoveOutcome::Failed(why) => {
                applied.failed += 1;
                if shared.apply.fail_fast {
                    shared.halt();
                }
                (EntryOutcome::Failed, Some(why))
            }
        };
        if let Some(why) = &why
            && applied.why.len() < TOLD
        {
            applied.why.push((entry.path.clone(), why.clone()));
        }
        // An entry that was journalled as meant needs a line about its outcome; without one it stays open.
        let again = why.is_some() && !shared.is_meant(entry);
        if !(again && shared.apply.past.is_some_and(|past| past.is_left(&entry.path))) {
            self.line(entry, did, why);
        }
    }

    fn line(&mut self, entry: &Entry, did: EntryOutcome, why: Option<String>) {
        let (path, kind, bytes) = (entry.path.clone(), entry.kind, entry.bytes);
        Line::Did(Record { path, kind, did, bytes, why }).write(&mut self.lines);
    }
}
