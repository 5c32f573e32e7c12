//! What resolving a draft has found so far, and how its problems are reported.

use super::draft::DraftJob;
use super::guard::Dest;
use super::layer::{Layer, Origin, Span};
use super::problem::{Problem, Texts};
use super::settings::Overrides;
use crate::mirrors::Catalogue;
use crate::model::host_facts::HostFacts;
use crate::model::job::JobProblem;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// The needs of all jobs by name.
pub(super) type Needs = BTreeMap<String, Vec<String>>;

pub(super) struct Resolver<'a> {
    pub(super) texts: Texts<'a>,
    pub(super) over: &'a Overrides,
    pub(super) around: &'a HostFacts,
    /// The known archives, with the addresses of `[mirrors]`.
    pub(super) mirrors: Catalogue,
    pub(super) problems: Vec<Problem>,
    /// Errors in single jobs. The rest can be used without these jobs.
    pub(super) mistakes: Mistakes,
    /// Whether the job that is being resolved is disabled.
    pub(super) disabled: bool,
    /// Values that are probably unintended.
    pub(super) advice: Vec<Problem>,
    /// Values that may be surprising.
    pub(super) notes: Vec<Problem>,
    /// The backup directory of `[clean]`.
    pub(super) backup_dir: Option<(PathBuf, Origin)>,
    /// All destinations, including those of jobs with other errors.
    pub(super) placed: Vec<Placed>,
    /// The names of the jobs so far, by lower-case name: the spelling of the first, and its place.
    pub(super) names: HashMap<String, (String, Span)>,
    /// The values of `--set`, by job.
    pub(super) set: BTreeMap<String, Layer>,
    /// What each job needs.
    pub(super) needs: Needs,
    /// Whether the state directory treats names that differ only in case as equal; `None` until it was checked.
    pub(super) folds: Option<bool>,
}

/// A destination, its job, and the origin of the value.
pub(super) struct Placed {
    pub(super) job: String,
    pub(super) dest: Dest,
    pub(super) origin: Origin,
    pub(super) delete: bool,
}

/// The errors in jobs found so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    /// All of them, for checks of the whole file.
    pub(super) problems: Vec<Problem>,
    /// Those of the job that is being resolved.
    pub(super) of_job: Vec<JobProblem>,
    /// Those that concern every job.
    pub(super) of_all: Vec<JobProblem>,
    /// Whether a source of the job that is being resolved is unknown.
    pub(super) sourceless: bool,
}

impl Mistakes {
    /// Returns why the resolved job cannot be run, and resets the errors for the next job. `nowhere`: its destination is unknown.
    pub(super) fn take(&mut self, nowhere: bool) -> Option<JobProblem> {
        let all: Vec<JobProblem> = self.of_all.iter().cloned().chain(self.of_job.drain(..)).collect();
        let texts: Vec<&str> = all.iter().map(|unfit| &*unfit.text).collect();
        let hint = all.iter().find_map(|unfit| unfit.hint.clone());
        let sourceless = std::mem::take(&mut self.sourceless);
        (!all.is_empty()).then(|| JobProblem { text: texts.join("; "), hint, nowhere, sourceless })
    }
}

impl Resolver<'_> {
    pub(super) fn at(&mut self, span: Span, text: String, hint: Option<String>) {
        self.texts.next_problem(&mut self.problems, span, text, hint);
    }

    pub(super) fn at_origin(&mut self, origin: Origin, text: String, hint: Option<String>) {
        match origin {
            Origin::Defaults(span) | Origin::Section(span) => self.at(span, text, hint),
            Origin::BuiltIn | Origin::Preset(_) | Origin::Environment(_) | Origin::CommandLine => {
                self.problems.push(Problem { file: None, place: None, text, hint });
            }
        }
    }

    pub(super) fn about(&mut self, origin: Origin, job: &DraftJob, text: String, hint: Option<String>) {
        self.at_origin(origin, format!("job {:?}: {text}", job.name), hint);
    }
}
