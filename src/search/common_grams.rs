//! Pairs of words that are frequent in the archive are terms of their own. To find out whether two words that occur in many entries stand
//! side by side, tantivy would have to read all their positions.

use tantivy::tokenizer::{Token, TokenFilter, TokenStream, Tokenizer};

/// Words that occur in more than about a thirtieth of the archive's entries. Sorted.
const FREQUENT: [&str; 66] = [
    "a",
    "acid",
    "activity",
    "an",
    "and",
    "based",
    "binding",
    "bound",
    "by",
    "c",
    "cell",
    "coli",
    "complex",
    "complexed",
    "complexes",
    "crystal",
    "diffraction",
    "dna",
    "domain",
    "electron",
    "enzyme",
    "escherichia",
    "factor",
    "for",
    "from",
    "function",
    "homo",
    "human",
    "hydrolase",
    "i",
    "ii",
    "in",
    "inhibitor",
    "inhibitors",
    "is",
    "kinase",
    "ligand",
    "mechanism",
    "microscopy",
    "molecular",
    "mutant",
    "n",
    "nmr",
    "of",
    "on",
    "protein",
    "proteins",
    "ray",
    "receptor",
    "recognition",
    "resolution",
    "rna",
    "sapiens",
    "site",
    "solution",
    "structural",
    "structure",
    "structures",
    "subunit",
    "terminal",
    "the",
    "to",
    "transferase",
    "virus",
    "with",
    "x",
];

/// The prefix of a pair's term. No word begins with this character.
const MARK: char = '\u{1}';

fn frequent(word: &str) -> bool {
    FREQUENT.binary_search(&word).is_ok()
}

/// Returns the term of two adjacent words; `None` if they are not both frequent.
pub(super) fn pair(first: &str, second: &str) -> Option<String> {
    (frequent(first) && frequent(second)).then(|| format!("{MARK}{first} {second}"))
}

/// A token filter that adds the pairs, each at the position of its first word.
#[derive(Debug, Clone)]
pub(super) struct CommonGrams;

#[derive(Debug, Clone)]
pub(super) struct WithCommonGrams<T>(T);

pub(super) struct CommonGramsOf<S> {
    words: S,
    pair: Token,
    /// Whether the pair is the current token.
    shown: bool,
    /// The previous word and its position, if it is a frequent word.
    before: Option<(String, usize)>,
}

impl TokenFilter for CommonGrams {
    type Tokenizer<T: Tokenizer> = WithCommonGrams<T>;

    fn transform<T: Tokenizer>(self, tokenizer: T) -> WithCommonGrams<T> {
        WithCommonGrams(tokenizer)
    }
}

impl<T: Tokenizer> Tokenizer for WithCommonGrams<T> {
    type TokenStream<'a> = CommonGramsOf<T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> CommonGramsOf<T::TokenStream<'a>> {
        CommonGramsOf { words: self.0.token_stream(text), pair: Token::default(), shown: false, before: None }
    }
}

impl<S: TokenStream> TokenStream for CommonGramsOf<S> {
    fn advance(&mut self) -> bool {
        if self.shown {
            // The word that ended the pair comes after the pair.
            self.shown = false;
            return true;
        }
        if !self.words.advance() {
            return false;
        }
        let word = self.words.token();
        let before = self.before.take();
        if frequent(&word.text) {
            if let Some((first, place)) = before.filter(|(_, place)| place + 1 == word.position)
                && let Some(text) = pair(&first, &word.text)
            {
                self.pair = Token { text, position: place, ..word.clone() };
                self.shown = true;
            }
            self.before = Some((word.text.clone(), word.position));
        }
        true
    }

    fn token(&self) -> &Token {
        if self.shown { &self.pair } else { self.words.token() }
    }

    fn token_mut(&mut self) -> &mut Token {
        if self.shown { &mut self.pair } else { self.words.token_mut() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tantivy::tokenizer::{SimpleTokenizer, TextAnalyzer};

    #[test]
    fn frequent_words_side_by_side_are_a_term_at_the_place_of_the_first() {
        assert!(FREQUENT.is_sorted());
        let mut analyzer = TextAnalyzer::builder(SimpleTokenizer::default()).filter(CommonGrams).build();
        let mut stream = analyzer.token_stream("crystal structure of lysozyme in complex");
        let mut terms = Vec::new();
        while stream.advance() {
            terms.push((stream.token().position, stream.token().text.clone()));
        }
        terms.sort();
        let expected = [
            (0, "\u{1}crystal structure"),
            (0, "crystal"),
            (1, "\u{1}structure of"),
            (1, "structure"),
            (2, "of"),
            (3, "lysozyme"),
            (4, "\u{1}in complex"),
            (4, "in"),
            (5, "complex"),
        ];
        assert_eq!(terms, expected.map(|(place, text)| (place, text.to_owned())));
    }
}
