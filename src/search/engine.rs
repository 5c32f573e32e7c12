//! Searches several indexes as one.

use super::SearchError;
use super::cache::{Cache, CacheStats};
use super::condition::ranks;
use super::entry_count::Entries;
use super::entry_key;
use super::facets::{self, Match, Matches};
use super::hit::{Hit, Outcome, Place, Request, Sort};
use super::live::Live;
use super::location::Opened;
use super::schema::{Fields, KEY};
use super::single_index::{self, Answer, Found, Shared};
use crate::model::document_summary::DocumentSummary;
use crate::search::query::Field;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Query, RangeQuery, TermQuery};
use tantivy::schema::{IndexRecordOption, Value};
use tantivy::{DocAddress, Order, Searcher, TantivyDocument, Term};

/// Options of an engine.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Threads that search. 0 means one per core.
    pub workers: usize,
    /// The maximum number of cached answers.
    pub cache_entries: usize,
    /// The maximum size of the cached answers in bytes.
    pub cache_bytes: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions { workers: 0, cache_entries: 1_000, cache_bytes: 32 << 20 }
    }
}

/// Searches several indexes at once. Cheap to share: every method takes `&self` and may be called from many threads.
pub struct SearchEngine {
    fields: Fields,
    indexes: Vec<Live>,
    pool: ThreadPool,
    cache: Cache,
}

/// The values of each facet and their numbers of entries.
type Facets = BTreeMap<&'static str, Vec<(String, u64)>>;

/// The state of the indexes for one request.
struct Moment<'e> {
    engine: &'e SearchEngine,
    request: &'e Request,
    searchers: Vec<Searcher>,
    compiled: Arc<single_index::Compiled>,
    shared: Arc<Shared>,
    sort: Sort,
    deadline: Option<Instant>,
}

impl SearchEngine {
    /// Opens the indexes for searching.
    pub fn new(indexes: Vec<Opened>, options: &EngineOptions) -> Result<Self, SearchError> {
        let workers = match options.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        // More threads than cores would delay every request. A task that panics drops its end of the channel, which the waiting thread
        // notices.
        let pool = ThreadPoolBuilder::new().num_threads(workers).thread_name(|_| "search".into());
        let pool = pool.panic_handler(|_| ()).build().map_err(|error| SearchError::Io {
            tried: "start threads for",
            path: "search".into(),
            source: std::io::Error::other(error),
        })?;
        let indexes: Result<Vec<Live>, _> = indexes.into_iter().map(Live::new).collect();
        let cache = Cache::new(options.cache_entries, options.cache_bytes);
        Ok(SearchEngine { fields: Fields::new(), indexes: indexes?, pool, cache })
    }

    /// Returns the labels of the indexes, in their order.
    pub fn labels(&self) -> Vec<&str> {
        self.indexes.iter().map(|live| live.label.as_str()).collect()
    }

    /// Returns the number of all documents.
    pub fn documents(&self) -> u64 {
        self.indexes.iter().map(|live| live.current().0.num_docs()).sum()
    }

    /// Returns the statistics of the cache.
    pub fn cache_stats(&self) -> CacheStats {
        self.cache.stats()
    }

    /// Searches all indexes. Indexes that fail or are late are named in the answer; such an answer is not cached. An answer with late
    /// indexes has nothing else.
    pub fn search(&self, request: &Request) -> Result<Arc<Outcome>, SearchError> {
        let deadline = request.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let (searchers, numbers): (Vec<_>, Vec<_>) = self.indexes.iter().map(Live::current).unzip();
        let Request { query, sort, limit, offset, facets, .. } = request;
        let key = format!("{numbers:?} {sort:?} {limit} {offset} {facets:?} {query:?}");
        if let Some(known) = self.cache.get(&key) {
            let mut outcome = (*known).clone();
            outcome.cached = true;
            return Ok(Arc::new(outcome));
        }
        let wrong = |error: tantivy::TantivyError| SearchError::Damaged {
            path: "of the search".into(),
            why: error.to_string(),
        };
        let compiled = single_index::Compiled::new(&self.fields, &searchers, query).map_err(wrong)?;
        let sort = if *sort == Sort::Score && !ranks(query) { Sort::Released } else { *sort };
        let shared = Arc::new(Shared(searchers.clone()));
        let moment =
            Moment { engine: self, request, searchers, compiled: Arc::new(compiled), shared, sort, deadline };
        let outcome = Arc::new(moment.answer().map_err(wrong)?);
        if outcome.late.is_empty() && outcome.failed.is_empty() {
            self.cache.put(key, Arc::clone(&outcome));
        }
        Ok(outcome)
    }
}

/// A hit before its documents are fetched: their addresses, best first, and how well each represents the entry.
struct Group {
    found: Found,
    places: Vec<(usize, DocAddress, u64)>,
}

impl Moment<'_> {
    fn answer(&self) -> tantivy::Result<Outcome> {
        let page = self.request.offset.saturating_add(self.request.limit);
        let mut wanted = page.saturating_mul(2).saturating_add(16);
        loop {
            let mut outcome = Outcome::default();
            let mut answers = self.ask_all(wanted, &mut outcome);
            let more = answers.iter().any(|(_, answer)| answer.entries.documents > answer.found.len() as u64);
            let mut entries = Entries::default();
            answers.iter_mut().for_each(|(_, answer)| entries.join(std::mem::take(&mut answer.entries)));
            outcome.documents = entries.documents;
            outcome.total = entries.count();
            let matches = answers.iter_mut().map(|(_, answer)| std::mem::take(&mut answer.matches)).collect();
            let groups = grouped(answers);
            // Files of the same entry may have taken the places of other entries.
            if groups.len() < page && more && outcome.late.is_empty() {
                wanted = wanted.saturating_mul(4);
                continue;
            }
            let groups = groups.into_iter().skip(self.request.offset).take(self.request.limit);
            match outcome.late.is_empty().then(|| self.rest(matches, groups)).transpose()?.flatten() {
                Some((facets, hits)) => (outcome.facets, outcome.hits) = (facets, hits),
                // Hits without those of all indexes, or without all facets, would be taken for the whole.
                None => {
                    let mut late = std::mem::take(&mut outcome.late);
                    if late.is_empty() {
                        late = (0..self.searchers.len()).map(|at| self.label(at)).collect();
                    }
                    return Ok(Outcome { late, failed: outcome.failed, ..Outcome::default() });
                }
            }
            return Ok(outcome);
        }
    }

    /// Counts the facets and reads the documents of the hits; `None` if the time is over.
    fn rest(
        &self,
        matches: Vec<Vec<Match>>,
        groups: impl Iterator<Item = Group>,
    ) -> tantivy::Result<Option<(Facets, Vec<Hit>)>> {
        let Some(facets) = self.facets(matches)? else { return Ok(None) };
        let mut hits = Vec::new();
        for group in groups {
            if self.is_over() {
                return Ok(None);
            }
            hits.push(self.hit(group)?);
        }
        Ok(Some((facets, hits)))
    }

    fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Searches all indexes. Records those that fail or do not answer in time.
    fn ask_all(&self, wanted: usize, outcome: &mut Outcome) -> Vec<(usize, Answer)> {
        let (sender, receiver) = channel();
        for (at, searcher) in self.searchers.iter().enumerate() {
            let (sender, searcher) = (sender.clone(), searcher.clone());
            let (compiled, shared, sort) = (Arc::clone(&self.compiled), Arc::clone(&self.shared), self.sort);
            let deadline = self.deadline;
            let matches = self.matches(at);
            self.engine.pool.spawn(move || {
                // The deadline has passed, so the answer would not be used.
                if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return;
                }
                let answer = single_index::ask(&searcher, &compiled, &shared, sort, wanted, matches);
                let _ = sender.send((at, answer));
            });
        }
        drop(sender);
        let mut answers: Vec<(usize, Answer)> = Vec::new();
        let mut answered = vec![false; self.searchers.len()];
        while let Ok((at, answer)) = self.received(&receiver) {
            answered[at] = true;
            match answer {
                Ok(answer) => answers.push((at, answer)),
                Err(error) => outcome.failed.push((self.label(at), error.to_string())),
            }
        }
        let in_time = !self.is_over();
        for at in (0..answered.len()).filter(|at| !answered[*at]) {
            if in_time {
                outcome.failed.push((self.label(at), "its search ended without an answer".into()));
            } else {
                outcome.late.push(self.label(at));
            }
        }
        answers.sort_by_key(|(at, _)| *at);
        answers
    }

    fn label(&self, at: usize) -> String {
        self.engine.indexes[at].label.clone()
    }

    /// Returns the collector of matching documents for the facets of an index; `None` if the request has no facets.
    fn matches(&self, at: usize) -> Option<Matches> {
        let wanted = !self.request.facets.is_empty();
        u16::try_from(at).ok().filter(|_| wanted).map(Matches)
    }

    /// Counts each facet in a task of its own; `None` if the time is over.
    fn facets(&self, matches: Vec<Vec<Match>>) -> tantivy::Result<Option<Facets>> {
        if self.request.facets.is_empty() {
            return Ok(Some(BTreeMap::new()));
        }
        let mut matches = matches.concat();
        facets::sort(&mut matches);
        let matches = Arc::new(matches);
        let labels: Arc<[String]> = (0..self.searchers.len()).map(|at| self.label(at)).collect();
        let (sender, receiver) = channel();
        let names: BTreeSet<&'static str> = self.request.facets.iter().copied().collect();
        for name in &names {
            let (name, sender, matches) = (*name, sender.clone(), Arc::clone(&matches));
            let (shared, labels) = (Arc::clone(&self.shared), Arc::clone(&labels));
            self.engine.pool.spawn(move || {
                let counted = facets::count(name, &matches, &shared.0, &labels);
                let _ = sender.send(counted.map(|values| (name, values)));
            });
        }
        drop(sender);
        let mut counted = BTreeMap::new();
        while let Ok(facet) = self.received(&receiver) {
            let (name, values) = facet?;
            counted.insert(name, values);
        }
        if counted.len() < names.len() && self.is_over() {
            return Ok(None);
        }
        if counted.len() < names.len() {
            return Err(tantivy::TantivyError::InternalError("a facet ended without being counted".into()));
        }
        Ok(Some(counted))
    }

    /// Returns the next answer of a task, if it comes in time.
    fn received<T>(&self, receiver: &Receiver<T>) -> Result<T, RecvTimeoutError> {
        match self.deadline {
            Some(deadline) => receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn hit(&self, group: Group) -> tantivy::Result<Hit> {
        let score = if let single_index::Rank::Score(score) = group.found.rank { score } else { 0.0 };
        let mut first = None;
        let mut places = Vec::new();
        for (at, document, _) in group.places {
            let shown = self.shown(at, document)?;
            let path = shown.path_bytes.clone().unwrap_or_else(|| shown.path.clone().into_bytes());
            places.push(Place { index: self.label(at), path });
            first.get_or_insert(shown);
        }
        let mut shown =
            first.ok_or_else(|| tantivy::TantivyError::InternalError("a hit without a document".into()))?;
        if shown.title.is_none() {
            shown.title = self.title_elsewhere(&shown, group.found.key)?;
        }
        Ok(Hit { score, shown, places })
    }

    fn shown(&self, at: usize, document: DocAddress) -> tantivy::Result<DocumentSummary> {
        let stored: TantivyDocument = self.searchers[at].doc(document)?;
        let json =
            stored.get_first(self.engine.fields.shown).and_then(|value| value.as_str()).unwrap_or_default();
        serde_json::from_str(json).map_err(|error| {
            tantivy::TantivyError::InternalError(format!("a document cannot be read: {error}"))
        })
    }

    /// Returns the title of the best other document of the same entry, for a document without one.
    fn title_elsewhere(&self, untitled: &DocumentSummary, key: u64) -> tantivy::Result<Option<String>> {
        let (Some(id), Some(entry)) = (&untitled.id, entry_key::entry(key)) else { return Ok(None) };
        let fields = &self.engine.fields;
        let term = |field, value: &str| -> Box<dyn Query> {
            Box::new(TermQuery::new(Term::from_field_text(field, value), IndexRecordOption::Basic))
        };
        let (first, last) = entry_key::range(entry);
        let edge = |key| Bound::Included(Term::from_field_u64(fields.key, key));
        let titled = BooleanQuery::intersection(vec![
            term(fields.of(Field::Id), id),
            term(fields.has, Field::Title.name()),
            Box::new(RangeQuery::new(edge(first), edge(last))),
        ]);
        let best = || TopDocs::with_limit(1).order_by_fast_field::<u64>(KEY, Order::Asc);
        let mut found: Option<(u64, usize, DocAddress)> = None;
        for (at, searcher) in self.searchers.iter().enumerate() {
            for (key, document) in searcher.search(&titled, &best())? {
                let order = entry_key::order(key.unwrap_or(u64::MAX));
                if found.is_none_or(|(known, ..)| order < known) {
                    found = Some((order, at, document));
                }
            }
        }
        found.map_or(Ok(None), |(_, at, document)| Ok(self.shown(at, document)?.title))
    }
}

/// Sorts the hits and groups the documents of one entry.
fn grouped(answers: Vec<(usize, Answer)>) -> Vec<Group> {
    let mut all: Vec<(usize, Found)> = answers
        .into_iter()
        .flat_map(|(at, answer)| answer.found.into_iter().map(move |found| (at, found)))
        .collect();
    // Equal hits are ordered by their keys, so that pages do not depend on which index answered first.
    all.sort_by(|(i, a), (j, b)| {
        a.rank
            .compare(&b.rank)
            .then_with(|| a.key.cmp(&b.key))
            .then_with(|| (i, a.document).cmp(&(j, b.document)))
    });
    let mut groups: Vec<Group> = Vec::new();
    let mut by_key: HashMap<u64, usize> = HashMap::new();
    for (at, found) in all {
        let entry = entry_key::entry(found.key);
        let place = (at, found.document, entry_key::order(found.key));
        match entry.and_then(|entry| by_key.get(&entry)).copied() {
            Some(group) => groups[group].places.push(place),
            None => {
                if let Some(entry) = entry {
                    by_key.insert(entry, groups.len());
                }
                groups.push(Group { places: vec![place], found });
            }
        }
    }
    // The document that represents the entry best comes first.
    groups.iter_mut().for_each(|group| group.places.sort_by_key(|(_, _, order)| *order));
    groups
}
