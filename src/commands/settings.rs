//! Opens the configuration for the commands that need it.

use super::{Failure, annotate, config_files, file_locations};
use crate::cli::Global;
use crate::config::{self, Config, Included, Overrides, Problems, SelectError};
use crate::model::event::Level;
use crate::model::host_facts::HostFacts;
use crate::model::job::Job;
use crate::model::sanitize;
use crate::output::terminal::Ui;
use crate::platform;
use std::io;
use std::path::{Path, PathBuf};

/// A configuration file that was read but not parsed.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The path as given, or the default path.
    pub file: PathBuf,
    /// The contents; empty if the file is missing.
    pub text: String,
    /// Whether the file exists. A file that was not named may be missing.
    pub exists: bool,
    around: HostFacts,
    /// The files of `config_files`.
    included: Vec<Included>,
    /// The values of `--set`.
    set: Vec<String>,
}

/// Reads the file given by the options and the environment.
pub fn open(global: &Global) -> Result<Opened, Failure> {
    Ok(read(global)??)
}

/// The same, for callers that distinguish problems in the text from a file that cannot be read.
pub fn read(global: &Global) -> Result<Result<Opened, Problems>, Failure> {
    let located = file_locations::config_file(global)?;
    let file = located.path;
    let (text, exists) = match bounded(&file) {
        Ok(bytes) => match config::decode(bytes, &file) {
            Ok(text) => (text, true),
            Err(problems) => return Ok(Err(problems)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound && !located.named => (String::new(), false),
        Err(error) => {
            let hint = match error.kind() {
                io::ErrorKind::NotFound => "`pdb-sync config init` writes one".into(),
                io::ErrorKind::InvalidInput => {
                    "name a regular file; a pipe that is open already is read from /dev/stdin or <(…)".into()
                }
                io::ErrorKind::FileTooLarge => "is it the file that you mean?".into(),
                _ => format!("make {} a file that you may read", sanitize::path(&file)),
            };
            return Err(Failure::no_config(
                format!("cannot read the configuration {}: {error}", sanitize::path(&file)),
                hint,
            ));
        }
    };
    let around = HostFacts { state: file_locations::state_dir(global).ok(), ..platform::host_facts() };
    let included = config_files::included(&file, &text, LARGEST, &around);
    Ok(Ok(Opened { file, text, exists, around, included, set: global.set.clone() }))
}

/// The maximum size of a configuration in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Reads the whole file. Fails if it is too large, or has no end, as some devices.
fn bounded(file: &Path) -> io::Result<Vec<u8>> {
    platform::read_named(file, LARGEST)
}

impl Opened {
    /// Parses the configuration, with the values of `--set`. Prints nothing.
    pub fn check(&self, over: &Overrides) -> Result<Config, Problems> {
        let over = Overrides { set: self.set.clone(), ..over.clone() };
        let mut config = config::load((&self.text, &self.file), &self.included, &over, &self.around)?;
        if !self.exists {
            config.file = None;
        }
        Ok(config)
    }

    /// Parses the configuration and prints its warnings.
    pub fn load(&self, ui: &Ui) -> Result<Config, Failure> {
        self.load_with(ui, &Overrides::default())
    }

    fn load_with(&self, ui: &Ui, over: &Overrides) -> Result<Config, Failure> {
        let config = self.check(over)?;
        for warning in &config.warnings {
            ui.warning_lines(&warning.to_string());
            annotate::problem(Level::Warning, warning, ui);
        }
        Ok(config)
    }

    /// Returns the configuration and the selected jobs (see [`config::select`]). The changes of the command line apply only to these jobs.
    pub fn select(
        &self,
        ui: &Ui,
        names: &[String],
        all: bool,
        tags: &[String],
        mut over: Overrides,
    ) -> Result<(Config, Vec<Job>), Failure> {
        // Settings of the run, not of jobs, apply whichever jobs are selected.
        let config = self.load_with(ui, &Overrides { sync: over.sync.clone(), ..Overrides::default() })?;
        if !self.exists {
            return Err(self.missing());
        }
        let chosen = config::select(&config.jobs, names, all, tags)?;
        if over.layer.dest.is_some() && chosen.len() != 1 {
            return Err(Failure::usage_hint(
                format!("--dest is for exactly one job, but {} are selected", chosen.len()),
                "name the one job",
            ));
        }
        if over == (Overrides { sync: over.sync.clone(), ..Overrides::default() }) {
            return Ok((config, chosen));
        }
        over.jobs = Some(chosen.iter().map(|job| job.name.clone()).collect());
        let config = self.check(&over)?;
        let changed = chosen.iter().filter_map(|old| config.jobs.iter().find(|new| new.name == old.name));
        let changed = changed.cloned().collect();
        Ok((config, changed))
    }

    /// Prints a note, for commands that continue without a file.
    pub fn tell_missing(&self, ui: &Ui) {
        ui.note(&format!("there is no configuration: {} does not exist", sanitize::path(&self.file)));
        ui.note("  hint: `pdb-sync config init` writes one");
    }

    /// Returns an error, for commands that need a file.
    pub fn missing(&self) -> Failure {
        Failure::no_config(
            format!("there is no configuration: {} does not exist", sanitize::path(&self.file)),
            "`pdb-sync config init` writes one; --config FILE names another",
        )
    }
}

/// Returns a setting: what the option or its opposite says, else the value of the configuration.
pub(super) fn switch(option: bool, opposite: bool, configured: bool) -> bool {
    option || configured && !opposite
}

impl From<SelectError> for Failure {
    fn from(error: SelectError) -> Self {
        Failure::Usage { text: error.text, hint: error.hint }
    }
}
