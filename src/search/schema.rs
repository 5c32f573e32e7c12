//! The fields of the index, and the tokenizers.

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

/// The version of the schema. An index of another version is rebuilt.
pub const VERSION: u32 = 8;

/// The tokenizer for words of any text.
const WORDS: &str = "words";
/// The tokenizer for stems, separated by blanks.
const STEMS: &str = "stems";
/// The tokenizer for sequences: three residues per token.
const RESIDUES: &str = "residues";
/// The column of scientific names.
pub(super) const SPECIES: &str = "_species";
/// The column of keys.
pub(super) const KEY: &str = "_key";
/// The maximum length of a word. Nobody types longer words.
const LONGEST_WORD: usize = 64;

/// The fields of the index. Each field of the query language has a field of the same name here; the others are internal.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) schema: Schema,
    queried: Vec<Field>,
    /// All words of an entry's header, for words without a field.
    pub(super) all: Field,
    /// The path relative to the root, as bytes. It identifies the documents of a file.
    pub(super) file: Field,
    /// Complete scientific names, for the facet. `organism` has their words.
    pub(super) species: Field,
    /// The key of the entry, see [`super::entry_key`].
    pub(super) key: Field,
    /// Words of titles and keywords with their stems: each once without a mark, then with `t:` for titles and with `k:` for keywords.
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

    /// Returns the field of the index for a field of the query language.
    pub(super) fn of(&self, field: query::Field) -> Field {
        // Both were made from the same list, in the same order.
        let at = query::Field::ALL.iter().position(|known| *known == field).unwrap_or_default();
        self.queried[at]
    }
}

/// Whether the values of a field are counted as facets or used to sort hits.
fn counted(field: query::Field) -> bool {
    use query::Field as F;
    matches!(field, F::Id | F::Method | F::Kind | F::Polymer | F::Ligand | F::Status)
}

/// Returns the tokenizers, which are registered with every index.
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

/// Returns the words of a text as they are in the index.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let mut analyzer = analyzer().build();
    let mut stream = analyzer.token_stream(text);
    let mut words = Vec::new();
    while stream.advance() {
        words.push(stream.token().text.clone());
    }
    words
}

/// A tokenizer that returns every three consecutive letters, each with its position, so that a run of residues is a phrase.
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
