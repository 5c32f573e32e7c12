//! Selects jobs by name and tag.

use super::suggestion::{did_you_mean, nearest};
use crate::model::job::Job;

/// Hint for a configuration without jobs.
pub const ADD_A_JOB: &str = "add a section [jobs.NAME] with source = \"…\" and dest = \"…\"";

/// Why no job can be selected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SelectError {
    /// What is wrong.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

fn wrong<T>(text: impl Into<String>, hint: Option<String>) -> Result<T, SelectError> {
    Err(SelectError { text: text.into(), hint })
}

/// Whether an argument is a path: it contains a `/`, or is `.` or `..`.
pub fn is_path(argument: &str) -> bool {
    argument.contains('/') || argument == "." || argument == ".."
}

/// Returns the jobs with one of the tags, including disabled ones, for commands that inspect jobs without running them.
pub fn tagged<'a>(jobs: &'a [Job], tags: &[String]) -> Result<Vec<&'a Job>, SelectError> {
    for tag in tags {
        if !jobs.iter().any(|job| job.tags.contains(tag)) {
            return unknown_tag(jobs, tag);
        }
    }
    Ok(jobs.iter().filter(|job| job.tags.iter().any(|tag| tags.contains(tag))).collect())
}

/// Returns the selected jobs: the named ones in that order, including disabled ones; then, in the order of the file, the enabled jobs with
/// one of the tags, or all enabled jobs. Each job occurs once. Never empty.
pub fn select(jobs: &[Job], names: &[String], all: bool, tags: &[String]) -> Result<Vec<Job>, SelectError> {
    let mut chosen: Vec<&Job> = Vec::new();
    for name in names {
        match jobs.iter().find(|job| job.name == *name) {
            Some(job) if chosen.iter().any(|known| known.name == job.name) => {}
            Some(job) => chosen.push(job),
            None => return unknown_job(jobs, name),
        }
    }
    let tagged = tagged(jobs, tags)?;
    for job in jobs.iter().filter(|job| job.enabled) {
        let tagged = tagged.iter().any(|known| known.name == job.name);
        if (all || tagged) && !chosen.iter().any(|known| known.name == job.name) {
            chosen.push(job);
        }
    }
    if chosen.is_empty() {
        return nothing(jobs, all, tags);
    }
    Ok(chosen.into_iter().cloned().collect())
}

fn nothing(jobs: &[Job], all: bool, tags: &[String]) -> Result<Vec<Job>, SelectError> {
    if jobs.is_empty() {
        return wrong("the configuration has no jobs", Some(ADD_A_JOB.into()));
    }
    if all || !tags.is_empty() {
        let which = if all { "" } else { " that carries the tag" };
        return wrong(
            format!("no job{which} is enabled"),
            Some("name a job to run it although it is disabled".into()),
        );
    }
    let names: Vec<&str> = jobs.iter().take(12).map(|job| job.name.as_str()).collect();
    let more = if jobs.len() > names.len() { ", …" } else { "" };
    wrong(
        "no job is selected",
        Some(format!("name jobs, or give --all or --tag TAG; there are {}{more}", names.join(", "))),
    )
}

fn unknown_job(jobs: &[Job], name: &str) -> Result<Vec<Job>, SelectError> {
    if is_path(name) {
        return wrong(
            format!("{name:?} is a path, but a job is needed"),
            Some("name a job of the configuration; `pdb-sync list` shows them".into()),
        );
    }
    let names = || jobs.iter().map(|job| job.name.as_str());
    let text = format!("there is no job {name:?}");
    // Unless the name is similar to that of a job, a tag of this name is the likelier explanation.
    if nearest(name, names()).is_none() && jobs.iter().any(|job| job.tags.iter().any(|tag| tag == name)) {
        return wrong(text, Some(format!("{name:?} is a tag: write --tag {name}")));
    }
    wrong(text, did_you_mean(name, names()).or_else(|| Some("`pdb-sync list` shows the jobs".into())))
}

fn unknown_tag<T>(jobs: &[Job], tag: &str) -> Result<T, SelectError> {
    let mut tags: Vec<&str> = jobs.iter().flat_map(|job| &job.tags).map(String::as_str).collect();
    tags.sort_unstable();
    tags.dedup();
    wrong(format!("no job carries the tag {tag:?}"), did_you_mean(tag, tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs() -> Vec<Job> {
        let text = "
            [jobs.mmcif]
            source = 'h::m/a/'
            dest = '/m/a'
            tags = ['weekly', 'big']
            [jobs.emdb]
            source = 'h::m/b/'
            dest = '/m/b'
            tags = ['big']
            [jobs.old]
            source = 'h::m/c/'
            dest = '/m/c'
            tags = ['weekly', 'gone']
            enabled = false
        ";
        crate::config::tests::load(text).unwrap().jobs
    }

    fn names(names: &[&str], all: bool, tags: &[&str]) -> Result<Vec<String>, SelectError> {
        let own = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<_>>();
        let chosen = select(&jobs(), &own(names), all, &own(tags))?;
        Ok(chosen.into_iter().map(|job| job.name).collect())
    }

    #[test]
    fn names_tags_and_all_select() {
        assert_eq!(names(&["old", "mmcif", "old"], false, &[]).unwrap(), ["old", "mmcif"]);
        assert_eq!(names(&[], true, &[]).unwrap(), ["mmcif", "emdb"]);
        assert_eq!(names(&[], false, &["weekly"]).unwrap(), ["mmcif"]);
        assert_eq!(names(&["emdb"], false, &["big", "weekly"]).unwrap(), ["emdb", "mmcif"]);
    }

    #[test]
    fn what_cannot_be_meant_is_explained() {
        for (given, tags, text, hint) in [
            (&["mmcfi"][..], &[][..], "there is no job \"mmcfi\"", "did you mean \"mmcif\"?"),
            (&["weekly"], &[], "there is no job \"weekly\"", "\"weekly\" is a tag: write --tag weekly"),
            (
                &["./mmcif"],
                &[],
                "\"./mmcif\" is a path, but a job is needed",
                "name a job of the configuration; `pdb-sync list` shows them",
            ),
            (&[], &["weakly"], "no job carries the tag \"weakly\"", "did you mean \"weekly\"?"),
            (
                &[],
                &["gone"],
                "no job that carries the tag is enabled",
                "name a job to run it although it is disabled",
            ),
            (
                &[],
                &[],
                "no job is selected",
                "name jobs, or give --all or --tag TAG; there are mmcif, emdb, old",
            ),
        ] {
            let error = names(given, false, tags).unwrap_err();
            assert_eq!((error.text.as_str(), error.hint.as_deref()), (text, Some(hint)));
        }
        assert_eq!(select(&[], &[], true, &[]).unwrap_err().text, "the configuration has no jobs");
    }
}
