//! Decides into how many parts a transfer is cut, and how large they are. Sizes are weights: bytes, and a constant for each file.

use crate::model::job::Connections;
use crate::sync::listing::Changed;

/// What a file adds to the weight of a part, in bytes, beside its size: its entry in the list and its checksums.
pub(super) const A_FILE: u64 = 2 << 10;
/// The number of connections pays as if each file had so many bytes more: 2,000 small files take about as long as 64 MiB.
const A_SMALL_FILE: u64 = BYTES / FILES;
/// With `connections = "auto"`, one connection for this many bytes or files.
const BYTES: u64 = 64 << 20;
const FILES: u64 = 2000;
/// How long the transfer of a part takes at least, in seconds, at the rate of the source. A connection costs some ten round trips.
const SECONDS: f64 = 2.0;
/// While the rate of the source is unknown: the minimum weight of a part, and the weight above which a connection gets more than one part.
const LEAST: u64 = 4 * A_SMALL_FILE;
const ONE_PART: u64 = 32 << 20;

/// What a transfer has to bring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Files with contents.
    pub(super) files: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// The weight of everything.
    pub(super) weight: u64,
}

impl Load {
    /// The load of an entry of this weight.
    pub(super) fn of(entry: &Changed, weight: u64) -> Self {
        Load { files: entry.contents.into(), bytes: if entry.contents { entry.size } else { 0 }, weight }
    }

    pub(super) fn add(&mut self, more: Load) {
        self.files += more.files;
        self.bytes = self.bytes.saturating_add(more.bytes);
        self.weight = self.weight.saturating_add(more.weight);
    }

    pub(super) fn remove(&mut self, less: Load) {
        self.files -= less.files;
        self.bytes = self.bytes.saturating_sub(less.bytes);
        self.weight = self.weight.saturating_sub(less.weight);
    }
}

/// What a connection brings in the minimum time of a part. `rate`: bytes per second over one connection.
fn least(rate: f64) -> u64 {
    (rate * SECONDS).clamp(LEAST as f64, 1e18) as u64
}

/// Returns how many connections pay for this load. `rate`: bytes per second over one connection; `None` if unknown.
pub(super) fn useful(limit: Connections, load: Load, rate: Option<f64>) -> usize {
    let least = rate.map_or(LEAST, least);
    let wanted = match limit {
        Connections::Fixed(n) => n.into(),
        Connections::Auto => load.bytes.div_ceil(BYTES).max(load.files.div_ceil(FILES)),
    };
    let pay = (load.bytes.saturating_add(load.files.saturating_mul(A_SMALL_FILE)) / least).max(1);
    wanted.clamp(1, u64::from(Connections::MOST)).min(pay) as usize
}

/// Returns the weights of parts for `connections`, the largest first. Their sum is at least `weight`. Each round of parts takes three quarters of
/// what is left, so that the connections end at nearly the same time although they are not equally fast; in the last round, all parts are equal.
pub(super) fn sizes(mut weight: u64, connections: usize, rate: Option<f64>) -> Vec<u64> {
    let n = connections.max(1) as u64;
    let one_part = rate.map_or(ONE_PART, |rate| least(rate).saturating_mul(2));
    let mut sizes = Vec::new();
    while weight > 0 {
        let share = weight.div_ceil(n);
        let size = if share <= one_part { share } else { share - share / 4 };
        for _ in 0..n.min(weight.div_ceil(size)) {
            sizes.push(size);
            weight = weight.saturating_sub(size);
        }
    }
    sizes
}

/// What the parts weigh when more of this weight has been shared out among them: each what it should weigh, less an amount that is the same for all,
/// but not less than it has already. `loads`: what they weigh now.
pub(super) fn filled(loads: &[u64], sizes: &[u64], more: u64) -> Vec<u64> {
    let parts =
        |less: u64| loads.iter().zip(sizes).map(move |(load, size)| size.saturating_sub(less).max(*load));
    let lacking =
        |less: u64| parts(less).zip(loads).fold(0u64, |sum, (part, load)| sum.saturating_add(part - load));
    // The largest amount with which there is room for all.
    let (mut less, mut step) = (0u64, 1 << 62);
    while step > 0 {
        if lacking(less + step) >= more {
            less += step;
        }
        step /= 2;
    }
    parts(less).collect()
}

/// Which of the last entries of a part to leave to the next part, by their weights; at most 16. `over`: by how much the part is too large with all of
/// them. If several choices are as good, the one of later entries.
pub(super) fn left_to_the_next(weights: &[u64], over: u64) -> Vec<bool> {
    let last = weights.len();
    let is_left = |choice: u32, n: usize| choice >> (last - 1 - n) & 1 == 1;
    let sum = |choice: &u32| {
        let left = weights.iter().enumerate().filter(|(n, _)| is_left(*choice, *n));
        left.fold(0u64, |sum, (_, weight)| sum.saturating_add(*weight))
    };
    let best = (0..1 << last).min_by_key(|choice| sum(choice).abs_diff(over)).unwrap_or(0);
    (0..last).map(|n| is_left(best, n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_does_not_pay_gets_one_connection() {
        let load = |files: u64, bytes: u64| Load { files, bytes, weight: 0 };
        let (four, auto) = (Connections::Fixed(4), Connections::Auto);
        for (limit, load, rate, expected) in [
            (four, load(5, 1000), None, 1),
            (four, load(11, 0), None, 2),
            (four, load(16, 0), None, 4),
            (four, load(5, 60 * MIB), None, 4),
            // 60 MiB in two seconds.
            (four, load(5, 60 * MIB), Some(30.0 * MIB as f64), 1),
            (four, load(5, 60 * MIB), Some(10.0 * MIB as f64), 3),
            (auto, load(5, 60 * MIB), None, 1),
            (auto, load(5, 65 * MIB), None, 2),
            (auto, load(4001, MIB), None, 3),
            (auto, load(10, 1 << 40), None, 16),
            (Connections::Fixed(1), load(10, 1 << 40), None, 1),
        ] {
            assert_eq!(useful(limit, load, rate), expected, "{limit:?} {load:?} {rate:?}");
        }
    }

    #[test]
    fn a_short_transfer_is_cut_once_and_a_long_one_into_shrinking_parts() {
        assert_eq!(sizes(60, 8, None), [8; 8]);
        assert_eq!(sizes(3, 8, None), [1; 3]);
        assert_eq!(sizes(0, 8, None), [0u64; 0]);
        // Ten MiB are two seconds.
        let sizes = sizes(200 * MIB, 2, Some(5.0 * MIB as f64));
        assert_eq!(sizes.iter().map(|size| size / MIB).collect::<Vec<_>>(), [75, 75, 18, 18, 6, 6]);
    }

    #[test]
    fn parts_are_filled_to_one_level() {
        assert_eq!(filled(&[0, 0, 0], &[10, 10, 10], 30), [10; 3]);
        assert_eq!(filled(&[14, 0, 4], &[10, 10, 10], 12), [14, 8, 8]);
        assert_eq!(filled(&[14, 13, 4], &[10, 10, 10], 0), [14, 13, 4]);
        assert_eq!(filled(&[0, 0], &[75, 25], 96), [73, 23]);
        // There is no room for all.
        assert_eq!(filled(&[5], &[10], 100), [10]);
    }

    #[test]
    fn a_part_leaves_what_makes_it_nearest_to_its_size() {
        for (weights, over, left) in [
            (&[][..], 5, &[][..]),
            (&[10, 10, 10], 0, &[false; 3]),
            (&[10, 10, 10], 4, &[false; 3]),
            (&[10, 10, 10], 6, &[false, false, true]),
            (&[10, 10, 10], 100, &[true; 3]),
            (&[7, 5, 4, 30], 11, &[true, false, true, false]),
            (&[u64::MAX, u64::MAX], u64::MAX, &[false, true]),
        ] {
            assert_eq!(left_to_the_next(weights, over), left, "{weights:?} {over}");
        }
    }

    /// The connections take parts from the queue; each is as fast as its factor.
    fn ends(sizes: &[u64], speeds: &[f64]) -> Vec<f64> {
        let mut ends = vec![0.0f64; speeds.len()];
        for size in sizes {
            let next = (0..ends.len()).min_by(|a, b| ends[*a].total_cmp(&ends[*b])).unwrap();
            ends[next] += *size as f64 / speeds[next];
        }
        ends
    }

    proptest! {
        #[test]
        fn parts_add_up_and_equal_connections_end_together(weight in 1u64..1 << 40, n in 1usize..17, rate in 1e3..1e9) {
            let sizes = sizes(weight, n, Some(rate));
            prop_assert!(sizes.iter().sum::<u64>() >= weight);
            prop_assert!(sizes.iter().sum::<u64>() - weight <= sizes[0].max(n as u64));
            prop_assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
            prop_assert!(sizes.len() <= n * 42);
            if weight > 1000 * n as u64 {
                let ends = ends(&sizes, &vec![1.0; n]);
                let mean = ends.iter().sum::<f64>() / n as f64;
                prop_assert!(ends.iter().all(|end| *end <= mean * 1.1), "{ends:?}");
            }
        }

        #[test]
        fn a_slow_connection_delays_the_end_by_one_small_part(speeds in prop::collection::vec(0.8f64..1.0, 2..9)) {
            let (weight, rate) = (1u64 << 30, 1e6);
            let ends = ends(&sizes(weight, speeds.len(), Some(rate)), &speeds);
            let ideal = weight as f64 / speeds.iter().sum::<f64>();
            prop_assert!(ends.iter().all(|end| *end <= ideal * 1.1 + 8.0 * rate), "{ends:?} {ideal}");
        }
    }
}
