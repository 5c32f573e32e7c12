//! What of a job names places: sources, the destination, files for rsync. Expanded, absolute, or a mistake of that job.

use super::draft::DraftJob;
use super::layer::{Given, Origin, Settings};
use super::lists::Sources;
use super::paths::{PathError, expand, local, normalise};
use super::resolve::Resolver;
use crate::model::job::{Address, Source, SourceError};
use crate::model::sanitize;
use crate::rsync::args;
use std::path::{Path, PathBuf};

/// What is wrong with a path, and what to do about it.
pub(super) struct Wrong {
    pub(super) text: String,
    pub(super) hint: Option<String>,
}

impl From<PathError> for Wrong {
    fn from(wrong: PathError) -> Self {
        Wrong { text: wrong.to_string(), hint: Some(wrong.hint()) }
    }
}

impl From<SourceError> for Wrong {
    fn from(wrong: SourceError) -> Self {
        Wrong { text: wrong.to_string(), hint: wrong.hint() }
    }
}

fn not_utf8(text: &str) -> Wrong {
    PathError::NotUtf8(text.into()).into()
}

impl Resolver<'_> {
    /// One that cannot be resolved stands there as it was written, and the job cannot be run.
    pub(super) fn sources(&mut self, job: &DraftJob, given: &Given<Sources>) -> Option<Vec<Source>> {
        let base = self.base(given.origin);
        let mut read = Vec::new();
        for text in &given.value.0 {
            let as_written = Source::parse(text, &base);
            match self.source(text, &base) {
                Ok(source) => read.push(source),
                Err(wrong) => {
                    self.unfit(given.origin, job, wrong.text, wrong.hint);
                    self.mistakes.sourceless = true;
                    read.extend(as_written);
                }
            }
        }
        (read.len() == given.value.0.len() && !read.is_empty()).then_some(read)
    }

    fn source(&self, text: &str, base: &Path) -> Result<Source, Wrong> {
        let source = Source::parse(text, base)?;
        let Address::Local(_) = source.address else { return Ok(source) };
        // Only its own text is expanded: the directory that it hangs below may be called anything.
        let text = expand(text, self.around)?;
        let source = Source::parse(&text, base)?;
        // Its text would name another directory.
        if matches!(&source.address, Address::Local(path) if path.to_str().is_none()) {
            return Err(not_utf8(&text));
        }
        Ok(source)
    }

    /// A job's options for rsync, with the files that they name below the directory of the configuration.
    pub(super) fn files(&mut self, job: &DraftJob, settings: &Settings) -> Vec<String> {
        let given = &settings.rsync_args;
        let named = args::with_files(&given.value.0, |text| self.below(given.origin, text));
        match named {
            Ok(named) => {
                self.check_named_files(job, settings, &named);
                named
            }
            Err(wrong @ Wrong { .. }) => {
                self.unfit(given.origin, job, format!("rsync_args: {}", wrong.text), wrong.hint);
                given.value.0.clone()
            }
        }
    }

    /// Notes files that options name and rsync could not use, unless a hook may make them before the transfer. Files with passwords have
    /// rules of their own, and options that are wrong in any case are told as such.
    fn check_named_files(&mut self, job: &DraftJob, settings: &Settings, rsync_args: &[String]) {
        let refused = settings.delete.value && args::check_with_delete(rsync_args).is_err();
        if refused || !settings.before.value.0.is_empty() {
            return;
        }
        let named =
            args::named_files(rsync_args).into_iter().filter(|(option, _)| *option != "password-file");
        for (option, path) in named {
            let Some(why) = (self.around.unusable)(Path::new(path), args::named_for(option)) else {
                continue;
            };
            let (text, hint) = args::unusable_text(option, path, &why, "in rsync_args");
            self.unfit(settings.rsync_args.origin, job, format!("rsync_args: {text}"), Some(hint));
        }
    }

    /// A path of the file, expanded, below the file's directory.
    pub(super) fn below(&self, origin: Origin, text: &str) -> Result<String, Wrong> {
        let path = self.base(origin).join(expand(text, self.around)?);
        path.into_os_string().into_string().map_err(|_| not_utf8(text))
    }

    /// The destination, and whether it is known. One that is not is shown as it was written.
    pub(super) fn dest(
        &mut self,
        job: &DraftJob,
        given: &Given<PathBuf>,
        root: Option<&Given<PathBuf>>,
    ) -> Option<(PathBuf, bool)> {
        let base = self.base(given.origin);
        let as_written = normalise(&base.join(&given.value));
        let Some(dest) = self.expand_local(job, given) else { return Some((as_written, false)) };
        // What was typed at a prompt is relative to where it was typed.
        let below = match root {
            Some(root) if dest.is_relative() && given.origin != Origin::CommandLine => {
                let Some(expanded) = self.expand_local(job, root) else { return Some((as_written, false)) };
                self.base(root.origin).join(expanded)
            }
            _ => base,
        };
        let dest = normalise(&below.join(dest));
        if dest.is_absolute() {
            return Some((dest, true));
        }
        let text = format!(
            "the destination {} is relative, and the working directory is gone",
            sanitize::path(&dest)
        );
        self.about(given.origin, job, text, Some("give an absolute path".into()));
        None
    }

    /// The same as [`Resolver::below`] for a directory, which must not be another machine's.
    pub(super) fn local_below(&self, origin: Origin, text: &str) -> Result<String, Wrong> {
        local(&expand(text, self.around)?)?;
        self.below(origin, text)
    }

    /// The same as [`Resolver::expand`] for a directory, which must not be another machine's.
    fn expand_local(&mut self, job: &DraftJob, given: &Given<PathBuf>) -> Option<PathBuf> {
        let path = self.expand(job, given)?;
        match local(&path.to_string_lossy()) {
            Ok(()) => Some(path),
            Err(wrong) => {
                self.unfit(given.origin, job, wrong.to_string(), Some(wrong.hint()));
                None
            }
        }
    }

    pub(super) fn expand(&mut self, job: &DraftJob, given: &Given<PathBuf>) -> Option<PathBuf> {
        // What was typed at a prompt has been expanded by the shell.
        let Some(text) = given.value.to_str().filter(|_| given.origin != Origin::CommandLine) else {
            return Some(given.value.clone());
        };
        match expand(text, self.around) {
            Ok(text) => Some(text.into()),
            Err(wrong) => {
                self.unfit(given.origin, job, wrong.to_string(), Some(wrong.hint()));
                None
            }
        }
    }

    /// Below what a relative path hangs: the working directory, or the directory of the file.
    pub(super) fn base(&self, origin: Origin) -> PathBuf {
        let cwd = self.around.cwd.clone().unwrap_or_default();
        match origin {
            Origin::CommandLine => cwd,
            _ => normalise(&cwd.join(self.text.file.parent().unwrap_or(Path::new("")))),
        }
    }

    /// The rsync program: a name is looked up in `PATH`; a path hangs below the directory of the file. One that cannot be resolved makes
    /// every job unfit.
    pub(super) fn program(&mut self, given: &Given<String>) -> String {
        let name = given.value.as_str();
        if name.trim().is_empty() {
            let hint = Some("write rsync = \"rsync\", or leave it out".into());
            self.at_origin(given.origin, "the rsync program must not be empty".into(), hint);
        }
        let is_name =
            name.trim_start() == name && !name.contains(['/', '$']) && !name.starts_with(['~', '%']);
        if is_name || name.trim().is_empty() {
            return name.into();
        }
        self.below(given.origin, name).unwrap_or_else(|wrong| {
            self.unfit_all(given.origin, format!("rsync: {}", wrong.text), wrong.hint);
            name.into()
        })
    }
}
