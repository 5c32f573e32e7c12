//! Files named by runs. The names of runs sort in the order in which the runs began.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ulid::Ulid;

/// How far clocks of different machines may differ.
const STEP: Duration = Duration::from_secs(300);

/// A name for a run (a ULID) that sorts after those of all runs in the state directory. Its time is the current time, unless the clock is
/// behind the newest of these runs: then the clock was wrong or is wrong now, and only the order matters.
pub(crate) fn next_run(state: &Path) -> String {
    let now = Ulid::generate();
    let later = newest(state).filter(|newest| newest.timestamp_ms() >= now.timestamp_ms());
    let later = later.map(|newest| newest.timestamp_ms() + 1).filter(|ms| *ms <= Ulid::max().timestamp_ms());
    later.map_or(now, |ms| Ulid::from_parts(ms, now.random())).to_string()
}

/// Why a text does not identify a single run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoRun {
    /// No run has this ID or prefix.
    Unknown,
    /// The runs with this prefix, in order.
    Several(Vec<String>),
}

/// The run with this ID or unique prefix; upper and lower case are equal.
pub(crate) fn meant<'a>(runs: impl IntoIterator<Item = &'a str>, wanted: &str) -> Result<&'a str, NoRun> {
    let wanted = wanted.to_ascii_uppercase();
    let mut found: Vec<&str> = Vec::new();
    for run in runs.into_iter().filter(|run| !wanted.is_empty() && run.starts_with(&wanted)) {
        if run == wanted {
            return Ok(run);
        }
        if !found.contains(&run) {
            found.push(run);
        }
    }
    found.sort_unstable();
    match found.as_slice() {
        [] => Err(NoRun::Unknown),
        [run] => Ok(run),
        _ => Err(NoRun::Several(found.into_iter().map(str::to_owned).collect())),
    }
}

/// The shortest prefix of a run's ID that is unique among `runs`, which are sorted, and has at least `least` characters. [`meant`] accepts
/// it.
pub(crate) fn short<'a>(run: &'a str, runs: &[String], least: usize) -> &'a str {
    let at = runs.partition_point(|known| known.as_str() < run);
    let after = at + usize::from(runs.get(at).is_some_and(|known| known == run));
    let near = [at.checked_sub(1).and_then(|before| runs.get(before)), runs.get(after)];
    let shared = |other: &String| run.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let needed = near.into_iter().flatten().map(|other| shared(other) + 1).max().unwrap_or(0);
    run.get(..needed.max(least)).unwrap_or(run)
}

/// The newest run that names a file of the state directory.
fn newest(state: &Path) -> Option<Ulid> {
    let below = ["logs", "plans"].into_iter().flat_map(|name| entries(&state.join(name)));
    let dirs = below.chain([state.join("journal")]);
    dirs.flat_map(|dir| entries(&dir)).filter_map(|path| run_of(&path)).max()
}

fn entries(dir: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// The run that names a file: the text before the first dot.
fn run_of(path: &Path) -> Option<Ulid> {
    let name = path.file_name()?.to_str()?;
    Ulid::from_string(name.split('.').next()?).ok()
}

/// Removes all but the newest `keep` of the files `RUN.ENDING` in a directory. The file of the run `current` is counted and always kept.
/// Files dated in the future are counted separately, so that they displace no others: at most `keep` of them are kept, too. Other names are
/// ignored. A file that cannot be removed is left to the next run.
pub(crate) fn prune(dir: &Path, ending: &str, keep: usize, current: &str, now: jiff::Timestamp) {
    prune_apart(dir, ending, keep, current, now, |_| false);
}

/// Like [`prune`]. Files that are `apart` are counted separately, too: they displace no others, and at most `keep` of them are kept.
pub(crate) fn prune_apart(
    dir: &Path,
    ending: &str,
    keep: usize,
    current: &str,
    now: jiff::Timestamp,
    apart: impl Fn(&Path) -> bool,
) {
    let mut found: BTreeMap<Ulid, PathBuf> = BTreeMap::new();
    for path in entries(dir) {
        let Some(run) = run_of(&path) else { continue };
        if path.file_name().is_some_and(|name| name.to_str() == Some(&format!("{run}.{ending}"))) {
            found.insert(run, path);
        }
    }
    let current = Ulid::from_string(current).ok().and_then(|run| found.remove(&run));
    if found.len() + usize::from(current.is_some()) <= keep {
        return;
    }
    let current = current.map(|path| apart(&path));
    let limit = u64::try_from(now.as_millisecond()).unwrap_or(0).saturating_add(STEP.as_millis() as u64);
    let (ahead, past): (Vec<_>, Vec<_>) = found.into_iter().partition(|(run, _)| run.timestamp_ms() > limit);
    for group in [ahead, past] {
        let (others, these): (Vec<_>, Vec<_>) = group.into_iter().partition(|(_, path)| apart(path));
        for (group, is_apart) in [(others, true), (these, false)] {
            let room = keep.saturating_sub(usize::from(current == Some(is_apart)));
            for (_, path) in group.into_iter().rev().skip(room) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use std::fs::File;

    const NOW: i64 = 1_800_000_000_000;
    const DAY: i64 = 86_400_000;

    fn at(ms: i64) -> String {
        Ulid::from_parts(ms as u64, 7).to_string()
    }

    fn left(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            entries(dir).map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    fn fill(dir: &Path, days: &[i64], ending: &str) -> Vec<String> {
        let names: Vec<_> = days.iter().map(|day| format!("{}.{ending}", at(NOW + day * DAY))).collect();
        names.iter().for_each(|name| drop(File::create(dir.join(name)).unwrap()));
        names
    }

    fn prune_now(dir: &Path, keep: usize, current: &str) {
        prune(dir, "log", keep, current, Timestamp::from_millisecond(NOW).unwrap());
    }

    #[test]
    fn what_is_shown_of_a_run_means_it() {
        let runs = ["01AAAAAAAAAAA1", "01AAAAAAAAAAA2", "01B"].map(str::to_owned);
        let known = || runs.iter().map(String::as_str);
        for run in &runs {
            assert_eq!(meant(known(), short(run, &runs, 4)), Ok(run.as_str()));
        }
        assert_eq!(short("01B", &runs, 2), "01B");
        assert_eq!(short("01C0000", &runs, 4), "01C0");
        assert_eq!(meant(known(), "01b"), Ok("01B"));
        assert_eq!(meant(known(), "01A"), Err(NoRun::Several(runs[..2].to_vec())));
        assert_eq!(meant(known(), "1"), Err(NoRun::Unknown));
        assert_eq!(meant(known(), ""), Err(NoRun::Unknown));
    }

    #[test]
    fn only_the_newest_stay_and_foreign_files_too() {
        let dir = tempfile::tempdir().unwrap();
        let names = fill(dir.path(), &[-3, -2, -1, 0], "log");
        for name in
            ["notes.log".into(), "x.txt".into(), format!("{}.txt", at(NOW)), format!("{}.b.log", at(NOW))]
        {
            File::create(dir.path().join(name)).unwrap();
        }
        let foreign = left(dir.path()).into_iter().filter(|name| !names.contains(name)).count();
        prune_now(dir.path(), 2, &at(NOW));
        assert_eq!(left(dir.path()).len(), foreign + 2);
        assert!(names[2..].iter().all(|name| dir.path().join(name).exists()));
    }

    #[test]
    fn what_is_dated_in_the_future_pushes_nothing_out() {
        let dir = tempfile::tempdir().unwrap();
        let names = fill(dir.path(), &[-3, -2, -1, 365, 366, 367, 368], "log");
        prune_now(dir.path(), 3, "");
        let stay = [&names[..3], &names[4..]].concat();
        assert_eq!(left(dir.path()), stay);
    }

    #[test]
    fn what_is_apart_pushes_nothing_out() {
        let dir = tempfile::tempdir().unwrap();
        let apart = fill(dir.path(), &[-6, -4, -2], "log");
        let names = fill(dir.path(), &[-7, -5, -3, -1], "log");
        let is_apart = |path: &Path| apart.iter().any(|name| path.ends_with(name));
        let prune = |keep: usize, current: &str| {
            let now = Timestamp::from_millisecond(NOW).unwrap();
            prune_apart(dir.path(), "log", keep, current, now, is_apart);
        };
        let sorted = |names: [&[String]; 2]| {
            let mut names = names.concat();
            names.sort();
            names
        };
        prune(3, &at(NOW - 2 * DAY));
        assert_eq!(left(dir.path()), sorted([&apart, &names[1..]]));
        prune(2, &at(NOW - DAY));
        assert_eq!(left(dir.path()), sorted([&apart[1..], &names[2..]]));
        prune(1, &at(NOW - 2 * DAY));
        assert_eq!(left(dir.path()), sorted([&apart[2..], &names[3..]]));
    }

    /// A slow clock: the current run is the oldest by its name.
    #[test]
    fn the_current_one_stays_whatever_its_date() {
        let dir = tempfile::tempdir().unwrap();
        let names = fill(dir.path(), &[-60, -3, -2, -1], "log");
        prune_now(dir.path(), 2, &at(NOW - 60 * DAY));
        assert_eq!(left(dir.path()), [names[0].clone(), names[3].clone()]);
        prune_now(dir.path(), 1, &at(NOW - 60 * DAY));
        assert_eq!(left(dir.path()), [names[0].clone()]);
        prune_now(dir.path(), 1, &at(NOW));
        assert_eq!(left(dir.path()), [names[0].clone()], "one without a file takes no room");
    }

    #[test]
    fn runs_sort_in_their_order_whatever_the_clock_says() {
        let state = tempfile::tempdir().unwrap();
        for sub in ["journal", "logs/a", "plans/clean", "plans/a"] {
            fs::create_dir_all(state.path().join(sub)).unwrap();
        }
        let first = next_run(state.path());
        let near = |run: &str| {
            let ms = Ulid::from_string(run).unwrap().timestamp_ms();
            Timestamp::now().as_millisecond().abs_diff(ms as i64) < 60_000
        };
        assert!(near(&first));
        // Each from a clock that was a further year ahead.
        let mut last = first;
        for (n, place) in
            ["journal/R.a.journal.ndjson", "logs/a/R.log", "plans/clean/R.plan.ndjson", "plans/a/R.deletions"]
                .into_iter()
                .enumerate()
        {
            let ahead = at(Timestamp::now().as_millisecond() + (n as i64 + 1) * 365 * DAY);
            File::create(state.path().join(place.replace('R', &ahead))).unwrap();
            let next = next_run(state.path());
            assert!(next > ahead && ahead > last, "{place}");
            last = next;
        }
        // No name sorts after the greatest ULID.
        File::create(state.path().join("logs/a").join(format!("{}.log", Ulid::max()))).unwrap();
        assert!(near(&next_run(state.path())));
    }
}
