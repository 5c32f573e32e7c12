//! Runs one request on one index.

use super::condition::Compiler;
use super::entry_count::{CountEntries, Entries};
use super::facets::{Match, Matches};
use super::hit::Sort;
use super::schema::{Fields, KEY};
use super::stems::Stems;
use crate::search::query::Node;
use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use tantivy::collector::{Collector, TopDocs};
use tantivy::columnar::Column;
use tantivy::query::{
    Bm25StatisticsProvider, BooleanQuery, BoostQuery, EnableScoring, Occur, Query, TermQuery,
};
use tantivy::schema::Field;
use tantivy::{DocAddress, Order, Searcher, Term};

/// The factor for scores of entries that match only by other forms of the words. It is so small that they rank below all that match by the
/// words themselves.
const FORMS: f32 = 1e-6;

/// The value by which hits are compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rank {
    Score(f32),
    /// Smaller is better.
    Low(Option<f64>),
    /// Larger is better.
    High(Option<u64>),
    Text(Option<String>),
}

impl Rank {
    /// Compares ranks. Better ranks are less; hits without a value come last.
    pub(super) fn compare(&self, other: &Rank) -> Ordering {
        fn last<T>(a: &Option<T>, b: &Option<T>, order: impl Fn(&T, &T) -> Ordering) -> Ordering {
            match (a, b) {
                (Some(a), Some(b)) => order(a, b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            }
        }
        match (self, other) {
            (Rank::Score(a), Rank::Score(b)) => b.total_cmp(a),
            (Rank::Low(a), Rank::Low(b)) => last(a, b, f64::total_cmp),
            (Rank::High(a), Rank::High(b)) => last(a, b, |a, b| b.cmp(a)),
            (Rank::Text(a), Rank::Text(b)) => last(a, b, Ord::cmp),
            _ => Ordering::Equal,
        }
    }
}

/// A document among the best of its index.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) rank: Rank,
    pub(super) document: DocAddress,
    /// The key of its entry, see [`super::entry_key`].
    pub(super) key: u64,
}

/// The answer of one index.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The best documents, best first: as many as were requested, or all.
    pub(super) found: Vec<Found>,
    /// The entries of all matching documents.
    pub(super) entries: Entries,
    /// All matching documents, if facets are requested; otherwise empty.
    pub(super) matches: Vec<Match>,
}

/// Term statistics over all indexes. They make scores of different indexes comparable.
pub(super) struct Shared(pub(super) Vec<Searcher>);

impl Bm25StatisticsProvider for Shared {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        self.0.iter().map(|searcher| Bm25StatisticsProvider::total_num_tokens(searcher, field)).sum()
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        self.0.iter().map(Bm25StatisticsProvider::total_num_docs).sum()
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        self.0.iter().map(|searcher| Bm25StatisticsProvider::doc_freq(searcher, term)).sum()
    }
}

/// The query, compiled for tantivy.
pub(super) struct Compiled {
    /// Matches the words themselves.
    exact: Box<dyn Query>,
    /// Matches all forms of the words. `None` if the indexes have no other forms.
    all: Option<Box<dyn Query>>,
}

impl Compiled {
    pub(super) fn new(fields: &Fields, searchers: &[Searcher], query: &Node) -> tantivy::Result<Self> {
        let stems = Stems::default();
        let compiler = |forms| Compiler { fields, searchers, stems: &stems, forms, found: Cell::new(false) };
        let all = compiler(true);
        let compiled = all.compile(query)?;
        if !all.found.get() {
            return Ok(Compiled { exact: compiled, all: None });
        }
        Ok(Compiled { exact: compiler(false).compile(query)?, all: Some(compiled) })
    }

    /// Returns the query that decides whether a document is a hit.
    fn whole(&self) -> &dyn Query {
        self.all.as_deref().unwrap_or(&*self.exact)
    }

    /// Returns a query for documents that match only by other forms. They rank after all others.
    fn others(&self) -> Option<BoostQuery> {
        let all = self.all.as_ref()?.box_clone();
        let others = vec![(Occur::Must, all), (Occur::MustNot, self.exact.box_clone())];
        Some(BoostQuery::new(Box::new(BooleanQuery::new(others)), FORMS))
    }
}

/// Runs the request.
pub(super) fn ask(
    searcher: &Searcher,
    query: &Compiled,
    shared: &Shared,
    sort: Sort,
    wanted: usize,
    matches: Option<Matches>,
) -> tantivy::Result<Answer> {
    // tantivy does not accept a limit of zero.
    let most = wanted.clamp(1, (searcher.num_docs() as usize).max(1));
    let top = TopDocs::with_limit(most);
    let ask = Ask { searcher, query, shared, matches, most };
    match sort {
        Sort::Score => ask.by_score(),
        Sort::Resolution => ask.by_field(top.order_by_fast_field::<f64>("resolution", Order::Asc), Rank::Low),
        Sort::Released => ask.by_field(top.order_by_u64_field("released", Order::Desc), Rank::High),
        Sort::Id => ask.by_field(top.order_by_string_fast_field("id", Order::Asc), Rank::Text),
    }
}

struct Ask<'a> {
    searcher: &'a Searcher,
    query: &'a Compiled,
    shared: &'a Shared,
    matches: Option<Matches>,
    most: usize,
}

impl Ask<'_> {
    fn collect<C: Collector>(
        &self,
        query: &dyn Query,
        collector: &C,
        scored: bool,
    ) -> tantivy::Result<C::Fruit> {
        let scoring = if scored {
            EnableScoring::enabled_from_statistics_provider(self.shared, self.searcher)
        } else {
            EnableScoring::disabled_from_searcher(self.searcher)
        };
        self.searcher.search_with_executor(query, collector, self.searcher.index().search_executor(), scoring)
    }

    /// Searches for the words themselves first. Mostly their hits fill the page, and tantivy skips documents that cannot be among the best.
    fn by_score(&self) -> tantivy::Result<Answer> {
        let Compiled { exact, all } = self.query;
        let top = |most| TopDocs::with_limit(most).order_by_score();
        let at_once = all.is_none() && self.matches.is_none() && !prunes(&**exact);
        let (mut best, mut entries) = if at_once {
            let (best, entries) = self.collect(&**exact, &(top(self.most), CountEntries), true)?;
            (best, Some(entries))
        } else {
            (self.collect(&**exact, &top(self.most), true)?, None)
        };
        if best.len() < self.most
            && let Some(others) = self.query.others()
        {
            best.extend(self.collect(&others, &top(self.most - best.len()), true)?);
        }
        let mut matches = Vec::new();
        // If fewer documents than requested were found, these are all.
        if self.matches.is_some() || entries.is_none() && best.len() >= self.most {
            let counted = self.collect(self.query.whole(), &(CountEntries, self.matches), false)?;
            entries = Some(counted.0);
            matches = counted.1.unwrap_or_default();
        }
        self.answer(best, Rank::Score, entries, matches)
    }

    fn by_field<V: 'static>(
        &self,
        top: impl Collector<Fruit = Vec<(V, DocAddress)>>,
        rank: impl Fn(V) -> Rank,
    ) -> tantivy::Result<Answer> {
        let all = (top, CountEntries, self.matches);
        let (best, entries, matches) = self.collect(self.query.whole(), &all, false)?;
        self.answer(best, rank, Some(entries), matches.unwrap_or_default())
    }

    fn answer<V>(
        &self,
        best: Vec<(V, DocAddress)>,
        rank: impl Fn(V) -> Rank,
        entries: Option<Entries>,
        matches: Vec<Match>,
    ) -> tantivy::Result<Answer> {
        let mut keys = Keys { searcher: self.searcher, columns: BTreeMap::new() };
        let found = best
            .into_iter()
            .map(|(value, document)| Ok(Found { rank: rank(value), document, key: keys.of(document)? }));
        let found: Vec<Found> = found.collect::<tantivy::Result<_>>()?;
        let entries = entries.unwrap_or_else(|| {
            let mut entries = Entries::default();
            found.iter().for_each(|found| entries.add(found.key));
            entries
        });
        Ok(Answer { found, entries, matches })
    }
}

/// Whether tantivy skips blocks of documents that cannot be among the best, which it does only if the same pass does not count them. A
/// separate pass that counts without scores is then much cheaper.
fn prunes(query: &dyn Query) -> bool {
    let term = |query: &dyn Query| query.is::<TermQuery>();
    term(query)
        || query.downcast_ref::<BooleanQuery>().is_some_and(|query| {
            let all = |occur| query.clauses().iter().all(|(is, part)| *is == occur && term(&**part));
            all(Occur::Must) || all(Occur::Should)
        })
}

/// Reads the keys of documents from their columns, which is cheaper than reading the documents.
struct Keys<'a> {
    searcher: &'a Searcher,
    columns: BTreeMap<u32, Column<u64>>,
}

impl Keys<'_> {
    fn of(&mut self, document: DocAddress) -> tantivy::Result<u64> {
        let ord = document.segment_ord;
        if !self.columns.contains_key(&ord) {
            let column = self.searcher.segment_reader(ord).fast_fields().u64(KEY)?;
            self.columns.insert(ord, column);
        }
        // Every document has a key. 1 would mean an entry of its own.
        Ok(self.columns.get(&ord).and_then(|column| column.first(document.doc_id)).unwrap_or(1))
    }
}
