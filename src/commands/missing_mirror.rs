//! Explains why the mirror of a job is missing, and what to do about it.

use crate::model::hint;
use crate::model::job::Job;
use crate::model::sanitize;
use crate::platform::{in_the_way, is_unmounted, resolve};
use crate::sync;
use rustix::fs::Access;
use std::fs;
use std::path::Path;

/// A job whose mirror cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MissingMirror {
    /// The name of the job.
    pub(super) job: String,
    /// The reason; begins in lower case.
    pub(super) text: String,
    /// The hint.
    pub(super) hint: Option<String>,
    /// Whether this is no error, since the job has not been synced yet.
    pub(super) is_new: bool,
}

/// Returns why the mirror of the job is missing; `None` if there is a directory.
pub(super) fn absent(job: &Job, state_dir: &Path) -> Option<MissingMirror> {
    let unknown = job.unfit.as_ref().is_some_and(|unfit| unfit.nowhere);
    if !unknown && fs::metadata(&job.dest).is_ok_and(|meta| meta.is_dir()) {
        return None;
    }
    let obstacle = if unknown { None } else { in_the_way(&job.dest) };
    let (why, hint, is_new) = match (obstacle, sync::unfit(job)) {
        (Some(obstacle), _) => (obstacle.text, Some(obstacle.hint), false),
        (None, Some(unfit)) if unknown => (unfit.text, unfit.hint, false),
        (None, Some(unfit)) => {
            (format!("{} is not there: {}", sanitize::path(&job.dest), unfit.text), unfit.hint, false)
        }
        (None, None) => missing(job, state_dir),
    };
    let text = format!("the mirror of job {:?}: {why}", job.name);
    Some(MissingMirror { job: job.name.clone(), text, hint, is_new })
}

/// Returns the reason for a destination that does not exist and has no obstacle.
fn missing(job: &Job, state_dir: &Path) -> (String, Option<String>, bool) {
    let dest = sanitize::path(&job.dest);
    let real = resolve(&job.dest);
    if let Some(point) = is_unmounted(&real) {
        let text =
            format!("{dest} does not exist: {} is in /etc/fstab, but is not mounted", sanitize::path(&point));
        return (text, Some(format!("`mount {}`", hint::quoted(&point))), false);
    }
    if sync::has_filled(state_dir, &job.name, &job.dest) {
        let text = format!("{dest} does not exist, though an earlier run has filled it");
        let hint = format!(
            "is its disk mounted? if the mirror was removed on purpose, {} makes it again",
            hint::command(["sync", &job.name])
        );
        return (text, Some(hint), false);
    }
    let text = format!("{dest} does not exist: the job has not been synced yet");
    let above = real.ancestors().find(|path| path.is_dir());
    let hint = match above {
        Some(above) if rustix::fs::access(above, Access::WRITE_OK | Access::EXEC_OK).is_err() => {
            format!("this user cannot make it, since {} is not writable", sanitize::path(&above))
        }
        _ => format!("{} makes it", hint::command(["sync", &job.name])),
    };
    (text, Some(hint), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dest: &Path) -> Option<MissingMirror> {
        absent(&Job::example("j", "/s/", dest), Path::new("/nowhere"))
    }

    #[test]
    fn what_keeps_a_mirror_away_is_told_and_only_a_sync_that_helps_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "").unwrap();
        std::os::unix::fs::symlink("gone", at("link")).unwrap();
        assert_eq!(of(dir.path()), None);
        for (dest, text, is_new) in [
            ("file", "is not a directory", false),
            ("file/below", "is not a directory", false),
            ("link", "a symbolic link to gone", false),
            ("link/below", "a symbolic link to gone", false),
            ("a/b", "has not been synced yet", true),
        ] {
            let found = of(&at(dest)).unwrap();
            assert!(found.text.contains(text) && found.is_new == is_new, "{found:?}");
            assert_eq!(found.hint.unwrap().contains("pdb-sync sync j"), is_new, "{dest}");
        }
        let mut job = Job::example("j", "/s/", at("a"));
        job.unfit = Some(crate::model::job::JobProblem {
            text: "wrong".into(),
            hint: Some("mend it".into()),
            nowhere: false,
            sourceless: false,
        });
        let found = absent(&job, Path::new("/nowhere")).unwrap();
        assert!(found.text.ends_with("is not there: wrong") && !found.is_new, "{found:?}");
        assert_eq!(found.hint.as_deref(), Some("mend it"));
    }
}
