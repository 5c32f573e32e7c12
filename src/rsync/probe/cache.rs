//! What is remembered of probes: `STATE/mirrors.json`, for jobs with `source_order = "fastest"`.

use super::daemon::{Endpoint, Probe, probe};
use crate::model::job::{Job, Source, SourceOrder};
use crate::platform;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io, thread};

/// What was measured longer ago is measured anew, in the background of a run.
pub const FRESH: Duration = Duration::from_secs(24 * 3600);
/// What was measured longer ago says nothing any more.
const STALE: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a daemon may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// What is known of a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// When it was asked.
    pub asked: Timestamp,
    /// Milliseconds from the start of the connection to the greeting; `None`: it did not answer, or the conversation broke off.
    pub greeting_ms: Option<f64>,
}

type Table = BTreeMap<String, Known>;

/// What is remembered, by `HOST:PORT`. A file that is missing or cannot be understood is as good as none.
pub fn load(state_dir: &Path) -> Table {
    let text = platform::read_regular(&file(state_dir), platform::OWN).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Remembers these probes beside what is known of other servers, however old that is: by a clock that is wrong, all of it may
/// look so. Written atomically.
pub fn save(state_dir: &Path, probes: &[Probe]) -> io::Result<()> {
    let mut table = load(state_dir);
    let asked = Timestamp::now();
    for probe in probes {
        // Whoever greets and then breaks off is not the fastest to mirror from.
        let greeting = probe.greeting.filter(|_| probe.failed.is_none());
        let greeting_ms = greeting.map(|time| (time.as_secs_f64() * 1e6).round() / 1e3);
        table.insert(probe.endpoint.to_string(), Known { asked, greeting_ms });
    }
    fs::create_dir_all(state_dir)?;
    let mut new = tempfile::NamedTempFile::new_in(state_dir)?;
    serde_json::to_writer_pretty(&mut new, &table)?;
    new.persist(file(state_dir)).map_err(|error| error.error)?;
    Ok(())
}

/// The sources of a job with `source_order = "fastest"`, the fastest first; then those of which nothing is known, then
/// those that did not answer, each in the order of the configuration. Other jobs stay as they are.
pub fn rank(job: &mut Job, table: &Table) {
    if job.source_order != SourceOrder::Fastest {
        return;
    }
    let mut ranked: Vec<(u8, f64, Source)> = Vec::new();
    for source in &job.sources {
        let known = Endpoint::of(job, source).and_then(|endpoint| table.get(&endpoint.to_string()));
        let (class, time) = match known.filter(|known| age(known) < STALE) {
            Some(Known { greeting_ms: Some(ms), .. }) => (0, *ms),
            Some(Known { greeting_ms: None, .. }) => (2, 0.0),
            None => (1, 0.0),
        };
        ranked.push((class, time, source.clone()));
    }
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    job.sources = ranked.into_iter().map(|(_, _, source)| source).collect();
}

/// Measures what these jobs would need to know and is no longer [`FRESH`], and remembers it. Blocks for some seconds.
pub fn refresh(jobs: &[Job], state_dir: &Path) -> io::Result<()> {
    let table = load(state_dir);
    let mut wanted: Vec<Endpoint> = jobs
        .iter()
        .filter(|job| job.source_order == SourceOrder::Fastest && job.sources.len() > 1)
        .flat_map(|job| job.sources.iter().filter_map(|source| Endpoint::of(job, source)))
        .filter(|endpoint| table.get(&endpoint.to_string()).is_none_or(|known| age(known) >= FRESH))
        .collect();
    wanted.sort();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(());
    }
    let probes: Vec<Probe> = thread::scope(|scope| {
        let asked: Vec<_> = wanted.iter().map(|endpoint| scope.spawn(|| probe(endpoint, LIMIT))).collect();
        asked.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    save(state_dir, &probes)
}

fn age(known: &Known) -> Duration {
    // What is dated in the future was measured nobody knows when.
    Duration::try_from(Timestamp::now().duration_since(known.asked)).unwrap_or(Duration::MAX)
}

fn file(state_dir: &Path) -> PathBuf {
    state_dir.join("mirrors.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(order: SourceOrder) -> Job {
        let mut job = Job::example("j", "rsync://slow/m/", "/d");
        for text in ["rsync://fast:33444/m/", "rsync://dead/m/", "/local/", "rsync://new/m/"] {
            job.sources.push(Source::parse(text, Path::new("/")).unwrap());
        }
        job.source_order = order;
        job
    }

    fn texts(job: &Job) -> Vec<&str> {
        job.sources.iter().map(|source| source.text.as_str()).collect()
    }

    #[test]
    fn the_fastest_comes_first_and_the_silent_last() {
        let known = |greeting_ms| Known { asked: Timestamp::now(), greeting_ms };
        let table = Table::from([
            ("slow:873".into(), known(Some(250.0))),
            ("fast:33444".into(), known(Some(3.5))),
            ("dead:873".into(), known(None)),
        ]);
        let mut fastest = job(SourceOrder::Fastest);
        rank(&mut fastest, &table);
        let order =
            ["rsync://fast:33444/m/", "rsync://slow/m/", "/local/", "rsync://new/m/", "rsync://dead/m/"];
        assert_eq!(texts(&fastest), order);
        let mut given = job(SourceOrder::Given);
        rank(&mut given, &table);
        assert_eq!(given, job(SourceOrder::Given));
    }

    #[test]
    fn what_is_old_or_broken_counts_for_nothing() {
        let state = tempfile::tempdir().unwrap();
        fs::write(file(state.path()), "{ not json").unwrap();
        assert!(load(state.path()).is_empty());
        let old = Timestamp::now() - STALE - Duration::from_secs(1);
        let ahead = Timestamp::now() + Duration::from_secs(3600);
        for asked in [old, ahead] {
            let known = Known { asked, greeting_ms: Some(1.0) };
            assert!(age(&known) >= FRESH, "it is measured anew");
            let table = Table::from([("fast:33444".into(), known)]);
            let mut fastest = job(SourceOrder::Fastest);
            rank(&mut fastest, &table);
            assert_eq!(texts(&fastest), texts(&job(SourceOrder::Given)));
        }
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let state = tempfile::tempdir().unwrap();
        let endpoint = Endpoint { host: "h".into(), port: 1 };
        save(&state.path().join("sub"), &[Probe::unresolved(&endpoint, LIMIT)]).unwrap();
        assert_eq!(load(&state.path().join("sub"))["h:1"].greeting_ms, None);
    }

    #[test]
    fn whoever_greets_and_breaks_off_has_not_answered() {
        let state = tempfile::tempdir().unwrap();
        let endpoint = |host: &str| Endpoint { host: host.into(), port: 1 };
        let mut broken = Probe::unresolved(&endpoint("broken"), LIMIT);
        broken.greeting = Some(Duration::from_millis(1));
        let mut good = Probe::unresolved(&endpoint("good"), LIMIT);
        (good.greeting, good.failed) = (Some(Duration::from_millis(2)), None);
        save(state.path(), &[broken, good]).unwrap();
        let known = load(state.path());
        assert_eq!((known["broken:1"].greeting_ms, known["good:1"].greeting_ms), (None, Some(2.0)));
    }
}
