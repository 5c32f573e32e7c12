//! SIGKILL at any moment of a run: nothing is lost, and the next run brings the mirror to what rsync makes.

use super::random::{Random, snapshot};
use super::{Case, Way};
use crate::support::{eventually, rounds, with_marker};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// The text of an entry without its mode and time, which rsync changes while it works in a directory.
fn contents(text: &str) -> String {
    text.split(' ').skip(2).collect()
}

#[test]
fn killed_at_random_and_brought_to_the_same_end() {
    kill("keep_deleted = '1d'", 12, rounds(6, 300));
}

#[test]
fn killed_with_four_connections() {
    kill("keep_deleted = '1d'\nconnections = 4", 60, rounds(4, 300));
}

/// `changes`: of the source, before each run.
fn kill(keys: &str, changes: usize, times: usize) {
    let seed = fastrand::u64(..);
    let mut random = Random::new(seed);
    let case = Case::new(Way::Below, keys, &[]);
    case.change(&mut random, 60);
    case.env.run(["sync", "j"]).expect_code(0);
    let mut killed = 0;
    for round in 0..times {
        case.change(&mut random, changes);
        let (before, source) = (snapshot(&case.env.mirror("j")), snapshot(&case.root));
        let run = case.env.spawn(["sync", "j", "--wait-lock", "30s"]);
        let begun = Instant::now();
        let moment = Duration::from_millis(random.of(500) as u64);
        eventually("its moment comes", || begun.elapsed() >= moment);
        run.signal(Signal::KILL);
        let whole = run.wait().code() == 0;
        killed += u32::from(!whole);
        // rsync ends a moment later, and removes its temporary files.
        let mirror = case.env.mirror("j").display().to_string();
        eventually("rsync has ended, too", || with_marker(&mirror).is_empty());
        let after = snapshot(&case.env.mirror("j"));
        for (name, text) in &before {
            let same = source.get(name).is_some_and(|source| contents(source) == contents(text));
            let here = after.get(name).is_some_and(|after| contents(after) == contents(text));
            let what = String::from_utf8_lossy(name);
            // A name of a group of hard links is one of others meanwhile.
            assert!(
                !same || here,
                "seed {seed} round {round}: {what:?}: {text:?}, then {:?}",
                after.get(name)
            );
        }
        if round % 3 == 2 {
            let ended = case.env.run(["sync", "j", "--json", "--wait-lock", "30s"]).expect_code(0);
            case.plain(&[]);
            let differ = case.differences();
            assert!(differ.is_empty(), "seed {seed} round {round}\n{}\n{ended}", differ.join("\n"));
        }
    }
    assert!(killed > 0, "no run was cut short");
}
