//! The work of a thread since its last report.

use super::parts::{Applied, NotRemoved, TOLD};
use crate::clean::removal::remove_entry::RemoveOutcome;
use crate::clean::{Entry, EntryOutcome, JournalProgress, Kind, Line, Record};

#[derive(Default)]
pub(super) struct Page {
    pub(super) lines: Vec<u8>,
    pub(super) applied: Applied,
    pub(super) come_to: u64,
}

impl Page {
    /// Notes the outcome of an entry. `meant`: whether it was journalled before it was changed; `past`: the progress of an earlier attempt.
    pub(super) fn note(
        &mut self,
        entry: &Entry,
        taken: RemoveOutcome,
        meant: bool,
        past: Option<&JournalProgress>,
    ) {
        self.come_to += entry.count();
        let applied = &mut self.applied;
        let (did, why) = match taken {
            RemoveOutcome::Done(did) => {
                applied.count(did, entry);
                (did, None)
            }
            RemoveOutcome::Gone => {
                applied.skipped += entry.count();
                (EntryOutcome::Skipped, Some("it is gone already".to_owned()))
            }
            RemoveOutcome::Left(why) => {
                applied.skipped += entry.count();
                (EntryOutcome::Skipped, Some(why))
            }
            RemoveOutcome::Failed(why) => {
                applied.failed += entry.count();
                (EntryOutcome::Failed, Some(why))
            }
        };
        if let Some(why) = &why
            && applied.why.len() < TOLD
        {
            let (path, is_dir) = (entry.path.clone(), entry.kind == Kind::Dir);
            applied.why.push(NotRemoved { path, is_dir, did, why: why.clone() });
        }
        // An entry that was journalled as meant needs a line about its outcome; without one it stays open.
        let again = why.is_some() && !meant;
        if !(again && past.is_some_and(|past| past.is_left(&entry.path))) {
            self.line(entry, did, why);
        }
    }

    /// Notes an entry that was gone and that the source does not have either. One that was journalled as meant needs a line about its outcome.
    pub(super) fn gone(&mut self, entry: &Entry, meant: bool) {
        self.come_to += entry.count();
        if meant {
            self.line(entry, EntryOutcome::Skipped, None);
        }
    }

    fn line(&mut self, entry: &Entry, did: EntryOutcome, why: Option<String>) {
        let (path, kind, bytes, entries) = (entry.path.clone(), entry.kind, entry.bytes, entry.count());
        Line::Did(Record { path, kind, did, bytes, entries, why }).write(&mut self.lines);
    }
}
