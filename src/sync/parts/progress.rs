//! The progress of a job whose parts run at the same time.

use super::cut::Load;
use crate::model::event::Progress;
use std::time::Duration;

/// The sum over all parts. It never falls.
#[derive(Debug)]
pub(super) struct PartProgress {
    all: Load,
    /// Bytes and files of each part so far.
    done: Vec<(u64, u64)>,
}

impl PartProgress {
    /// Nothing is done yet.
    pub(super) fn new(all: Load, parts: usize) -> Self {
        PartProgress { all, done: vec![(0, 0); parts] }
    }

    /// Notes the progress of the part with this number, from 1. A part that is transferred again starts at zero again.
    pub(super) fn note(&mut self, part: u32, now: Progress) {
        let Some(done) = self.done.get_mut(part as usize - 1) else { return };
        done.0 = done.0.max(now.bytes.unwrap_or(0));
        done.1 = done.1.max(now.files.unwrap_or(0));
    }

    /// Notes that a part has ended.
    pub(super) fn ended(&mut self, part: u32, load: Load) {
        let Some(done) = self.done.get_mut(part as usize - 1) else { return };
        *done = (done.0.max(load.bytes), done.1.max(load.files));
    }

    /// The progress after the end of the job's last process, which brought everything.
    pub(super) fn complete(&self) -> Progress {
        Progress { percent: Some(100.0), eta: Some(Duration::ZERO), ..self.sum(None) }
    }

    /// The progress of the job. `rate`: the sum of the rates of the running parts, in bytes per second. 100 % is left to the end of the job's
    /// last process.
    pub(super) fn sum(&self, rate: Option<f64>) -> Progress {
        let (bytes, files) =
            self.done.iter().fold((0u64, 0u64), |sum, done| (sum.0 + done.0, sum.1 + done.1));
        let share = |done: u64, all: u64| (all > 0).then(|| (done as f64 * 100.0 / all as f64).min(99.0));
        let left = self.all.bytes.saturating_sub(bytes) as f64;
        Progress {
            bytes: Some(bytes),
            percent: share(bytes, self.all.bytes).or_else(|| share(files, self.all.files)),
            files: Some(files),
            rate,
            eta: rate
                .filter(|rate| *rate > 0.0)
                .and_then(|rate| Duration::try_from_secs_f64(left / rate).ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(bytes: u64, files: u64) -> Progress {
        Progress { bytes: Some(bytes), files: Some(files), ..Progress::default() }
    }

    #[test]
    fn the_sum_never_falls_and_leaves_the_last_percent_to_the_end() {
        let mut all = PartProgress::new(Load { files: 10, bytes: 1000, weight: 0 }, 2);
        all.note(1, at(300, 3));
        all.note(2, at(100, 1));
        let sum = all.sum(Some(100.0));
        assert_eq!((sum.bytes, sum.files, sum.percent), (Some(400), Some(4), Some(40.0)));
        assert_eq!(sum.eta, Some(Duration::from_secs(6)));
        // The first part failed and starts again.
        all.note(1, at(0, 0));
        assert_eq!(all.sum(None).bytes, Some(400));
        all.ended(1, Load { files: 5, bytes: 500, weight: 0 });
        all.ended(2, Load { files: 5, bytes: 500, weight: 0 });
        assert_eq!((all.sum(None).percent, all.sum(None).files), (Some(99.0), Some(10)));
    }
}
