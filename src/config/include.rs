//! Adds the files of `config_files` to a draft, as if they were written in the configuration itself.

use super::draft::{Draft, MOST_JOBS};
use super::layer::{Span, Table};
use super::problem::{Problem, Problems, Texts};
use std::collections::HashMap;
use std::mem::take;
use std::path::PathBuf;

/// A file of `config_files`, read by the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// The number of its pattern in [`super::config_files()`].
    pub pattern: usize,
    /// Its name in messages, and its text.
    pub file: Result<(PathBuf, String), NotIncluded>,
}

/// Why a file cannot be included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotIncluded {
    /// It cannot be read. The problem is reported at the pattern: a lower-case fragment, and a hint.
    Unreadable(String, Option<String>),
    /// Its text has these problems.
    Bad(Problems),
}

impl Draft {
    /// Adds another file. What both define is a problem, at the later place.
    pub(super) fn include(&mut self, mut other: Draft, texts: &Texts<'_>, problems: &mut Vec<Problem>) {
        let mut problem =
            |span, text, hint: &str| texts.next_problem(problems, span, text, Some(hint.into()));
        let twice = |what: &str, first, second| {
            format!("{what} is defined twice: the first is on {}", texts.line(first, second))
        };
        if let Some((_, span)) = other.config_files.first() {
            let text = "config_files is not allowed in a file that is included itself".into();
            problem(*span, text, "name all files in the configuration");
        }
        let both = [
            ("sync", self.sync.is_given(), other.sync.is_given()),
            ("index", self.index.is_given(), other.index.is_given()),
            ("stats", self.stats.is_given(), other.stats.is_given()),
            ("notify", self.notify.is_given(), other.notify.is_given()),
            ("defaults", self.defaults.is_given(), other.defaults.is_given()),
            ("scan", self.scan.is_given(), other.scan.is_given()),
            ("clean", self.clean.is_given(), other.clean.is_given()),
        ];
        for (name, _, _) in both.into_iter().filter(|(_, first, second)| *first && *second) {
            if let (Some(first), Some(second)) = (self.sections.get(name), other.sections.get(name)) {
                let text = twice(&format!("[{name}]"), *first, *second);
                problem(*second, text, "write all its keys into one file");
            }
        }
        for (name, first, _) in both {
            // The place that is shown is that of the section with keys.
            if let Some(span) = other.sections.get(name).filter(|_| !first) {
                self.sections.insert(name.into(), *span);
            }
        }
        self.sync = take(&mut self.sync).over(other.sync);
        self.index = take(&mut self.index).over(other.index);
        self.stats = take(&mut self.stats).over(other.stats);
        self.notify = take(&mut self.notify).over(other.notify);
        self.defaults = take(&mut self.defaults).over(other.defaults);
        self.scan = take(&mut self.scan).over(other.scan);
        self.clean = take(&mut self.clean).over(other.clean);
        self.alerts.append(&mut other.alerts);
        for (name, (layer, span)) in other.hosts {
            if let Some((_, first)) = self.hosts.get(&name) {
                let text = twice(&format!("[hosts.{name:?}]"), *first, span);
                problem(span, text, "write all its keys into one file");
            }
            self.hosts.insert(name, (layer, span));
        }
        for (name, (layer, span)) in other.mirrors {
            if let Some((_, first)) = self.mirrors.get(&name) {
                let text = twice(&format!("[mirrors.{name}]"), *first, span);
                problem(span, text, "write all its keys into one file");
            }
            self.mirrors.insert(name, (layer, span));
        }
        let known: HashMap<&str, Span> = self.jobs.iter().map(|job| (&*job.name, job.span)).collect();
        for job in &other.jobs {
            if let Some(first) = known.get(&*job.name) {
                let text = twice(&format!("job {:?}", job.name), *first, job.span);
                problem(job.span, text, "give one of them another name");
            }
        }
        self.jobs.append(&mut other.jobs);
        if let Some(job) = self.jobs.get(MOST_JOBS) {
            let text = format!("the configuration has {} jobs, more than {MOST_JOBS}", self.jobs.len());
            problem(job.span, text, "divide it into several configurations");
            self.jobs.truncate(MOST_JOBS);
        }
        self.broken |= other.broken;
    }

    /// Reports a file that cannot be included.
    pub(super) fn not_included(
        &self,
        pattern: usize,
        why: &NotIncluded,
        texts: &Texts<'_>,
        problems: &mut Vec<Problem>,
    ) {
        match why {
            NotIncluded::Bad(found) => problems.extend(found.0.iter().cloned()),
            NotIncluded::Unreadable(text, hint) => {
                let Some((_, span)) = self.config_files.get(pattern) else { return };
                texts.next_problem(problems, *span, format!("config_files: {text}"), hint.clone());
            }
        }
    }
}
