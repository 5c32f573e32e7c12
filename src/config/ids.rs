//! The entries that a job is limited to: the key `ids`, the option `--ids`, and what cannot be combined with them.

use super::draft::DraftJob;
use super::id_list::IdList;
use super::layer::{Given, Origin, Settings};
use super::resolver::Resolver;
use crate::model::entry_ids::{BadIds, EntryIds};
use crate::model::job::{OnlyEntries, Source};
use crate::model::sanitize;
use crate::rsync::args;
use std::path::Path;
use std::sync::Arc;

/// How many paths a message suggests.
const SUGGESTED: usize = 3;

impl Resolver<'_> {
    /// Returns the entries that a job is limited to; `None` if it is not limited, or if the list cannot be used: then the job cannot be
    /// run.
    pub(super) fn only_entries(
        &mut self,
        job: &DraftJob,
        settings: &Settings,
        sources: &[Source],
        rsync_args: &[String],
    ) -> Option<OnlyEntries> {
        let typed = self.over.ids.clone().filter(|_| self.over.applies_to(&job.name));
        let (origin, option) = match (&typed, &settings.ids) {
            (Some(_), _) => (Origin::CommandLine, "--ids"),
            (None, Some(given)) => (given.origin, "ids"),
            (None, None) => return None,
        };
        let refused = [
            ("--files-from", args::files_from(rsync_args).is_some()),
            ("--relative", args::transfers_paths(rsync_args)),
        ];
        for (other, _) in refused.iter().filter(|(_, given)| *given) {
            let text = format!(
                "{option} cannot be used together with rsync's {other}: both decide which names are transferred"
            );
            self.unfit(
                origin,
                job,
                text,
                Some(format!("remove {other} from the options for rsync, or leave {option} out")),
            );
        }
        self.check_kinds(job, origin, option, sources);
        let ids = match (typed, &settings.ids) {
            (Some(ids), _) => {
                return Some(OnlyEntries { ids, typed: true, not_deleting: settings.delete.value });
            }
            (None, Some(given)) => self.listed_ids(job, given)?,
            (None, None) => return None,
        };
        Some(OnlyEntries { ids: Arc::new(ids), typed: false, not_deleting: false })
    }

    /// A source must have one kind of files. Another source with several kinds would have many files of each entry.
    fn check_kinds(&mut self, job: &DraftJob, origin: Origin, option: &str, sources: &[Source]) {
        for source in sources {
            let kinds = self.mirrors.kinds_below(source);
            if kinds.is_empty() {
                continue;
            }
            let text = format!(
                "{option} needs a source with one kind of files, but {source} has several kinds, or is above them"
            );
            let kinds = kinds.iter().take(SUGGESTED).cloned().collect::<Vec<_>>().join(" or ");
            self.unfit(
                origin,
                job,
                text,
                Some(format!("add the path of one kind to the source, such as {kinds}")),
            );
            return;
        }
    }

    fn listed_ids(&mut self, job: &DraftJob, given: &Given<IdList>) -> Option<EntryIds> {
        match &given.value {
            IdList::Ids(words) => EntryIds::of(words)
                .map_err(|bad| self.unfit(given.origin, job, format!("ids: {}", bad.text), Some(bad.hint)))
                .ok(),
            IdList::File(file) if file.to_str().is_some_and(|word| EntryIds::of(&[word.into()]).is_ok()) => {
                let text = format!("ids: {:?} would be the path of a file", file.to_string_lossy());
                let hint = "write [\"ID\"] for a single entry, \"./NAME\" for a file";
                self.unfit(given.origin, job, text, Some(hint.into()));
                None
            }
            IdList::File(file) => {
                let path = self.expand(job, &Given { value: file.clone(), origin: given.origin })?;
                let path = self.base(given.origin).join(path);
                match (self.around.id_list)(&path) {
                    Ok(bytes) => EntryIds::parse(&bytes)
                        .map_err(|bad| self.bad_ids(job, given.origin, &path, bad))
                        .ok(),
                    Err(why) => {
                        let text = format!("ids: cannot read {}: {why}", sanitize::path(&path));
                        let hint = "name a file that this user may read; a relative path is relative to the directory of the configuration file";
                        self.unfit(given.origin, job, text, Some(hint.into()));
                        None
                    }
                }
            }
        }
    }

    fn bad_ids(&mut self, job: &DraftJob, origin: Origin, path: &Path, bad: BadIds) {
        self.unfit(origin, job, format!("ids: {}", bad.at(path)), Some(bad.hint));
    }
}
