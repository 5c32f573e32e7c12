//! The fields of the index, and how words are told apart.

use super::common_grams::CommonGrams;
use crate::search::query::{self, FieldType};
use tantivy::schema::{
    BytesOptions, FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing,
    TextOptions,
};
use tantivy::tokenizer::{
    AsciiFoldingFilter, LowerCaser, RemoveLongFilter, SimpleTokenizer, TextAnalyzer, TextAnalyzerBuilder,
    Token, TokenStream, Tokenizer, TokenizerManager, WhitespaceTokenizer,
};

/// Of this file's doing: an index of another version is built anew.
pub(super) const VERSION: u32 = 5;

/// Words of any text.
const WORDS: &str = "words";
/// Stems, separated by blanks.
const STEMS: &str = "stems";
/// Three residues at a time.
const RESIDUES: &str = "residues";
/// The column of scientific names.
pub(super) const SPECIES: &str = "_species";
/// The column of keys.
pub(super) const KEY: &str = "_key";
/// Longer words are nobody's to type.
const LONGEST_WORD: usize = 64;

/// The fields of the index. Each field of the query language is one of the same name; the others are ours.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) schema: Schema,
    queried: Vec<Field>,
    /// All words of an entry's header, for words without a field.
    pub(super) all: Field,
    /// The path relative to the root, as bytes: what belongs to a file.
    pub(super) file: Field,
    /// Scientific names whole, for the facet: `organism` has their words.
    pub(super) species: Field,
    /// What tells its entry from others, see [`super::entry_key`].
    pub(super) key: Field,
    /// Words of titles and keywords behind their stems; once more with `t:` those of titles, with `k:` those of keywords.
    pub(super) stems: Field,
    /// The names of the fields that have a value.
    pub(super) has: Field,
    /// [`DocumentSummary`](crate::model::document_summary::DocumentSummary) as JSON.
    pub(super) shown: Field,
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let words = |positions| {
            let options = TextFieldIndexing::default().set_tokenizer(WORDS);
            TextOptions::default().set_indexing_options(options.set_index_option(positions))
        };
        let text = || words(IndexRecordOption::WithFreqsAndPositions);
        let mut queried = Vec::new();
        for field in query::Field::ALL {
            let name = field.name();
            queried.push(match field.is() {
                FieldType::Text => schema.add_text_field(name, text()),
                FieldType::Word | FieldType::Id | FieldType::Method if counted(*field) => {
                    schema.add_text_field(name, STRING | FAST)
                }
                FieldType::Word | FieldType::Id | FieldType::Method | FieldType::Cell => {
                    schema.add_text_field(name, STRING)
                }
                FieldType::Number => schema.add_f64_field(name, FAST),
                FieldType::Count | FieldType::Date => schema.add_u64_field(name, INDEXED | FAST),
                FieldType::Sequence => {
                    let options = TextFieldIndexing::default().set_tokenizer(RESIDUES);
                    let options = options.set_index_option(IndexRecordOption::WithFreqsAndPositions);
                    schema.add_text_field(name, TextOptions::default().set_indexing_options(options))
                }
            });
        }
        let all = schema.add_text_field("_all", text());
        let file = schema.add_bytes_field("_file", BytesOptions::default().set_indexed());
        let key = schema.add_u64_field(KEY, FAST);
        let stemmed = TextFieldIndexing::default().set_tokenizer(STEMS).set_fieldnorms(false);
        let stemmed = stemmed.set_index_option(IndexRecordOption::Basic);
        let stems = schema.add_text_field("_stems", TextOptions::default().set_indexing_options(stemmed));
        let species = schema.add_text_field(SPECIES, TextOptions::default().set_fast("raw"));
        let has = schema.add_text_field("_has", STRING);
        let shown = schema.add_text_field("_shown", STORED);
        Fields { schema: schema.build(), queried, all, file, species, key, stems, has, shown }
    }

    /// The index's field for one of the query language.
    pub(super) fn of(&self, field: query::Field) -> Field {
        // Made from the same list, in the same order.
        let at = query::Field::ALL.iter().position(|known| *known == field).unwrap_or_default();
        self.queried[at]
    }
}

/// Fields whose values are counted as facets, or by which hits are sorted.
fn counted(field: query::Field) -> bool {
    use query::Field as F;
    matches!(field, F::Id | F::Method | F::Kind | F::Polymer | F::Ligand | F::Status)
}

/// How words are told apart; registered with every index.
pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(WORDS, analyzer().filter(CommonGrams).build());
    manager.register(STEMS, TextAnalyzer::from(WhitespaceTokenizer::default()));
    manager.register(RESIDUES, Triples::default());
    manager
}

fn analyzer() -> TextAnalyzerBuilder<impl Tokenizer> {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(LONGEST_WORD))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
}

/// The words of a text, as the index has them.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let mut analyzer = analyzer().build();
    let mut stream = analyzer.token_stream(text);
    let mut words = Vec::new();
    while stream.advance() {
        words.push(stream.token().text.clone());
    }
    words
}

/// Every three letters in a row, each at its place, so that a run of residues is a phrase.
#[derive(Debug, Clone, Default)]
struct Triples {
    token: Token,
}

struct TriplesOf<'a> {
    text: &'a str,
    at: usize,
    token: &'a mut Token,
}

impl Tokenizer for Triples {
    type TokenStream<'a> = TriplesOf<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TriplesOf<'a> {
        self.token.reset();
        TriplesOf { text, at: 0, token: &mut self.token }
    }
}

impl TokenStream for TriplesOf<'_> {
    fn advance(&mut self) -> bool {
        // Letters of sequences are ASCII; anything else ends the run.
        let Some(triple) = self.text.get(self.at..self.at + 3) else { return false };
        self.token.text.clear();
        self.token.text.push_str(triple);
        self.token.position = self.at;
        (self.token.offset_from, self.token.offset_to) = (self.at, self.at + 3);
        self.at += 1;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
