//! `STATE/costs.jsonl`: the costs of `scan`, `verify`, `index`, `search`, `reclaim` and `clean`, one line per command.
//!
//! This is a plain file beside the database, because recording must not delay a command: a row in SQLite waits twice for the disk if no
//! other process has the database open, 1.5 ms at best and 45 ms on a busy disk. Appending a line takes about 10 µs on the same disk. A
//! line is written in one call, and is complete or missing; lines that cannot be parsed are skipped.

use super::cost_lines::{line, older, parsed, path};
use super::{Error, cost_totals};
use crate::history::stats::Cost;
use crate::platform;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Size in bytes at which a new file is started, about 15,000 commands. The previous file is kept too.
const FULL: u64 = 2 << 20;

/// Appends the cost of a command.
pub(crate) fn note_cost(state_dir: &Path, cost: &Cost) -> Result<(), Error> {
    note(state_dir, cost, FULL).map_err(|source| Error::Io {
        tried: "cannot write the costs of commands in",
        path: path(state_dir),
        source,
    })
}

fn note(state_dir: &Path, cost: &Cost, full: u64) -> io::Result<()> {
    let path = path(state_dir);
    let append =
        || File::options().append(true).create(true).custom_flags(platform::WITHOUT_WAITING).open(&path);
    let mut file = match append() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(state_dir)?;
            append()?
        }
        opened => opened?,
    };
    // Other processes append too: lines written by one call do not mix.
    file.write_all(line(cost).as_bytes())?;
    let meta = file.metadata()?;
    // If several processes find the file full, one of them moves it; the others find another file in its place.
    if meta.len() >= full && file.try_lock().is_ok() && fs::metadata(&path)?.ino() == meta.ino() {
        cost_totals::fold(state_dir)?;
        fs::rename(&path, older(state_dir))?;
    }
    Ok(())
}

/// Returns the recorded costs, the oldest first. Creates and changes nothing.
pub(crate) fn costs(state_dir: &Path) -> Result<Vec<Cost>, Error> {
    let mut found = Vec::new();
    for path in [older(state_dir), path(state_dir)] {
        match platform::read_regular(&path, platform::OWN) {
            Ok(bytes) => found.extend(bytes.split(|byte| *byte == b'\n').filter_map(parsed)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(Error::Io { tried: "cannot read the costs of commands in", path, source });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::stats::Queries;
    use jiff::Timestamp;
    use proptest::prelude::*;
    use std::time::Duration;

    fn cost(n: u64) -> Cost {
        Cost {
            command: "search".into(),
            started: Timestamp::from_millisecond(1_800_000_000_000 + n as i64).unwrap(),
            duration: Duration::from_micros(n),
            cpu: n.is_multiple_of(2).then_some(Duration::from_micros(n / 2)),
            memory: (!n.is_multiple_of(3)).then_some(n),
            exit_code: 0,
            checkpoints: (0..n % 4)
                .map(|part| (format!("part {part}"), Duration::from_micros(part)))
                .collect(),
            queries: n.is_multiple_of(2).then(|| Queries {
                count: n,
                cached: n / 2,
                took: vec![Duration::from_micros(n)],
            }),
        }
    }

    #[test]
    fn what_is_noted_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("not/yet");
        assert_eq!(costs(&state).unwrap(), []);
        let all: Vec<Cost> = (1..6).map(cost).collect();
        all.iter().for_each(|cost| note_cost(&state, cost).unwrap());
        assert_eq!(costs(&state).unwrap(), all);
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let newer = line(&cost(2)).replace("\"v\":1", "\"v\":2");
        let torn = &line(&cost(3))[..20];
        let mut bytes = b"\xff\xfe\n{}\n[1]\n\n".to_vec();
        bytes.extend([&line(&cost(1)), &newer, torn].concat().into_bytes());
        fs::write(path(dir.path()), bytes).unwrap();
        note_cost(dir.path(), &cost(4)).unwrap();
        note_cost(dir.path(), &cost(5)).unwrap();
        assert_eq!(costs(dir.path()).unwrap(), [cost(1), cost(5)], "a torn line costs the next one, no more");
        fs::remove_file(path(dir.path())).unwrap();
        fs::create_dir(path(dir.path())).unwrap();
        let error = costs(dir.path()).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the costs of commands in the history "), "{error}");
        assert!(note_cost(dir.path(), &cost(6)).is_err());
    }

    /// Threads stand in for processes here: each opens the file itself.
    #[test]
    fn many_at_once_lose_nothing_and_the_file_stays_small() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..20 {
                let dir = dir.path();
                scope.spawn(move || (0..10).for_each(|n| note(dir, &cost(thread * 10 + n), FULL).unwrap()));
            }
        });
        let mut seen: Vec<_> = costs(dir.path()).unwrap().iter().map(|cost| cost.duration).collect();
        seen.sort();
        assert_eq!(seen, (0..200).map(Duration::from_micros).collect::<Vec<_>>());

        let small = 5 * line(&cost(1)).len() as u64;
        (0..100).for_each(|n| note(dir.path(), &cost(1_000 + n), small).unwrap());
        let kept = costs(dir.path()).unwrap();
        assert!((5..=12).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept.last(), Some(&cost(1_099)));
        // The sums include the removed lines.
        let total = &cost_totals::cost_totals(dir.path()).unwrap()["search"];
        let sum: u64 = (0..200).sum::<u64>() + (1_000..1_100).sum::<u64>();
        assert_eq!((total.runs, total.whole, total.duration_us), (300, 300, sum));
    }

    #[test]
    fn lines_that_are_moved_count_once_however_that_ends() {
        let dir = tempfile::tempdir().unwrap();
        let total =
            || cost_totals::cost_totals(dir.path()).unwrap().remove("search").unwrap_or_default().runs;
        assert_eq!(total(), 0);
        fs::write(older(dir.path()), line(&cost(1)) + &line(&cost(2))).unwrap();
        fs::write(path(dir.path()), line(&cost(3))).unwrap();
        assert_eq!(total(), 3);
        // Killed after the sums were written and before the file was moved; the next process starts again.
        for _ in 0..2 {
            cost_totals::fold(dir.path()).unwrap();
            assert_eq!(total(), 3);
        }
        fs::rename(path(dir.path()), older(dir.path())).unwrap();
        assert_eq!(total(), 3);
        cost_totals::fold(dir.path()).unwrap();
        fs::remove_file(older(dir.path())).unwrap();
        assert_eq!(total(), 3);
        // A damaged file counts as empty; one of a later version is left as it is.
        let file = dir.path().join("costs.totals.json");
        let newer = fs::read_to_string(&file).unwrap().replace("\"v\":1", "\"v\":2");
        fs::write(&file, &newer).unwrap();
        fs::write(older(dir.path()), line(&cost(4))).unwrap();
        cost_totals::fold(dir.path()).unwrap();
        assert_eq!((total(), fs::read_to_string(&file).unwrap()), (4, newer));
        fs::write(&file, "{").unwrap();
        assert_eq!(total(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parsed(&bytes);
        }
    }
}
