//! Answers that were given before. A key holds the generations of the indexes, so that no answer outlives what it was made from.

use super::hit::Outcome;
use lru::LruCache;
use std::sync::{Arc, Mutex, PoisonError};

/// What became of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheStats {
    /// Answered from memory.
    pub hits: u64,
    /// Not.
    pub misses: u64,
    /// Answers that gave way to others.
    pub evictions: u64,
    /// Answers in memory.
    pub entries: usize,
    /// Bytes that they take, roughly.
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
