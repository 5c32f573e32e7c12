//! Sources without a trailing slash: rsync transfers the directory itself, not only its contents.

use super::draft::DraftJob;
use super::layer::{Origin, Settings};
use super::resolver::Resolver;
use crate::model::job::{Address, Source};
use crate::rsync::args;
use std::path::Path;

impl Resolver<'_> {
    /// Notes a local source that transfers the directory itself, which may be unintended. Warns if some sources of the job create a
    /// directory of their own and others do not. `rsync_args`: all rsync options of the job.
    pub(super) fn check_slashes(
        &mut self,
        job: &DraftJob,
        settings: &Settings,
        sources: &[Source],
        dest: &Path,
        rsync_args: &[String],
    ) {
        let origin = settings.source.as_ref().map(|given| given.origin);
        let Some(Origin::Section(span) | Origin::Defaults(span)) = origin else { return };
        let own: Vec<Option<&str>> =
            sources.iter().map(|source| args::own_directory(rsync_args, source)).collect();
        if let Some(other) = own.iter().position(|name| *name != own[0]) {
            let what = |n: usize| match own[n] {
                Some(name) => format!("{} becomes {name:?} in the destination", sources[n]),
                None => format!("only the contents of {} are transferred", sources[n]),
            };
            let text =
                format!("job {:?}: its sources make different trees: {}, {}", job.name, what(0), what(other));
            let hint = "end all of them with a slash, or none, as rsync reads it";
            self.texts.next_problem(&mut self.advice, span, text, Some(hint.into()));
        }
        for (source, name) in sources.iter().zip(own) {
            let (Address::Local(path), Some(name)) = (&source.address, name) else { continue };
            if (self.around.is_dir)(path) {
                let told = args::own_directory_text(source, name, dest);
                let (text, hint) = (format!("job {:?}: {}", job.name, told.0), told.1);
                self.texts.next_problem(&mut self.notes, span, text, Some(hint));
            }
        }
    }
}
