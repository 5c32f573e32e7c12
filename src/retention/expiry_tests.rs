//! Tests with wrong clocks of many kinds.

use super::*;
use proptest::prelude::*;

const DAY: i64 = 86_400;
const KEEP: Duration = Duration::from_secs(30 * 86_400);
/// The true wall time of the boot.
const BOOTED: i64 = 1_800_000_000;

/// The moment `true_s` seconds after the boot, by a wall clock that is `wrong` by that many seconds.
fn at(true_s: i64, wrong: i64) -> Moment {
    in_boot("a", true_s, wrong)
}

fn in_boot(id: &str, true_s: i64, wrong: i64) -> Moment {
    Moment { wall: BOOTED + true_s + wrong, boot: Some(Boot { id: id.into(), s: true_s as u64 }) }
}

fn item(since: Moment) -> Item {
    Item { name: "RUN".into(), since: Some(since), keep: KEEP }
}

fn old(since: Moment) -> Item {
    item(Moment::dated(since.wall))
}

/// The verdicts of runs at these moments, in order, until the item is purged.
fn runs(item: &Item, moments: &[Moment]) -> Vec<Verdict> {
    let mut mark: Option<Mark> = None;
    let mut all = Vec::new();
    for now in moments {
        let verdict = judge(item, mark.as_ref(), now);
        all.push(verdict);
        match verdict {
            Verdict::Keep => mark = None,
            Verdict::Mark => mark = Some(Mark { at: now.clone(), ahead: age_of(item, now) == Age::Ahead }),
            Verdict::Wait => {}
            Verdict::Purge => break,
        }
    }
    all
}

use Verdict::{Keep, Mark as Marked, Purge, Wait};

#[test]
fn what_is_over_age_is_marked_and_purged_a_day_later() {
    let moments = [29 * DAY, 30 * DAY, 30 * DAY + 60, 31 * DAY - 1, 31 * DAY].map(|s| at(s, 0));
    for item in [item(at(0, 0)), old(at(0, 0))] {
        assert_eq!(runs(&item, &moments), [Keep, Marked, Wait, Wait, Purge]);
    }
}

#[test]
fn what_has_no_date_stays() {
    let undated = Item { since: None, ..item(at(0, 0)) };
    assert_eq!(runs(&undated, &[at(1000 * DAY, 0), at(1001 * DAY, 0)]), [Keep, Keep]);
}

#[test]
fn one_run_in_the_future_purges_nothing() {
    for wrong in [31 * DAY, 366 * DAY, 800 * DAY] {
        // Of an earlier boot: it is marked, and the next run with a right clock drops the mark.
        let moments = [at(60, wrong), at(120, 0), at(2 * DAY, 0)];
        assert_eq!(runs(&old(at(0, 0)), &moments), [Marked, Keep, Keep]);
        // Within one boot the step is noticed at once.
        assert_eq!(runs(&item(at(0, 0)), &moments), [Keep, Keep, Keep]);
    }
}

#[test]
fn a_clock_that_stays_in_the_future_purges_nothing_of_its_own_boot() {
    let wrong = 366 * DAY;
    let moments = [at(60, wrong), at(2 * DAY, wrong), at(29 * DAY, wrong), at(30 * DAY, wrong)];
    assert_eq!(runs(&item(at(0, 0)), &moments), [Keep, Keep, Keep, Marked]);
}

#[test]
fn a_year_forward_and_back_and_forward_again_purges_nothing() {
    let wrong = 366 * DAY;
    let moments = [at(60, wrong), at(120, 0), at(180, wrong), at(240, 0), at(300, wrong), at(360, wrong)];
    assert_eq!(runs(&old(at(0, 0)), &moments), [Marked, Keep, Marked, Keep, Marked, Wait]);
    // During the day after a right mark: boot time shows that the wait is not over.
    let over = old(at(-40 * DAY, 0));
    let moments = [at(60, 0), at(120, wrong), at(180, wrong), at(DAY, wrong), at(DAY + 120, wrong)];
    assert_eq!(runs(&over, &moments), [Marked, Marked, Wait, Wait, Purge]);
}

#[test]
fn a_clock_that_goes_backwards_drops_the_mark() {
    let over = old(at(-40 * DAY, 0));
    let moments = [at(2 * DAY, 0), at(3 * DAY + 60, -2 * DAY), at(4 * DAY + 120, -2 * DAY)];
    assert_eq!(runs(&over, &moments), [Marked, Marked, Purge]);
    // A small change, as when another machine sets the clock, is no step.
    assert_eq!(runs(&over, &[at(0, 0), at(60, -120), at(DAY + 300, -120)]), [Marked, Wait, Purge]);
}

#[test]
fn what_a_slow_clock_has_removed_waits_for_its_day() {
    let slow = item(in_boot("slow", 0, -60 * DAY));
    let moments = [at(60, 0), at(120, 0), at(DAY + 60, 0)];
    assert_eq!(runs(&slow, &moments), [Marked, Wait, Purge]);
}

#[test]
fn what_is_dated_in_the_future_is_kept_from_when_it_was_found() {
    let ahead = item(in_boot("b", 0, 366 * DAY));
    let moments = [at(60, 0), at(29 * DAY, 0), at(30 * DAY + 59, 0), at(30 * DAY + 60, 0)];
    assert_eq!(runs(&ahead, &moments), [Marked, Wait, Wait, Purge]);
}

/// The mark of a machine with a slow clock, for which the item was dated in the future, is no mark of an expired item.
#[test]
fn a_mark_of_another_kind_counts_for_nothing() {
    let found = old(at(0, 0));
    let moments = [in_boot("slow", 60, -60 * DAY), at(31 * DAY, 0), at(31 * DAY + 60, 0), at(32 * DAY, 0)];
    assert_eq!(runs(&found, &moments), [Marked, Marked, Wait, Purge]);
}

#[test]
fn a_machine_that_was_booted_since_goes_by_wall_time() {
    let over = old(at(-40 * DAY, 0));
    let later = |s: i64| Moment { wall: BOOTED + s, boot: Some(Boot { id: "b".into(), s: 60 }) };
    assert_eq!(runs(&over, &[at(0, 0), later(DAY - 1), later(DAY)]), [Marked, Wait, Purge]);
    let without = |s: i64| Moment::dated(BOOTED + s);
    assert_eq!(runs(&over, &[at(0, 0), without(DAY - 1), without(DAY)]), [Marked, Wait, Purge]);
}

/// Boot time includes suspended time. Where it does not, as in a virtual machine that was stopped, this counts as a step.
#[test]
fn a_suspended_machine_has_waited() {
    let over = old(at(-40 * DAY, 0));
    assert_eq!(runs(&over, &[at(0, 0), at(3 * DAY, 0)]), [Marked, Purge]);
    let moments = [at(0, 0), at(60, 3 * DAY), at(DAY + 60, 3 * DAY)];
    assert_eq!(runs(&over, &moments), [Marked, Marked, Purge]);
}

#[test]
fn two_machines_of_which_one_is_wrong_purge_nothing_together() {
    let here = |s| in_boot("a", s, 0);
    for (wrong, other) in [(366 * DAY, [Marked, Keep].as_slice()), (-60 * DAY, &[Marked, Keep])] {
        let found = old(at(0, 0));
        let moments: Vec<_> =
            (0..20).map(|n| if n % 2 == 0 { in_boot("b", n * DAY, wrong) } else { here(n * DAY) }).collect();
        assert_eq!(runs(&found, &moments), other.repeat(10), "{wrong}");
    }
    // Both clocks are right: either machine may purge what the other has marked.
    let over = old(at(-40 * DAY, 0));
    assert_eq!(runs(&over, &[in_boot("b", 0, 30), here(60), here(DAY + 60)]), [Marked, Wait, Purge]);
}

fn moment() -> impl Strategy<Value = Moment> {
    let boot = proptest::option::of(
        ("[ab]", prop_oneof![1 => any::<u64>(), 9 => 0u64..2_000 * 86_400])
            .prop_map(|(id, s)| Boot { id, s }),
    );
    let wall = prop_oneof![1 => any::<i64>(), 9 => BOOTED - 1000 * DAY..BOOTED + 1000 * DAY];
    (wall, boot).prop_map(|(wall, boot)| Moment { wall, boot })
}

proptest! {
    /// For any behaviour of the clocks: a purged item was marked at least a day before by both clocks, and was kept long enough.
    #[test]
    fn nothing_is_purged_without_a_mark_that_is_a_day_old(
        since in proptest::option::of(moment()), keep in 0u64..100 * 86_400, now in moment(),
        mark in proptest::option::of((moment(), any::<bool>())),
    ) {
        let item = Item { name: String::new(), since, keep: Duration::from_secs(keep) };
        let mark = mark.map(|(at, ahead)| Mark { at, ahead });
        if judge(&item, mark.as_ref(), &now) == Verdict::Purge {
            let mark = mark.unwrap();
            prop_assert!(now.wall.saturating_sub(mark.at.wall) >= DAY);
            if let (Some(then), Some(now)) = (&mark.at.boot, &now.boot) && then.id == now.id {
                prop_assert!(now.s - then.s >= DAY as u64);
            }
            let since = item.since.unwrap();
            let from = if mark.ahead { mark.at.wall } else { since.wall };
            prop_assert!(now.wall.saturating_sub(from) >= keep as i64);
        }
    }

    /// A single machine with any number of steps, each noticed by the first run after it: nothing is purged before a day has really passed
    /// since the first run.
    #[test]
    fn steps_within_one_boot_never_shorten_the_wait(
        walls in proptest::collection::vec((0i64..7_200, -1000i64..1000), 1..30), since in -2000i64..2000,
    ) {
        let item = old(at(since * DAY, 0));
        let mut true_s = 0;
        let moments: Vec<_> = walls.iter().map(|(step, wrong)| { true_s += step; at(true_s, wrong * DAY) }).collect();
        let first = moments[0].boot.as_ref().unwrap().s;
        let verdicts = runs(&item, &moments);
        if verdicts.last() == Some(&Purge) {
            let last = moments[verdicts.len() - 1].boot.as_ref().unwrap().s;
            prop_assert!(last - first >= DAY as u64);
        }
    }

    /// With right clocks, every expired item is purged in the end.
    #[test]
    fn right_clocks_purge_what_is_over(keep in 0i64..400, gap in 1i64..60) {
        let item = Item { keep: Duration::from_secs(keep as u64 * 86_400), ..item(at(0, 0)) };
        let moments: Vec<_> = (0..500).map(|n| at(n * gap * DAY, 0)).collect();
        let verdicts = runs(&item, &moments);
        prop_assert_eq!(verdicts.last(), Some(&Purge));
        prop_assert!((verdicts.len() as i64 - 1) * gap <= keep + 2 * gap + 1);
    }
}
