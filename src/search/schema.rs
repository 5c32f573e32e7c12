//! The fields of the index, and how an entry becomes a document.

use super::hit::shown;
use super::pairs::Pairs;
use crate::entry::{Entry, Kind};
use crate::query::{self, Is};
use tantivy::TantivyDocument;
use tantivy::schema::{
    BytesOptions, FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing,
    TextOptions,
};
use tantivy::tokenizer::{
    AsciiFoldingFilter, LowerCaser, RemoveLongFilter, SimpleTokenizer, TextAnalyzer, TextAnalyzerBuilder,
    Token, TokenStream, Tokenizer, TokenizerManager,
};

/// Of this file's doing: an index of another version is built anew.
pub(super) const VERSION: u32 = 3;

/// Words of any text.
const WORDS: &str = "words";
/// Three residues at a time.
const RESIDUES: &str = "residues";
/// The column of scientific names.
pub(super) const SPECIES: &str = "_species";
/// The column of keys.
pub(super) const KEY: &str = "_key";
/// So often a title is among all words: that makes its words count more than others, and leaves one term to look up for each word.
const TITLE: usize = 3;
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
    /// A number made from `kind:id`, by which hits of several indexes are one.
    pub(super) key: Field,
    /// The names of the fields that have a value.
    pub(super) has: Field,
    /// [`Shown`](crate::shown::Shown) as JSON.
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
                Is::Text => schema.add_text_field(name, text()),
                Is::Word | Is::Id | Is::Method => schema.add_text_field(name, STRING | FAST),
                Is::Number => schema.add_f64_field(name, FAST),
                Is::Count | Is::Date => schema.add_u64_field(name, INDEXED | FAST),
                Is::Sequence => {
                    let options = TextFieldIndexing::default().set_tokenizer(RESIDUES);
                    let options = options.set_index_option(IndexRecordOption::WithFreqsAndPositions);
                    schema.add_text_field(name, TextOptions::default().set_indexing_options(options))
                }
            });
        }
        let all = schema.add_text_field("_all", text());
        let file = schema.add_bytes_field("_file", BytesOptions::default().set_indexed());
        let key = schema.add_u64_field(KEY, FAST);
        let species = schema.add_text_field(SPECIES, TextOptions::default().set_fast("raw"));
        let has = schema.add_text_field("_has", STRING);
        let shown = schema.add_text_field("_shown", STORED);
        Fields { schema: schema.build(), queried, all, file, species, key, has, shown }
    }

    /// The index's field for one of the query language.
    pub(super) fn of(&self, field: query::Field) -> Field {
        // Made from the same list, in the same order.
        let at = query::Field::ALL.iter().position(|known| *known == field).unwrap_or_default();
        self.queried[at]
    }

    /// The document of an entry in the file `path`.
    pub(super) fn document(&self, entry: &Entry, path: &[u8]) -> TantivyDocument {
        let mut page = PageOf { fields: self, document: TantivyDocument::default() };
        page.fill(entry, path);
        page.document
    }
}

/// How words are told apart; registered with every index.
pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(WORDS, analyzer().filter(Pairs).build());
    manager.register(RESIDUES, Triples::default());
    manager
}

fn analyzer() -> TextAnalyzerBuilder<impl Tokenizer> {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(LONGEST_WORD))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
}

/// What tells an entry from others, in whatever index it is: a number is found for a document in no time, a text is not.
fn key(kind: &str, id: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(format!("{kind}:{id}").as_bytes()).as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
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

struct PageOf<'f> {
    fields: &'f Fields,
    document: TantivyDocument,
}

impl PageOf<'_> {
    fn fill(&mut self, entry: &Entry, path: &[u8]) {
        use query::Field as F;
        self.document.add_bytes(self.fields.file, path);
        let name = String::from_utf8_lossy(path);
        self.text(F::Path, &name);
        self.word(F::Kind, entry.kind.word());
        self.word(F::Status, if entry.error.is_some() { "error" } else { "ok" });
        if let Some(id) = &entry.id {
            self.word(F::Id, id);
            self.anywhere(id);
            if entry.error.is_none() {
                self.document.add_u64(self.fields.key, key(entry.kind.word(), id));
            }
        }
        for (field, values) in [
            (F::Title, entry.title.as_slice()),
            (F::Keywords, &entry.keywords),
            (F::Molecule, &entry.molecules),
            (F::Organism, &entry.organisms),
            (F::Author, &entry.authors),
            (F::Journal, entry.citation.journal.as_slice()),
            (F::Article, entry.citation.title.as_slice()),
            (F::Text, entry.text.as_slice()),
        ] {
            for value in values {
                self.text(field, value);
                self.anywhere(value);
            }
        }
        if let Some(title) = &entry.title {
            (1..TITLE).for_each(|_| self.anywhere(title));
        }
        for name in &entry.common_names {
            self.anywhere(name);
            self.text(F::Organism, name);
        }
        for name in &entry.organisms {
            self.document.add_text(self.fields.species, name);
        }
        for (field, values) in [
            (F::Uniprot, entry.uniprot.as_slice()),
            (F::Enzyme, &entry.enzymes),
            (F::Method, &entry.methods),
            (F::Polymer, &entry.polymers),
            (F::SpaceGroup, entry.space_group.as_slice()),
            (F::Doi, entry.citation.doi.as_slice()),
        ] {
            for value in values {
                self.word(field, value);
                self.anywhere(value);
            }
        }
        for ligand in &entry.ligands {
            self.word(F::Ligand, &ligand.code);
            self.anywhere(&ligand.code);
            if let Some(name) = &ligand.name {
                self.text(F::LigandName, name);
                self.anywhere(name);
            }
        }
        if let Some(formula) = &entry.formula {
            self.anywhere(formula);
        }
        for sequence in &entry.sequences {
            self.document.add_text(self.fields.of(F::Sequence), sequence);
            self.has(F::Sequence);
        }
        if let Some(error) = &entry.error {
            self.text(F::Error, error);
            self.anywhere(error);
        }
        if entry.kind == Kind::Text || entry.kind == Kind::Name || entry.error.is_some() {
            self.anywhere(&name);
        }
        self.numbers(entry);
        let shown = shown(entry, path);
        if let Ok(json) = serde_json::to_string(&shown) {
            self.document.add_text(self.fields.shown, json);
        }
    }

    fn numbers(&mut self, entry: &Entry) {
        use query::Field as F;
        for (field, value) in [(F::Resolution, entry.resolution), (F::Weight, entry.weight)] {
            if let Some(value) = value {
                self.document.add_f64(self.fields.of(field), value);
                self.has(field);
            }
        }
        let day = |date: Option<crate::entry::Date>| date.map(|date| u64::from(date.number()));
        for (field, value) in [
            (F::Published, entry.citation.year),
            (F::Pubmed, entry.citation.pubmed),
            (F::Released, day(entry.released)),
            (F::Year, entry.released.map(|date| u64::from(date.year()))),
            (F::Deposited, day(entry.deposited)),
            (F::Revised, day(entry.revised)),
            (F::Chains, entry.chains),
            (F::Residues, entry.residues),
            (F::Atoms, entry.atoms),
        ] {
            if let Some(value) = value {
                self.document.add_u64(self.fields.of(field), value);
                self.has(field);
            }
        }
        for number in &entry.taxonomy {
            self.document.add_u64(self.fields.of(F::Taxonomy), *number);
            self.has(F::Taxonomy);
        }
    }

    fn text(&mut self, field: query::Field, value: &str) {
        self.document.add_text(self.fields.of(field), value);
        self.has(field);
    }

    fn word(&mut self, field: query::Field, value: &str) {
        self.document.add_text(self.fields.of(field), value.to_lowercase());
        self.has(field);
    }

    fn anywhere(&mut self, value: &str) {
        self.document.add_text(self.fields.all, value);
    }

    fn has(&mut self, field: query::Field) {
        self.document.add_text(self.fields.has, field.name());
    }
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
