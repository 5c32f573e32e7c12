//! Configuration errors in single jobs: such a job fails when it is run, the others are run.

use super::draft::DraftJob;
use super::layer::{Given, Origin, Settings};
use super::resolver::Resolver;
use crate::model::job::JobProblem;
use crate::model::sanitize;
use crate::rsync::args;

impl Resolver<'_> {
    /// Reports an error in this job only. An error from the command line refuses the whole command before anything starts.
    pub(super) fn unfit(&mut self, origin: Origin, job: &DraftJob, text: String, hint: Option<String>) {
        if origin == Origin::CommandLine {
            return self.about(origin, job, text, hint);
        }
        self.note_of(job, origin, &text, hint.clone());
        self.mistakes.of_job.push(JobProblem { text, hint, nowhere: false, sourceless: false });
    }

    /// Reports an error in one job. If the job is disabled, the file can still be used, so `config check` only warns.
    fn note_of(&mut self, job: &DraftJob, origin: Origin, text: &str, hint: Option<String>) {
        if !self.disabled {
            return self.note(origin, format!("job {:?}: {text}", job.name), hint);
        }
        let before = self.problems.len();
        self.at_origin(origin, format!("job {:?} (not enabled): {text}", job.name), hint);
        self.advice.extend(self.problems.drain(before..));
    }

    /// Reports an error that concerns all jobs.
    pub(super) fn unfit_all(&mut self, origin: Origin, text: String, hint: Option<String>) {
        if origin == Origin::CommandLine {
            return self.at_origin(origin, text, hint);
        }
        self.note(origin, text.clone(), hint.clone());
        self.mistakes.of_all.push(JobProblem { text, hint, nowhere: false, sourceless: false });
    }

    /// Reports an error that prevents no job from running, or that the caller records in the jobs itself.
    pub(super) fn note(&mut self, origin: Origin, text: String, hint: Option<String>) {
        let before = self.problems.len();
        self.at_origin(origin, text, hint);
        self.mistakes.problems.extend(self.problems.drain(before..));
    }

    /// Checks that job names differ in more than case, because logs, listings and indexes are named after jobs.
    pub(super) fn check_spelling(&mut self, job: &DraftJob) {
        let first = self.names.entry(job.name.to_ascii_lowercase());
        let (first, line) = first.or_insert_with(|| (job.name.clone(), job.span)).clone();
        let line = self.texts.line(line, job.span);
        let Some(state) = self.around.state.as_deref().filter(|_| first != job.name) else { return };
        let around = self.around;
        if !*self.folds.get_or_insert_with(|| (around.folds)(state)) {
            return;
        }
        let text = format!(
            "its name differs from that of job {first:?} on {line} only in case, which the state directory {} ignores",
            sanitize::path(&state)
        );
        let hint = "give it another name, or give a --state-dir on a case-sensitive file system";
        self.unfit(Origin::Section(job.span), job, text, Some(hint.into()));
    }

    /// Reports why the job cannot be run with these options; [`args::unfit`] repeats the check when it is run. It is an error in this job
    /// only, unless it comes from the command line.
    pub(super) fn check_with_delete(&mut self, job: &DraftJob, delete: &Given<bool>, rsync_args: &[String]) {
        // Options that are refused without `delete` too have been reported already.
        if !delete.value || args::check(rsync_args).is_err() {
            return;
        }
        let Err(refused) = args::check_with_delete(rsync_args) else { return };
        let typed = delete.origin == Origin::CommandLine
            || self.over.applies_to(&job.name) && !self.over.rsync_args.is_empty();
        if typed {
            return self.about(delete.origin, job, refused.text, Some(refused.hint));
        }
        self.note_of(job, delete.origin, &refused.text, Some(refused.hint));
    }

    /// Warns of filters with which rsync enters no directory of the source, or transfers no file.
    pub(super) fn advise_on_filters(&mut self, job: &DraftJob, settings: &Settings) {
        let filters = (&*settings.include.value, &*settings.exclude.value, &*settings.rsync_args.value.0);
        let (pattern, what, hint) = match (args::shuts_out(filters), args::lets_in(filters)) {
            (Some(rule), _) if !rule.certain => return,
            (Some(rule), _) if rule.everything => {
                (rule.pattern, "leaves out everything, so nothing is transferred", rule.remedy())
            }
            (Some(rule), _) => {
                let what =
                    "leaves out every directory, too: only files at the top of the source are transferred";
                (rule.pattern, what, rule.remedy())
            }
            (None, Some(found)) if found.patterns.is_empty() => {
                let what = "leaves out every file: the patterns before it let in only directories, so no file is transferred";
                (found.rest, what, args::ADD_FILES.to_owned())
            }
            (None, _) => return,
        };
        let of_args = !settings.exclude.value.iter().any(|own| own == pattern);
        let origin = if of_args { settings.rsync_args.origin } else { settings.exclude.origin };
        let (Origin::Section(span) | Origin::Defaults(span)) = origin else { return };
        let text = format!("job {:?}: excluding {pattern:?} {what}", job.name);
        self.texts.next_problem(&mut self.advice, span, text, Some(hint));
    }
}
