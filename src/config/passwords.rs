//! The password file of a job: its path, and whether rsync will accept it.

use super::draft::DraftJob;
use super::layer::{Origin, Settings};
use super::resolver::Resolver;
use crate::model::host_facts::Secret;
use crate::model::job::{Address, Source};
use crate::rsync::args;
use std::path::{Path, PathBuf};

impl Resolver<'_> {
    /// Returns the absolute path. If this file or one in `rsync_args` has a problem, the job cannot be run: rsync itself would report it
    /// only after it connected to the server.
    pub(super) fn password_file(
        &mut self,
        job: &DraftJob,
        settings: &Settings,
        sources: Option<&[Source]>,
        rsync_args: &[String],
    ) -> Option<PathBuf> {
        let is_daemon = |source: &Source| matches!(source.address, Address::Daemon { .. });
        let in_args = args::password_file(rsync_args).map(PathBuf::from);
        if let Some(path) = &in_args {
            let typed =
                self.over.applies_to(&job.name) && args::password_file(&self.over.rsync_args).is_some();
            let (origin, whence) = match typed {
                true => (Origin::CommandLine, "--password-file"),
                false => (settings.rsync_args.origin, "rsync_args: --password-file"),
            };
            if let Some(other) = sources.and_then(|sources| sources.iter().find(|s| !is_daemon(s))) {
                let text =
                    format!("{whence} works with rsync daemons only, and rsync would refuse it for {other}");
                let hint =
                    "set `password_file` instead, which is used only for daemons of the job; ssh uses keys";
                self.unfit(origin, job, text, Some(hint.into()));
            } else if path != Path::new("-") {
                self.check_password(job, origin, whence, path);
            }
        }
        let given = settings.password_file.as_ref()?;
        let path = self.expand(job, given)?;
        let path = self.base(given.origin).join(path);
        let no_daemon = sources.and_then(|sources| sources.iter().all(|s| !is_daemon(s)).then_some(sources));
        match no_daemon {
            // A value in `[defaults]` applies only to jobs that can use it.
            Some(_) if matches!(given.origin, Origin::Defaults(_)) => return None,
            Some(sources) => {
                let text = format!(
                    "password_file is for rsync daemons, and the job has none ({})",
                    sources.iter().map(|source| source.text.as_str()).collect::<Vec<_>>().join(", ")
                );
                let hint = "remove it; ssh uses keys";
                self.unfit(given.origin, job, text, Some(hint.into()));
            }
            None if in_args.is_some() => {
                let text = "the job names its password file twice, by password_file and in rsync_args";
                self.unfit(given.origin, job, text.into(), Some("remove one of the two".into()));
            }
            None => self.check_password(job, given.origin, "password_file", &path),
        }
        Some(path)
    }

    fn check_password(&mut self, job: &DraftJob, origin: Origin, what: &str, path: &Path) {
        if let Err(unusable) = (self.around.secret)(path, Secret::Password) {
            self.unfit(origin, job, format!("{what}: {}", unusable.text), unusable.hint);
        }
    }
}
