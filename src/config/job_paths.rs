//! Expands the paths of a job (sources, destination, files for rsync) and makes them absolute. A path that is wrong is an error in that job
//! only.

use super::draft::DraftJob;
use super::layer::{Given, Origin, Settings};
use super::lists::Sources;
use super::paths::{PathError, expand, local, normalise};
use super::resolver::Resolver;
use crate::model::job::{Address, Source, SourceError};
use crate::model::sanitize;
use crate::rsync::args;
use std::path::{Path, PathBuf};

/// A problem with a path, and what to do about it.
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
    /// Resolves the sources. A source that cannot be resolved keeps its configured text, and the job cannot be run.
    pub(super) fn sources(&mut self, job: &DraftJob, given: &Given<Sources>) -> Option<Vec<Source>> {
        self.advise_on_archives(job, given);
        let base = self.base(given.origin);
        let archives = given.value.0.iter().any(|text| self.mirrors.reference(text).is_some());
        let mut read: Vec<Source> = Vec::new();
        for text in &given.value.0 {
            let before = read.len();
            for address in self.addresses(text, &base) {
                match address {
                    // A server of an archive that the job also names itself is asked once.
                    Ok(source) if archives && read.contains(&source) => {}
                    Ok(source) => read.push(source),
                    Err(wrong) => {
                        self.unfit(given.origin, job, wrong.text, wrong.hint);
                        self.mistakes.sourceless = true;
                        read.truncate(before);
                        read.push(Source::parse(text, &base).ok()?);
                        break;
                    }
                }
            }
        }
        (!read.is_empty()).then_some(read)
    }

    pub(super) fn source(&self, text: &str, base: &Path) -> Result<Source, Wrong> {
        let source = Source::parse(text, base)?;
        let Address::Local(_) = source.address else { return Ok(source) };
        // Only the configured text is expanded: the base directory may have any name.
        let text = expand(text, self.around)?;
        let source = Source::parse(&text, base)?;
        // A source is text, so a path that is not UTF-8 would become another path.
        if matches!(&source.address, Address::Local(path) if path.to_str().is_none()) {
            return Err(not_utf8(&text));
        }
        Ok(source)
    }

    /// Returns a job's rsync options; file names in them are resolved against the directory of the configuration.
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

    /// Reports files that options name and rsync could not use, unless a hook may create them before the transfer. Password files have
    /// their own check, and options that are refused anyway are reported elsewhere.
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

    /// Expands a path of the file and resolves it against the directory of the file.
    pub(super) fn below(&self, origin: Origin, text: &str) -> Result<String, Wrong> {
        let path = self.base(origin).join(expand(text, self.around)?);
        path.into_os_string().into_string().map_err(|_| not_utf8(text))
    }

    /// Returns the destination, and whether it is known. An unknown destination is shown as configured.
    pub(super) fn dest(
        &mut self,
        job: &DraftJob,
        given: &Given<PathBuf>,
        root: Option<&Given<PathBuf>>,
    ) -> Option<(PathBuf, bool)> {
        let base = self.base(given.origin);
        let as_written = normalise(&base.join(&given.value));
        let Some(dest) = self.expand_local(job, given) else { return Some((as_written, false)) };
        // A path from the command line is relative to the working directory.
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

    /// Like [`Resolver::below`], for a directory that must be on this machine.
    pub(super) fn local_below(&self, origin: Origin, text: &str) -> Result<String, Wrong> {
        local(&expand(text, self.around)?)?;
        self.below(origin, text)
    }

    /// Like [`Resolver::expand`], for a directory that must be on this machine.
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
        // The shell has already expanded values from the command line.
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

    /// Returns the base of relative paths: the working directory, or the directory of the file.
    pub(super) fn base(&self, origin: Origin) -> PathBuf {
        let cwd = self.around.cwd.clone().unwrap_or_default();
        match origin {
            Origin::CommandLine => cwd,
            _ => normalise(&cwd.join(self.texts.0[0].file.parent().unwrap_or(Path::new("")))),
        }
    }

    /// Resolves the rsync program: a name is looked up in `PATH`, a path is relative to the directory of the file. If it cannot be
    /// resolved, no job can be run.
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
