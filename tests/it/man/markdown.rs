//! Hand-written sections of man pages: Markdown, which web sites show, to roff. What it does not know is an error.

use super::{escaped, literal};

/// The body of a page from `man/extra/NAME.SECTION.md`, whose first line names the page.
pub(super) fn roff(markdown: &str, page: &str) -> String {
    let mut lines = markdown.lines().peekable();
    assert_eq!(lines.next(), Some(format!("# {page}").as_str()), "the first line names the page");
    let mut out = String::new();
    // After a heading, a paragraph needs no request of its own.
    let mut fresh = true;
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        if let Some(heading) = line.strip_prefix("## ") {
            out.push_str(&format!(".SH {}\n", escaped(&heading.to_uppercase())));
            fresh = true;
            continue;
        }
        if let Some(language) = line.strip_prefix("```") {
            assert!(!language.is_empty(), "{page}: a fence without a language");
            paragraph(&mut out, fresh);
            out.push_str(".nf\n");
            for shown in lines.by_ref().take_while(|line| *line != "```") {
                let text = format!("    {shown}");
                out.push_str(&format!("{}\n", literal(text.trim_end())));
            }
            out.push_str(".fi\n");
        } else if line.starts_with('|') {
            let rows: Vec<&str> =
                std::iter::from_fn(|| lines.next_if(|line| line.starts_with('|'))).collect();
            assert!(rows[0].starts_with("|---"), "{page}: a table without a head: {line}");
            table(&rows[1..], page, fresh, &mut out);
        } else {
            let more = std::iter::from_fn(|| lines.next_if(|line| !line.is_empty() && !starts_item(line)));
            let text = std::iter::once(line).chain(more).map(str::trim).collect::<Vec<_>>().join(" ");
            match item(line) {
                Some((mark, width)) => {
                    out.push_str(&format!(".IP {mark}\n{}\n", inline(text[width..].trim_start(), page)));
                }
                None => {
                    paragraph(&mut out, fresh);
                    out.push_str(&format!("{}\n", inline(&text, page)));
                }
            }
        }
        fresh = false;
    }
    out
}

fn paragraph(out: &mut String, fresh: bool) {
    if !fresh {
        out.push_str(".PP\n");
    }
}

fn starts_item(line: &str) -> bool {
    item(line).is_some()
}

/// What stands before an item of a list, and how many bytes of the line that takes.
fn item(line: &str) -> Option<(String, usize)> {
    if line.starts_with("- ") {
        return Some(("\\(bu 3".into(), 2));
    }
    let (number, _) = line.split_once(". ")?;
    number.bytes().all(|b| b.is_ascii_digit()).then(|| (format!("{number}. 4"), number.len() + 1))
}

/// A table of two columns: the first is the term, the second its description.
fn table(rows: &[&str], page: &str, fresh: bool, out: &mut String) {
    const LONGEST_TERM: usize = 60;
    let rows: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| {
            let cells = row.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")?.split_once(" | "));
            cells.filter(|(_, text)| !text.contains(" | ")).unwrap_or_else(|| panic!("{page}: {row}"))
        })
        .collect();
    let long = rows.iter().any(|(term, _)| term.len() > LONGEST_TERM);
    for (n, (term, text)) in rows.into_iter().enumerate() {
        let (term, text) = (inline(term, page), inline(text, page));
        if long {
            paragraph(out, fresh && n == 0);
            out.push_str(&format!("{term}\n.RS 4\n{text}\n.RE\n"));
        } else {
            out.push_str(&format!(".TP\n{term}\n{text}\n"));
        }
    }
}

/// `code` becomes bold; the rest is up to the caller.
pub(super) fn code(text: &str, other: impl Fn(&str) -> String) -> String {
    assert!(text.matches('`').count().is_multiple_of(2), "a backtick without its pair in {text}");
    let part = |(n, part): (usize, &str)| {
        if n % 2 == 1 { format!("\\fB{}\\fR", literal(part)) } else { other(part) }
    };
    text.split('`').enumerate().map(part).collect()
}

/// `code` becomes bold, *emphasis* italic.
fn inline(text: &str, page: &str) -> String {
    let italic = |(n, part): (usize, &str)| {
        if n % 2 == 1 { format!("\\fI{}\\fR", escaped(part)) } else { escaped(part) }
    };
    let out = code(text, |part| {
        assert!(!part.contains("]("), "{page}: a link in {text}");
        part.split('*').enumerate().map(italic).collect()
    });
    assert!(out.is_ascii(), "{page}: characters that a terminal may not have in {text}");
    if out.starts_with(['.', '\'']) { format!("\\&{out}") } else { out }
}

#[test]
fn markdown_becomes_roff() {
    let text = "# p(1)\n\n## One two\n\nA `-b` and *c*,\nin two lines.\n\n1. first\n   more\n2. `x`(1)\n\n```sh\na 'b' \\\n\n  -c\n```\n\n\
                | Key | Meaning |\n|---|---|\n| `k` | It's. |\n";
    let roff = roff(text, "p(1)");
    let wanted = ".SH ONE TWO\nA \\fB\\-b\\fR and \\fIc\\fR, in two lines.\n.IP 1. 4\nfirst more\n.IP 2. 4\n\\fBx\\fR(1)\n.PP\n.nf\n    \
                  a \\(aqb\\(aq \\e\n\n      \\-c\n.fi\n.TP\n\\fBk\\fR\nIt's.\n";
    assert_eq!(roff, wanted);
}
