//! How fast sources are: `STATE/mirrors.json`, for jobs with `source_order = "fastest"`. Probes measure servers, by `HOST:PORT`; transfers
//! measure sources, by their text in the configuration, since the rate depends on the files.

use super::daemon::{Endpoint, Probe, probe};
use crate::model::job::{Job, Source, SourceOrder};
use crate::platform;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io, thread};

/// Older measurements are repeated, in the background of a run.
pub const FRESH: Duration = Duration::from_secs(24 * 3600);
/// Older measurements are ignored.
const STALE: Duration = Duration::from_secs(30 * 24 * 3600);
/// A source that failed is tried last for so long.
const FAILED: Duration = Duration::from_secs(24 * 3600);
/// Time limit for a daemon's response.
const LIMIT: Duration = Duration::from_secs(10);

/// Jobs of one run write the file at the same time. Of two processes, the later one wins: what the other has measured is measured again.
static WRITING: Mutex<()> = Mutex::new(());

/// The stored data of a server or a source. Keys that are not known are omitted, so that earlier versions can read the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// When it was probed; 1970 if it was not.
    pub asked: Timestamp,
    /// Milliseconds from the start of the connection to the greeting; `None` if it did not respond, or the connection ended early.
    pub greeting_ms: Option<f64>,
    /// What the last transfer that was large enough has measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
    /// The same, for each connection of that transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Measured>,
    /// When it failed, if it has not served since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Timestamp>,
}

/// The rate of a transfer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Bytes received per second.
    pub bytes_per_s: f64,
    /// When the transfer ended.
    pub time: Timestamp,
}

/// How a source served a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Service {
    /// It failed.
    Failed,
    /// It did not fail; nothing was measured.
    Served,
    /// A transfer from it was measured.
    Transferred {
        /// Bytes per second.
        rate: f64,
        /// Over how many connections, at most.
        connections: u32,
    },
}

type Table = BTreeMap<String, Known>;

impl Default for Known {
    fn default() -> Self {
        Known {
            asked: Timestamp::UNIX_EPOCH,
            greeting_ms: None,
            measured: None,
            connection: None,
            failed: None,
        }
    }
}

/// Returns the stored data. A file that is missing or unreadable counts as empty.
pub fn load(state_dir: &Path) -> Table {
    let text = platform::read_regular(&file(state_dir), platform::OWN).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Stores the results of these probes. Data of other servers are kept, however old: with a wrong clock everything may seem old. Written
/// atomically.
pub fn save(state_dir: &Path, probes: &[Probe]) -> io::Result<()> {
    change(state_dir, |table| {
        for probe in probes {
            // A server that sends a greeting and then closes the connection must not rank as the fastest.
            let greeting = probe.greeting.filter(|_| probe.failed.is_none());
            let known = table.entry(probe.endpoint.to_string()).or_default();
            known.asked = Timestamp::now();
            known.greeting_ms = greeting.map(|time| (time.as_secs_f64() * 1e6).round() / 1e3);
        }
    })
}

/// Stores how a source served a job.
pub fn note(state_dir: &Path, source: &Source, service: Service) -> io::Result<()> {
    change(state_dir, |table| {
        let time = Timestamp::now();
        if service == Service::Served {
            table.entry(source.text.clone()).and_modify(|known| known.failed = None);
            return;
        }
        let known = table.entry(source.text.clone()).or_default();
        known.failed = (service == Service::Failed).then_some(time);
        if let Service::Transferred { rate, connections } = service {
            known.measured = Some(Measured { bytes_per_s: rate.round(), time });
            let one = (rate / f64::from(connections.max(1))).round();
            known.connection = Some(Measured { bytes_per_s: one, time });
        }
    })
}

/// Returns the rate of a source over one connection, in bytes per second; `None` if unknown.
pub fn rate(state_dir: &Path, source: &Source) -> Option<f64> {
    let known = load(state_dir).remove(&source.text)?.connection?;
    let age = Timestamp::now().duration_since(known.time).unsigned_abs();
    (age < STALE).then_some(known.bytes_per_s)
}

/// Changes the file, unless it stays the same.
fn change(state_dir: &Path, change: impl FnOnce(&mut Table)) -> io::Result<()> {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let before = load(state_dir);
    let mut table = before.clone();
    change(&mut table);
    if table == before {
        return Ok(());
    }
    fs::create_dir_all(state_dir)?;
    let mut new = tempfile::NamedTempFile::new_in(state_dir)?;
    serde_json::to_writer_pretty(&mut new, &table)?;
    new.persist(file(state_dir)).map_err(|error| error.error)?;
    Ok(())
}

/// Sorts the sources of a job with `source_order = "fastest"`: those with a measured rate first, the fastest of them at the front; then
/// those whose server responded, by its response time; then those without data. Those that failed follow in the same order, and then those
/// that did not respond. What is equal keeps the order of the configuration. Other jobs stay unchanged.
pub fn rank(job: &mut Job, table: &Table) {
    if job.source_order != SourceOrder::Fastest {
        return;
    }
    let mut ranked: Vec<(Rank, Source)> =
        job.sources.iter().map(|source| (Rank::of(job, source, table), source.clone())).collect();
    ranked.sort_by(|(a, _), (b, _)| a.group.cmp(&b.group).then(a.within.total_cmp(&b.within)));
    job.sources = ranked.into_iter().map(|(_, source)| source).collect();
}

/// The place of a source: lower ones come first.
struct Rank {
    group: u8,
    within: f64,
}

impl Rank {
    fn of(job: &Job, source: &Source, table: &Table) -> Rank {
        let own = table.get(&source.text);
        let measured = own.and_then(|known| known.measured.as_ref()).filter(|m| age(m.time) < STALE);
        let server = Endpoint::of(job, source).and_then(|endpoint| table.get(&endpoint.to_string()));
        let server = server.filter(|known| age(known.asked) < STALE);
        let silent = server.is_some_and(|server| {
            server.greeting_ms.is_none() && measured.is_none_or(|measured| measured.time < server.asked)
        });
        let failed = own.and_then(|known| known.failed).is_some_and(|failed| age(failed) < FAILED);
        let (group, within) = match (measured, server.and_then(|server| server.greeting_ms)) {
            _ if silent => return Rank { group: 6, within: 0.0 },
            (Some(measured), _) => (0, -measured.bytes_per_s),
            (None, Some(milliseconds)) => (1, milliseconds),
            (None, None) => (2, 0.0),
        };
        // If all of them failed, as without a network, their order stays.
        let group = if failed { group + 3 } else { group };
        Rank { group, within }
    }
}

/// Probes the servers of these jobs whose data are not [`FRESH`], and stores the results. Blocks for some seconds.
pub fn refresh(jobs: &[Job], state_dir: &Path) -> io::Result<()> {
    let table = load(state_dir);
    let mut wanted: Vec<Endpoint> = jobs
        .iter()
        .filter(|job| job.source_order == SourceOrder::Fastest && job.sources.len() > 1)
        .flat_map(|job| job.sources.iter().filter_map(|source| Endpoint::of(job, source)))
        .filter(|endpoint| table.get(&endpoint.to_string()).is_none_or(|known| age(known.asked) >= FRESH))
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

fn age(time: Timestamp) -> Duration {
    // The age of data dated in the future is unknown.
    Duration::try_from(Timestamp::now().duration_since(time)).unwrap_or(Duration::MAX)
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
        let known = |greeting_ms| Known { asked: Timestamp::now(), greeting_ms, ..Known::default() };
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
            let known = Known { asked, greeting_ms: Some(1.0), ..Known::default() };
            assert!(age(known.asked) >= FRESH, "it is measured anew");
            let table = Table::from([("fast:33444".into(), known)]);
            let mut fastest = job(SourceOrder::Fastest);
            rank(&mut fastest, &table);
            assert_eq!(texts(&fastest), texts(&job(SourceOrder::Given)));
        }
    }

    #[test]
    fn what_was_transferred_counts_more_than_an_answer() {
        let now = Timestamp::now();
        let old = now - STALE - Duration::from_secs(1);
        let server = |greeting_ms| Known { asked: now, greeting_ms, ..Known::default() };
        let source = |bytes_per_s, time| {
            let measured = Some(Measured { bytes_per_s, time });
            Known { measured, ..Known::default() }
        };
        let failed = |time| Known { failed: Some(time), ..source(9e9, now) };
        let at = [("slow:873".into(), server(Some(250.0))), ("fast:33444".into(), server(Some(3.5)))];
        for (more, first) in [
            (vec![("rsync://slow/m/", source(1e6, now))], &["rsync://slow/m/", "rsync://fast:33444/m/"][..]),
            (
                vec![("rsync://slow/m/", source(1e6, now)), ("/local/", source(2e6, now))],
                &["/local/", "rsync://slow/m/", "rsync://fast:33444/m/"],
            ),
            // What is too old, dated in the future, or was measured before the server fell silent, counts for nothing.
            (vec![("rsync://slow/m/", source(1e6, old))], &["rsync://fast:33444/m/", "rsync://slow/m/"]),
            (
                vec![("rsync://slow/m/", source(1e6, now + Duration::from_secs(3600)))],
                &["rsync://fast:33444/m/", "rsync://slow/m/"],
            ),
            (
                vec![
                    ("slow:873", server(None)),
                    ("rsync://slow/m/", source(1e6, now - Duration::from_secs(1))),
                ],
                &["rsync://fast:33444/m/", "rsync://dead/m/", "/local/", "rsync://new/m/", "rsync://slow/m/"],
            ),
            // A source that failed comes after those that nothing is known of, for a day.
            (
                vec![("rsync://slow/m/", failed(now))],
                &["rsync://fast:33444/m/", "rsync://dead/m/", "/local/", "rsync://new/m/", "rsync://slow/m/"],
            ),
            (vec![("rsync://slow/m/", failed(now - FAILED))], &["rsync://slow/m/", "rsync://fast:33444/m/"]),
        ] {
            let mut table = Table::from(at.clone());
            table.extend(more.into_iter().map(|(key, known)| (key.to_owned(), known)));
            let mut fastest = job(SourceOrder::Fastest);
            rank(&mut fastest, &table);
            assert_eq!(texts(&fastest)[..first.len()], *first, "{table:?}");
        }
    }

    #[test]
    fn a_source_that_serves_again_has_not_failed_and_keeps_its_rate() {
        let state = tempfile::tempdir().unwrap();
        let source = job(SourceOrder::Fastest).sources[0].clone();
        note(state.path(), &source, Service::Served).unwrap();
        assert!(!file(state.path()).exists(), "nothing is worth a file");
        note(state.path(), &source, Service::Transferred { rate: 1234.4, connections: 2 }).unwrap();
        note(state.path(), &source, Service::Failed).unwrap();
        let known = |text: &str| load(state.path())[text].clone();
        let rate = |known: &Known| known.measured.as_ref().unwrap().bytes_per_s;
        assert!(known(&source.text).failed.is_some() && rate(&known(&source.text)) == 1234.0);
        // A probe of a server does not change what is known of sources.
        let endpoint = Endpoint { host: "slow".into(), port: 873 };
        save(state.path(), &[Probe::unresolved(&endpoint, LIMIT)]).unwrap();
        assert!(known(&source.text).failed.is_some() && known("slow:873").measured.is_none());
        note(state.path(), &source, Service::Served).unwrap();
        assert!(known(&source.text).failed.is_none() && rate(&known(&source.text)) == 1234.0);
    }

    #[test]
    fn earlier_versions_read_the_file_and_theirs_is_read() {
        /// The data of a server in earlier versions.
        #[derive(Deserialize)]
        struct Earlier {
            asked: Timestamp,
            greeting_ms: Option<f64>,
        }
        let state = tempfile::tempdir().unwrap();
        let source = job(SourceOrder::Fastest).sources[0].clone();
        note(state.path(), &source, Service::Transferred { rate: 1e6, connections: 1 }).unwrap();
        note(state.path(), &source, Service::Failed).unwrap();
        let text = fs::read(file(state.path())).unwrap();
        let read: BTreeMap<String, Earlier> = serde_json::from_slice(&text).unwrap();
        // There, data of that age are ignored, so that the source does not count as silent.
        let earlier = &read[&source.text];
        assert!(age(earlier.asked) > STALE && earlier.greeting_ms.is_none());
        let text = r#"{"fast:33444": {"asked": "ASKED", "greeting_ms": 3.5}}"#;
        fs::write(file(state.path()), text.replace("ASKED", &Timestamp::now().to_string())).unwrap();
        let mut fastest = job(SourceOrder::Fastest);
        rank(&mut fastest, &load(state.path()));
        assert_eq!(texts(&fastest)[0], "rsync://fast:33444/m/");
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
