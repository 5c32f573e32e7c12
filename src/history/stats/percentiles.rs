//! Percentiles and means.

/// Percentiles and mean of a set of numbers.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub(crate) struct Spread {
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The mean.
    pub mean: f64,
}

/// A field of [`Spread`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// The mean.
    Mean,
}

impl Point {
    /// All points.
    pub const ALL: [Point; 5] = [Point::P50, Point::P90, Point::P95, Point::P99, Point::Mean];

    /// The word used in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Point::P50 => "p50",
            Point::P90 => "p90",
            Point::P95 => "p95",
            Point::P99 => "p99",
            Point::Mean => "mean",
        }
    }
}

impl Spread {
    /// Computes the values of numbers in any order; `None` without numbers. Non-finite numbers are ignored.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = numbers.into_iter().filter(|n| n.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        if sorted.is_empty() {
            return None;
        }
        let at = |share| percentile(&sorted, share);
        Some(Spread {
            p50: at(0.5)?,
            p90: at(0.9)?,
            p95: at(0.95)?,
            p99: at(0.99)?,
            mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
        })
    }

    /// Returns one of the values.
    pub(crate) fn get(&self, point: Point) -> f64 {
        match point {
            Point::P50 => self.p50,
            Point::P90 => self.p90,
            Point::P95 => self.p95,
            Point::P99 => self.p99,
            Point::Mean => self.mean,
        }
    }
}

/// Returns the value below which this share (0 to 1) of sorted numbers lies, interpolated between neighbours as spreadsheets, R (type 7)
/// and numpy do by default. `None` without numbers.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor();
    let (low, high) = (sorted[below as usize], sorted[(below as usize + 1).min(last)]);
    Some(low + (high - low) * (place - below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From Python's `statistics.quantiles(data, n=100, method='inclusive')` and `mean`, for
    /// `random.Random(7)`: `[round(lognormvariate(3, 1), 3) for _ in range(37)]`.
    #[test]
    fn they_agree_with_another_implementation() {
        let spread = Spread::of(DATA).unwrap();
        for (ours, theirs) in Point::ALL.map(|point| spread.get(point)).iter().zip(EXPECTED) {
            assert!((ours - theirs).abs() < 1e-9, "{ours} {theirs}");
        }
    }

    const DATA: [f64; 37] = [
        14.071, 26.553, 22.132, 4.308, 4.948, 9.508, 8.751, 25.009, 47.735, 10.057, 3.364, 5.424, 29.362,
        21.92, 7.756, 34.49, 9.306, 17.909, 107.529, 7.159, 28.394, 34.911, 11.264, 6.245, 58.149, 51.349,
        45.877, 25.843, 17.596, 43.466, 11.119, 4.386, 10.538, 8.627, 4.688, 5.44, 41.567,
    ];
    const EXPECTED: [f64; 5] =
        [14.071, 46.620200000000004, 52.708999999999996, 89.75219999999999, 22.344594594594593];

    #[test]
    fn little_is_said_of_little() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([f64::NAN]), None);
        assert_eq!(Spread::of([3.0]).unwrap().p99, 3.0);
        assert_eq!(Spread::of([1.0, 2.0]).unwrap().p50, 1.5);
    }

    proptest! {
        /// The definition, reversed: the line through the points (i / (n - 1), sorted[i]).
        #[test]
        fn they_lie_on_the_line_through_the_points(
            mut numbers in proptest::collection::vec(-1e6..1e6f64, 2..60), share in 0.0..=1.0f64) {
            numbers.sort_by(f64::total_cmp);
            let last = (numbers.len() - 1) as f64;
            let segment = numbers.windows(2).enumerate().find(|(i, _)| (*i as f64 + 1.0) / last >= share).unwrap();
            let (start, end) = (segment.0 as f64 / last, (segment.0 as f64 + 1.0) / last);
            let naive = (segment.1[0] * (end - share) + segment.1[1] * (share - start)) / (end - start);
            prop_assert!((percentile(&numbers, share).unwrap() - naive).abs() < 1e-3);
        }

        #[test]
        fn they_are_in_order_whatever_the_order(numbers in proptest::collection::vec(0.0..1e9f64, 1..200)) {
            let mut turned = numbers.clone();
            turned.reverse();
            let (spread, other) = (Spread::of(numbers.clone()).unwrap(), Spread::of(turned).unwrap());
            prop_assert_eq!(spread.p95, other.p95);
            let max = numbers.iter().copied().fold(0.0, f64::max);
            let ordered = [spread.p50, spread.p90, spread.p95, spread.p99, max];
            prop_assert!(ordered.windows(2).all(|pair| pair[0] <= pair[1] + 1e-6), "{:?}", ordered);
        }
    }
}
