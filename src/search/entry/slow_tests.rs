//! Compares the tokenizer with a slow one, and reading in chunks with reading at once.

use super::tests::{inflated, pieces};
use super::*;
use proptest::prelude::*;

/// A second implementation of the grammar, one character at a time.
pub(super) fn slow(bytes: &[u8]) -> Vec<(u8, Option<Vec<u8>>)> {
    let blank = |b: u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0c | 0);
    let mut found = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let b = bytes[i];
        if blank(b) {
            i += 1;
        } else if b == b'#' {
            while i < bytes.len() && bytes[i] != b'\n' {
                i += 1;
            }
        } else if b == b';' && (i == 0 || bytes[i - 1] == b'\n') {
            let mut text = Vec::new();
            i += 1;
            while i < bytes.len() && !(bytes[i] == b'\n' && bytes.get(i + 1) == Some(&b';')) {
                text.push(bytes[i]);
                i += 1;
            }
            if i < bytes.len() && text.last() == Some(&b'\r') {
                text.pop();
            }
            i += 2;
            found.push((b'v', Some(text)));
        } else if b == b'\'' || b == b'"' {
            let mut text = Vec::new();
            i += 1;
            let mut closed = false;
            while i < bytes.len() && bytes[i] != b'\n' {
                if bytes[i] == b && bytes.get(i + 1).is_none_or(|next| blank(*next)) {
                    closed = true;
                    i += 1;
                    break;
                }
                text.push(bytes[i]);
                i += 1;
            }
            if !closed && text.last() == Some(&b'\r') {
                text.pop();
            }
            found.push((b'v', Some(text)));
        } else {
            let mut word = Vec::new();
            while i < bytes.len() && !blank(bytes[i]) {
                word.push(bytes[i]);
                i += 1;
            }
            let lower = word.to_ascii_lowercase();
            found.push(if word[0] == b'_' {
                (b'n', Some(word))
            } else if lower == b"loop_" {
                (b'l', None)
            } else if lower.starts_with(b"data_") {
                (b'd', Some(word[5..].to_vec()))
            } else if lower.starts_with(b"save_") {
                (b's', Some(word[5..].to_vec()))
            } else if word == b"?" || word == b"." {
                (b'v', None)
            } else {
                (b'v', Some(word))
            });
        }
    }
    found
}

fn fast(bytes: &[u8]) -> Vec<(u8, Option<Vec<u8>>)> {
    let named = |token| match token {
        Token::Data(name) => (b'd', Some(name.to_vec())),
        Token::Save(name) => (b's', Some(name.to_vec())),
        Token::Loop => (b'l', None),
        Token::Name(name) => (b'n', Some(name.to_vec())),
        Token::Value(value) => (b'v', value.map(<[u8]>::to_vec)),
    };
    Tokens::new(bytes).map(named).collect()
}

fn stops(bytes: &[u8], chunk: usize) -> Vec<(Stop, Vec<u8>)> {
    let mut page = HeaderReader::new(bytes, CAP).by(chunk);
    let mut found = Vec::new();
    loop {
        let stop = page.next_stop().unwrap();
        found.push((stop, page.kept().to_vec()));
        match stop {
            Stop::Bulk => page.skip_bulk().unwrap(),
            Stop::Block => page.next_block(),
            Stop::End => return found,
        }
    }
}

/// Skips `word` tokens. Returns the next token that is not a value, the token after it, and whether something was unterminated.
fn behind(bytes: &[u8], word: usize, fast: bool) -> (Option<Token<'_>>, Option<Token<'_>>, bool) {
    let mut tokens = Tokens::new(bytes);
    for _ in 0..word {
        tokens.next();
    }
    let next = if fast {
        tokens.behind_values()
    } else {
        tokens.by_ref().find(|token| !matches!(token, Token::Value(_)))
    };
    (next, tokens.next(), tokens.unterminated)
}

/// Returns what follows the table of atoms at the beginning of `bytes`; a second implementation, line by line.
fn slow_bulk(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    let mut in_text = false;
    while !rest.is_empty() {
        let line = rest.split(|byte| *byte == b'\n').next().unwrap().to_ascii_lowercase();
        let bulk = line.starts_with(b"_atom_site") || line.starts_with(b"_refln.");
        let ends =
            [&b"#"[..], b"_", b"loop_", b"data_", b"save_"].iter().any(|start| line.starts_with(start));
        if line.starts_with(b";") {
            in_text = !in_text;
        } else if ends && !bulk && !in_text {
            break;
        }
        rest = &rest[rest.len().min(line.len() + 1)..];
    }
    rest
}

#[test]
fn real_files_have_the_words_that_the_slow_reader_finds() {
    for id in ["1a8o", "1pfe", "3dg1", "5i55"] {
        let plain = inflated(id);
        assert!(fast(&plain) == slow(&plain), "{id}");
        for word in (0..slow(&plain).len()).step_by(997) {
            assert_eq!(behind(&plain, word, true), behind(&plain, word, false), "{id}, behind {word} words");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_have_the_words_that_the_slow_reader_finds(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(fast(&bytes), slow(&bytes));
    }

    #[test]
    fn nasty_pieces_too(bytes in pieces()) {
        prop_assert_eq!(fast(&bytes), slow(&bytes));
    }

    #[test]
    fn where_chunks_end_changes_nothing(bytes in pieces(), chunk in 1usize..20) {
        prop_assert_eq!(stops(&bytes, chunk), stops(&bytes, 1 << 20));
    }

    #[test]
    fn values_are_passed_by_as_if_each_were_looked_at(bytes in pieces()) {
        for word in 0..=slow(&bytes).len() {
            prop_assert_eq!(behind(&bytes, word, true), behind(&bytes, word, false), "behind {} words", word);
        }
    }

    #[test]
    fn bulk_ends_where_its_lines_say(bytes in pieces(), chunk in 1usize..20) {
        let file = [b"_atom_site.a\n", &bytes[..]].concat();
        let mut page = HeaderReader::new(&file[..], CAP).by(chunk);
        prop_assert_eq!(page.next_stop().unwrap(), Stop::Bulk);
        page.skip_bulk().unwrap();
        let mut left = Vec::new();
        loop {
            let stop = page.next_stop().unwrap();
            left.extend_from_slice(page.kept());
            match stop {
                Stop::End => break,
                Stop::Block => page.next_block(),
                // Only the first table is skipped.
                Stop::Bulk => return Ok(()),
            }
        }
        prop_assert_eq!(left.as_slice(), slow_bulk(&file));
    }
}
