//! Jobs whose source and destination overlap: the mirror would be copied into itself, or the job would delete its own source.

use super::draft::DraftJob;
use super::layer::{Origin, Settings};
use super::paths::normalise;
use super::resolver::Resolver;
use crate::model::job::{Address, Source};
use crate::model::sanitize;
use crate::rsync::args;
use std::path::{Path, PathBuf};

/// A directory that a run of the job writes to.
struct Written {
    /// Its name in messages.
    what: &'static str,
    path: PathBuf,
    origin: Origin,
}

impl Resolver<'_> {
    /// `rsync_args`: all rsync options of the job.
    pub(super) fn check_own_source(
        &mut self,
        job: &DraftJob,
        settings: &Settings,
        sources: &[Source],
        dest: &Path,
        rsync_args: &[String],
    ) {
        let Some(given) = &settings.dest else { return };
        let dest = Written { what: "destination", path: dest.into(), origin: given.origin };
        let backup = args::backup_dir(rsync_args).map(|dir| Written {
            what: "directory of rsync's --backup-dir",
            path: dest.path.join(dir),
            origin: settings.rsync_args.origin,
        });
        let clean = self.backup_dir.clone().map(|(path, origin)| Written {
            what: "backup_dir of [clean]",
            path,
            origin,
        });
        for source in sources {
            let Address::Local(path) = &source.address else { continue };
            let from = normalise(&(self.around.resolve)(path));
            for written in [Some(&dest), backup.as_ref(), clean.as_ref()].into_iter().flatten() {
                self.check_inside(job, settings, (source, &from), written, rsync_args);
            }
            let real = (self.around.resolve)(&dest.path);
            if settings.delete.value && (self.around.holds)(&real, &from) && real != from {
                let typed = settings.delete.origin == Origin::CommandLine;
                let origin = if typed { Origin::CommandLine } else { dest.origin };
                let text = format!("would delete its own source, {}", sanitize::path(&from));
                let hint = "give the mirror a directory that does not hold its source";
                self.unfit(origin, job, text, Some(hint.into()));
            }
        }
    }

    /// Checks whether the next run would read what a run writes.
    fn check_inside(
        &mut self,
        job: &DraftJob,
        settings: &Settings,
        (source, from): (&Source, &Path),
        written: &Written,
        rsync_args: &[String],
    ) {
        let Written { what, path, origin } = written;
        let real = normalise(&(self.around.resolve)(path));
        let whole = source.text.ends_with('/') || source.text.ends_with("/.");
        // Without a trailing slash rsync creates the source directory itself below the destination.
        let name = from.file_name().filter(|_| !whole);
        let copy = name.map_or(real.clone(), |name| real.join(name));
        if *what == "destination" && (copy == from || real == from) {
            let text = format!("the destination {} is the source itself", sanitize::path(&path));
            let hint = "give the mirror a directory of its own, outside of the source";
            return self.unfit(*origin, job, text, Some(hint.into()));
        }
        if !(self.around.holds)(from, &real) {
            return;
        }
        // Path below the root of the transfer, as rsync's filters see it; `None` if unknown.
        let below = real.strip_prefix(from).ok().and_then(Path::to_str).map(|below| match name {
            Some(name) => format!("{}/{below}", name.to_string_lossy()),
            None => below.to_owned(),
        });
        let filters = (settings.include.value.as_slice(), settings.exclude.value.as_slice(), rsync_args);
        if below.as_deref().is_some_and(|below| args::leaves_out(filters, below)) {
            return;
        }
        let really =
            if real == *path { String::new() } else { format!(" (really {})", sanitize::path(&real)) };
        let text = format!(
            "the {what}, {}{really}, lies inside the source {source}: every run would copy what earlier runs have written",
            sanitize::path(&path)
        );
        let hint = match below {
            Some(below) => {
                format!(
                    "choose a directory outside of the source, or leave it out: exclude = [{:?}]",
                    format!("/{below}/")
                )
            }
            None => "choose a directory outside of the source".into(),
        };
        self.unfit(*origin, job, text, Some(hint));
    }
}
