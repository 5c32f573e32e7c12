//! How up to date each mirror is, from the history, and what its quarantine holds.

use crate::clean::removal;
use crate::history::{Error, History, Latest};
use crate::model::job::Job;
use crate::model::system_names;
use crate::scan::{Options, scan};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Growth is computed from runs within this time.
const WINDOW: Duration = Duration::from_secs(120 * 24 * 3600);
/// Runs closer together than this say too little about growth.
const APART: Duration = Duration::from_secs(24 * 3600);
/// Time limit for reading a quarantine.
const QUARANTINE: Duration = Duration::from_secs(2);

/// A job and its state.
#[derive(Debug, Clone, PartialEq)]
pub struct Freshness {
    /// Its name.
    pub job: String,
    /// Whether `--all` selects it.
    pub enabled: bool,
    /// Its destination; `None` if the configuration has an error about it.
    pub dest: Option<PathBuf>,
    /// Its run that ended last; `None` if the history has none.
    pub last: Option<Newest>,
    /// When it last succeeded.
    pub success: Option<Timestamp>,
    /// Growth in bytes a day, from the sizes of its source; `None` if there is too little data.
    pub growth: Option<f64>,
    /// Files and bytes in its quarantine; `None` if there is none, or if reading it took too long.
    pub quarantine: Option<(u64, u64)>,
}

/// The run of a job that ended last.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    /// `interrupted`, or a status.
    pub state: String,
    /// When it started.
    pub started: Timestamp,
    /// Why it ended this way.
    pub error: Option<String>,
}

impl Freshness {
    /// Time since the last success; `None` if the history has none.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        Some(Duration::try_from(now.duration_since(self.success?)).unwrap_or_default())
    }

    /// Whether the last success is longer ago than `limit`, or missing.
    pub fn is_staler(&self, limit: Duration, now: Timestamp) -> bool {
        self.age(now).is_none_or(|age| age > limit)
    }
}

/// All jobs, in order.
pub(super) fn freshness(jobs: &[Job], state_dir: &Path) -> Result<Vec<Freshness>, Error> {
    let history = History::read(state_dir)?;
    let now = Timestamp::now();
    let latest = history.as_ref().map(|history| history.latest(now)).transpose()?.unwrap_or_default();
    let since = now.checked_sub(WINDOW).unwrap_or(Timestamp::MIN);
    let one = |job: &Job| {
        let latest = latest.get(&job.name);
        let sizes = match (&history, latest) {
            (Some(history), Some(_)) => history.sizes(&job.name, since)?,
            _ => None,
        };
        Ok(one(job, latest, sizes))
    };
    jobs.iter().map(one).collect()
}

/// The size of the source at a time, in bytes.
type Held = (Timestamp, u64);

fn one(job: &Job, latest: Option<&Latest>, sizes: Option<[Held; 2]>) -> Freshness {
    let last = latest.map(|latest| Newest {
        state: latest.last.state.word().into(),
        started: latest.last.started,
        error: latest.last.error.clone(),
    });
    Freshness {
        job: job.name.clone(),
        enabled: job.enabled,
        dest: job.known_dest().map(PathBuf::from),
        last,
        success: latest.and_then(|latest| latest.success),
        growth: sizes.and_then(growth),
        quarantine: job.known_dest().and_then(quarantine),
    }
}

/// Growth from the oldest to the newest size, in bytes a day.
fn growth([(then, oldest), (now, newest)]: [Held; 2]) -> Option<f64> {
    let apart = Duration::try_from(now.duration_since(then)).ok().filter(|apart| *apart >= APART)?;
    Some((newest as f64 - oldest as f64) / (apart.as_secs_f64() / 86_400.0))
}

fn quarantine(dest: &Path) -> Option<(u64, u64)> {
    let dir = dest.join(system_names::QUARANTINE);
    if !dir.is_dir() {
        return None;
    }
    let options = Options { timeout: Some(QUARANTINE), threads: 1, ..Options::default() };
    let found = scan(&dir, &options, None).ok().filter(|scan| scan.ended.is_none())?;
    let totals = found.inventory.totals();
    // Files that describe a run's quarantine are not among the files that the run removed.
    let runs = found.inventory.dirs().filter(|dir| !dir.path().is_empty() && !dir.path().contains(&b'/'));
    let ours = runs.flat_map(|run| run.entries().filter(|entry| removal::is_info(entry.name)));
    let (files, bytes) = ours.fold((0, 0), |(files, bytes), entry| (files + 1, bytes + entry.stat.size));
    let held = totals.files + totals.symlinks + totals.other > files;
    held.then(|| (totals.files.saturating_sub(files), totals.bytes.saturating_sub(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_by_the_day_and_needs_some_days() {
        let day = |n: i64| Timestamp::from_second(n * 86_400).unwrap();
        assert_eq!(growth([(day(0), 1_000), (day(10), 3_000)]), Some(200.0));
        assert_eq!(growth([(day(0), 1_000), (day(10), 500)]), Some(-50.0));
        assert_eq!(growth([(day(10), 3_000); 2]), None);
    }

    #[test]
    fn without_a_history_nothing_is_known_and_everything_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let jobs = [Job::example("a", "/s/", dir.path().join("a"))];
        let found = freshness(&jobs, dir.path()).unwrap();
        let now = Timestamp::now();
        assert_eq!((found[0].age(now), &found[0].last, found[0].quarantine), (None, &None, None));
        assert!(found[0].is_staler(Duration::MAX, now));
        std::fs::create_dir_all(dir.path().join("a/.pdb-sync/quarantine/run")).unwrap();
        std::fs::write(dir.path().join("a/.pdb-sync/quarantine/run/f"), "12345").unwrap();
        std::fs::write(dir.path().join("a/.pdb-sync/quarantine/run/info%2Ejson"), "{}").unwrap();
        assert_eq!(freshness(&jobs, dir.path()).unwrap()[0].quarantine, Some((1, 5)));
        std::fs::remove_file(dir.path().join("a/.pdb-sync/quarantine/run/f")).unwrap();
        assert_eq!(freshness(&jobs, dir.path()).unwrap()[0].quarantine, None);
    }

    #[test]
    fn age_is_since_the_last_success() {
        let now = Timestamp::from_second(1_000).unwrap();
        let job = Job::example("a", "/s/", "/d");
        let mut fresh = one(&job, None, None);
        fresh.success = Timestamp::from_second(400).ok();
        assert_eq!(fresh.age(now), Some(Duration::from_secs(600)));
        assert!(
            !fresh.is_staler(Duration::from_secs(600), now) && fresh.is_staler(Duration::from_secs(599), now)
        );
    }
}
