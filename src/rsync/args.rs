//! The argument vectors that we give to rsync.

use crate::job::{Job, Source};

/// What a run of rsync is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A dry run with `--delete`, itemized for [`super::output`]: what would change?
    List,
    /// The same, for people to read (`--dry-run`): itemized, without `--delete` if the job does not delete.
    DryRun,
    /// The transfer proper; never deletes.
    Transfer,
}

/// The whole argument vector: program, options, `--`, source, destination.
pub fn argv(program: &str, job: &Job, source: &Source, purpose: Purpose) -> Vec<String> {
    let _ = purpose;
    vec![program.into(), "--".into(), source.text.clone(), job.dest.display().to_string()]
}

/// Why an option is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refused {
    /// What is wrong.
    pub text: String,
    /// What to do instead.
    pub hint: String,
}

/// Whether further options may be given to rsync.
pub fn check(args: &[String]) -> Result<(), Refused> {
    let _ = args;
    Ok(())
}
