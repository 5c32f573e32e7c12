//! Stored results of probes: `STATE/mirrors.json`, for jobs with `source_order = "fastest"`.

use super::daemon::{Endpoint, Probe, probe};
use crate::model::job::{Job, Source, SourceOrder};
use crate::platform;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io, thread};

/// Older measurements are repeated, in the background of a run.
pub const FRESH: Duration = Duration::from_secs(24 * 3600);
/// Older measurements are ignored.
const STALE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Time limit for a daemon's response.
const LIMIT: Duration = Duration::from_secs(10);

/// The stored data of a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// When it was probed.
    pub asked: Timestamp,
    /// Milliseconds from the start of the connection to the greeting; `None` if it did not respond, or the connection ended early.
    pub greeting_ms: Option<f64>,
}

type Table = BTreeMap<String, Known>;

/// Returns the stored data, by `HOST:PORT`. A file that is missing or unreadable counts as empty.
pub fn load(state_dir: &Path) -> Table {
    let text = platform::read_regular(&file(state_dir), platform::OWN).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Stores the results of these probes. Data of other servers are kept, however old: with a wrong clock everything may seem old. Written
/// atomically.
pub fn save(state_dir: &Path, probes: &[Probe]) -> io::Result<()> {
    let mut table = load(state_dir);
    let asked = Timestamp::now();
    for probe in probes {
        // A server that sends a greeting and then closes the connection must not rank as the fastest.
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

/// Sorts the sources of a job with `source_order = "fastest"`: the fastest first, then those without data, then those that did not respond;
/// each group in the order of the configuration. Other jobs stay unchanged.
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

/// Probes the servers of these jobs whose data are not [`FRESH`], and stores the results. Blocks for some seconds.
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
    // The age of data dated in the future is unknown.
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
