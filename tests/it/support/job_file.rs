//! Config files with one job, and what JSON says of its end.

use super::Ended;
use serde_json::Value;
use std::path::Path;

/// A config whose only job `j` mirrors `sources` to `dest`, patient with nobody; `more` is further keys of the job.
///
/// The grace is longer than any rsync takes to end: one that is killed leaves its temporary file behind.
pub(crate) fn one_job(sources: &[&str], dest: &Path, more: &str) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let sources: Vec<_> = sources.iter().map(|source| quoted(source)).collect();
    format!(
        "version = 1\n[sync]\ngrace = \"5s\"\n[defaults]\nretry_delay = \"10ms\"\nbusy_delay = \"10ms\"\n\
         [jobs.j]\nsource = [{}]\ndest = {}\n{more}\n",
        sources.join(", "),
        quoted(dest.to_str().unwrap()),
    )
}

impl Ended {
    /// The one `job_finished` of a `--json` run with one job.
    #[track_caller]
    pub(crate) fn finished(&self) -> Value {
        let finished: Vec<_> = self.events("job_finished");
        assert_eq!(finished.len(), 1, "{self}");
        finished.into_iter().next().unwrap()
    }

    /// All events of one kind.
    #[track_caller]
    pub(crate) fn events(&self, kind: &str) -> Vec<Value> {
        self.json().into_iter().filter(|event| event["event"] == kind).collect()
    }

    /// `finished`'s tries: source and exit code.
    #[track_caller]
    pub(crate) fn tries(&self) -> Vec<(String, Option<i64>)> {
        let finished = self.finished();
        let tries = finished["tries"].as_array().unwrap().iter();
        tries.map(|t| (t["source"].as_str().unwrap().to_owned(), t["exit_code"].as_i64())).collect()
    }
}
