//! Scans several trees in parallel, but only one at a time of those on the same spinning disk or network mount.

use super::storage;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::thread;

/// A tree to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRoot {
    /// Absolute path.
    pub path: PathBuf,
    /// The disk or server on which only one tree is scanned at a time; `None` if there is no such restriction.
    lane: Option<String>,
}

impl ScanRoot {
    /// Determines the storage of the tree.
    pub fn new(path: &Path) -> Self {
        let lane = storage(path).filter(|storage| storage.one_at_a_time).map(|storage| match storage.unit {
            unit if unit.is_empty() => storage.device.to_string(),
            unit => unit,
        });
        ScanRoot { path: path.into(), lane }
    }
}

#[derive(Default)]
struct Waiting {
    next: Vec<usize>,
    lanes: Vec<String>,
}

/// Calls `work` for every root, up to `parallel` at a time, and passes the results to `tell` in the order of the roots, each as soon as all
/// before it are complete. After an error of `tell`, no more results are passed on, but work that has started is finished.
pub fn scan_all<T: Send, E>(
    roots: &[ScanRoot],
    parallel: usize,
    work: impl Fn(usize, &ScanRoot) -> T + Sync,
    mut tell: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let waiting = Mutex::new(Waiting { next: (0..roots.len()).rev().collect(), lanes: Vec::new() });
    let freed = Condvar::new();
    let lock = || waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let (answers, told) = mpsc::channel();
    let take = || {
        let mut waiting = lock();
        loop {
            let free = |n: &usize| roots[*n].lane.as_ref().is_none_or(|lane| !waiting.lanes.contains(lane));
            let Some(at) = waiting.next.iter().rposition(free) else {
                if waiting.next.is_empty() {
                    return None;
                }
                waiting = freed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let n = waiting.next.remove(at);
            waiting.lanes.extend(roots[n].lane.clone());
            return Some(n);
        }
    };
    let give_back = |n: usize| {
        lock().lanes.retain(|lane| roots[n].lane.as_ref() != Some(lane));
        freed.notify_all();
    };
    let (take, give_back, work) = (&take, &give_back, &work);
    thread::scope(|scope| {
        for _ in 0..parallel.clamp(1, roots.len().max(1)) {
            let answers = answers.clone();
            scope.spawn(move || {
                while let Some(n) = take() {
                    let answer = work(n, &roots[n]);
                    give_back(n);
                    if answers.send((n, answer)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(answers);
        let (mut early, mut next) = (BTreeMap::new(), 0);
        for (n, answer) in told {
            early.insert(n, answer);
            while let Some(answer) = early.remove(&next) {
                tell(next, answer)?;
                next += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_lane_is_used_by_one_at_a_time_and_answers_keep_their_order() {
        let roots: Vec<ScanRoot> = (0..12u64)
            .map(|n| ScanRoot { path: n.to_string().into(), lane: (n % 3 == 0).then(|| "sda".into()) })
            .collect();
        let (busy, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let mut told = Vec::new();
        let work = |n: usize, root: &ScanRoot| {
            if root.lane.is_some() {
                most.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                busy.fetch_sub(1, Ordering::SeqCst);
            }
            n * 10
        };
        scan_all(&roots, 4, work, |n, answer| {
            told.push((n, answer));
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!(told, (0..12).map(|n| (n, n * 10)).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert_eq!(
            scan_all(&roots, 4, |n, _| n, |n, _| if n == 3 { Err("gone") } else { Ok(()) }),
            Err("gone")
        );
        assert_eq!(scan_all(&[], 4, |n, _| n, |_, _| Err(())), Ok(()));
    }
}
