//! Translates the tree of a query into queries of tantivy.

use super::common_grams::pair;
use super::schema::{Fields, words_of};
use super::stems::Stems;
use crate::search::entry::{Kind, normal};
use crate::search::query::{self, Bound, Field as F, FieldType, Node};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Bound as Edge;
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, EmptyQuery, FuzzyTermQuery, InvertedIndexRangeQuery, Occur,
    PhrasePrefixQuery, PhraseQuery, Query, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

type Condition = Box<dyn Query>;

/// The score of an ID that is exactly the word searched for; the score is added once more for a structure and twice for a readable file. Words
/// score less, so for an ID structures come first, and broken files come last.
const ID: f32 = 50.0;
/// The maximum number of other forms of a word to look up.
const MOST_FORMS: usize = 32;
/// The maximum number of words to which the prefix at the end of a phrase expands.
const EXPANSIONS: u32 = 200;

/// Compiles conditions. It needs the indexes, since they decide what `organism:homo sapiens` means.
pub(super) struct Compiler<'c> {
    pub(super) fields: &'c Fields,
    pub(super) searchers: &'c [Searcher],
    pub(super) stems: &'c Stems,
    /// Whether words of the same stem match too. Excluded words are always excluded in all their forms.
    pub(super) forms: bool,
    /// Set if other forms of a word were found.
    pub(super) found: Cell<bool>,
}

impl Compiler<'_> {
    pub(super) fn compile(&self, node: &Node) -> tantivy::Result<Condition> {
        Ok(match node {
            Node::All => filter(Box::new(AllQuery)),
            Node::And(nodes) => {
                let mut parts = Vec::new();
                for node in nodes {
                    parts.push(match node {
                        Node::Not(inner) => (Occur::MustNot, self.excluded(inner)?),
                        other => (Occur::Must, self.compile(other)?),
                    });
                }
                if parts.iter().all(|(occur, _)| *occur == Occur::MustNot) {
                    parts.push((Occur::Must, filter(Box::new(AllQuery))));
                }
                Box::new(BooleanQuery::new(parts))
            }
            Node::Or(nodes) => {
                let parts: tantivy::Result<Vec<Condition>> =
                    nodes.iter().map(|node| self.compile(node)).collect();
                Box::new(BooleanQuery::union(parts?))
            }
            Node::Not(inner) => Box::new(BooleanQuery::new(vec![
                (Occur::Must, filter(Box::new(AllQuery))),
                (Occur::MustNot, self.excluded(inner)?),
            ])),
            Node::Word(field, text) => self.word(*field, text),
            Node::Fuzzy(field, text, distance) => self.fuzzy(*field, text, *distance),
            Node::Prefix(field, text) => self.prefix(*field, text),
            Node::Phrase { field, text, slop, prefix } => self.phrase(*field, text, *slop, *prefix),
            Node::Run(field, words) => return self.run(*field, words),
            Node::Is(field, value) => filter(self.exact(*field, value)),
            Node::OneOf(field, values) => filter(Box::new(BooleanQuery::union(
                values.iter().map(|value| self.exact(*field, value)).collect(),
            ))),
            Node::StartsWith(field, stem) => filter(self.starts_with(self.fields.of(*field), stem)),
            Node::Range(field, low, high) => filter(self.range(*field, *low, *high)),
            Node::Residues(residues) => filter(self.residues(residues)),
            Node::Exists(field) => {
                let term = Term::from_field_text(self.fields.has, field.name());
                filter(Box::new(TermQuery::new(term, IndexRecordOption::Basic)))
            }
        })
    }

    fn excluded(&self, node: &Node) -> tantivy::Result<Condition> {
        Compiler { forms: true, found: Cell::new(false), ..*self }.compile(node)
    }

    fn exact(&self, field: F, value: &str) -> Condition {
        Box::new(TermQuery::new(
            Term::from_field_text(self.fields.of(field), value),
            IndexRecordOption::Basic,
        ))
    }

    fn field(&self, field: Option<F>) -> Field {
        field.map_or(self.fields.all, |field| self.fields.of(field))
    }

    /// Matches adjacent words; up to `slop` other words may stand between them. Pairs that are terms of their own are looked up as such
    /// terms.
    fn terms(&self, field: Field, words: &[String], slop: u32) -> Condition {
        let mut terms = Vec::new();
        let mut covered = false;
        for (at, word) in words.iter().enumerate() {
            let pair = words.get(at + 1).filter(|_| slop == 0).and_then(|next| pair(word, next));
            if pair.is_some() || !covered {
                terms.push((at, Term::from_field_text(field, pair.as_ref().unwrap_or(word))));
            }
            covered = pair.is_some();
        }
        match terms.len() {
            0 => Box::new(EmptyQuery),
            1 => Box::new(TermQuery::new(terms.remove(0).1, IndexRecordOption::WithFreqs)),
            _ => Box::new(PhraseQuery::new_with_offset_and_slop(terms, slop)),
        }
    }

    /// Matches a word. A matching ID counts most. In titles and keywords, words of the same stem may match too.
    fn word(&self, field: Option<F>, text: &str) -> Condition {
        let words = words_of(text);
        let exact = self.terms(self.field(field), &words, 0);
        let anywhere = match self.stem(field, &words) {
            Some(stem) => Box::new(BooleanQuery::union(vec![exact, stem])),
            None => exact,
        };
        if field.is_some() {
            return anywhere;
        }
        match normal(text) {
            Some(id) => {
                let with = |field, value| -> Condition {
                    let both = vec![self.exact(F::Id, &id), self.exact(field, value)];
                    Box::new(BooleanQuery::intersection(both))
                };
                let better = [
                    (self.exact(F::Id, &id), ID),
                    (with(F::Status, "ok"), 2.0 * ID),
                    (with(F::Kind, Kind::Structure.word()), ID),
                ];
                let better = better
                    .map(|(query, score)| -> Condition { Box::new(ConstScoreQuery::new(query, score)) });
                Box::new(BooleanQuery::union(better.into_iter().chain([anywhere]).collect()))
            }
            None => anywhere,
        }
    }

    /// Matches the other forms of a word in titles and keywords. Returns `None` if there are none, so that no extra lookup is needed.
    fn stem(&self, field: Option<F>, words: &[String]) -> Option<Condition> {
        if !self.forms {
            return None;
        }
        let mark = match field {
            None => "",
            Some(F::Title) => "t:",
            Some(F::Keywords) => "k:",
            Some(_) => return None,
        };
        let [word] = words else { return None };
        let stem = format!("{mark}{}:", self.stems.of(word)?);
        // If an index cannot be read, the search of it reports the error.
        let forms = self.forms(&stem).ok()?;
        let forms = forms.into_iter().filter(|form| form[stem.len()..] != *word).map(|form| {
            let term = Term::from_field_text(self.fields.stems, &form);
            let query = TermQuery::new(term, IndexRecordOption::Basic);
            filter(Box::new(query))
        });
        let mut forms: Vec<Condition> = forms.take(MOST_FORMS).collect();
        self.found.set(self.found.get() || !forms.is_empty());
        match forms.len() {
            0 => None,
            1 => forms.pop(),
            _ => Some(Box::new(BooleanQuery::union(forms))),
        }
    }

    /// Returns the terms of all indexes that begin with a stem. `stem` ends with a colon.
    fn forms(&self, stem: &str) -> tantivy::Result<BTreeSet<String>> {
        let behind = format!("{};", &stem[..stem.len() - 1]);
        let mut forms = BTreeSet::new();
        for segment in self.searchers.iter().flat_map(Searcher::segment_readers) {
            let inverted = segment.inverted_index(self.fields.stems)?;
            let mut terms = inverted.terms().range().ge(stem).lt(&behind).into_stream()?;
            while terms.advance() {
                forms.extend(std::str::from_utf8(terms.key()).ok().map(str::to_owned));
            }
        }
        Ok(forms)
    }

    fn fuzzy(&self, field: Option<F>, text: &str, distance: u8) -> Condition {
        let field = self.field(field);
        let words = words_of(text).into_iter().map(|word| {
            let term = Term::from_field_text(field, &word);
            (Occur::Must, Box::new(FuzzyTermQuery::new(term, distance, true)) as Condition)
        });
        Box::new(BooleanQuery::new(words.collect()))
    }

    fn starts_with(&self, field: Field, stem: &str) -> Condition {
        let first = Term::from_field_text(field, stem);
        let behind = Term::from_field_text(field, &format!("{stem}{}", char::MAX));
        Box::new(InvertedIndexRangeQuery::new(Edge::Included(first), Edge::Excluded(behind)))
    }

    fn prefix(&self, field: Option<F>, text: &str) -> Condition {
        let field = self.field(field);
        let mut words = words_of(text);
        match words.len() {
            0 => Box::new(EmptyQuery),
            1 => self.starts_with(field, &words.remove(0)),
            _ => phrase_prefix(field, &words),
        }
    }

    fn phrase(&self, field: Option<F>, text: &str, slop: u32, prefix: bool) -> Condition {
        let words = words_of(text);
        if prefix && !words.is_empty() {
            return self.prefix(field, text);
        }
        if words.len() < 2 {
            return self.word(field, text);
        }
        self.terms(self.field(field), &words, slop)
    }

    /// The longest run of leading words that occurs together in some document belongs to the field. The remaining words may occur anywhere.
    fn run(&self, field: F, words: &[String]) -> tantivy::Result<Condition> {
        for together in (2..=words.len()).rev() {
            let phrase = self.phrase(Some(field), &words[..together].join(" "), 0, false);
            let mut known = false;
            for searcher in self.searchers {
                known = known || searcher.search(&phrase, &tantivy::collector::Count)? > 0;
            }
            if known {
                return Ok(self.with_rest(phrase, &words[together..]));
            }
        }
        Ok(self.with_rest(self.word(Some(field), &words[0]), &words[1..]))
    }

    fn with_rest(&self, first: Condition, rest: &[String]) -> Condition {
        let rest = rest.iter().map(|word| self.word(None, word));
        Box::new(BooleanQuery::intersection(std::iter::once(first).chain(rest).collect()))
    }

    fn range(&self, field: F, low: Bound, high: Bound) -> Condition {
        let of = self.fields.of(field);
        if field.is() == FieldType::Number {
            let edge = |bound: Bound| match bound {
                Bound::Open => Edge::Unbounded,
                Bound::At(value) => Edge::Included(Term::from_field_f64(of, value)),
                Bound::Past(value) => Edge::Excluded(Term::from_field_f64(of, value)),
            };
            return match (edge(low), edge(high)) {
                (Edge::Unbounded, Edge::Unbounded) => Box::new(AllQuery),
                (low, high) => Box::new(RangeQuery::new(low, high)),
            };
        }
        // The values have no sign: the query language has no negative counts.
        let term = |value: f64| Term::from_field_u64(of, value.clamp(0.0, u64::MAX as f64) as u64);
        let edge = |bound: Bound| match bound {
            Bound::Open => Edge::Unbounded,
            Bound::At(value) => Edge::Included(term(value)),
            Bound::Past(value) => Edge::Excluded(term(value)),
        };
        match (low, high) {
            (Bound::Open, Bound::Open) => Box::new(AllQuery),
            (Bound::At(a), Bound::At(b)) if a == b => {
                Box::new(TermQuery::new(term(a), IndexRecordOption::Basic))
            }
            _ => Box::new(RangeQuery::new(edge(low), edge(high))),
        }
    }

    fn residues(&self, residues: &str) -> Condition {
        let field = self.fields.of(F::Sequence);
        let triples = (0..residues.len().saturating_sub(2)).filter_map(|at| residues.get(at..at + 3));
        let terms: Vec<Term> = triples.map(|triple| Term::from_field_text(field, triple)).collect();
        match terms.as_slice() {
            [one] => Box::new(TermQuery::new(one.clone(), IndexRecordOption::Basic)),
            [] => Box::new(EmptyQuery),
            _ => Box::new(PhraseQuery::new(terms)),
        }
    }
}

fn phrase_prefix(field: Field, words: &[String]) -> Condition {
    let terms = words.iter().map(|word| Term::from_field_text(field, word)).collect();
    let mut query = PhrasePrefixQuery::new(terms);
    query.set_max_expansions(EXPANSIONS);
    Box::new(query)
}

/// Wraps a condition so that it filters hits but does not change their scores.
fn filter(condition: Condition) -> Condition {
    Box::new(ConstScoreQuery::new(condition, 0.0))
}

/// Whether hits can be ranked, that is, whether the query has words.
pub(super) fn ranks(node: &Node) -> bool {
    match node {
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().any(ranks),
        Node::Word(..) | Node::Fuzzy(..) | Node::Prefix(..) | Node::Phrase { .. } | Node::Run(..) => true,
        _ => false,
    }
}

/// Returns the words of a query as they are in the index, to show where they occur. Words after `NOT` are left out.
pub fn words(node: &Node) -> Vec<String> {
    match node {
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().flat_map(words).collect(),
        Node::Word(_, text) | Node::Fuzzy(_, text, _) | Node::Phrase { text, .. } => words_of(text),
        Node::Run(_, all) => all.iter().flat_map(|word| words_of(word)).collect(),
        Node::Prefix(_, text) => words_of(text).into_iter().map(|word| word + "*").collect(),
        Node::Is(query::Field::Id | query::Field::Ligand | query::Field::Uniprot, value) => {
            vec![value.clone()]
        }
        _ => Vec::new(),
    }
}
