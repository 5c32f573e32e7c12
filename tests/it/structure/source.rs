//! Finds the paths that a source file names, by its tokens: comments, strings and tests do not count, macros do.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// A path such as `crate::model::job::Job` or `std::fs::read`, and where it stands.
#[derive(Debug, PartialEq)]
pub(crate) struct Reference {
    /// From 1.
    pub(crate) line: usize,
    /// With `super::` resolved and groups of `use` unfolded.
    pub(crate) path: String,
    /// Whether `()` follows at once.
    pub(crate) call: bool,
    /// Whether it stands in a `pub use`, which gives the item another path.
    pub(crate) reexport: bool,
}

/// Every path of a file below `src/`, apart from those in `#[cfg(test)]` items and in files of tests.
pub(crate) fn references(file: &str, text: &str) -> Vec<Reference> {
    let stem = file.trim_end_matches(".rs").trim_end_matches("/mod");
    let module: Vec<_> = stem.split('/').map(str::to_owned).collect();
    if module.iter().any(|part| part == "tests") {
        return Vec::new();
    }
    let tokens: TokenStream = text.parse().unwrap_or_else(|e| panic!("{file} is not Rust: {e}"));
    let mut found = Vec::new();
    walk(tokens, &module, &mut found);
    found
}

fn walk(tokens: TokenStream, module: &[String], found: &mut Vec<Reference>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if is_cfg_test(&tokens[at..]) {
            at = after_item(&tokens, at + 2);
            continue;
        }
        match &tokens[at] {
            TokenTree::Ident(word) if *word == "mod" => {
                // `mod name { … }`: one module deeper, for `super`.
                if let [TokenTree::Ident(name), TokenTree::Group(body), ..] = &tokens[at + 1..] {
                    let inner: Vec<_> = module.iter().cloned().chain([name.to_string()]).collect();
                    walk(body.stream(), &inner, found);
                    at += 3;
                    continue;
                }
                at += 1;
            }
            // Whoever may see an item is not imported by it: `pub(in crate::sync)`.
            TokenTree::Ident(word) if *word == "pub" => {
                at += 1 + usize::from(is_restriction(&tokens[at + 1..]));
                if matches!(tokens.get(at), Some(TokenTree::Ident(word)) if *word == "use") {
                    let before = found.len();
                    at = path(&tokens, at + 1, "", module, found);
                    found[before..].iter_mut().for_each(|reference| reference.reexport = true);
                }
            }
            TokenTree::Ident(_) => at = path(&tokens, at, "", module, found),
            TokenTree::Group(group) => {
                walk(group.stream(), module, found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Reads `a::b::c` or `a::{b, c::d}` from `at`, behind `prefix`; returns where it ends.
fn path(
    tokens: &[TokenTree],
    mut at: usize,
    prefix: &str,
    module: &[String],
    found: &mut Vec<Reference>,
) -> usize {
    let line = tokens[at].span().start().line;
    let mut text = prefix.to_owned();
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        text.push_str(&word.to_string());
        at += 1;
        if !is_colons(&tokens[at..]) {
            break;
        }
        at += 2;
        text.push_str("::");
        if let Some(TokenTree::Group(group)) = tokens.get(at) {
            if group.delimiter() == Delimiter::Brace {
                let inner: Vec<_> = group.stream().into_iter().collect();
                let mut i = 0;
                while i < inner.len() {
                    i = match &inner[i] {
                        TokenTree::Ident(word) if *word != "as" => path(&inner, i, &text, module, found),
                        TokenTree::Ident(_) => i + 2,
                        _ => i + 1,
                    };
                }
                return at + 1;
            }
            break;
        }
    }
    let call = matches!(tokens.get(at), Some(TokenTree::Group(g))
        if g.delimiter() == Delimiter::Parenthesis && g.stream().is_empty());
    let path = resolve(text.trim_end_matches("::"), module);
    if path.contains("::") || call {
        found.push(Reference { line, path, call, reexport: false });
    }
    at
}

/// `super::super::x` in `crate::a::b` is `crate::x`.
fn resolve(path: &str, module: &[String]) -> String {
    let mut up = 0;
    let mut rest = path.strip_prefix("self::").unwrap_or(path);
    while let Some(shorter) = rest.strip_prefix("super::") {
        (up, rest) = (up + 1, shorter);
    }
    if up == 0 {
        return path.to_owned();
    }
    let kept = &module[..module.len().saturating_sub(up)];
    let parts: Vec<_> = ["crate"].into_iter().chain(kept.iter().map(String::as_str)).chain([rest]).collect();
    parts.join("::")
}

fn is_colons(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(a), TokenTree::Punct(b), ..]
        if a.as_char() == ':' && a.spacing() == Spacing::Joint && b.as_char() == ':')
}

/// `(crate)`, `(super)` or `(in crate::sync)` after `pub`.
fn is_restriction(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Group(group), TokenTree::Ident(_), ..]
        if group.delimiter() == Delimiter::Parenthesis)
}

fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(hash), TokenTree::Group(attribute), ..]
        if hash.as_char() == '#' && attribute.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// The item ends with its body in braces or with a semicolon.
fn after_item(tokens: &[TokenTree], from: usize) -> usize {
    let end = tokens[from..].iter().position(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(p) => p.as_char() == ';',
        _ => false,
    });
    end.map_or(tokens.len(), |end| from + end + 1)
}
