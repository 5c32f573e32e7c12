//! A cache of answers. A key contains the generations of the indexes, so an answer is not used after one of its indexes has changed.

use super::hit::Outcome;
use lru::LruCache;
use std::sync::{Arc, Mutex, PoisonError};

/// Statistics of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStats {
    /// Requests that were answered from the cache.
    pub hits: u64,
    /// Requests that were not.
    pub misses: u64,
    /// Answers that were evicted.
    pub evictions: u64,
    /// Answers in the cache.
    pub entries: usize,
    /// The approximate size of these answers in bytes.
    pub bytes: usize,
}

struct Inner {
    answers: LruCache<String, (Arc<Outcome>, usize)>,
    stats: CacheStats,
}

pub(super) struct Cache {
    entries: usize,
    bytes: usize,
    inner: Mutex<Inner>,
}

impl Cache {
    pub(super) fn new(entries: usize, bytes: usize) -> Self {
        let inner = Inner { answers: LruCache::unbounded(), stats: CacheStats::default() };
        Cache { entries, bytes, inner: Mutex::new(inner) }
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<Outcome>> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let found = inner.answers.get(key).map(|(outcome, _)| Arc::clone(outcome));
        if found.is_some() {
            inner.stats.hits += 1
        } else {
            inner.stats.misses += 1
        }
        found
    }

    pub(super) fn put(&self, key: String, outcome: Arc<Outcome>) {
        let size = key.len() + outcome.bytes();
        if size > self.bytes || self.entries == 0 {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, old)) = inner.answers.put(key, (outcome, size)) {
            inner.stats.bytes -= old;
        }
        inner.stats.bytes += size;
        while inner.answers.len() > self.entries || inner.stats.bytes > self.bytes {
            let Some((_, (_, old))) = inner.answers.pop_lru() else { break };
            inner.stats.bytes -= old;
            inner.stats.evictions += 1;
        }
        inner.stats.entries = inner.answers.len();
    }

    pub(super) fn stats(&self) -> CacheStats {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).stats
    }
}
